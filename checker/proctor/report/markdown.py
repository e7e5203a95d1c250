"""Markdown for the comment of a pull request, or for a summary of a build."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proctor import __version__
from proctor.model.finding import Finding, Judgement
from proctor.model.words import PHASE_PHRASES, SEVERITIES
from proctor.report.circumstances import Circumstances, digest
from proctor.report.lines import SourceLines
from proctor.report.markup import count
from proctor.report.matrix import ASKED, SYMBOLS, WHOLE_APP, columns, hiding
from proctor.report.style import printable

#: a bot finds its earlier comment by this line
MARKER = "<!-- proctor -->"
_SIGNS = {"error": "❌", "warning": "⚠️", "note": "ℹ️"}  # noqa: RUF001 - a sign, not the letter
#: a comment of GitHub holds 65,536 characters
_MOST_FINDINGS = 40
_MOST_REASONS = 20
_MOST_KNOWN = 40
_CODE = re.compile(r"`([^`]+)`")


def render_markdown(judgement: Judgement, lines: SourceLines, circumstances: Circumstances) -> str:
    """Counts, a row per process type, the findings with their evidence folded away, and what was not verified."""
    blocks = [
        MARKER,
        f"### proctor: {_headline(judgement)}",
        *_matrix(judgement),
        *_findings(judgement, lines, circumstances),
        *_changes(judgement),
        *_hidden(judgement),
        _footer(judgement, circumstances),
    ]
    return "\n\n".join(blocks) + "\n"


def _headline(judgement: Judgement) -> str:
    new = "new " if judgement.compared else ""
    parts = [
        count(number, f"{new}{severity}")
        for severity in SEVERITIES
        if (number := sum(each.severity == severity for each in judgement.findings))
    ]
    text = ", ".join(parts) or f"no {new}findings"
    if judgement.suppressed:
        text += f", {len(judgement.suppressed)} accepted"
    return text


def _matrix(judgement: Judgement) -> Iterator[str]:
    shown = columns(judgement)
    if not shown:
        return
    rows = [
        "| process type | " + " | ".join(f"{SYMBOLS[each]} {each}" for each in ASKED) + " |",
        "|---|" + "--:|" * len(ASKED),
    ]
    for column in shown:
        names = ", ".join(
            "the app as a whole" if name == WHOLE_APP else f"`{_code(name)}`" for name in column.names
        )
        rows.append(f"| {names} | " + " | ".join(str(column.counts[each]) for each in ASKED) + " |")
    yield "\n".join(rows)


def _findings(judgement: Judgement, lines: SourceLines, circumstances: Circumstances) -> Iterator[str]:
    ordered = sorted(judgement.findings, key=lambda each: (SEVERITIES.index(each.severity), each.place))
    for finding in ordered[:_MOST_FINDINGS]:
        yield _finding(finding, lines, circumstances)
    if len(ordered) > _MOST_FINDINGS:
        yield f"… and {len(ordered) - _MOST_FINDINGS} more findings."


def _finding(finding: Finding, lines: SourceLines, circumstances: Circumstances) -> str:
    place = finding.place
    who = ", ".join(finding.processes) or WHOLE_APP
    when = f" {PHASE_PHRASES[finding.phase]}" if finding.phase else ""
    rule = circumstances.rules.get(finding.code)
    source = f" · [{finding.clause}]({rule.source})" if rule else f" · {finding.clause}"
    rows = [
        f"{_SIGNS[finding.severity]} **{finding.code} {finding.name}** `{_code(place.path)}:{place.line}` "
        f"({_text(who)}{when}{source})",
        _text(finding.message),
        "",
        "<details><summary>Evidence and remedy</summary>",
        "",
    ]
    text = lines.line(place.path, place.line)
    if text is not None and text.strip():
        rows += _fence(printable(text.strip()), "python" if place.path.endswith(".py") else "")
    rows += [
        f"1. `{_code(step.place.path)}:{step.place.line}` {_text(step.text)}" for step in finding.evidence
    ]
    if finding.remedy:
        rows += ["", f"**Remedy:** {_text(' '.join(finding.remedy.split()))}"]
    return "\n".join([*rows, "", "</details>"])


def _changes(judgement: Judgement) -> Iterator[str]:
    if not judgement.compared:
        return
    parts = [f"Compared with `{_code(judgement.compared)}`: {count(len(judgement.known), 'finding')} known"]
    if judgement.fixed:
        parts.append(f"{len(judgement.fixed)} no longer found")
    text = ", ".join(parts) + "."
    for each in judgement.fixed[:_MOST_KNOWN]:
        text += f"\n- ✅ {each.code} `{_code(each.path)}`: {_text(each.message)}"
    yield text


def _hidden(judgement: Judgement) -> Iterator[str]:
    reasons = hiding(judgement.verdicts)
    if not reasons:
        return
    rows = [f"<details><summary>Not verified: {count(len(reasons), 'reason')}</summary>", ""]
    for reason, by_process in reasons[:_MOST_REASONS]:
        n_hidden = sum(map(len, by_process.values()))
        rows.append(f"- {_text(reason)} ({count(n_hidden, 'answer')})")
    if len(reasons) > _MOST_REASONS:
        rows.append(f"- and {len(reasons) - _MOST_REASONS} more")
    yield "\n".join([*rows, "", "</details>"])


def _footer(judgement: Judgement, circumstances: Circumstances) -> str:
    coverage = judgement.coverage
    commit = f" · commit `{circumstances.commit[:12]}`" if circumstances.commit else ""
    return (
        f"<sub>{coverage.read:,} of {count(coverage.python_files, 'Python file')} read, {coverage.reached:,} reached · "
        f"proctor {__version__}{commit} · digest `{digest(judgement)[:12]}`</sub>"
    )


def _code(text: str) -> str:
    return printable(text).replace("`", "'").replace("|", "\\|")


def _text(text: str) -> str:
    """Prose whose code stays code and whose other characters are no markup."""
    parts = _CODE.split(" ".join(text.split()))
    return "".join(f"`{_code(part)}`" if number % 2 else _plain(part) for number, part in enumerate(parts))


def _plain(text: str) -> str:
    text = re.sub(r"([\\*_\[\]|#~])", r"\\\1", printable(text))
    return text.replace("<", "&lt;").replace(">", "&gt;").replace("@", "@<!-- -->")


def _fence(text: str, language: str) -> list[str]:
    longest = max((len(run) for run in re.findall(r"`+", text)), default=0)
    bar = "`" * max(3, longest + 1)
    return [f"{bar}{language}", text, bar, ""]
