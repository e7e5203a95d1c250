"""Where what was received goes inside a unit: which names hold it, and which calls are given it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proctor.judge.deeds import Deed, Deeds
from proctor.judge.expressions import subexpressions
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Event,
    Expr,
    Item,
    Name,
    Result,
    Return,
    SetAttr,
    SetItem,
    Unit,
    Yield,
)
from proctor.model.program import UnitKey

#: names of methods that only note what they are given
_NOTES = frozenset({"debug", "info", "warning", "warn", "error", "exception", "critical", "log", "print"})

#: names of methods by which a container takes something in
_ADDING = frozenset({"append", "appendleft", "extend", "add", "insert", "update", "put", "put_nowait"})


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
        for part in subexpressions(expr)
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


def is_brought(deeds: Deeds, key: UnitKey, node: int, deed: Deed) -> bool:
    """Whether what a deed takes is in the unit's hands after the node: it takes it itself, the call's result is used, or the
    code that takes it puts it where others find it."""
    if not deed.via:
        return True
    unit = deeds.program.unit(key)
    event = unit.events[node] if node < len(unit.events) else None
    if not isinstance(event, Call) or event.use not in ("statement", "await"):
        return True
    if event.use == "await" and any(
        _holds(value, frozenset(), frozenset({node})) for each in unit.events for value in _given(each)
    ):
        return True
    taking = deeds.program.unit(deed.hit.unit)
    names, results = carriers(deeds, deed.hit.unit, (deed.hit.event,), parameters=False)
    return any(
        _holds(value, names, results)
        for each in taking.events
        if isinstance(each, SetAttr | SetItem)
        or (isinstance(each, Call) and isinstance(each.func, Attr) and each.func.name in _ADDING)
        for value in _given(each)
    )


def _given(event: Event) -> Iterator[Expr | None]:
    """The values that an event is given."""
    if isinstance(event, Call):
        yield from event.args
        yield from (value for _, value in event.keywords)
    elif isinstance(event, Bind | SetAttr | SetItem | Return | Yield):
        yield event.value


def _is_unknown(unit: Unit, event: Call) -> bool:
    """A call of something that is neither the app's nor a library's, as far as is known, and no note in a log."""
    if isinstance(event.func, Attr):
        return event.func.name not in _NOTES
    return isinstance(event.func, Name | Item)
