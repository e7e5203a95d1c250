"""JUnit's XML: a suite per process type, a case per clause."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.model.finding import ClauseVerdict, Finding, Judgement
from proctor.model.words import CLAUSES
from proctor.report.markup import plain
from proctor.report.matrix import WHOLE_APP, broken_by


def render_junit(judgement: Judgement) -> str:
    """A clause fails where a finding that is neither accepted nor known breaks it, and is skipped (with the reason)
    where it is not verified or does not apply."""
    suites: dict[str, list[str]] = {}
    counts: dict[str, list[int]] = {}
    for verdict in judgement.verdicts:
        name = verdict.process or WHOLE_APP
        outcome, rows = _case(verdict, name, judgement)
        suites.setdefault(name, []).extend(rows)
        count = counts.setdefault(name, [0, 0, 0])
        count[0] += 1
        count[1] += outcome == "failure"
        count[2] += outcome == "skipped"
    totals = [sum(count[index] for count in counts.values()) for index in range(3)]
    rows = ['<?xml version="1.0" encoding="UTF-8"?>']
    rows.append(f'<testsuites name="proctor" tests="{totals[0]}" failures="{totals[1]}" errors="0" time="0">')
    for name, cases in suites.items():
        tests, failures, skipped = counts[name]
        rows.append(
            f'  <testsuite name="{plain(name)}" tests="{tests}" failures="{failures}" errors="0" '
            f'skipped="{skipped}" time="0">'
        )
        rows.extend(cases)
        rows.append("  </testsuite>")
    return "\n".join([*rows, "</testsuites>"]) + "\n"


def _case(verdict: ClauseVerdict, name: str, judgement: Judgement) -> tuple[str, list[str]]:
    title = f"{verdict.clause} {CLAUSES[verdict.clause]}"
    head = f'    <testcase classname="{plain(name)}" name="{plain(title)}" time="0"'
    if verdict.verdict == "conforms":
        return "passed", [head + "/>"]
    if verdict.verdict == "violates":
        found = broken_by(verdict, judgement.findings)
        if found:
            return "failure", [head + ">", *_failure(found), "    </testcase>"]
        reason = f"{verdict.reason}: accepted or known"
    else:
        reason = f"{verdict.verdict}: {verdict.reason}"
    return "skipped", [head + ">", f'      <skipped message="{plain(reason)}"/>', "    </testcase>"]


def _failure(found: tuple[Finding, ...]) -> Iterator[str]:
    codes = ", ".join(dict.fromkeys(each.code for each in found))
    message = found[0].message if len(found) == 1 else f"{len(found)} findings"
    yield f'      <failure type="{codes}" message="{plain(message)}">'
    for each in found:
        yield plain(f"{each.severity} {each.code} {each.name} {each.place.path}:{each.place.line}")
        yield plain(f"  {each.message}")
        for step in each.evidence:
            yield plain(f"  {step.place.path}:{step.place.line} {step.text}")
        if each.remedy:
            yield plain(f"  {' '.join(each.remedy.split())}")
    yield "      </failure>"
