"""SIGTERM and a program's loops: which link of the chain from the signal to a bounded end breaks first."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Literal, NamedTuple

from proctor.judge.beside import (
    Beside,
    beside,
    is_cancelled,
    is_told_otherwise,
    is_waited_for,
    is_worked_off,
    left_behind,
    main_leaves,
    pauses,
    tells_children,
)
from proctor.judge.deeds import Deeds
from proctor.judge.graph import around
from proctor.judge.handlers import Handler, closure, handlers
from proctor.judge.mainloops import LASTING, Loop, has_lasting, loops, may_leave
from proctor.judge.noticing import notices
from proctor.judge.path_words import blocks_around
from proctor.judge.timeline import before_both, comes_after
from proctor.model.fact import Name, Seq
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
        self.handlers = handlers(deeds)
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
        )

    @property
    def is_handled_by_library(self) -> bool:
        """Whether the library in whose loop the program stays deals with SIGTERM itself."""
        return any(
            loop.kind == "library" and loop.sigterm in _BY_LIBRARY and loop.context.lane != "thread"
            for loop in self.loops
        )

    def _ends(self) -> Iterator[End]:
        for loop in self.loops:
            if loop.kind == "library" and loop.sigterm in _BY_LIBRARY:
                meets = _BY_LIBRARY[loop.sigterm]
                reason = f"what `{loop.name}` does on SIGTERM is set elsewhere" if meets == "unknown" else ""
                yield End(loop, meets, None, reason, self.interrupt)
            elif not self.is_handled_by_library:
                yield self._end(loop)

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
        own = beside(self.deeds, loop.context)
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
            if not comes_after(self.deeds, (each.hit.unit, each.hit.event), point)
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
        own = beside(self.deeds, loop.context)
        if own is None:
            meets, reason = self._meets(loop, handler)
        else:
            meets, reason = self._meets_beside(loop, handler, own)
        left = own.noun if own is not None else ""
        if meets == "finishes":
            behind = left_behind(self.deeds, loop)
            if behind is not None:
                meets, left = "dropped", f"`{behind.symbol}`"
        return End(loop, meets, handler, reason, self.interrupt, left)

    def _meets(self, loop: Loop, handler: Handler) -> tuple[Meets, str]:
        deeds, doing = self.deeds, handler.doing
        if handler.kind == "ignore" or (doing.nothing and not pauses(deeds)):
            return "ignored", ""
        noticed = notices(deeds, loop.context.unit, loop.block, handler) if doing.flags else "no"
        if noticed == "yes" and not doing.always:
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
            return "cancelled", ""
        return _unnoticed(handler, noticed)

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
            return "ignored", ""
        if doing.ends:
            return "killed", ""
        noticed = notices(deeds, loop.context.unit, loop.block, handler) if doing.flags else "no"
        if own.kind in ("child", "daemon-child"):
            return self._meets_in_child(loop, handler, own, noticed)
        if own.kind == "task" and (doing.cancels or doing.stops.endswith("AbstractEventLoop.stop")):
            return "cancelled", ""
        leaves = self._leaves(handler)
        waited = is_waited_for(deeds, own)
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
    family = loop.family
    for key in closure(deeds, handler.units):
        for hit in deeds.program.unit_hits(key):
            if hit.effect == "stops-consumer" and hit.details.get("family", family) == family:
                return ("cancelled", "") if hit.details.get("finishes") == "no" else ("finishes", "")
    return "unknown", f"whether `{handler.doing.stops}` ends `{loop.name}` is not known"


def _stopped_at_the_end(deeds: Deeds, loop: Loop, handler: Handler) -> tuple[Meets, str]:
    """The main thread, which had gone on beside a library's loop, leaves: it stops the loop itself, or the end of the
    interpreter does."""
    stops = [hit for _, hit in deeds.view.hits("stops-consumer") if hit.details.get("family") == loop.family]
    if loop.at_exit == "finish":
        return "finishes", ""
    if stops:
        return (
            ("finishes", "")
            if all(hit.details.get("finishes") != "no" for hit in stops)
            else ("cancelled", "")
        )
    if loop.at_exit == "cut":
        return "dropped", ""
    return "unknown", f"what becomes of the work of `{loop.name}` at the end of the program is not known"


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
    return next(
        (hit.symbol for _, hit in deeds.view.hits("sets-signal") if hit.details.get("how") == "mask"), ""
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
