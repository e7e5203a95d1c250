"""Whether one access of a place always comes after another in the same run of a handler."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proctor.judge.expressions import subexpressions
from proctor.judge.graph import around
from proctor.judge.memory import Access, Memory
from proctor.judge.reading import event_sources
from proctor.model.fact import Choice, Result, Unit
from proctor.model.program import UnitKey

#: arms of which a run takes one or none
_ARMS = frozenset({"if", "else", "case", "except"})


def may_come_first(memory: Memory, read: Access, writes: Iterable[Access]) -> bool:
    """Whether a run may reach a read though none of the writes, made by the same unit or by calls beside it, came before:
    another arm holds them, or they come later. False where the two do not meet in one unit."""
    own = list(writes)
    meets = False
    for unit, seen in _points(memory, read):
        made = [
            event
            for write in own
            for at, event in _points(memory, write)
            if at == unit and (event != seen or at == read.unit)
        ]
        if not made:
            continue
        if _is_led_up_to(memory.program.unit(unit), made, seen):
            return False
        meets = True
    return meets


def _points(memory: Memory, access: Access) -> Iterator[tuple[UnitKey, int]]:
    """The event itself, and the calls that run its unit."""
    yield access.unit, access.event
    for edge in memory.callers(access.unit):
        if edge.event >= 0:
            yield edge.source, edge.event


def _is_led_up_to(unit: Unit, made: list[int], seen: int) -> bool:
    inside = {0, *around(unit, unit.events[seen].block)}
    arms = [_arm(unit, unit.events[event].block) for event in made if event < seen]
    if any(arm in inside for arm in arms):
        return not all(_is_alternative(unit, event, seen) for event in made if event < seen)
    groups = [unit.blocks[arm].group for arm in set(arms)]
    return any(group and groups.count(group) > 1 for group in groups)


def _arm(unit: Unit, block: int) -> int:
    """The innermost block around that a run may pass by."""
    while block > 0 and unit.blocks[block].kind not in _ARMS:
        block = unit.blocks[block].parent
    return block


def _is_alternative(unit: Unit, first: int, then: int) -> bool:
    """Whether two calls are the two sides of one `x if … else y`."""
    return any(
        isinstance(part, Choice) and _are_apart(part, first, then)
        for event in unit.events
        for source in event_sources(event)
        for part in subexpressions(source)
    )


def _are_apart(choice: Choice, first: int, then: int) -> bool:
    body, other = (
        {p.event for p in subexpressions(s) if isinstance(p, Result)} for s in (choice.body, choice.orelse)
    )
    return (first in body and then in other) or (first in other and then in body)
