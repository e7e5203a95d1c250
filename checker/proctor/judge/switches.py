"""Blocks of a function that a call leaves out, since the call gives a parameter a constant that the block's test asks for."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.judge.deeds import Deeds
from proctor.model.fact import Bind, Call, Const, Expr, Name, Op, Star, Unit
from proctor.model.program import UnitKey


def left_out(deeds: Deeds, source: UnitKey, node: int, key: UnitKey) -> frozenset[int]:
    """The blocks of `key` that do not run where `source` calls it at `node`."""
    unit = deeds.program.unit(key)
    if not any(block.kind == "if" for block in unit.blocks):
        return frozenset()
    events = deeds.program.unit(source).events
    call = events[node] if node < len(events) else None
    if not isinstance(call, Call):
        return frozenset()
    values = _constants(unit, call, deeds.program.unit(UnitKey(key.path, unit.parent)).kind == "class")
    return _dead(unit, values) if values else frozenset()


def _constants(unit: Unit, call: Call, is_method: bool) -> Mapping[str, Const]:
    """The parameters of which a call (or their default) says the value, unless the function sets them anew."""
    if any(isinstance(arg, Star) for arg in call.args) or any(not name for name, _ in call.keywords):
        return {}
    given = dict(call.keywords)
    params = unit.params[1:] if is_method else unit.params
    positional = [param.name for param in params if param.kind == "positional"]
    given.update(zip(positional, call.args, strict=False))
    anew = {event.name for event in unit.events if isinstance(event, Bind)}
    found: dict[str, Const] = {}
    for param in params:
        value = given.get(param.name, param.default)
        if isinstance(value, Const) and param.name not in anew and param.kind not in ("args", "kwargs"):
            found[param.name] = value
    return found


def _dead(unit: Unit, values: Mapping[str, Const]) -> frozenset[int]:
    dead: set[int] = set()
    #: group of arms -> whether one of those before is certainly taken
    taken: dict[int, bool] = {}
    for number, block in enumerate(unit.blocks):
        if number and block.parent in dead:
            dead.add(number)
        elif block.kind == "if":
            result = _holds(block.test, values)
            if result is False or taken.get(block.group, False):
                dead.add(number)
            taken[block.group] = taken.get(block.group, False) or result is True
        elif block.kind == "else" and taken.get(block.group, False):
            dead.add(number)
    return frozenset(dead)


def _holds(test: Expr | None, values: Mapping[str, Const]) -> bool | None:
    """Whether a condition holds, as far as the constants say."""
    if isinstance(test, Name):
        return bool(values[test.id].value) if test.id in values else None
    if not isinstance(test, Op):
        return None
    if test.name == "not":
        result = _holds(test.operands[0], values)
        return None if result is None else not result
    if test.name in ("and", "or"):
        results = [_holds(operand, values) for operand in test.operands]
        decisive = test.name == "or"
        if decisive in results:
            return decisive
        return None if None in results else not decisive
    return _compared(test, values)


def _compared(test: Op, values: Mapping[str, Const]) -> bool | None:
    if test.name not in ("is", "is not", "==", "!=") or len(test.operands) != 2:
        return None
    sides = [values.get(side.id) if isinstance(side, Name) else side for side in test.operands]
    left, right = sides
    if not isinstance(left, Const) or not isinstance(right, Const):
        return None
    return (left.value == right.value) == (test.name in ("is", "=="))
