"""What comes after what in one program: the order in which its code is surely reached."""

from __future__ import annotations

from collections import deque

from proctor.judge.deeds import Deeds
from proctor.model.program import UnitKey

#: how many units are looked at on the way up
_MAX_UNITS = 400


def comes_after(deeds: Deeds, late: tuple[UnitKey, int], early: tuple[UnitKey, int]) -> bool:
    """Whether a node of a unit's graph is reached only once another one (perhaps of another unit) was: false also where
    nothing tells their order."""
    found = _meeting(deeds, late, early)
    if found is None:
        return False
    key, after, before = found
    graph = deeds.graph(key)
    return after in graph.reach([before]) and before not in graph.reach([after])


def before_both(deeds: Deeds, one: tuple[UnitKey, int], other: tuple[UnitKey, int]) -> dict[UnitKey, int]:
    """The units that run surely before `one`, which itself comes before `other`, called by the unit that leads to both;
    each with the node that calls it."""
    found = _meeting(deeds, one, other)
    if found is None:
        return {}
    key, node, _ = found
    graph = deeds.graph(key)
    later = graph.reach([node])
    return {
        target: at
        for at, targets in deeds.runs(key).items()
        if at != node and at not in later and node in graph.reach([at])
        for target in targets
    }


def _meeting(
    deeds: Deeds, one: tuple[UnitKey, int], other: tuple[UnitKey, int]
) -> tuple[UnitKey, int, int] | None:
    """The nearest unit that leads to two nodes by two different ways, with these."""
    ways = _ways(deeds, other)
    for key, node in _ways(deeds, one).items():
        if key in ways and ways[key] != node:
            return key, node, ways[key]
    return None


def _ways(deeds: Deeds, point: tuple[UnitKey, int]) -> dict[UnitKey, int]:
    """The units that lead to a node, nearest first, each with its own node for it."""
    found = dict([point])
    todo = deque([point[0]])
    while todo and len(found) <= _MAX_UNITS:
        for source, node in deeds.callers(todo.popleft()):
            if source not in found:
                found[source] = node
                todo.append(source)
    return found
