"""A code frame: the line of a finding with its neighbours and a mark below it."""

from __future__ import annotations

from proctor.model.place import Place
from proctor.report.lines import SourceLines
from proctor.report.style import Style, printable, width

_CONTEXT = 1
_WIDEST = 110


def render_frame(place: Place, lines: SourceLines, style: Style, role: str) -> list[str]:
    """The lines of the frame for `place`, or none where the source cannot be shown."""
    text = lines.line(place.path, place.line)
    if text is None:
        return []
    start = lines.column(place.path, place.line, place.column) - 1
    if place.end_line in (0, place.line) and place.end_column > place.column:
        end = lines.column(place.path, place.line, place.end_column) - 1
    else:
        end = len(text.rstrip())
    last = min(place.line + _CONTEXT, len(lines.lines(place.path)))
    digits = len(str(last))
    frame: list[str] = []
    for number in range(max(1, place.line - _CONTEXT), last + 1):
        shown = lines.line(place.path, number) or ""
        if number == place.line:
            shown, mark = _cut(shown, start, max(end, start + 1))
            frame.append(_row(style, f"{number:>{digits}}", shown))
            frame.append(_row(style, " " * digits, style.paint(mark, role)))
        elif shown.strip():
            frame.append(_row(style, style.paint(f"{number:>{digits}}", "dim"), printable(shown)[:_WIDEST]))
    return frame


def _row(style: Style, number: str, text: str) -> str:
    return f"  {number} {style.paint(style.bar, 'dim')} {text}".rstrip()


def _cut(text: str, start: int, end: int) -> tuple[str, str]:
    """The printable line and the carets below it; a very long line is cut around the place."""
    before, marked, after = printable(text[:start]), printable(text[start:end]), printable(text[end:])
    if width(before) > _WIDEST // 2 and width(before + marked + after) > _WIDEST:
        before = "… " + before[-_WIDEST // 3 :]
    if width(before + marked) > _WIDEST:
        marked, after = marked[: max(1, _WIDEST - len(before))] + "…", ""
    room = max(0, _WIDEST - width(before + marked))
    return before + marked + after[:room], " " * width(before) + "^" * max(1, width(marked))
