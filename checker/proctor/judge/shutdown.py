"""SIGTERM and a program's loops: which link of the chain from the signal to a bounded end breaks first."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Literal, NamedTuple

from proctor.judge.beside import (
    Beside,
    beside,
    beside_loop,
    is_cancelled,
    is_in_child,
    is_joined,
    is_told_otherwise,
    is_waited_for,
    is_worked_off,
    kept_as,
    left_behind,
    main_leaves,
    pauses,
    tells_children,
)
from proctor.judge.deeds import Deeds
from proctor.judge.events import with_other_names
from proctor.judge.graph import around
from proctor.judge.handlers import Flag, Handler, closure, handlers, mentions
from proctor.judge.mainloops import LASTING, Loop, has_lasting, loops, may_leave
from proctor.judge.noticing import looks, notices
from proctor.judge.path_words import blocks_around
from proctor.judge.timeline import before_both, comes_after
from proctor.judge.way_out import (
    ends_hard,
    gives_time,
    is_awaited_first,
    is_done_in_pool,
    is_shielded,
    set_on_the_way,
)
from proctor.model.fact import Call, Name, Seq
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import UnitKey

Meets = Literal[
    "finishes", "returns", "drops", "dies", "exits", "killed", "cancelled", "dropped", "left", "ignored", "unnoticed", "unknown"
]  # fmt: skip
_BY_LIBRARY: dict[str, Meets] = {
    "finish": "finishes", "graceful": "finishes", "return": "returns", "drop": "drops", "ignored": "ignored",
    "custom": "unknown", "unknown": "unknown",
}  # fmt: skip


#: methods that put back what was there before their block
_LEAVING = ("__exit__", "__aexit__")


class End(NamedTuple):
    """How a loop meets SIGTERM. `handler` decides it, if the code has one; `reason` says why it is "unknown"; `interrupt` is
    where the code deals with Ctrl-C; `left` is what a "dropped" loop runs in, or leaves behind."""

    loop: Loop
    meets: Meets
    handler: Handler | None = None
    reason: str = ""
    interrupt: Place | None = None
    left: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The links that were seen: the handler that decides."""
        if self.handler is None:
            return ()
        return (Step(self.handler.hit.place, "handles SIGTERM"),)


class Shutdown:
    """What SIGTERM does in one program whose code decides it."""

    def __init__(self, deeds: Deeds) -> None:
        self.deeds = deeds
        self.handlers = with_other_names(deeds, handlers(deeds))
        flags = frozenset(flag for each in self.handlers for flag in each.doing.flags)
        self.loops = loops(deeds, flags)
        self.interrupt = _interrupt(deeds, self.handlers)
        self._leaving: dict[tuple[UnitKey, int], bool] = {}

    @cached_property
    def ends(self) -> tuple[End, ...]:
        """How each of the loops meets SIGTERM."""
        return tuple(self._ends())

    @cached_property
    def on_term(self) -> tuple[Handler, ...]:
        """The handlers of SIGTERM that are in force: registered on the main thread, outside jobs."""
        return tuple(
            each
            for each in self.handlers
            if "SIGTERM" in each.signals
            and each.context.lane != "thread"
            and each.context.phase in ("import", "startup", "loop")
            and self.deeds.program.unit(each.hit.unit).name not in _LEAVING
        )

    @cached_property
    def ends_hard(self) -> bool:
        """Whether the program ends at once on its way out, so that the interpreter waits for nothing."""
        return ends_hard(self.deeds)

    @property
    def is_handled_by_library(self) -> bool:
        """Whether the library in whose loop the program stays deals with SIGTERM itself."""
        return any(
            loop.kind == "library" and loop.sigterm in _BY_LIBRARY and loop.context.lane != "thread"
            for loop in self.loops
        )

    def _ends(self) -> Iterator[End]:
        for loop in self.loops:
            # handlers can be set on the main thread only
            if loop.kind == "library" and loop.sigterm in _BY_LIBRARY and loop.context.lane != "thread":
                meets = _BY_LIBRARY[loop.sigterm]
                reason = f"what `{loop.name}` does on SIGTERM is set elsewhere" if meets == "unknown" else ""
                yield End(loop, meets, None, reason, self.interrupt)
            elif not self.is_handled_by_library and not self._is_served_in_child(loop):
                yield self._end(loop)

    def _is_served_in_child(self, loop: Loop) -> bool:
        """Whether a coroutine belongs to the app that a server in a child process loads: that server meets SIGTERM for it."""
        if loop.kind != "own" or loop.context.lane != "loop" or not self._child_serves:
            return False
        return any(edge.how == "loads" for _, edge in self.deeds.trail(loop.context))

    @cached_property
    def _child_serves(self) -> bool:
        return any(
            hit.details.get("sigterm") in _BY_LIBRARY and is_in_child(self.deeds, hit)
            for _, hit in self.deeds.view.hits("serves-http")
        )

    def _end(self, loop: Loop) -> End:
        if loop.version_of and not self.deeds.program.requirements.get(loop.version_of):
            reason = f"the version of `{loop.version_of}`, which is not pinned, decides what `{loop.name}` does on SIGTERM"
            return End(loop, "unknown", None, reason, self.interrupt)
        if self.deeds.view.launch.does:
            return self._end_under_launcher(loop)
        vague = next((each for each in self.handlers if not each.signals and each.kind == "function"), None)
        ends = [self._under(loop, handler) for handler in self._in_force(loop)]
        if not ends:
            if vague is not None:
                reason = (
                    f"which signal is handled in {vague.hit.place.path}:{vague.hit.place.line} is not known"
                )
                return End(loop, "unknown", vague, reason, self.interrupt)
            blocking = _blocking(self.deeds)
            if blocking:
                reason = f"`{blocking}` decides when SIGTERM is let through"
                return End(loop, "unknown", None, reason, self.interrupt)
            return End(loop, "dies", None, "", self.interrupt)
        if len({end.meets for end in ends}) > 1:
            return End(
                loop, "unknown", ends[-1].handler, "several handlers of SIGTERM differ", self.interrupt
            )
        return ends[-1]

    def _end_under_launcher(self, loop: Loop) -> End:
        """The launcher's program handles SIGTERM, and leaves: what the code has started beside it goes on until then."""
        own = beside_loop(self.deeds, loop)
        if own is not None and loop.kind == "own" and has_lasting(self.deeds, loop):
            cancelled = own.kind == "task" and is_cancelled(self.deeds, own.hit)
            if own.kind in ("daemon", "task") and (cancelled or not is_waited_for(self.deeds, own)):
                return End(loop, "dropped", None, "", self.interrupt, own.noun)
        reason = f"what `{self.deeds.view.launch.launcher}` makes of `{loop.name}` on SIGTERM is not known"
        return End(loop, "unknown", None, reason, self.interrupt)

    def _in_force(self, loop: Loop) -> list[Handler]:
        """The handlers of SIGTERM while the loop goes on: not those that are set when it is over, nor those that others replace."""
        point = _point(self.deeds, loop)
        set_before = [
            each for each in self.on_term
            if not _goes_on_until(loop) or not comes_after(self.deeds, (each.hit.unit, each.hit.event), point)
        ]  # fmt: skip
        last = [
            each
            for each in set_before
            if not any(_takes_place(self.deeds, other, each) for other in set_before if other != each)
        ]
        return [each for each in last if each.kind != "default"]

    def _under(self, loop: Loop, handler: Handler) -> End:
        unsure = "" if handler.signals and handler.units else handler.hit.unsure
        if handler.hit.guard or unsure:
            reason = unsure or f"`{handler.hit.guard}` decides whether SIGTERM is handled"
            return End(loop, "unknown", handler, reason, self.interrupt)
        early = _early_work(self.deeds, loop, handler)
        if early:
            reason = f"`{early}` runs once before SIGTERM is handled"
            return End(loop, "unknown", handler, reason, self.interrupt)
        own = beside_loop(self.deeds, loop)
        if own is None:
            meets, reason = self._meets(loop, handler)
        else:
            meets, reason = self._meets_beside(loop, handler, own)
        left = own.noun if own is not None else ""
        if meets in ("exits", "cancelled", "dropped") and is_done_in_pool(self.deeds, loop):
            meets = "finishes"
        if meets == "finishes":
            behind = left_behind(self.deeds, loop, self.ends_hard)
            if behind is not None:
                meets, left = "dropped", f"`{behind.symbol}`"
            elif own is not None and own.kind == "thread" and self.ends_hard and not is_joined(self.deeds):
                meets = "dropped"
        return End(loop, meets, handler, reason, self.interrupt, left)

    def _meets(self, loop: Loop, handler: Handler) -> tuple[Meets, str]:
        deeds, doing = self.deeds, handler.doing
        if handler.kind == "ignore" or (doing.nothing and not pauses(deeds)):
            return self._unanswered(handler)
        noticed = notices(deeds, loop.context.unit, loop.block, handler) if doing.flags else "no"
        if (noticed == "yes" and not doing.always) or _is_triggered(deeds, loop, doing.flags):
            return "finishes", ""
        if doing.ends:
            return "killed", ""
        if loop.kind == "library" and not loop.forever and self._leaves(handler):
            return _stopped_at_the_end(deeds, loop, handler)
        if doing.raises:
            return ("finishes", "") if loop.at_exit == "finish" else ("exits", "")
        if loop.kind == "library" and doing.stops:
            return _stopped(deeds, loop, handler)
        if doing.cancels or doing.stops.endswith("AbstractEventLoop.stop"):
            return _cancelled(deeds, loop, handler)
        return _unnoticed(handler, noticed)

    def _unanswered(self, handler: Handler) -> tuple[Meets, str]:
        """The handler does nothing: what else hears of the signal decides."""
        woken = self.is_woken(handler)
        reason = f"what the program does when `{woken}` wakes it is not known"
        return ("unknown", reason) if woken else ("ignored", "")

    def is_woken(self, handler: Handler) -> str:
        """What wakes the program where a handler is called, whatever that handler does; "" where nothing does."""
        return _told_by(self.deeds, "wakes") if handler.kind == "function" else ""

    def _leaves(self, handler: Handler) -> bool:
        mark = (handler.hit.unit, handler.hit.event)
        known = self._leaving.get(mark)
        if known is None:
            known = self._leaving[mark] = main_leaves(self.deeds, self.loops, handler)
        return known

    def _meets_beside(self, loop: Loop, handler: Handler, own: Beside) -> tuple[Meets, str]:
        """How a loop in a thread, task or child meets SIGTERM, which the main thread handles."""
        deeds, doing = self.deeds, handler.doing
        if handler.kind == "ignore" or (doing.nothing and not pauses(deeds)):
            return self._unanswered(handler)
        if doing.ends:
            return "killed", ""
        noticed = notices(deeds, loop.context.unit, loop.block, handler) if doing.flags else "no"
        if own.kind in ("child", "daemon-child"):
            return self._meets_in_child(loop, handler, own, noticed)
        if own.kind == "task" and (doing.cancels or doing.stops.endswith("AbstractEventLoop.stop")):
            if noticed == "yes" and is_awaited_first(deeds, handler.units, *kept_as(deeds, own.hit)):
                return "finishes", ""
            return _cancelled(deeds, loop, handler)
        leaves = self._leaves(handler)
        if leaves and _is_told_on_the_way(deeds, loop, handler):
            noticed = "yes"
        waited = is_waited_for(deeds, own)
        if leaves and loop.kind == "library" and waited and _is_stopped(deeds, loop):
            return "finishes", ""
        ends = noticed == "yes" or (noticed == "no" and is_told_otherwise(deeds, loop))
        if (ends and waited) or (noticed == "no" and is_worked_off(deeds, loop)):
            return "finishes", ""
        if leaves and own.kind == "task" and noticed != "perhaps":
            return "cancelled", ""
        if leaves and own.kind == "daemon" and not (waited and noticed == "perhaps"):
            return "dropped", ""
        if doing.raises:
            return "exits", ""
        if ends:
            return "unknown", f"whether the program ends once `{loop.name}` has is not known"
        if (
            noticed == "no"
            and not doing.unknown
            and may_leave(deeds.program.unit(loop.context.unit), loop.block)
        ):
            return "unknown", f"whether `{loop.name}` ends once SIGTERM was handled is not known"
        return _unnoticed(handler, noticed)

    def _meets_in_child(self, loop: Loop, handler: Handler, own: Beside, noticed: str) -> tuple[Meets, str]:
        deeds = self.deeds
        told = own.kind == "daemon-child" or tells_children(deeds)
        if noticed == "yes" or not self._leaves(handler):
            return ("finishes", "") if noticed == "yes" else _unnoticed(handler, noticed)
        if not told:
            return "left", ""
        inside = [
            each
            for each in self.handlers
            if "SIGTERM" in each.signals
            and (child := beside(deeds, each.context)) is not None
            and child.hit == own.hit
        ]
        if not inside:
            # a child that was forked has its parent's handler, if that was set before
            before = comes_after(deeds, (own.hit.unit, own.hit.event), (handler.hit.unit, handler.hit.event))
            if before:
                return ("finishes", "") if noticed == "yes" else _unnoticed(handler, "perhaps")
            return "dropped", ""
        return self._meets(loop, inside[-1])


def _is_told_on_the_way(deeds: Deeds, loop: Loop, handler: Handler) -> bool:
    """Whether the main thread, once it leaves, sets what a loop beside it looks at."""
    if loop.kind != "own":
        return False
    told = set_on_the_way(deeds, handler.doing.flags, handler.units)
    return bool(told) and looks(deeds, loop.context.unit, loop.block, told)


def _unnoticed(handler: Handler, noticed: str) -> tuple[Meets, str]:
    doing = handler.doing
    if doing.stops or doing.unknown:
        what = doing.unknown or f"`{doing.stops}`"
        return "unknown", f"whether {what} in the handler of SIGTERM ends the loop is not known"
    if noticed == "perhaps":
        return "unknown", "whether the loop looks at what the handler of SIGTERM changes is not known"
    return "unnoticed", ""


def _stopped(deeds: Deeds, loop: Loop, handler: Handler) -> tuple[Meets, str]:
    """The handler tells a library's loop to stop: whether it lets the job in hand finish, the library says."""
    for details in _stops(deeds, handler):
        if details.get("family", loop.family) == loop.family:
            return ("cancelled", "") if details.get("finishes") == "no" else ("finishes", "")
    return "unknown", f"whether `{handler.doing.stops}` ends `{loop.name}` is not known"


def _stops(deeds: Deeds, handler: Handler) -> Iterator[Mapping[str, str]]:
    """What the models say of the calls by which a handler stops a library's loop, itself or by handing a method on."""
    for key in closure(deeds, handler.units):
        for hit in deeds.program.unit_hits(key):
            if hit.effect == "stops-consumer":
                yield hit.details
    yield from deeds.program.calling(handler.doing.stops, "stops-consumer")


def _is_triggered(deeds: Deeds, loop: Loop, flags: frozenset[Flag]) -> bool:
    """Whether a library's loop was given what the handler sets, to end by it."""
    name = loop.hit.details.get("stopped_by", "") if loop.hit is not None else ""
    if not name or loop.hit is None or loop.hit.event < 0:
        return False
    call = deeds.program.unit(loop.hit.unit).events[loop.hit.event]
    given = deeds.program.argument(loop.hit.unit, call, name) if isinstance(call, Call) else None
    return mentions(given, flags)


def _cancelled(deeds: Deeds, loop: Loop, handler: Handler) -> tuple[Meets, str]:
    """The task that runs a loop is cancelled: its clean-up may stop a library's loop in order, and a job may be shielded."""
    if loop.kind == "library" and not loop.forever:
        meets, reason = _stopped_at_the_end(deeds, loop, handler)
        return (meets, reason) if meets == "finishes" else ("cancelled", "")
    shielded = is_shielded(deeds, loop)
    if shielded == "perhaps":
        return "unknown", f"what `{loop.name}` makes of a job that it shields is not known"
    return ("finishes", "") if shielded == "yes" else ("cancelled", "")


def _stopped_at_the_end(deeds: Deeds, loop: Loop, handler: Handler) -> tuple[Meets, str]:
    """The main thread, which had gone on beside a library's loop, leaves: it stops the loop itself, or the end of the
    interpreter does."""
    if loop.at_exit == "finish" or _is_stopped(deeds, loop):
        return "finishes", ""
    if _is_stopped(deeds, loop, finishes=False):
        if gives_time(deeds, handler.units):
            return "unknown", f"whether the time that `{loop.name}` is given is enough is not known"
        return "cancelled", ""
    if loop.at_exit == "cut":
        return "dropped", ""
    return "unknown", f"what becomes of the work of `{loop.name}` at the end of the program is not known"


def _is_stopped(deeds: Deeds, loop: Loop, finishes: bool = True) -> bool:
    """Whether the code stops a library's loop somewhere, and always so that the job in hand is finished."""
    stops = [hit for _, hit in deeds.view.hits("stops-consumer") if hit.details.get("family") == loop.family]
    return bool(stops) and (not finishes or all(hit.details.get("finishes") != "no" for hit in stops))


def _goes_on_until(loop: Loop) -> bool:
    """Whether what follows a loop is reached only when it has ended, and not once it was started beside."""
    return loop.kind == "own" or loop.forever


def _point(deeds: Deeds, loop: Loop) -> tuple[UnitKey, int]:
    """The node at which a loop begins."""
    key = loop.context.unit
    if loop.kind == "own":
        return key, deeds.graph(key).head.get(loop.block, deeds.graph(key).start)
    return (loop.hit.unit, loop.hit.event) if loop.hit is not None else (key, deeds.graph(key).start)


def _takes_place(deeds: Deeds, late: Handler, early: Handler) -> bool:
    """Whether a handler surely takes the place of another one."""
    return (
        not late.hit.guard
        and not late.hit.unsure
        and comes_after(deeds, (late.hit.unit, late.hit.event), (early.hit.unit, early.hit.event))
        and not is_conditional(deeds, late)
    )


def is_conditional(deeds: Deeds, handler: Handler) -> bool:
    """Whether a branch or loop decides that a handler is set."""
    unit = deeds.program.unit(handler.hit.unit)
    kinds = {unit.blocks[each].kind for each in around(unit, unit.events[handler.hit.event].block)}
    return bool(kinds & {"if", "else", "while", "except", "case"}) or handler.context.phase == "loop"


def _early_work(deeds: Deeds, loop: Loop, handler: Handler) -> str:
    """What the loop does, and the program did once before the handler was set."""
    if loop.kind != "own":
        return ""
    key = loop.context.unit
    before = before_both(deeds, (handler.hit.unit, handler.hit.event), _point(deeds, loop))
    for node, targets in deeds.runs(key).items() if before else ():
        if loop.block in blocks_around(deeds, key, node):
            for target in targets:
                if target in before and deeds.may(target, LASTING):
                    return deeds.program.symbol(target)
    return ""


def _blocking(deeds: Deeds) -> str:
    """What holds SIGTERM back in this program, or takes it in another way than by a handler."""
    return _told_by(deeds, "mask")


def _told_by(deeds: Deeds, how: str) -> str:
    return next(
        (hit.symbol for _, hit in deeds.view.hits("sets-signal") if hit.details.get("how") == how), ""
    )


# --- Ctrl-C ---------------------------------------------------------------------------------------------------------


def _interrupt(deeds: Deeds, every: tuple[Handler, ...]) -> Place | None:
    """Where the code deals with SIGINT: a handler, or an arm that catches KeyboardInterrupt around or in its loops."""
    for handler in every:
        if "SIGINT" in handler.signals and handler.kind == "function":
            return handler.hit.place
    for context in deeds.view.contexts:
        if context.phase not in ("startup", "import") or context.lane == "thread":
            continue
        for block in deeds.program.unit(context.unit).blocks:
            if block.kind == "except" and isinstance(block.test, Seq) and _catches(block.test):
                return Place(context.unit.path, block.line)
    return None


def _catches(test: Seq) -> bool:
    return any(isinstance(item, Name) and item.id == "KeyboardInterrupt" for item in test.items)
