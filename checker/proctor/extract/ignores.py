"""Acceptance comments of a Python file."""

from __future__ import annotations

import io
import re
import tokenize

from proctor.model.fact import Ignore
from proctor.model.ignore import read_ignore, read_line_ignores

_MARK = re.compile(rb"#\s*proctor:", re.IGNORECASE)
_TEXT_MARK = re.compile(r"#\s*proctor:", re.IGNORECASE)
_LAYOUT = frozenset(
    {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}
)


def read_ignores(data: bytes) -> tuple[Ignore, ...]:
    """The acceptance comments of a file. One that stands alone applies to the next line that holds code."""
    if not _MARK.search(data):
        return ()
    if b"\r" in data:
        # The tokenizer, unlike the parser, knows only one of the line ends.
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    try:
        return _from_tokens(data)
    except (tokenize.TokenError, SyntaxError, ValueError, LookupError):
        return read_line_ignores(data)


def _from_tokens(data: bytes) -> tuple[Ignore, ...]:
    found: list[Ignore] = []
    alone: list[tuple[str, int]] = []
    code_line = 0
    for token in tokenize.tokenize(io.BytesIO(data).readline):
        line = token.start[0]
        if token.type == tokenize.COMMENT:
            mark = _TEXT_MARK.search(token.string)
            if mark and code_line == line:
                found.extend(_read(token.string[mark.start() :], line, line))
            elif mark:
                alone.append((token.string[mark.start() :], line))
        elif token.type not in _LAYOUT:
            code_line = token.end[0]
            for comment, at in alone:
                # Nothing follows at the end of the file: it then speaks of itself.
                found.extend(_read(comment, at if token.type == tokenize.ENDMARKER else line, at))
            alone.clear()
    return tuple(sorted(found, key=lambda ignore: ignore.at))


def _read(comment: str, line: int, at: int) -> list[Ignore]:
    ignore = read_ignore(comment, line, at)
    return [] if ignore is None else [ignore]
