"""What is known of the records of a database."""

from __future__ import annotations

from proctor.model.fact import Expr
from proctor.model.program import LibObj, ObjRef, Program, UnitKey


def is_record(program: Program, key: UnitKey, obj: Expr) -> bool:
    """Whether an expression of a unit may stand for a record of a database."""
    for ref in program.resolve(key, obj):
        if isinstance(ref, LibObj) and program.lives(ref.type) == "record":
            return True
        if isinstance(ref, ObjRef) and any(
            program.lives(base) == "record" for base in program.class_bases(UnitKey(ref.path, ref.number))
        ):
            return True
    return False
