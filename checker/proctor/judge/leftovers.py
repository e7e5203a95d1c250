"""What is left when a program's loops have ended: threads, children, waits, consumers, and clean-up that does not run."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from proctor.judge.asking import Wanted, fits
from proctor.judge.beside import is_told_otherwise, tells_children, wakes
from proctor.judge.deeds import Deeds, receiver
from proctor.judge.freed import is_freed
from proctor.judge.graph import around
from proctor.judge.handlers import Flag, mentions, reads
from proctor.judge.mainloops import may_leave
from proctor.judge.noticing import looks
from proctor.judge.path_words import blocks_around
from proctor.judge.shutdown import End, Shutdown
from proctor.model.fact import Attr, Bind, Call, Const, Name, Unit, Yield
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Context, Hit, Known, UnitKey


class Left(NamedTuple):
    """Something left: where it is, by what name, with further evidence."""

    context: Context
    place: Place
    name: str
    steps: tuple[Step, ...] = ()
    target: str = ""


def matches(symbol: str, patterns: tuple[str, ...]) -> bool:
    """Whether a library's name fits one of the patterns."""
    return any(fnmatchcase(symbol, pattern) for pattern in patterns)


# --- threads ------------------------------------------------------------------------------------------------


def endless_threads(deeds: Deeds, started: Wanted, freed_by: tuple[str, ...]) -> Iterator[Left]:
    """Threads that hold the exit (`started` says which effects start such, `freed_by` which attributes, arguments and
    methods let the interpreter end without them), and that nothing ever ends."""
    for context, hit in deeds.view.hits(*started.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
        if hit.event < 0 or not fits(started, hit) or hit.guard or hit.unsure:
            continue
        if is_freed(deeds, hit, freed_by):
            continue
        for edge in deeds.program.edges(hit.unit):
            if edge.event != hit.event or edge.lane != "thread" or edge.target not in deeds.contexts:
                continue
            place = _endless_place(deeds, edge.target)
            if place is not None:
                name = deeds.program.symbol(edge.target)
                steps = (Step(place, f"`{name}` goes round for ever"),)
                yield Left(context, hit.place, hit.symbol, steps, name)


def _endless_place(deeds: Deeds, key: UnitKey) -> Place | None:
    """The loop of a unit, or of what it calls, that neither ends by itself nor asks anything that others set."""
    for unit_key in deeds.units_below(key):
        unit = deeds.program.unit(unit_key)
        for block in deeds.program.main_loops(unit_key):
            if unit.blocks[block].kind == "while" and not may_leave(unit, block):
                return Place(unit_key.path, unit.blocks[block].line)
    return None


# --- children ------------------------------------------------------------------------------------------------


def left_children(deeds: Deeds, shutdown: Shutdown, started: Wanted) -> Iterator[Left]:
    """Child processes that go on by themselves, which nothing on the way out ends."""
    orderly = _leaves_in_order(shutdown)
    for context, hit in deeds.view.hits(*started.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
        if hit.event < 0 or not fits(started, hit) or hit.guard or hit.unsure:
            continue
        if context.phase not in ("startup", "import", "loop"):
            continue
        if orderly and (_is_daemon(deeds, hit) or tells_children(deeds)):
            continue
        targets = [
            edge.target
            for edge in deeds.program.edges(hit.unit)
            if edge.event == hit.event and edge.process and edge.target in deeds.contexts
        ]
        for target in targets:
            place = _loop_place(deeds, target)
            if place is not None and not (orderly and _is_asked(deeds, shutdown, target)):
                name = deeds.program.symbol(target)
                yield Left(context, hit.place, hit.symbol, (Step(place, f"`{name}` goes round"),), name)
                break


def _loop_place(deeds: Deeds, key: UnitKey) -> Place | None:
    for unit_key in deeds.units_below(key):
        unit = deeds.program.unit(unit_key)
        for block in deeds.program.main_loops(unit_key):
            return Place(unit_key.path, unit.blocks[block].line)
    return None


def _leaves_in_order(shutdown: Shutdown) -> bool:
    """Whether a handler of SIGTERM ends the parent so that what follows its loops, and its exit hooks, run."""
    return any(
        each.doing.flags or each.doing.raises or each.doing.stops or each.doing.unknown
        for each in shutdown.on_term
    )


def _is_daemon(deeds: Deeds, hit: Hit) -> bool:
    return hit.details.get("daemon") == "yes" or is_freed(deeds, hit, ("daemon",))


def _is_asked(deeds: Deeds, shutdown: Shutdown, key: UnitKey) -> bool:
    """Whether a child looks at what a handler of the parent sets: an event that they share."""
    return any(
        reads(deeds.program.unit(unit), handler.doing.flags)
        for handler in shutdown.on_term
        for unit in deeds.units_below(key)
    )


# --- waits -----------------------------------------------------------------------------------------------------


def unbounded_waits(deeds: Deeds, end: End, waits: Wanted, bounded_by: tuple[str, ...]) -> Iterator[Left]:
    """Waits without a bound in a loop that is to look at a flag: the signal is handled, and then waited on as before. Methods
    of the names `bounded_by`, called anywhere in the program, may bound them."""
    key = end.loop.context.unit
    if is_woken(deeds, end) or (bounded_by and _is_called(deeds, bounded_by)):
        return
    handler = end.handler
    flags = handler.doing.flags if handler is not None else frozenset()
    for node, done in sorted(deeds.at(key).items()):
        if end.loop.block not in blocks_around(deeds, key, node):
            continue
        for deed in done:
            if fits(waits, deed.hit) and not _waits_on_flag(deeds, deed.hit, flags):
                yield Left(end.loop.context, deed.hit.place, deed.hit.symbol, deed.via)
                break


def is_woken(deeds: Deeds, end: End) -> bool:
    """Whether the loop gets an item that only wakes it, or does not ask what the handler sets but ends by what it takes."""
    loop, handler = end.loop, end.handler
    asks = handler is not None and looks(deeds, loop.context.unit, loop.block, handler.doing.flags)
    return wakes(deeds, loop.context.unit) if asks else is_told_otherwise(deeds, loop)


def _is_called(deeds: Deeds, names: tuple[str, ...]) -> bool:
    return any(
        isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in names
        for context in deeds.view.contexts
        for event in deeds.program.unit(context.unit).events
    )


def _waits_on_flag(deeds: Deeds, hit: Hit, flags: frozenset[Flag]) -> bool:
    expr = receiver(deeds.program, hit)
    return expr is not None and mentions(expr, flags)


def long_sleeps(deeds: Deeds, end: End, sleeps: Wanted, longest: float) -> Iterator[tuple[Left, float]]:
    """Sleeps in such a loop that are as long as the grace period or longer, with their seconds."""
    key = end.loop.context.unit
    for node, done in sorted(deeds.at(key).items()):
        if end.loop.block not in blocks_around(deeds, key, node):
            continue
        for deed in done:
            if not fits(sleeps, deed.hit) or deed.hit.subject is None:
                continue
            value = deeds.program.evaluate(deed.hit.unit, deed.hit.subject)
            seconds = value.value if isinstance(value, Known) else None
            if isinstance(seconds, int | float) and seconds >= longest:
                yield Left(end.loop.context, deed.hit.place, deed.hit.symbol, deed.via), float(seconds)


# --- consumers and clean-up -------------------------------------------------------------------------------------


def open_consumers(deeds: Deeds, families: tuple[str, ...]) -> Iterator[Left]:
    """Consumers of these families that nothing stops or closes on the way out."""
    stopped = {hit.details.get("family") for _, hit in deeds.view.hits("stops-consumer")}
    seen: set[str] = set()
    for context, hit in deeds.view.hits("receives", "consumes-jobs"):
        family = hit.details.get("family", "")
        if family not in families or family in stopped or family in seen or _is_managed(deeds, hit):
            continue
        seen.add(family)
        yield Left(context, hit.place, hit.symbol)


def _is_managed(deeds: Deeds, hit: Hit) -> bool:
    """Whether the object lies in a `with` block, which closes it."""
    unit = deeds.program.unit(hit.unit)
    event = unit.events[hit.event] if hit.event >= 0 else None
    if isinstance(event, Call) and event.use == "with":
        return True
    expr = receiver(deeds.program, hit)
    return isinstance(expr, Name) and any(
        isinstance(each, Bind) and each.how == "with" and each.name == expr.id for each in unit.events
    )


def idle_cleanup(deeds: Deeds) -> Iterator[Left]:
    """Clean-up that only an ordinary end of the interpreter runs: exit hooks, and `finally` around the program's loops."""
    for context, hit in deeds.view.hits("registers-exit"):
        if context.phase in ("startup", "import", "loop") and not hit.guard and not _is_fired(deeds, context):
            yield Left(context, hit.place, hit.symbol)
    for context in deeds.view.contexts:
        loops = deeds.program.main_loops(context.unit)
        if context.phase != "startup" or context.lane == "thread" or not loops:
            continue
        unit = deeds.program.unit(context.unit)
        for number, block in enumerate(unit.blocks):
            if block.kind == "finally" and _guards(unit, number, loops) and _does_something(unit, number):
                yield Left(context, Place(context.unit.path, block.line), "finally")


def _is_fired(deeds: Deeds, context: Context) -> bool:
    """Whether a framework runs the code, in every program that loads it, whatever that program is for."""
    return any(edge.trigger for _, edge in deeds.trail(context))


def _guards(unit: Unit, final: int, loops: tuple[int, ...]) -> bool:
    """Whether the `try` of a `finally` holds one of the loops."""
    group = unit.blocks[final].group
    guarded = {
        number for number, block in enumerate(unit.blocks) if block.kind == "try" and block.group == group
    }
    return any(guarded & set(around(unit, loop)) for loop in loops)


def _does_something(unit: Unit, block: int) -> bool:
    return any(isinstance(event, Call) and block in around(unit, event.block) for event in unit.events)


# --- streams --------------------------------------------------------------------------------------------------------


def endless_streams(deeds: Deeds, shutdown: Shutdown) -> Iterator[Left]:
    """Responses that never end by themselves, in a server that waits for them without a bound."""
    if not _waits_unbounded(deeds, shutdown):
        return
    for context in deeds.view.contexts:
        unit = deeds.program.unit(context.unit)
        if context.phase != "request" or not unit.is_generator:
            continue
        for block in deeds.program.main_loops(context.unit):
            if isinstance(unit.blocks[block].test, Const) and _yields(unit, block):
                yield Left(
                    context,
                    Place(context.unit.path, unit.blocks[block].line),
                    deeds.program.symbol(context.unit),
                )


def _yields(unit: Unit, block: int) -> bool:
    return any(isinstance(event, Yield) and block in around(unit, event.block) for event in unit.events)


def _waits_unbounded(deeds: Deeds, shutdown: Shutdown) -> bool:
    launch = deeds.view.launch
    option = str(launch.signals.get("grace_option", ""))
    if launch.signals.get("term") == "drains" and "serves-http" in launch.does:
        return "grace_seconds" not in launch.signals and not (option and launch.option(option))
    return any(
        loop.serves and loop.hit is not None and loop.hit.details.get("drain") == "unbounded"
        for loop in shutdown.loops
    )
