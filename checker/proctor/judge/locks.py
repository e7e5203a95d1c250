"""Which lock a unit holds at an event."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge.memory import Memory
from proctor.model.program import Hit, UnitKey


def lock_at(memory: Memory, key: UnitKey, event: int) -> Hit | None:
    """The lock that a unit has taken at an event, by a `with` block around it or a call before it."""
    unit = memory.program.unit(key)
    around = set(_around(memory, key, unit.events[event].block))
    for hit in memory.program.unit_hits(key):
        if hit.effect == "locks" and (hit.block in around if hit.event < 0 else hit.event < event):
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


def _around(memory: Memory, key: UnitKey, block: int) -> Iterator[int]:
    blocks = memory.program.unit(key).blocks
    while block > 0:
        yield block
        block = blocks[block].parent
