"""The questions of the judge `signals`, and how they are answered."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import msgspec

from proctor.judge import caught, leftovers
from proctor.judge.asking import ProcessWords, Wanted, fits
from proctor.judge.caught import CaughtQuestion
from proctor.judge.deeds import Deeds
from proctor.judge.drafts import Platform
from proctor.judge.expressions import subexpressions
from proctor.judge.handlers import Handler, mentions
from proctor.judge.mainloops import Loop, work_at_risk
from proctor.judge.noticing import is_read
from proctor.judge.overriding import overridden_by_option
from proctor.judge.path_words import Answer, registering_hits
from proctor.judge.shutdown import End, Shutdown
from proctor.model.fact import Attr, Call
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Context, Known, ProcessView, UnitKey
from proctor.model.words import Severity

_WORK = {
    "lost": "is lost",
    "cut": "is cut off in the middle",
    "returned": "is handed out again",
    "idle": "does not exist",
    "unknown": "is not known",
}
#: what launchers do that let the code's own handling stand
_LEAVES_IT = ("", "dies")
#: how a program's loops can end so that the interpreter ends in the ordinary way
_ORDERLY = ("finishes", "returns", "exits", "cancelled", "drops")


class SignalQuestion(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Words of all questions about signals."""

    ask: str
    code: Literal["", "yes", "no"] = ""
    severity: Severity | None = None
    message: str = ""


def asks_owner(question: SignalQuestion, view: ProcessView) -> bool:
    """Whether a question is about programs whose code (or whose launcher) decides what SIGTERM does."""
    if not view.stays or (view.launch.entry is None and question.code == "yes"):
        return False
    return not question.code or (question.code == "yes") == decides_itself(view)


def decides_itself(view: ProcessView) -> bool:
    """Whether the code of a program decides what SIGTERM does, and not its launcher."""
    return view.launch.signals.get("term", "") in _LEAVES_IT and not view.launch.does


# --- loops ---------------------------------------------------------------------------------------------------


class LoopQuestion(SignalQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A loop of the program `meets` SIGTERM so (see `shutdown.Meets`), and the job in hand (`work`: "lost", "cut", "returned",
    "idle"). `interrupt`: whether the code deals with Ctrl-C. `serves`: it is a server's loop. `made`: "own" or "library"; `lane` as in
    other judges. `at`: the finding is about the "loop", the "handler" or what deals with Ctrl-C ("interrupt"). `doubts`: where it is
    not known how it meets SIGTERM, that is said; `unsure`: what the loop makes of it is not known, so that is said; `seen`: also where no loop is seen at all."""

    meets: tuple[str, ...] = ()
    work: tuple[str, ...] = ()
    interrupt: bool | None = None
    serves: bool = False
    made: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    at: Literal["loop", "handler", "interrupt"] = "loop"
    doubts: bool = False
    unsure: bool = False
    seen: bool = False


def loop_answers(
    question: LoopQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    """Each loop that meets SIGTERM so."""
    ends = [end for end in shutdown.ends if end.loop.serves == question.serves]
    if question.seen and not shutdown.ends:
        yield from _unseen(deeds)
    for end in ends:
        if not _asks_loop(question, end.loop):
            continue
        if question.interrupt is not None and (end.interrupt is not None) != question.interrupt:
            continue
        if end.meets == "unknown":
            if question.doubts:
                yield _loop_answer(question, deeds, end, "idle", end.reason)
            continue
        if end.meets not in question.meets:
            continue
        work = work_at_risk(deeds, end.loop)
        if work == "unknown" and "cut" in question.work:
            yield _loop_answer(question, deeds, end, work, f"what `{end.loop.name}` has in hand is not known")
        elif not question.work or work in question.work:
            raised = end.handler.doing.raises if end.handler is not None else "an exception"
            doubt = f"what `{end.loop.name}` makes of the `{raised}` that the handler of SIGTERM raises is not known"
            known = not question.unsure or end.loop.at_exit == "cut"
            yield _loop_answer(question, deeds, end, work, "" if known else doubt)


def _unseen(deeds: Deeds) -> Iterator[Answer]:
    context = next(iter(deeds.view.contexts), None)
    if context is not None:
        name = deeds.program.symbol(context.unit)
        reason = f"where the program that begins in `{name}` stays, and how that meets SIGTERM, is not seen"
        yield Answer(context, deeds.view.launch.place, doubt=reason)


def _asks_loop(question: LoopQuestion, loop: Loop) -> bool:
    if question.made and loop.kind not in question.made:
        return False
    return not question.lane or loop.context.lane in question.lane


def _loop_answer(question: LoopQuestion, deeds: Deeds, end: End, work: str, doubt: str) -> Answer:
    loop = end.loop
    place, context, steps = loop.place, loop.context, end.steps
    text = f"stays in `{loop.name}`"
    if question.at == "handler" and end.handler is not None:
        steps = (Step(place, text),)
        place, context, text = end.handler.hit.place, end.handler.context, "handles SIGTERM"
    elif question.at == "interrupt" and end.interrupt is not None:
        steps = (Step(place, text),)
        place, text = end.interrupt, "deals with Ctrl-C only"
    names = {
        "symbol": loop.name,
        "unit": deeds.program.symbol(loop.context.unit),
        "work": _WORK[work],
        "handler": end.handler.hit.symbol if end.handler is not None else "",
        "raises": end.handler.doing.raises if end.handler is not None else "",
        "flag": _flags(end.handler),
        "left": end.left,
    }
    return Answer(context, place, names, steps, text, "SIGTERM", doubt)


def _flags(handler: Handler | None) -> str:
    return ", ".join(sorted(flag.name for flag in handler.doing.flags)) if handler is not None else ""


# --- handlers ----------------------------------------------------------------------------------------------------


class HandlerQuestion(SignalQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A handler of one of the `signal`s is registered. `action`: "ignore", "function", "default". `ends`: "nothing" (nothing that it does
    can end the program), "unread" (it changes only what nobody reads). `lane`, `phase`: where it is registered (`only_lane`: and nowhere else). `replaces`: it takes
    the place of the "launcher"'s own handler (whose model says so in `term`: `launched_term`), or the "library"'s loop takes its place. `by_loop`: an event loop calls it. `does`:
    effects of the handler itself; `calls`: library names (patterns) that it calls; `waited_on`: the main thread waits on what it
    changes."""

    signal: tuple[str, ...] = ("SIGTERM",)
    action: tuple[str, ...] = ("function",)
    ends: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    replaces: Literal["", "launcher", "library"] = ""
    launched_term: tuple[str, ...] = ()
    only_lane: bool = False
    by_loop: bool | None = None
    does: tuple[Wanted, ...] = ()
    calls: tuple[str, ...] = ()
    waited_on: bool = False


def handler_answers(
    question: HandlerQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    """Each registration of such a handler."""
    if question.launched_term and deeds.view.launch.signals.get("term") not in question.launched_term:
        return
    for handler in shutdown.handlers:
        if not _asks_handler(question, handler) or _is_child(deeds, handler.context):
            continue
        if question.only_lane and not _stays_in(question.lane, deeds, handler):
            continue
        if question.ends and _ending(deeds, shutdown, handler) not in question.ends:
            continue
        if question.waited_on and not _is_waited_on(deeds, handler):
            continue
        if question.replaces and not _replaces(question, deeds, shutdown, handler):
            continue
        steps: tuple[Step, ...] = ()
        name = ""
        if question.does or question.calls:
            done = _does(question, deeds, handler)
            if done is None:
                continue
            name, steps = done
        names = {
            "symbol": handler.hit.symbol,
            "unit": deeds.program.symbol(handler.hit.unit),
            "signal": ", ".join(sorted(handler.signals)),
            "handler": deeds.program.symbol(handler.units[0]) if handler.units else "the handler",
            "flag": _flags(handler),
            "does": name,
        }
        doubt = handler.hit.unsure or (
            f"`{handler.hit.guard}` decides whether `{handler.hit.symbol}` runs" if handler.hit.guard else ""
        )
        text = f"handles {names['signal']}"
        yield Answer(handler.context, handler.hit.place, names, steps, text, "SIGTERM", doubt)


def _asks_handler(question: HandlerQuestion, handler: Handler) -> bool:
    if not handler.signals.intersection(question.signal) or handler.kind not in question.action:
        return False
    if question.lane and handler.context.lane not in question.lane:
        return False
    if question.phase and handler.context.phase not in question.phase:
        return False
    return question.by_loop is None or handler.by_loop == question.by_loop


def _stays_in(lanes: tuple[str, ...], deeds: Deeds, handler: Handler) -> bool:
    """Whether the unit runs in these lanes only, and does not ask in which thread it is."""
    key = handler.hit.unit
    if any(context.lane not in lanes for context in deeds.contexts.get(key, ())):
        return False
    unit = deeds.program.unit(key)
    return not any(
        isinstance(part, Attr) and part.name in ("main_thread", "current_thread")
        for event in unit.events
        if isinstance(event, Call)
        for part in subexpressions(event.func)
    )


def _is_child(deeds: Deeds, context: Context) -> bool:
    """Whether the code runs in a child process, whose parent decides when it ends."""
    return any(edge.process for _, edge in deeds.trail(context))


def _ending(deeds: Deeds, shutdown: Shutdown, handler: Handler) -> str:
    if handler.kind == "ignore" or handler.doing.nothing:
        # some other handler of the same signal may be registered later, or instead
        others = [each for each in shutdown.on_term if each.hit.place != handler.hit.place]
        return "" if others or shutdown.is_woken(handler) else "nothing"
    doing = handler.doing
    if doing.flags and not (doing.raises or doing.ends or doing.stops or doing.cancels or doing.unknown):
        return "" if is_read(deeds, handler) else "unread"
    return ""


def _replaces(question: HandlerQuestion, deeds: Deeds, shutdown: Shutdown, handler: Handler) -> bool:
    if _calls_former(deeds, handler):
        return False
    if question.replaces == "library":
        return any(
            loop.kind == "library" and loop.context.lane != "thread" and loop.sigterm in ("finish", "return", "drop")
            and loop.hit is not None and loop.hit.details.get("restores") != "yes"
            for loop in shutdown.loops
        )  # fmt: skip
    view = deeds.view
    installed = view.launch.signals.get("installed", "before-startup")
    phases = {"startup", "request", "job", "tick", "loop"}
    if installed == "before-import" and view.launch.option("preload") is None:
        phases.add("import")
    return handler.context.phase in phases


def _is_waited_on(deeds: Deeds, handler: Handler) -> bool:
    """Whether the main thread of this process waits, without a flag of its own, on what a handler changes."""
    return any(
        isinstance(event, Call)
        and isinstance(event.func, Attr)
        and event.func.name == "wait"
        and mentions(event.func.value, handler.doing.flags)
        for context in deeds.view.contexts
        if context.lane == "main" and not _is_child(deeds, context)
        for event in deeds.program.unit(context.unit).events
    )


def _calls_former(deeds: Deeds, handler: Handler) -> bool:
    """Whether the code keeps the handler that was there before, which it can then call."""
    unit = deeds.program.unit(handler.hit.unit)
    event = unit.events[handler.hit.event]
    if isinstance(event, Call) and event.use == "value":
        return True
    return any(
        isinstance(each, Call) and isinstance(each.func, Attr) and each.func.name == "getsignal"
        for each in unit.events
    )


def _does(question: HandlerQuestion, deeds: Deeds, handler: Handler) -> tuple[str, tuple[Step, ...]] | None:
    """The first of the effects or calls in question that the handler has, with where."""
    for key in _run_now(deeds, handler):
        for hit in deeds.program.unit_hits(key):
            if any(fits(wanted, hit) for wanted in question.does):
                return hit.symbol.removeprefix("builtins."), (Step(hit.place, f"`{hit.symbol}`"),)
        unit = deeds.program.unit(key)
        for number, event in enumerate(unit.events):
            for symbol in deeds.program.symbols(key, number):
                if leftovers.matches(symbol, question.calls):
                    return symbol, (Step(deeds.program.place(key, event), f"`{symbol}`"),)
    for symbol in handler.library:
        if leftovers.matches(symbol, question.calls):
            return symbol, ()
    return None


def _run_now(deeds: Deeds, handler: Handler) -> tuple[UnitKey, ...]:
    """The units that run while the handler does, not those that it hands to a thread or task."""
    found: dict[UnitKey, None] = {}
    for unit in handler.units:
        found.update(dict.fromkeys(deeds.units_below(unit)))
    return tuple(found)


# --- launchers ------------------------------------------------------------------------------------------------------


class LauncherQuestion(SignalQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The launcher's own handling of SIGTERM: `term`, `children`, `unfinished_not` are words of its model. `launched_does`: effects of
    the launched program itself. `signals_all`: the platform signals every process. `settings_not`: no such setting. `unset`: settings that are not set, or to nothing. `some`: an effect that the program has somewhere. `overrides`: a class of
    the app's own, which an option names, replaces methods by which the library meets signals (`{own}` in `doubt`, the reason
    for which the clause is not verified). `endless_stream`:
    some response never ends by itself, and nothing bounds the wait for it."""

    term: tuple[str, ...] = ()
    children: tuple[str, ...] = ()
    unfinished_not: tuple[str, ...] = ()
    launched_does: tuple[str, ...] = ()
    signals_all: bool | None = None
    settings_not: dict[str, tuple[str | int | float | bool, ...]] = msgspec.field(default_factory=dict)
    some: Wanted | None = None
    unset: tuple[str, ...] = ()
    overrides: bool | None = None
    doubt: str = ""
    all_jobs_not: Wanted | None = None
    unbounded: bool | None = None


def launcher_answers(
    question: LauncherQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    """The program, if its launcher deals with SIGTERM so."""
    view = deeds.view
    signals = view.launch.signals
    if question.term and signals.get("term") not in question.term:
        return
    if question.children and signals.get("children") not in question.children:
        return
    if question.unfinished_not and signals.get("unfinished") in question.unfinished_not:
        return
    if question.launched_does and not set(question.launched_does) & set(view.launch.does):
        return
    if question.signals_all is not None and platform.signals_all != question.signals_all:
        return
    for name, values in question.settings_not.items():
        if (value := _setting(view, name)) is not None and value in values:
            return
    if any(_setting(view, name) for name in question.unset):
        return
    if question.all_jobs_not is not None and _all_jobs(deeds, question.all_jobs_not):
        return
    if question.some is not None and not any(fits(question.some, hit) for _, hit in view.hits()):
        return
    own = overridden_by_option(deeds)
    if question.overrides is not None and bool(own) != question.overrides:
        return
    context = next(iter(view.contexts), None) or Context(UnitKey("", 0), "startup", "main")
    command = " ".join(view.launch.words)
    names = {"symbol": view.launch.launcher, "command": command if len(command) <= 60 else command[:59] + "…"}
    steps = view.launch.chain
    text, doubt = f"`{names['command']}`", question.doubt.replace("{own}", own)
    if view.launch.conditional and "serves-dev" in view.launch.does:
        # which server it is to be is said elsewhere, most often this one where nothing is said
        doubt = doubt or f"a condition decides whether {text} runs"
    yield Answer(context, view.launch.place, names, steps, text, view.launch.launcher, doubt)


def _setting(view: ProcessView, name: str) -> Any:
    """The value of a setting ("system:key") as far as the code alone decides it, or None."""
    system, _, key = name.partition(":")
    setting = view.setting(system, key)
    return setting.value.value if setting is not None and isinstance(setting.value, Known) else None


def _all_jobs(deeds: Deeds, wanted: Wanted) -> bool:
    """Whether the program runs jobs, and each of them is registered with such an effect."""
    registered = [
        registering_hits(deeds, origin[1], context.unit)
        for context, origin in deeds.view.contexts.items()
        if context.phase == "job" and origin is not None and origin[1].trigger
    ]
    return bool(registered) and all(any(fits(wanted, hit) for hit in hits) for hits in registered)


# --- sudden death ---------------------------------------------------------------------------------------------------


class DeathQuestion(SignalQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the launcher, or the library's loop in which the program stays, makes of the job in hand when the process dies at once
    (`death`: "loses-job", "fails-job"). `doubt`: the reason for which the clause is not verified, in place of a finding."""

    death: tuple[str, ...]
    doubt: str = ""


def death_answers(
    question: DeathQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    """The program, or the first of its loops, that makes this of the job in hand."""
    view = deeds.view
    if view.launch.signals.get("death") in question.death:
        context = next(iter(view.contexts), None) or Context(UnitKey("", 0), "startup", "main")
        yield _death_answer(question, context, view.launch.place, view.launch.launcher)
        return
    for context, hit in view.hits("consumes-jobs"):
        if hit.details.get("death") in question.death:
            yield _death_answer(question, context, hit.place, hit.symbol)
            return


def _death_answer(question: DeathQuestion, context: Context, place: Place, symbol: str) -> Answer:
    doubt = question.doubt.replace("{symbol}", symbol)
    return Answer(context, place, {"symbol": symbol}, (), f"`{symbol}`", symbol, doubt)


# --- what is left ------------------------------------------------------------------------------------------------------


class LeftQuestion(SignalQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`what` is left at the end: "threads" that hold the exit and never end, "children" that go on, "waits" without a bound in a loop
    that was told to stop, "sleeps" there that are as long as the grace period, "consumers" that nothing closes, "clean-up" that is
    never run, "streams" that never end. `effect` says which effects are meant. `orderly`: SIGTERM ends the program in the
    ordinary way, so that the interpreter waits for what is left. `families`: of consumers. `freed_by`: attributes,
    arguments and methods that let the interpreter end without a thread. `bounded_by`: methods that bound such waits."""

    what: Literal["threads", "children", "waits", "sleeps", "consumers", "clean-up", "streams"]
    effect: Wanted = Wanted()
    orderly: bool | None = None
    families: tuple[str, ...] = ()
    freed_by: tuple[str, ...] = ()
    bounded_by: tuple[str, ...] = ()


def left_answers(
    question: LeftQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    """What is left so."""
    if question.orderly is not None and _is_orderly(deeds, shutdown) != question.orderly:
        return
    if question.what in ("waits", "sleeps"):
        yield from _in_loops(question, deeds, shutdown, platform)
        return
    for left in _left(question, deeds, shutdown):
        yield _left_answer(deeds, left, "")


def _left(question: LeftQuestion, deeds: Deeds, shutdown: Shutdown) -> Iterator[leftovers.Left]:
    if question.what == "threads":
        yield from leftovers.endless_threads(deeds, question.effect, question.freed_by)
    elif question.what == "children":
        yield from leftovers.left_children(deeds, shutdown, question.effect)
    elif question.what == "consumers":
        if any(end.meets in ("finishes", "exits") for end in shutdown.ends):
            yield from leftovers.open_consumers(deeds, question.families)
    elif question.what == "clean-up":
        if not shutdown.on_term and not shutdown.is_handled_by_library:
            yield from leftovers.idle_cleanup(deeds)
    elif question.what == "streams":
        yield from leftovers.endless_streams(deeds, shutdown)


def _is_orderly(deeds: Deeds, shutdown: Shutdown) -> bool:
    """Whether SIGTERM ends the interpreter in the ordinary way: the launcher sees to it, a library, or the code."""
    if not decides_itself(deeds.view):
        return deeds.view.launch.signals.get("term") not in ("dies", "ignores", "reloads", "", None)
    return any(end.meets in _ORDERLY for end in shutdown.ends)


def _in_loops(
    question: LeftQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    grace = deeds.view.process.grace_seconds or platform.grace_seconds
    for end in shutdown.ends:
        if end.meets != "finishes" or end.loop.kind != "own":
            continue
        if question.what == "waits":
            for left in leftovers.unbounded_waits(deeds, end, question.effect, question.bounded_by):
                yield _left_answer(deeds, left, "")
        else:
            for left, seconds in leftovers.long_sleeps(deeds, end, question.effect, grace):
                yield _left_answer(deeds, left, f"{seconds:g}", f"{grace:g}")


def _left_answer(deeds: Deeds, left: leftovers.Left, seconds: str, grace: str = "") -> Answer:
    name = left.name.removeprefix("builtins.")
    names = {
        "symbol": name,
        "unit": deeds.program.symbol(left.context.unit),
        "target": left.target,
        "seconds": seconds,
        "grace": grace,
    }
    return Answer(left.context, left.place, names, left.steps, f"`{name}`", "SIGTERM")


# --- swallowed -----------------------------------------------------------------------------------------------------------


class SwallowedQuestion(SignalQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The handler of SIGTERM raises an exception, and an arm in an endless loop catches it (by name, by a base, or all) and goes on."""


_BASES = {
    "SystemExit": ("BaseException",),
    "KeyboardInterrupt": ("BaseException",),
}


def swallowed_answers(
    question: SwallowedQuestion, deeds: Deeds, shutdown: Shutdown, platform: Platform
) -> Iterator[Answer]:
    """Each arm that swallows what a handler of SIGTERM raises."""
    for handler in shutdown.on_term:
        raised = handler.doing.raises
        if not raised or handler.by_loop:
            continue
        bases = _BASES.get(raised, ("Exception", "BaseException"))
        asked = CaughtQuestion(ask="caught", exceptions=(raised,), bases=bases, in_loop=True, endless=True)
        for answer in caught.answers(asked, deeds):
            if answer.context.phase in ("startup", "import", "loop") and answer.context.lane != "thread":
                names = {**answer.names, "raises": raised, "handler": handler.hit.symbol}
                step = Step(handler.hit.place, f"raises `{raised}` on SIGTERM")
                yield answer._replace(names=names, steps=(step,), subject="SIGTERM")
