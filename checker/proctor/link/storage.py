"""Where state lives that outlives a call."""

from __future__ import annotations

from proctor.link.names import World
from proctor.link.scopes import Binding, Scope
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Expr,
    Import,
    Item,
    Map,
    Name,
    Op,
    Other,
    Result,
    Return,
    Seq,
    entry_name,
)
from proctor.model.program import BoundRef, LibObj, LibRef, ModRef, ObjRef, Storage, UnitKey, UnitRef

_MAX_DEPTH = 8
_SLICE = Other("slice")
#: methods of built-in containers that hand out what the container holds
_INNER = frozenset({"get", "setdefault", "pop", "popitem", "values", "items", "keys"})


class Storages:
    """Where state lives, for one world. What a function hands out is worked out once, so use it for as long as the world
    does not change."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._returned: dict[UnitKey, tuple[Storage, ...]] = {}
        self._nested = 0

    def of(self, scope: Scope, expr: Expr, depth: int = 0) -> tuple[Storage, ...]:
        """The lasting places that `expr` refers to or lies in; empty for what ends with the call."""
        if depth > _MAX_DEPTH:
            return ()
        if isinstance(expr, Name):
            return self._named(scope, expr.id, depth)
        if isinstance(expr, Attr):
            return self._attribute(scope, expr, depth)
        if isinstance(expr, Item):
            if expr.index == _SLICE:
                return ()  # a part of a list is a list of its own
            return self._entry(scope, expr) or self.of(scope, expr.value, depth + 1)
        if isinstance(expr, Op) and expr.name in ("or", "and"):
            return _unique([found for part in expr.operands for found in self.of(scope, part, depth + 1)])
        if isinstance(expr, Result):
            return self._called(scope, expr, depth)
        return ()

    def _named(self, scope: Scope, name: str, depth: int) -> tuple[Storage, ...]:
        bound = self.world.lookup(name, scope)
        if not bound:
            return self._starred(scope, name, depth)
        home = bound[0].scope
        kind = home.unit.kind
        # a name that only functions bind, as `global`, is the module's all the same
        if kind == "module" or bound is scope.module.scopes[0].bindings.get(name):
            return self._module_name(scope, name, bound, depth)
        if kind == "class":
            return (Storage("class", home.key, name),)
        if (home is not scope and name in scope.unit.nonlocals) or (
            home.key != scope.key and _is_closure(home, scope)
        ):
            if any(binding.event is None for binding in bound):
                return self._parameter(bound[0], name)
            return (Storage("closure", home.key, name),)
        found: list[Storage] = []
        for binding in bound:
            if binding.event is None:
                found.extend(self._parameter(binding, name))
            elif isinstance(binding.event, Bind) and binding.event.how in (
                "assign",
                "annotation",
                "walrus",
                "for",
                "with",
            ):
                if binding.event.value is not None:
                    found.extend(self.of(binding.scope, binding.event.value, depth + 1))
            elif isinstance(binding.event, Import):
                found.extend(self._imported(binding, binding.event, depth))
        return _unique(found)

    def _module_name(self, scope: Scope, name: str, bound: list[Binding], depth: int) -> tuple[Storage, ...]:
        found: list[Storage] = []
        for binding in bound:
            event = binding.event
            if isinstance(event, Import):
                found.extend(self._imported(binding, event, depth))
            elif isinstance(event, Bind):
                found.append(Storage("module", UnitKey(scope.module.path, 0), name))
        return _unique(found)

    def _starred(self, scope: Scope, name: str, depth: int) -> tuple[Storage, ...]:
        """What a star import brings."""
        for star in scope.module.stars:
            path, _ = self.world.import_target(scope.module, star)
            module = self.world.module(path) if path is not None and not path.endswith("/") else None
            if module is not None and module is not scope.module and depth < _MAX_DEPTH:
                found = self._named(module.scopes[0], name, depth + 1)
                if found:
                    return found
        return ()

    def _imported(self, binding: Binding, event: Import, depth: int) -> tuple[Storage, ...]:
        path, _ = self.world.import_target(binding.scope.module, event)
        if path is None or event.name is None or path.endswith("/"):
            return ()
        module = self.world.module(path)
        if module is None or module is binding.scope.module or event.name not in module.scopes[0].bindings:
            return ()
        return self._named(module.scopes[0], event.name, depth + 1)

    def _parameter(self, binding: Binding, name: str) -> tuple[Storage, ...]:
        """A mutable default argument is shared by all calls."""
        scope = binding.scope
        default = scope.unit.params[binding.param].default
        if isinstance(default, Map | Seq) and not (isinstance(default, Seq) and default.kind == "tuple"):
            return (Storage("default", scope.key, name),)
        return ()

    def _attribute(self, scope: Scope, expr: Attr, depth: int) -> tuple[Storage, ...]:
        found: list[Storage] = []
        for ref in self.world.resolve(expr.value, scope):
            if isinstance(ref, ModRef) and not ref.path.endswith("/"):
                module = self.world.module(ref.path)
                if module is not None and expr.name in module.scopes[0].bindings:
                    found.extend(self._named(module.scopes[0], expr.name, depth + 1))
                elif module is not None and not self.world.module_attribute(ref.path, expr.name):
                    # set from outside only
                    found.append(Storage("module", UnitKey(ref.path, 0), expr.name))
            elif isinstance(ref, ObjRef):
                found.extend(self._member(UnitKey(ref.path, ref.number), expr.name, instance=True))
            elif isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class":
                found.extend(self._member(UnitKey(ref.path, ref.number), expr.name, instance=False))
            elif isinstance(ref, UnitRef | BoundRef):
                found.append(Storage("function", UnitKey(ref.path, ref.number), expr.name))
            elif isinstance(ref, LibObj | LibRef):
                owner = ref.type if isinstance(ref, LibObj) else ref.symbol
                found.append(Storage("library", UnitKey("", 0), f"{owner}.{expr.name}"))
        return _unique(found)

    def _entry(self, scope: Scope, expr: Item) -> tuple[Storage, ...]:
        """An entry of an object that a library keeps for the whole process (`app["notes"]`)."""
        key = entry_name(expr.index)
        if not key:
            return ()
        return tuple(
            Storage("library", UnitKey("", 0), f"{ref.type}[{key}]")
            for ref in self.world.resolve(expr.value, scope)
            if isinstance(ref, LibObj) and self.world.rows.life(ref.type) == "process"
        )

    def _member(self, key: UnitKey, name: str, *, instance: bool) -> list[Storage]:
        """An attribute: on the instance where a method sets it, on the class where only its body does."""
        project, _ = self.world.mro(key)
        for owner in project:
            scope = self.world.scope(owner)
            if instance and name in scope.module.self_attributes(owner.number):
                return [Storage("instance", owner, name)]
        for owner in project:
            scope = self.world.scope(owner)
            bound = scope.bindings.get(name)
            if bound and isinstance(bound[0].event, Bind):
                return [Storage("class", owner, name)]
        return [] if instance else [Storage("class", key, name)]

    def _called(self, scope: Scope, expr: Result, depth: int) -> tuple[Storage, ...]:
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        if isinstance(event.func, Attr) and event.func.name in _INNER:
            return self.of(scope, event.func.value, depth + 1)
        found: list[Storage] = []
        for ref in self.world.resolve(event.func, scope):
            if isinstance(ref, UnitRef | BoundRef) and self.world.unit_kind(ref) == "function":
                found.extend(self._handed_out(UnitKey(ref.path, ref.number)))
        return _unique(found)

    def _handed_out(self, key: UnitKey) -> tuple[Storage, ...]:
        """The lasting places that a function returns; functions are followed a few calls deep."""
        known = self._returned.get(key)
        if known is not None or self._nested >= _MAX_DEPTH:
            return known or ()
        self._returned[key] = ()  # for a function that returns what it returns
        self._nested += 1
        inner = self.world.scope(key)
        found: list[Storage] = []
        for made in inner.given:
            if isinstance(made, Return) and made.value is not None:
                found.extend(self.of(inner, made.value))
        self._nested -= 1
        self._returned[key] = _unique(found)
        return self._returned[key]


def _unique(found: list[Storage]) -> tuple[Storage, ...]:
    return tuple(dict.fromkeys(found))


def _is_closure(home: Scope, scope: Scope) -> bool:
    current = scope.parent
    while current is not None:
        if current is home:
            return home.unit.kind in ("function", "lambda")
        current = current.parent
    return False
