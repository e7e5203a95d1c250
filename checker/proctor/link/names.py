"""What names and expressions stand for, within one world (one list of import folders).

Resolution is flow-insensitive: a name stands for everything that is ever bound to it. Parameters are cells
that grow while calls are linked; a result is remembered with the cells that it looked at and holds until one
of them grows, and whoever is being linked at that moment is noted as a reader of the cell.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable, Container, Mapping
from typing import Any

from proctor.link.containers import Containers
from proctor.link.hierarchy import Hierarchy
from proctor.link.memory import NOTHING, Memo, Refs, attribute_cell, union
from proctor.link.operators import left_methods
from proctor.link.results import Results
from proctor.link.rows import Rows
from proctor.link.scopes import Binding, Module, Scope
from proctor.link.unpacking import Unpacking
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
    Seq,
    Star,
    Text,
    last_name,
)
from proctor.model.program import BoundRef, ConstRef, LibObj, LibRef, ModRef, ObjRef, Ref, UnitKey, UnitRef
from proctor.model.tree import SourceTree

BUILTINS = frozenset(dir(builtins))
_MAPPING: Refs = (LibObj("builtins.dict"),)
_TEXT: Refs = (LibObj("builtins.str"),)
_DISPLAYS: dict[str, Refs] = {
    kind: (LibObj(f"builtins.{kind}"),) for kind in ("list", "tuple", "set", "dict", "generator")
}


def _const(expr: Const) -> Refs:
    return (ConstRef(expr.value),)


def _display(expr: Seq | Comp) -> Refs:
    return _DISPLAYS[expr.kind]


class World(Hierarchy):
    """Modules as seen from one list of import folders, and what their names stand for."""

    def __init__(
        self,
        tree: SourceTree,
        files: Mapping[str, FileFacts],
        rows: Rows,
        roots: tuple[str, ...],
        further: tuple[str, ...] = (),
    ) -> None:
        super().__init__(tree, files, rows, roots, further)
        #: the words of all commands of the app, where they are known (see `command_line`)
        self.said: frozenset[str] | None = None
        #: decorator -> the functions that it was put on
        self.handed: dict[UnitKey, set[Ref]] = {}
        self._attributes: dict[Any, Memo] = {}
        self.containers = Containers(self, self, self)
        self.results = Results(self)
        self._unpacking = Unpacking(self, self.containers)
        self._dispatch: dict[type, Callable[..., Refs]] = {
            Name: self._name,
            Attr: self._attr,
            Result: self.results.result,
            Item: self._item,
            Func: self._func,
            Op: self._op,
            Choice: self._choice,
            Await: self._through,
            Star: self._through,
        }
        #: what needs no remembering
        self._plain: dict[type, Callable[..., Refs]] = {
            Const: _const,
            Seq: _display,
            Comp: _display,
            Map: lambda _: _MAPPING,
            Text: lambda _: _TEXT,
        }

    # --- modules ---------------------------------------------------------------------------------

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
            if event.level:
                return ()
            # What the app puts in a library name's place (`ext.Handler = OwnHandler`) does not hide the library's own.
            lib: Refs = (self._lib(f"{dotted}.{event.name}"),)
            member = self.library_member(dotted, event.name)
            return union((member, lib) if any(isinstance(ref, UnitRef) for ref in member) else (member,))
        found = self.module_attribute(path, event.name)
        if not found and path.endswith("/") and event.level == 0:
            # a folder of the tree that shadows a library's name without holding what is imported
            return (self._lib(f"{dotted}.{event.name}"),)
        return found

    def imported_name(self, scope: Scope, event: Import) -> tuple[Name, Scope] | None:
        """Where a name of the tree that is imported is bound."""
        path = self.import_target(scope.module, event)[0] if event.name not in (None, "*") else None
        target = self.module(path) if path is not None and not path.endswith("/") else None
        if target is None or target is scope.module or event.name not in target.scopes[0].bindings:
            return None
        return Name(event.name), target.scopes[0]

    def _lib(self, symbol: str) -> LibRef:
        return LibRef(self.rows.canonical(symbol))

    def module_attribute(self, path: str, name: str) -> Refs:
        """What `module.name` stands for: a binding, a submodule, or what a star import brings."""
        return self.remembered(self._attributes, (path, name), lambda: self._module_attribute(path, name))

    def _module_attribute(self, path: str, name: str) -> Refs:
        if not path.endswith("/"):
            module = self.module(path)
            if module is not None:
                bound = module.scopes[0].bindings.get(name)
                if bound:
                    refs = self.bound(bound)
                    if all(isinstance(ref, ConstRef) and ref.value is None for ref in refs):
                        # what others put there (`state.client = Client()`)
                        refs = (*refs, *self._kept(ModRef(path), name))
                    if refs:
                        return refs
                if not bound:
                    for star in module.stars:
                        refs = self._from_star(module, star, name)
                        if refs:
                            return refs
        found = self.submodule(path, name)
        return (ModRef(found),) if found else self._kept(ModRef(path), name)

    def _kept(self, ref: UnitRef | ModRef, name: str) -> Refs:
        """What was put on a function or module from outside."""
        return self.look_at(attribute_cell(ref, name)) if self.is_kept(name) else ()

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
        known = scope.memo.get(expr)
        if known is not None and known.fixed:
            return known.refs  # most often, and then there is nothing to check
        handler = self._dispatch.get(type(expr))
        if handler is None or expr is None:
            plain = self._plain.get(type(expr))
            return plain(expr) if plain is not None else ()
        return self.remembered(scope.memo, expr, lambda: handler(expr, scope))

    def _through(self, expr: Await | Star, scope: Scope) -> Refs:
        return self.resolve(expr.value, scope)

    def _func(self, expr: Func, scope: Scope) -> Refs:
        return (UnitRef(scope.module.path, expr.unit),)

    def _op(self, expr: Op, scope: Scope) -> Refs:
        if expr.name in ("or", "and"):
            return union(self.resolve(operand, scope) for operand in expr.operands)
        made: list[Refs] = []
        if expr.operands:
            left = self.resolve(expr.operands[0], scope)
            if any(isinstance(ref, ObjRef) for ref in left):
                made = [
                    self.asked(ref, name)
                    for ref in left
                    for name in left_methods(expr.name, len(expr.operands))
                ]
            for ref in left:
                if isinstance(ref, LibObj):
                    made.append(self._result_of(ref, expr))
        if expr.name in ("+", "|") and expr.operands:
            made.extend(self.resolve(operand, scope) for operand in expr.operands[:2])
        return union(made)

    def _result_of(self, ref: LibObj, expr: Op) -> Refs:
        """What an operator makes of a library's object, as far as the models say (`Path("data") / "notes"`)."""
        for name in left_methods(expr.name, len(expr.operands)):
            rows = self.rows.find(self.rows.returns, f"{ref.type}.{name}")
            if rows:
                return tuple(LibObj(self.rows.canonical(row.type)) for row in rows if row.type)
        return ()

    def _choice(self, expr: Choice, scope: Scope) -> Refs:
        return union((self.resolve(expr.body, scope), self.resolve(expr.orelse, scope)))

    def _name(self, expr: Name, scope: Scope) -> Refs:
        bound = self.lookup(expr.id, scope)
        if bound:
            return self.bound(bound)
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

    def bound(self, bindings: list[Binding]) -> Refs:
        """All that a name stands for that is bound so."""
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
        told = self._unpacking.part(event, scope) if event.part is not None else None
        if told is not None:
            refs = told
        elif event.how in ("for", "comprehension"):
            refs = self.elements(event.value, scope)
        elif event.how == "with":
            refs = self.results.entered(event.value, scope)
        elif event.how == "unpack":
            refs = self.elements(event.value, scope)
            if refs and isinstance(refs[0], ConstRef) and isinstance(event.value, Result):
                refs = self._part(event, scope, refs)
        elif event.how in ("except", "match", "delete"):
            refs = ()
        else:
            refs = self.resolve(event.value, scope)
        return refs or self.annotated(event.annotation, scope)

    def _part(self, event: Bind, scope: Scope, refs: Refs) -> Refs:
        """What the first and the other names get of a dotted name that is taken apart (`module, _, name = …`)."""
        targets = [
            each.name for each in scope.unit.events if isinstance(each, Bind) and each.value == event.value
        ]
        return refs[::2] if targets.index(event.name) == 0 else refs[1::2]

    def _defined(self, scope: Scope, event: Define) -> Refs:
        return self.decorated(scope, event.unit, 0)

    def decorated(self, scope: Scope, number: int, first: int) -> Refs:
        """A function or class that is defined in `scope`, and what its decorators from number `first` on make of it (they
        apply from the last to the first)."""
        unit = scope.module.facts.units[number]
        own: Refs = (UnitRef(scope.module.path, number),)
        if not unit.decorators or unit.kind == "class":
            return own
        wrapped = [own]
        for decorator in unit.decorators[first:]:
            for ref in self.decorators(decorator, scope):
                if isinstance(ref, UnitRef | BoundRef):
                    if self.unit_kind(ref) == "class":
                        wrapped.append((ObjRef(ref.path, ref.number, True),))
                    elif self.adapts(ref):
                        wrapped.append((ref,))
                    else:
                        wrapped.append(self._made_of(own[0], UnitKey(ref.path, ref.number)))
                elif isinstance(ref, LibRef):
                    made = self.results.library_result(ref.symbol, None, scope, (own,))
                    wrapped.append(
                        tuple(r for r in made if not (isinstance(r, LibObj) and r.type.endswith("()")))
                    )
                elif isinstance(ref, LibObj) and not ref.type.endswith("()"):
                    wrapped.append((ref,))
                elif isinstance(ref, ObjRef):
                    for method in self.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                        if isinstance(method, BoundRef):
                            wrapped.append(self._made_of(own[0], UnitKey(method.path, method.number)))
        return union(wrapped)

    def _made_of(self, own: Ref, decorator: UnitKey) -> Refs:
        """What a decorator of the tree makes of a function: not the other functions that it gives back as they are."""
        others = self.handed.get(decorator, ())
        return tuple(ref for ref in self.returned(decorator) if ref == own or ref not in others)

    def decorators(self, expr: Expr, scope: Scope) -> Refs:
        """What a decorator may be. A factory that can be used with and without arguments gives either its decorator or the
        function which that one makes: given arguments, it is the outer one."""
        refs = self.resolve(expr, scope)
        if not isinstance(expr, Result) or len(refs) < 2:
            return refs
        functions = {ref for ref in refs if isinstance(ref, UnitRef)}
        return tuple(
            ref for ref in refs if not isinstance(ref, UnitRef) or not self._is_inside(ref, functions)
        )

    def _is_inside(self, ref: UnitRef, others: Container[Ref]) -> bool:
        scope = self.scope(UnitKey(ref.path, ref.number)).parent
        while scope is not None:
            if UnitRef(*scope.key) in others:
                return True
            scope = scope.parent
        return False

    # --- parameters ---------------------------------------------------------------------------------

    def parameter(self, scope: Scope, number: int) -> Refs:
        """What a parameter may be: the receiver, its annotation, its default, and all arguments linked so far."""
        unit = scope.unit
        param = unit.params[number]
        if number == 0 and scope.parent is not None and scope.parent.unit.kind == "class":
            receiver = self._receiver(scope)
            if receiver:
                return receiver
        given = self.look_at((scope.key, number))
        enclosing = scope.parent or scope
        if param.kind in ("args", "kwargs"):
            return given
        parts = [given, self.annotated(param.annotation, enclosing)]
        if param.default is not None:
            default = self.resolve(param.default, enclosing)
            parts.append(tuple(ref for ref in default if ref != NOTHING))
        return union(parts)

    def _receiver(self, scope: Scope) -> Refs:
        assert scope.parent is not None
        names = {last_name(d) for d in scope.unit.decorators}
        if "staticmethod" in names:
            return ()
        owner = scope.parent.key
        if "builtins.type" in self.mro(owner)[1]:
            # the methods of a metaclass are those of classes
            return (*self.look_at((scope.key, 0)), ObjRef(owner.path, owner.number, False))
        if "classmethod" in names or scope.unit.name in ("__new__", "__init_subclass__", "__class_getitem__"):
            return (UnitRef(*owner), *(UnitRef(*below) for below in self.below(owner)))
        return (ObjRef(owner.path, owner.number, False),)

    def annotated(self, expr: Expr | None, scope: Scope) -> Refs:
        """Instances of the classes that an annotation names."""
        if expr is None:
            return ()
        if isinstance(expr, Item):
            inner = expr.index.items if isinstance(expr.index, Seq) else (expr.index,)
            outer = self.resolve(expr.value, scope)
            if _is_named(outer, "Literal"):
                return tuple(ConstRef(part.value) for part in inner if isinstance(part, Const))
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
            return self.library_member(ref.symbol, name)
        if isinstance(ref, LibObj):
            return self.library_member(ref.type, name)
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
        kept = self._kept(UnitRef(ref.path, ref.number), name)
        if not unit.decorators or kept:
            return kept
        scope = self.scope(UnitKey(ref.path, unit.parent))
        own: Refs = (UnitRef(ref.path, ref.number),)
        found: list[Refs] = []
        for decorator in unit.decorators:
            for made in self.resolve(decorator, scope):
                results = (
                    self.results.library_result(made.symbol, None, scope, (own,))
                    if isinstance(made, LibRef)
                    else (made,)
                )
                for result in results:
                    if isinstance(result, LibObj) and not result.type.endswith("()"):
                        found.append(self.library_member(result.type, name))
                    elif isinstance(result, ObjRef):
                        library = self.mro(UnitKey(result.path, result.number))[1]
                        found.extend(self.library_member(each, name) for each in library)
        return union(found)

    def library_member(self, owner: str, name: str) -> Refs:
        """What an attribute of a library's module, class or object stands for."""
        symbol = self.rows.canonical(f"{owner}.{name}")
        rows = self.rows.find(self.rows.attributes, symbol) or self.rows.any_attribute(owner, symbol)
        if rows:
            return tuple(LibObj(self.rows.canonical(row.type)) for row in rows if row.type)
        held = self.is_kept(name) or owner in self.rows.holders
        kept = self.kept_attribute(symbol) if held else ()
        return kept or (LibRef(symbol),)

    def kept_attribute(self, symbol: str) -> Refs:
        """What the app itself put on an attribute of a library's object."""
        return self.look_at(("", symbol))

    def members_by_prefix(self, ref: Ref, prefix: str) -> Refs:
        """The functions of a module or methods of an object whose names begin so (`getattr(self, f"on_{name}")`)."""
        if isinstance(ref, ModRef):
            module = self.module(ref.path) if not ref.path.endswith("/") else None
            names = [*module.scopes[0].bindings] if module is not None else []
        elif isinstance(ref, ObjRef):
            classes = (
                *self.mro(UnitKey(ref.path, ref.number))[0],
                *self.below(UnitKey(ref.path, ref.number)),
            )
            names = list(dict.fromkeys(name for key in classes for name in self.scope(key).bindings))
        else:
            names = []
        return union(self.member(ref, name) for name in names if name.startswith(prefix))

    # --- calls ----------------------------------------------------------------------------------------

    def call_result(self, ref: Ref, event: Call, scope: Scope) -> Refs:
        """What calling `ref` gives."""
        return self.results.call_result(ref, event, scope)

    def returned(self, key: UnitKey) -> Refs:
        """What a function of the tree returns (or, for a generator, yields)."""
        return self.results.returned(key)

    # --- containers -----------------------------------------------------------------------------------

    def _item(self, expr: Item, scope: Scope) -> Refs:
        refs = self.contents(expr.value, scope, values=True)
        if isinstance(expr.index, Const):
            refs = union(
                (refs, *(self._kept_item(ref, expr.index) for ref in self.resolve(expr.value, scope)))
            )
        if refs:
            return refs
        owners = self.resolve(expr.value, scope)
        if LibObj("builtins.globals()") in owners and isinstance(expr.index, Const):
            return self.module_attribute(scope.module.path, str(expr.index.value))
        refs = union(self.asked(ref, "__getitem__") for ref in owners)
        if refs:
            return refs
        return union(
            self.library_member(ref.type, "__getitem__()")
            for ref in owners
            if isinstance(ref, LibObj) and self.rows.find(self.rows.attributes, f"{ref.type}.__getitem__()")
        )

    def _kept_item(self, ref: Ref, index: Const) -> Refs:
        """What the app itself put under a key of a library's object (`app["db"] = Database()`)."""
        if not isinstance(ref, LibObj) or ref.type.startswith("builtins."):
            return ()
        return self.kept_attribute(self.rows.canonical(f"{ref.type}[{index.value}]"))

    def elements(self, expr: Expr | None, scope: Scope) -> Refs:
        """What iterating over `expr` gives."""
        return self.containers.contents(expr, scope, values=False)

    def contents(self, expr: Expr | None, scope: Scope, *, values: bool) -> Refs:
        """The items of a container; for a mapping its values (or keys, where `values` is False)."""
        return self.containers.contents(expr, scope, values=values)


def _is_named(refs: Refs, *names: str) -> bool:
    return any(isinstance(ref, LibRef) and ref.symbol.rpartition(".")[2] in names for ref in refs)
