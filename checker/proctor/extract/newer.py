"""Source in the syntax of a newer Python, rewritten into what the running one reads.

An app need not run under the Python that reads it. Each rewriting keeps every line where it is, and only touches
a line that the parser refused; columns right of a rewritten stretch of that line may be off by a few.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable

_MOST_REWRITINGS = 200
_MOST_PARSED_BYTES = 20_000_000
#: how many lines a single text may span
_MOST_TEXT_LINES = 60
_SINGLE, _DOUBLE, _BACKSLASH, _BRACE = b"'\"\\{"
_CLASS = rb"(?:(?:[A-Za-z_]\w*\.)+\w+|[A-Z]\w+)"
_EXCEPT = re.compile(rb"^(\s*except\*?\s+)(" + _CLASS + rb"(?:\s*,\s*" + _CLASS + rb")+)(\s*:)")
_EXCEPT_STAR = re.compile(rb"^(\s*except)\*")
_GENERIC = re.compile(rb"^(\s*(?:(?:async\s+)?def|class)\s+\w+)\[")
_ALIAS = re.compile(rb"^(\s*)type\s+(\w+)(\s*\[.*?\])?(\s*=.*)", re.DOTALL)
_TEMPLATE = re.compile(rb"(?<!\w)(?:([rR])[tT]|[tT]([rR]?))(?=[\"'])")
_FORMATTED = re.compile(rb"(?<!\w)(?:[rR]?[fF]|[fF][rR])([\"'])(?!\1\1)")


def parse_newer(data: bytes, error: SyntaxError) -> ast.Module | None:
    """The tree of a source that the parser refused with `error`, or None where no rewriting makes it readable."""
    lines = data.splitlines(keepends=True)
    # Each one costs another parse of the whole file.
    for _ in range(min(_MOST_REWRITINGS, max(5, _MOST_PARSED_BYTES // (len(data) + 1)))):
        if not _rewrite_one(lines, error):
            return None
        try:
            return ast.parse(b"".join(lines))
        except SyntaxError as next_error:
            error = next_error
    return None


def _rewrite_one(lines: list[bytes], error: SyntaxError) -> bool:
    first = (error.lineno or 0) - 1
    last = max(first, (error.end_lineno or 0) - 1)
    for number in range(max(first, 0), min(last + 1, len(lines))):
        for rewrite in _REWRITINGS:
            changed = rewrite(lines[number])
            if changed is not None and changed != lines[number]:
                lines[number] = changed
                return True
        if _nested_quotes(lines, number):
            return True
    return False


def _caught_without_parentheses(line: bytes) -> bytes | None:
    # 3.14: `except ValueError, TypeError:`. In Python 2 the last one was a variable, by habit in lower case.
    return _EXCEPT.sub(rb"\1(\2)\3", line)


def _caught_groups(line: bytes) -> bytes | None:
    # 3.11: `except* Error:`
    return _EXCEPT_STAR.sub(rb"\1 ", line)


def _type_parameters(line: bytes) -> bytes | None:
    # 3.12: `def f[T](…)`, `class C[T]:`
    found = _GENERIC.match(line)
    if not found:
        return None
    start = found.end() - 1
    depth = 0
    for position in range(start, len(line)):
        depth += (line[position] == 0x5B) - (line[position] == 0x5D)
        if depth == 0:
            blank = b" " * (position + 1 - start)
            return line[:start] + blank + line[position + 1 :]
    return None


def _type_alias(line: bytes) -> bytes | None:
    # 3.12: `type Name[T] = …`
    found = _ALIAS.match(line)
    if not found:
        return None
    indent, name, _, rest = found.groups()
    return indent + name + b" " * (found.start(4) - len(indent) - len(name)) + rest


def _template_text(line: bytes) -> bytes | None:
    # 3.14: `t"…"`
    return _TEMPLATE.sub(rb"\1f\2", line)


def _nested_quotes(lines: list[bytes], number: int) -> bool:
    # 3.12: the same quotes, a backslash or a line break inside the braces of an f-string
    text = bytearray(b"".join(lines[number : number + _MOST_TEXT_LINES]))
    n_first = len(lines[number])
    position = 0
    while (found := _FORMATTED.search(text, position)) and found.start() < n_first:
        end = _requote(text, found.end(), found[1][0])
        if end is None:
            return False
        n_first += max(0, end - n_first)
        position = end
    changed = bytes(text).splitlines(keepends=True)
    if changed == lines[number : number + _MOST_TEXT_LINES]:
        return False
    lines[number : number + _MOST_TEXT_LINES] = changed
    return True


def _requote(text: bytearray, start: int, quote: int) -> int | None:
    """Change the quotes inside the braces of the f-string whose text begins at `start`; gives its end.

    One that spans lines gets triple quotes instead of its own.
    """
    other = _DOUBLE if quote == _SINGLE else _SINGLE
    depth = 0
    inner = False
    spans_lines = False
    position = start
    while position < len(text):
        char = text[position]
        if char == quote and not depth:
            return _close(text, start, position, spans_lines)
        if char == quote:
            text[position] = other
            inner = not inner
        elif char in b"\r\n" or (char == other and inner):
            if not depth or inner:
                return None
            spans_lines = True
        elif char == _BACKSLASH:
            if depth:
                text[position : position + 2] = b"  "
            position += 1
        elif not inner and char in b"{}":
            if not depth and bytes(text[position : position + 2]) in (b"{{", b"}}"):
                position += 1
            else:
                depth += 1 if char == _BRACE else -1
        position += 1
    return None


def _close(text: bytearray, start: int, end: int, spans_lines: bool) -> int:
    if not spans_lines:
        return end + 1
    mark = bytes(text[end : end + 1]) * 2
    text[end:end] = mark
    text[start:start] = mark
    return end + 1 + 2 * len(mark)


_REWRITINGS: tuple[Callable[[bytes], bytes | None], ...] = (
    _caught_without_parentheses,
    _caught_groups,
    _type_parameters,
    _type_alias,
    _template_text,
)
