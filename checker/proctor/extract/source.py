"""The bytes of a file as a syntax tree, or the clear reason why not."""

from __future__ import annotations

import ast
import codecs
import re
import sys
import warnings

from proctor.extract.newer import parse_newer
from proctor.model.fact import Unread
from proctor.model.tree import MAX_SOURCE_BYTES

_TOO_DEEP = "it is nested too deeply to be read"
_UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")
_TEMPLATE = "it is a template that becomes Python only when filled in"
_CONFLICT = "it holds the markers of an unresolved merge conflict"
_ENCODING_SIGNS = ("codec can't decode", "unknown encoding", "encoding problem", "is not a text encoding")
#: What the line (or message) of a syntax error tells about the file. The first that fits is taken.
_REASONS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"^(<<<<<<<|=======|>>>>>>>)(\s|$)"), _CONFLICT),
    (re.compile(r"\{%-?\s*\w.*%\}|\{\{[\s\w.|-]+\}\}|\{#.*#\}"), _TEMPLATE),
    (re.compile(r"^\s*(.*[:;]\s*)?print(\s+[^\s(=.,]|\s*>>)"), "Python 2: a `print` statement"),
    (re.compile(r"^\s*(.*[:;]\s*)?exec\s+[^\s(=]"), "Python 2: an `exec` statement"),
    (re.compile(r"^\s*except\s+[^:]+,\s*\w+\s*:"), "Python 2: `except Error, name`"),
    (re.compile(r"^\s*(.*[:;]\s*)?raise\s+[\w.]+\s*,"), "Python 2: `raise Error, value`"),
    (re.compile(r"<>"), "Python 2: the operator `<>`"),
    (re.compile(r"`[^`]+`"), "Python 2: backquotes"),
    (re.compile(r"(?<![\w.])(0\d*[1-9]\d*|0x[\da-fA-F]+[lL]|\d+[lL])\b"), "Python 2: an old number literal"),
    (re.compile(r"""(?<!\w)[uU][rR]['"]"""), "Python 2: a `ur` string"),
    (re.compile(r"\b(def|lambda)\b[^:=]*\(\s*(\w+\s*,\s*)*\([^)]*\)"), "Python 2: a tuple parameter"),
)


def parse(data: bytes) -> ast.Module | Unread:
    """The syntax tree of a file's bytes. Every failure is a value that names the line, where one is known."""
    if refused := too_large(data):
        return refused
    if data.startswith(_UTF16_MARKS):
        return Unread("it is encoded as UTF-16, which Python does not read")
    if b"\0" in data:
        return Unread("it contains null bytes", _line_of(data, data.index(b"\0")))
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return _parse(data)
    except (RecursionError, MemoryError):
        raise
    except Exception as error:
        # The decoders and the parser raise more than they document (ValueError, LookupError, OverflowError, …).
        return Unread(f"{_python()} cannot read it ({_first_line(error)})")


def too_large(data: bytes) -> Unread | None:
    """What is said of a file that is larger than source that people write; None for others."""
    if len(data) > MAX_SOURCE_BYTES:
        return Unread(f"it is larger than {MAX_SOURCE_BYTES // 1_000_000} MB")
    return None


def too_deep() -> Unread:
    """What is said of a file that exhausts every stack."""
    return Unread(_TOO_DEEP)


def count_lines(data: bytes) -> int:
    """Physical lines, whichever way they end."""
    return len(data.removeprefix(codecs.BOM_UTF8).splitlines())


def _parse(data: bytes) -> ast.Module | Unread:
    try:
        return ast.parse(data)
    except SyntaxError as error:
        return parse_newer(data, error) or _syntax_error(error, data)


def _syntax_error(error: SyntaxError, data: bytes) -> Unread:
    line = error.lineno or 0
    message = _first_line(error)
    if any(sign in message for sign in _ENCODING_SIGNS):
        return Unread(f"its encoding cannot be read ({message})", _undecodable_line(data) or line)
    if "too many nested" in message or "too complex" in message:
        return Unread(_TOO_DEEP, line)
    lines = data.splitlines()
    text = lines[line - 1].decode("utf-8", "replace") if 0 < line <= len(lines) else ""
    for shape, reason in _REASONS:
        if shape.search(text):
            return Unread(f"it is written for {reason}" if reason.startswith("Python 2") else reason, line)
    return Unread(f"{_python()} cannot parse it: {message}", line)


def _first_line(error: BaseException) -> str:
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    first = (text or type(error).__name__).splitlines()[0].partition(";")[0]
    plain = first.removeprefix("(unicode error) ").strip().rstrip(".")
    return plain.encode("utf-8", "backslashreplace").decode()


def _python() -> str:
    return f"Python {sys.version_info[0]}.{sys.version_info[1]}"


def _line_of(data: bytes, offset: int) -> int:
    return len(data[: offset + 1].splitlines())


def _undecodable_line(data: bytes) -> int:
    try:
        data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return _line_of(data, error.start)
    return 0
