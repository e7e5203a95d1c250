"""The lines of source files as people see them: decoded, counted from 1, columns in characters."""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable

_BREAK = re.compile(r"\r\n|\r|\n")


class SourceLines:
    """Lines of files by `read` (path -> bytes; OSError where it cannot), decoded as their readers decode them.
    A file that cannot be read or decoded has no lines."""

    def __init__(self, read: Callable[[str], bytes]) -> None:
        self._read = read
        self._files: dict[str, tuple[str, ...]] = {}

    def line(self, path: str, number: int) -> str | None:
        """Line `number` (from 1) without its end, or None where there is none."""
        lines = self.lines(path)
        return lines[number - 1] if 1 <= number <= len(lines) else None

    def lines(self, path: str) -> tuple[str, ...]:
        """All lines of a file; empty where it cannot be read."""
        if path not in self._files:
            try:
                text = _decode(self._read(path), path)
            except (OSError, SyntaxError, UnicodeDecodeError, LookupError):
                text = ""
            self._files[path] = tuple(_BREAK.split(text)) if text else ()
        return self._files[path]

    def column(self, path: str, line: int, column: int) -> int:
        """A column in UTF-8 bytes from 0 as a column in characters from 1."""
        text = self.line(path, line)
        if text is None or text.isascii():
            return column + 1
        return len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore")) + 1


def _decode(content: bytes, path: str) -> str:
    if path.endswith(".py"):
        encoding, _ = tokenize.detect_encoding(io.BytesIO(content).readline)
        return content.decode(encoding)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return content.decode("utf-16", "replace")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")
