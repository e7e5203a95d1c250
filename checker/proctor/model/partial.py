"""Texts of which only parts are known: `sqlite:///…/app.db`, with a hole for each other part."""

from __future__ import annotations

import re

#: stands for a part that is not known
HOLE = "…"


def matches(pattern: str, text: str) -> bool | None:
    """Whether a regular expression is found in a text with holes, or None where what is in the holes decides."""
    head = text.partition(HOLE)[0]
    if re.search(pattern, text) and (head or not pattern.startswith("^")):
        return True
    # the scheme of an address says what kind it is, whatever comes behind
    if "://" in head and pattern.startswith("^") and not re.search(pattern, f"{head}x"):
        return False
    return None


def may_be(text: str, option: object) -> bool:
    """Whether a text with holes can be `option`."""
    known = (re.escape(part) for part in text.split(HOLE))
    return isinstance(option, str) and re.fullmatch(".*".join(known), option, re.DOTALL) is not None
