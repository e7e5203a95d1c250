"""What all path questions share: the words that say where they are asked, points of paths, and answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

import msgspec

from proctor.judge.asking import ProcessWords, Wanted, fits
from proctor.judge.deeds import Deed, Deeds
from proctor.judge.expressions import deep, local_sources
from proctor.judge.graph import around
from proctor.model.fact import Attr, Call, Define, Expr, Item, Name, Result
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import (
    Context,
    Edge,
    FromEnv,
    Hit,
    Known,
    LibRef,
    ProcessView,
    UnitKey,
    UnitRef,
    Value,
)
from proctor.model.words import Phase, Severity

Scalar = str | int | float | bool
SettingWords = dict[str, tuple[Scalar, ...]]


class Point(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A point of a path: an event that has the effect (see `Wanted`), itself or, unless `own`, through calls of the
    app's own code. `given` also counts calls of the app's own code, and calls of which nothing is known, that are given
    what was received (or what the unit was given). `brought`: through calls only where what they take is in the unit's hands
    afterwards. `lasting`: not the one record that a function without parameters makes where its look-up finds none."""

    given: bool = False
    lasting: bool = False
    brought: bool = False
    own: bool = False


class PathQuestion(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where a path question is asked, and how its answer counts."""

    ask: str
    phase: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    unit: Literal["", "async", "sync"] = ""
    job: tuple[str, ...] = ()
    under: tuple[str, ...] = ()
    scheduled: bool | None = None
    schedules: tuple[str, ...] = ()
    registered_not: tuple[str, ...] = ()
    option: tuple[Wanted, ...] = ()
    option_not: tuple[Wanted, ...] = ()
    settings: SettingWords = msgspec.field(default_factory=dict)
    settings_not: SettingWords = msgspec.field(default_factory=dict)
    settings_like: dict[str, str] = msgspec.field(default_factory=dict)
    once: Literal["", "unit", "process", "app"] = ""
    severity: Severity | None = None
    message: str = ""
    doubt: str = ""


class Answer(NamedTuple):
    """What was seen: the unit's context and the `place`, the evidence between them, and names for the message.
    With `doubt` it is only a reason why the question cannot be answered."""

    context: Context
    place: Place
    names: Mapping[str, str] = {}
    steps: tuple[Step, ...] = ()
    text: str = ""
    subject: str = ""
    doubt: str = ""


# --- where a question is asked -----------------------------------------------------------------------------


def asked_units(deeds: Deeds, question: PathQuestion, effects: tuple[str, ...] = ()) -> Iterator[UnitKey]:
    """The units of the program in which a question is asked, in the order in which they are reached: of those only that
    may have one of the effects, where some are given."""
    for key in deeds.that_may(effects) if effects else deeds.contexts:
        if question.unit and deeds.program.unit(key).is_async != (question.unit == "async"):
            continue
        if question.job and not _is_job(deeds, question, key, question.job):
            continue
        if question.under and not any(jobs_above(deeds, question, key)):
            continue
        yield key


def jobs_above(deeds: Deeds, question: PathQuestion, key: UnitKey) -> Iterator[Context]:
    """The jobs that are asked for (`under`) from which the contexts of a unit come."""
    for context in deeds.contexts[key]:
        job = next((current for current, edge in deeds.trail(context) if edge.trigger), None)
        if job is not None and _is_job(deeds, question, job.unit, question.under):
            yield job


def _is_job(deeds: Deeds, question: PathQuestion, key: UnitKey, patterns: tuple[str, ...]) -> bool:
    """Whether one of the library's names that are asked for registers the unit, with options that fit."""
    for context in deeds.contexts[key]:
        origin = deeds.view.contexts[context]
        edge = origin[1] if origin is not None else deeds.view.handed_over.get(context)
        if edge is None or not edge.trigger:
            continue
        registrars = _registrars(deeds, edge)
        if not any(fnmatchcase(name, pattern) for name in registrars for pattern in patterns):
            continue
        chosen = registering_hits(deeds, edge, key)
        sure = [hit for hit in chosen if not hit.unsure]
        if question.option and not any(fits(want, hit) for want in question.option for hit in sure):
            continue
        if any(fits(want, hit) for want in question.option_not for hit in chosen):
            continue
        if question.scheduled is None or is_scheduled(deeds, question, key) == question.scheduled:
            return True
    return False


def registering_hits(deeds: Deeds, edge: Edge, key: UnitKey) -> list[Hit]:
    """The effects of the call, or of the decorators, by which an edge registers a unit."""
    at = {
        edge.event,
        *(each.event for each in deeds.program.unit(key).decorators if isinstance(each, Result)),
    }
    return [hit for hit in deeds.program.unit_hits(edge.source) if hit.event in at]


def _registrars(deeds: Deeds, edge: Edge) -> frozenset[str]:
    """The library's names by which an edge registers its target: what was called, what decorates it, what its class is."""
    if edge.event < 0:
        return frozenset()
    program, source = deeds.program, edge.source
    event = program.unit(source).events[edge.event]
    found = set(program.symbols(source, edge.event))
    if isinstance(event, Define):
        unit = program.unit(UnitKey(source.path, event.unit))
        if unit.kind == "class":
            found.update(program.class_bases(UnitKey(source.path, event.unit)))
        for decorator in unit.decorators:
            if isinstance(decorator, Result):
                found.update(program.symbols(source, decorator.event))
            found.update(ref.symbol for ref in program.resolve(source, decorator) if isinstance(ref, LibRef))
    return frozenset(found)


def _is_registered(deeds: Deeds, context: Context, patterns: tuple[str, ...]) -> bool:
    """Whether one of these names of a library registers what the context comes from in the end."""
    edge = next((edge for _, edge in deeds.trail(context) if edge.trigger or edge.later), None)
    names = _registrars(deeds, edge) if edge is not None else ()
    return any(fnmatchcase(name, pattern) for name in names for pattern in patterns)


def is_scheduled(deeds: Deeds, question: PathQuestion, key: UnitKey) -> bool:
    """Whether a schedule names the job: a setting (also one that cannot be known), or a call that registers it."""
    unit = deeds.program.unit(key)
    for name in question.schedules:
        system, _, wanted = name.partition(":")
        setting = deeds.view.setting(system, wanted)
        if setting is None or setting.is_default:
            continue
        # a function that fills its schedule as it goes is read as giving an empty one: what is in it is not known
        known = setting.value.value if isinstance(setting.value, Known) else None
        if not known or _names(setting.value, unit.name):
            return True
    for other in deeds.contexts:
        for hit in deeds.own(other):
            if hit.effect != "registers-schedule" or hit.event < 0:
                continue
            event = deeds.program.unit(other).events[hit.event]
            if isinstance(event, Define | Call) and _speaks_of(deeds, other, event, key):
                return True
    return False


def _names(value: Value, name: str) -> bool:
    """Whether a setting's value holds a text that ends in a name."""
    if not isinstance(value, Known):
        return False
    inner = value.value
    if isinstance(inner, str):
        return inner.rpartition(".")[2] == name
    if isinstance(inner, Mapping):
        return any(_names(each, name) for each in inner.values())
    return isinstance(inner, list | tuple) and any(_names(each, name) for each in inner)


def _speaks_of(deeds: Deeds, source: UnitKey, event: Define | Call, key: UnitKey) -> bool:
    """Whether a call that registers a schedule is given the unit, or decorates it."""
    if isinstance(event, Define):
        return UnitKey(source.path, event.unit) == key
    unit = deeds.program.unit(key)
    if event.use == "decorator":
        number = next(i for i, each in enumerate(deeds.program.unit(source).events) if each is event)
        return source.path == key.path and any(each == Result(number) for each in unit.decorators)
    for value in (*event.args, *(each for _, each in event.keywords)):
        for part in deep(deeds.program.unit(source), value):
            if isinstance(part, Name | Attr) and any(
                isinstance(ref, UnitRef) and UnitKey(*ref) == key
                for ref in deeds.program.resolve(source, part)
            ):
                return True
    return False


def settings_fit(question: PathQuestion, view: ProcessView) -> bool | str:
    """Whether the settings that a question asks for have the values it names. The name of an environment variable where
    that decides."""
    for wanted, is_wanted in ((question.settings, True), (question.settings_not, False)):
        for name, options in wanted.items():
            system, _, key = name.partition(":")
            setting = view.setting(system, key)
            if setting is None:
                if is_wanted:
                    return False
                continue
            found = _among(setting.value, options)
            if isinstance(found, str):
                return found
            if found != is_wanted:
                return False
    for name, pattern in question.settings_like.items():
        system, _, key = name.partition(":")
        setting = view.setting(system, key)
        if setting is None or not _looks_like(setting.value, pattern):
            return False
    return True


def _looks_like(value: Value, pattern: str) -> bool:
    """Whether a value, or the name of the variable that decides it, holds the pattern."""
    if isinstance(value, FromEnv):
        named = re.search(pattern, value.variable) is not None
        return named or (value.fallback is not None and _looks_like(value.fallback, pattern))
    return isinstance(value, Known) and re.search(pattern, str(value.value)) is not None


def _among(value: Value, options: tuple[Scalar, ...]) -> bool | str:
    if isinstance(value, FromEnv):
        return value.variable
    return isinstance(value, Known) and any(value.value == option for option in options)


def contexts_at(deeds: Deeds, question: PathQuestion, key: UnitKey, node: int) -> list[Context]:
    """The contexts of a unit in which a question asks about a node of its graph; their phase is "loop" where a program's
    main loop runs the node."""
    found: list[Context] = []
    in_loop = is_in_main_loop(deeds, key, node)
    for context in deeds.contexts.get(key, ()):
        phase: Phase = "loop" if in_loop and context.phase == "startup" else context.phase
        if question.phase and phase not in question.phase:
            continue
        if question.lane and context.lane not in question.lane:
            continue
        if question.registered_not and _is_registered(deeds, context, question.registered_not):
            continue
        found.append(context._replace(phase=phase))
    return found


# --- nodes -------------------------------------------------------------------------------------------------


def is_in_main_loop(deeds: Deeds, key: UnitKey, node: int) -> bool:
    """Whether a node of a unit's graph lies in an endless loop."""
    loops = deeds.program.main_loops(key)
    return bool(loops) and any(block in loops for block in blocks_around(deeds, key, node))


def blocks_around(deeds: Deeds, key: UnitKey, node: int) -> tuple[int, ...]:
    """The blocks that hold a node, innermost first."""
    return around(deeds.program.unit(key), block_of(deeds, key, node))


def block_of(deeds: Deeds, key: UnitKey, node: int) -> int:
    """The block that holds a node; for a way into or out of a block that block itself."""
    unit = deeds.program.unit(key)
    if node < len(unit.events):
        return unit.events[node].block
    graph = deeds.graph(key)
    for table in (graph.enter, graph.leave, graph.head):
        for block, point in table.items():
            if point == node:
                return block
    return 0


def place_of(deeds: Deeds, key: UnitKey, node: int) -> Place:
    """Where a node stands."""
    unit = deeds.program.unit(key)
    if node < len(unit.events):
        return deeds.program.place(key, unit.events[node])
    return Place(key.path, unit.blocks[block_of(deeds, key, node)].line)


def points(point: Point, deeds: Deeds, key: UnitKey, given: frozenset[int]) -> dict[int, Deed | None]:
    """The nodes of a unit that are such a point, each with the deed that makes it one (None: a call that is given the
    item). `given` are the calls that are given what was received."""
    found: dict[int, Deed | None] = {}
    if point.effect or point.symbol or point.details:
        for node, done in deeds.at(key).items():
            for deed in done:
                if not (point.own and deed.via) and fits(point, deed.hit) and _lasts(point, deeds, deed.hit):
                    found[node] = deed
                    break
    if point.given:
        for node in sorted(given):
            found.setdefault(node, None)
    return found


def _lasts(point: Point, deeds: Deeds, hit: Hit) -> bool:
    return not point.lasting or not _is_default_record(deeds, hit)


def _is_default_record(deeds: Deeds, hit: Hit) -> bool:
    """Whether a look-up of the same unit that found nothing decides that the hit is done, and no parameter says of what:
    there is one such record, made once."""
    program, unit = deeds.program, deeds.program.unit(hit.unit)
    if hit.event < 0 or any(each.name not in ("self", "cls") for each in unit.params):
        return False
    looked_up = {
        Result(each.event)
        for each in program.unit_hits(hit.unit)
        if each.effect == "reads-record" and 0 <= each.event < hit.event
    }
    for number in around(unit, unit.events[hit.event].block):
        block = unit.blocks[number]
        if block.kind == "if" and not looked_up.isdisjoint(local_sources(unit, block.test)):
            return True
    return False


def shown(deeds: Deeds, key: UnitKey, node: int, deed: Deed | None) -> str:
    """How a message names what happens at a node."""
    if deed is not None:
        return deed.hit.symbol.removeprefix("builtins.")
    unit = deeds.program.unit(key)
    event = unit.events[node] if node < len(unit.events) else None
    return written(deeds, key, event.func) if isinstance(event, Call) else ""


def written(deeds: Deeds, key: UnitKey, expr: Expr) -> str:
    """A dotted expression as written."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attr):
        return f"{written(deeds, key, expr.value)}.{expr.name}"
    if isinstance(expr, Item):
        return f"{written(deeds, key, expr.value)}[…]"
    if isinstance(expr, Result):
        event = deeds.program.unit(key).events[expr.event]
        return f"{written(deeds, key, event.func)}()" if isinstance(event, Call) else "…"
    return "…"
