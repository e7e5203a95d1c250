"""Judge `commands`: the shape of launch commands, and what the programs in them do before and beside the main one.

`topic` asks about declarations: the topics of their diagnostics (see `Diagnostic`), and "no-process-types".
`[[when.any]]` holds alternatives about programs, each a set of words that all must hold:
- `process_does`, `process_does_not`, `process_kind`, `process_drives`, `long_running` as in judge `effects`;
- `name`: patterns of the process type's name, for names that mean something to platforms; `declared_in`: kinds of manifest;
- `relation`: how the program stands to the main one (see `Launch`); `prepares`: whether it only prepares one that stays;
- `known`: whether a model describes its launcher;
- `wrapper_does`: effects of the wrappers in front of it;
- `literal`: a word of its command holds a variable that no shell puts in;
- `missing`: the code that it names is not there; `in_loop`: a loop of the shell starts it again; `kept`: the shell waits for it;
- `option`: options with a pattern (regular expression) for the value; one that the environment decides matches nothing;
- `undecided`: options of which one has a value that the environment, or a condition in a configuration file, decides;
- `launcher`: words of the launcher's `details`, each a pattern (`fnmatch`) or several; `launcher_not`;
- `signals`: words of the launcher's `signals`, likewise;
- `delivery`: how SIGTERM gets to it (see `programs.Way`); `first`: it runs as PID 1, with no init program in front;
- `listens`: where the process type listens, at best (see `listening.Where`);
- `works`: whether it is seen to work and stay, or a supervisor sees to that;
- `copies`: a pattern for the number of them that a supervisor or a loop of the shell starts;
- `together`: it stays beside others in one process type, "kinds" which do other work or "copies" that do the same, "perhaps"
  where it is not known to stay; it stands "behind" one that stays; or it is "left" in the background with nothing in front;
- `setting_not`: settings of the app ("system:KEY") with a pattern (regular expression) that a known value must not match;
- `without_setting`: topics of deploy settings that the process type must not have;
- `replicas`: whether anything declares "several" processes of the type, "one", or the number is "unknown";
- `undriven`: the family of the effect is fired by no process type;
- `effect`, `details`, `details_not`, `symbol`: an effect of the launcher, or of the code in one of the phases `phase`; `by`
  limits it to the "launcher" or the "code" (a row that says `decided_by` a setting holds where that is on); `subject` (`subject_not`): patterns of what it is (not) about; `at_least`: a number from which on it counts;
- `times`: a child program that may stay is started at least so many times, as the loops around the call say;
- `starts_work`: a server, worker or scheduler is started by the call;
- `with_effect`, `without_effect`: effects that the program must (not) have besides, each a name or a table;
- `absent`: effects that the program must not have; where code that could not be followed may, the clause is not verified;
- `options`: names of options whose place is shown where a configuration file holds them;
- `once`: the first thing seen in a process type only;
- `severity`, `message`: of this alternative; `doubt`: the reason for which the clause is not verified, in place of a finding.
`[unless]` may hold `process_effect`, `app_effect` and `option`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import NamedTuple

import msgspec

from proctor.judge.asking import Details, ProcessWords, Wanted, asks_process, fits, read_words
from proctor.judge.children import stays_for, times, works_beside
from proctor.judge.declared import declared
from proctor.judge.drafts import Outcome, Platform, fill, make_doubt, make_finding
from proctor.judge.listening import Listening, listening
from proctor.judge.programs import (
    Delivery,
    Group,
    delivery,
    groups,
    may_hide,
    replicas_of,
    settings_of,
    shown,
)
from proctor.judge.side_by_side import side_by_side, together, works
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Context, FromEnv, Hit, Known, ProcessView, Program
from proctor.model.rule import Rule
from proctor.model.words import Effect, Phase


class _Alternative(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    name: tuple[str, ...] = ()
    declared_in: tuple[str, ...] = ()
    relation: tuple[str, ...] = ()
    prepares: bool | None = None
    known: bool | None = None
    wrapper_does: tuple[str, ...] = ()
    literal: bool | None = None
    missing: bool | None = None
    in_loop: bool | None = None
    kept: bool | None = None
    option: dict[str, str] = msgspec.field(default_factory=dict)
    undecided: tuple[str, ...] = ()
    launcher: Details = msgspec.field(default_factory=dict)
    launcher_not: Details = msgspec.field(default_factory=dict)
    signals: Details = msgspec.field(default_factory=dict)
    delivery: tuple[str, ...] = ()
    first: bool | None = None
    listens: tuple[str, ...] = ()
    copies: str = ""
    works: bool | None = None
    together: tuple[str, ...] = ()
    setting_not: dict[str, str] = msgspec.field(default_factory=dict)
    without_setting: tuple[str, ...] = ()
    replicas: tuple[str, ...] = ()
    undriven: bool = False
    effect: tuple[str, ...] = ()
    details: Details = msgspec.field(default_factory=dict)
    details_not: Details = msgspec.field(default_factory=dict)
    symbol: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    by: tuple[str, ...] = ("launcher", "code")
    subject: tuple[str, ...] = ()
    subject_not: tuple[str, ...] = ()
    at_least: float | None = None
    times: int = 0
    starts_work: bool = False
    with_effect: tuple[Wanted, ...] = ()
    without_effect: tuple[Wanted, ...] = ()
    absent: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    once: bool = False
    severity: str = ""
    message: str = ""
    doubt: str = ""

    @property
    def wanted(self) -> Wanted:
        """The effect part."""
        return Wanted(
            effect=self.effect, details=self.details, details_not=self.details_not, symbol=self.symbol
        )


class _When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: tuple[str, ...] = ()
    any: tuple[_Alternative, ...] = ()


class _Unless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    process_effect: tuple[Wanted, ...] = ()
    app_effect: tuple[Wanted, ...] = ()
    option: dict[str, str] = msgspec.field(default_factory=dict)


class _Seen(NamedTuple):
    """What an alternative saw in a program: where, and what it is called."""

    place: Place
    symbol: str
    context: Context | None = None
    hit: Hit | None = None
    value: str = ""
    reason: str = ""
    evidence: tuple[Step, ...] = ()
    #: `reason` says why it is not certain
    unsure: bool = False


class _Asked(NamedTuple):
    """One alternative of one rule, asked about one program of a process type."""

    rule: Rule
    alternative: _Alternative
    group: Group
    view: ProcessView
    program: Program
    platform: Platform


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    every = groups(program)
    outcomes: list[Outcome] = []
    for rule in rules:
        when = read_words(rule, rule.when, _When, "[when]")
        unless = read_words(rule, rule.unless, _Unless, "[unless]")
        if when.topic:
            outcomes.extend(declared(rule, when.topic, program))
        for group in every:
            outcomes.extend(_of_group(rule, when.any, unless, group, program, platform))
    return outcomes


def _of_group(
    rule: Rule,
    alternatives: Sequence[_Alternative],
    unless: _Unless,
    group: Group,
    program: Program,
    platform: Platform,
) -> Iterator[Outcome]:
    """What a rule sees in one process type: one finding and one doubt for each place, at most."""
    done: set[tuple[object, bool]] = set()
    for view in group.views:
        if _is_excused(unless, view, program):
            continue
        for number, alternative in enumerate(alternatives):
            asked = _Asked(rule, alternative, group, view, program, platform)
            for seen in _sees(asked):
                mark = (number if alternative.once else seen.place, bool(alternative.doubt))
                if mark not in done:
                    done.update((mark, (seen.place, bool(alternative.doubt))))
                    yield _outcome(asked, seen)


def _is_excused(unless: _Unless, view: ProcessView, program: Program) -> bool:
    if any(_matches(view, name, pattern) for name, pattern in unless.option.items()):
        return True
    return any(_has(wanted, (view,)) for wanted in unless.process_effect) or any(
        _has(wanted, program.views) for wanted in unless.app_effect
    )


def _has(wanted: Wanted, views: Sequence[ProcessView]) -> bool:
    for view in views:
        if not wanted.details and any(effect in view.launch.does for effect in wanted.effect):
            return True
        if any(fits(wanted, hit) for _, hit in view.hits(*wanted.effect)):  # type: ignore[arg-type]  # checked on load
            return True
    return False


# --- what is asked ---------------------------------------------------------------------------------------------


def _sees(asked: _Asked) -> Iterator[_Seen]:
    """Each thing that the alternative is about, where all of its words hold."""
    asks = (_asks_declaration, _asks_launch, _asks_words, _asks_group)
    if not all(each(asked) for each in asks):
        return
    if asked.alternative.listens:
        where = _listens(asked)
        if where is not None:
            yield where
    elif asked.alternative.effect:
        yield from _effects(asked)
    else:
        yield _whole(asked)


def _asks_declaration(asked: _Asked) -> bool:
    alternative, process = asked.alternative, asked.group.process
    # what another manifest declares beside the Procfile is called after that manifest as well
    name = process.name.partition(" (")[0]
    if alternative.name and not any(fnmatchcase(name, each) for each in alternative.name):
        return False
    if alternative.declared_in and process.declared_in not in alternative.declared_in:
        return False
    return asks_process(alternative, asked.view)


def _asks_launch(asked: _Asked) -> bool:
    alternative, view = asked.alternative, asked.view
    launch = view.launch
    if alternative.relation and launch.relation not in alternative.relation:
        return False
    if alternative.known is not None and (view.model is not None) is not alternative.known:
        return False
    if alternative.wrapper_does and not set(alternative.wrapper_does).intersection(launch.wrapper_does):
        return False
    if alternative.missing is not None and _is_missing(view) is not alternative.missing:
        return False
    if alternative.in_loop is not None and launch.in_loop is not alternative.in_loop:
        return False
    if alternative.kept is not None and launch.kept is not alternative.kept:
        return False
    if not all(_has(wanted, (view,)) for wanted in alternative.with_effect):
        return False
    if any(_has(wanted, (view,)) for wanted in alternative.without_effect):
        return False
    if any(effect in view.does for effect in alternative.absent):
        return False
    if not all(_matches(view, name, pattern) for name, pattern in alternative.option.items()):
        return False
    if any(_is_set(view, name, pattern) for name, pattern in alternative.setting_not.items()):
        return False
    if not all(_carries(view.details, key, value) for key, value in alternative.launcher.items()):
        return False
    if any(_carries(view.details, key, value) for key, value in alternative.launcher_not.items()):
        return False
    return all(_carries(launch.signals, key, value) for key, value in alternative.signals.items())


def _asks_words(asked: _Asked) -> bool:
    alternative, view = asked.alternative, asked.view
    if alternative.undecided:
        values = (view.launch.option(name) or "" for name in alternative.undecided)
        if not any("$" in value for value in values):
            return False
    if alternative.copies and not re.search(alternative.copies, view.launch.copies):
        return False
    if alternative.literal is not None and bool(view.launch.literal) is not alternative.literal:
        return False
    return alternative.works is None or works(view) is alternative.works


def _is_missing(view: ProcessView) -> bool:
    return view.launch.missing or bool(view.missing_symbol)


def _matches(view: ProcessView, name: str, pattern: str) -> bool:
    value = view.launch.option(name)
    return value is not None and "$" not in value and re.search(pattern, value) is not None


def _is_set(view: ProcessView, name: str, pattern: str) -> bool:
    system, _, key = name.partition(":")
    setting = view.setting(system, key)
    value = setting.value.value if setting is not None and isinstance(setting.value, Known) else None
    return isinstance(value, str) and re.search(pattern, value) is not None


def _carries(words: object, key: str, value: str | tuple[str, ...]) -> bool:
    held = words.get(key) if hasattr(words, "get") else None
    patterns = (value,) if isinstance(value, str) else value
    return held is not None and any(fnmatchcase(str(held), pattern) for pattern in patterns)


def _asks_group(asked: _Asked) -> bool:
    alternative, group, view = asked.alternative, asked.group, asked.view
    if alternative.prepares is not None:
        prepares = not view.stays and any(each is not view for each in group.staying)
        if prepares is not alternative.prepares:
            return False
    if alternative.delivery and _delivery(asked).way not in alternative.delivery:
        return False
    if alternative.without_setting and settings_of(
        asked.program, group.process, *alternative.without_setting
    ):
        return False
    if alternative.replicas:
        count, _ = replicas_of(asked.program, group.process, asked.platform)
        if ("several" if count > 1 else "one" if count else "unknown") not in alternative.replicas:
            return False
    if alternative.first is not None and _is_first(asked) is not alternative.first:
        return False
    return not alternative.together or together(group, view) in alternative.together


def _delivery(asked: _Asked) -> Delivery:
    return delivery(asked.view, asked.group, asked.program, asked.platform)


def _is_first(asked: _Asked) -> bool:
    """Whether the program is PID 1 of a container."""
    process, launch = asked.group.process, asked.view.launch
    if process.declared_in not in ("Dockerfile", "compose", "Kubernetes") or process.init:
        return False
    if any(signals.get("replaces") is False for signals in launch.wrapper_signals):
        return False
    return launch.replaces_shell is True and not launch.supervised_by and launch.relation == "main"


# --- what is seen --------------------------------------------------------------------------------------------------


def _whole(asked: _Asked) -> _Seen:
    """The program itself, or the option that is asked for."""
    view, alternative = asked.view, asked.alternative
    launch = view.launch
    value = (
        next((launch.option(name) or "" for name in (*alternative.option, *alternative.undecided)), "")
        or launch.copies
        or launch.literal
    )
    reason = view.missing_symbol and f"`{view.missing_symbol}` is not found in `{_target(view)}`"
    reason = launch.unresolved or reason
    if alternative.delivery:
        value = _delivery(asked).by
    return _Seen(_place(asked), shown(launch), value=value, reason=reason, evidence=launch.chain)


def _target(view: ProcessView) -> str:
    entry = view.launch.entry
    return (entry.path or entry.target) if entry else ""


def _place(asked: _Asked) -> Place:
    names = asked.alternative.options or (*asked.alternative.option, *asked.alternative.undecided)
    launch = asked.view.launch
    own = (asked.alternative.copies and launch.copies_place) or launch.place
    return next((place for name, place in launch.option_places if name in names), own)


def _listens(asked: _Asked) -> _Seen | None:
    found: Listening = listening(asked.group, asked.program)
    if found.where not in asked.alternative.listens or found.view is not asked.view:
        return None
    symbol = found.hit.symbol if found.hit is not None else shown(asked.view.launch)
    evidence = () if found.hit is not None else asked.view.launch.chain
    return _Seen(found.place, symbol, found.context, found.hit, found.address, found.reason, evidence)


def _effects(asked: _Asked) -> Iterator[_Seen]:
    alternative, view = asked.alternative, asked.view
    launch = view.launch
    if "launcher" in alternative.by and not alternative.symbol:
        own = [effect for effect in alternative.effect if effect in launch.does]
        if own and not alternative.details:
            reason = f"a condition decides whether `{shown(launch)}` runs" if launch.conditional else ""
            yield _Seen(
                _place(asked), shown(launch), reason=reason, evidence=launch.chain, unsure=launch.conditional
            )
    if "code" not in alternative.by:
        return
    for context, hit in view.hits(*alternative.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
        if alternative.phase and context.phase not in alternative.phase:
            continue
        if not fits(alternative.wanted, hit):
            continue
        seen = _about(asked, context, hit)
        if seen is not None:
            yield seen


def _about(asked: _Asked, context: Context, hit: Hit) -> _Seen | None:
    """An effect in the code, where the alternative means what it is about."""
    alternative, program = asked.alternative, asked.program
    value = program.evaluate(hit.unit, hit.subject) if hit.subject is not None else None
    text = str(value.value) if isinstance(value, Known) else ""
    if alternative.subject and not any(fnmatchcase(text, pattern) for pattern in alternative.subject):
        return None
    if any(fnmatchcase(text, pattern) for pattern in alternative.subject_not):
        return None
    if alternative.at_least is not None and not _reaches(text, alternative.at_least):
        return None
    if alternative.times:
        count = times(asked.view, program, context, hit)
        if count < alternative.times or not stays_for(program, hit):
            return None
        text = str(count)
    if alternative.starts_work:
        text = works_beside(program, hit)
        if not text:
            return None
    decided = _decided(asked.view, hit)
    if decided is None:
        return None
    reason = decided or hit.unsure or (hit.guard and f"`{hit.guard}` decides whether `{hit.symbol}` runs")
    if isinstance(value, FromEnv) and (alternative.subject or alternative.at_least is not None):
        reason = reason or f"`{value.variable}` decides what `{hit.symbol}` is given"
    if alternative.undriven:
        missing = _undriven(hit, program)
        if missing is None:
            return None
        reason = reason or missing
    return _Seen(
        hit.place, hit.symbol.removeprefix("builtins."), context, hit, text, reason, (), bool(reason)
    )


def _decided(view: ProcessView, hit: Hit) -> str | None:
    """Where a row leaves its effect to a setting that is on or off: None where it is off, "" where it is on, or why that
    is not known."""
    system, _, key = hit.details.get("decided_by", "").partition(":")
    setting = view.setting(system, key) if key else None
    if setting is None:
        return ""
    if isinstance(setting.value, FromEnv):
        return f"`{setting.value.variable}` decides `{key}`"
    return "" if not isinstance(setting.value, Known) or setting.value.value else None


def _reaches(text: str, least: float) -> bool:
    try:
        return float(text) >= least
    except ValueError:
        return False


def _undriven(hit: Hit, program: Program) -> str | None:
    """None where some process type fires the family of an effect, "" where none does, or why that is not known."""
    family = hit.details.get("family", "")
    if not family or any(family in view.drives for view in program.views):
        return None
    for view in program.views:
        for _, other in view.hits():
            if other.effect == "schedules" and other.details.get("family") == family and not other.guard:
                return None
            if family in other.drives:
                reason = other.unsure or (
                    other.guard and f"`{other.guard}` decides whether `{other.symbol}` runs"
                )
                return reason or None
        if view.launch.unresolved and not view.launch.missing:
            return view.launch.unresolved
    declared = (*program.declaration.process_types, *program.declaration.other_process_types)
    if declared and all(each.declared_in == "Dockerfile" for each in declared):
        return f"an image may be started with other commands than the one in `{declared[0].place.path}`"
    return may_hide(program.views, "schedules")


# --- saying it ---------------------------------------------------------------------------------------------------


def _outcome(asked: _Asked, seen: _Seen) -> Outcome:
    rule, alternative, view = asked.rule, asked.alternative, asked.view
    launch = view.launch
    beside = _beside(asked)
    names = {
        "symbol": seen.symbol,
        "command": shown((beside[-1] if beside else view).launch),
        "launcher": launch.launcher or shown(launch),
        "value": seen.value,
        "reason": seen.reason,
        "process_type": view.process.name,
        "variable": view.details.get("workers-variable", ""),
        "count": str(replicas_of(asked.program, view.process, asked.platform)[0]),
        "beside": shown(beside[0].launch) if beside else "",
    }
    if alternative.doubt:
        return make_doubt(rule, view, fill(alternative.doubt, names), seen.place)
    reason = seen.reason if seen.unsure else _may_be_there(asked)
    if reason:
        return make_doubt(rule, view, reason, seen.place)
    phase: Phase | None = seen.context.phase if seen.context is not None else None
    return make_finding(
        rule,
        view,
        place=seen.place,
        names=names,
        context=seen.context,
        evidence=seen.evidence,
        text=f"`{seen.symbol}`",
        subject=_supervisor(asked) or seen.symbol,
        severity=alternative.severity or None,  # type: ignore[arg-type]  # a severity, or none
        message=alternative.message,
        phase=phase,
    )


def _supervisor(asked: _Asked) -> str:
    """The supervisor whose count of copies is meant: it is what the user would change."""
    name = asked.view.launch.supervised_by
    if not asked.alternative.copies or not name:
        return ""
    return next((shown(each.launch) for each in asked.group.views if each.launch.launcher == name), "")


def _may_be_there(asked: _Asked) -> str:
    """Why an effect that must be absent may be there after all, or ""."""
    effects: tuple[Effect, ...] = asked.alternative.absent  # type: ignore[assignment]  # checked on load
    if not effects:
        return ""
    for _, hit in asked.view.hits(*effects):
        return hit.unsure or f"`{hit.guard}` decides whether `{hit.symbol}` runs"
    return may_hide((asked.view,), *effects)


def _beside(asked: _Asked) -> list[ProcessView]:
    """The programs of which a message names the first and the last."""
    if not asked.alternative.together:
        return []
    programs = side_by_side(asked.group, asked.view)
    others = [each for each in asked.group.staying if each is not asked.view]
    return programs if len(programs) > 1 else [*others[:1], asked.view]
