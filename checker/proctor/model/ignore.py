"""The acceptance comment `# proctor: ignore[TF611,TC14] reason`, the same in every kind of file."""

from __future__ import annotations

import re

from proctor.model.fact import Ignore

#: the reason that a written acceptance has until someone gives one
PLACEHOLDER = "TODO: say why"
_MARK = re.compile(r"#\s*proctor:", re.IGNORECASE)
_COMMENT = re.compile(r"#\s*proctor:\s*ignore\b(?P<rest>.*)", re.IGNORECASE | re.DOTALL)
_CODES = re.compile(r"\s*\[(?P<codes>[^\]]*)\](?P<reason>.*)", re.DOTALL)
_CODE = re.compile(r"T[FC]\d+")
_UNTIL = re.compile(r"\buntil[ =:](?P<date>\d{4}-\d{2}-\d{2})\b[\s:,;-]*", re.IGNORECASE)


def read_ignore(comment: str, line: int, at: int) -> Ignore | None:
    """The acceptance in the text `comment` (which starts with `#`), or None where it holds none.

    `line` is the line it applies to, `at` the one it stands on. One without codes, or with something in the
    brackets that is no code, has empty `codes`: malformed. An expiry is written `until 2031-05-01`.
    """
    found = _COMMENT.match(comment.strip())
    if not found:
        return None
    listed = _CODES.match(found["rest"])
    if not listed:
        return Ignore(line, at, (), found["rest"].strip())
    codes = tuple(part.strip().upper() for part in listed["codes"].split(",") if part.strip())
    if not all(_CODE.fullmatch(code) for code in codes):
        codes = ()
    reason = listed["reason"].strip().lstrip(":- ").strip()
    until = _UNTIL.search(reason)
    if until:
        reason = (reason[: until.start()] + reason[until.end() :]).strip()
    return Ignore(line, at, codes, reason, until["date"] if until else "")


def read_line_ignores(data: bytes) -> tuple[Ignore, ...]:
    """The acceptances of a file in which `#` begins a comment, line by line. One that stands alone applies to the next
    line that is neither blank nor a comment, or to itself where there is none."""
    lines = [line.decode("utf-8", "replace") for line in data.splitlines()]
    found: list[Ignore] = []
    for at, text in enumerate(lines, 1):
        mark = _MARK.search(text)
        if not mark:
            continue
        applies = at
        if not text[: mark.start()].strip():
            following = (
                n for n, t in enumerate(lines[at:], at + 1) if t.strip() and not t.lstrip().startswith("#")
            )
            applies = next(following, at)
        ignore = read_ignore(text[mark.start() :], applies, at)
        if ignore:
            found.append(ignore)
    return tuple(found)
