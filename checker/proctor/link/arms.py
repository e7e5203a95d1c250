"""Arms of conditions that no caller chooses: a test of a parameter that every caller answers the same way.

What the callers pass is collected per unit and phase while contexts spread, and only grows: an arm that is dead so far may
come alive, and then the unit is followed again. Only literals count, and parameters that hand one on; a unit that
anything but a plain call runs may be given anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice, takewhile
from typing import TypeAlias

from proctor.link.passed import given, is_open
from proctor.model.fact import (
    Bind,
    Call,
    Const,
    Event,
    Expr,
    FileFacts,
    Jump,
    Name,
    Op,
    Raise,
    Return,
    Seq,
    Unit,
)
from proctor.model.program import Context, UnitKey
from proctor.model.words import Phase

#: what one call passes for the tracked parameters of a unit, in their order: literals, None for anything
_Passed: TypeAlias = "tuple[Const | None, ...]"
_Key: TypeAlias = "tuple[UnitKey, Phase]"

#: ways to be called that are kept apart; beyond, anything may be passed
_MOST = 8
_BOTH = frozenset((True, False))
_YES = frozenset((True,))
_NOTHING: Mapping[Expr, bool] = {}
_COMPARED: dict[str, Callable[[object, object], bool]] = {
    "==": lambda a, b: a == b,
    "is": lambda a, b: type(a) is type(b) and a == b,
    "!=": lambda a, b: a != b,
    "is not": lambda a, b: type(a) is not type(b) or a != b,
}


class Arms:
    """What is passed to the units of one program, and the events that they do not come to for it."""

    def __init__(
        self, files: Mapping[str, FileFacts], answered: Callable[[UnitKey], Mapping[Expr, bool]] | None = None
    ) -> None:
        self.files = files
        #: what the launch command answers
        self._answered = answered
        self._told: dict[UnitKey, Mapping[Expr, bool]] = {}
        self._ways: dict[_Key, frozenset[_Passed]] = {}
        self._tracked: dict[UnitKey, tuple[int, ...]] = {}
        self._dead: dict[tuple[UnitKey, _Passed], frozenset[int]] = {}

    def reset(self) -> None:
        """Forget what was passed."""
        self._ways.clear()
        self._told.clear()
        self._dead.clear()

    def open(self, target: UnitKey, phase: Phase) -> bool:
        """Something runs `target` with nobody knows what; True where that is new."""
        return self._take((target, phase), [(None,) * len(self._tracked_of(target))])

    def call(self, source: Context, target: UnitKey, phase: Phase, calls: Mapping[int, int | None]) -> bool:
        """A unit runs `target` by these calls (event -> how many parameters are filled before the first argument; None
        where that is no plain call); True where that passes anything new."""
        if not self._tracked_of(target):
            return False
        grown = False
        for number, offset in calls.items():
            call = self._unit(source.unit).events[number] if number >= 0 else None
            if offset is None or not isinstance(call, Call):
                grown = self.open(target, phase) or grown
            else:
                ways = self._ways.get((source.unit, source.phase)) or [()]
                passed = [
                    self._passed(source.unit, way, target, call, offset)
                    for way in ways
                    if number not in self._dead_events(source.unit, way)
                ]
                grown = self._take((target, phase), passed) or grown
        return grown

    def runs_event(self, context: Context, event: int) -> bool:
        """Whether what is passed lets a unit get to one of its events (-1: no event stands for it)."""
        ways = self._ways.get((context.unit, context.phase))
        if event < 0:
            return True
        if not ways:
            return self._answered is None or event not in self._dead_events(context.unit, ())
        return any(event not in self._dead_events(context.unit, way) for way in ways)

    def _unit(self, key: UnitKey) -> Unit:
        return self.files[key.path].units[key.number]

    def _take(self, key: _Key, passed: Iterable[_Passed]) -> bool:
        known = self._ways.get(key, frozenset())
        ways = known.union(passed)
        anything = (None,) * len(self._tracked_of(key[0]))
        if len(ways) > _MOST or anything in ways:
            ways = frozenset((anything,))
        self._ways[key] = ways
        return bool(anything) and ways != known

    def _passed(self, source: UnitKey, way: _Passed, target: UnitKey, call: Call, offset: int) -> _Passed:
        params = self._unit(target).params
        found: list[Const | None] = []
        for number in self._tracked_of(target):
            param = params[number]
            expr = given(call, param.name, number - offset if param.kind == "positional" else None)
            literal = self._literal(source, way, expr)
            if expr is None and not is_open(call) and isinstance(param.default, Const):
                literal = param.default
            found.append(literal)
        return tuple(found)

    def _literal(self, source: UnitKey, way: _Passed, expr: Expr | None) -> Const | None:
        if isinstance(expr, Name):
            params = self._unit(source).params
            names = [params[number].name for number in self._tracked_of(source)]
            return dict(zip(names, way, strict=False)).get(expr.id)
        return expr if isinstance(expr, Const) else None

    # --- which parameters and blocks ---------------------------------------------------------------------

    def _tracked_of(self, key: UnitKey) -> tuple[int, ...]:
        """The parameters that a condition asks or a call hands on, and that the unit never sets itself."""
        known = self._tracked.get(key)
        if known is None:
            known = self._tracked[key] = tuple(self._find_tracked(key))
        return known

    def _find_tracked(self, key: UnitKey) -> Iterator[int]:
        unit = self._unit(key)
        if unit.kind != "function" or not unit.params or not all(map(_is_plain, unit.decorators)):
            return
        asked = set(_names(block.test for block in unit.blocks if block.kind == "if"))
        asked.update(_handed_on(unit.events))
        if not asked:
            return
        changed = {event.name for event in unit.events if isinstance(event, Bind)}
        after = islice(self.files[key.path].units, unit.index + 1, None)
        for inner in takewhile(lambda each: each.line <= unit.end_line, after):
            changed.update(inner.nonlocals)
        for number, param in enumerate(unit.params):
            if param.kind in ("positional", "keyword") and param.name in asked and param.name not in changed:
                yield number

    def _dead_events(self, key: UnitKey, way: _Passed) -> frozenset[int]:
        told = self._told_of(key) if self._answered is not None else _NOTHING
        if not told and not any(way):
            return frozenset()
        known = self._dead.get((key, way))
        if known is None:
            unit = self._unit(key)
            names = (unit.params[number].name for number in self._tracked_of(key))
            # no way in at all is known: nothing of what is passed is, either
            values = {name: const for name, const in zip(names, way, strict=False) if const is not None}
            known = self._dead[(key, way)] = frozenset(dead_events(unit, values, told))
        return known

    def _told_of(self, key: UnitKey) -> Mapping[Expr, bool]:
        told = self._told.get(key)
        if told is None:
            told = self._told[key] = self._answered(key) if self._answered is not None else _NOTHING
        return told


def _is_plain(decorator: Expr) -> bool:
    """Whether a decorated function is given what its callers write: others may put arguments in front, or change them."""
    return isinstance(decorator, Name) and decorator.id in ("staticmethod", "classmethod")


def dead_events(
    unit: Unit, values: Mapping[str, Const], told: Mapping[Expr, bool] = _NOTHING
) -> Iterator[int]:
    """The events that are not come to with these values of parameters, and these answers to conditions."""
    arms = _arms(unit, values, told)
    if True not in arms.values() and False not in arms.values():
        return
    ended: set[int] = set()
    for number, event in enumerate(unit.events):
        block = event.block
        while block and arms.get(block) is not False and block not in ended:
            block = unit.blocks[block].parent
        if arms.get(block) is False or block in ended:
            yield number
        elif isinstance(event, Return | Raise | Jump):
            # what stands behind is left out, also behind an arm that is certainly taken
            block = event.block
            ended.add(block)
            while arms.get(block):
                block = unit.blocks[block].parent
                ended.add(block)


def _arms(unit: Unit, values: Mapping[str, Const], told: Mapping[Expr, bool]) -> dict[int, bool]:
    """Arms of conditions that are certainly taken, or certainly not, once the condition is come to."""
    arms: dict[int, bool] = {}
    answers: dict[int, frozenset[bool]] = {}
    for number, block in enumerate(unit.blocks):
        if block.kind == "if" and block.group:
            answer = answers[block.group] = _answers(block.test, values, told)
            if len(answer) == 1:
                arms[number] = True in answer
        elif block.kind == "case" and told:
            fits = told.get(block.test) if block.test is not None else None
            if answers.get(block.group) == _YES or fits is False:
                arms[number] = False
            elif fits:
                arms[number], answers[block.group] = True, _YES
        elif block.kind == "else" and len(answers.get(block.group, _BOTH)) == 1:
            arms[number] = False in answers[block.group]
    return arms


def _answers(test: Expr | None, values: Mapping[str, Const], told: Mapping[Expr, bool]) -> frozenset[bool]:
    """How a condition may turn out."""
    if isinstance(test, Name) and test.id in values:
        return frozenset((bool(values[test.id].value),))
    if not isinstance(test, Op):
        return _BOTH
    if told and test in told:
        return frozenset((told[test],))
    if test.name == "not":
        return frozenset(not each for each in _answers(test.operands[0], values, told))
    if test.name in ("and", "or"):
        parts = [_answers(each, values, told) for each in test.operands]
        decides = test.name == "or"
        found = {decides} if any(decides in part for part in parts) else set()
        if all((not decides) in part for part in parts):
            found.add(not decides)
        return frozenset(found)
    if len(test.operands) != 2:
        return _BOTH
    return _compared(test.name, *test.operands, values)


def _compared(name: str, left: Expr, right: Expr, values: Mapping[str, Const]) -> frozenset[bool]:
    if not isinstance(left, Name) or left.id not in values:
        return _BOTH
    value = values[left.id].value
    compare = _COMPARED.get(name)
    if compare is not None and isinstance(right, Const):
        return frozenset((compare(value, right.value),))
    if name in ("in", "not in") and isinstance(right, Seq):
        items = [each.value for each in right.items if isinstance(each, Const)]
        if len(items) == len(right.items):
            return frozenset(((value in items) == (name == "in"),))
    return _BOTH


def asked_defaults(unit: Unit) -> dict[str, Const]:
    """The parameters that a condition asks and that have a literal default, which the unit never sets itself."""
    asked = set(_names(block.test for block in unit.blocks if block.kind == "if"))
    set_here = {event.name for event in unit.events if isinstance(event, Bind)} if asked else frozenset()
    return {
        param.name: param.default
        for param in unit.params
        if param.name in asked and isinstance(param.default, Const) and param.name not in set_here
    }


def _names(tests: Iterable[Expr | None]) -> Iterator[str]:
    for test in tests:
        if isinstance(test, Name):
            yield test.id
        elif isinstance(test, Op):
            yield from _names(test.operands)


def _handed_on(events: Iterable[Event]) -> Iterator[str]:
    for event in events:
        if isinstance(event, Call):
            yield from (arg.id for arg in event.args if isinstance(arg, Name))
            yield from (value.id for _, value in event.keywords if isinstance(value, Name))
