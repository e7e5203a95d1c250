"""Loops that ask a database for work: whether a pass that is cut off leaves the work where the next one finds it again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from proctor.judge.deeds import Deeds
from proctor.judge.graph import inside
from proctor.model.fact import Unit
from proctor.model.program import Hit, Known, UnitKey

_Kind = Literal["read", "write", "commit", "work", "unknown", ""]

_RECORDS = ("reads-record", "saves-record", "commits")
_READS = re.compile(r"(?i)\s*(?:select|with|show)\b")
_WRITES = re.compile(r"(?i)\s*(?:update|insert|delete|replace|merge)\b")
#: SQL that begins with a `with` clause may change something at its end, and a SELECT what its functions change
_CHANGES = re.compile(r"(?i)\b(?:update|insert\s+into|delete\s+from)\b(?!\s+(?:skip|nowait|of)\b)")
_LOCKING = re.compile(r"(?i)\bfor\s+(?:no\s+key\s+)?update\b")


def marks_afterwards(deeds: Deeds, key: UnitKey, block: int, lasting: frozenset[str]) -> bool:
    """Whether each pass of a loop (`block` of unit `key`) reads records, works (`lasting` effects), and only then changes
    the database, in one step: until that step nothing is changed there, and the next pass reads the same records."""
    kinds = [kind for hit in _in_order(deeds, key, block) if (kind := _kind(deeds, hit, lasting))]
    if "read" not in kinds or "unknown" in kinds:
        return False
    changes = [number for number, kind in enumerate(kinds) if kind in ("write", "commit")]
    if not changes or kinds.index("read") > changes[0] or "work" in kinds[changes[0] :]:
        return False
    # changes before a commit are made by it; without one each is a step of its own
    return kinds[changes[0] :].count("commit") == 1 if "commit" in kinds else len(changes) == 1


def _kind(deeds: Deeds, hit: Hit, lasting: frozenset[str]) -> _Kind:
    if hit.in_handler or hit.effect == "reads-record":
        # what is noted after a failure is an end of its own
        return "" if hit.in_handler else "read"
    if hit.effect == "commits":
        return "commit"
    if hit.effect == "saves-record":
        return "write"
    if hit.effect == "database" and hit.subject is not None and "store" not in hit.details:
        return _of_sql(deeds, hit)
    return "work" if hit.effect in lasting else ""


def _of_sql(deeds: Deeds, hit: Hit) -> _Kind:
    assert hit.subject is not None
    value = deeds.program.evaluate(hit.unit, hit.subject)
    text = value.value if isinstance(value, Known) else None
    if not isinstance(text, str):
        return "unknown"
    if _WRITES.match(text) or _CHANGES.search(_LOCKING.sub("", text)):
        return "write"
    return "read" if _READS.match(text) else "unknown"


def _in_order(deeds: Deeds, key: UnitKey, block: int) -> Iterator[Hit]:
    """The effects of one pass in the order of the source, calls of the app's own code taken in where they stand."""
    yield from _of_unit(deeds, key, inside(deeds.program.unit(key), block), {key})


def _of_unit(deeds: Deeds, key: UnitKey, blocks: frozenset[int], seen: set[UnitKey]) -> Iterator[Hit]:
    unit = deeds.program.unit(key)
    at: dict[int, list[Hit]] = {}
    for hit in deeds.own(key):
        at.setdefault(hit.event if hit.event >= 0 else _of_block(unit, hit), []).append(hit)
    runs = deeds.runs(key)
    for number, event in enumerate(unit.events):
        if event.block not in blocks:
            continue
        for target in runs.get(number, ()):
            if target not in seen and target in deeds.contexts:
                inner = frozenset(range(len(deeds.program.unit(target).blocks)))
                yield from _of_unit(deeds, target, inner, seen | {target})
        here = at.get(number, ())
        is_record = any(hit.effect in _RECORDS for hit in here)
        yield from (hit for hit in here if not (is_record and hit.effect == "database"))


def _of_block(unit: Unit, hit: Hit) -> int:
    """The event at which a block has its effect: a `with` commits at its end."""
    blocks = inside(unit, hit.block)
    within = [number for number, event in enumerate(unit.events) if event.block in blocks]
    return (within[-1] if hit.effect == "commits" else within[0]) if within else len(unit.events)
