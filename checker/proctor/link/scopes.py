"""Modules and scopes of one world: who binds which name."""

from __future__ import annotations

from typing import Any, NamedTuple

from proctor.link.memory import Memo
from proctor.link.operators import Operation, operations
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Const,
    Define,
    Event,
    Expr,
    FileFacts,
    Import,
    Item,
    Result,
    Return,
    SetAttr,
    SetItem,
    Text,
    Unit,
    Yield,
)
from proctor.model.fact import Name as NameExpr
from proctor.model.program import UnitKey

#: methods of built-in containers that put their arguments in
_ADDERS = frozenset({"append", "add", "appendleft", "insert", "extend", "update", "setdefault"})


class Binding(NamedTuple):
    """One way a name gets its value: by `event` (Bind, Import, Define) of `scope`, or as parameter number `param`."""

    scope: Scope
    event: Event | None
    at: int
    param: int = -1


class Signature(NamedTuple):
    """The numbers of the parameters that are filled one by one, of `*args` and of `**kwargs`."""

    positional: list[int]
    rest: int | None
    others: int | None


def _signature(unit: Unit) -> Signature:
    kinds = [param.kind for param in unit.params]
    return Signature(
        [number for number, kind in enumerate(kinds) if kind == "positional"],
        kinds.index("args") if "args" in kinds else None,
        kinds.index("kwargs") if "kwargs" in kinds else None,
    )


class Scope:
    """A unit inside its module, with its name table (built when first asked for)."""

    __slots__ = (
        "_additions", "_bindings", "_fills", "_given", "_operations", "_signature", "key", "memo", "module", "param_index",
        "parent", "unit",
    )  # fmt: skip

    def __init__(self, module: Module, unit: Unit) -> None:
        self.module = module
        self.unit = unit
        self.key = UnitKey(module.path, unit.index)
        self.parent: Scope | None = None
        #: results of resolving expressions here, kept by `names`
        self.memo: dict[Any, Memo] = {}
        self._additions: dict[Expr, list[Call | SetItem]] | None = None
        self._bindings: dict[str, list[Binding]] | None = None
        self._operations: tuple[Operation, ...] | None = None
        self._given: list[Return | Yield] | None = None
        self._signature: Signature | None = None
        self._fills: frozenset[int] | None = None
        self.param_index = {param.name: i for i, param in enumerate(unit.params)}

    @property
    def bindings(self) -> dict[str, list[Binding]]:
        """Name -> all its bindings in this scope, `global`/`nonlocal` writes of inner scopes included."""
        if self._bindings is None:
            self._bindings = self._collect()
        return self._bindings

    @property
    def signature(self) -> Signature:
        """Which parameters take what a call passes."""
        if self._signature is None:
            self._signature = _signature(self.unit)
        return self._signature

    @property
    def operations(self) -> tuple[Operation, ...]:
        """What operators, tests and texts of this unit ask of their operands."""
        if self._operations is None:
            self._operations = operations(self.unit)
        return self._operations

    @property
    def given(self) -> list[Return | Yield]:
        """What this unit returns and yields."""
        if self._given is None:
            self._given = [event for event in self.unit.events if isinstance(event, Return | Yield)]
        return self._given

    @property
    def additions(self) -> dict[Expr, list[Call | SetItem]]:
        """Container expression -> the events of this unit that put something into it."""
        if self._additions is None:
            self._additions = {}
            for event in self.unit.events:
                if isinstance(event, SetItem) and event.value is not None:
                    self._add(self._additions, event.obj, event)
                elif isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in _ADDERS:
                    self._add(self._additions, event.func.value, event)
        return self._additions

    @property
    def fills(self) -> frozenset[int]:
        """The parameters that stand for containers into which this unit puts something."""
        if self._fills is None:
            names = {expr.id for expr in self.additions if isinstance(expr, NameExpr)}
            self._fills = frozenset(number for name, number in self.param_index.items() if name in names)
        return self._fills

    def _add(self, table: dict[Expr, list[Call | SetItem]], container: Expr, event: Call | SetItem) -> None:
        table.setdefault(container, []).append(event)
        outer = self._outer(container)
        while outer is not None:
            # what a container inside holds, the outer one holds, too
            table.setdefault(outer, []).append(event)
            outer = self._outer(outer)

    def _outer(self, container: Expr) -> Expr | None:
        """The container that gives another one (`handlers[name]`, `handlers.setdefault(name, [])`)."""
        if isinstance(container, Item):
            return container.value
        call = self.unit.events[container.event] if isinstance(container, Result) else None
        if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.name in ("get", "setdefault"):
            return call.func.value
        return None

    def _collect(self) -> dict[str, list[Binding]]:
        table: dict[str, list[Binding]] = {}
        unit = self.unit
        for name, number in self.param_index.items():
            table.setdefault(name, []).append(Binding(self, None, -1, number))
        outer = {*unit.globals, *unit.nonlocals}
        for index, event in enumerate(unit.events):
            name = bound_name(event, self.module.facts)
            if name and name not in outer:
                table.setdefault(name, []).append(Binding(self, event, index))
        for scope in self.module.declaring:
            inner = scope.unit
            declared = inner.globals if unit.index == 0 else inner.nonlocals
            if declared and scope is not self and (unit.index == 0 or scope.parent is self):
                for index, event in enumerate(inner.events):
                    name = bound_name(event, self.module.facts)
                    if name in declared:
                        table.setdefault(name, []).append(Binding(scope, event, index))
        return table


def bound_name(event: Event, facts: FileFacts) -> str:
    """The name that an event binds, or "" (a star import binds none by name)."""
    if isinstance(event, Bind):
        return event.name if event.how != "delete" else ""
    if isinstance(event, Define):
        return facts.units[event.unit].name
    if isinstance(event, Import):
        if event.alias:
            return event.alias
        if event.name:
            return "" if event.name == "*" else event.name
        return event.module.partition(".")[0]
    return ""


def fixed_prefix(expr: Expr, unit: Unit) -> str:
    """The dotted name that a computed text begins with (`"plugins." + name`, `f"plugins.{name}"`, `"plugins.%s" % name`);
    "" where there is none."""
    if isinstance(expr, Result):
        call = unit.events[expr.event]
        if isinstance(call, Call) and isinstance(call.func, Attr) and call.func.name == "format":
            expr = call.func.value
    first = expr.parts[0] if isinstance(expr, Text) and expr.parts else expr
    if isinstance(first, Const) and isinstance(first.value, str):
        head, dot, _ = first.value.partition("{")[0].partition("%")[0].rpartition(".")
        return head if dot and head.replace(".", "").isidentifier() else ""
    return ""


class Module:
    """A file of the tree as a module: its scopes, star imports and package."""

    def __init__(self, path: str, facts: FileFacts) -> None:
        self.path = path
        self.facts = facts
        self.is_package = path.endswith("/__init__.py") or path == "__init__.py"
        self.folder = path.rpartition("/")[0]
        self.scopes = [Scope(self, unit) for unit in facts.units]
        for scope in self.scopes:
            if scope.unit.parent >= 0:
                scope.parent = self.scopes[scope.unit.parent]
        self.stars = [
            event for event in facts.units[0].events if isinstance(event, Import) and event.name == "*"
        ]
        #: scopes that write names of scopes around them
        self.declaring = [scope for scope in self.scopes if scope.unit.globals or scope.unit.nonlocals]
        self._adders: dict[Expr, list[Scope]] | None = None
        self._adding: list[Scope] | None = None
        self._attributes: dict[int, dict[str, list[tuple[Scope, SetAttr]]]] = {}
        self._functions: dict[int, list[Unit]] | None = None

    @property
    def adding(self) -> list[Scope]:
        """The scopes that put something into a container."""
        if self._adding is None:
            self._adding = [scope for scope in self.scopes if scope.additions]
        return self._adding

    def adders(self, container: Expr) -> list[Scope]:
        """The scopes that put something into what they call `container`."""
        if self._adders is None:
            self._adders = {}
            for scope in self.adding:
                for expr in scope.additions:
                    self._adders.setdefault(expr, []).append(scope)
        return self._adders.get(container, [])

    def functions_of(self, number: int) -> list[Unit]:
        """The functions that stand directly in a unit, such as a class's methods."""
        if self._functions is None:
            self._functions = {}
            for unit in self.facts.units:
                if unit.kind == "function":
                    self._functions.setdefault(unit.parent, []).append(unit)
        return self._functions.get(number, [])

    def self_attributes(self, class_index: int) -> dict[str, list[tuple[Scope, SetAttr]]]:
        """Attributes that a class's own methods set on their first parameter: name -> (method, event)."""
        table = self._attributes.get(class_index)
        if table is None:
            table = self._attributes[class_index] = {}
            for unit in self.functions_of(class_index):
                if not unit.params:
                    continue
                scope = self.scopes[unit.index]
                receiver = unit.params[0].name
                for event in unit.events:
                    if isinstance(event, SetAttr) and event.obj == NameExpr(receiver):
                        table.setdefault(event.name, []).append((scope, event))
        return table
