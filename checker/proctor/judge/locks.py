"""Which lock a unit holds at an event."""

from __future__ import annotations

from proctor.judge.expressions import subexpressions
from proctor.judge.graph import around
from proctor.judge.memory import Memory
from proctor.model.fact import Result
from proctor.model.program import Hit, UnitKey

#: kinds of locks that hold among the processes of one machine only
LOCAL = frozenset({"file", "process"})
#: how far callers are asked for a lock
_MAX_UP = 8


def lock_at(memory: Memory, key: UnitKey, event: int) -> Hit | None:
    """The lock that a unit has taken at an event, by a `with` block around it or a call before it."""
    unit = memory.program.unit(key)
    held = around(unit, unit.events[event].block)
    for hit in memory.program.unit_hits(key):
        if hit.effect == "locks" and (hit.block in held if hit.event < 0 else hit.event < event):
            return hit
    return None


def lock_held(memory: Memory, key: UnitKey, event: int) -> Hit | None:
    """The lock that a unit holds at an event, or that each of its callers holds when it calls the unit."""
    own = lock_at(memory, key, event)
    if own is not None:
        return own
    calls = [edge for edge in memory.callers(key) if edge.event >= 0]
    held = [lock_at(memory, edge.source, edge.event) for edge in calls]
    return held[0] if held and all(held) else None


def is_kept_single(memory: Memory, key: UnitKey, event: int, below: frozenset[UnitKey] = frozenset()) -> bool:
    """Whether every way to an event leads through a block under a lock that holds among all machines."""
    if _is_under_shared_lock(memory, key, event):
        return True
    if key in below or len(below) > _MAX_UP:
        return False
    # a decorator that calls it does so for those who call its name
    calls = [
        edge
        for edge in memory.callers(key)
        if edge.event >= 0 and not edge.wrapped and memory.phases(edge.source)
    ]
    return bool(calls) and all(
        is_kept_single(memory, edge.source, edge.event, below | {key}) for edge in calls
    )


def _is_under_shared_lock(memory: Memory, key: UnitKey, event: int) -> bool:
    unit = memory.program.unit(key)
    for number in around(unit, unit.events[event].block):
        block = unit.blocks[number]
        if block.kind != "with":
            continue
        calls = {part.event for part in subexpressions(block.test) if isinstance(part, Result)}
        if any(
            _is_shared(hit) and (hit.block == number or hit.event in calls)
            for hit in memory.program.unit_hits(key)
        ):
            return True
        # a context manager of the app that takes the lock
        inner = (target for call in calls for target in memory.program.targets(key, call))
        if any(_is_shared(hit) for target in inner for hit in memory.program.unit_hits(target)):
            return True
    return False


def _is_shared(hit: Hit) -> bool:
    return hit.effect == "locks-globally" and hit.details.get("lock") not in LOCAL
