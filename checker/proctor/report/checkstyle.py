"""Checkstyle's XML, which many tools show."""

from __future__ import annotations

from itertools import groupby

from proctor.model.finding import Judgement
from proctor.report.lines import SourceLines
from proctor.report.markup import plain
from proctor.report.places import from_here, span

_SEVERITIES = {"error": "error", "warning": "warning", "note": "info"}


def render_checkstyle(judgement: Judgement, lines: SourceLines) -> str:
    """The findings by file."""
    rows = ['<?xml version="1.0" encoding="UTF-8"?>', '<checkstyle version="4.3">']
    ordered = sorted(judgement.findings, key=lambda each: (each.place, each.code, each.message))
    for path, group in groupby(ordered, key=lambda each: each.place.path):
        rows.append(f'  <file name="{plain(from_here(judgement.root, path))}">')
        for each in group:
            at = span(each.place, lines)
            message = f"{each.message} {each.remedy}" if each.remedy else each.message
            rows.append(
                f'    <error line="{at.line}" column="{at.column}" severity="{_SEVERITIES[each.severity]}" '
                f'message="{plain(" ".join(message.split()))}" source="proctor.{each.code}"/>'
            )
        rows.append("  </file>")
    rows.append("</checkstyle>")
    return "\n".join(rows) + "\n"
