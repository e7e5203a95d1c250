"""Which class of the tree a call on its objects or its collection is about (`Order.objects.filter(…).first()`)."""

from __future__ import annotations

from typing import Protocol

from proctor.link.memory import Refs
from proctor.link.rows import Rows
from proctor.link.scopes import Binding, Scope
from proctor.model.fact import Attr, Await, Bind, Call, Expr, Name, Result
from proctor.model.program import BoundRef, ObjRef, UnitKey, UnitRef

_MAX_DEPTH = 8


class Names(Protocol):
    """What this asks of name resolution."""

    def resolve(self, expr: Expr | None, scope: Scope) -> Refs:
        """All that `expr` may stand for in `scope`."""
        ...

    def lookup(self, name: str, scope: Scope) -> list[Binding]:
        """The bindings of a name."""
        ...

    def mro(self, key: UnitKey) -> tuple[tuple[UnitKey, ...], tuple[str, ...]]:
        """A class's project classes and library bases."""
        ...

    def below(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """The subclasses of a class that were met so far."""
        ...

    def unit_kind(self, ref: UnitRef | BoundRef | ObjRef) -> str:
        """The kind of the unit a ref names."""
        ...


def about_of(world: Names, call: Call | None, scope: Scope) -> tuple[UnitKey, ...]:
    """The classes that a method call is about; none where they are not known."""
    if call is None or not isinstance(call.func, Attr):
        return ()
    receiver = call.func.value
    found: dict[UnitKey, None] = {}
    for ref in world.resolve(receiver, scope):
        if isinstance(ref, ObjRef):
            key = UnitKey(ref.path, ref.number)
            found.update(dict.fromkeys((key, *(() if ref.exact else world.below(key)))))
    return tuple(found) or _begun_with(world, receiver, scope, 0)


def made_of(world: Names, rows: Rows, base: str, call: Call, scope: Scope) -> Refs:
    """Instances of the class below a library's class `base` that a call gives (`Order.objects.get(pk=1)`)."""
    begin = call.func.value if isinstance(call.func, Attr) else None
    classes = _begun_with(world, begin, scope, 0) or (
        classes_named(world, call.args[0], scope) if call.args else ()
    )
    return tuple(
        ObjRef(*key, True)
        for key in classes
        if any(base in rows.ancestors(name) for name in world.mro(key)[1])
    )


def classes_named(world: Names, expr: Expr | None, scope: Scope) -> tuple[UnitKey, ...]:
    """The classes of the tree that an expression names."""
    refs = world.resolve(expr, scope) if expr is not None else ()
    return tuple(
        UnitKey(ref.path, ref.number)
        for ref in refs
        if isinstance(ref, UnitRef) and world.unit_kind(ref) == "class"
    )


def _begun_with(world: Names, expr: Expr | None, scope: Scope, depth: int) -> tuple[UnitKey, ...]:
    """The class with which a chain of attributes and calls begins."""
    if expr is None or depth > _MAX_DEPTH:
        return ()
    named = classes_named(world, expr, scope)
    if named:
        return named
    if isinstance(expr, Await):
        return _begun_with(world, expr.value, scope, depth + 1)
    if isinstance(expr, Attr):
        return _begun_with(world, expr.value, scope, depth + 1)
    if isinstance(expr, Result):
        call = scope.unit.events[expr.event]
        if not isinstance(call, Call):
            return ()
        if call.func == Name("super"):
            return _own_class(world, scope)
        if isinstance(call.func, Attr):
            found = _begun_with(world, call.func.value, scope, depth + 1)
            if found:
                return found
        # `get_object_or_404(Order, pk=1)`
        return classes_named(world, call.args[0], scope) if call.args else ()
    if isinstance(expr, Name):
        return _bound_to(world, expr, scope, depth)
    return ()


def _bound_to(world: Names, expr: Name, scope: Scope, depth: int) -> tuple[UnitKey, ...]:
    found: dict[UnitKey, None] = {}
    for each in world.lookup(expr.id, scope):
        event = each.event
        if not isinstance(event, Bind) or event.how not in (
            "assign",
            "for",
            "comprehension",
            "walrus",
            "with",
            "unpack",
        ):
            return ()
        classes = _begun_with(world, event.value, each.scope, depth + 1)
        if not classes:
            return ()
        found.update(dict.fromkeys(classes))
    return tuple(found)


def _own_class(world: Names, scope: Scope) -> tuple[UnitKey, ...]:
    current: Scope | None = scope
    while current is not None and current.unit.kind != "class":
        current = current.parent
    return (current.key, *world.below(current.key)) if current is not None else ()
