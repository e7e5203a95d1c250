"""Judgements as text: for people, and in formats that other programs read."""

from __future__ import annotations

from typing import Literal, get_args

from proctor.model.finding import Judgement
from proctor.report.fingerprint import sign
from proctor.report.graph import render_graph
from proctor.report.lines import SourceLines
from proctor.report.style import PLAIN, Style
from proctor.report.why import render_why

Format = Literal["text", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)

__all__ = [
    "FORMATS",
    "PLAIN",
    "Format",
    "SourceLines",
    "Style",
    "render",
    "render_graph",
    "render_processes",
    "render_why",
    "sign",
]


def render(judgement: Judgement, form: Format, lines: SourceLines, style: Style = PLAIN) -> str:
    """The whole answer in the format `form`. `lines` are those of the tree that was judged; `style` is for text."""
    # a run pays only for the format that it writes
    if form == "json":
        from proctor.report.json import render_json

        return render_json(judgement, lines)
    from proctor.report.text import render_text

    return render_text(judgement, lines, style)


def render_processes(judgement: Judgement, form: Format, effects: bool = False, style: Style = PLAIN) -> str:
    """The process types alone; `effects` adds the path to each effect (text only: JSON always names effects)."""
    if form == "json":
        from proctor.report.json import render_processes_json

        return render_processes_json(judgement)
    from proctor.report.text import render_processes_text

    return render_processes_text(judgement, effects, style)
