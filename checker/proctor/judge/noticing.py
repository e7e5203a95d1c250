"""Whether a loop, or any other code, looks at what a signal handler changes."""

from __future__ import annotations

from typing import Literal

from proctor.judge.deeds import Deeds
from proctor.judge.expressions import deep
from proctor.judge.graph import around
from proctor.judge.handlers import Flag, Handler, closure, mentions, reads
from proctor.model.fact import Attr, Call, Expr, Jump, Raise, Return, Unit
from proctor.model.program import UnitKey

_EVENTS = ("is_set", "wait")
#: methods that give their names' objects time until something is set
_WAITS = frozenset({"wait", "join"})


def notices(deeds: Deeds, key: UnitKey, block: int, handler: Handler) -> Literal["yes", "perhaps", "no"]:
    """Whether a loop (`block` of a unit; -1: a library's) looks at what the handler changes, and leaves."""
    flags = handler.doing.flags
    own = set(closure(deeds, handler.units))
    if block >= 0 and looks(deeds, key, block, flags):
        return "yes"
    if block >= 0 and _waits_for_event(deeds, key, block):
        return "perhaps"
    if any(reads(deeds.program.unit(each), flags) for each in deeds.units_below(key) if each not in own):
        return "perhaps"
    return "no"


def is_read(deeds: Deeds, handler: Handler) -> bool:
    """Whether any code besides the handler reads what it changes."""
    own = set(closure(deeds, handler.units))
    flags = handler.doing.flags
    return any(reads(deeds.program.unit(key), flags) for key in deeds.contexts if key not in own)


def looks(deeds: Deeds, key: UnitKey, block: int, flags: frozenset[Flag]) -> bool:
    """Whether a loop ends by one of the flags: its condition asks it, or a branch in it that leaves the loop."""
    unit = deeds.program.unit(key)
    if _asks(deeds, key, unit.blocks[block].test, flags):
        return True
    for number, other in enumerate(unit.blocks):
        inside = block in around(unit, number)
        if not inside or other.kind not in ("if", "while", "case"):
            continue
        if _asks(deeds, key, other.test, flags) and (other.kind == "while" or leaves(unit, number)):
            return True
    return False


def waits_on(deeds: Deeds, key: UnitKey, flags: frozenset[Flag]) -> bool:
    """Whether a unit waits for one of the flags to be set, outside any loop that goes on afterwards."""
    unit = deeds.program.unit(key)
    loops = deeds.program.main_loops(key)
    return any(
        isinstance(event, Call)
        and isinstance(event.func, Attr)
        and event.func.name in _WAITS
        and mentions(event.func.value, flags)
        and not any(each in loops for each in around(unit, event.block))
        for event in unit.events
    )


def _asks(deeds: Deeds, key: UnitKey, test: Expr | None, flags: frozenset[Flag]) -> bool:
    """Whether a condition reads one of the flags, itself or in a function that it calls."""
    unit = deeds.program.unit(key)
    if any(mentions(part, flags) for part in deep(unit, test)):
        return True
    for part in deep(unit, test):
        number = getattr(part, "event", None)
        if isinstance(number, int):
            targets = deeds.program.targets(key, number)
            if any(reads(deeds.program.unit(target), flags) for target in targets):
                return True
    return False


def leaves(unit: Unit, block: int) -> bool:
    """Whether a branch, or the one beside it, leaves the loop."""
    group = unit.blocks[block].group
    arms = {number for number, other in enumerate(unit.blocks) if other.group == group} if group else {block}
    return any(
        isinstance(event, Return | Raise | Jump) and arms & set(around(unit, event.block))
        for event in unit.events
    )


def _waits_for_event(deeds: Deeds, key: UnitKey, block: int) -> bool:
    """Whether the loop's condition asks an event object, which may be the one that the handler sets."""
    unit = deeds.program.unit(key)
    return any(
        isinstance(part, Attr) and part.name in _EVENTS for part in deep(unit, unit.blocks[block].test)
    )
