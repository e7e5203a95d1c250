"""What containers hold: displays, what is put into them later, and what iterating gives."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

from proctor.link.memory import MAX_REFS, Cell, Memo, Memory, Refs, attribute_cell, contents_cell, union
from proctor.link.modules import Modules
from proctor.link.records import made_of
from proctor.link.scopes import Binding, Module, Scope
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Comp,
    Const,
    Define,
    Expr,
    Import,
    Item,
    Map,
    Name,
    Op,
    Result,
    Return,
    Seq,
    Star,
)
from proctor.model.program import BoundRef, ConstRef, LibObj, LibRef, ModRef, ObjRef, UnitKey, UnitRef

#: built-ins whose result iterates over the items of an argument
_PASS_ON = {"sorted": 0, "list": 0, "tuple": 0, "set": 0, "reversed": 0, "iter": 0, "next": 0, "frozenset": 0,
            "enumerate": 0, "filter": 1, "zip": 0, "max": 0, "min": 0}  # fmt: skip
#: calls that give what a module holds
_MEMBERS = frozenset({"builtins.vars", "inspect.getmembers"})


_CONTAINERS = frozenset(
    {"builtins.dict", "builtins.list", "builtins.set", "collections.OrderedDict", "collections.UserDict",
     "collections.UserList", "collections.defaultdict", "collections.deque", "typing.Dict", "typing.List"}
)  # fmt: skip


class Names(Protocol):
    """What containers ask of name resolution."""

    def resolve(self, expr: Expr | None, scope: Scope) -> Refs:
        """All that `expr` may stand for in `scope`."""
        ...

    def bound(self, bindings: list[Binding]) -> Refs:
        """All that a name stands for that is bound so."""
        ...

    def lookup(self, name: str, scope: Scope) -> list[Binding]:
        """The bindings of a name."""
        ...

    def annotated(self, expr: Expr | None, scope: Scope) -> Refs:
        """Instances of the classes that an annotation names."""
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


class Containers:
    """The contents of containers in one world."""

    def __init__(self, names: Names, modules: Modules, memory: Memory) -> None:
        self.names = names
        self.modules = modules
        self.memory = memory
        self._contents: dict[Any, Memo] = {}

    def contents(self, expr: Expr | None, scope: Scope, *, values: bool, depth: int = 0) -> Refs:
        """The items of a container; for a mapping its values (or keys, where `values` is False)."""
        if expr is None or depth > 6:
            return ()
        key = (scope.key, expr, values)
        return self.memory.remembered(
            self._contents,
            key,
            lambda: self._read_contents(expr, scope, values, depth) or self._own(expr, scope, values),
        )

    def _own(self, expr: Expr, scope: Scope, values: bool) -> Refs:
        """What an object of a class that is a container holds (`class Registry(dict[str, Job])`)."""
        if not isinstance(expr, Name | Attr | Result):
            return ()
        parts: list[Refs] = []
        for ref in self.names.resolve(expr, scope):
            project, library = (
                self.names.mro(UnitKey(ref.path, ref.number)) if isinstance(ref, ObjRef) else ((), ())
            )
            for owner in project if not _CONTAINERS.isdisjoint(library) else ():
                home = self.modules.scope(owner)
                for inner in home.module.adding:
                    receiver = _receiver_of(inner, owner.number)
                    if receiver:
                        parts.append(self._added_to(Name(receiver), inner, values))
                for base in home.unit.bases:
                    if isinstance(base, Item):
                        said = base.index.items[-1] if isinstance(base.index, Seq) else base.index
                        parts.append(self.names.annotated(said, home.parent or home))
        return union(parts)

    def _read_contents(self, expr: Expr, scope: Scope, values: bool, depth: int) -> Refs:
        if isinstance(expr, Seq):
            return union(
                self.contents(item.value, scope, values=values, depth=depth + 1)
                if isinstance(item, Star)
                else self._flattened(item, scope)
                for item in expr.items
            )
        if isinstance(expr, Map):
            chosen = expr.values if values else tuple(key for key in expr.keys if key is not None)
            return union(self._flattened(value, scope) for value in chosen)
        if isinstance(expr, Comp):
            return self._flattened(expr.element, scope)
        if isinstance(expr, Op):
            return union(self.contents(part, scope, values=values, depth=depth + 1) for part in expr.operands)
        if isinstance(expr, Result):
            return self._result_contents(expr, scope, values, depth)
        if isinstance(expr, Name):
            return self._named_contents(expr, scope, values, depth)
        if isinstance(expr, Attr):
            return self._attribute_contents(expr, scope, values, depth)
        if isinstance(expr, Item):
            inside = self._inner(expr, scope)
            held = [self.contents(each, home, values=values, depth=depth + 1) for each, home in inside]
            held.extend(self._kept_contents(expr, scope))
            return union([self.contents(expr.value, scope, values=True, depth=depth + 1), *held])
        if isinstance(expr, Await):
            return self.contents(expr.value, scope, values=values, depth=depth + 1)
        return ()

    def _kept_contents(self, expr: Item, scope: Scope) -> list[Refs]:
        """What the app itself put under a key of a library's object (`app.config["JOBS"] = {"mail": send}`)."""
        if not isinstance(expr.index, Const):
            return []
        return [
            self.memory.look_at(("", f"{self.modules.rows.canonical(f'{ref.type}[{expr.index.value}]')}[]"))
            for ref in self.names.resolve(expr.value, scope)
            if isinstance(ref, LibObj) and not ref.type.startswith("builtins.")
        ]

    def _inner(self, expr: Item, scope: Scope) -> list[tuple[Expr, Scope]]:
        """The containers inside another one, that an item of it may be (`TABLE["jobs"]`)."""
        outer: list[tuple[Expr, Scope]] = []
        if isinstance(expr.value, Item):
            outer = self._inner(expr.value, scope)
        else:
            outer = self._displays_of(expr.value, scope)
        found: list[tuple[Expr, Scope]] = []
        for each, home in outer:
            pairs = zip(each.keys, each.values, strict=True) if isinstance(each, Map) else ()
            items = [(None, item) for item in each.items] if isinstance(each, Seq) else pairs
            for key, value in items:
                fits = not (isinstance(key, Const) and isinstance(expr.index, Const)) or key == expr.index
                if fits and isinstance(value, Map | Seq | Item | Name | Attr):
                    found.append((value, home))
        return found

    def _displays_of(self, expr: Expr, scope: Scope) -> list[tuple[Expr, Scope]]:
        """What a name, or an attribute of an object or module of the tree, is bound to."""
        bindings: list[Binding] = []
        found: list[tuple[Expr, Scope]] = []
        if isinstance(expr, Name):
            bindings = self.names.lookup(expr.id, scope)
        for ref in self.names.resolve(expr.value, scope) if isinstance(expr, Attr) else ():
            assert isinstance(expr, Attr)
            module = (
                self.modules.module(ref.path) if isinstance(ref, ModRef) and ref.path[-1:] != "/" else None
            )
            if module is not None:
                bindings.extend(module.scopes[0].bindings.get(expr.name, ()))
            elif isinstance(ref, ObjRef | UnitRef) and self.names.unit_kind(ref) == "class":
                for owner in self.names.mro(UnitKey(ref.path, ref.number))[0]:
                    home = self.modules.scope(owner)
                    bindings.extend(home.bindings.get(expr.name, ()))
                    kept = home.module.self_attributes(owner.number).get(expr.name, ())
                    found.extend((event.value, method) for method, event in kept if event.value is not None)
        for each in bindings:
            if isinstance(each.event, Bind) and each.event.value is not None:
                found.append((each.event.value, each.scope))
        return found

    def _flattened(self, expr: Expr, scope: Scope) -> Refs:
        """An item's refs; a tuple inside a list gives its members (`for path, view in ROUTES`)."""
        if isinstance(expr, Seq):
            return union(self._flattened(item, scope) for item in expr.items)
        return self.names.resolve(expr, scope)

    def _named_contents(self, expr: Name, scope: Scope, values: bool, depth: int) -> Refs:
        parts: list[Refs] = []
        for binding in self.names.lookup(expr.id, scope):
            event, home = binding.event, binding.scope
            if isinstance(event, Define):
                parts.append(self._members(UnitKey(home.module.path, event.unit)))
            if isinstance(event, Bind) and event.how in ("assign", "annotation", "walrus", "aug"):
                parts.append(self.contents(event.value, home, values=values, depth=depth + 1))
                parts.append(self._added(expr.id, home, values))
                parts.append(self.memory.look_at(_filled_cell(home.key, expr.id)))
            elif isinstance(event, Bind) and event.how in ("for", "unpack", "comprehension"):
                parts.append(self.contents(event.value, home, values=values, depth=depth + 1))
            elif isinstance(event, Import):
                parts.append(self._imported_contents(home.module, event, values, depth))
            elif event is None:
                parts.append(self._annotated_contents(home, binding.param))
                parts.append(self._passed_contents(home, binding.param))
        return union(parts)

    def _members(self, key: UnitKey) -> Refs:
        """What iterating over an enumeration gives."""
        is_class = self.modules.scope(key).unit.kind == "class"
        is_enumeration = is_class and any(name.startswith("enum.") for name in self.names.mro(key)[1])
        return (ObjRef(*key, True),) if is_enumeration else ()

    def _passed_contents(self, scope: Scope, number: int) -> Refs:
        """What callers pass in a container, or one by one to `*args`."""
        several = scope.unit.params[number].kind in ("args", "kwargs")
        return self.memory.look_at((scope.key, number if several else contents_cell(number)))

    def _annotated_contents(self, scope: Scope, number: int) -> Refs:
        annotation = scope.unit.params[number].annotation
        if isinstance(annotation, Item):
            inner = annotation.index.items if isinstance(annotation.index, Seq) else (annotation.index,)
            return union(self.names.annotated(part, scope.parent or scope) for part in inner)
        return ()

    def _imported_contents(self, module: Module, event: Import, values: bool, depth: int) -> Refs:
        path, _ = self.modules.import_target(module, event)
        if path is None or event.name is None or path.endswith("/"):
            return ()
        target = self.modules.module(path)
        if target is None or target is module or event.name not in target.scopes[0].bindings:
            return ()
        return self.contents(Name(event.name), target.scopes[0], values=values, depth=depth + 1)

    def _attribute_contents(self, expr: Attr, scope: Scope, values: bool, depth: int) -> Refs:
        parts: list[Refs] = []
        for ref in self.names.resolve(expr.value, scope):
            if isinstance(ref, ModRef) and not ref.path.endswith("/"):
                module = self.modules.module(ref.path)
                if expr.name == "__dict__":
                    parts.append(self._defined(ref.path))
                elif module is not None:
                    parts.append(
                        self.contents(Name(expr.name), module.scopes[0], values=values, depth=depth + 1)
                    )
            elif isinstance(ref, LibRef | LibObj):
                owner = ref.symbol if isinstance(ref, LibRef) else ref.type
                parts.append(self.memory.look_at(("", f"{owner}.{expr.name}[]")))
            elif isinstance(ref, ObjRef | UnitRef) and self.names.unit_kind(ref) == "class":
                parts.append(self._class_contents(UnitKey(ref.path, ref.number), expr.name, values, depth))
        return union(parts)

    def _class_contents(self, key: UnitKey, name: str, values: bool, depth: int) -> Refs:
        parts: list[Refs] = []
        for owner in self.names.mro(key)[0]:
            scope = self.modules.scope(owner)
            parts.append(self.memory.look_at(_filled_cell(owner, name)))
            if name in scope.bindings:
                parts.append(self.contents(Name(name), scope, values=values, depth=depth + 1))
            for method, event in scope.module.self_attributes(owner.number).get(name, ()):
                parts.append(self.contents(event.value, method, values=values, depth=depth + 1))
            for inner in scope.module.adding:
                parts.append(self._added_to(Attr(Name(scope.unit.name), name), inner, values))
                receiver = _receiver_of(inner, owner.number)
                if receiver:
                    parts.append(self._added_to(Attr(Name(receiver), name), inner, values))
        return union(parts)

    def _defined(self, path: str) -> Refs:
        """The functions and classes that a module itself makes (`vars(steps).values()`)."""
        module = self.modules.module(path)
        events = module.scopes[0].unit.events if module is not None else ()
        return tuple(UnitRef(path, event.unit) for event in events if isinstance(event, Define))[:MAX_REFS]

    def _members_of(self, event: Call, scope: Scope) -> Refs:
        """`vars(module)`, `inspect.getmembers(module)`."""
        given = self.names.resolve(event.args[0], scope) if event.args else ()
        modules = [ref.path for ref in given if isinstance(ref, ModRef) and not ref.path.endswith("/")]
        asked = any(
            isinstance(ref, LibRef) and ref.symbol in _MEMBERS
            for ref in (self.names.resolve(event.func, scope) if modules else ())
        )
        return union(map(self._defined, modules)) if asked else ()

    def _result_contents(self, expr: Result, scope: Scope, values: bool, depth: int) -> Refs:
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        func = event.func
        if isinstance(func, Attr) and func.name in ("values", "items", "copy", "get", "pop", "setdefault"):
            held = self.contents(func.value, scope, values=True, depth=depth + 1)
            if func.name not in ("get", "pop", "setdefault"):
                return held
            others = (self.contents(arg, scope, values=values, depth=depth + 1) for arg in event.args[1:2])
            return union((held, *others))
        if isinstance(func, Attr) and func.name == "__subclasses__":
            owners = self.names.resolve(func.value, scope)
            below = [
                self.names.below(UnitKey(ref.path, ref.number)) for ref in owners if isinstance(ref, UnitRef)
            ]
            return union(tuple(UnitRef(*key) for key in keys) for keys in below)
        if isinstance(func, Attr) and func.name in ("rpartition", "rsplit"):
            texts = [ref.value for ref in self._dotted(func.value, scope) if isinstance(ref, ConstRef)]
            parted = [text.rpartition(".") for text in texts if isinstance(text, str) and "." in text]
            # `World` gives the first name the heads and the others the tails
            return tuple(ConstRef(part) for head, _, tail in parted for part in (head, tail))[:MAX_REFS]
        if isinstance(func, Attr) and func.name == "keys":
            return self.contents(func.value, scope, values=False, depth=depth + 1)
        if isinstance(func, Name) and func.id in _PASS_ON and not self.names.lookup(func.id, scope):
            number = _PASS_ON[func.id]
            chosen = event.args if func.id == "zip" else event.args[number : number + 1]
            return union(self.contents(arg, scope, values=values, depth=depth + 1) for arg in chosen)
        parts: list[Refs] = [self._members_of(event, scope)]
        for ref in self.names.resolve(func, scope):
            if isinstance(ref, UnitRef | BoundRef) and self.names.unit_kind(ref) != "class":
                inner = self.modules.scope(UnitKey(ref.path, ref.number))
                for made in inner.given:
                    if isinstance(made, Return):
                        parts.append(self.contents(made.value, inner, values=values, depth=depth + 1))
                    else:
                        parts.append(self.names.resolve(made.value, inner))
            elif isinstance(ref, LibRef):
                parts.extend(self._rows_contents(ref.symbol, event, scope))
        return union(parts)

    def _rows_contents(self, symbol: str, call: Call, scope: Scope) -> list[Refs]:
        """The items of what a library's function gives."""
        parts: list[Refs] = []
        rows = self.modules.rows
        for row in rows.find(rows.returns, symbol):
            if row.element:
                base = rows.canonical(row.element)
                parts.append((LibObj(base),))
                if row.owner:
                    parts.append(made_of(self.names, rows, base, call, scope))
        return parts

    def _dotted(self, expr: Expr, scope: Scope) -> Refs:
        """The texts that are taken apart. What the name is given afterwards is often what they name
        (`cls = getattr(import_module(module), name)`)."""
        if not isinstance(expr, Name):
            return self.names.resolve(expr, scope)
        bindings = self.names.lookup(expr.id, scope)
        before = [
            each
            for each in bindings
            if not (
                isinstance(each.event, Bind)
                and each.event.how == "assign"
                and isinstance(each.event.value, Result)
            )
        ]
        return self.names.bound(before or bindings)

    def _added(self, name: str, scope: Scope, values: bool) -> Refs:
        """What the module itself puts into a container later: `X[k] = v`, `X.append(v)`."""
        parts = [self._added_to(Name(name), scope, values)]
        if scope.unit.index == 0:
            for inner in scope.module.adders(Name(name)):
                if inner is not scope and (name not in inner.unit.locals or name in inner.unit.globals):
                    parts.append(self._added_to(Name(name), inner, values))
        return union(parts)

    def filled(self, scope: Scope, number: int) -> Refs:
        """What a unit puts into the container that it is given for a parameter."""
        return self._added_to(Name(scope.unit.params[number].name), scope, True)

    def filled_cells(self, expr: Expr, scope: Scope) -> Iterator[Cell]:
        """The cells of what others put into a container that they are given."""
        if isinstance(expr, Name):
            for binding in self.names.lookup(expr.id, scope):
                home, name = binding.scope, expr.id
                if isinstance(binding.event, Import) and binding.event.name is not None:
                    path, _ = self.modules.import_target(home.module, binding.event)
                    if path is not None:
                        yield _filled_cell(UnitKey(path, 0), binding.event.name)
                elif isinstance(binding.event, Bind):
                    yield _filled_cell(home.key, name)
        elif isinstance(expr, Attr):
            for ref in self.names.resolve(expr.value, scope):
                if isinstance(ref, ModRef):
                    yield _filled_cell(UnitKey(ref.path, 0), expr.name)
                elif isinstance(ref, ObjRef | UnitRef):
                    yield _filled_cell(UnitKey(ref.path, ref.number), expr.name)

    def _added_to(self, container: Expr, scope: Scope, values: bool) -> Refs:
        parts: list[Refs] = []
        for event in scope.additions.get(container, ()):
            if isinstance(event, Call):
                parts.extend(self._flattened(arg, scope) for arg in event.args)
            elif event.value is not None:
                parts.append(self._flattened(event.value if values else event.index, scope))
        return union(parts)


def _filled_cell(key: UnitKey, name: str) -> Cell:
    """The cell of what is put into a container of a module, class or function by whom it is passed to."""
    return attribute_cell(UnitRef(*key), f"{name}[]")


def _receiver_of(scope: Scope, owner: int) -> str:
    """The name by which a method of a class, or a function inside one, calls the object ("" for other functions)."""
    home: Scope | None = scope
    while home is not None and home.unit.parent != owner:
        home = home.parent
    if home is None or home.unit.kind != "function" or not home.unit.params:
        return ""
    name = home.unit.params[0].name
    return name if home is scope or name not in scope.unit.locals else ""
