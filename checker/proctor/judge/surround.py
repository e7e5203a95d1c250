"""What surrounds a place: the `with` blocks and decorators around it, here and around the calls that lead here."""

from __future__ import annotations

from collections import deque

from proctor.judge.asking import Wanted, fits
from proctor.judge.deeds import Deeds
from proctor.judge.expressions import subexpressions
from proctor.judge.path_words import blocks_around, place_of
from proctor.judge.switches import left_out
from proctor.model.fact import Call, Define, Result
from proctor.model.finding import Step
from proctor.model.program import Hit, UnitKey

#: how many units are looked at on the way up
_MAX_UNITS = 400


def surrounding(wanted: Wanted, deeds: Deeds, key: UnitKey, node: int) -> tuple[Step, ...] | None:
    """The steps from the nearest block of such an effect (or the function that it decorates) to a node, or None."""
    seen = {key}
    todo: deque[tuple[UnitKey, int, tuple[Step, ...]]] = deque([(key, node, ())])
    while todo and len(seen) <= _MAX_UNITS:
        unit, at, steps = todo.popleft()
        hit = _block_hit(wanted, deeds, unit, at) or _decorating_hit(wanted, deeds, unit)
        if hit is not None:
            return (Step(hit.place, f"`{hit.symbol}`"), *steps)
        around = frozenset(blocks_around(deeds, unit, at))
        for source, place in deeds.callers(unit):
            if source not in seen and around.isdisjoint(left_out(deeds, source, place, unit)):
                seen.add(source)
                names = deeds.program.symbol(source), deeds.program.symbol(unit)
                step = Step(place_of(deeds, source, place), f"`{names[0]}` calls `{names[1]}`")
                todo.append((source, place, (step, *steps)))
    return None


def _block_hit(wanted: Wanted, deeds: Deeds, key: UnitKey, node: int) -> Hit | None:
    unit = deeds.program.unit(key)
    around = set(blocks_around(deeds, key, node))
    for hit in deeds.own(key) if around else ():
        if not fits(wanted, hit):
            continue
        event = unit.events[hit.event] if hit.event >= 0 else None
        is_manager = isinstance(event, Call) and event.use == "with"
        if hit.block in around or (is_manager and _opens(deeds, key, hit, around)):
            return hit
    return None


def _opens(deeds: Deeds, key: UnitKey, hit: Hit, around: set[int]) -> bool:
    """Whether the call's result is what one of the blocks is entered with."""
    blocks = deeds.program.unit(key).blocks
    return any(
        isinstance(part, Result) and part.event == hit.event
        for block in around
        if blocks[block].kind == "with"
        for part in subexpressions(blocks[block].test)
    )


def _decorating_hit(wanted: Wanted, deeds: Deeds, key: UnitKey) -> Hit | None:
    unit = deeds.program.unit(key)
    if not unit.decorators:
        return None
    parent = UnitKey(key.path, unit.parent)
    own = {each.event for each in unit.decorators if isinstance(each, Result)}
    own.update(
        number
        for number, event in enumerate(deeds.program.unit(parent).events)
        if isinstance(event, Define) and event.unit == key.number
    )
    return next(
        (hit for hit in deeds.program.unit_hits(parent) if hit.event in own and fits(wanted, hit)), None
    )
