"""The JSON contract `proctor/1`, described by docs/schema/proctor-1.schema.json."""

from __future__ import annotations

import json
from typing import Any

from proctor import __version__
from proctor.model.finding import Finding, Judgement, ProcessReport
from proctor.report.lines import SourceLines
from proctor.report.places import span

SCHEMA = "proctor/1"


def render_json(judgement: Judgement, lines: SourceLines) -> str:
    """The whole answer as JSON text: lines and columns from 1, columns in characters."""
    return _dump(
        {
            **_head(judgement),
            "processes": [_process(each) for each in judgement.processes],
            "findings": [_finding(each, lines) for each in judgement.findings],
            "accepted": [
                {**_finding(each, lines), "reason": each.suppressed or ""} for each in judgement.suppressed
            ],
            **_compared(judgement, lines),
            "verdicts": [
                {
                    "clause": each.clause,
                    "process": each.process,
                    "verdict": each.verdict,
                    "reason": each.reason,
                }
                for each in judgement.verdicts
            ],
            "coverage": {
                "python_files": judgement.coverage.python_files,
                "read": judgement.coverage.read,
                "reached": judgement.coverage.reached,
                "not_read": [
                    {"path": path, "reason": reason} for path, reason in judgement.coverage.not_read
                ],
            },
        }
    )


def _compared(judgement: Judgement, lines: SourceLines) -> dict[str, Any]:
    if not judgement.compared:
        return {}
    return {
        "compared_with": judgement.compared,
        "known": [_finding(each, lines) for each in judgement.known],
        "fixed": [
            {"code": each.code, "path": each.path, "message": each.message, "fingerprint": each.fingerprint}
            for each in judgement.fixed
        ],
    }


def render_processes_json(judgement: Judgement) -> str:
    """The process types alone, as they stand in the whole answer."""
    return _dump({**_head(judgement), "processes": [_process(each) for each in judgement.processes]})


def _head(judgement: Judgement) -> dict[str, Any]:
    return {
        "schema": SCHEMA,
        "tool": {"name": "proctor", "version": __version__},
        "root": judgement.root,
    }


def _process(process: ProcessReport) -> dict[str, Any]:
    entry_point = None
    if process.entry_kind is not None:
        entry_point = {
            "kind": process.entry_kind,
            "target": process.entry_target,
            "path": process.entry_path,
        }
    return {
        "name": process.name,
        "source": {"path": process.place.path, "line": process.place.line},
        "command": process.command,
        "launcher": process.launcher,
        "kind": process.kind,
        "entry_point": entry_point,
        "unresolved": process.unresolved,
        "files": process.files,
        "effects": list(process.effects),
        "services": [{"name": each.name, "variable": each.variable or None} for each in process.services],
    }


def _finding(finding: Finding, lines: SourceLines) -> dict[str, Any]:
    at = span(finding.place, lines)
    return {
        "code": finding.code,
        "name": finding.name,
        "clause": finding.clause,
        "severity": finding.severity,
        "message": finding.message,
        "path": finding.place.path,
        "line": at.line,
        "column": at.column,
        "end_line": at.end_line,
        "end_column": at.end_column,
        "processes": list(finding.processes),
        "phase": finding.phase,
        "evidence": [
            {"path": step.place.path, "line": step.place.line, "text": step.text} for step in finding.evidence
        ],
        "fingerprint": finding.fingerprint,
    }


def _dump(value: dict[str, Any]) -> str:
    # ASCII alone passes through every stream and every editor
    return json.dumps(value, indent=2) + "\n"
