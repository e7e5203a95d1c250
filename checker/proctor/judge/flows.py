"""Whether an expression of a unit is made from the result of one of its calls."""

from __future__ import annotations

from collections.abc import Iterable

from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
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


def is_made_from(expr: Expr | None, call: int, unit: Unit, depth: int = 0) -> bool:
    """Whether the result of call event `call` is part of `expr`, directly or through names bound in the unit."""
    if expr is None or depth > _MAX_DEPTH:
        return False
    if isinstance(expr, Result) and expr.event == call:
        return True
    return any(is_made_from(part, call, unit, depth + 1) for part in _parts(expr, unit))


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
