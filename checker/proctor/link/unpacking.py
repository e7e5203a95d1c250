"""Names that are bound together (`label, make = TABLE[kind]`): what each of them gets, where the rows are written out."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from proctor.link.containers import Containers
from proctor.link.memory import Refs, union
from proctor.link.results import Classes
from proctor.link.scopes import Binding, Scope
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Const,
    Event,
    Expr,
    Import,
    Item,
    Map,
    Name,
    Result,
    Return,
    Seq,
    SetItem,
    Star,
)
from proctor.model.program import BoundRef, UnitKey, UnitRef

#: rows as they are written, each with where its names are looked up; None where there may be others
Table = list[tuple[Seq, Scope]] | None
_MAX_DEPTH = 5
#: built-ins that give the items of their argument
_GIVEN_ON = frozenset({"list", "tuple", "sorted", "reversed", "iter", "set"})
_HAND_OUT = frozenset({"get", "pop"})


class Imports(Classes, Protocol):
    """What unpacking asks of name resolution."""

    def imported_name(self, scope: Scope, event: Import) -> tuple[Name, Scope] | None:
        """Where a name of the tree that is imported is bound."""
        ...


class Unpacking:
    """The parts of rows in one world."""

    def __init__(self, world: Imports, containers: Containers) -> None:
        self.world = world
        self.containers = containers

    def part(self, event: Bind, scope: Scope) -> Refs | None:
        """What one of several names gets; None where the rows are not known to be all written out."""
        assert event.part is not None
        number, n_parts = event.part
        value = event.value.value if isinstance(event.value, Await) else event.value
        if value is None:
            return None
        if event.how == "unpack":
            table = self._row(value, scope, n_parts)
        else:
            built_in = self._of_built_in(value, scope, number)
            if built_in is not None:
                return built_in
            table = self._rows(value, scope, n_parts, 0)
        if not table:
            return None
        return union(self.world.resolve(row.items[number], home) for row, home in table)

    def _of_built_in(self, value: Expr, scope: Scope, number: int) -> Refs | None:
        """The parts of what `x.items()`, `enumerate(x)` and `zip(x, y)` give."""
        call = scope.unit.events[value.event] if isinstance(value, Result) else None
        if not isinstance(call, Call):
            return None
        func = call.func
        if isinstance(func, Attr) and func.name == "items" and not call.args and number < 2:
            held = self.world.contents(func.value, scope, values=number == 1)
            # the keys of a mapping that is filled elsewhere are not known apart from its values
            return held or None
        if not isinstance(func, Name) or self.world.lookup(func.id, scope):
            return None
        if func.id == "enumerate" and call.args:
            return self.world.elements(call.args[0], scope) if number else ()
        if func.id == "zip" and number < len(call.args) and not isinstance(call.args[number], Star):
            return self.world.elements(call.args[number], scope)
        return None

    def _row(self, value: Expr, scope: Scope, n_parts: int) -> Table:
        """The rows of which `value` may be one."""
        if isinstance(value, Item):
            return self._rows(value.value, scope, n_parts, 0)
        call = scope.unit.events[value.event] if isinstance(value, Result) else None
        if not isinstance(call, Call):
            return None
        if isinstance(call.func, Attr) and call.func.name in _HAND_OUT:
            held = self._rows(call.func.value, scope, n_parts, 0)
            others = _whole([arg for arg in call.args[1:2] if arg != Const(None)], scope, n_parts)
            return None if held is None or others is None else [*held, *others]
        found: list[tuple[Seq, Scope]] = []
        for ref in self.world.resolve(call.func, scope):
            if not isinstance(ref, UnitRef | BoundRef) or self.world.unit_kind(ref) != "function":
                return None
            inner = self.world.scope(_key(ref))
            given = [event for event in inner.given if event.value not in (None, Const(None))]
            if inner.unit.decorators or any(not isinstance(event, Return) for event in given):
                return None
            rows = _whole([event.value for event in given], inner, n_parts)
            if rows is None:
                return None
            found.extend(rows)
        return found

    def _rows(self, value: Expr, scope: Scope, n_parts: int, depth: int) -> Table:
        """The rows that a container holds."""
        if depth > _MAX_DEPTH:
            return None
        if isinstance(value, Seq):
            return _whole(value.items, scope, n_parts)
        if isinstance(value, Map):
            return None if None in value.keys else _whole(value.values, scope, n_parts)
        if isinstance(value, Result):
            call = scope.unit.events[value.event]
            assert isinstance(call, Call)
            func = call.func
            if isinstance(func, Attr) and func.name == "values" and not call.args:
                return self._rows(func.value, scope, n_parts, depth + 1)
            if isinstance(func, Name) and func.id in _GIVEN_ON and call.args:
                return self._rows(call.args[0], scope, n_parts, depth + 1)
            return None
        if isinstance(value, Name):
            return self._named(value, scope, n_parts, depth)
        return None

    def _named(self, value: Name, scope: Scope, n_parts: int, depth: int) -> Table:
        found: list[tuple[Seq, Scope]] = []
        for each in self.world.lookup(value.id, scope):
            event, home = each.event, each.scope
            rows: Table = None
            if isinstance(event, Bind) and event.how == "assign" and event.value is not None:
                rows = self._rows(event.value, home, n_parts, depth + 1)
                added = self._added(each, value, n_parts) if rows is not None else None
                rows = None if rows is None or added is None else [*rows, *added]
            elif isinstance(event, Import):
                there = self.world.imported_name(home, event)
                rows = self._rows(*there, n_parts, depth + 1) if there is not None else None
            if rows is None:
                return None
            found.extend(rows)
        return found

    def _added(self, binding: Binding, name: Name, n_parts: int) -> Table:
        """The rows that are put into a container later."""
        home = binding.scope
        scopes = home.module.adders(name) if home.unit.index == 0 else [home]
        found: list[tuple[Seq, Scope]] = []
        for scope in scopes:
            for event in scope.additions.get(name, ()):
                rows = _whole(_put(event), scope, n_parts)
                if rows is None:
                    return None
                found.extend(rows)
        return found


def _key(ref: UnitRef | BoundRef) -> UnitKey:
    return UnitKey(ref.path, ref.number)


def _put(event: Event) -> list[Expr | None]:
    if isinstance(event, SetItem):
        return [event.value]
    if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in ("append", "add"):
        return list(event.args)
    return [None]


def _whole(items: Iterable[Expr | None], scope: Scope, n_parts: int) -> Table:
    """The items, where each of them is a row of so many parts."""
    found: list[tuple[Seq, Scope]] = []
    for item in items:
        if not isinstance(item, Seq) or len(item.items) != n_parts:
            return None
        if any(isinstance(part, Star) for part in item.items):
            return None
        found.append((item, scope))
    return found
