"""Arguments of calls, and the conditions that model rows put on them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.link.values import Evaluator
from proctor.model.fact import Call, Const, Expr, Star
from proctor.model.program import FromEnv, Known, LibObj, LibRef
from proctor.model.rule import ArgumentTest


def given(call: Call, name: str, position: int | None) -> Expr | None:
    """The expression passed for an argument by keyword or position; None where it is absent or hidden in `*args`."""
    if name:
        for keyword, value in call.keywords:
            if keyword == name:
                return value
    if position is not None and 0 <= position < len(call.args):
        if any(isinstance(arg, Star) for arg in call.args[: position + 1]):
            return None
        return call.args[position]
    return None


def is_open(call: Call) -> bool:
    """Whether `*args` or `**kwargs` may hide an argument."""
    return any(not keyword for keyword, _ in call.keywords) or any(isinstance(arg, Star) for arg in call.args)


class Conditions:
    """Tests `where` conditions of rows: True, False, or a text that says why it cannot be known."""

    def __init__(self, world: World, evaluator: Evaluator) -> None:
        self.world = world
        self.evaluator = evaluator

    def hold(self, tests: Iterable[ArgumentTest], call: Call | None, scope: Scope) -> bool | str:
        """All tests together; one that fails decides, else one that cannot be known makes all unsure."""
        unsure = ""
        for test in tests:
            result = self.holds(test, call, scope)
            if result is False:
                return False
            if isinstance(result, str):
                unsure = unsure or result
        return unsure or True

    def holds(self, test: ArgumentTest, call: Call | None, scope: Scope) -> bool | str:
        """One test."""
        expr = given(call, test.argument, test.position) if call is not None else None
        hidden = call is not None and expr is None and is_open(call)
        label = test.argument or f"argument {test.position}"
        if test.present is not None:
            if hidden:
                return f"`{label}` may be hidden in `*` or `**`"
            absent = expr is None or expr == Const(None)
            if absent == test.present:
                return False
            if not (test.equals or test.differs or test.matches or test.type):
                return True
        if test.type:
            return self._is_type(test.type, expr, scope)
        if expr is None:
            if hidden:
                return f"`{label}` may be hidden in `*` or `**`"
            if test.default is msgspec.UNSET:
                return not test.equals and not test.matches
            return self._fits(test, test.default)
        value = self.evaluator.evaluate(expr, scope)
        if isinstance(value, Known):
            return self._fits(test, value.value)
        if isinstance(value, FromEnv):
            return f"env:{value.variable}"
        return f"the value of `{label}` is not known"

    def _is_type(self, wanted: str, expr: Expr | None, scope: Scope) -> bool | str:
        if expr is None:
            return False
        refs = self.world.resolve(expr, scope)
        rows = self.world.rows
        names = [
            ref.type if isinstance(ref, LibObj) else ref.symbol
            for ref in refs
            if isinstance(ref, LibObj | LibRef)
        ]
        if any(rows.canonical(wanted) in rows.ancestors(name) for name in names):
            return True
        return False if refs else "the type of an argument is not known"

    def _fits(self, test: ArgumentTest, value: object) -> bool:
        if test.equals and not any(_same(value, option) for option in test.equals):
            return False
        if test.differs and any(_same(value, option) for option in test.differs):
            return False
        return not test.matches or (isinstance(value, str) and re.search(test.matches, value) is not None)


def _same(value: object, option: object) -> bool:
    return value == option and isinstance(value, bool) == isinstance(option, bool)
