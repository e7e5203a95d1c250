"""Workflow commands that GitHub Actions turns into annotations of a pull request."""

from __future__ import annotations

from proctor.model.finding import Finding, Judgement
from proctor.model.words import SEVERITIES
from proctor.report.lines import SourceLines
from proctor.report.places import from_here, span

_COMMANDS = {"error": "error", "warning": "warning", "note": "notice"}


def render_github(judgement: Judgement, lines: SourceLines) -> str:
    """One line per finding, the most severe first: only the first ten of a kind are shown per step."""
    ordered = sorted(judgement.findings, key=lambda each: (SEVERITIES.index(each.severity), each.place))
    return "".join(f"{_command(each, judgement.root, lines)}\n" for each in ordered)


def _command(finding: Finding, root: str, lines: SourceLines) -> str:
    at = span(finding.place, lines)
    properties = {"file": from_here(root, finding.place.path), "line": str(at.line), "col": str(at.column)}
    if at.end_line > at.line:
        properties["endLine"] = str(at.end_line)  # columns hold for one line only
    elif at.end_column > at.column:
        properties["endColumn"] = str(at.end_column)
    properties["title"] = f"{finding.code} {finding.name} ({finding.clause})"
    listed = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    path = "\n".join(f"{step.place.path}:{step.place.line} {step.text}" for step in finding.evidence)
    text = "\n".join(part for part in (finding.message, path, finding.remedy) if part)
    return f"::{_COMMANDS[finding.severity]} {listed}::{_data(text)}"


# https://github.com/actions/toolkit/blob/main/packages/core/src/command.ts
def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
