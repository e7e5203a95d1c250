"""What an event reads, and the methods by which containers change."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge import by_hand
from proctor.judge.expressions import subexpressions
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Event,
    Expr,
    Item,
    Load,
    Name,
    Return,
    SetAttr,
    SetItem,
    Yield,
    entry_name,
)

ADDING = frozenset(
    {
        "append", "appendleft", "add", "insert", "extend", "extendleft", "update", "setdefault", "put", "put_nowait",
        "intersection_update", "difference_update", "symmetric_difference_update", "subtract", "rotate", "sort", "reverse",
    }
)  # fmt: skip
REMOVING = frozenset({"remove", "discard", "pop", "popitem", "popleft", "clear"})


def read_parts(event: Event, names: set[str]) -> Iterator[Expr]:
    """The parts of what an event reads that say one of the names."""
    for source in event_sources(event):
        for part in subexpressions(source):
            name = part.id if isinstance(part, Name) else part.name if isinstance(part, Attr) else None
            if isinstance(part, Item):
                name = entry_name(part.index)
            if name in names:
                yield part


def event_sources(event: Event) -> tuple[Expr | None, ...]:
    """The expressions that an event reads, but for the container that it changes."""
    if isinstance(event, Load):
        return (event.expr,)
    if isinstance(event, Call):
        func = event.func
        changes = isinstance(func, Attr) and (func.name in ADDING or func.name in REMOVING)
        given = (*event.args, *(value for _, value in event.keywords))
        if isinstance(func, Attr) and not (changes and event.use == "statement"):
            return func.value, *given
        asked = by_hand.asked_attribute(event)
        return given if asked is None else (asked, *given)
    if isinstance(event, SetItem):
        return event.index, event.value
    if isinstance(event, Bind | SetAttr | Return | Yield):
        return (event.value,)
    return ()


def index_of(event: Event, part: Expr) -> Expr | None:
    """The key that is looked up in `part`, as far as the event says."""
    if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.value == part:
        return event.args[0] if event.func.name in ("get", "pop") and event.args else None
    for expr in subexpressions(event.expr if isinstance(event, Load) else None):
        if isinstance(expr, Item) and expr.value == part:
            return expr.index
    return None
