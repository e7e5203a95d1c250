"""Path question about records that are marked as taken before the work, and that nothing looks for again."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from proctor.judge.deeds import Deeds
from proctor.judge.expressions import subexpressions
from proctor.judge.path_words import Answer, PathQuestion
from proctor.model.fact import Call, Const, Expr, Name, SetAttr, Unit
from proctor.model.place import Place
from proctor.model.program import UnitKey

#: how many units of a program's loops are looked at, so that their calls can be followed by plain recursion
_MOST_UNITS = 300
#: `SET state = 'running'` in the text of a statement
_SETS = re.compile(r"(?i)\bset\b.*?\b(\w+)\s*=\s*'([\w -]+)'", re.DOTALL)


class ClaimQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A main loop marks a record with a text that the code mentions nowhere else, and with another one when the work is
    done: whoever dies in between leaves the mark for ever."""


class _Mark(NamedTuple):
    unit: UnitKey
    number: int
    place: Place
    field: str
    value: str


def answers(question: ClaimQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each such mark, the first of its field."""
    marks = list(_in_loops(deeds))
    fields = {mark.field for mark in marks}
    for field in sorted(fields):
        own = [mark for mark in marks if mark.field == field]
        if len({mark.value for mark in own}) < 2:
            continue
        # the first of them is the claim: those that follow say how it ended
        claim = own[0]
        if _saves(deeds, claim) and not _is_looked_for(deeds, claim):
            context = deeds.contexts[claim.unit][0]
            names = {"unit": deeds.program.symbol(claim.unit), "symbol": claim.field, "value": claim.value}
            yield Answer(context, claim.place, names, (), f"marks it as `{claim.value}`", claim.field)


def _in_loops(deeds: Deeds) -> Iterator[_Mark]:
    """The marks that main loops set, in the order in which they come to them."""
    seen: set[UnitKey] = set()
    for key in deeds.contexts:
        if deeds.program.main_loops(key):
            yield from _from(deeds, key, seen)


def _from(deeds: Deeds, key: UnitKey, seen: set[UnitKey]) -> Iterator[_Mark]:
    if key in seen or key not in deeds.contexts or len(seen) > _MOST_UNITS:
        return
    seen.add(key)
    for number in range(len(deeds.program.unit(key).events)):
        for target in deeds.program.targets(key, number):
            yield from _from(deeds, target, seen)
        yield from _marks(deeds, key, number)


def _marks(deeds: Deeds, key: UnitKey, number: int) -> Iterator[_Mark]:
    event = deeds.program.unit(key).events[number]
    place = deeds.program.place(key, event)
    if isinstance(event, SetAttr) and event.obj != Name("self") and _text(event.value):
        yield _Mark(key, number, place, event.name, _text(event.value))
    elif isinstance(event, Call):
        for name, value in event.keywords:
            if _text(value) and _updates(event):
                yield _Mark(key, number, place, name, _text(value))
        for text in _texts(event):
            found = _SETS.search(text)
            if found:
                yield _Mark(key, number, place, found[1], found[2])


def _text(value: Expr | None) -> str:
    return value.value if isinstance(value, Const) and isinstance(value.value, str) else ""


def _updates(call: Call) -> bool:
    return getattr(call.func, "name", "") in ("update", "values")


def _texts(call: Call) -> Iterator[str]:
    for value in call.args:
        for part in subexpressions(value):
            if isinstance(part, Const) and isinstance(part.value, str):
                yield part.value


def _saves(deeds: Deeds, mark: _Mark) -> bool:
    """Whether the unit writes what it marks to the database."""
    return any(
        hit.effect in ("saves-record", "commits", "database") and hit.event >= mark.number
        for hit in deeds.own(mark.unit)
    )


def _is_looked_for(deeds: Deeds, claim: _Mark) -> bool:
    """Whether the text of a mark is mentioned anywhere but where it is set."""
    for facts in deeds.program.files.values():
        for unit in facts.units:
            for expr in _expressions(unit):
                for part in subexpressions(expr):
                    if (
                        isinstance(part, Const)
                        and isinstance(part.value, str)
                        and _mentions(part.value, claim)
                    ):
                        return True
    return False


def _mentions(text: str, claim: _Mark) -> bool:
    if text == claim.value:
        return True
    found = f"'{claim.value}'" in text
    setting = _SETS.search(text)
    return found and not (setting and setting[2] == claim.value and text.count(f"'{claim.value}'") == 1)


def _expressions(unit: Unit) -> Iterator[Expr | None]:
    """All that a unit's code mentions, but for what it assigns to attributes."""
    for block in unit.blocks:
        yield block.test
    for event in unit.events:
        if isinstance(event, Call):
            yield from event.args
            yield from (value for _, value in event.keywords if not _updates(event))
        elif not isinstance(event, SetAttr):
            yield getattr(event, "value", None)
            yield getattr(event, "index", None)
