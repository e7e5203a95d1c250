"""Places as other programs want them: relative to the folder that proctor was started in, columns in characters."""

from __future__ import annotations

from typing import NamedTuple

from proctor.model.place import Place
from proctor.report.lines import SourceLines


class Span(NamedTuple):
    """Lines and columns from 1, columns in characters, the end not included."""

    line: int
    column: int
    end_line: int
    end_column: int


def span(place: Place, lines: SourceLines) -> Span:
    """Where `place` begins and ends; an unknown end is the start."""
    column = lines.column(place.path, place.line, place.column)
    end_line = place.end_line or place.line
    end_column = lines.column(place.path, end_line, place.end_column) if place.end_line else column
    return Span(place.line, column, end_line, end_column)


def from_here(root: str, path: str) -> str:
    """`path` (relative to `root`) relative to the folder in which the run was started, where `root` lies below it."""
    if root in (".", "") or root.startswith(("/", "..")) or ":" in root:
        return path
    return f"{root.rstrip('/')}/{path}"
