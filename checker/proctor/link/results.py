"""What calls and `with` give."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol

from proctor.link.arms import asked_defaults, dead_events
from proctor.link.containers import Names
from proctor.link.families import Named, family
from proctor.link.memory import MAX_REFS, NOTHING, Refs, union
from proctor.link.passed import given, is_open
from proctor.link.records import made_of
from proctor.link.rows import Rows
from proctor.link.scopes import Scope
from proctor.model.fact import Attr, Call, Const, Expr, Name, Result, Return, Text, Yield
from proctor.model.program import BoundRef, ConstRef, LibObj, LibRef, ModRef, ObjRef, Ref, UnitKey, UnitRef
from proctor.model.rule import ReturnsRow

#: methods of built-in containers that give one of the things inside
_HAND_OUT = frozenset({"get", "pop", "setdefault", "popitem", "popleft"})


class Classes(Names, Named, Protocol):
    """What results ask of name resolution beside what containers do."""

    def member(self, ref: Ref, name: str) -> Refs:
        """What `ref.name` stands for."""
        ...

    def class_member(self, key: UnitKey, name: str, receiver: ObjRef | UnitRef) -> Refs:
        """A member looked up on a class of the tree."""
        ...

    def contents(self, expr: Expr | None, scope: Scope, *, values: bool) -> Refs:
        """The items of a container; for a mapping its values (or keys, where `values` is False)."""
        ...

    def elements(self, expr: Expr | None, scope: Scope) -> Refs:
        """What iterating over `expr` gives."""
        ...

    def below(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """The subclasses of a class that were met so far."""
        ...

    def members_by_prefix(self, ref: Ref, prefix: str) -> Refs:
        """The functions of a module or methods of an object whose names begin so."""
        ...

    def find_module(self, dotted: str) -> str | None:
        """The tree's file (or namespace folder) for an absolute module name."""
        ...

    def module_attribute(self, path: str, name: str) -> Refs:
        """What `module.name` stands for."""
        ...

    def scope(self, key: UnitKey) -> Scope:
        """The scope of a unit of a file that was read."""
        ...

    @property
    def rows(self) -> Rows:
        """The library models."""
        ...


class Results:
    """The results of calls in one world."""

    def __init__(self, world: Classes) -> None:
        self.world = world
        self._asked: dict[UnitKey, dict[str, Const]] = {}
        self._dead: dict[tuple[UnitKey, frozenset[str]], frozenset[int]] = {}

    def result(self, expr: Result, scope: Scope) -> Refs:
        """What a call of this scope gives."""
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        if isinstance(event.func, Name) and event.func.id == "super":
            return self._super(scope)
        parts: list[Refs] = []
        for ref in self.world.resolve(event.func, scope):
            parts.append(self.call_result(ref, event, scope))
        return union(parts)

    def _super(self, scope: Scope) -> Refs:
        current: Scope | None = scope
        while current is not None and current.unit.kind != "class":
            current = current.parent
        if current is None:
            return ()
        project, library = self.world.mro(current.key)
        bases: dict[Ref, None] = {ObjRef(path, index, True): None for path, index in project[1:]}
        bases.update((LibObj(name), None) for name in library)
        # a mixin's next class is one of the other bases of whoever mixes it in
        for below in self.world.below(current.key):
            others, libraries = self.world.mro(below)
            after = others.index(current.key) + 1 if current.key in others else len(others)
            bases.update((ObjRef(path, index, True), None) for path, index in others[after:])
            bases.update((LibObj(name), None) for name in libraries)
        return tuple(bases)[:MAX_REFS]

    def call_result(self, ref: Ref, event: Call, scope: Scope) -> Refs:
        """What calling `ref` gives."""
        if isinstance(ref, UnitRef | BoundRef):
            if self.world.unit_kind(ref) == "class":
                return (ObjRef(ref.path, ref.number, True),)
            key = UnitKey(ref.path, ref.number)
            return self.returned(key, self._not_come_to(key, event))
        if isinstance(ref, ObjRef):
            called = self.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref)
            return union(self.call_result(c, event, scope) for c in called if isinstance(c, BoundRef))
        if isinstance(ref, LibRef):
            args = tuple(self.world.resolve(arg, scope) for arg in event.args[:2])
            return self.library_result(ref.symbol, event, scope, args)
        if isinstance(ref, LibObj) and not ref.type.endswith("()"):
            return self.library_result(f"{ref.type}.__call__", event, scope, ())
        return ()

    def _not_come_to(self, key: UnitKey, call: Call) -> frozenset[int]:
        """The events that a function does not come to because a call leaves out arguments that it asks for (`if func is
        None: return …`)."""
        known = self._asked.get(key)
        scope = self.world.scope(key)
        if known is None:
            known = self._asked[key] = asked_defaults(scope.unit) if len(scope.given) > 1 else {}
        if not known or is_open(call):
            return frozenset()
        params = scope.unit.params
        offset = 1 if params[0].name in ("self", "cls") else 0
        left_out = frozenset(
            param.name
            for number, param in enumerate(params)
            if param.name in known
            and given(call, param.name, number - offset if param.kind == "positional" else None) is None
        )
        if not left_out:
            return frozenset()
        dead = self._dead.get((key, left_out))
        if dead is None:
            values = {name: known[name] for name in left_out}
            dead = self._dead[key, left_out] = frozenset(dead_events(scope.unit, values))
        return dead

    def returned(self, key: UnitKey, but: frozenset[int] = frozenset()) -> Refs:
        """What a function of the tree returns (or, for a generator, yields), `but` for what these events do."""
        scope = self.world.scope(key)
        unit = scope.unit
        events = scope.given
        if but:
            events = [
                event
                for number, event in enumerate(unit.events)
                if isinstance(event, Return | Yield) and number not in but
            ]
        parts = [self.world.resolve(event.value, scope) for event in events if event.value is not None]
        refs = tuple(ref for ref in union(parts) if ref != NOTHING)
        if not any(isinstance(ref, ObjRef) for ref in refs):
            # a class of the app that the function says it gives is more than what is known of a library's
            said = self.world.annotated(unit.returns, scope.parent or scope)
            refs = union((refs, said)) if any(isinstance(ref, ObjRef) for ref in said) else refs or said
        return refs

    def library_result(self, symbol: str, event: Call | None, scope: Scope, args: tuple[Refs, ...]) -> Refs:
        """What calling a library's function or class gives."""
        rows = self.world.rows.find(self.world.rows.returns, symbol)
        rows = [row for row in rows if not row.where or self._is_meant(row, event, scope)]
        if rows:
            made = self._instances(rows, event, scope)
            found = [self._returns(row.type, row.same_as, symbol, event, scope, args) for row in rows]
            for row in rows:
                if row.owner and event is not None and not row.element:
                    found.append(made_of(self.world, self.world.rows, row.type, event, scope))
            return made or union(found)
        loaded = self._loaded(symbol, event, scope)
        if loaded:
            return loaded
        last = symbol.rpartition(".")[2]
        if last == "partial" and args:
            return args[0]
        if last[:1].isupper() or symbol in self.world.rows.class_bases:
            return (LibObj(symbol),)
        if symbol.startswith("builtins."):
            return self._builtin_result(last, event, scope, args)
        return (LibObj(f"{symbol}()"),)

    def _instances(self, rows: Iterable[ReturnsRow], event: Call | None, scope: Scope) -> Refs:
        """Instances of the classes that a call is given to make one of."""
        made: list[Ref] = []
        for ref in self.made_of(rows, event, scope):
            made.append(LibObj(ref.symbol) if isinstance(ref, LibRef) else ObjRef(ref.path, ref.number, True))
        return tuple(made)

    def made_of(
        self, rows: Iterable[ReturnsRow], event: Call | None, scope: Scope
    ) -> Iterator[LibRef | UnitRef]:
        """The classes that a call is given to make an instance of."""
        for row in rows:
            expr = given(event, row.made_of, None) if row.made_of and event is not None else None
            for ref in self.world.resolve(expr, scope) if expr is not None else ():
                if isinstance(ref, LibRef) or (
                    isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class"
                ):
                    yield ref

    def _loaded(self, symbol: str, event: Call | None, scope: Scope) -> Refs:
        """What a call gives that loads a module or what is in one by its dotted name (`import_module("jobs.mail")`)."""
        parts: list[Refs] = []
        for row in self.world.rows.find(self.world.rows.loads, symbol) if event is not None else ():
            expr = given(event, row.argument, row.position) if event is not None else None
            for ref in self.world.resolve(expr, scope) if expr is not None else ():
                if isinstance(ref, ConstRef) and isinstance(ref.value, str):
                    parts.append(self._by_name(ref.value.replace(":", ".")))
            if expr is not None and event is not None and not any(parts):
                names = family(self.world, expr, scope, given(event, "package", 1))
                parts.extend(self._by_name(name) for name in names)
        return union(parts)

    def _by_name(self, dotted: str) -> Refs:
        path = self.world.find_module(dotted)
        if path is not None:
            return (ModRef(path),)
        module, _, name = dotted.rpartition(".")
        path = self.world.find_module(module) if module else None
        return self.world.module_attribute(path, name) if path is not None else ()

    def _is_meant(self, row: ReturnsRow, event: Call | None, scope: Scope) -> bool:
        """Whether the constant arguments of a call pick this row (`client("sqs")`)."""
        if event is None:
            return False
        for test in row.where:
            values = [
                ref.value
                for name, expr in (*enumerate(event.args), *event.keywords)
                if name in (test.position, test.argument)
                for ref in self.world.resolve(expr, scope)
                if isinstance(ref, ConstRef)
            ]
            if not any(value in test.equals for value in values):
                return False
        return True

    def _returns(
        self, type_: str, same_as: str, symbol: str, event: Call | None, scope: Scope, args: tuple[Refs, ...]
    ) -> Refs:
        if same_as == "self":
            return (LibObj(symbol.rpartition(".")[0]),)
        if same_as.isdigit():
            return args[int(same_as)] if int(same_as) < len(args) else ()
        if same_as:
            if event is not None:
                for name, value in event.keywords:
                    if name == same_as:
                        return self.world.resolve(value, scope)
            return args[0] if args else ()
        return (LibObj(self.world.rows.canonical(type_)),) if type_ else ()

    def _builtin_result(self, name: str, event: Call | None, scope: Scope, args: tuple[Refs, ...]) -> Refs:
        if name == "getattr" and event is not None and len(event.args) >= 2:
            attribute = event.args[1]
            if isinstance(attribute, Const) and isinstance(attribute.value, str):
                found = [self.world.member(ref, attribute.value) for ref in args[0]] if args else []
                return union([*found, *(self.world.resolve(default, scope) for default in event.args[2:3])])
            names = [r.value for r in self.world.resolve(attribute, scope) if isinstance(r, ConstRef)]
            texts = [name for name in names if isinstance(name, str)]
            if texts:
                found = [self.world.member(ref, text) for ref in (args[0] if args else ()) for text in texts]
                return union([*found, *(self.world.resolve(default, scope) for default in event.args[2:3])])
            prefix = text_prefix(attribute)
            found = [self.world.members_by_prefix(ref, prefix) for ref in args[0]] if prefix and args else []
            return union([*found, *(self.world.resolve(default, scope) for default in event.args[2:3])])
        if name in _HAND_OUT and event is not None and isinstance(event.func, Attr):
            held = self.world.contents(event.func.value, scope, values=True)
            return union([held, *(self.world.resolve(default, scope) for default in event.args[1:2])])
        if name in ("next", "iter") and event is not None and event.args:
            return self.world.elements(event.args[0], scope)
        if name in ("dict", "list", "set", "tuple", "str", "bytes", "int", "frozenset", "bytearray", "float"):
            return (LibObj(f"builtins.{name}"),)
        if name in ("open", "type", "globals"):
            return (LibObj(f"builtins.{name}()"),)
        return ()

    def entered(self, expr: Expr | None, scope: Scope) -> Refs:
        """What `with expr as name` gives."""
        parts: list[Refs] = []
        for ref in self.world.resolve(expr, scope):
            if isinstance(ref, ObjRef):
                key = UnitKey(ref.path, ref.number)
                methods = [
                    method
                    for name in ("__enter__", "__aenter__")
                    for method in self.world.class_member(key, name, ref)
                    if isinstance(method, BoundRef)
                ]
                # without one the object is what a generator yields, that a decorator made a context manager
                parts.extend(self.returned(UnitKey(m.path, m.number)) for m in methods)
                parts.append((ref,) if not methods else ())
            elif isinstance(ref, LibObj):
                rows = self.world.rows.find(self.world.rows.returns, f"{ref.type}.__enter__")
                for row in rows:
                    parts.append((LibObj(self.world.rows.canonical(row.type)),))
                if not rows:
                    parts.append((ref,))
            else:
                parts.append((ref,))
        return union(parts)


def text_prefix(expr: Expr) -> str:
    """The text that a computed name begins with; "" where none is known."""
    first = expr.parts[0] if isinstance(expr, Text) and expr.parts else None
    return first.value.partition("%")[0] if isinstance(first, Const) and isinstance(first.value, str) else ""
