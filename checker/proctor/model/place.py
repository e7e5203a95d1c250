"""Where something stands in a source file."""

from __future__ import annotations

import msgspec


class Place(msgspec.Struct, frozen=True, order=True):
    """A span in one file.

    `path` is relative to the root with `/`; lines count from 1, columns from 0 in UTF-8 bytes (as
    `ast` gives them); an end of 0 means "unknown, use the start". Only reports convert columns.
    """

    path: str
    line: int
    column: int = 0
    end_line: int = 0
    end_column: int = 0
