"""What value an attribute of a class has: in class bodies, in constructors, and in classes whose fields the environment sets."""

from __future__ import annotations

import msgspec

from proctor.link.arithmetic import conditional, lift
from proctor.link.bodies import Reading
from proctor.link.scopes import Scope
from proctor.model.fact import Bind, Call, Const, Result
from proctor.model.place import Place
from proctor.model.program import FromEnv, Known, UnitKey, Unknown, Value

#: classes of libraries that give an instance nothing
_PLAIN_BASES = frozenset(
    {"object", "ABC", "Generic", "Protocol", "Enum", "IntEnum", "StrEnum", "Flag", "Exception"}
)


class ClassValues:
    """Values of class attributes under one environment."""

    def __init__(self, reading: Reading) -> None:
        self.reading = reading

    def value(self, key: UnitKey, name: str) -> Value | None:
        """The value of a class attribute, own or inherited, set in a class body (or once on `self`). A mark that is
        set anew while the program runs has none."""
        value = self._value(key, name)
        if not isinstance(value, Known) or not isinstance(value.value, bool | int | float | str | None):
            return value
        is_set = self._is_overridden if isinstance(value.value, str) else self._changes
        if is_set(key, name) or self._is_given(key, name):
            return Unknown(f"`{name}` is set while the program runs")
        return value

    def _is_overridden(self, key: UnitKey, name: str) -> bool:
        """Whether a class below has a value of its own, or a method sets it anew."""
        world = self.reading.world
        if name.isupper():
            return False
        classes = (*world.mro(key)[0], *world.below(key))
        sets = sum(
            len(world.scope(each).module.self_attributes(each.number).get(name, ())) for each in classes
        )
        bound = any(name in world.scope(each).bindings for each in classes)
        return sets > (0 if bound else 1) or any(
            name in world.scope(each).bindings for each in world.below(key)
        )

    def _is_given(self, key: UnitKey, name: str) -> bool:
        """Whether an attribute is a field that instances may be given when they are made: by the code, where a decorator
        writes their constructor, and by anybody, where a library does."""
        world = self.reading.world
        owners = world.mro(key)[0]
        home = next((each for each in owners if name in world.scope(each).bindings), None)
        if home is None or not any(
            isinstance(each.event, Bind) and each.event.annotation is not None
            for each in world.scope(home).bindings[name]
        ):
            return False
        if any(each.rpartition(".")[2] not in _PLAIN_BASES for each in world.mro(key)[1]):
            return not self._environment_fields(key)
        fields = [
            event.name
            for event in world.scope(home).unit.events
            if isinstance(event, Bind) and event.annotation is not None
        ]
        return any(world.scope(each).unit.decorators for each in owners) and any(
            world.is_given(world.scope(each).unit.name, name, fields.index(name))
            for each in (*owners, *world.below(key))
        )

    def _changes(self, key: UnitKey, name: str) -> bool:
        """Whether an attribute that is no constant by its name is set in a second place."""
        world = self.reading.world
        if name.isupper():
            return False
        places = 0
        for owner in (*world.mro(key)[0], *world.below(key)):
            scope = world.scope(owner)
            places += sum(isinstance(event, Bind) and event.name == name for event in scope.unit.events)
            places += len(scope.module.self_attributes(owner.number).get(name, ()))
        return places > 1 or world.is_changed(name)

    def _value(self, key: UnitKey, name: str) -> Value | None:
        fields = self._environment_fields(key)
        for owner in self.reading.world.mro(key)[0]:
            scope = self.reading.world.scope(owner)
            for event in reversed(scope.unit.events):
                if isinstance(event, Bind) and event.name == name and (event.value is not None or fields):
                    return self._field(event, scope) if fields else self.binding(event, scope)
            sets = scope.module.self_attributes(owner.number).get(name, ())
            if len(sets) == 1 and sets[0][1].value is not None:
                return self.reading.evaluate(sets[0][1].value, sets[0][0])
        return None

    def binding(self, event: Bind, scope: Scope, before: Value | None = None) -> Value:
        """What a class body binds, where a name was `before`; under a condition that need not be what the class has in
        the end."""
        value = self.reading.evaluate(event.value, scope)
        block = scope.unit.blocks[event.block]
        if not event.block or self.reading.block_states(scope)[event.block] == "live":
            return (
                msgspec.structs.replace(value, text="")
                if event.block and isinstance(value, Unknown)
                else value
            )
        test = lift(self.reading.evaluate(block.test, scope), bool) if block.kind == "if" else None
        if not isinstance(test, FromEnv):
            return value
        return conditional(
            test, value, (before, Place(scope.module.path, event.line)) if before is not None else None
        )

    def _environment_fields(self, key: UnitKey) -> bool:
        """Whether a class is one whose fields the environment sets."""
        rows = self.reading.world.rows
        return any(
            ancestor in rows.environment_fields
            for base in self.reading.world.mro(key)[1]
            for ancestor in rows.ancestors(base)
        )

    def _field(self, event: Bind, scope: Scope) -> Value:
        """A field that the variable of its name decides (`Field(default=…)` and a plain value give the fallback)."""
        expr = event.value
        if isinstance(expr, Result):
            call = scope.unit.events[expr.event]
            assert isinstance(call, Call)
            given = next((value for name, value in call.keywords if name == "default"), None)
            expr = given if given is not None else call.args[0] if call.args else None
        variable = event.name.upper()
        text = self.reading.environment.get(variable)
        if text is not None:
            return Known(text)
        return FromEnv(
            variable, self.reading.evaluate(expr, scope) if expr is not None and expr != Const(None) else None
        )
