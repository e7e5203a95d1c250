"""The text of one file, and how its positions stand for bytes."""

from __future__ import annotations

import bisect
import codecs
import io
import re
import tokenize
from functools import cached_property

from proctor.model.finding import Edit

#: Python ends lines at a lone carriage return, too; other files do not
_BREAKS = {True: re.compile(r"\r\n|\r|\n"), False: re.compile(r"\n")}
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class Declined(Exception):
    """A fix is not offered; the message is the reason, a clause that begins with a small letter."""


def encoding_of(path: str, data: bytes) -> str:
    """The encoding of a file without its byte order mark: what Python takes for Python source (PEP 263), else UTF-8.
    Raises Declined where there is none."""
    if data.startswith(_UTF16_MARKS):
        raise Declined("the file is UTF-16")
    if not path.endswith(".py"):
        return "utf-8"
    try:
        name, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        raise Declined("the encoding of the file is not known") from error
    return "utf-8" if name == "utf-8-sig" else name


class Source:
    """A file as text, so that every byte can be told: what is not edited is never written anew.

    Offsets are in characters of `text`, which lacks the byte order mark.
    Raises Declined where the text does not give the same bytes again.
    """

    def __init__(self, path: str, data: bytes) -> None:
        self.path = path
        self.encoding = encoding_of(path, data)
        self.mark = len(codecs.BOM_UTF8) if data.startswith(codecs.BOM_UTF8) else 0
        body = data[self.mark :]
        try:
            self.text = body.decode(self.encoding)
            faithful = self.text.encode(self.encoding) == body
        except (UnicodeError, LookupError) as error:
            raise Declined(f"the file is not {self.encoding.upper()}") from error
        if not faithful:
            raise Declined(f"the file does not stay the same when it is written as {self.encoding}")

    @cached_property
    def newline(self) -> str:
        """The line end of the file: that of its first line."""
        found = _BREAKS[self.path.endswith(".py")].search(self.text)
        if found and found[0] == "\n" and self.text[: found.start()].endswith("\r"):
            return "\r\n"
        return found[0] if found else "\n"

    @cached_property
    def _starts(self) -> list[int]:
        breaks = _BREAKS[self.path.endswith(".py")]
        return [0, *(found.end() for found in breaks.finditer(self.text))]

    @property
    def n_lines(self) -> int:
        """How many lines there are; the last one may be empty."""
        return len(self._starts)

    def offset(self, line: int, column: int) -> int:
        """The offset of a place (line from 1, column in UTF-8 bytes from 0). Raises Declined where there is none."""
        if not 1 <= line <= self.n_lines:
            raise Declined("the file has changed")
        start = self._starts[line - 1]
        text = self.line(line)
        if text.isascii():
            return start + min(column, len(text))
        return start + len(text.encode("utf-8", "surrogatepass")[:column].decode("utf-8", "ignore"))

    def line(self, line: int) -> str:
        """Line `line` (from 1) with its end."""
        end = self._starts[line] if line < self.n_lines else len(self.text)
        return self.text[self._starts[line - 1] : end]

    def line_of(self, offset: int) -> int:
        """The line (from 1) that holds an offset."""
        return bisect.bisect_right(self._starts, offset)

    def line_start(self, offset: int) -> int:
        """The offset at which the line of `offset` starts."""
        return self._starts[self.line_of(offset) - 1]

    def line_end(self, offset: int) -> int:
        """The offset at which the line of `offset` ends, before its line end."""
        line = self.line_of(offset)
        return self._starts[line - 1] + len(self.line(line).rstrip("\r\n"))

    def indent(self, offset: int) -> str:
        """The white space at the start of the line of `offset`."""
        line = self.line(self.line_of(offset))
        return line[: len(line) - len(line.lstrip(" \t\f"))]

    def edit(self, start: int, end: int, text: str) -> Edit:
        """An edit of the characters from `start` to before `end`; each "\\n" of `text` becomes the file's line end."""
        before = self.mark + len(self.text[:start].encode(self.encoding))
        length = len(self.text[start:end].encode(self.encoding))
        text = text.replace("\r\n", "\n").replace("\n", self.newline)
        return Edit(self.path, before, before + length, text)

    def place_of(self, byte: int) -> tuple[int, int]:
        """The line and the column (both from 1, columns in characters) of the byte with that number in the file."""
        body = self.text.encode(self.encoding)[: max(byte - self.mark, 0)]
        offset = len(body.decode(self.encoding))
        return self.line_of(offset), offset - self.line_start(offset) + 1

    def insert_line(self, offset: int, text: str) -> Edit:
        """An edit that puts `text` on lines of its own behind the line of `offset`."""
        end = self.line_end(offset)
        return self.edit(end, end, "\n" + text)
