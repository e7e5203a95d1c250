"""What a program does on its way out, when its main thread has left the loop in which it stayed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from proctor.judge.deeds import Deeds
from proctor.judge.expressions import subexpressions
from proctor.judge.graph import around
from proctor.judge.handlers import SETTERS, Flag, closure, flag_of, mentions
from proctor.judge.mainloops import LASTING, Loop
from proctor.judge.path_words import blocks_around
from proctor.model.fact import Attr, Await, Awaits, Call, Const, Expr, Name, Result, SetAttr, Unit, last_name
from proctor.model.program import UnitKey

_MAIN = ("startup", "import", "loop")
_WAITS = frozenset({"wait", "join"})
_PAUSING = frozenset({"sleep", "call_later", "call_at", "add_timeout", "wait_for"})
#: names of calls that tell a task, a loop or a scope to stop where it is
_CUTTING = frozenset({"cancel", "cancel_all", "stop"})


def set_on_the_way(deeds: Deeds, flags: frozenset[Flag], handler: tuple[UnitKey, ...]) -> frozenset[Flag]:
    """What the main thread sets once it has left: in exit hooks, in `finally` and `except`, behind what waited for one of
    `flags`, and in what is called there. The units of the `handler` itself do not count."""
    own = set(closure(deeds, handler))
    found: set[Flag] = set()
    for context in deeds.view.contexts:
        if context.lane == "thread" or context.unit in own:
            continue
        if context.phase == "shutdown":
            found.update(_set_below(deeds, context.unit))
        elif context.phase in _MAIN:
            found.update(_set_behind(deeds, context.unit, flags))
    return frozenset(found)


def _set_behind(deeds: Deeds, key: UnitKey, flags: frozenset[Flag]) -> Iterator[Flag]:
    unit = deeds.program.unit(key)
    behind = _behind(deeds, key, flags)
    for number, event in enumerate(unit.events):
        if number in behind or _is_in_arm(unit, event.block):
            yield from _set_by(event)
            for target in deeds.program.targets(key, number):
                yield from _set_below(deeds, target)


def _behind(deeds: Deeds, key: UnitKey, flags: frozenset[Flag]) -> frozenset[int]:
    """The events of a unit that come after its wait for one of the flags, or after its endless loop."""
    unit = deeds.program.unit(key)
    graph = deeds.graph(key)
    loops = deeds.program.main_loops(key)
    starts = [
        number
        for number, event in enumerate(unit.events)
        if isinstance(event, Call)
        and isinstance(event.func, Attr)
        and event.func.name in _WAITS
        and mentions(event.func.value, flags)
        and not any(each in loops for each in around(unit, event.block))
    ]
    starts += [graph.head[each] for each in loops if each in graph.head]
    if not starts:
        return frozenset()
    inside = {
        number
        for number, event in enumerate(unit.events)
        if any(each in loops for each in around(unit, event.block))
    }
    return frozenset(graph.reach(starts)) - inside - set(starts)


def _is_in_arm(unit: Unit, block: int) -> bool:
    return any(unit.blocks[each].kind in ("finally", "except") for each in around(unit, block))


def _set_below(deeds: Deeds, key: UnitKey) -> Iterator[Flag]:
    for unit_key in (key, *deeds.units_below(key)):
        for event in deeds.program.unit(unit_key).events:
            yield from _set_by(event)


def _set_by(event: object) -> Iterator[Flag]:
    if isinstance(event, SetAttr):
        yield Flag(event.name, "attribute")
    elif isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in SETTERS:
        yield from flag_of(event.func.value)


# --- hard ends -------------------------------------------------------------------------------------------------


def ends_hard(deeds: Deeds) -> bool:
    """Whether the main thread's way out ends the process at once, so that the interpreter waits for nothing."""
    for context, hit in deeds.view.hits("ends-process"):
        if (
            context.phase not in (*_MAIN, "shutdown")
            or context.lane == "thread"
            or hit.guard
            or hit.event < 0
        ):
            continue
        unit = deeds.program.unit(hit.unit)
        kinds = {
            unit.blocks[each].kind
            for each in around(unit, unit.events[hit.event].block)
            if deeds.program.block_state(hit.unit, each) != "main"
        }
        if hit.details.get("how") == "at-once" and not kinds & {
            "except",
            "if",
            "else",
            "case",
            "while",
            "for",
        }:
            return True
    return False


# --- work of pools ---------------------------------------------------------------------------------------------


def is_done_in_pool(deeds: Deeds, loop: Loop) -> bool:
    """Whether all that a loop does is done by threads of a pool, one piece of work at a time: these end their work before
    the interpreter ends, whatever becomes of the loop itself."""
    if loop.kind != "own":
        return False
    key = loop.context.unit
    unit = deeds.program.unit(key)
    pooled = {each for each in _pooled(deeds, key) if loop.block in blocks_around(deeds, key, each)}
    awaited = [each for each in pooled if isinstance(call := unit.events[each], Call) and call.use == "await"]
    if not pooled or len(awaited) > 1:
        return False
    given = {
        value.event
        for each in pooled
        if isinstance(call := unit.events[each], Call)
        for value in call.args
        if isinstance(value, Result)
    }
    for node, done in deeds.at(key).items():
        inside = loop.block in blocks_around(deeds, key, node)
        if inside and node not in pooled | given and any(deed.hit.effect in LASTING for deed in done):
            return False
    return not any(
        isinstance(event, Call)
        and number not in pooled | given
        and loop.block in blocks_around(deeds, key, number)
        and (deeds.program.targets(key, number) or not deeds.program.symbols(key, number))
        for number, event in enumerate(unit.events)
    )


def _pooled(deeds: Deeds, key: UnitKey) -> frozenset[int]:
    """The events of a unit that hand a function to the thread of a pool."""
    found = {
        hit.event
        for hit in deeds.own(key)
        if hit.effect == "starts-task" and hit.details.get("kind") == "pool-thread" and hit.event >= 0
    }
    unit = deeds.program.unit(key)
    for edge in deeds.program.edges(key):
        event = unit.events[edge.event] if edge.event >= 0 else None
        if isinstance(event, Call) and edge.how == "runs" and edge.lane == "thread" and edge.phase is None:
            found.add(edge.event)
    return frozenset(found)


def is_shielded(deeds: Deeds, loop: Loop) -> Literal["yes", "perhaps", "no"]:
    """Whether a loop shields its job from being cancelled ("yes": and awaits it once more where the cancellation arrives)."""
    if loop.kind != "own":
        return "no"
    key = loop.context.unit
    unit = deeds.program.unit(key)
    names: set[str] = set()
    found = False
    for number, event in enumerate(unit.events):
        if not isinstance(event, Call) or loop.block not in blocks_around(deeds, key, number):
            continue
        name = last_name(event.func)
        if name == "shield" or ("shield", Const(True)) in event.keywords:
            found = True
            names.update(value.id for value in event.args if isinstance(value, Name))
    again = any(
        isinstance(part, Name) and part.id in names
        for event in unit.events
        if any(unit.blocks[each].kind == "except" for each in around(unit, event.block))
        for value in _awaited(event)
        for part in subexpressions(value)
    )
    return "yes" if again else "perhaps" if found else "no"


# --- tasks that are awaited in time ----------------------------------------------------------------------------


def is_awaited_first(
    deeds: Deeds, handler: tuple[UnitKey, ...], names: set[str], attributes: set[str]
) -> bool:
    """Whether what a handler starts awaits a task (kept as one of these) before it cancels anything or stops the loop."""
    for key in closure(deeds, handler):
        for event in deeds.program.unit(key).events:
            if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in _CUTTING:
                break
            if any(
                _is_one_of(part, names, attributes)
                for value in _awaited(event)
                for part in subexpressions(value)
            ):
                return True
    return False


def gives_time(deeds: Deeds, handler: tuple[UnitKey, ...]) -> bool:
    """Whether what a handler starts pauses before it goes on."""
    return any(
        isinstance(event, Call) and last_name(event.func) in _PAUSING
        for key in closure(deeds, handler)
        for event in deeds.program.unit(key).events
    )


def _is_one_of(part: Expr, names: set[str], attributes: set[str]) -> bool:
    return (isinstance(part, Name) and part.id in names) or (
        isinstance(part, Attr) and part.name in attributes
    )


def _awaited(event: object) -> Iterator[Expr]:
    if isinstance(event, Awaits) and event.value is not None:
        yield event.value
    elif isinstance(event, Call) and event.use == "await":
        yield from event.args
    value = getattr(event, "value", None)
    if isinstance(value, Await):
        yield value.value
