"""Judge `formation`: what deployment manifests say about counts, volumes, routing, signals and grace periods.

`[[when.any]]` holds alternatives about deploy settings, each a set of words that all must hold:
- `topic`: topics of the setting (see `DeploySetting`); `value` and `value_not`: patterns (regular expressions) of its value;
- `of`: "process" (default; it is about one of the app's process types) or "app" (routing, and what holds for a whole file);
- `process_does`, `process_does_not`, `process_kind`, `process_drives`, `long_running`: of one of the process type's programs;
- `replicas`: "several" (something declares more than one), "one", or "unknown";
- `shell`: the program does not take the place of the shell in front of it;
- `signal`: what the stop signal does to the program: "worse" than SIGTERM would, "unhandled", or "unknown";
- `drain`: "longer" where the program may take more time to stop than it is given, "unknown" where the environment decides;
- `with_topic`: other settings that the process type must have, each with a pattern (regular expression) for the value;
- `once`: one finding per process type, for the first topic of the list that it has, and none where an earlier alternative has
  one;
- `severity`, `message`: of this alternative; `doubt`: the reason for which the clause is not verified, in place of a finding.
`[unless]` may hold `topic`: settings of the process type that excuse it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from proctor.judge.asking import ProcessWords, asks_process, read_words
from proctor.judge.drafts import Outcome, Platform, app_finding, fill, make_doubt, make_finding
from proctor.judge.programs import Group, groups, replicas_of, settings_of, shown
from proctor.judge.stopping import Drain, drain_of, grace_of, signal_effect
from proctor.model.finding import Step
from proctor.model.process import DeploySetting
from proctor.model.program import ProcessView, Program
from proctor.model.rule import Rule


class _Alternative(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: tuple[str, ...] = ()
    value: tuple[str, ...] = ()
    value_not: tuple[str, ...] = ()
    of: str = "process"
    replicas: tuple[str, ...] = ()
    shell: bool | None = None
    signal: tuple[str, ...] = ()
    drain: tuple[str, ...] = ()
    with_topic: dict[str, str] = msgspec.field(default_factory=dict)
    once: bool = False
    severity: str = ""
    message: str = ""
    doubt: str = ""


class _When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    any: tuple[_Alternative, ...]


class _Unless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    topic: tuple[str, ...] = ()


class _Asked(NamedTuple):
    """One alternative of one rule, asked about one process type."""

    rule: Rule
    alternative: _Alternative
    group: Group
    program: Program
    platform: Platform


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    every = groups(program)
    outcomes: list[Outcome] = []
    for rule in rules:
        when = read_words(rule, rule.when, _When, "[when]")
        unless = read_words(rule, rule.unless, _Unless, "[unless]")
        for alternative in when.any:
            if alternative.of == "app":
                outcomes.extend(_about_the_app(rule, alternative, every, program))
        for group in every:
            if unless.topic and settings_of(program, group.process, *unless.topic):
                continue
            found: list[Outcome] = []
            for alternative in when.any:
                if alternative.of != "app" and not (alternative.once and found):
                    found.extend(_about(_Asked(rule, alternative, group, program, platform)))
            outcomes.extend(found)
    return outcomes


# --- routing, and what holds for all ---------------------------------------------------------------------------


def _about_the_app(
    rule: Rule, alternative: _Alternative, every: Sequence[Group], program: Program
) -> Iterator[Outcome]:
    left_out = _left_out(every, program)
    for setting in program.declaration.settings:
        if setting.development or setting.place.path in left_out or not _asks_setting(alternative, setting):
            continue
        processes = tuple(group.process.name for group in every if _has_asked(alternative, group))
        yield app_finding(
            rule,
            place=setting.place,
            names={"value": setting.value, "topic": setting.topic, "process_type": setting.process or "app"},
            evidence=(Step(setting.place, f"`{setting.value}`"),),
            processes=processes,
            subject=setting.value,
            severity=alternative.severity or None,  # type: ignore[arg-type]  # a severity, or none
            message=alternative.message,
        )


def _left_out(every: Sequence[Group], program: Program) -> frozenset[str]:
    """Manifests of which nothing was taken over: they are for developers."""
    kept = {group.process.place.path for group in every}
    others = program.declaration.other_process_types
    return frozenset(each.place.path for each in others) - kept


def _has_asked(alternative: _Alternative, group: Group) -> bool:
    return any(asks_process(alternative, view) for view in group.views)


# --- one process type ----------------------------------------------------------------------------------------------


def _about(asked: _Asked) -> Iterator[Outcome]:
    alternative, group = asked.alternative, asked.group
    views = [view for view in group.views if asks_process(alternative, view)]
    if not views or not _asks_group(asked):
        return
    if alternative.drain:
        yield from _drains(asked, views)
        return
    found = [each for each in settings_of(asked.program, group.process) if _asks_setting(alternative, each)]
    if alternative.signal:
        found.extend(_sent_by_wrappers(views))
    found.sort(key=lambda each: (alternative.topic.index(each.topic), each.place))
    for setting in found[:1] if alternative.once else found:
        main = next((view for view in group.staying if view in views), views[0])
        if alternative.signal:
            what = signal_effect(main, setting.value, asked.program)
            if what not in alternative.signal:
                continue
        yield _outcome(asked, main, setting)


def _sent_by_wrappers(views: Sequence[ProcessView]) -> Iterator[DeploySetting]:
    """The signals by which wrappers stop the programs behind them, where that is another one than they got."""
    for view in views:
        for signals in view.launch.wrapper_signals:
            sent = str(signals.get("sends", "TERM"))
            if sent != "TERM" and view.stays:
                yield DeploySetting(
                    topic="stop-signal", value=sent, process=view.process.name, place=view.launch.place
                )


def _asks_setting(alternative: _Alternative, setting: DeploySetting) -> bool:
    if setting.topic not in alternative.topic:
        return False
    if alternative.value and not any(re.search(each, setting.value) for each in alternative.value):
        return False
    return not any(re.search(each, setting.value) for each in alternative.value_not)


def _asks_group(asked: _Asked) -> bool:
    alternative, group = asked.alternative, asked.group
    if alternative.replicas:
        count, _ = replicas_of(asked.program, group.process, asked.platform)
        word = "several" if count > 1 else "one" if count else "unknown"
        if word not in alternative.replicas:
            return False
    for topic, pattern in alternative.with_topic.items():
        found = settings_of(asked.program, group.process, topic)
        if not any(re.search(pattern, each.value) for each in found):
            return False
    if alternative.shell is None:
        return True
    if asked.platform.signals_all:
        return False
    stays = any(view.launch.replaces_shell is not True for view in group.staying)
    return stays is alternative.shell


def _drains(asked: _Asked, views: Sequence[ProcessView]) -> Iterator[Outcome]:
    grace = grace_of(asked.group.process, asked.program, asked.platform)
    for view in views:
        drain: Drain | None = drain_of(view, asked.group.process, asked.program)
        if drain is None or not (drain.declared or grace.declared):
            continue
        if drain.seconds is None:
            if "unknown" in asked.alternative.drain:
                yield make_doubt(asked.rule, view, drain.reason, drain.place)
        elif drain.seconds > grace.seconds and "longer" in asked.alternative.drain:
            names = {
                "value": f"{drain.seconds:g}", "grace": f"{grace.seconds:g}", "reason": grace.said_by,
                "symbol": drain.symbol, "command": shown(view.launch),
            }  # fmt: skip
            place = grace.place if grace.place is not None and not drain.declared else drain.place
            yield make_finding(
                asked.rule,
                view,
                place=place,
                names=names,
                evidence=(*view.launch.chain, Step(drain.place, f"`{drain.symbol}`")),
                text=f"{grace.seconds:g} s are given",
                subject=drain.symbol,
                severity=asked.alternative.severity or None,  # type: ignore[arg-type]  # a severity, or none
                message=asked.alternative.message,
            )


def _outcome(asked: _Asked, view: ProcessView, setting: DeploySetting) -> Outcome:
    rule, alternative, process = asked.rule, asked.alternative, asked.group.process
    count, _ = replicas_of(asked.program, process, asked.platform)
    names = {
        "value": setting.value, "topic": setting.topic, "command": shown(view.launch), "count": str(count),
        "process_type": process.name, "symbol": view.launch.launcher or shown(view.launch),
    }  # fmt: skip
    if alternative.doubt:
        return make_doubt(rule, view, fill(alternative.doubt, names), setting.place)
    return make_finding(
        rule,
        view,
        place=setting.place,
        names=names,
        evidence=(Step(process.place, f"`{process.name}` is declared in {process.place.path}"),),
        text=f"`{setting.value}`",
        subject=f"{setting.topic} {setting.value}",
        severity=alternative.severity or None,  # type: ignore[arg-type]  # a severity, or none
        message=alternative.message,
    )
