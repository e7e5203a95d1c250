"""HTML as text: escaping, code spans, identifiers that stay unique."""

from __future__ import annotations

import re
from html import escape

from proctor.report.style import printable

_SPAN = re.compile(r"`([^`]+)`")
_ADDRESS = re.compile(r"https?://[^\s<>\"']+[^\s<>\"'.,;:!?)]")
_NO_NAME = re.compile(r"[^A-Za-z0-9]+")


def plain(text: str) -> str:
    """`text` as the content of an element or attribute; control characters are written as escapes."""
    return escape(printable(text))


def prose(text: str) -> str:
    """A sentence whose parts between backticks are code; the rest is escaped."""
    parts = _SPAN.split(text)
    return "".join(
        f"<code>{plain(part)}</code>" if number % 2 else plain(part) for number, part in enumerate(parts)
    )


def paragraphs(text: str) -> str:
    """Text of several paragraphs (blank lines between them)."""
    return "".join(f"<p>{prose(' '.join(part.split()))}</p>" for part in re.split(r"\n\s*\n", text.strip()))


def link(address: str, text: str = "") -> str:
    """A link to an address of the web; anything else is shown as text."""
    shown = plain(text or re.sub(r"^https?://", "", address))
    if not _ADDRESS.fullmatch(address):
        return shown
    return f'<a href="{plain(address)}" rel="noreferrer">{shown}</a>'


def count(number: int, noun: str, plural: str = "") -> str:
    """A number with its noun."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {plural or noun + 's'}"


class Names:
    """Identifiers of one page: `take` never gives the same one twice."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, *parts: str) -> str:
        """An identifier made of `parts`."""
        stem = "-".join(_NO_NAME.sub("-", part).strip("-") or "x" for part in parts)
        name, number = stem, 2
        while name in self._taken:
            name, number = f"{stem}-{number}", number + 1
        self._taken.add(name)
        return name
