"""Arguments of calls, and the conditions that model rows put on them."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from proctor.link.arithmetic import each_below
from proctor.link.names import World
from proctor.link.passed import given, is_open
from proctor.link.scopes import Scope
from proctor.link.values import Evaluator
from proctor.model.fact import Call, Const, Expr, Seq
from proctor.model.partial import matches, may_be
from proctor.model.program import FromEnv, Known, LibObj, LibRef, Value
from proctor.model.rule import ArgumentTest


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
        label = test.argument or f"argument {test.position}"
        hidden = (
            f"`{label}` may be hidden in `*` or `**`"
            if call is not None and expr is None and is_open(call)
            else ""
        )
        if test.key:
            return self._holds_in(test, expr, scope, hidden, f"{label}[{test.key}]")
        if test.below:
            return hidden or self._holds_below(test, expr, scope, label)
        if test.present is not None:
            if hidden:
                return hidden
            absent = expr is None or expr == Const(None)
            if absent == test.present:
                return False
            if not (test.equals or test.differs or test.matches or test.unlike or test.type or test.not_type):
                return True
        if test.type:
            return self._is_type(test.type, expr, scope)
        if test.not_type:
            return any(
                all(self._is_type(name, item, scope) is not True for name in test.not_type)
                for item in (expr.items if isinstance(expr, Seq) and expr.items else (expr,))
            )
        if expr is None:
            return hidden or self._without(test)
        return self._tested(test, self.evaluator.evaluate(expr, scope), label)

    def _holds_in(
        self, test: ArgumentTest, expr: Expr | None, scope: Scope, hidden: str, label: str
    ) -> bool | str:
        """The test of one item of a mapping that is passed."""
        if expr is None:
            return hidden or (not test.present if test.present is not None else self._without(test))
        mapping = self.evaluator.evaluate(expr, scope)
        if not isinstance(mapping, Known) or not isinstance(mapping.value, dict):
            return f"the value of `{label}` is not known"
        value = mapping.value.get(test.key)
        if test.present is not None:
            if (value is None) == test.present:
                return False
            if not (test.equals or test.differs or test.matches or test.unlike):
                return True
        if value is None:
            return self._without(test)
        return self._tested(test, value, label)

    def _holds_below(self, test: ArgumentTest, expr: Expr | None, scope: Scope, label: str) -> bool | str:
        """The test of what is nested in a mapping that is passed: one of them must fit."""
        mapping = self.evaluator.evaluate(expr, scope) if expr is not None else None
        if not isinstance(mapping, Known) or not isinstance(mapping.value, dict):
            return False if mapping is None else f"the value of `{label}` is not known"
        found = [self._tested(test, value, label) for _, value in each_below(mapping, test.below)]
        return any(each is True for each in found) or next((each for each in found if each), False)

    def _without(self, test: ArgumentTest) -> bool:
        if test.default is msgspec.UNSET:
            return not test.equals and not test.matches
        return self._fits(test, test.default)

    def _tested(self, test: ArgumentTest, value: Value, label: str) -> bool | str:
        if isinstance(value, Known):
            return self._fits(test, value.value)
        if isinstance(value, FromEnv) and isinstance(value.fallback, Known):
            return self._from_environment(test, value)
        fits = self._fits_partly(test, value.text) if value.text else None
        if fits is not None:
            return fits
        if isinstance(value, FromEnv):
            return self._from_environment(test, value)
        return f"the value of `{label}` is not known"

    def _from_environment(self, test: ArgumentTest, value: FromEnv) -> bool | str:
        """What the environment decides is in question only where the code's own fallback passes the test."""
        fallback = value.fallback
        while isinstance(fallback, FromEnv):
            fallback = fallback.fallback
        if fallback is None or (isinstance(fallback, Known) and not self._fits(test, fallback.value)):
            return False
        return f"env:{value.variable}"

    def _is_type(self, wanted: str, expr: Expr | None, scope: Scope) -> bool | str:
        if expr is None:
            return False
        if isinstance(expr, Seq):  # any of several (`@receiver([post_save, post_delete])`)
            found = [self._is_type(wanted, item, scope) for item in expr.items]
            return next((each for each in found if each is True), found[0] if found else False)
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
        if test.unlike and isinstance(value, str) and re.search(test.unlike, value):
            return False
        return not test.matches or (isinstance(value, str) and re.search(test.matches, value) is not None)

    def _fits_partly(self, test: ArgumentTest, text: str) -> bool | None:
        """The test of a text with holes; None where what is in them decides."""
        if test.equals:
            return None if any(may_be(text, option) for option in test.equals) else False
        if test.unlike and matches(test.unlike, text):
            return False
        if any(may_be(text, option) for option in test.differs):
            return None
        return matches(test.matches, text) if test.matches else True


def _same(value: object, option: object) -> bool:
    return value == option and isinstance(value, bool) == isinstance(option, bool)
