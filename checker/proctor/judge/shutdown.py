"""SIGTERM and a program's loops: which link of the chain from the signal to a bounded end breaks first."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from proctor.judge.deeds import Deeds
from proctor.judge.expressions import deep
from proctor.judge.graph import around
from proctor.judge.handlers import Flag, Handler, closure, handlers, mentions, reads
from proctor.judge.mainloops import Loop, loops
from proctor.model.fact import Attr, Expr, Jump, Name, Raise, Return, Seq, Unit
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import UnitKey

Meets = Literal[
    "finishes", "returns", "drops", "dies", "exits", "killed", "cancelled", "ignored", "unnoticed", "unknown"
]
_BY_LIBRARY: dict[str, Meets] = {
    "finish": "finishes", "graceful": "finishes", "return": "returns", "drop": "drops", "ignored": "ignored",
    "custom": "unknown", "unknown": "unknown",
}  # fmt: skip
_EVENTS = ("is_set", "wait")


class End(NamedTuple):
    """How a loop meets SIGTERM. `handler` decides it, if the code has one; `reason` says why it is "unknown"; `interrupt` is
    where the code deals with Ctrl-C."""

    loop: Loop
    meets: Meets
    handler: Handler | None = None
    reason: str = ""
    interrupt: Place | None = None

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
        self.loops = loops(deeds)
        self.interrupt = _interrupt(deeds, self.handlers)
        self.ends = tuple(self._ends())

    @property
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
        vague = next((each for each in self.handlers if not each.signals and each.kind == "function"), None)
        ends = [self._under(loop, handler) for handler in self.on_term if handler.kind != "default"]
        if not ends:
            if vague is not None:
                reason = (
                    f"which signal is handled in {vague.hit.place.path}:{vague.hit.place.line} is not known"
                )
                return End(loop, "unknown", vague, reason, self.interrupt)
            return End(loop, "dies", None, "", self.interrupt)
        if len({end.meets for end in ends}) > 1:
            return End(
                loop, "unknown", ends[-1].handler, "several handlers of SIGTERM differ", self.interrupt
            )
        return ends[-1]

    def _under(self, loop: Loop, handler: Handler) -> End:
        if handler.hit.guard or handler.hit.unsure:
            reason = handler.hit.unsure or f"`{handler.hit.guard}` decides whether SIGTERM is handled"
            return End(loop, "unknown", handler, reason, self.interrupt)
        meets, reason = _meets(self.deeds, loop, handler)
        return End(loop, meets, handler, reason, self.interrupt)


def _meets(deeds: Deeds, loop: Loop, handler: Handler) -> tuple[Meets, str]:
    doing = handler.doing
    if handler.kind == "ignore" or doing.nothing:
        return "ignored", ""
    noticed = notices(deeds, loop, handler) if doing.flags else "no"
    if noticed == "yes" and not doing.always:
        return "finishes", ""
    if doing.ends:
        return "killed", ""
    if doing.raises:
        return "exits", ""
    if loop.kind == "library" and doing.stops:
        return _stopped(deeds, loop, handler)
    if doing.cancels or doing.stops.endswith("AbstractEventLoop.stop"):
        return "cancelled", ""
    if doing.stops or doing.unknown:
        what = doing.unknown or f"`{doing.stops}`"
        return "unknown", f"whether {what} in the handler of SIGTERM ends the loop is not known"
    if noticed == "perhaps":
        return "unknown", "whether the loop looks at what the handler of SIGTERM changes is not known"
    return "unnoticed", ""


def _stopped(deeds: Deeds, loop: Loop, handler: Handler) -> tuple[Meets, str]:
    """The handler tells a library's loop to stop: whether it lets the job in hand finish, the library says."""
    family = loop.hit.details.get("family", "") if loop.hit is not None else ""
    for key in closure(deeds, handler.units):
        for hit in deeds.program.unit_hits(key):
            if hit.effect == "stops-consumer" and hit.details.get("family", family) == family:
                return ("cancelled", "") if hit.details.get("finishes") == "no" else ("finishes", "")
    return "unknown", f"whether `{handler.doing.stops}` ends `{loop.name}` is not known"


# --- whether a loop notices -----------------------------------------------------------------------------------


def notices(deeds: Deeds, loop: Loop, handler: Handler) -> Literal["yes", "perhaps", "no"]:
    """Whether a loop looks at what the handler changes, and leaves."""
    flags = handler.doing.flags
    own = set(closure(deeds, handler.units))
    if loop.kind == "own" and _looks(deeds, loop, flags):
        return "yes"
    if loop.kind == "own" and _waits_for_event(deeds, loop):
        return "perhaps"
    below = deeds.units_below(loop.context.unit)
    if any(reads(deeds.program.unit(key), flags) for key in below if key not in own):
        return "perhaps"
    return "no"


def is_read(deeds: Deeds, handler: Handler) -> bool:
    """Whether any code besides the handler reads what it changes."""
    own = set(closure(deeds, handler.units))
    flags = handler.doing.flags
    return any(reads(deeds.program.unit(key), flags) for key in deeds.contexts if key not in own)


def _looks(deeds: Deeds, loop: Loop, flags: frozenset[Flag]) -> bool:
    key = loop.context.unit
    unit = deeds.program.unit(key)
    if _asks(deeds, key, unit.blocks[loop.block].test, flags):
        return True
    for number, block in enumerate(unit.blocks):
        inside = loop.block in around(unit, number)
        if not inside or block.kind not in ("if", "while", "case"):
            continue
        if _asks(deeds, key, block.test, flags) and (block.kind == "while" or _leaves(unit, number)):
            return True
    return False


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


def _leaves(unit: Unit, block: int) -> bool:
    """Whether a branch, or the one beside it, leaves the loop."""
    group = unit.blocks[block].group
    arms = {number for number, other in enumerate(unit.blocks) if other.group == group} if group else {block}
    return any(
        isinstance(event, Return | Raise | Jump) and arms & set(around(unit, event.block))
        for event in unit.events
    )


def _waits_for_event(deeds: Deeds, loop: Loop) -> bool:
    """Whether the loop's condition asks an event object, which may be the one that the handler sets."""
    unit = deeds.program.unit(loop.context.unit)
    return any(
        isinstance(part, Attr) and part.name in _EVENTS for part in deep(unit, unit.blocks[loop.block].test)
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
