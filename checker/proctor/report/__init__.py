"""Judgements as text: for people, and in formats that other programs read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from proctor.model.finding import Judgement
from proctor.report.circumstances import UNKNOWN, Circumstances, digest
from proctor.report.compare import BaselineError, compare, read_baseline, record, render_baseline
from proctor.report.fingerprint import sign
from proctor.report.graph import render_graph
from proctor.report.lines import SourceLines
from proctor.report.style import PLAIN, Style

if TYPE_CHECKING:
    from proctor.model.program import Program

Format = Literal[
    "text", "json", "html", "markdown", "sarif", "junit", "checkstyle", "gitlab", "github", "badge"
]
FORMATS: tuple[Format, ...] = get_args(Format)
#: formats that say what a judgement was made with
WITH_CIRCUMSTANCES: tuple[Format, ...] = ("html", "markdown", "sarif")
#: formats that show fixes
WITH_FIXES: tuple[Format, ...] = ("html", "sarif")
#: what `processes` can be written as
PROCESS_FORMATS: tuple[Format, ...] = ("text", "json")

__all__ = [
    "FORMATS",
    "PLAIN",
    "PROCESS_FORMATS",
    "UNKNOWN",
    "WITH_CIRCUMSTANCES",
    "WITH_FIXES",
    "BaselineError",
    "Circumstances",
    "Format",
    "SourceLines",
    "Style",
    "compare",
    "digest",
    "read_baseline",
    "record",
    "render",
    "render_baseline",
    "render_graph",
    "render_processes",
    "render_statistics",
    "render_why",
    "sign",
]


def render(
    judgement: Judgement,
    form: Format,
    lines: SourceLines,
    style: Style = PLAIN,
    circumstances: Circumstances = UNKNOWN,
) -> str:
    """The whole answer in the format `form`. `lines` are those of the tree that was judged; `style` is for text,
    `circumstances` are said where a format has a place for them."""
    # a run pays only for the format that it writes
    if form == "text":
        from proctor.report.text import render_text

        return render_text(judgement, lines, style)
    if form == "json":
        from proctor.report.json import render_json

        return render_json(judgement, lines)
    if form == "html":
        from proctor.report.html import render_html

        return render_html(judgement, lines, circumstances)
    if form == "markdown":
        from proctor.report.markdown import render_markdown

        return render_markdown(judgement, lines, circumstances)
    if form == "sarif":
        from proctor.report.sarif import render_sarif

        return render_sarif(judgement, lines, circumstances)
    return _render_plain(judgement, form, lines)


def _render_plain(judgement: Judgement, form: Format, lines: SourceLines) -> str:
    if form == "junit":
        from proctor.report.junit import render_junit

        return render_junit(judgement)
    if form == "checkstyle":
        from proctor.report.checkstyle import render_checkstyle

        return render_checkstyle(judgement, lines)
    if form == "gitlab":
        from proctor.report.gitlab import render_gitlab

        return render_gitlab(judgement, lines)
    if form == "github":
        from proctor.report.github import render_github

        return render_github(judgement, lines)
    from proctor.report.badge import render_badge

    return render_badge(judgement)


def render_processes(judgement: Judgement, form: Format, effects: bool = False, style: Style = PLAIN) -> str:
    """The process types alone; `effects` adds the path to each effect (text only: JSON always names effects)."""
    if form == "json":
        from proctor.report.json import render_processes_json

        return render_processes_json(judgement)
    from proctor.report.text import render_processes_text

    return render_processes_text(judgement, effects, style)


def render_statistics(judgement: Judgement, style: Style = PLAIN) -> str:
    """How often each rule found something, and in how many files, most first."""
    from proctor.report.text import render_statistics_text

    return render_statistics_text(judgement, style)


def render_why(program: Program, path: str, line: int) -> str:
    """For the line `path`:`line` each process type that runs it, in each phase, with a shortest path."""
    from proctor.report.why import render_why

    return render_why(program, path, line)
