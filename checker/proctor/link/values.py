"""What value an expression has, as far as code and environment decide it.

Module bodies are read as straight-line programs: assignments, updates of dicts and lists, star imports and
conditions in order. What the environment decides stays a `FromEnv` that names the variable.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from typing import Any

from proctor.link.names import World
from proctor.link.scopes import Module, Scope
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
    Comp,
    Const,
    Event,
    Expr,
    Func,
    Import,
    Item,
    Map,
    Name,
    Op,
    Result,
    Return,
    Seq,
    SetItem,
    Star,
    Text,
)
from proctor.model.place import Place
from proctor.model.program import (
    BoundRef,
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

Names = dict[str, tuple[Value, Place]]
_TRUE = frozenset({"1", "true", "yes", "on", "t", "y"})
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


def plain(value: Value) -> Any:
    """A Python value from a wholly known one; raises LookupError where a part is not known."""
    if not isinstance(value, Known):
        raise LookupError
    inner = value.value
    if isinstance(inner, list):
        return [plain(item) for item in inner]
    if isinstance(inner, dict):
        return {key: plain(item) for key, item in inner.items()}
    return inner


def lift(value: Value, function: Callable[[Any], Any]) -> Value:
    """`function` over a value, whoever decides it."""
    if isinstance(value, FromEnv):
        fallback = lift(value.fallback, function) if value.fallback is not None else None
        return FromEnv(value.variable, fallback)
    if isinstance(value, Known):
        try:
            return Known(function(plain(value)))
        except LookupError:
            return Unknown("a part of it is not known")
        except Exception:  # the analysed expression would fail in the same way
            return Unknown("it cannot be computed")
    return value


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
        self._states: dict[UnitKey, tuple[str, ...]] = {}
        self._depth = 0
        self._memo: dict[tuple[UnitKey, Expr | None], Value] = {}
        #: module bodies being read: their values so far
        self._stack: list[tuple[str, Names]] = []
        self._dispatch: dict[type, Callable[..., Value]] = {
            Const: lambda expr, scope: Known(expr.value),
            Name: self._name,
            Attr: self._attr,
            Item: self._item,
            Result: self._result,
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

    # --- module bodies -----------------------------------------------------------------------------------

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
            _BodyReader(self, module, names).read()
            self._depth -= 1
        return names

    def block_states(self, scope: Scope) -> tuple[str, ...]:
        """For each block of a unit "live", "dead", "main" or "env:VARIABLE" (inherited from its parents)."""
        states = self._states.get(scope.key)
        if states is None:
            self._states[scope.key] = ("live",) * len(scope.unit.blocks)
            states = self._states[scope.key] = self._compute_states(scope)
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
                state = own if own != "live" else state
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

    # --- expressions --------------------------------------------------------------------------------------

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
        refs = self.world.cells.get((scope.key, number), {})
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
                return self.setting(system, name)
            return None
        if isinstance(ref, ObjRef | UnitRef) and self.world.unit_kind(ref) == "class":
            return self.class_value(UnitKey(ref.path, ref.number), name)
        return None

    def class_value(self, key: UnitKey, name: str) -> Value | None:
        """The value of a class attribute, own or inherited, set in a class body (or once on `self`)."""
        for owner in self.world.mro(key)[0]:
            scope = self.world.scope(owner)
            for event in reversed(scope.unit.events):
                if isinstance(event, Bind) and event.name == name and event.value is not None:
                    return self.evaluate(event.value, scope)
            sets = scope.module.self_attributes(owner.number).get(name, ())
            if len(sets) == 1 and sets[0][1].value is not None:
                return self.evaluate(sets[0][1].value, sets[0][0])
        return None

    def _item(self, expr: Item, scope: Scope) -> Value:
        for ref in self.world.resolve(expr.value, scope):
            symbol = ref.symbol if isinstance(ref, LibRef) else ref.type if isinstance(ref, LibObj) else ""
            row = self.world.rows.environment_items.get(symbol)
            if row is not None and isinstance(expr.index, Const):
                return self.variable(str(expr.index.value), row, None)
        container, index = self.evaluate(expr.value, scope), self.evaluate(expr.index, scope)
        if isinstance(container, Known) and isinstance(index, Known):
            try:
                found = container.value[index.value]
            except (LookupError, TypeError):
                return Unknown("it is not among the known items")
            return found if isinstance(found, Known | FromEnv | Unknown) else Known(found)
        return container if isinstance(container, FromEnv) else Unknown("it is computed")

    def variable(self, name: str, row: EnvironmentRow, fallback: Value | None) -> Value:
        """An environment variable as this environment has it."""
        text = self.environment.get(name)
        if text is not None:
            return Known(cast(text, row.cast))
        return FromEnv(name, fallback)

    def _result(self, expr: Result, scope: Scope) -> Value:
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        refs = self.world.resolve(event.func, scope)
        for ref in refs:
            symbol = (
                ref.symbol
                if isinstance(ref, LibRef)
                else f"{ref.type}.__call__"
                if isinstance(ref, LibObj)
                else ""
            )
            for name in self.world.rows.chain(symbol) if symbol else ():
                row = self.world.rows.environment_calls.get(name)
                if row is not None:
                    return self._environment_call(row, event, scope)
        if isinstance(event.func, Name) and event.func.id in (
            "int",
            "bool",
            "str",
            "float",
            "list",
            "tuple",
            "set",
        ):
            return self._builtin(event, scope)
        if isinstance(event.func, Name) and event.func.id == "filter" and len(event.args) == 2:
            return _truthy(self.evaluate(event.args[1], scope))
        if isinstance(event.func, Name) and event.func.id == "dict":
            return self._dict_call(event, scope)
        if isinstance(event.func, Attr):
            method = self._text_method(event, event.func, scope)
            if method is not None:
                return method
        for ref in refs:
            if isinstance(ref, UnitRef | BoundRef) and self.world.unit_kind(ref) == "function":
                return self._project_call(UnitKey(ref.path, ref.number), event, scope)
        return self._tinted([*event.args, *(value for _, value in event.keywords)], scope)

    def _tinted(self, parts: list[Expr], scope: Scope) -> Value:
        """A computed value still depends on the environment if an operand does."""
        for part in parts:
            value = self.evaluate(part, scope)
            if isinstance(value, FromEnv):
                return FromEnv(value.variable, Unknown("it is computed"))
        return Unknown("it is computed")

    def _environment_call(self, row: EnvironmentRow, event: Call, scope: Scope) -> Value:
        name = row.variable
        if len(event.args) > row.position and row.position >= 0:
            given = self.evaluate(event.args[row.position], scope)
            name = str(given.value) if isinstance(given, Known) else ""
        for keyword, value in event.keywords:
            if row.name and keyword == row.name:
                given = self.evaluate(value, scope)
                name = str(given.value) if isinstance(given, Known) else ""
        fallback: Value | None = None
        for keyword, value in event.keywords:
            if keyword == row.default:
                fallback = self.evaluate(value, scope)
        if fallback is None and row.default_position is not None and len(event.args) > row.default_position:
            fallback = self.evaluate(event.args[row.default_position], scope)
        if not name:
            return Unknown("the name of the environment variable is computed")
        caster = next((value for keyword, value in event.keywords if keyword == "cast"), None)
        text = self.environment.get(name)
        if text is not None:
            kind = caster.id if isinstance(caster, Name) else row.cast
            return Known(cast(text, kind))
        if fallback is None and row.none_when_absent:
            fallback = Known(None)
        return FromEnv(name, fallback)

    def _builtin(self, event: Call, scope: Scope) -> Value:
        assert isinstance(event.func, Name)
        if not event.args:
            return Known([]) if event.func.id in ("list", "tuple", "set") else Unknown("it is computed")
        value = self.evaluate(event.args[0], scope)
        kind = event.func.id
        if kind in ("list", "tuple", "set"):
            return value
        return lift(value, {"int": int, "bool": bool, "str": str, "float": float}[kind])

    def _dict_call(self, event: Call, scope: Scope) -> Value:
        merged: dict[Any, Value] = {}
        for arg in event.args:
            base = self.evaluate(arg, scope)
            if isinstance(base, Known) and isinstance(base.value, dict):
                merged.update(base.value)
        for name, value in event.keywords:
            if name:
                merged[name] = self.evaluate(value, scope)
        return Known(merged)

    def _text_method(self, event: Call, func: Attr, scope: Scope) -> Value | None:
        if func.name not in (
            "lower",
            "upper",
            "strip",
            "split",
            "format",
            "replace",
            "get",
            "rstrip",
            "startswith",
            "endswith",
        ):
            return None
        base = self.evaluate(func.value, scope)
        args = [self.evaluate(arg, scope) for arg in event.args]
        if func.name == "get" and isinstance(base, Known) and isinstance(base.value, dict):
            if args and isinstance(args[0], Known):
                found = base.value.get(args[0].value)
                if found is not None:
                    return found if isinstance(found, Known | FromEnv | Unknown) else Known(found)
                return args[1] if len(args) > 1 else Known(None)
            return Unknown("it is computed")
        if isinstance(base, Known) and not isinstance(base.value, str):
            return None
        if func.name == "format":
            return self._tinted([func.value, *event.args, *(v for _, v in event.keywords)], scope)
        if not all(isinstance(arg, Known) for arg in args):
            return base if isinstance(base, FromEnv) else None
        name = func.name
        given = [arg.value for arg in args if isinstance(arg, Known)]
        if name == "get" or isinstance(base, Unknown):
            return None
        return _wrapped(lift(base, lambda text: getattr(text, name)(*given)))

    def _project_call(self, key: UnitKey, event: Call, scope: Scope) -> Value:
        """A helper such as `env("NAME", default)`: its one return value, with its parameters filled in."""
        inner = self.world.scope(key)
        returns = [e for e in inner.unit.events if isinstance(e, Return) and e.value is not None]
        if not returns:
            return Unknown("it is computed")
        names: Names = {}
        offset = 1 if inner.parent is not None and inner.parent.unit.kind == "class" else 0
        place = Place(key.path, inner.unit.line)
        for number, param in enumerate(inner.unit.params):
            given = next((value for keyword, value in event.keywords if keyword == param.name), None)
            if given is None and 0 <= number - offset < len(event.args):
                given = event.args[number - offset]
            if given is not None:
                names[param.name] = (self.evaluate(given, scope), place)
            elif param.default is not None:
                names[param.name] = (self.evaluate(param.default, inner.parent or inner), place)
        values = [self.evaluate(made.value, inner, names) for made in returns]
        for value in values:
            if isinstance(value, FromEnv):
                return value
        return values[0] if len(values) == 1 else Unknown("it is computed")

    def _op(self, expr: Op, scope: Scope) -> Value:
        if expr.name in ("or", "and"):
            return self._logic(expr, scope)
        values = [self.evaluate(operand, scope) for operand in expr.operands]
        if expr.name == "not":
            return lift(values[0], operator.not_)
        if expr.name in ("+", "|") and len(values) == 2:
            return _add(values[0], values[1])
        if expr.name in _COMPARE and len(values) == 2:
            return _compare(_COMPARE[expr.name], values[0], values[1])
        if expr.name == "-" and len(values) == 1:
            return lift(values[0], operator.neg)
        if expr.name in ("*", "-", "/", "//") and len(values) == 2:
            function = {"*": operator.mul, "-": operator.sub, "/": operator.truediv, "//": operator.floordiv}[
                expr.name
            ]
            return _compare(function, values[0], values[1])
        return self._tinted(list(expr.operands), scope)

    def _logic(self, expr: Op, scope: Scope) -> Value:
        value: Value = Unknown("it is computed")
        for number, operand in enumerate(expr.operands):
            current = self.evaluate(operand, scope)
            value = current if number == 0 else _either(expr.name, value, current)
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
                return _truthy(self.evaluate(event.value, scope))
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
            value = _add(lift(value, str), lift(self.evaluate(part, scope), str))
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
            return self._tinted(list(parts), scope)
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
        return Known([_wrapped(item) for item in items])

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


class _BodyReader:
    """Reads a module body in order into `names`."""

    def __init__(self, evaluator: Evaluator, module: Module, names: Names) -> None:
        self.evaluator = evaluator
        self.module = module
        self.scope = module.scopes[0]
        self.names = names
        self.blocks = self.scope.unit.blocks
        self.states: dict[int, tuple[str, Value | None]] = {0: ("live", None)}

    def read(self) -> None:
        for event in self.scope.unit.events:
            state, test = self._state(event.block)
            if state != "dead":
                self._take(event, test)

    def _state(self, number: int) -> tuple[str, Value | None]:
        known = self.states.get(number)
        if known is not None:
            return known
        block = self.blocks[number]
        state, test = self._state(block.parent)
        if state != "dead" and block.kind in ("if", "else"):
            state, test = self._branch(number, test)
        elif state != "dead" and block.kind == "except":
            state = "dead" if self._try_succeeds(block.group) else state
        self.states[number] = (state, test)
        return state, test

    def _branch(self, number: int, outer: Value | None) -> tuple[str, Value | None]:
        block = self.blocks[number]
        tests = [
            b.test
            for i, b in enumerate(self.blocks)
            if b.group == block.group and b.kind == "if" and i < number
        ]
        if block.kind == "if":
            tests.append(block.test)
        value: Value | None = None
        for position, test in enumerate(tests):
            if is_main_test(test):
                return (
                    ("dead", None) if block.kind == "if" and position == len(tests) - 1 else ("live", outer)
                )
            value = lift(self.evaluator.evaluate(test, self.scope, self.names), bool)
            last = position == len(tests) - 1 and block.kind == "if"
            if isinstance(value, Known) and bool(value.value) != last:
                if value.value:
                    return "dead", None
                continue
            if isinstance(value, FromEnv):
                return "env", value if last else lift(value, operator.not_)
        return "live", outer

    def _try_succeeds(self, group: int) -> bool:
        """Whether a try body can be taken to work: every import in it is there."""
        for event in self.scope.unit.events:
            if isinstance(event, Import) and self._in_try(event.block, group):
                path, _ = self.evaluator.world.import_target(self.module, event)
                if path is None and event.level:
                    return False
        return True

    def _in_try(self, number: int, group: int) -> bool:
        while number:
            if self.blocks[number].kind == "try" and self.blocks[number].group == group:
                return True
            number = self.blocks[number].parent
        return False

    def _take(self, event: Event, test: Value | None) -> None:
        if isinstance(event, Bind):
            self._bind(event, test)
        elif isinstance(event, SetItem):
            self._set_item(event)
        elif isinstance(event, Import):
            self._import(event)
        elif isinstance(event, Call) and isinstance(event.func, Attr) and isinstance(event.func.value, Name):
            self._mutate(event, event.func, event.func.value.id)

    def _put(self, name: str, value: Value, event: Event, test: Value | None) -> None:
        if isinstance(test, FromEnv):
            value = _conditional(test, value, self.names.get(name))
        self.names[name] = (value, self._place(event))

    def _place(self, event: Event) -> Place:
        return Place(self.module.path, event.line, event.column, event.end_line, event.end_column)

    def _value(self, expr: Expr | None) -> Value:
        return self.evaluator.evaluate(expr, self.scope, self.names)

    def _bind(self, event: Bind, test: Value | None) -> None:
        if event.how == "aug" and event.name in self.names:
            value = _add(self.names[event.name][0], self._value(event.value))
        elif event.how in ("assign", "annotation", "walrus"):
            if event.value is None:
                return
            value = self._value(event.value)
        elif event.how == "delete":
            self.names.pop(event.name, None)
            return
        elif event.how in ("unpack", "for", "with", "except", "match"):
            value = Unknown("it is computed")
        else:
            return
        self._put(event.name, value, event, test)

    def _set_item(self, event: SetItem) -> None:
        target, keys = event.obj, [event.index]
        while isinstance(target, Item):
            keys.insert(0, target.index)
            target = target.value
        if not isinstance(target, Name) or target.id not in self.names:
            return
        path = [self._value(key) for key in keys]
        value = self._value(event.value)
        current, _ = self.names[target.id]
        self.names[target.id] = (_with_item(current, path, value), self._place(event))

    def _mutate(self, event: Call, func: Attr, name: str) -> None:
        if name not in self.names or func.name not in ("update", "append", "extend", "insert", "setdefault"):
            return
        current = self.names[name][0]
        if not isinstance(current, Known):
            return
        if func.name == "update" and isinstance(current.value, dict):
            merged = dict(current.value)
            for arg in event.args:
                more = self._value(arg)
                if isinstance(more, Known) and isinstance(more.value, dict):
                    merged.update(more.value)
            merged.update({key: self._value(value) for key, value in event.keywords if key})
            self.names[name] = (Known(merged), self._place(event))
        elif isinstance(current.value, list) and event.args:
            added = self._value(event.args[-1])
            items = added.value if func.name == "extend" and isinstance(added, Known) else [added]
            if isinstance(items, list):
                self.names[name] = (Known([*current.value, *items]), self._place(event))

    def _import(self, event: Import) -> None:
        path, _ = self.evaluator.world.import_target(self.module, event)
        if path is None or path.endswith("/") or path == self.module.path:
            return
        if event.name == "*":
            self.names.update(self.evaluator.module_values(path))
        elif event.name is not None:
            found = self.evaluator.module_values(path).get(event.name)
            if found is not None:
                self.names[event.alias or event.name] = found


def is_main_test(test: Expr | None) -> bool:
    """Whether a condition asks `__name__ == "__main__"`."""
    return (
        isinstance(test, Op)
        and test.name == "=="
        and Name("__name__") in test.operands
        and Const("__main__") in test.operands
    )


def _is_askable(test: Expr) -> bool:
    return isinstance(test, Name | Attr | Result | Op | Const | Item)


def cast(text: str, kind: str) -> Any:
    """An environment variable's text as the value that the code makes of it."""
    if kind == "bool":
        return text.strip().lower() in _TRUE
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            return text
    return text


def _truthy(value: Value) -> Value:
    if isinstance(value, Known) and isinstance(value.value, list):
        return Known([item for item in value.value if not isinstance(item, Known) or item.value])
    return value


def _wrapped(value: Value) -> Value:
    """Lists computed by Python functions hold bare items: wrap them."""
    if isinstance(value, Known) and isinstance(value.value, list):
        return Known(
            [item if isinstance(item, Known | FromEnv | Unknown) else Known(item) for item in value.value]
        )
    return value


def _add(left: Value, right: Value) -> Value:
    if isinstance(left, Known) and isinstance(right, Known):
        if isinstance(left.value, list) and isinstance(right.value, list):
            return Known([*left.value, *right.value])
        if isinstance(left.value, dict) and isinstance(right.value, dict):
            return Known({**left.value, **right.value})
        try:
            return Known(left.value + right.value)
        except TypeError:
            return Unknown("it cannot be computed")
    if isinstance(left, Known) and isinstance(left.value, list):
        return Known([*left.value, right])
    if isinstance(right, Known) and isinstance(right.value, list):
        return Known([left, *right.value])
    for value, other in ((left, right), (right, left)):
        if isinstance(value, FromEnv):
            fallback = value.fallback
            if isinstance(fallback, Known) and isinstance(other, Known):
                pair = (fallback, other) if value is left else (other, fallback)
                return FromEnv(value.variable, _add(*pair))
            return FromEnv(value.variable, Unknown("it is computed") if fallback is not None else None)
    return Unknown("it is computed")


def _compare(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    if isinstance(right, Known):
        other = right
        return lift(left, lambda value: function(value, plain(other)))
    if isinstance(left, Known):
        first = left
        return lift(right, lambda value: function(plain(first), value))
    for value in (left, right):
        if isinstance(value, FromEnv):
            return FromEnv(value.variable, Unknown("it is computed"))
    return Unknown("it is computed")


def _either(name: str, left: Value, right: Value) -> Value:
    if isinstance(left, Known):
        return left if bool(left.value) == (name == "or") else right
    if isinstance(left, FromEnv):
        if name == "or":
            fallback = right if left.fallback is None else _either("or", left.fallback, right)
            return FromEnv(left.variable, fallback)
        return FromEnv(
            left.variable, Known(False) if left.fallback is None else _either("and", left.fallback, right)
        )
    if isinstance(right, FromEnv):
        return FromEnv(right.variable, Unknown("it is computed"))
    return Unknown("it is computed")


def _conditional(test: FromEnv, value: Value, before: tuple[Value, Place] | None) -> Value:
    """A value set under a condition that the environment decides; without the variable the test's fallback rules."""
    without = test.fallback
    if isinstance(without, Known):
        return FromEnv(test.variable, value if without.value else (before[0] if before else None))
    if without is None:
        return FromEnv(test.variable, before[0] if before else value)
    return FromEnv(test.variable, Unknown("it is computed"))


def _with_item(container: Value, path: list[Value], value: Value) -> Value:
    if not path:
        return value
    key = path[0]
    if (
        not isinstance(container, Known)
        or not isinstance(container.value, dict)
        or not isinstance(key, Known)
    ):
        return container
    try:
        inner = container.value.get(key.value, Known({}))
    except TypeError:
        return container
    if not isinstance(inner, Known | FromEnv | Unknown):
        inner = Known(inner)
    return Known({**container.value, key.value: _with_item(inner, path[1:], value)})
