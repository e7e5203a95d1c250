"""Streams of the command line: what they can show, and progress on them."""

from __future__ import annotations

import io
import os
import signal
import time
from typing import Protocol, TextIO

from proctor.report import Style

_UNICODE = ("utf", "cp65001", "gb18030")


def style_of(stream: TextIO, color: str) -> Style:
    """How to dress text for `stream`; `color` is "auto" (on terminals), "always" or "never". What the stream's
    encoding lacks is written as escapes from then on."""
    encoding = (stream.encoding or "ascii").lower()
    knows_all = encoding.startswith(_UNICODE)
    if not knows_all and isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors="backslashreplace")
    return Style(color=_wants_color(stream, color), ascii=not knows_all)


def _wants_color(stream: TextIO, color: str) -> bool:
    if color != "auto":
        return color == "always"
    # https://no-color.org and https://force-color.org: set and not empty
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


class _Terminal(Protocol):
    def isatty(self) -> bool: ...
    def write(self, text: str, /) -> object: ...
    def flush(self) -> object: ...


class Progress:
    """A line on a terminal that says what is being done, once that takes longer than a second. Call it with what is
    done, how many parts are ready, and of how many (0: not known). Use it in the main thread, as a context manager."""

    def __init__(self, stream: _Terminal) -> None:
        self._stream = stream
        self._text = ""
        self._shown = ""
        self._start = time.monotonic()
        self._active = stream.isatty() and hasattr(signal, "setitimer")

    def __enter__(self) -> Progress:
        if self._active:
            # A timer and no thread: reading forks, which is safe only while there is one thread.
            self._old = signal.signal(signal.SIGALRM, self._tick)
            signal.setitimer(signal.ITIMER_REAL, 1.0, 0.2)
        return self

    def __exit__(self, *unused: object) -> None:
        if self._active:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, self._old)
            self._show("")

    def __call__(self, what: str, done: int, total: int) -> None:
        self._text = f"{what} {done:,}/{total:,}" if total else what

    def _tick(self, *unused: object) -> None:
        self._show(f"{self._text} ({time.monotonic() - self._start:.0f} s)")

    def _show(self, text: str) -> None:
        if text != self._shown:
            self._stream.write("\r" + text.ljust(len(self._shown)) + ("" if text else "\r"))
            self._stream.flush()
            self._shown = text
