"""Accepted findings: comments beside the code and entries of the configuration, each with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

import msgspec

from proctor.model.fact import Ignore
from proctor.model.finding import Finding, Judgement, Step
from proctor.model.ignore import PLACEHOLDER
from proctor.model.place import Place
from proctor.settings import Accept, Settings

NO_REASON = "no reason given"


@dataclass
class _Acceptance:
    """An acceptance comment or entry in force, and whether it silenced anything."""

    path: str
    at: int
    codes: tuple[str, ...]
    reason: str
    entry: Accept | None = None
    line: int = 0
    used: set[str] = field(default_factory=set)

    def accepts(self, finding: Finding) -> bool:
        codes = [code for code in self.codes if finding.code.startswith(code)]
        place = finding.place
        if self.entry is not None:
            here = fnmatchcase(place.path, self.entry.path)
        else:
            # a comment behind the last line of a statement speaks of the whole statement
            end = max(place.end_line, place.line)
            here = place.path == self.path and (self.line == place.line or place.line <= self.at <= end)
        if codes and here:
            self.used.update(codes)
        return bool(codes) and here


def accept(
    judgement: Judgement,
    ignores: Iterable[tuple[str, Ignore]],
    settings: Settings,
    settings_path: str,
    codes: Sequence[str],
    today: str,
) -> Judgement:
    """`judgement` with its accepted findings moved to `suppressed`, and findings of rules that are not selected left
    out. A clause that only they broke is then no longer decided.

    `ignores` are the acceptance comments with their paths, `codes` all codes that rules have, `today` an ISO date.
    Comments and entries that are malformed, expired or silence nothing become notices. Verdicts do not
    change by acceptance: an accepted violation is one.
    """
    notices: list[Step] = []
    acceptances = [
        *_from_comments(ignores, codes, today, notices),
        *_from_entries(settings, settings_path, today, notices),
    ]
    kept: list[Finding] = []
    suppressed: list[Finding] = []
    for found in judgement.findings:
        finding = _asked(found, settings)
        if finding is None:
            continue
        accepting = [each for each in acceptances if each.accepts(finding)]
        if accepting:
            suppressed.append(msgspec.structs.replace(finding, suppressed=accepting[0].reason))
        else:
            kept.append(finding)
    notices.extend(_unused(acceptances, settings, codes))
    notices.extend(_strangers(judgement, settings, settings_path))
    return msgspec.structs.replace(
        _without_deselected(judgement, settings),
        findings=tuple(kept),
        suppressed=tuple(suppressed),
        notices=tuple(sorted(notices, key=lambda step: (step.place, step.text))),
    )


def _from_comments(
    ignores: Iterable[tuple[str, Ignore]], codes: Sequence[str], today: str, notices: list[Step]
) -> Iterable[_Acceptance]:
    for path, ignore in ignores:
        place = Place(path, ignore.at)
        if not ignore.codes:
            notices.append(
                Step(place, "The acceptance names no rule: write `# proctor: ignore[TF611] reason`.")
            )
            continue
        if not ignore.reason:
            notices.append(Step(place, f"The acceptance of {_listed(ignore.codes)} gives no reason."))
        elif ignore.reason == PLACEHOLDER:
            notices.append(
                Step(place, f"The acceptance of {_listed(ignore.codes)} still has to give a reason.")
            )
        if ignore.until and ignore.until < today:
            notices.append(Step(place, f"The acceptance of {_listed(ignore.codes)} ended on {ignore.until}."))
            continue
        for code in ignore.codes:
            if not any(known.startswith(code) for known in codes):
                notices.append(Step(place, f"No rule has the code `{code}`."))
        known = tuple(code for code in ignore.codes if any(each.startswith(code) for each in codes))
        if known:
            yield _Acceptance(path, ignore.at, known, ignore.reason or NO_REASON, line=ignore.line)


def _from_entries(
    settings: Settings, settings_path: str, today: str, notices: list[Step]
) -> Iterable[_Acceptance]:
    for entry in settings.accept:
        if entry.until and entry.until < today:
            text = f"The entry in `accept` for `{entry.code}` in `{entry.path}` ended on {entry.until}."
            notices.append(Step(Place(settings_path, 1), text))
        else:
            yield _Acceptance(settings_path, 1, (entry.code,), entry.reason, entry=entry)


def _unused(acceptances: Iterable[_Acceptance], settings: Settings, codes: Sequence[str]) -> Iterable[Step]:
    for each in acceptances:
        # a rule that was not asked cannot have been silenced
        asked = [
            code
            for code in each.codes
            if all(_is_asked(known, each, settings) for known in codes if known.startswith(code))
        ]
        idle = tuple(code for code in asked if code not in each.used)
        if not idle:
            continue
        if each.entry is not None:
            text = f"The entry in `accept` for `{each.entry.code}` in `{each.entry.path}` silences nothing."
        else:
            text = f"The acceptance of {_listed(idle)} silences nothing."
        yield Step(Place(each.path, each.at), text)


def _is_asked(code: str, acceptance: _Acceptance, settings: Settings) -> bool:
    if acceptance.entry is not None:
        return settings.selects(code)
    return settings.asks(code, acceptance.path, None)


def _strangers(judgement: Judgement, settings: Settings, settings_path: str) -> Iterable[Step]:
    names = {each.name for each in judgement.processes}
    for name in settings.processes:
        if name not in names:
            text = f"`processes.{name}` decides nothing: the app has no process type of this name."
            yield Step(Place(settings_path, 1), text)


def _asked(finding: Finding, settings: Settings) -> Finding | None:
    """`finding` for those process types for which it is asked for; None where it is for none."""
    code, path = finding.code, finding.place.path
    if not finding.processes:
        return finding if settings.asks(code, path, None) else None
    processes = tuple(name for name in finding.processes if settings.asks(code, path, name))
    if not processes:
        return None
    return (
        finding if processes == finding.processes else msgspec.structs.replace(finding, processes=processes)
    )


def _listed(codes: Sequence[str]) -> str:
    return ", ".join(f"`{code}`" for code in codes)


def _without_deselected(judgement: Judgement, settings: Settings) -> Judgement:
    """Verdicts that rest only on findings which nobody asked for say so instead."""
    broken = [each for each in judgement.findings if each.severity != "note"]
    verdicts = []
    for verdict in judgement.verdicts:
        if verdict.verdict == "violates":
            own = [
                each
                for each in broken
                if each.clause == verdict.clause
                and (verdict.process in each.processes or (verdict.process is None and not each.processes))
            ]
            asked = [each for each in own if settings.asks(each.code, each.place.path, verdict.process)]
            if asked:
                verdict = msgspec.structs.replace(verdict, reason=_codes_of(asked))
            elif own:
                reason = f"{_codes_of(own)} is not selected"
                verdict = msgspec.structs.replace(verdict, verdict="not verified", reason=reason)
        verdicts.append(verdict)
    return msgspec.structs.replace(judgement, verdicts=tuple(verdicts))


def _codes_of(findings: Iterable[Finding]) -> str:
    return ", ".join(dict.fromkeys(each.code for each in findings))
