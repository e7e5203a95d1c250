"""GitLab's code quality report: https://docs.gitlab.com/ci/testing/code_quality/#code-quality-report-format"""

from __future__ import annotations

import json

from proctor.model.finding import Judgement
from proctor.report.lines import SourceLines
from proctor.report.places import from_here, span

_SEVERITIES = {"error": "critical", "warning": "major", "note": "info"}


def render_gitlab(judgement: Judgement, lines: SourceLines) -> str:
    """Every finding that was not accepted: GitLab itself compares them with those of the target branch, so known ones
    are part of it."""
    found = [
        {
            "description": f"{each.code} {each.name}: {each.message}",
            "check_name": each.code,
            "fingerprint": each.fingerprint,
            "severity": _SEVERITIES[each.severity],
            "location": {
                "path": from_here(judgement.root, each.place.path),
                "lines": {"begin": each.place.line, "end": span(each.place, lines).end_line},
            },
        }
        for each in [*judgement.findings, *judgement.known]
    ]
    return json.dumps(found, indent=2) + "\n"
