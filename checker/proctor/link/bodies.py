"""Module bodies read in order: what each name is in the end, and where it was set."""

from __future__ import annotations

import operator
from collections.abc import Mapping
from typing import Protocol

from proctor.link.arithmetic import Names, add, conditional, item_at, lift, updated, with_item
from proctor.link.included import included, is_including
from proctor.link.names import World
from proctor.link.scopes import Module, Scope
from proctor.model.fact import Attr, Bind, Call, Const, Event, Expr, Import, Item, Name, Op, SetItem, Unit
from proctor.model.place import Place
from proctor.model.program import FromEnv, Known, LibRef, Unknown, Value


class Reading(Protocol):
    """What reading bodies and calls asks of the evaluator."""

    @property
    def world(self) -> World:
        """The modules and names."""
        ...

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that are set."""
        ...

    @property
    def alternatives(self) -> dict[tuple[str, str], list[tuple[str, Value]]]:
        """What names of modules become where variables of the environment say so."""
        ...

    def evaluate(self, expr: Expr | None, scope: Scope, names: Names | None = None) -> Value:
        """The value of `expr` in `scope`, where `names` are the values so far of the body being read."""
        ...

    def block_states(self, scope: Scope) -> tuple[str, ...]:
        """Which blocks of a unit run."""
        ...

    def setting_item(self, holder: Expr, index: Expr, scope: Scope) -> Value | None:
        """What a settings object holds under a key."""
        ...

    def module_values(self, path: str) -> Names:
        """Name -> (value, where it was last set) for the body of a module of the tree."""
        ...


class BodyReader:
    """Reads a module body in order into `names`."""

    def __init__(
        self, evaluator: Reading, module: Module, names: Names, within: frozenset[str] = frozenset()
    ) -> None:
        """`within` are the modules in whose place this one is run."""
        self.evaluator = evaluator
        self.module = module
        self.within = within | {module.path}
        self.scope = module.scopes[0]
        self.names = names
        self.blocks = self.scope.unit.blocks
        self.states: dict[int, tuple[str, Value | None]] = {0: ("live", None)}

    def read(self) -> None:
        """Take all that stands in blocks which run."""
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
            self._set_item(event, test)
        elif isinstance(event, Import):
            self._import(event)
        elif isinstance(event, Call):
            if isinstance(event.func, Attr):
                self._mutate(event, event.func, test)
                self._fill(event)
            if is_including(event, self.scope, self.evaluator.world):
                self._include(event, test)

    def _put(self, name: str, value: Value, event: Event, test: Value | None) -> None:
        if isinstance(test, FromEnv):
            self.evaluator.alternatives.setdefault((self.module.path, name), []).append(
                (test.variable, value)
            )
            value = conditional(test, value, self.names.get(name))
        self.names[name] = (value, self._place(event))

    def _place(self, event: Event) -> Place:
        return Place(self.module.path, event.line, event.column, event.end_line, event.end_column)

    def _value(self, expr: Expr | None) -> Value:
        return self.evaluator.evaluate(expr, self.scope, self.names)

    def _bind(self, event: Bind, test: Value | None) -> None:
        if event.how == "aug" and event.name in self.names:
            value = add(self.names[event.name][0], self._value(event.value))
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

    def _path(self, target: Expr) -> tuple[str, list[Value]]:
        """The name that an expression such as `NAME["a"]["b"]` begins with ("" for another one), and its keys."""
        keys: list[Value] = []
        while isinstance(target, Item):
            keys.insert(0, self._value(target.index))
            target = target.value
        return (target.id if isinstance(target, Name) and target.id in self.names else ""), keys

    def _put_item(self, name: str, path: list[Value], value: Value, event: Event, test: Value | None) -> None:
        current = self.names[name][0]
        if isinstance(test, FromEnv):
            before = item_at(current, path)
            value = conditional(test, value, (before, self.names[name][1]) if before is not None else None)
        self.names[name] = (with_item(current, path, value), self._place(event))

    def _set_item(self, event: SetItem, test: Value | None) -> None:
        name, path = self._path(Item(event.obj, event.index))
        if name:
            self._put_item(name, path, self._value(event.value), event, test)

    def _mutate(self, event: Call, func: Attr, test: Value | None) -> None:
        if func.name not in ("update", "append", "extend", "insert", "setdefault"):
            return
        name, path = self._path(func.value)
        current = item_at(self.names[name][0], path) if name else None
        if not isinstance(current, Known):
            return
        if func.name == "update" and isinstance(current.value, dict):
            for arg in event.args:
                for key, value in updated(current.value, self._value(arg)).items():
                    self._put_item(name, [*path, Known(key)], value, event, test)
            for keyword, given in event.keywords:
                if keyword:
                    self._put_item(name, [*path, Known(keyword)], self._value(given), event, test)
        elif isinstance(current.value, list) and event.args:
            added = self._value(event.args[-1])
            items = added.value if func.name == "extend" and isinstance(added, Known) else [added]
            if isinstance(items, list):
                self._put_item(name, path, Known([*current.value, *items]), event, None)

    def _fill(self, event: Call) -> None:
        """A call that sets names of the module from the environment."""
        rows = self.evaluator.world.rows
        if not rows.environment_fills:
            return
        for ref in self.evaluator.world.resolve(event.func, self.scope):
            found = rows.environment_fills.get(ref.symbol, {}) if isinstance(ref, LibRef) else {}
            for name, variable in found.items():
                before = self.names.get(name)
                self.names[name] = (FromEnv(variable, before[0] if before else None), self._place(event))

    def _include(self, event: Call, test: Value | None) -> None:
        for file in included(event, self.scope, self.evaluator.world, self._value):
            module = self.evaluator.world.module(file.path) if file.path not in self.within else None
            if module is None:
                continue
            inner = dict(self.names)
            BodyReader(self.evaluator, module, inner, self.within).read()
            decides = FromEnv(file.variable, Known(True)) if file.variable else test
            for name, (value, place) in inner.items():
                before = self.names.get(name)
                if before != (value, place):
                    changed = conditional(decides, value, before) if isinstance(decides, FromEnv) else value
                    self.names[name] = (changed, place)

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


def main_blocks(unit: Unit) -> frozenset[int]:
    """The blocks of a module's body that run only where it is run as a script, those inside them included."""
    found: set[int] = set()
    for number, block in enumerate(unit.blocks) if unit.kind == "module" else ():
        if (block.kind == "if" and is_main_test(block.test)) or (number and block.parent in found):
            found.add(number)
    return frozenset(found)
