"""Judge `effects`: an effect that a process type can reach in a phase where it must not happen.

Words of `[when]` and `[unless]`:
- `effect`: one effect or several (any of them).
- `details` / `details_not`: words that the model row must (not) carry, each a value or a list of values.
- `symbol`: patterns (`fnmatch`) of the library symbol that does it.
- `phase`: phases in which it counts (default: all).
- `lane`: "loop" (on an event loop), "thread", "main".
- `unit`: "async" (the line is written in an `async def`) or "sync".
- `own_loop`: whether the line runs in a coroutine, itself or called by one in the same thread, so that the loop there is its own.
- `process_does`: effects of which the process type has at least one; `process_kind` its kinds.
- `process_drives`: trigger families it fires.
- `long_running`: whether the program stays; `takes_work`: whether requests or jobs come to it, or it goes round a loop.
- `unless.process_does`, `unless.process_effect`, `unless.app_effect`: effects that excuse it, in the same process type or anywhere
  (each a name, or a table `{effect, details}`).
- `receiver_lives`: how long the library object lives whose method is called (see `ClassRow.lives`); `receiver_kept`: that
  object is kept in a module, class or long-lived instance, so that all threads share it.
- `concurrency`: how the program's launcher multiplexes ("threads", "loop", "greenlets", …).
- `option`: options of the launch command, each a regular expression that the value must match.
- `severity_of`: another severity for some effects.
- `unless.option`: options that excuse it.
- `request_handlers`: the program has at least so many.
- `flows_into`: effects of calls in the same unit, one of which takes what this call gives.
- `outside`: library classes, of which (or of a class below which) the unit is no method.
- `symbol_not`: patterns of symbols that are not meant.
- `once_per_unit`: effects of which a unit gets one finding, at the first place.
- `per_item`: the call starts one thing for each item of what a request or job brings; `bounded_by`: not where the unit or what it
  runs does such a thing.
- `looped`: in an endless loop, its own or that of a thread, which may be further out.
- `made_once`: whether the call is made only where what it makes is not there yet (an object kept for the whole process).
- `once`: one finding per process type instead of one per place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase

import msgspec

from proctor.judge.asking import Wanted, WantedIn, asks_process, fits, read_words
from proctor.judge.drafts import Outcome, Platform, make_doubt, make_finding
from proctor.judge.fan_out import bounds, is_per_item
from proctor.judge.flows import is_made_from
from proctor.judge.made_once import is_made_once
from proctor.model.fact import Attr, Call
from proctor.model.program import Context, Hit, ProcessView, Program, UnitKey
from proctor.model.rule import Rule
from proctor.model.words import Severity


class _When(WantedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    phase: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    unit: str = ""
    own_loop: bool | None = None
    once: bool = False
    per_item: bool = False
    looped: bool = False
    made_once: bool | None = None
    bounded_by: Wanted | None = None
    once_per_unit: tuple[str, ...] = ()
    symbol_not: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    request_handlers: int = 0
    flows_into: tuple[str, ...] = ()
    receiver_lives: tuple[str, ...] = ()
    receiver_kept: bool = False
    concurrency: tuple[str, ...] = ()
    option: dict[str, str] = msgspec.field(default_factory=dict)
    severity_of: dict[str, Severity] = msgspec.field(default_factory=dict)


class _Unless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    process_effect: tuple[Wanted, ...] = ()
    app_effect: tuple[Wanted, ...] = ()
    option: dict[str, str] = msgspec.field(default_factory=dict)


class _Condition(msgspec.Struct, frozen=True):
    rule: Rule
    when: _When
    unless: _Unless


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    conditions = [_parse(rule) for rule in rules]
    wanted = frozenset(effect for condition in conditions for effect in condition.when.effect)
    outcomes: list[Outcome] = []
    for view in program.views:
        asked = [
            c
            for c in conditions
            if asks_process(c.when, view)
            and _asks_launch(c.when, view)
            and not _is_excused(c.unless, view, program)
        ]
        if not asked:
            continue
        done: set[tuple[str, object]] = set()
        for context, hit in view.hits(*wanted):  # type: ignore[arg-type]  # checked against the vocabulary on load
            for condition in asked:
                if _asks_hit(condition.when, context, hit, program) and _asks_items(
                    condition.when, view, context, hit, program
                ):
                    mark = (condition.rule.code, _mark(condition.when, hit))
                    if mark not in done:
                        done.add(mark)
                        severities = condition.when.severity_of
                        outcomes.append(_outcome(condition.rule, view, context, hit, program, severities))
    return outcomes


def _mark(when: _When, hit: Hit) -> object:
    """What counts as the same finding."""
    if when.once:
        return "once"
    return (hit.unit, hit.effect) if hit.effect in when.once_per_unit else hit.place


def _parse(rule: Rule) -> _Condition:
    when = read_words(rule, rule.when, _When, "[when]")
    return _Condition(rule, when, read_words(rule, rule.unless, _Unless, "[unless]"))


def _asks_launch(when: _When, view: ProcessView) -> bool:
    if when.request_handlers > len({c.unit for c in view.contexts if c.phase == "request"}):
        return False
    if when.concurrency and view.details.get("concurrency", "") not in when.concurrency:
        return False
    return all(_has_option(view, name, pattern) for name, pattern in when.option.items())


def _has_option(view: ProcessView, name: str, pattern: str) -> bool:
    value = view.launch.option(name)
    return value is not None and re.search(pattern, value) is not None


def _is_excused(unless: _Unless, view: ProcessView, program: Program) -> bool:
    if any(_has_option(view, name, pattern) for name, pattern in unless.option.items()):
        return True
    if _has(unless.process_effect, (view,)):
        return True
    return _has(unless.app_effect, program.views)


def _has(wanted: Sequence[Wanted], views: Sequence[ProcessView]) -> bool:
    for item in wanted:
        for view in views:
            for _, hit in view.hits(*item.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
                if fits(item, hit):
                    return True
    return False


def _asks_hit(when: _When, context: Context, hit: Hit, program: Program) -> bool:
    if not fits(when, hit):
        return False
    if when.phase and context.phase not in when.phase:
        return False
    if any(fnmatchcase(hit.symbol, pattern) for pattern in when.symbol_not):
        return False
    if when.lane and context.lane not in when.lane:
        return False
    if when.unit and program.unit(hit.unit).is_async != (when.unit == "async"):
        return False
    if when.flows_into and not _flows(when, hit, program):
        return False
    if when.outside and _is_method_of(when.outside, hit.unit, program):
        return False
    return _asks_receiver(when, hit, program)


def _is_method_of(classes: tuple[str, ...], key: UnitKey, program: Program) -> bool:
    owner = UnitKey(key.path, program.unit(key).parent)
    if owner.number < 0 or program.unit(owner).kind != "class":
        return False
    return not set(classes).isdisjoint(program.class_bases(owner))


def _asks_items(when: _When, view: ProcessView, context: Context, hit: Hit, program: Program) -> bool:
    if when.own_loop is not None and _is_driven(view, context, program) is not when.own_loop:
        return False
    if when.per_item and not is_per_item(program, view, context, hit):
        return False
    if when.looped and not _is_looped(view, context, hit):
        return False
    if when.made_once is not None and is_made_once(program, hit) is not when.made_once:
        return False
    return when.bounded_by is None or not bounds(program, hit.unit, when.bounded_by)


def _is_driven(view: ProcessView, context: Context, program: Program) -> bool:
    """Whether a coroutine runs the unit: it is one, or one calls it in the same thread."""
    seen: set[Context] = set()
    while context not in seen:
        if program.unit(context.unit).is_async:
            return True
        seen.add(context)
        origin = view.contexts.get(context)
        if origin is None or origin[1].how != "call" or origin[1].lane is not None:
            return False
        context = origin[0]
    return False


def _is_looped(view: ProcessView, context: Context, hit: Hit) -> bool:
    if context.phase == "loop" or hit.in_main_loop:
        return True
    seen = {context}
    origin = view.contexts.get(context)
    while origin is not None and origin[0] not in seen and origin[0].phase == context.phase:
        above, edge = origin
        if edge.in_main_loop:
            return True
        seen.add(above)
        origin = view.contexts.get(above)
    return False


def _flows(when: _When, hit: Hit, program: Program) -> bool:
    unit = program.unit(hit.unit)
    for other in program.unit_hits(hit.unit):
        call = unit.events[other.event] if other.effect in when.flows_into and other.event >= 0 else None
        if isinstance(call, Call) and any(
            is_made_from(arg, hit.event, unit) for arg in (*call.args, *(value for _, value in call.keywords))
        ):
            return True
    return False


def _asks_receiver(when: _When, hit: Hit, program: Program) -> bool:
    if when.receiver_lives and program.lives(hit.symbol.rpartition(".")[0]) not in when.receiver_lives:
        return False
    if not when.receiver_kept:
        return True
    event = program.unit(hit.unit).events[hit.event] if hit.event >= 0 else None
    if not isinstance(event, Call) or not isinstance(event.func, Attr):
        return False
    return any(kept.kind in ("module", "class") for kept in program.storage(hit.unit, event.func.value))


def _outcome(
    rule: Rule,
    view: ProcessView,
    context: Context,
    hit: Hit,
    program: Program,
    severities: Mapping[str, Severity],
) -> Outcome:
    if hit.unsure or hit.guard:
        reason = hit.unsure or f"`{hit.guard}` decides whether `{hit.symbol}` runs"
        return make_doubt(rule, view, reason, hit.place)
    names = {
        "symbol": hit.symbol.removeprefix("builtins."),
        "effect": hit.effect,
        "unit": program.symbol(hit.unit),
        **{f"detail_{key}": value for key, value in hit.details.items()},
    }
    text = f"`{names['symbol']}`"
    return make_finding(
        rule,
        view,
        place=hit.place,
        context=context,
        names=names,
        text=text,
        subject=names["symbol"],
        severity=severities.get(hit.effect),
    )
