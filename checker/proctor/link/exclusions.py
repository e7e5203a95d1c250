"""Names that a computed list leaves out (`[name for name in found if name not in DISABLED]`)."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.link.values import Evaluator
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Comp,
    Expr,
    Import,
    Item,
    Jump,
    Name,
    Op,
    Result,
    Return,
    Text,
)
from proctor.model.program import FromEnv, Known, UnitKey, UnitRef, Value

_MAX_DEPTH = 8


class Exclusions:
    """What is left out of lists, under one environment."""

    def __init__(self, world: World, evaluator: Evaluator) -> None:
        self.world = world
        self.evaluator = evaluator

    def of(self, expr: Expr, scope: Scope, block: int) -> dict[str, str]:
        """The texts that `expr`, used in a block, does not stand for, each with the environment variable that says so
        ("" where the code alone does)."""
        found: dict[str, str] = {}
        seen: set[tuple[UnitKey, Expr]] = set()
        for test, home in (*self._around(expr, scope, block), *self._tests(expr, scope, seen, 0)):
            for text, variable in self._texts(test, home).items():
                if found.get(text) != "":
                    found[text] = variable
        return found

    def _around(self, expr: Expr, scope: Scope, block: int) -> Iterator[tuple[Expr, Scope]]:
        """Containers that conditions around the use, or ones that go on with the next item before it, ask."""
        blocks = scope.unit.blocks
        names = set(_names(expr))
        inside: set[int] = set()
        while block:
            inside.add(block)
            asked = _asked(blocks[block].test, "not in", names) if blocks[block].kind == "if" else None
            if asked is not None:
                yield asked, scope
            block = blocks[block].parent
        for event in scope.unit.events:
            arm = blocks[event.block]
            if isinstance(event, Jump) and event.kind == "continue" and arm.parent in inside:
                asked = _asked(arm.test, "in", names) if arm.kind == "if" else None
                if asked is not None:
                    yield asked, scope

    def _tests(
        self, expr: Expr | None, scope: Scope, seen: set[tuple[UnitKey, Expr]], depth: int
    ) -> Iterator[tuple[Expr, Scope]]:
        """Containers that the comprehensions ask which an expression comes from."""
        if expr is None or depth > _MAX_DEPTH or (scope.key, expr) in seen:
            return
        seen.add((scope.key, expr))
        for inner, home in self._origins(expr, scope):
            yield from self._tests(inner, home, seen, depth + 1)
        if isinstance(expr, Comp):
            names = set(_names(expr.element))
            for test in expr.tests:
                for part in test.operands if isinstance(test, Op) and test.name == "and" else (test,):
                    asked = _asked(part, "not in", names)
                    if asked is not None:
                        yield asked, scope

    def _origins(self, expr: Expr, scope: Scope) -> Iterator[tuple[Expr | None, Scope]]:
        """What an expression is made of: its parts, what its names are bound to, what a function of the app returns."""
        if isinstance(expr, Text):
            yield from ((part, scope) for part in expr.parts)
        elif isinstance(expr, Op):
            yield from ((part, scope) for part in expr.operands)
        elif isinstance(expr, Attr | Item):
            yield expr.value, scope
        elif isinstance(expr, Comp):
            yield expr.element, scope
        elif isinstance(expr, Name):
            yield from self._bound(expr, scope)
        elif isinstance(expr, Result):
            call = scope.unit.events[expr.event]
            if isinstance(call, Call):
                yield from ((arg, scope) for arg in call.args)
                for ref in self.world.resolve(call.func, scope):
                    if isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "function":
                        inner = self.world.scope(UnitKey(ref.path, ref.number))
                        returns = (event for event in inner.unit.events if isinstance(event, Return))
                        yield from ((event.value, inner) for event in returns)

    def _bound(self, name: Name, scope: Scope) -> Iterator[tuple[Expr | None, Scope]]:
        for binding in self.world.lookup(name.id, scope):
            event = binding.event
            if isinstance(event, Bind):
                yield event.value, binding.scope
            elif isinstance(event, Import) and event.name:
                path, _ = self.world.import_target(binding.scope.module, event)
                module = self.world.module(path) if path and not path.endswith("/") else None
                if module is not None:
                    yield Name(event.name), module.scopes[0]

    def _texts(self, container: Expr, scope: Scope) -> dict[str, str]:
        whole = self.evaluator.evaluate(container, scope)
        if isinstance(whole, Known):
            return dict.fromkeys(_listed(whole), "")
        found: dict[str, str] = {}
        for value in self._values(container, scope, 0):
            variable, inner = "", value
            while isinstance(inner, FromEnv):
                variable, inner = inner.variable, inner.fallback or Known([])
            if not variable and isinstance(whole, FromEnv):
                variable = whole.variable
            found.update(dict.fromkeys(_listed(inner), variable) if variable else {})
        return found

    def _values(self, expr: Expr, scope: Scope, depth: int) -> Iterator[Value]:
        """The values that a name is given in any arm of the code."""
        yield self.evaluator.evaluate(expr, scope)
        if isinstance(expr, Name) and depth <= _MAX_DEPTH:
            for inner, home in self._bound(expr, scope):
                if inner is not None:
                    yield from self._values(inner, home, depth + 1)


def _names(expr: Expr) -> Iterator[str]:
    if isinstance(expr, Name):
        yield expr.id
    elif isinstance(expr, Text | Op):
        for part in expr.parts if isinstance(expr, Text) else expr.operands:
            yield from _names(part)
    elif isinstance(expr, Attr | Item):
        yield from _names(expr.value)


def _asked(test: Expr | None, how: str, names: set[str]) -> Expr | None:
    """The container in which a condition looks for one of the names."""
    if isinstance(test, Op) and test.name == how and len(test.operands) == 2:
        return test.operands[1] if names.intersection(_names(test.operands[0])) else None
    return None


def _listed(value: Value) -> list[str]:
    items = value.value if isinstance(value, Known) and isinstance(value.value, list) else []
    plain = [item.value if isinstance(item, Known) else item for item in items]
    return [item for item in plain if isinstance(item, str)]
