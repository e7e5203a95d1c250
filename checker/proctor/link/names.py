"""What names and expressions stand for, within one world (one list of import folders).

Resolution is flow-insensitive: a name stands for everything that is ever bound to it. Parameters are cells
that grow while calls are linked; a result is remembered with the cells that it looked at and holds until one
of them grows, and whoever is being linked at that moment is noted as a reader of the cell.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple

from proctor.link.rows import Rows
from proctor.link.scopes import Binding, Module, Scope
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
    Comp,
    Const,
    Define,
    Expr,
    FileFacts,
    Func,
    Import,
    Item,
    Map,
    Name,
    Op,
    Result,
    Return,
    Seq,
    Star,
    Text,
    Yield,
)
from proctor.model.program import BoundRef, ConstRef, LibObj, LibRef, ModRef, ObjRef, Ref, UnitKey, UnitRef
from proctor.model.tree import SourceTree

Refs = tuple[Ref, ...]
BUILTINS = frozenset(dir(builtins))
#: more stands for "anything": it is cut off so that one hub does not make everything reach everything
MAX_REFS = 24
_MAX_DEPTH = 40
#: built-ins whose result iterates over the items of an argument
_PASS_ON = {"sorted": 0, "list": 0, "tuple": 0, "set": 0, "reversed": 0, "iter": 0, "next": 0, "frozenset": 0,
            "enumerate": 0, "filter": 1, "zip": 0, "max": 0, "min": 0}  # fmt: skip


def union(parts: Iterable[Refs]) -> Refs:
    """All refs of the parts, each once, in order."""
    seen: dict[Ref, None] = {}
    for part in parts:
        for ref in part:
            seen[ref] = None
    return tuple(seen)[:MAX_REFS]


#: a parameter of a unit, or ("", symbol) for an attribute that the app keeps on a library's object
Cell = tuple[UnitKey, int] | tuple[str, str]


class _Memo(NamedTuple):
    """A result, the cells it looked at, how many refs these held together, and the one pass it is good for (0: any)."""

    refs: Refs
    cells: frozenset[Cell]
    size: int
    only_in: int


class World:
    """Modules as seen from one list of import folders, and what their names stand for."""

    def __init__(
        self, tree: SourceTree, files: Mapping[str, FileFacts], rows: Rows, roots: tuple[str, ...]
    ) -> None:
        self.tree = tree
        self.files = files
        self.rows = rows
        self.roots = roots
        self.modules: dict[str, Module] = {}
        self.cells: dict[Cell, dict[Ref, None]] = {}
        self.readers: dict[Cell, set[UnitKey]] = {}
        self.current: UnitKey | None = None
        self.subclasses: dict[UnitKey, dict[UnitKey, None]] = {}
        #: parameter refs that a class-level model row gives (`pytest`-style injection is not among them)
        #: cells that the results being computed have looked at, and whether a cycle cut one of them short
        self._looked_at: set[Cell] = set()
        self._cut_short = False
        self._active: set[object] = set()
        self._depth = 0
        #: counts the units linked: a result that a cycle cut short is good for one of them only
        self._pass = 0
        self._found: dict[str, str | None] = {}
        self._mro: dict[UnitKey, tuple[tuple[UnitKey, ...], tuple[str, ...]]] = {}
        self._attributes: dict[object, _Memo] = {}
        self._contents: dict[object, _Memo] = {}
        self._dispatch: dict[type, Callable[..., Refs]] = {
            Name: self._name,
            Attr: self._attr,
            Result: self._result,
            Item: self._item,
            Func: self._func,
            Op: self._op,
            Choice: self._choice,
            Const: self._const,
            Await: self._through,
            Star: self._through,
            Seq: self._display,
            Map: self._display,
            Comp: self._display,
            Text: self._display,
        }

    # --- modules ---------------------------------------------------------------------------------

    def module(self, path: str) -> Module | None:
        """The module of a file that was read; None for others."""
        module = self.modules.get(path)
        if module is None:
            facts = self.files.get(path)
            if facts is None:
                return None
            module = self.modules[path] = Module(path, facts)
        return module

    def scope(self, key: UnitKey) -> Scope:
        """The scope of a unit of a file that was read."""
        module = self.module(key.path)
        assert module is not None
        return module.scopes[key.number]

    def find_module(self, dotted: str) -> str | None:
        """The tree's file (or namespace folder) for an absolute module name; None for a library's."""
        if dotted not in self._found:
            self._found[dotted] = self._search(dotted)
        return self._found[dotted]

    def _search(self, dotted: str) -> str | None:
        if not dotted:
            return None
        path = self.tree.find_module(dotted, self.roots)
        if path is None or not path.endswith("/"):
            return path
        # A regular package anywhere on the path beats a namespace folder: such a folder counts only if it
        # holds Python and no library of that name is known.
        if dotted.partition(".")[0] in self.rows.roots:
            return None
        return path if any(name.startswith(path) for name in self.tree.python) else None

    def import_target(self, module: Module, event: Import) -> tuple[str | None, str]:
        """The file that `from M import …`/`import M` names, and the dotted name it has as a library otherwise."""
        if event.level == 0:
            return self.find_module(event.module), event.module
        folder = module.folder.split("/") if module.folder else []
        up = event.level - 1
        if up > len(folder):
            return None, "." * event.level + event.module
        base = folder[: len(folder) - up]
        stem = "/".join([*base, *event.module.split(".")]) if event.module else "/".join(base)
        return self._at(stem), "." * event.level + event.module

    def _at(self, stem: str) -> str | None:
        for candidate in (f"{stem}/__init__.py" if stem else "__init__.py", f"{stem}.py"):
            if candidate in self.tree:
                return candidate
        return f"{stem}/" if self.tree.is_folder(stem) else None

    def submodule(self, path: str, name: str) -> str | None:
        """The module `name` inside the package at `path`."""
        if path.endswith("/"):
            stem = path + name
        elif path.endswith("__init__.py"):
            stem = path[: -len("__init__.py")] + name
        else:
            return None
        found = self._at(stem)
        if found and found.endswith("/") and not any(p.startswith(found) for p in self.tree.python):
            return None
        return found

    def imported(self, module: Module, event: Import) -> Refs:
        """What an import event binds."""
        path, dotted = self.import_target(module, event)
        if event.name is None:
            if event.alias:
                return (ModRef(path),) if path else (self._lib(dotted),)
            top = event.module.partition(".")[0]
            root = self.find_module(top)
            return (ModRef(root),) if root else (self._lib(top),)
        if path is None:
            return (self._lib(f"{dotted}.{event.name}"),) if event.level == 0 else ()
        return self.module_attribute(path, event.name) or self._missing(path, dotted, event)

    def _missing(self, path: str, dotted: str, event: Import) -> Refs:
        # A folder of the tree that shadows a library's name without holding what is imported.
        if path.endswith("/") and event.level == 0:
            return (self._lib(f"{dotted}.{event.name}"),)
        return ()

    def _lib(self, symbol: str) -> LibRef:
        return LibRef(self.rows.canonical(symbol))

    def module_attribute(self, path: str, name: str) -> Refs:
        """What `module.name` stands for: a binding, a submodule, or what a star import brings."""
        return self._remembered(self._attributes, (path, name), lambda: self._module_attribute(path, name))

    def begin(self, key: UnitKey | None) -> None:
        """A unit is about to be linked: it is the reader of the cells looked at from now on."""
        self.current = key
        self._pass += 1

    def _remembered(self, table: dict[Any, _Memo], key: Any, compute: Callable[[], Refs]) -> Refs:
        """`compute()`, unless the table has its result and no cell that it looked at has grown since."""
        known = table.get(key)
        if known is not None and self._is_good(known):
            return known.refs
        mark = (id(table), key)
        if mark in self._active or self._depth > _MAX_DEPTH:
            self._cut_short = True
            return ()
        looked_at, cut_short = self._looked_at, self._cut_short
        self._looked_at, self._cut_short = set(), False
        self._active.add(mark)
        self._depth += 1
        refs = compute()
        self._depth -= 1
        self._active.discard(mark)
        cells = frozenset(self._looked_at)
        table[key] = _Memo(refs, cells, self._size(cells), self._pass if self._cut_short else 0)
        self._looked_at = looked_at | cells
        self._cut_short = self._cut_short or cut_short
        return refs

    def _is_good(self, memo: _Memo) -> bool:
        if memo.only_in and memo.only_in != self._pass:
            return False
        if memo.cells:
            if self._size(memo.cells) != memo.size:
                return False
            self._looked_at |= memo.cells
            if self.current is not None:
                for cell in memo.cells:
                    self.readers.setdefault(cell, set()).add(self.current)
        if memo.only_in:
            self._cut_short = True
        return True

    def _size(self, cells: Iterable[Cell]) -> int:
        return sum(len(self.cells.get(cell, ())) for cell in cells)

    def _module_attribute(self, path: str, name: str) -> Refs:
        if not path.endswith("/"):
            module = self.module(path)
            if module is not None:
                bound = module.scopes[0].bindings.get(name)
                if bound:
                    refs = self._bound(bound)
                    if refs:
                        return refs
                if not bound:
                    for star in module.stars:
                        refs = self._from_star(module, star, name)
                        if refs:
                            return refs
        found = self.submodule(path, name)
        return (ModRef(found),) if found else ()

    def _from_star(self, module: Module, star: Import, name: str) -> Refs:
        target, dotted = self.import_target(module, star)
        if target is not None:
            return self.module_attribute(target, name) if target != module.path else ()
        symbol = self.rows.canonical(f"{dotted}.{name}")
        known = symbol in self.rows.effects or symbol in self.rows.class_bases or symbol in self.rows.runs
        return (LibRef(symbol),) if known and star.level == 0 else ()

    # --- expressions ------------------------------------------------------------------------------

    def resolve(self, expr: Expr | None, scope: Scope) -> Refs:
        """All that `expr` may stand for in `scope`; empty where nothing is known."""
        handler = self._dispatch.get(type(expr))
        if handler is None or expr is None:
            return ()
        return self._remembered(scope.memo, expr, lambda: handler(expr, scope))

    def _const(self, expr: Const, scope: Scope) -> Refs:
        return (ConstRef(expr.value),)

    def _through(self, expr: Await | Star, scope: Scope) -> Refs:
        return self.resolve(expr.value, scope)

    def _display(self, expr: Seq | Map | Comp | Text, scope: Scope) -> Refs:
        if isinstance(expr, Text):
            return (LibObj("builtins.str"),)
        if isinstance(expr, Map):
            return (LibObj("builtins.dict"),)
        return (LibObj(f"builtins.{expr.kind}"),)

    def _func(self, expr: Func, scope: Scope) -> Refs:
        return (UnitRef(scope.module.path, expr.unit),)

    def _op(self, expr: Op, scope: Scope) -> Refs:
        if expr.name in ("or", "and"):
            return union(self.resolve(operand, scope) for operand in expr.operands)
        if expr.name in ("+", "|") and expr.operands:
            return union(self.resolve(operand, scope) for operand in expr.operands[:2])
        return ()

    def _choice(self, expr: Choice, scope: Scope) -> Refs:
        return union((self.resolve(expr.body, scope), self.resolve(expr.orelse, scope)))

    def _name(self, expr: Name, scope: Scope) -> Refs:
        bound = self.lookup(expr.id, scope)
        if bound:
            return self._bound(bound)
        module = scope.module
        for star in module.stars:
            refs = self._from_star(module, star, expr.id)
            if refs:
                return refs
        return (LibRef(f"builtins.{expr.id}"),) if expr.id in BUILTINS else ()

    def lookup(self, name: str, scope: Scope) -> list[Binding]:
        """The bindings of a name as Python's scoping finds them; empty for built-ins and unknown names."""
        current: Scope | None = scope
        if name in scope.unit.globals:
            current = scope.module.scopes[0]
        while current is not None:
            skip = current is not scope and current.unit.kind == "class"
            if not skip:
                bound = current.bindings.get(name)
                if bound:
                    return bound
            current = current.parent
        return []

    def _bound(self, bindings: list[Binding]) -> Refs:
        return union(self._binding(binding) for binding in bindings)

    def _binding(self, binding: Binding) -> Refs:
        scope, event = binding.scope, binding.event
        if event is None:
            return self.parameter(scope, binding.param)
        if isinstance(event, Import):
            return self.imported(scope.module, event)
        if isinstance(event, Define):
            return self._defined(scope, event)
        assert isinstance(event, Bind)
        return self._bind(event, scope)

    def _bind(self, event: Bind, scope: Scope) -> Refs:
        if event.how in ("for", "comprehension"):
            refs = self.elements(event.value, scope)
        elif event.how == "with":
            refs = self._entered(event.value, scope)
        elif event.how == "unpack":
            refs = self.elements(event.value, scope)
        elif event.how in ("except", "match", "delete"):
            refs = ()
        else:
            refs = self.resolve(event.value, scope)
        return refs or self.annotated(event.annotation, scope)

    def _defined(self, scope: Scope, event: Define) -> Refs:
        unit = scope.module.facts.units[event.unit]
        own: Refs = (UnitRef(scope.module.path, event.unit),)
        if not unit.decorators or unit.kind == "class":
            return own
        wrapped = [own]
        for decorator in unit.decorators:
            for ref in self.resolve(decorator, scope):
                if isinstance(ref, UnitRef | BoundRef) and self.unit_kind(ref) != "class":
                    wrapped.append(self.returned(UnitKey(ref.path, ref.number)))
                elif isinstance(ref, LibRef):
                    made = self._library_result(ref.symbol, None, scope, (own,))
                    wrapped.append(
                        tuple(r for r in made if not (isinstance(r, LibObj) and r.type.endswith("()")))
                    )
                elif isinstance(ref, LibObj) and not ref.type.endswith("()"):
                    wrapped.append((ref,))
        return union(wrapped)

    def unit_kind(self, ref: UnitRef | BoundRef | ObjRef) -> str:
        """The kind of the unit a ref names."""
        return self.files[ref.path].units[ref.number].kind

    # --- parameters ---------------------------------------------------------------------------------

    def parameter(self, scope: Scope, number: int) -> Refs:
        """What a parameter may be: the receiver, its annotation, its default, and all arguments linked so far."""
        unit = scope.unit
        param = unit.params[number]
        if number == 0 and scope.parent is not None and scope.parent.unit.kind == "class":
            receiver = self._receiver(scope)
            if receiver:
                return receiver
        cell: Cell = (scope.key, number)
        self._looked_at.add(cell)
        if self.current is not None:
            self.readers.setdefault(cell, set()).add(self.current)
        given = tuple(self.cells.get(cell, ()))
        enclosing = scope.parent or scope
        if param.kind in ("args", "kwargs"):
            return given
        parts = [given, self.annotated(param.annotation, enclosing)]
        if param.default is not None:
            default = self.resolve(param.default, enclosing)
            parts.append(tuple(ref for ref in default if ref != ConstRef(None)))
        return union(parts)

    def _receiver(self, scope: Scope) -> Refs:
        assert scope.parent is not None
        names = {self._decorator_name(d) for d in scope.unit.decorators}
        if "staticmethod" in names:
            return ()
        owner = scope.parent.key
        if "classmethod" in names or scope.unit.name in ("__new__", "__init_subclass__", "__class_getitem__"):
            return (UnitRef(*owner),)
        return (ObjRef(owner.path, owner.number, False),)

    def _decorator_name(self, expr: Expr) -> str:
        return expr.id if isinstance(expr, Name) else expr.name if isinstance(expr, Attr) else ""

    def feed(self, key: UnitKey, number: int, refs: Refs) -> bool:
        """Let a parameter's cell grow; True where it did."""
        return self.feed_cell((key, number), refs)

    def feed_cell(self, name: Cell, refs: Refs) -> bool:
        """Let a cell grow; True where it did."""
        if not refs:
            return False
        cell = self.cells.setdefault(name, {})
        before = len(cell)
        for ref in refs:
            if len(cell) >= MAX_REFS:
                break
            if not isinstance(ref, ConstRef) or isinstance(ref.value, str):
                cell[ref] = None
        return len(cell) != before

    def annotated(self, expr: Expr | None, scope: Scope) -> Refs:
        """Instances of the classes that an annotation names."""
        if expr is None:
            return ()
        if isinstance(expr, Item):
            inner = expr.index.items if isinstance(expr.index, Seq) else (expr.index,)
            outer = self.resolve(expr.value, scope)
            wanted = inner[:1] if _is_named(outer, "Annotated") else inner
            if _is_named(outer, "Annotated", "Optional", "Union", "ClassVar", "Final", "Type"):
                return union(self.annotated(part, scope) for part in wanted)
            return self._instances(outer)
        if isinstance(expr, Op) and expr.name == "|":
            return union(self.annotated(part, scope) for part in expr.operands)
        if isinstance(expr, Const) and isinstance(expr.value, str) and expr.value.isidentifier():
            return self._instances(self.resolve(Name(expr.value), scope))
        return self._instances(self.resolve(expr, scope))

    def _instances(self, refs: Refs) -> Refs:
        found: list[Ref] = []
        for ref in refs:
            if isinstance(ref, UnitRef) and self.unit_kind(ref) == "class":
                found.append(ObjRef(ref.path, ref.number, False))
            elif isinstance(ref, LibRef) and ref.symbol.rpartition(".")[2][:1].isupper():
                found.append(LibObj(ref.symbol))
        return tuple(found)

    # --- attributes ----------------------------------------------------------------------------------

    def _attr(self, expr: Attr, scope: Scope) -> Refs:
        return union(self.member(ref, expr.name) for ref in self.resolve(expr.value, scope))

    def member(self, ref: Ref, name: str) -> Refs:
        """What `ref.name` stands for."""
        if isinstance(ref, ModRef):
            return self.module_attribute(ref.path, name)
        if isinstance(ref, LibRef):
            return self._library_member(ref.symbol, name)
        if isinstance(ref, LibObj):
            return self._library_member(ref.type, name)
        if isinstance(ref, ObjRef):
            return self.class_member(UnitKey(ref.path, ref.number), name, ref)
        if isinstance(ref, UnitRef) and self.unit_kind(ref) == "class":
            return self.class_member(UnitKey(ref.path, ref.number), name, ref)
        if isinstance(ref, UnitRef | BoundRef):
            return self._function_member(ref, name)
        if isinstance(ref, ConstRef) and isinstance(ref.value, str):
            return (LibRef(f"builtins.str.{name}"),)
        return ()

    def _function_member(self, ref: UnitRef | BoundRef, name: str) -> Refs:
        """`task.delay`: a library decorator may have made the function something else."""
        unit = self.files[ref.path].units[ref.number]
        if not unit.decorators:
            return ()
        scope = self.scope(UnitKey(ref.path, unit.parent))
        own: Refs = (UnitRef(ref.path, ref.number),)
        found: list[Refs] = []
        for decorator in unit.decorators:
            for made in self.resolve(decorator, scope):
                results = (
                    self._library_result(made.symbol, None, scope, (own,))
                    if isinstance(made, LibRef)
                    else (made,)
                )
                for result in results:
                    if isinstance(result, LibObj) and not result.type.endswith("()"):
                        found.append(self._library_member(result.type, name))
        return union(found)

    def _library_member(self, owner: str, name: str) -> Refs:
        symbol = self.rows.canonical(f"{owner}.{name}")
        rows = self.rows.find(self.rows.attributes, symbol)
        if rows:
            return tuple(LibObj(self.rows.canonical(row.type)) for row in rows if row.type)
        kept = self.kept_attribute(symbol)
        return kept or (LibRef(symbol),)

    def kept_attribute(self, symbol: str) -> Refs:
        """What the app itself put on an attribute of a library's object."""
        cell: Cell = ("", symbol)
        self._looked_at.add(cell)
        if self.current is not None:
            self.readers.setdefault(cell, set()).add(self.current)
        return tuple(self.cells.get(cell, ()))

    def class_member(self, key: UnitKey, name: str, receiver: ObjRef | UnitRef) -> Refs:
        """A member looked up on a class of the tree: its own, its bases', and (for an inexact instance) overrides."""
        parts: list[Refs] = []
        project, library = self.mro(key)
        for owner in project:
            refs = self._own_member(owner, name, key)
            if refs:
                parts.append(refs)
                break
        else:
            parts.extend(self._library_member(base, name) for base in library)
        if isinstance(receiver, ObjRef) and not receiver.exact:
            for below in self.below(key):
                parts.append(self._own_member(below, name, below))
        return union(parts)

    def _own_member(self, owner: UnitKey, name: str, looked_up: UnitKey) -> Refs:
        module = self.module(owner.path)
        if module is None:
            return ()
        scope = module.scopes[owner.number]
        parts: list[Refs] = []
        bound = scope.bindings.get(name)
        if bound:
            for ref in self._bound(bound):
                if isinstance(ref, UnitRef) and self.unit_kind(ref) == "function":
                    if self.is_property(ref):
                        parts.append(self.returned(UnitKey(ref.path, ref.number)))
                    else:
                        parts.append((BoundRef(ref.path, ref.number, *looked_up),))
                else:
                    parts.append((ref,))
        for method, event in module.self_attributes(owner.number).get(name, ()):
            parts.append(self.resolve(event.value, method))
        return union(parts)

    def is_property(self, ref: UnitRef | BoundRef) -> bool:
        """Whether a function of a class is read as an attribute."""
        unit = self.files[ref.path].units[ref.number]
        return any(
            self._decorator_name(d) in ("property", "cached_property", "setter", "getter")
            for d in unit.decorators
        )

    def mro(self, key: UnitKey) -> tuple[tuple[UnitKey, ...], tuple[str, ...]]:
        """A class's project classes (itself first) and the library classes at the ends, depth first."""
        known = self._mro.get(key)
        if known is not None:
            return known
        self._mro[key] = ((key,), ())
        project: dict[UnitKey, None] = {key: None}
        library: dict[str, None] = {}
        scope = self.scope(key)
        enclosing = scope.parent or scope
        for base in scope.unit.bases:
            for ref in self.resolve(base, enclosing):
                if isinstance(ref, UnitRef) and self.unit_kind(ref) == "class":
                    above = UnitKey(ref.path, ref.number)
                    more, libs = self.mro(above)
                    project.update(dict.fromkeys(more))
                    library.update(dict.fromkeys(libs))
                elif isinstance(ref, LibRef):
                    library[ref.symbol] = None
                elif isinstance(ref, LibObj):
                    library[ref.type] = None
        found = (tuple(project), tuple(library))
        self._mro[key] = found
        for above in found[0][1:]:
            self.subclasses.setdefault(above, {})[key] = None
        return found

    def below(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """The subclasses of a class that were met so far."""
        return tuple(self.subclasses.get(key, ()))

    # --- calls ----------------------------------------------------------------------------------------

    def _result(self, expr: Result, scope: Scope) -> Refs:
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        if isinstance(event.func, Name) and event.func.id == "super":
            return self._super(scope)
        parts: list[Refs] = []
        for ref in self.resolve(event.func, scope):
            parts.append(self.call_result(ref, event, scope))
        return union(parts)

    def _super(self, scope: Scope) -> Refs:
        current: Scope | None = scope
        while current is not None and current.unit.kind != "class":
            current = current.parent
        if current is None:
            return ()
        project, library = self.mro(current.key)
        bases: list[Ref] = [ObjRef(path, index, True) for path, index in project[1:]]
        return (*bases, *(LibObj(name) for name in library))

    def call_result(self, ref: Ref, event: Call, scope: Scope) -> Refs:
        """What calling `ref` gives."""
        if isinstance(ref, UnitRef | BoundRef):
            if self.unit_kind(ref) == "class":
                return (ObjRef(ref.path, ref.number, True),)
            return self.returned(UnitKey(ref.path, ref.number))
        if isinstance(ref, ObjRef):
            called = self.class_member(UnitKey(ref.path, ref.number), "__call__", ref)
            return union(self.call_result(c, event, scope) for c in called if isinstance(c, BoundRef))
        if isinstance(ref, LibRef):
            args = tuple(self.resolve(arg, scope) for arg in event.args[:2])
            return self._library_result(ref.symbol, event, scope, args)
        if isinstance(ref, LibObj) and not ref.type.endswith("()"):
            return self._library_result(f"{ref.type}.__call__", event, scope, ())
        return ()

    def returned(self, key: UnitKey) -> Refs:
        """What a function of the tree returns (or, for a generator, yields)."""
        scope = self.scope(key)
        unit = scope.unit
        parts = [
            self.resolve(event.value, scope)
            for event in unit.events
            if isinstance(event, Return | Yield) and event.value is not None
        ]
        refs = tuple(ref for ref in union(parts) if ref != ConstRef(None))
        return refs or self.annotated(unit.returns, scope.parent or scope)

    def _library_result(self, symbol: str, event: Call | None, scope: Scope, args: tuple[Refs, ...]) -> Refs:
        rows = self.rows.find(self.rows.returns, symbol)
        if rows:
            return union(self._returns(row.type, row.same_as, symbol, event, scope, args) for row in rows)
        last = symbol.rpartition(".")[2]
        if last == "partial" and args:
            return args[0]
        if last[:1].isupper() or symbol in self.rows.class_bases:
            return (LibObj(symbol),)
        if symbol.startswith("builtins."):
            return self._builtin_result(last, event, scope, args)
        return (LibObj(f"{symbol}()"),)

    def _returns(
        self, type_: str, same_as: str, symbol: str, event: Call | None, scope: Scope, args: tuple[Refs, ...]
    ) -> Refs:
        if same_as == "self":
            return (LibObj(symbol.rpartition(".")[0]),)
        if same_as:
            if event is not None:
                for name, value in event.keywords:
                    if name == same_as:
                        return self.resolve(value, scope)
            return args[0] if args else ()
        return (LibObj(self.rows.canonical(type_)),) if type_ else ()

    def _builtin_result(self, name: str, event: Call | None, scope: Scope, args: tuple[Refs, ...]) -> Refs:
        if name == "getattr" and event is not None and len(event.args) >= 2:
            attribute = event.args[1]
            if isinstance(attribute, Const) and isinstance(attribute.value, str):
                return union(self.member(ref, attribute.value) for ref in args[0]) if args else ()
            return ()
        if name in ("next", "iter") and event is not None and event.args:
            return self.elements(event.args[0], scope)
        if name in ("dict", "list", "set", "tuple", "str", "bytes", "int", "frozenset", "bytearray", "float"):
            return (LibObj(f"builtins.{name}"),)
        if name in ("open", "type"):
            return (LibObj(f"builtins.{name}()"),)
        return ()

    # --- containers -----------------------------------------------------------------------------------

    def _entered(self, expr: Expr | None, scope: Scope) -> Refs:
        """What `with expr as name` gives."""
        parts: list[Refs] = []
        for ref in self.resolve(expr, scope):
            if isinstance(ref, ObjRef):
                key = UnitKey(ref.path, ref.number)
                for name in ("__enter__", "__aenter__"):
                    for method in self.class_member(key, name, ref):
                        if isinstance(method, BoundRef):
                            parts.append(self.returned(UnitKey(method.path, method.number)))
            elif isinstance(ref, LibObj):
                rows = self.rows.find(self.rows.returns, f"{ref.type}.__enter__")
                for row in rows:
                    parts.append((LibObj(self.rows.canonical(row.type)),))
                if not rows:
                    parts.append((ref,))
            else:
                parts.append((ref,))
        return union(parts)

    def _item(self, expr: Item, scope: Scope) -> Refs:
        refs = self.contents(expr.value, scope, values=True)
        if refs:
            return refs
        return union(
            self._library_member(ref.type, "__getitem__()")
            for ref in self.resolve(expr.value, scope)
            if isinstance(ref, LibObj) and self.rows.find(self.rows.attributes, f"{ref.type}.__getitem__()")
        )

    def elements(self, expr: Expr | None, scope: Scope) -> Refs:
        """What iterating over `expr` gives."""
        return self.contents(expr, scope, values=False)

    def contents(self, expr: Expr | None, scope: Scope, *, values: bool, depth: int = 0) -> Refs:
        """The items of a container; for a mapping its values (or keys, where `values` is False)."""
        if expr is None or depth > 6:
            return ()
        key = (scope.key, expr, values)
        return self._remembered(self._contents, key, lambda: self._read_contents(expr, scope, values, depth))

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
        if isinstance(expr, Item | Await):
            return self.contents(expr.value, scope, values=values, depth=depth + 1)
        return ()

    def _flattened(self, expr: Expr, scope: Scope) -> Refs:
        """An item's refs; a tuple inside a list gives its members (`for path, view in ROUTES`)."""
        if isinstance(expr, Seq):
            return union(self._flattened(item, scope) for item in expr.items)
        return self.resolve(expr, scope)

    def _named_contents(self, expr: Name, scope: Scope, values: bool, depth: int) -> Refs:
        parts: list[Refs] = []
        for binding in self.lookup(expr.id, scope):
            event, home = binding.event, binding.scope
            if isinstance(event, Bind) and event.how in ("assign", "annotation", "walrus", "aug"):
                parts.append(self.contents(event.value, home, values=values, depth=depth + 1))
                parts.append(self._added(expr.id, home, values))
            elif isinstance(event, Bind) and event.how in ("for", "unpack", "comprehension"):
                parts.append(self.contents(event.value, home, values=values, depth=depth + 1))
            elif isinstance(event, Import):
                parts.append(self._imported_contents(home.module, event, values, depth))
            elif event is None:
                parts.append(self._annotated_contents(home, binding.param))
        return union(parts)

    def _annotated_contents(self, scope: Scope, number: int) -> Refs:
        annotation = scope.unit.params[number].annotation
        if isinstance(annotation, Item):
            inner = annotation.index.items if isinstance(annotation.index, Seq) else (annotation.index,)
            return union(self.annotated(part, scope.parent or scope) for part in inner)
        return ()

    def _imported_contents(self, module: Module, event: Import, values: bool, depth: int) -> Refs:
        path, _ = self.import_target(module, event)
        if path is None or event.name is None or path.endswith("/"):
            return ()
        target = self.module(path)
        if target is None or target is module or event.name not in target.scopes[0].bindings:
            return ()
        return self.contents(Name(event.name), target.scopes[0], values=values, depth=depth + 1)

    def _attribute_contents(self, expr: Attr, scope: Scope, values: bool, depth: int) -> Refs:
        parts: list[Refs] = []
        for ref in self.resolve(expr.value, scope):
            if isinstance(ref, ModRef) and not ref.path.endswith("/"):
                module = self.module(ref.path)
                if module is not None:
                    parts.append(
                        self.contents(Name(expr.name), module.scopes[0], values=values, depth=depth + 1)
                    )
            elif isinstance(ref, ObjRef | UnitRef) and self.unit_kind(ref) == "class":
                parts.append(self._class_contents(UnitKey(ref.path, ref.number), expr.name, values, depth))
        return union(parts)

    def _class_contents(self, key: UnitKey, name: str, values: bool, depth: int) -> Refs:
        parts: list[Refs] = []
        for owner in self.mro(key)[0]:
            scope = self.scope(owner)
            if name in scope.bindings:
                parts.append(self.contents(Name(name), scope, values=values, depth=depth + 1))
            for method, event in scope.module.self_attributes(owner.number).get(name, ()):
                parts.append(self.contents(event.value, method, values=values, depth=depth + 1))
            for inner in scope.module.scopes:
                if inner.unit.parent == owner.number and inner.unit.params:
                    parts.append(self._added_to(Attr(Name(inner.unit.params[0].name), name), inner, values))
        return union(parts)

    def _result_contents(self, expr: Result, scope: Scope, values: bool, depth: int) -> Refs:
        event = scope.unit.events[expr.event]
        assert isinstance(event, Call)
        func = event.func
        if isinstance(func, Attr) and func.name in ("values", "items", "copy", "get", "pop", "setdefault"):
            return self.contents(func.value, scope, values=True, depth=depth + 1)
        if isinstance(func, Attr) and func.name == "keys":
            return self.contents(func.value, scope, values=False, depth=depth + 1)
        if isinstance(func, Name) and func.id in _PASS_ON and not self.lookup(func.id, scope):
            number = _PASS_ON[func.id]
            chosen = event.args if func.id == "zip" else event.args[number : number + 1]
            return union(self.contents(arg, scope, values=values, depth=depth + 1) for arg in chosen)
        parts: list[Refs] = []
        for ref in self.resolve(func, scope):
            if isinstance(ref, UnitRef | BoundRef) and self.unit_kind(ref) != "class":
                inner = self.scope(UnitKey(ref.path, ref.number))
                for made in inner.unit.events:
                    if isinstance(made, Return):
                        parts.append(self.contents(made.value, inner, values=values, depth=depth + 1))
                    elif isinstance(made, Yield):
                        parts.append(self.resolve(made.value, inner))
            elif isinstance(ref, LibRef):
                for row in self.rows.find(self.rows.returns, ref.symbol):
                    if row.element:
                        parts.append((LibObj(self.rows.canonical(row.element)),))
        return union(parts)

    def _added(self, name: str, scope: Scope, values: bool) -> Refs:
        """What the module itself puts into a container later: `X[k] = v`, `X.append(v)`."""
        parts = [self._added_to(Name(name), scope, values)]
        if scope.unit.index == 0:
            for inner in scope.module.scopes[1:]:
                if Name(name) in inner.additions and (
                    name not in inner.unit.locals or name in inner.unit.globals
                ):
                    parts.append(self._added_to(Name(name), inner, values))
        return union(parts)

    def _added_to(self, container: Expr, scope: Scope, values: bool) -> Refs:
        parts: list[Refs] = []
        for event in scope.additions.get(container, ()):
            if isinstance(event, Call):
                parts.extend(self._flattened(arg, scope) for arg in event.args)
            elif event.value is not None:
                parts.append(self._flattened(event.value if values else event.index, scope))
        return union(parts)


def _is_named(refs: Refs, *names: str) -> bool:
    return any(isinstance(ref, LibRef) and ref.symbol.rpartition(".")[2] in names for ref in refs)
