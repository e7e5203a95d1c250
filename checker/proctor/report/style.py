"""What a terminal or file can show: colours, line-drawing characters, widths."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

_CODES = {
    "error": "1;31",
    "warning": "1;33",
    "note": "1;36",
    "good": "32",
    "bold": "1",
    "dim": "2",
    "path": "1;34",
}
TAB = "    "


@dataclass(frozen=True)
class Style:
    """How text is dressed: `color` allows ANSI sequences, `ascii` forbids other characters in decoration."""

    color: bool = False
    ascii: bool = False

    def paint(self, text: str, role: str) -> str:
        """`text` in the colour of `role` ("error", "warning", "note", "good", "bold", "dim", "path")."""
        return f"\x1b[{_CODES[role]}m{text}\x1b[0m" if self.color and text else text

    @property
    def bar(self) -> str:
        """The line between line numbers and source."""
        return "|" if self.ascii else "│"

    @property
    def rule(self) -> str:
        """The character of a horizontal line."""
        return "-" if self.ascii else "─"

    @property
    def dot(self) -> str:
        """What separates short parts of a line."""
        return "-" if self.ascii else "·"


PLAIN = Style()


def printable(text: str) -> str:
    """`text` for one line of a terminal: tabs widened, control characters written as escapes."""
    text = text.replace("\t", TAB)
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode("ascii") for each in text
    )


def width(text: str) -> int:
    """The number of terminal columns that `text` takes."""
    if text.isascii():
        return len(text)
    return sum(_columns(each) for each in text)


def _columns(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1
