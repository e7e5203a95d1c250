"""What value an expression has, as far as code and environment decide it.

Module bodies are read as straight-line programs: assignments, updates of dicts and lists, star imports and
conditions in order. What the environment decides stays a `FromEnv` that names the variable.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from proctor.link.arithmetic import (
    Names,
    add,
    cast,
    combine,
    either,
    filled,
    joined,
    lift,
    partly,
    plain,
    truthy,
    wrapped,
)
from proctor.link.bodies import BodyReader, is_main_test
from proctor.link.call_values import CallValues
from proctor.link.class_values import ClassValues
from proctor.link.command_line import unsaid
from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Choice,
    Comp,
    Const,
    Expr,
    Func,
    Item,
    Map,
    Name,
    Op,
    Result,
    Return,
    Seq,
    Star,
    Text,
)
from proctor.model.program import (
    FromEnv,
    Known,
    LibObj,
    LibRef,
    ModRef,
    ObjRef,
    Ref,
    UnitKey,
    UnitRef,
    Unknown,
    Value,
)
from proctor.model.rule import EnvironmentRow

_MAX_DEPTH = 24

_COMPARE: dict[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
    "is": operator.is_,
    "is not": operator.is_not,
    "in": lambda a, b: a in b,
    "not in": lambda a, b: a not in b,
}


class Evaluator:
    """Values under one environment. `setting` answers for settings objects (`settings.DEBUG`)."""

    def __init__(
        self,
        world: World,
        environment: Mapping[str, str],
        setting: Callable[[str, str], Value | None] | None = None,
        accessors: Mapping[str, str] | None = None,
    ) -> None:
        self.world = world
        self.environment = environment
        self.setting = setting
        self.accessors = accessors or {}
        self._modules: dict[str, Names] = {}
        #: (module, name) -> (variable, value) for what names become where the environment says so
        self.alternatives: dict[tuple[str, str], list[tuple[str, Value]]] = {}
        self._states: dict[UnitKey, tuple[str, ...]] = {}
        self._depth = 0
        self._memo: dict[tuple[UnitKey, Expr | None], Value] = {}
        #: units with conditions that asked for a setting, and whether the one being looked at did
        self._dependent: dict[UnitKey, None] = {}
        self._has_asked = False
        #: module bodies being read: their values so far
        self._stack: list[tuple[str, Names]] = []
        self._calls = CallValues(self)
        self.classes = ClassValues(self)
        self._dispatch: dict[type, Callable[..., Value]] = {
            Const: lambda expr, scope: Known(expr.value),
            Name: self._name,
            Attr: self._attr,
            Item: self._item,
            Result: self._calls.result,
            Op: self._op,
            Choice: self._choice,
            Text: self._text,
            Seq: self._seq,
            Map: self._map,
            Await: lambda expr, scope: self.evaluate(expr.value, scope),
            Comp: self._comprehension,
            Func: self._lambda,
        }

    def evaluate(self, expr: Expr | None, scope: Scope, names: Names | None = None) -> Value:
        """The value of `expr` in `scope`; `names` are the module's values so far, where its body is being read."""
        handler = self._dispatch.get(type(expr))
        if handler is None or self._depth > _MAX_DEPTH:
            return Unknown("it is computed")
        if names is not None:
            if isinstance(expr, Name) and expr.id in names:
                return names[expr.id][0]
            self._stack.append((scope.module.path, names))
            try:
                return self._computed(handler, expr, scope)
            finally:
                self._stack.pop()
        if self._stack or type(expr) is Const:
            return self._computed(handler, expr, scope)
        mark = (scope.key, expr)
        known = self._memo.get(mark)
        if known is None:
            self._memo[mark] = Unknown("it depends on itself")
            known = self._memo[mark] = self._computed(handler, expr, scope)
        return known

    def _computed(self, handler: Callable[..., Value], expr: Expr | None, scope: Scope) -> Value:
        self._depth += 1
        try:
            return handler(expr, scope)
        finally:
            self._depth -= 1

    def module_values(self, path: str) -> Names:
        """Name -> (value, where it was last set) for the body of a module of the tree."""
        known = self._modules.get(path)
        if known is not None:
            return known
        names: Names = {}
        self._modules[path] = names
        module = self.world.module(path)
        if module is not None and self._depth <= _MAX_DEPTH:
            self._depth += 1
            with self._calls.afresh():
                BodyReader(self, module, names).read()
            self._depth -= 1
        return names

    def _ask(self, system: str, key: str) -> Value | None:
        self._has_asked = True
        return self.setting(system, key) if self.setting is not None else None

    def refresh(self) -> tuple[UnitKey, ...]:
        """Forget what was computed; gives the units whose conditions ask for settings, which may be known by now."""
        self._modules.clear()
        self.alternatives.clear()
        self._memo.clear()
        asked = tuple(self._dependent)
        self._dependent.clear()
        for key in asked:
            self._states.pop(key, None)
        return asked

    def block_states(self, scope: Scope) -> tuple[str, ...]:
        """For each block of a unit "live", "dead", "main" or "env:VARIABLE" (inherited from its parents)."""
        states = self._states.get(scope.key)
        if states is None:
            self._states[scope.key] = ("live",) * len(scope.unit.blocks)
            before, self._has_asked = self._has_asked, False
            states = self._states[scope.key] = self._compute_states(scope)
            if self._has_asked:
                self._dependent[scope.key] = None
            self._has_asked = self._has_asked or before
        return states

    def _compute_states(self, scope: Scope) -> tuple[str, ...]:
        states: list[str] = []
        tests: dict[int, list[Expr | None]] = {}
        for number, block in enumerate(scope.unit.blocks):
            state = states[block.parent] if number and block.parent < number else "live"
            if block.kind in ("if", "else", "case") and state != "dead":
                if block.kind == "if":
                    tests.setdefault(block.group, []).append(block.test)
                    own = self.condition(block.test, scope)
                else:
                    own = (
                        self._else_state(tests.get(block.group, []), scope)
                        if block.kind == "else"
                        else "live"
                    )
                # what always holds leaves a block what it is inside another one
                state = own if own not in ("live", "always") else state
            states.append(state)
        return tuple(states)

    def _else_state(self, tests: list[Expr | None], scope: Scope) -> str:
        state = "live"
        for test in tests:
            own = self.condition(test, scope)
            if own == "always":
                return "dead"
            if own.startswith("env:"):
                state = own
        return state

    def condition(self, test: Expr | None, scope: Scope) -> str:
        """ "live", "dead", "always", "main" or "env:VARIABLE" for a condition."""
        if test is None or not _is_askable(test):
            return "live"
        if is_main_test(test):
            return "main"
        if isinstance(test, Name) and test.id == "TYPE_CHECKING":
            return "dead"
        if isinstance(test, Attr) and test.name == "TYPE_CHECKING":
            return "dead"
        value = lift(self.evaluate(test, scope), bool)
        if isinstance(value, Known):
            return "always" if value.value else "dead"
        if isinstance(value, FromEnv):
            return f"env:{value.variable}"
        return "live"

    def _name(self, expr: Name, scope: Scope) -> Value:
        for path, names in reversed(self._stack):
            if path == scope.module.path and expr.id in names:
                return names[expr.id][0]
        bound = self.world.lookup(expr.id, scope)
        if not bound:
            found = self.module_values(scope.module.path).get(expr.id) if scope.module.stars else None
            return found[0] if found else Unknown(f"`{expr.id}` is not known")
        home = bound[0].scope
        if home.unit.kind == "module":
            found = self.module_values(home.module.path).get(expr.id)
            return found[0] if found else Unknown(f"`{expr.id}` is not known")
        if any(binding.event is None for binding in bound):
            return self._parameter_value(bound[0].scope, bound[0].param)
        if len(bound) > 3:
            return Unknown(f"`{expr.id}` has several values")
        values = [
            self.evaluate(binding.event.value, binding.scope)
            for binding in bound
            if isinstance(binding.event, Bind) and binding.event.how in ("assign", "annotation", "walrus")
        ]
        if len(values) == 1 and len(bound) == 1:
            return values[0]
        return next(
            (value for value in values if isinstance(value, FromEnv)),
            Unknown(f"`{expr.id}` has several values"),
        )

    def _parameter_value(self, scope: Scope, number: int) -> Value:
        if number < 0:
            return Unknown("it is a parameter")
        refs = self.world.held((scope.key, number))
        if not refs:
            return Unknown(f"parameter `{scope.unit.params[number].name}` is not known")
        return Unknown(f"parameter `{scope.unit.params[number].name}` has several values")

    def _attr(self, expr: Attr, scope: Scope) -> Value:
        for ref in self.world.resolve(expr.value, scope):
            value = self._member_value(ref, expr.name)
            if value is not None:
                return value
        return Unknown(f"`{expr.name}` is not known")

    def _member_value(self, ref: Ref, name: str) -> Value | None:
        if isinstance(ref, ModRef):
            found = self.module_values(ref.path).get(name)
            return found[0] if found else None
        if isinstance(ref, LibRef | LibObj):
            symbol = ref.symbol if isinstance(ref, LibRef) else ref.type
            system = self.accessors.get(symbol)
            if system and self.setting:
                return self._ask(system, name)
            return None
        if isinstance(ref, ObjRef | UnitRef) and self.world.unit_kind(ref) == "class":
            return self.classes.value(UnitKey(ref.path, ref.number), name)
        return None

    def _item(self, expr: Item, scope: Scope) -> Value:
        for ref in self.world.resolve(expr.value, scope):
            symbol = ref.symbol if isinstance(ref, LibRef) else ref.type if isinstance(ref, LibObj) else ""
            row = self.world.rows.environment_items.get(symbol)
            if row is not None and isinstance(expr.index, Const):
                return self.variable(str(expr.index.value), row, None)
        setting = self.setting_item(expr.value, expr.index, scope)
        if setting is not None:
            return setting
        container, index = self.evaluate(expr.value, scope), self.evaluate(expr.index, scope)
        if isinstance(container, Known) and isinstance(index, Known):
            try:
                found = container.value[index.value]
            except (LookupError, TypeError):
                return Unknown("it is not among the known items")
            return found if isinstance(found, Known | FromEnv | Unknown) else Known(found)
        return container if isinstance(container, FromEnv) else Unknown("it is computed")

    def setting_item(self, holder: Expr, index: Expr, scope: Scope) -> Value | None:
        """What a settings object holds under a key (`app.config["KEY"]`), or None where it is none or has no such key."""
        if not isinstance(index, Const) or not isinstance(index.value, str) or self.setting is None:
            return None
        for ref in self.world.resolve(holder, scope):
            symbol = ref.symbol if isinstance(ref, LibRef) else ref.type if isinstance(ref, LibObj) else ""
            system = self.accessors.get(symbol)
            value = self._ask(system, index.value) if system else None
            if value is not None:
                return value
        return None

    def variable(self, name: str, row: EnvironmentRow, fallback: Value | None) -> Value:
        """An environment variable as this environment has it."""
        text = self.environment.get(name)
        if text is not None:
            return Known(cast(text, row.cast))
        return FromEnv(name, fallback)

    def _op(self, expr: Op, scope: Scope) -> Value:
        if expr.name in ("or", "and"):
            return self._logic(expr, scope)
        said = unsaid(expr, self.world, scope)
        if said is not None:
            return said
        if expr.name in ("in", "not in") and len(expr.operands) == 2:
            asked = self._is_set(expr.operands[0], expr.operands[1], scope)
            if asked is not None:
                return asked if expr.name == "in" else lift(asked, operator.not_)
        values = [self.evaluate(operand, scope) for operand in expr.operands]
        if expr.name == "not":
            return lift(values[0], operator.not_)
        if expr.name in ("+", "|") and len(values) == 2:
            return add(values[0], values[1])
        if expr.name in _COMPARE and len(values) == 2:
            return combine(_COMPARE[expr.name], values[0], values[1])
        if expr.name == "-" and len(values) == 1:
            return lift(values[0], operator.neg)
        if expr.name in ("*", "-", "/", "//") and len(values) == 2:
            function = {"*": operator.mul, "-": operator.sub, "/": operator.truediv, "//": operator.floordiv}[
                expr.name
            ]
            found = combine(function, values[0], values[1])
            return partly(found, joined(values)) if expr.name == "/" else found
        return self._calls.tinted(list(expr.operands), scope)

    def _is_set(self, name: Expr, holder: Expr, scope: Scope) -> Value | None:
        """`"NAME" in os.environ`, or None where the right side is not the environment."""
        for ref in self.world.resolve(holder, scope) if isinstance(name, Const) else ():
            symbol = ref.symbol if isinstance(ref, LibRef) else ref.type if isinstance(ref, LibObj) else ""
            if symbol in self.world.rows.environment_items and isinstance(name, Const):
                variable = str(name.value)
                return Known(True) if variable in self.environment else FromEnv(variable, Known(False))
        return None

    def _logic(self, expr: Op, scope: Scope) -> Value:
        value: Value = Unknown("it is computed")
        for number, operand in enumerate(expr.operands):
            current = self.evaluate(operand, scope)
            value = current if number == 0 else either(expr.name, value, current)
            if isinstance(value, Known) and bool(value.value) == (expr.name == "or"):
                return value
        return value

    def _choice(self, expr: Choice, scope: Scope) -> Value:
        test = lift(self.evaluate(expr.test, scope), bool)
        if isinstance(test, Known):
            return self.evaluate(expr.body if test.value else expr.orelse, scope)
        if isinstance(test, FromEnv):
            return FromEnv(test.variable, self._fallback_branch(test, expr, scope))
        body, orelse = self.evaluate(expr.body, scope), self.evaluate(expr.orelse, scope)
        for value in (body, orelse):
            if isinstance(value, FromEnv):
                return value
        return body if body == orelse else Unknown("it is computed")

    def _fallback_branch(self, test: FromEnv, expr: Choice, scope: Scope) -> Value:
        without = test.fallback
        if without is None or (isinstance(without, Known) and not without.value):
            return self.evaluate(expr.orelse, scope)
        if isinstance(without, Known):
            return self.evaluate(expr.body, scope)
        return Unknown("it is computed")

    def _comprehension(self, expr: Comp, scope: Scope) -> Value:
        """`[x for x in LIST if …]` is taken to keep every item that is true."""
        if not isinstance(expr.element, Name):
            return Unknown("it is computed")
        for event in scope.unit.events:
            if isinstance(event, Bind) and event.how == "comprehension" and event.name == expr.element.id:
                return truthy(self.evaluate(event.value, scope))
        return Unknown("it is computed")

    def _lambda(self, expr: Func, scope: Scope) -> Value:
        """What a lambda without parameters gives."""
        inner = scope.module.scopes[expr.unit]
        for event in inner.unit.events:
            if isinstance(event, Return):
                return self.evaluate(event.value, inner)
        return Unknown("it is computed")

    def _text(self, expr: Text, scope: Scope) -> Value:
        first = expr.parts[0] if expr.parts else None
        if isinstance(first, Const) and isinstance(first.value, str) and "%s" in first.value:
            return self._formatted(first.value, expr.parts[1:], scope)
        value: Value = Known("")
        for part in expr.parts:
            value = add(lift(value, str), lift(self.evaluate(part, scope), str))
        return value

    def _formatted(self, template: str, parts: tuple[Expr, ...], scope: Scope) -> Value:
        """`"%s.urls" % NAME`."""
        values: list[Value] = []
        for part in parts:
            value = self.evaluate(part, scope)
            inner = value.value if isinstance(value, Known) else None
            values.extend(inner if isinstance(inner, list) else [value])
        try:
            given = tuple(plain(value) for value in values)
            return Known(template % given)
        except LookupError:
            return partly(self._calls.tinted(list(parts), scope), filled(template, values))
        except (TypeError, ValueError):
            return Unknown("it cannot be computed")

    def _seq(self, expr: Seq, scope: Scope) -> Value:
        items: list[Value] = []
        for item in expr.items:
            if isinstance(item, Star):
                inner = self.evaluate(item.value, scope)
                items.extend(
                    inner.value if isinstance(inner, Known) and isinstance(inner.value, list) else [inner]
                )
            else:
                items.append(self.evaluate(item, scope))
        return Known([wrapped(item) for item in items])

    def _map(self, expr: Map, scope: Scope) -> Value:
        merged: dict[Any, Value] = {}
        for key, value in zip(expr.keys, expr.values, strict=True):
            if key is None:
                base = self.evaluate(value, scope)
                if isinstance(base, Known) and isinstance(base.value, dict):
                    merged.update(base.value)
                continue
            name = self.evaluate(key, scope)
            if isinstance(name, Known) and isinstance(name.value, str | int | float | bool | None):
                merged[name.value] = self.evaluate(value, scope)
        return Known(merged)


def _is_askable(test: Expr) -> bool:
    return isinstance(test, Name | Attr | Result | Op | Const | Item)
