"""The JSON contract `proctor/1`, described by docs/schema/proctor-1.schema.json."""

from __future__ import annotations

import json
from typing import Any

from proctor import __version__
from proctor.model.finding import Finding, Judgement, ProcessReport
from proctor.report.lines import SourceLines

SCHEMA = "proctor/1"


def render_json(judgement: Judgement, lines: SourceLines) -> str:
    """The whole answer as JSON text: lines and columns from 1, columns in characters."""
    return _dump(
        {
            **_head(judgement),
            "processes": [_process(each) for each in judgement.processes],
            "findings": [_finding(each, lines) for each in judgement.findings],
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
    }


def _finding(finding: Finding, lines: SourceLines) -> dict[str, Any]:
    place = finding.place
    column = lines.column(place.path, place.line, place.column)
    end_line = place.end_line or place.line
    end_column = lines.column(place.path, end_line, place.end_column) if place.end_line else column
    return {
        "code": finding.code,
        "name": finding.name,
        "clause": finding.clause,
        "severity": finding.severity,
        "message": finding.message,
        "path": place.path,
        "line": place.line,
        "column": column,
        "end_line": end_line,
        "end_column": end_column,
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
