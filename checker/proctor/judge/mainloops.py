"""The loops that a program's work goes round in, its own and its libraries', and what is at risk in them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from proctor.judge.asking import Wanted, fits
from proctor.judge.deeds import Deeds
from proctor.judge.graph import around
from proctor.judge.handlers import Flag
from proctor.judge.noticing import looks
from proctor.judge.order import OrderQuestion, answers
from proctor.judge.overriding import with_own_methods
from proctor.judge.path_words import Point, blocks_around, is_in_main_loop
from proctor.judge.polling import marks_afterwards
from proctor.model.fact import Attr, Call, Const, Jump, Result, Return, Unit
from proctor.model.place import Place
from proctor.model.program import Context, Hit, UnitKey
from proctor.model.words import Effect

Work = Literal["lost", "cut", "returned", "idle", "unknown"]

#: effects whose half is worse than nothing
LASTING: tuple[Effect, ...] = (
    "saves-record", "commits", "writes-disk", "sends-outside", "publishes", "enqueues", "stores-upload", "removes-disk",
    "subprocess", "starts-process", "migrates", "builds-assets",
)  # fmt: skip
_TAKEN = Wanted(effect=("pops", "receives"))
_LOST = (
    Wanted(effect=("pops",), details={"kept": "no"}),
    Wanted(effect=("receives",), details={"ack": ("auto", "none", "early"), "kept": "no"}),
    Wanted(effect=("receives",), details={"ack": "auto"}),
)
_WAITING = Wanted(effect=("waits", "pops", "receives", "consumes-jobs"))
_RETURNED = Wanted(effect=("receives",), details={"kept": "yes", "ack": ("manual", "late", "position")})
_WRITES = Wanted(effect=("database",), details={"how": "write"})
_DONE = Point(effect=LASTING, given=True)
_EARLY = OrderQuestion(
    ask="order",
    source=Point(effect=("receives", "consumes-jobs")),
    first=Point(effect=("acknowledges", "deletes-message"), details_not={"ack": ("late", "early")}),
    then=_DONE,
    between_not=Point(effect=("receives",)),
    same_pass=True,
)
_LOOPING: tuple[Effect, ...] = (
    "consumes-jobs",
    "runs-bot",
    "schedules",
    "serves-http",
    "dispatches",
    "handles-sigterm",
)
#: effects that run the app's own code in another phase, and those phases
_STARTING = ("schedules", "starts-task", "starts-thread", "starts-process")
_TAKING = ("dispatches", "consumes-jobs", "runs-bot")
_BESIDE = ("tick", "job", "loop", "thread")
#: where calls come from that leave nothing behind
_PLAIN = ("builtins.", "time.", "datetime.", "random.", "math.", "logging.", "json.", "asyncio.sleep")
_QUIET = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


class Loop(NamedTuple):
    """A loop: `kind` is "own" (written here: the block of a unit) or "library" (the call that does not return before the
    end, or starts a loop beside). `sigterm` is what the library does with SIGTERM; `hit` is its call."""

    kind: Literal["own", "library"]
    context: Context
    place: Place
    name: str
    block: int = -1
    hit: Hit | None = None

    @property
    def sigterm(self) -> str:
        """What the library's loop does by itself: "none", "finish", "return", "drop", …; "none" for an own loop."""
        return self.hit.details.get("sigterm", "unknown") if self.hit is not None else "none"

    @property
    def version_of(self) -> str:
        """The distribution whose version decides that, if one does."""
        return self.hit.details.get("version_of", "") if self.hit is not None else ""

    @property
    def family(self) -> str:
        """The family of a library's loop."""
        return self.hit.details.get("family", "") if self.hit is not None else ""

    @property
    def forever(self) -> bool:
        """Whether the call of a library's loop does not return before the end."""
        return self.hit is not None and self.hit.forever

    @property
    def at_exit(self) -> str:
        """What an ordinary end of the interpreter makes of the work in a library's loop: "finish", "cut", or ""."""
        return self.hit.details.get("at_exit", "") if self.hit is not None else ""

    @property
    def serves(self) -> bool:
        """Whether it is a server's."""
        return self.hit is not None and self.hit.effect == "serves-http"


def loops(deeds: Deeds, flags: frozenset[Flag]) -> tuple[Loop, ...]:
    """The loops in which a program's code stays, or that it starts beside itself. `flags` are what its handlers change."""
    found: dict[Place, Loop] = {}
    for loop in (*_own(deeds, flags), *_libraries(deeds)):
        found.setdefault(loop.place, loop)
    return tuple(found.values())


def _own(deeds: Deeds, flags: frozenset[Flag]) -> Iterator[Loop]:
    for context in deeds.view.contexts:
        if context.phase not in ("startup", "thread", "import"):
            continue
        blocks = deeds.program.main_loops(context.unit)
        if not blocks or _is_step(deeds, context.unit):
            continue
        unit = deeds.program.unit(context.unit)
        for block in blocks:
            if deeds.program.block_state(context.unit, block) == "dead":
                continue
            if deeds.program.block_state(context.unit, block) == "main" and not _is_script(deeds, context):
                continue
            if not _waits_for_work(deeds, context.unit, block) and not looks(
                deeds, context.unit, block, flags
            ):
                continue
            place = Place(context.unit.path, unit.blocks[block].line)
            yield Loop("own", context, place, deeds.program.symbol(context.unit), block)


def _is_script(deeds: Deeds, context: Context) -> bool:
    entry = deeds.view.launch.entry
    return (
        entry is not None and entry.path == context.unit.path and context.unit.number == 0
        and entry.kind in ("script", "module")
    )  # fmt: skip


def _is_step(deeds: Deeds, key: UnitKey) -> bool:
    """Whether a unit is only one of the steps of a loop further out."""
    seen, todo = {key}, [key]
    while todo:
        for source, node in deeds.callers(todo.pop()):
            if is_in_main_loop(deeds, source, node):
                return True
            if source not in seen:
                seen.add(source)
                todo.append(source)
    return False


def _waits_for_work(deeds: Deeds, key: UnitKey, block: int) -> bool:
    """Whether a loop that may leave by itself (`break` when there is nothing more) goes on because it waits for work,
    and not only to get to the end of something."""
    unit = deeds.program.unit(key)
    if not isinstance(unit.blocks[block].test, Const) or not may_leave(unit, block):
        return True
    return any(
        fits(_WAITING, deed.hit)
        for node, done in deeds.at(key).items()
        if block in blocks_around(deeds, key, node)
        for deed in done
    )


def may_leave(unit: Unit, loop: int) -> bool:
    """Whether a loop has a way out of its own: a condition, a `return`, or a `break` that leaves it."""
    if unit.blocks[loop].kind == "while" and not isinstance(unit.blocks[loop].test, Const):
        return True
    for event in unit.events:
        blocks = around(unit, event.block)
        if loop not in blocks:
            continue
        if isinstance(event, Return):
            return True
        if isinstance(event, Jump) and event.kind == "break":
            nearest = next(each for each in blocks if unit.blocks[each].kind in ("while", "for"))
            if nearest == loop:
                return True
    return False


def _serves(hit: Hit) -> bool:
    return hit.effect == "serves-http" and bool(hit.details.get("server"))


def _libraries(deeds: Deeds) -> Iterator[Loop]:
    servers: set[str] = set()
    hits = list(deeds.view.hits(*_LOOPING))
    # whatever module is linked first: where a server's loop is started apart, the call that serves speaks for it
    for context, hit in sorted(hits, key=lambda each: not _serves(each[1])):
        if "sigterm" not in hit.details or context.phase not in ("startup", "import", "thread"):
            continue
        graph = deeds.graph(context.unit)
        node = hit.event if hit.event >= 0 else graph.head.get(hit.block, graph.start)
        if is_in_main_loop(deeds, context.unit, node):
            continue
        server = hit.details.get("server", "")
        if server in servers:
            # making it, binding it and starting it are three calls for one server
            continue
        servers.update({server} - {""})
        own = with_own_methods(deeds, hit)
        yield Loop("library", context, hit.place, hit.symbol.removeprefix("builtins."), -1, own)


# --- what is at risk -------------------------------------------------------------------------------------------


def work_at_risk(deeds: Deeds, loop: Loop) -> Work:
    """What becomes of the job in hand if the process ends at any moment: it is "lost" (taken, and kept nowhere else), "cut"
    (left half done), "returned" (whoever keeps it hands it out again), or there is none ("idle"); "unknown" where it does
    something of which nothing is known."""
    hits = list(_hits_in(deeds, loop))
    if any(fits(wanted, hit) for wanted in _LOST for hit in hits):
        return "lost"
    if any(fits(_RETURNED, hit) for hit in hits):
        return "lost" if _is_early(deeds, loop) else "returned"
    if loop.kind == "own" and marks_afterwards(deeds, loop.context.unit, loop.block, frozenset(LASTING)):
        return "returned"
    if any(hit.effect in LASTING or fits(_WRITES, hit) for hit in hits):
        return "cut"
    if _calls_something(deeds, loop) or _feeds(deeds, loop):
        return "cut"
    return _work_beside(deeds, hits)


def has_lasting(deeds: Deeds, loop: Loop) -> bool:
    """Whether a loop's work leaves something whose half is worse than nothing."""
    return any(hit.effect in LASTING or fits(_WRITES, hit) for hit in _hits_in(deeds, loop))


def _feeds(deeds: Deeds, loop: Loop) -> bool:
    """Whether a generator's loop yields what the body of a loop elsewhere works on."""
    key = loop.context.unit
    if loop.kind != "own" or not deeds.program.unit(key).is_generator:
        return False
    for source, node in deeds.callers(key):
        unit = deeds.program.unit(source)
        heads = {block for block, head in deeds.graph(source).head.items() if head == node}
        call = unit.events[node] if node < len(unit.events) else None
        heads.update(
            number
            for number, block in enumerate(unit.blocks)
            if block.kind == "for" and call is not None and block.test == Result(node)
        )
        if any(
            _calls_something(deeds, loop._replace(context=loop.context._replace(unit=source), block=each))
            for each in heads
        ):
            return True
    return False


def _work_beside(deeds: Deeds, hits: Iterable[Hit]) -> Work:
    """What becomes of the work that a loop leaves to a library, a thread, a task or a child: a schedule's jobs and what the app
    starts itself are there to do something; what comes in from outside may be only looked at."""
    effects = {hit.effect for hit in hits}
    if effects.isdisjoint((*_STARTING, *_TAKING)):
        return "idle"
    units = {context.unit for context in deeds.view.contexts if context.phase in _BESIDE}
    if not any(_calls_more(deeds, key, known=True) for key in units):
        return "idle"
    if not effects.isdisjoint(_STARTING):
        return "cut"
    return "unknown" if any(_calls_more(deeds, key, known=False) for key in units) else "idle"


def _calls_more(deeds: Deeds, key: UnitKey, known: bool) -> bool:
    """Whether a unit calls more than what notes or reckons; without `known` only calls of which nothing is known count."""
    for number, event in enumerate(deeds.program.unit(key).events):
        if not isinstance(event, Call) or (isinstance(event.func, Attr) and event.func.name in _QUIET):
            continue
        symbols = deeds.program.symbols(key, number)
        if not symbols and not deeds.program.targets(key, number):
            return True
        if known and not (symbols and all(each.startswith(_PLAIN) for each in symbols)):
            return True
    return False


def _hits_in(deeds: Deeds, loop: Loop) -> Iterator[Hit]:
    """The effects of a loop's work, however deep."""
    if loop.kind == "own":
        key = loop.context.unit
        for node, done in deeds.at(key).items():
            if _is_inside(deeds, key, node, loop.block):
                yield from (deed.hit for deed in done)
        # a consumer is often made before the loop that asks it
        yield from (hit for hit in deeds.own(key) if fits(_TAKEN, hit))
        return
    if loop.hit is not None:
        yield loop.hit
    for context, hit in deeds.view.hits():
        if context.phase in ("request", "job", "tick", "loop") or fits(_TAKEN, hit):
            yield hit


def _is_inside(deeds: Deeds, key: UnitKey, node: int, block: int) -> bool:
    return block in blocks_around(deeds, key, node)


def _is_early(deeds: Deeds, loop: Loop) -> bool:
    """Whether some path acknowledges before the work is done."""
    if loop.kind == "own":
        keys = set(deeds.units_below(loop.context.unit))
    else:
        keys = {context.unit for context in deeds.view.contexts if context.phase in ("job", "tick", "loop")}
    return any(answer.context.unit in keys for answer in answers(_EARLY, deeds))


def _calls_something(deeds: Deeds, loop: Loop) -> bool:
    """Whether the loop calls the app's own code, or something of which nothing is known."""
    if loop.kind != "own":
        return False
    key = loop.context.unit
    unit = deeds.program.unit(key)
    for number, event in enumerate(unit.events):
        if not isinstance(event, Call) or not _is_inside(deeds, key, number, loop.block):
            continue
        if deeds.program.targets(key, number):
            return True
        symbols = deeds.program.symbols(key, number)
        if not symbols and not (isinstance(event.func, Attr) and event.func.name in _QUIET):
            return True
    return False
