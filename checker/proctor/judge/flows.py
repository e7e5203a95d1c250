"""Whether an expression of a unit is made from the result of one of its calls."""

from __future__ import annotations

import re
from collections.abc import Iterable

from proctor.judge.expressions import deep
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
    Const,
    Expr,
    Item,
    Map,
    Name,
    Op,
    Result,
    Seq,
    Star,
    Text,
    Unit,
)

_MAX_DEPTH = 8
#: how settings and variables are named
_NAMED = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")


def is_made_from(expr: Expr | None, call: int, unit: Unit, depth: int = 0) -> bool:
    """Whether the result of call event `call` is part of `expr`, directly or through names bound in the unit."""
    if expr is None or depth > _MAX_DEPTH:
        return False
    if isinstance(expr, Result) and expr.event == call:
        return True
    return any(is_made_from(part, call, unit, depth + 1) for part in _parts(expr, unit))


def asked_first(value: Expr, made: int, unit: Unit) -> str:
    """The setting that a call looks up by its name, if what the call event `made` gives is only its fallback."""
    for part in deep(unit, value):
        call = unit.events[part.event] if isinstance(part, Result) else None
        if isinstance(call, Call):
            given = (*call.args, *(value for _, value in call.keywords))
            named = next(
                (v.value for v in given if isinstance(v, Const) and _NAMED.fullmatch(str(v.value))), None
            )
            if named is not None and any(is_made_from(each, made, unit) for each in given):
                return str(named)
    return ""


def _parts(expr: Expr, unit: Unit) -> Iterable[Expr]:
    if isinstance(expr, Result):
        made = unit.events[expr.event]
        return (
            (made.func, *made.args, *(value for _, value in made.keywords)) if isinstance(made, Call) else ()
        )
    if isinstance(expr, Name):
        return [
            e.value for e in unit.events if isinstance(e, Bind) and e.name == expr.id and e.value is not None
        ]
    if isinstance(expr, Attr | Item | Await | Star):
        return (expr.value,)
    if isinstance(expr, Op):
        return expr.operands
    if isinstance(expr, Choice):
        return (expr.body, expr.orelse)
    if isinstance(expr, Seq):
        return expr.items
    if isinstance(expr, Map):
        return (*(key for key in expr.keys if key is not None), *expr.values)
    return expr.parts if isinstance(expr, Text) else ()
