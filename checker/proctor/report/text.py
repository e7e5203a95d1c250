"""The report for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import groupby

from proctor.model.finding import ClauseVerdict, Finding, Judgement, ProcessReport, Step
from proctor.model.words import PHASE_PHRASES, SEVERITIES, VERDICTS
from proctor.report.frame import render_frame
from proctor.report.lines import SourceLines
from proctor.report.matrix import WHOLE_APP, hiding
from proctor.report.style import Style, printable, width

_WIDTH = 100
_MOST_REASONS = 12
_MOST_FILES = 10


def render_text(judgement: Judgement, lines: SourceLines, style: Style) -> str:
    """The whole answer: findings by file, verdicts by process type, what hid answers, what was not read, counts."""
    blocks: list[list[str]] = []
    by_place = sorted(judgement.findings, key=lambda each: (each.place, each.code, each.message))
    for path, group in groupby(by_place, key=lambda each: each.place.path):
        blocks.append([_heading(printable(path), style)])
        blocks.extend(_finding(each, lines, style) for each in group)
    blocks.append(_verdict_table(judgement, style))
    blocks.append(_hidden(judgement.verdicts, style))
    blocks.append(_not_read(judgement, style))
    blocks.append(_notices(judgement.notices, style))
    blocks.append(_fixed(judgement, style))
    blocks.append(_summary(judgement, style))
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_statistics_text(judgement: Judgement, style: Style) -> str:
    """A row per rule: how often it found something, in how many files, how severe. The most frequent come first."""
    by_rule: dict[str, list[Finding]] = {}
    for finding in judgement.findings:
        by_rule.setdefault(finding.code, []).append(finding)
    rows = [style.paint(f"{'findings':>8}  {'files':>5}  {'severity':<8}  rule", "bold")] if by_rule else []
    for code, found in sorted(by_rule.items(), key=lambda item: (-len(item[1]), item[0])):
        n_files = len({each.place.path for each in found})
        severity = min((each.severity for each in found), key=SEVERITIES.index)
        rows.append(
            f"{len(found):>8}  {n_files:>5}  {style.paint(f'{severity:<8}', severity)}  "
            f"{code} {found[0].name} {style.paint(f'[{found[0].clause}]', 'dim')}"
        )
    blocks = [rows, _verdict_table(judgement, style), _summary(judgement, style)]
    return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"


def render_processes_text(judgement: Judgement, effects: bool, style: Style) -> str:
    """The formation as it was understood; with `effects` the path to each effect."""
    if not judgement.processes:
        return "No process types are declared.\n"
    return "\n\n".join("\n".join(_process(each, effects, style)) for each in judgement.processes) + "\n"


# --- findings --------------------------------------------------------------------------------------------


def _heading(text: str, style: Style) -> str:
    line = style.rule * max(3, _WIDTH - width(text) - 4)
    return f"{style.rule * 2} {style.paint(text, 'path')} {style.paint(line, 'dim')}"


def _finding(finding: Finding, lines: SourceLines, style: Style) -> list[str]:
    place = finding.place
    column = lines.column(place.path, place.line, place.column)
    who = ", ".join(finding.processes) or WHOLE_APP
    when = f" {PHASE_PHRASES[finding.phase]}" if finding.phase else ""
    head = (
        f"{style.paint(finding.severity, finding.severity)} {style.paint(finding.code, 'bold')} {finding.name}  "
        f"{printable(place.path)}:{place.line}:{column}  "
        + style.paint(f"[{printable(who)}{when} {style.dot} {finding.clause}]", "dim")
    )
    return [
        head,
        f"  {printable(finding.message)}",
        *render_frame(place, lines, style, finding.severity),
        *_evidence(finding.evidence, style),
        *_labelled("fix", finding.remedy, style),
    ]


def _evidence(steps: Sequence[Step], style: Style) -> list[str]:
    places = [f"{printable(step.place.path)}:{step.place.line}" for step in steps]
    widest = max(width(place) for place in places)
    rows = []
    for number, (place, step) in enumerate(zip(places, steps, strict=True)):
        label = style.paint("path", "dim") if number == 0 else "    "
        rows.append(f"  {label}  {place}{' ' * (widest - width(place))}  {printable(step.text)}".rstrip())
    return rows


def _labelled(label: str, text: str, style: Style) -> list[str]:
    if not text:
        return []
    first, *rest = text.splitlines()
    return [
        f"  {style.paint(f'{label:<4}', 'dim')}  {printable(first)}",
        *(f"        {printable(each)}" for each in rest),
    ]


# --- verdicts --------------------------------------------------------------------------------------------


def _verdict_table(judgement: Judgement, style: Style) -> list[str]:
    names = [process.name for process in judgement.processes]
    if any(verdict.process is None for verdict in judgement.verdicts):
        names.append(WHOLE_APP)
    counts = {name: Counter[str]() for name in names}
    for verdict in judgement.verdicts:
        counts.setdefault(verdict.process or WHOLE_APP, Counter())[verdict.verdict] += 1
    if not counts:
        return []
    first = max(width("process type"), *(width(printable(name)) for name in counts))
    roles = {"conforms": "good", "violates": "error", "not verified": "warning", "not applicable": "dim"}
    rows = [style.paint("process type".ljust(first) + "".join(f"  {each:>14}" for each in VERDICTS), "bold")]
    for name, count in counts.items():
        shown = printable(name)
        cells = "".join(
            "  " + (style.paint(f"{count[each]:>14}", roles[each]) if count[each] else f"{style.dot:>14}")
            for each in VERDICTS
        )
        rows.append(shown + " " * (first - width(shown)) + cells)
    return rows


def _hidden(verdicts: Iterable[ClauseVerdict], style: Style) -> list[str]:
    """Why clauses are not verified: each reason once, with the process types and clauses that it hides."""
    ordered = hiding(verdicts)
    if not ordered:
        return []
    rows = [style.paint("Not verified, because", "bold")]
    for reason, by_process in ordered[:_MOST_REASONS]:
        by_clauses: dict[tuple[str, ...], list[str]] = {}
        for name, clauses in by_process.items():
            by_clauses.setdefault(tuple(clauses), []).append(printable(name))
        whom = "; ".join(f"{_names(names)}: {_clauses(clauses)}" for clauses, names in by_clauses.items())
        rows.append(f"  {printable(reason)}  {style.paint(f'[{whom}]', 'dim')}")
    if len(ordered) > _MOST_REASONS:
        rows.append(f"  and {len(ordered) - _MOST_REASONS} more reasons (`--format json` has all)")
    return rows


def _names(names: Sequence[str]) -> str:
    return ", ".join(names) if len(names) <= 4 else f"{len(names)} process types"


def _clauses(clauses: Sequence[str]) -> str:
    return ", ".join(clauses) if len(clauses) <= 6 else f"{len(clauses)} clauses"


# --- the rest --------------------------------------------------------------------------------------------


def _not_read(judgement: Judgement, style: Style) -> list[str]:
    missed = judgement.coverage.not_read
    if not missed:
        return []
    rows = [style.paint(f"Not read: {_count(len(missed), 'file')}", "bold")]
    rows += [f"  {printable(path)}: {printable(reason)}" for path, reason in missed[:_MOST_FILES]]
    if len(missed) > _MOST_FILES:
        rows.append(f"  and {len(missed) - _MOST_FILES} more (`--format json` has all)")
    return rows


def _notices(notices: Sequence[Step], style: Style) -> list[str]:
    if not notices:
        return []
    return [
        style.paint("Acceptances to look at", "bold"),
        *(f"  {printable(each.place.path)}:{each.place.line}: {printable(each.text)}" for each in notices),
    ]


def _fixed(judgement: Judgement, style: Style) -> list[str]:
    if not judgement.fixed:
        return []
    title = f"No longer found, but in {printable(judgement.compared)}"
    rows = [style.paint(title, "bold")]
    rows += [
        f"  {each.code} {printable(each.path)}: {printable(each.message)}"
        for each in judgement.fixed[:_MOST_FILES]
    ]
    if len(judgement.fixed) > _MOST_FILES:
        rows.append(f"  and {len(judgement.fixed) - _MOST_FILES} more (`--format json` has all)")
    return rows


def _summary(judgement: Judgement, style: Style) -> list[str]:
    found = Counter(finding.severity for finding in judgement.findings)
    parts = [style.paint(_count(found[each], each), each) for each in SEVERITIES if found[each]]
    nothing = "No new findings" if judgement.compared else "No findings"
    line = ", ".join(parts) if parts else style.paint(nothing, "good")
    if judgement.compared:
        line += f"; {len(judgement.known)} known from {printable(judgement.compared)}"
    if judgement.suppressed:
        line += f"; {len(judgement.suppressed)} accepted with a reason"
    coverage = judgement.coverage
    return [
        f"{line}.",
        f"{coverage.read:,} of {_count(coverage.python_files, 'Python file')} read, {coverage.reached:,} reached from "
        f"{_count(len(judgement.processes), 'process type')}.",
    ]


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


# --- process types ---------------------------------------------------------------------------------------


def _process(process: ProcessReport, effects: bool, style: Style) -> list[str]:
    where = f"{printable(process.place.path)}:{process.place.line}"
    if process.entry_target is not None:
        entry = process.entry_target + (f" ({process.entry_path})" if process.entry_path else "")
    else:
        entry = "none"
    rows = [
        f"{style.paint(printable(process.name), 'bold')}  {process.kind}  {style.paint(where, 'dim')}",
        *_field("command", process.command, style),
        *_field("launcher", process.launcher or "unknown", style),
        *_field("entry point", entry, style),
        *_field("unresolved", process.unresolved or "", style),
        *_field("files", str(process.files), style),
        *_field("does", ", ".join(process.effects) or "nothing that these clauses ask for", style),
    ]
    if effects:
        for effect, steps in process.profile:
            rows.append(f"  {style.paint(effect, 'bold')}")
            rows += [f"  {row}" for row in _evidence(steps, style)] if steps else []
    return rows


def _field(label: str, text: str, style: Style) -> list[str]:
    return [f"  {style.paint(f'{label:<12}', 'dim')} {printable(text)}"] if text else []
