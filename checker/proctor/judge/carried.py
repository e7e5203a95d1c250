"""Where what was received goes inside a unit: which names hold it, and which calls are given it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proctor.judge.deeds import Deeds
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
    Comp,
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
from proctor.model.program import UnitKey

#: names of methods that only note what they are given
_NOTES = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print"})


def parts(expr: Expr | None) -> Iterator[Expr]:
    """An expression and all expressions within it."""
    if expr is None:
        return
    yield expr
    for inner in _inner(expr):
        yield from parts(inner)


def deep_parts(unit: Unit, expr: Expr | None, depth: int = 0) -> Iterator[Expr]:
    """An expression and all within it, also what the calls whose results it holds were made of."""
    for part in parts(expr):
        yield part
        if isinstance(part, Result) and depth < 4:
            event = unit.events[part.event]
            if isinstance(event, Call):
                for value in (event.func, *event.args, *(each for _, each in event.keywords)):
                    yield from deep_parts(unit, value, depth + 1)


def _inner(expr: Expr) -> Iterable[Expr | None]:
    if isinstance(expr, Attr | Star | Await):
        return (expr.value,)
    if isinstance(expr, Item):
        return (expr.value, expr.index)
    if isinstance(expr, Seq):
        return expr.items
    if isinstance(expr, Map):
        return (*expr.keys, *expr.values)
    if isinstance(expr, Text):
        return expr.parts
    if isinstance(expr, Op):
        return expr.operands
    if isinstance(expr, Choice):
        return (expr.test, expr.body, expr.orelse)
    if isinstance(expr, Comp):
        return (expr.element,)
    return ()


def carriers(
    deeds: Deeds, key: UnitKey, sources: Iterable[int], *, parameters: bool = True
) -> tuple[frozenset[str], frozenset[int]]:
    """The names and call results of a unit that hold (something made from) what the nodes `sources` of its graph bring
    (the results of calls, the items of loops), or from what the unit was given (`parameters`)."""
    unit = deeds.program.unit(key)
    names = {param.name for param in unit.params if parameters and param.name not in ("self", "cls")}
    results = set(sources)
    loops = {block for block, head in deeds.graph(key).head.items() if head in results}
    names.update(
        event.name
        for event in unit.events
        if isinstance(event, Bind) and event.how == "for" and event.block in loops
    )
    # names are bound before they are used, but for loops: two passes see what the second round of a loop holds
    for _ in range(2):
        for number, event in enumerate(unit.events):
            if isinstance(event, Call):
                values = (event.func, *event.args, *(value for _, value in event.keywords))
                if any(_holds(value, names, results) for value in values):
                    results.add(number)
            elif isinstance(event, Bind) and _holds(event.value, names, results):
                names.add(event.name)
    return frozenset(names), frozenset(results)


def _holds(expr: Expr | None, names: set[str] | frozenset[str], results: set[int] | frozenset[int]) -> bool:
    return any(
        (isinstance(part, Name) and part.id in names) or (isinstance(part, Result) and part.event in results)
        for part in parts(expr)
    )


def given_calls(deeds: Deeds, key: UnitKey, sources: Iterable[int]) -> frozenset[int]:
    """The calls of the app's own code, and those of which nothing is known, that are given what was received."""
    unit = deeds.program.unit(key)
    names, results = carriers(deeds, key, sources)
    found: set[int] = set()
    for number, event in enumerate(unit.events):
        if not isinstance(event, Call) or deeds.program.symbols(key, number):
            continue
        if not deeds.runs(key).get(number) and not _is_unknown(unit, event):
            continue
        values = (*event.args, *(value for _, value in event.keywords))
        own = deeds.runs(key).get(number) and isinstance(event.func, Attr)
        if any(_holds(value, names, results) for value in values) or (
            own and _holds(event.func, names, results)
        ):
            found.add(number)
    return frozenset(found)


def is_given(deeds: Deeds, key: UnitKey, first: int, then: int) -> bool:
    """Whether the call `then` is given something that the call `first` brought."""
    names, results = carriers(deeds, key, (first,), parameters=False)
    events = deeds.program.unit(key).events
    event = events[then] if then < len(events) else None
    values = (*event.args, *(value for _, value in event.keywords)) if isinstance(event, Call) else ()
    return any(_holds(value, names, results) for value in values)


def _is_unknown(unit: Unit, event: Call) -> bool:
    """A call of something that is neither the app's nor a library's, as far as is known, and no note in a log."""
    if isinstance(event.func, Attr):
        return event.func.name not in _NOTES
    return isinstance(event.func, Name)
