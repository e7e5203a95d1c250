"""Work that goes on beside the main thread (or the main coroutine), and whether anything waits for it at the end."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from proctor.judge.asking import Wanted, fits
from proctor.judge.deeds import Deeds
from proctor.judge.expressions import subexpressions
from proctor.judge.freed import is_freed
from proctor.judge.handlers import Handler, closure
from proctor.judge.mainloops import Loop, may_leave
from proctor.judge.noticing import looks, waits_on
from proctor.judge.path_words import blocks_around
from proctor.model.fact import Attr, Await, Awaits, Bind, Call, Comp, Const, Expr, Name, Result, SetAttr, Unit
from proctor.model.program import Context, Hit, UnitKey

_STARTS = ("starts-thread", "starts-process", "starts-task")
_FREED_BY = ("daemon", "setDaemon")
_TELLING = frozenset({"terminate", "kill", "send_signal", "killpg"})
_PAUSES = Wanted(effect=("waits",), details={"on": "signal"})
_POOLS = Wanted(effect=("starts-thread", "starts-process"), details={"kind": "pool"})


#: seconds: whoever waits no longer than that does not wait for a job
_MOMENT = 1.0


class Beside(NamedTuple):
    """What runs a loop: `kind` "thread" (the interpreter waits for it), "daemon" (dropped at the end), "task" (cancelled at
    the end of its event loop), "child" or "daemon-child" (ended with the parent); `hit` started it."""

    kind: Literal["thread", "daemon", "task", "child", "daemon-child"]
    hit: Hit

    @property
    def noun(self) -> str:
        """How a message names it."""
        return {
            "thread": "thread", "daemon": "daemon thread", "task": "task", "child": "child process",
            "daemon-child": "daemon child process",
        }[self.kind]  # fmt: skip


def beside(deeds: Deeds, context: Context) -> Beside | None:
    """What runs a context beside the main thread; None where that is the main thread (or coroutine) itself."""
    for _, edge in deeds.trail(context):
        hit = _starting(deeds, edge.source, edge.event)
        if hit is not None:
            return Beside(_kind(deeds, hit), hit)
    return None


def beside_loop(deeds: Deeds, loop: Loop) -> Beside | None:
    """What runs a loop beside the main thread: a library's may itself be what a thread is given (`Thread(target=server.run)`)."""
    if loop.hit is not None and loop.hit.event >= 0 and loop.context.lane == "thread":
        hit = _starting(deeds, loop.hit.unit, loop.hit.event)
        if hit is not None:
            return Beside(_kind(deeds, hit), hit)
    return beside(deeds, loop.context)


def is_in_child(deeds: Deeds, hit: Hit) -> bool:
    """Whether a call is what a child process is given to run (`Process(target=server.run)`)."""
    own = _starting(deeds, hit.unit, hit.event) if hit.event >= 0 else None
    return own is not None and own.effect == "starts-process"


def _starting(deeds: Deeds, key: UnitKey, event: int) -> Hit | None:
    unit = deeds.program.unit(key)
    for hit in deeds.program.unit_hits(key):
        if hit.effect not in _STARTS or hit.event < 0 or "fan_out" in hit.details:
            continue
        if hit.details.get("kind") in ("pool", "program"):
            continue
        call = unit.events[hit.event]
        if hit.event == event or (isinstance(call, Call) and Result(event) in call.args):
            return hit
    return None


def _kind(deeds: Deeds, hit: Hit) -> Literal["thread", "daemon", "task", "child", "daemon-child"]:
    if hit.effect == "starts-task":
        return "thread" if hit.details.get("kind") == "pool-thread" else "task"
    daemon = hit.details.get("daemon") == "yes" or is_freed(deeds, hit, _FREED_BY)
    if hit.effect == "starts-process":
        return "daemon-child" if daemon else "child"
    return "daemon" if daemon else "thread"


# --- the end of the main thread ------------------------------------------------------------------------------


def main_leaves(deeds: Deeds, loops: tuple[Loop, ...], handler: Handler) -> bool:
    """Whether the main thread goes to its end once the handler has run."""
    doing = handler.doing
    if doing.raises or doing.stops:
        return True
    if pauses(deeds):
        return True
    flags = doing.flags
    for loop in loops:
        if loop.kind != "own" or not looks(deeds, loop.context.unit, loop.block, flags):
            continue
        if beside(deeds, loop.context) is None:
            return True
    own = set(closure(deeds, handler.units))
    return any(
        context.unit not in own and waits_on(deeds, context.unit, flags) and beside(deeds, context) is None
        for context in deeds.view.contexts
        if context.lane != "thread"
    )


def pauses(deeds: Deeds) -> bool:
    """Whether the main thread waits for any signal, and goes on to its end after it."""
    return any(
        fits(_PAUSES, hit) and context.lane == "main" and not hit.in_main_loop
        for context, hit in deeds.view.hits("waits")
    )


def is_waited_for(deeds: Deeds, own: Beside) -> bool:
    """Whether the code waits for what runs beside."""
    if own.kind == "task":
        return _is_awaited(deeds, own.hit)
    return own.kind == "thread" or is_joined(deeds)


def is_joined(deeds: Deeds) -> bool:
    """Whether anything but threads themselves joins a thread or child."""
    return any(
        isinstance(event, Call) and _is_join(event)
        for context in deeds.view.contexts
        if context.phase != "thread"
        for event in deeds.program.unit(context.unit).events
    )


def _is_join(call: Call) -> bool:
    """`thread.join()`, with or without a time-out that is long enough for a job; texts are joined as well."""
    if not isinstance(call.func, Attr) or call.func.name != "join" or isinstance(call.func.value, Const):
        return False
    if _is_short(call):
        return False
    return not call.args or (isinstance(call.args[0], Const) and not isinstance(call.args[0].value, str))


def _is_awaited(deeds: Deeds, hit: Hit) -> bool:
    """Whether a task is awaited: where it is made, or through the attribute that keeps it; groups wait for theirs."""
    if hit.details.get("kept") == "yes":
        return True
    unit = deeds.program.unit(hit.unit)
    names, attributes = _kept_as(unit, hit.event)
    call = unit.events[hit.event]
    if isinstance(call, Call) and call.use in ("await", "return"):
        return True
    for context in deeds.view.contexts:
        same = context.unit == hit.unit
        for value in _awaited(deeds.program.unit(context.unit)):
            for part in subexpressions(value):
                if (same and isinstance(part, Name) and part.id in names) or (
                    isinstance(part, Attr) and part.name in attributes
                ):
                    return True
    return False


def is_cancelled(deeds: Deeds, hit: Hit) -> bool:
    """Whether the code cancels a task by the name that keeps it."""
    unit = deeds.program.unit(hit.unit)
    names, attributes = _kept_as(unit, hit.event)
    return any(
        isinstance(event, Call)
        and isinstance(event.func, Attr)
        and event.func.name == "cancel"
        and (
            (context.unit == hit.unit and isinstance(event.func.value, Name) and event.func.value.id in names)
            or (isinstance(event.func.value, Attr) and event.func.value.name in attributes)
        )
        for context in deeds.view.contexts
        for event in deeds.program.unit(context.unit).events
    )


def kept_as(deeds: Deeds, hit: Hit) -> tuple[set[str], set[str]]:
    """The names (of its own unit) and attributes that keep what an effect's call gives."""
    return _kept_as(deeds.program.unit(hit.unit), hit.event)


def _kept_as(unit: Unit, made: int) -> tuple[set[str], set[str]]:
    """The names and attributes that keep the value of a call, also inside displays and containers, and as what is left of
    them once some have ended (`done, pending = await wait(tasks)`)."""
    names: set[str] = set()
    attributes: set[str] = set()
    for event in unit.events:
        if isinstance(event, Bind) and (
            _holds(event.value, made)
            or _goes_through(event, unit, names)
            or _is_left_of(event, unit, made, names)
        ):
            names.add(event.name)
        elif isinstance(event, SetAttr) and _holds(event.value, made):
            attributes.add(event.name)
        elif isinstance(event, Call) and _adds(event, made, names) and isinstance(event.func, Attr):
            inner = event.func.value
            names.update([inner.id] if isinstance(inner, Name) else [])
            attributes.update([inner.name] if isinstance(inner, Attr) else [])
    return names, attributes


def _adds(call: Call, made: int, names: set[str]) -> bool:
    """`tasks.append(task)`"""
    return _last(call.func) in ("append", "add") and any(
        _holds(value, made) or _names(value, names) for value in call.args
    )


def _goes_through(event: Bind, unit: Unit, names: set[str]) -> bool:
    """`for task in tasks`, where `tasks` keeps it."""
    return event.how in ("for", "comprehension") and _names(event.value, names)


def _is_left_of(event: Bind, unit: Unit, made: int, names: set[str]) -> bool:
    """`done, pending = await asyncio.wait(…)`, where it is one of those waited for."""
    for part in subexpressions(event.value):
        call = unit.events[part.event] if event.how == "unpack" and isinstance(part, Result) else None
        if isinstance(call, Call) and _last(call.func) == "wait":
            return any(_holds(value, made) or _names(value, names) for value in call.args)
    return False


def _holds(value: Expr | None, made: int) -> bool:
    return any(
        part == Result(made) or (isinstance(part, Comp) and part.element == Result(made))
        for part in subexpressions(value)
    )


def _names(value: Expr | None, names: set[str]) -> bool:
    return any(isinstance(part, Name) and part.id in names for part in subexpressions(value))


def _awaited(unit: Unit) -> Iterator[Expr]:
    """What a unit awaits, or gives to calls that it awaits."""
    for event in unit.events:
        if isinstance(event, Awaits) and event.value is not None:
            yield event.value
        elif isinstance(event, Call) and _ends_early(event):
            # the first of several that ends: the others are still at work
            continue
        elif isinstance(event, Call) and (event.use == "await" or _last(event.func) == "run_until_complete"):
            yield from event.args
            yield from (value for name, value in event.keywords if name not in ("timeout", "return_when"))
        for value in (getattr(event, "value", None),):
            yield from (part.value for part in subexpressions(value) if isinstance(part, Await))


def _is_short(call: Call) -> bool:
    """Whether a wait ends within a moment, whatever becomes of the job in hand."""
    given = [value for name, value in call.keywords if name == "timeout"]
    given += call.args[-1:]
    return any(
        isinstance(value, Const) and isinstance(value.value, int | float) and 0 <= value.value < _MOMENT
        for value in given
    )


def _ends_early(call: Call) -> bool:
    return (_last(call.func) in ("wait", "wait_for") and _is_short(call)) or any(
        name == "return_when" and _last(value) in ("FIRST_COMPLETED", "FIRST_EXCEPTION")
        for name, value in call.keywords
    )


def _last(expr: Expr) -> str:
    return expr.name if isinstance(expr, Attr) else expr.id if isinstance(expr, Name) else ""


# --- ends of its own ----------------------------------------------------------------------------------------------


def is_told_otherwise(deeds: Deeds, loop: Loop) -> bool:
    """Whether a loop that does not ask what the handler sets is ended by what it takes from its queue: an item that says so, or
    the last one (`task_done`, and a `join` of the queue)."""
    key = loop.context.unit
    unit = deeds.program.unit(key)
    takes = any(isinstance(e, Call) and _last(e.func) in ("get", "get_nowait") for e in unit.events)
    if not takes:
        return False
    return is_worked_off(deeds, loop) or (
        may_leave(unit, loop.block) and _calls_elsewhere(deeds, key, ("put", "put_nowait"))
    )


def is_worked_off(deeds: Deeds, loop: Loop) -> bool:
    """Whether something waits until all that a loop takes from its queue is done: `task_done`, and a `join` of the queue."""
    key = loop.context.unit
    done = any(isinstance(e, Call) and _last(e.func) == "task_done" for e in deeds.program.unit(key).events)
    return done and _calls_elsewhere(deeds, key, ("join",))


def _calls_elsewhere(deeds: Deeds, key: UnitKey, names: tuple[str, ...]) -> bool:
    return any(
        isinstance(event, Call) and _last(event.func) in names
        for context in deeds.view.contexts
        if context.unit != key
        for event in deeds.program.unit(context.unit).events
    )


def wakes(deeds: Deeds, key: UnitKey) -> bool:
    """Whether something besides a unit puts an item into a queue that stands for none: `put(None)`."""
    return any(
        isinstance(event, Call)
        and _last(event.func) in ("put", "put_nowait")
        and event.args[:1] == (Const(None),)
        for context in deeds.view.contexts
        if context.unit != key
        for event in deeds.program.unit(context.unit).events
    )


def tells_children(deeds: Deeds) -> bool:
    """Whether the code sends its children a signal."""
    return any(
        isinstance(event, Call) and _last(event.func) in _TELLING
        for context in deeds.view.contexts
        for event in deeds.program.unit(context.unit).events
    )


# --- what a loop leaves behind -------------------------------------------------------------------------------


def left_behind(deeds: Deeds, loop: Loop, ends_hard: bool) -> Hit | None:
    """What a loop starts for an item, and nothing waits for when the loop has ended; nor does the interpreter where the
    program `ends_hard`."""
    if loop.kind != "own":
        return None
    key = loop.context.unit
    for node, done in sorted(deeds.at(key).items()):
        if loop.block not in blocks_around(deeds, key, node):
            continue
        for deed in done:
            if deed.hit.effect in _STARTS and _is_dropped(deeds, deed.hit, ends_hard):
                return deed.hit
    return None


def _is_dropped(deeds: Deeds, hit: Hit, ends_hard: bool) -> bool:
    kind = hit.details.get("kind", "")
    if hit.event < 0 or "fan_out" in hit.details or kind in ("program", "pool", "manager", "timer"):
        return False
    if kind.startswith("pool"):
        pools = [each for _, each in deeds.view.hits(*_POOLS.effect) if fits(_POOLS, each)]  # type: ignore[arg-type]  # words of the vocabulary
        joined = any(each.details.get("on") == "pool" for _, each in deeds.view.hits("joins"))
        return (ends_hard or any(each.details.get("daemon") == "yes" for each in pools)) and not joined
    own = Beside(_kind(deeds, hit), hit)
    if own.kind == "thread" and ends_hard:
        return not is_joined(deeds)
    return own.kind in ("daemon", "daemon-child", "task") and not is_waited_for(deeds, own)
