"""How a judge says what it found: findings with evidence, and doubts that keep a clause from `conforms`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from proctor.model.finding import Finding, Gap, Step
from proctor.model.place import Place
from proctor.model.program import Context, ProcessView, Program
from proctor.model.rule import Rule
from proctor.model.words import PHASE_PHRASES, Phase, Severity


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A rule cannot say for a process type whether its clause is broken; `reason` says why.
    `process` None concerns the app as a whole. `broken` says that it is, and that another finding, whose codes are then the
    reason, stands for this one."""

    rule: str
    clause: str
    process: str | None
    reason: str
    place: Place
    broken: bool = False

    def gap(self) -> Gap:
        """The doubt as a gap in its clause."""
        return Gap(place=self.place, reason=self.reason, clauses=(self.clause,), process=self.process)


Outcome = Finding | Doubt


class Judge(Protocol):
    """A judge: all its rules over one program. The order of outcomes is a function of the input."""

    def __call__(self, rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
        """Findings and doubts of these rules."""
        ...


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What the platform does. `signals_all` says that SIGTERM goes to every process of the dyno or container;
    `grace_seconds` is the time until SIGKILL; `formation` counts of processes per type where configured."""

    name: str = "container"
    signals_all: bool = False
    grace_seconds: float = 30.0
    formation: Mapping[str, int] = {}


class _Names(dict[str, str]):
    def __missing__(self, key: str) -> str:
        return "{" + key + "}"


def fill(template: str, names: Mapping[str, str]) -> str:
    """A rule's message with its names filled in; an unknown name stays as written."""
    return template.format_map(_Names(names))


def make_finding(
    rule: Rule,
    view: ProcessView,
    *,
    place: Place,
    names: Mapping[str, str],
    context: Context | None = None,
    text: str = "",
    subject: str = "",
    severity: Severity | None = None,
    phase: Phase | None = None,
    evidence: tuple[Step, ...] = (),
    message: str = "",
) -> Finding:
    """A finding of one rule in one program. Without `evidence` it is the path to `context`, or the declaration's
    own steps, and always ends at `place`."""
    own_phase = phase or (context.phase if context is not None else None)
    when = PHASE_PHRASES[own_phase] if own_phase else ""
    filled = {
        "process_type": view.process.name, "phase": own_phase or "", "when": when, "subject": subject, **names
    }  # fmt: skip
    if not evidence:
        evidence = (
            view.path(context, place, text or rule.summary) if context is not None else view.launch.chain
        )
    if not evidence or (evidence[-1].place.path, evidence[-1].place.line) != (place.path, place.line):
        evidence = (*evidence, Step(place, text or rule.summary))
    return Finding(
        code=rule.code,
        name=rule.name,
        clause=rule.clause,
        severity=severity or rule.severity,
        message=fill(message or rule.message, filled),
        remedy=fill(rule.remedy, filled),
        place=place,
        processes=(view.process.name,),
        phase=own_phase,
        evidence=evidence,
        subject=subject,
    )


def make_doubt(rule: Rule, view: ProcessView | None, reason: str, place: Place) -> Doubt:
    """A doubt of one rule about one program."""
    name = view.process.name if view is not None else None
    return Doubt(rule=rule.code, clause=rule.clause, process=name, reason=reason, place=place)


def app_finding(
    rule: Rule,
    *,
    place: Place,
    names: Mapping[str, str],
    evidence: tuple[Step, ...] = (),
    processes: tuple[str, ...] = (),
    subject: str = "",
    severity: Severity | None = None,
    message: str = "",
) -> Finding:
    """A finding about a declaration or the app as a whole."""
    return Finding(
        code=rule.code,
        name=rule.name,
        clause=rule.clause,
        severity=severity or rule.severity,
        message=fill(message or rule.message, names),
        remedy=fill(rule.remedy, names),
        place=place,
        processes=processes,
        phase=None,
        evidence=evidence or (Step(place, rule.summary),),
        subject=subject,
    )
