"""What value a call has: environment variables, conversions, methods of texts, helpers of the app."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from proctor.link.arithmetic import Names, cast, filled, joined, lift, partly, truthy, wrapped
from proctor.link.bodies import Reading
from proctor.link.scopes import Scope
from proctor.model.fact import Attr, Call, Expr, Name, Result, Return
from proctor.model.place import Place
from proctor.model.program import BoundRef, FromEnv, Known, LibObj, LibRef, UnitKey, UnitRef, Unknown, Value
from proctor.model.rule import EnvironmentRow

#: functions that make one path of the parts that they are given
_PATHS = frozenset(
    {"os.path.join", "posixpath.join", "pathlib.Path", "pathlib.PurePath", "pathlib.PosixPath"}
)
#: how deep helpers that call helpers are looked into, and how many at most for one value
_MOST_NESTED = 8
_MOST_CALLS = 200


class CallValues:
    """Values of calls under one environment."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading
        #: helpers that are being looked into, outermost first, and how many were since the outermost
        self._followed: list[UnitKey] = []
        self._n_followed = 0

    def result(self, expr: Result, scope: Scope) -> Value:
        """The value of a call."""
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        refs = self.reading.world.resolve(event.func, scope)
        for ref in refs:
            symbol = (
                ref.symbol
                if isinstance(ref, LibRef)
                else f"{ref.type}.__call__"
                if isinstance(ref, LibObj)
                else ""
            )
            for name in self.reading.world.rows.chain(symbol) if symbol else ():
                row = self.reading.world.rows.environment_calls.get(name)
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
            return truthy(self.reading.evaluate(event.args[1], scope))
        if isinstance(event.func, Name) and event.func.id == "dict":
            return self._dict_call(event, scope)
        if isinstance(event.func, Attr):
            method = self._text_method(event, event.func, scope)
            if method is not None:
                return method
        for ref in refs:
            if isinstance(ref, UnitRef | BoundRef) and self.reading.world.unit_kind(ref) == "function":
                return self._project_call(UnitKey(ref.path, ref.number), event, scope)
        rows = self.reading.world.rows
        if any(isinstance(ref, LibRef) and rows.find(rows.effects, ref.symbol) for ref in refs):
            # What is found on the disk or over the network is not for the environment to say.
            return Unknown("it is computed")
        value = self.tinted([*event.args, *(value for _, value in event.keywords)], scope)
        if any(isinstance(ref, LibRef) and ref.symbol in _PATHS for ref in refs):
            return partly(value, joined([self.reading.evaluate(arg, scope) for arg in event.args]))
        return value

    def _environment_call(self, row: EnvironmentRow, event: Call, scope: Scope) -> Value:
        name = row.variable
        if len(event.args) > row.position and row.position >= 0:
            given = self.reading.evaluate(event.args[row.position], scope)
            name = str(given.value) if isinstance(given, Known) else ""
        for keyword, value in event.keywords:
            if row.name and keyword == row.name:
                given = self.reading.evaluate(value, scope)
                name = str(given.value) if isinstance(given, Known) else ""
        fallback: Value | None = None
        for keyword, value in event.keywords:
            if keyword == row.default:
                fallback = self.reading.evaluate(value, scope)
        if fallback is None and row.default_position is not None and len(event.args) > row.default_position:
            fallback = self.reading.evaluate(event.args[row.default_position], scope)
        if not name:
            return Unknown("the name of the environment variable is computed")
        caster = next((value for keyword, value in event.keywords if keyword == "cast"), None)
        text = self.reading.environment.get(name)
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
        value = self.reading.evaluate(event.args[0], scope)
        kind = event.func.id
        if kind in ("list", "tuple", "set"):
            return value
        return lift(value, {"int": int, "bool": bool, "str": str, "float": float}[kind])

    def _dict_call(self, event: Call, scope: Scope) -> Value:
        merged: dict[Any, Value] = {}
        for arg in event.args:
            base = self.reading.evaluate(arg, scope)
            if isinstance(base, Known) and isinstance(base.value, dict):
                merged.update(base.value)
        for name, value in event.keywords:
            if name:
                merged[name] = self.reading.evaluate(value, scope)
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
        if func.name == "get" and event.args:
            setting = self.reading.setting_item(func.value, event.args[0], scope)
            if setting is not None:
                return setting
        base = self.reading.evaluate(func.value, scope)
        args = [self.reading.evaluate(arg, scope) for arg in event.args]
        if func.name == "get" and isinstance(base, Known) and isinstance(base.value, dict):
            if args and isinstance(args[0], Known):
                key = args[0].value
                found = base.value.get(key) if isinstance(key, str | int | float | None) else None
                if found is not None:
                    return found if isinstance(found, Known | FromEnv | Unknown) else Known(found)
                return args[1] if len(args) > 1 else Known(None)
            return Unknown("it is computed")
        if isinstance(base, Known) and not isinstance(base.value, str):
            return None
        if func.name == "format":
            value = self.tinted([func.value, *event.args, *(v for _, v in event.keywords)], scope)
            if not isinstance(base, Known):
                return value
            named = {name: self.reading.evaluate(v, scope) for name, v in event.keywords}
            return partly(value, filled(base.value, args, named))
        if not all(isinstance(arg, Known) for arg in args):
            return base if isinstance(base, FromEnv) else None
        name = func.name
        given = [arg.value for arg in args if isinstance(arg, Known)]
        if name == "get" or isinstance(base, Unknown):
            return None
        return wrapped(lift(base, lambda text: getattr(text, name)(*given)))

    def _project_call(self, key: UnitKey, event: Call, scope: Scope) -> Value:
        """A helper such as `env("NAME", default)`: its one return value, with its parameters filled in."""
        inner = self.reading.world.scope(key)
        returns = [e for e in inner.unit.events if isinstance(e, Return) and e.value is not None]
        if not returns or not self._may_follow(key):
            return Unknown("it is computed")
        names: Names = {}
        offset = 1 if inner.parent is not None and inner.parent.unit.kind == "class" else 0
        place = Place(key.path, inner.unit.line)
        for number, param in enumerate(inner.unit.params):
            given = next((value for keyword, value in event.keywords if keyword == param.name), None)
            if given is None and 0 <= number - offset < len(event.args):
                given = event.args[number - offset]
            if given is not None:
                names[param.name] = (self.reading.evaluate(given, scope), place)
            elif param.default is not None:
                names[param.name] = (self.reading.evaluate(param.default, inner.parent or inner), place)
        self._followed.append(key)
        values = [self.reading.evaluate(made.value, inner, names) for made in returns]
        self._followed.pop()
        for value in values:
            if isinstance(value, FromEnv):
                return value
        return values[0] if len(values) == 1 else Unknown("it is computed")

    def _may_follow(self, key: UnitKey) -> bool:
        """Whether one more call is looked into. Helpers of helpers of … with several answers each would take for ever, and
        those that tell what the environment says are not written that way."""
        if not self._followed:
            self._n_followed = 0
        self._n_followed += 1
        return (
            key not in self._followed
            and len(self._followed) < _MOST_NESTED
            and self._n_followed <= _MOST_CALLS
        )

    @contextmanager
    def afresh(self) -> Iterator[None]:
        """Look at something of its own, whose answer is kept, as if nothing were being looked into."""
        kept = self._followed, self._n_followed
        self._followed, self._n_followed = [], 0
        yield
        self._followed, self._n_followed = kept

    def tinted(self, parts: list[Expr], scope: Scope) -> Value:
        """A computed value still depends on the environment if an operand does."""
        for part in parts:
            value = self.reading.evaluate(part, scope)
            if isinstance(value, FromEnv):
                return FromEnv(value.variable, Unknown("it is computed"))
        return Unknown("it is computed")
