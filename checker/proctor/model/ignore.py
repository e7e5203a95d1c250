"""The acceptance comment `# proctor: ignore[TF611,TC14] reason`, the same in every kind of file."""

from __future__ import annotations

import re

from proctor.model.fact import Ignore

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
