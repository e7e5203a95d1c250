"""How often a loop of the shell goes round, where its text says so."""

from __future__ import annotations

import re

from proctor.resolve.shell import Loop, Simple
from proctor.resolve.situation import Situation, is_known

_BRACES = re.compile(r"\{(\d+)\.\.(\d+)\}")
_SEQUENCE = re.compile(r"(?:\$\(|`)\s*seq\s+(?:(\d+)\s+)?(\d+)\s*[)`]")
_COUNTED = re.compile(r"\(\(\s*(\w+)\s*=\s*(\d+)\s*;\s*\1\s*(<=?)\s*(\d+)\s*;\s*(?:\1\+\+|\+\+\1)\s*\)\)")
_VARIABLE = re.compile(r"\$\{?(\w+)\}?")


def rounds(loop: Loop, situation: Situation) -> str:
    """The number of rounds as a text, "" where it is not known."""
    if loop.kind == "for":
        counts = [_of_word(situation.expand(word.text)) for word in loop.words]
        found = None if None in counts else sum(filter(None, counts))
    else:
        found = _of_condition(loop, situation)
    return str(found) if found else ""


def _of_word(text: str) -> int | None:
    """What one word of a `for` comes to."""
    between = _BRACES.fullmatch(text)
    if between:
        return abs(int(between[2]) - int(between[1])) + 1
    sequence = _SEQUENCE.fullmatch(text)
    if sequence:
        return max(int(sequence[2]) - int(sequence[1] or 1) + 1, 0)
    counted = _COUNTED.fullmatch(text)
    if counted:
        return max(int(counted[4]) - int(counted[2]) + (counted[3] == "<="), 0)
    # of a pattern of file names it is not known how many there are
    return 1 if is_known(text) and not set(text) & set("*?[({") else None


def _of_condition(loop: Loop, situation: Situation) -> int | None:
    """`while [ $i -lt 4 ]`"""
    if len(loop.condition) != 1 or not isinstance(loop.condition[0].node, Simple):
        return None
    words = [word.text for word in loop.condition[0].node.words]
    if len(words) != 5 or words[0] not in ("[", "[[") or loop.kind != "while":
        return None
    variable = _VARIABLE.fullmatch(words[1])
    start = situation.variables.get(variable[1], "") if variable else ""
    if not (start.isdigit() and words[3].isdigit() and words[2] in ("-lt", "-le")):
        return None
    return max(int(words[3]) - int(start) + (words[2] == "-le"), 0)
