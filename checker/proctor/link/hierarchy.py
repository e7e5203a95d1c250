"""Classes of the tree: what is above and below them, and what looking up their members gives."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Set
from typing import TypeGuard

from proctor.link.families import dotted_name
from proctor.link.memory import Memo, Memory, Refs, attribute_cell, union
from proctor.link.modules import Modules
from proctor.link.rows import Rows
from proctor.link.scopes import Binding, Scope
from proctor.model.fact import Bind, Call, Define, Expr, FileFacts, Item, Name, Result, last_name
from proctor.model.program import BoundRef, ConstRef, LibObj, LibRef, ObjRef, Ref, UnitKey, UnitRef
from proctor.model.tree import SourceTree

#: in place of a parameter's number: the cell of a class that holds its subclasses
_BELOW = -1


class Hierarchy(Modules, Memory):
    """The classes of one world. What expressions and names stand for is left to `World`."""

    def __init__(
        self,
        tree: SourceTree,
        files: Mapping[str, FileFacts],
        rows: Rows,
        roots: tuple[str, ...],
        further: tuple[str, ...] = (),
    ) -> None:
        Modules.__init__(self, tree, files, rows, roots, further)
        Memory.__init__(self)
        self.subclasses: dict[UnitKey, dict[UnitKey, None]] = {}
        self._members: dict[tuple[UnitKey, str, bool], Memo] = {}
        self._named: dict[UnitKey, Set[str]] = {}
        self._mro: dict[UnitKey, tuple[tuple[UnitKey, ...], tuple[str, ...]]] = {}

    @abstractmethod
    def resolve(self, expr: Expr | None, scope: Scope) -> Refs:
        """All that `expr` may stand for in `scope`; empty where nothing is known."""

    @abstractmethod
    def bound(self, bindings: list[Binding]) -> Refs:
        """All that a name stands for that is bound so."""

    @abstractmethod
    def library_member(self, owner: str, name: str) -> Refs:
        """What an attribute of a library's module, class or object stands for."""

    @abstractmethod
    def returned(self, key: UnitKey) -> Refs:
        """What a function of the tree returns (or, for a generator, yields)."""

    def unit_kind(self, ref: UnitRef | BoundRef | ObjRef) -> str:
        """The kind of the unit a ref names."""
        module = self._modules.get(ref.path)
        facts = module.facts if module is not None else self.files[ref.path]
        return facts.units[ref.number].kind

    def is_function(self, ref: Ref) -> TypeGuard[UnitRef | BoundRef]:
        """Whether a ref is a function, a method or a lambda of the tree."""
        return isinstance(ref, UnitRef | BoundRef) and self.unit_kind(ref) in ("function", "lambda")

    def class_member(self, key: UnitKey, name: str, receiver: ObjRef | UnitRef) -> Refs:
        """A member looked up on a class of the tree: its own, its bases', and (for an inexact instance) overrides."""
        if name == "__module__":
            return (ConstRef(dotted_name(self, key.path)),)
        open_below = isinstance(receiver, ObjRef) and not receiver.exact
        return self.remembered(
            self._members, (key, name, open_below), lambda: self._class_member(key, name, open_below)
        )

    def _class_member(self, key: UnitKey, name: str, open_below: bool) -> Refs:
        parts: list[Refs] = []
        project, library = self.mro(key)
        for owner in project:
            refs = self._own_member(owner, name, key)
            if refs:
                parts.append(refs)
                break
        else:
            if name == "value" and any(base.startswith("enum.") for base in library):
                parts.append(self._values(project))
            parts.extend(self.library_member(base, name) for base in library)
            parts.append(self._answered(project, name))
        if open_below:
            overriding = self._overridden(key, name, project)
            if overriding and parts:
                # no instance has an abstract method as it stands there
                parts[0] = tuple(ref for ref in parts[0] if not self._is_abstract(ref))
            parts.extend(overriding)
        return union(parts)

    def _values(self, project: tuple[UnitKey, ...]) -> Refs:
        """What the members of an enumeration stand for."""
        return union(
            self.resolve(event.value, self.scope(owner))
            for owner in project
            for event in self.scope(owner).unit.events
            if isinstance(event, Bind) and event.how == "assign"
        )

    def _is_abstract(self, ref: Ref) -> bool:
        if not isinstance(ref, BoundRef):
            return False
        unit = self.files[ref.path].units[ref.number]
        return any(last_name(each) == "abstractmethod" for each in unit.decorators)

    def _overridden(self, key: UnitKey, name: str, above: Iterable[UnitKey]) -> list[Refs]:
        """What each subclass has in place of a member: its own, or that of another of its bases."""
        found: list[Refs] = []
        known = set(above)
        kept = self.is_kept(name)
        for below in self.below(key):
            for owner in self.mro(below)[0]:
                if owner not in known and (kept or name in self._own_names(owner)):
                    refs = self._own_member(owner, name, below)
                    if refs:
                        found.append(refs)
                        break
        return found

    def _own_names(self, owner: UnitKey) -> Set[str]:
        """The names that a class binds, or that its methods set on their object."""
        names = self._named.get(owner)
        if names is None:
            module = self.module(owner.path)
            names = frozenset()
            if module is not None:
                names = (
                    module.scopes[owner.number].bindings.keys() | module.self_attributes(owner.number).keys()
                )
            self._named[owner] = names
        return names

    def _answered(self, project: tuple[UnitKey, ...], name: str) -> Refs:
        """What `__getattr__` gives for a name that no class has."""
        if name.startswith("__"):
            return ()
        return union(
            self.returned(UnitKey(ref.path, ref.number))
            for owner in project
            for ref in self._own_member(owner, "__getattr__", owner)
            if isinstance(ref, BoundRef)
        )

    def _own_member(self, owner: UnitKey, name: str, looked_up: UnitKey) -> Refs:
        module = self.module(owner.path)
        if module is None:
            return ()
        scope = module.scopes[owner.number]
        parts: list[Refs] = []
        bound = scope.bindings.get(name)
        if self._is_filled(name, bound):
            parts.append(self.look_at(attribute_cell(UnitRef(*owner), name)))
        if bound:
            for ref in self.bound(bound):
                if isinstance(ref, UnitRef) and self.unit_kind(ref) == "function":
                    if self.is_property(ref):
                        parts.append(self.returned(UnitKey(ref.path, ref.number)))
                    else:
                        parts.append((BoundRef(ref.path, ref.number, *looked_up),))
                elif isinstance(ref, ConstRef | LibObj) and self._is_enumeration(owner):
                    parts.append((ObjRef(*owner, True),))
                elif isinstance(ref, ObjRef) and self.asked(ref, "__get__"):
                    parts.append(self.asked(ref, "__get__"))
                else:
                    parts.append((ref,))
            for each in bound:
                if isinstance(each.event, Bind) and isinstance(each.event.value, Result):
                    read = self.accessors(scope, each.event.value)
                    parts.append(union(self.returned(UnitKey(*ref)) for ref in read))
        for method, event in module.self_attributes(owner.number).get(name, ()):
            parts.append(self.resolve(event.value, method))
        return union(parts)

    def _is_filled(self, name: str, bound: list[Binding] | None) -> bool:
        """Whether instances may hold what was put there from outside: an attribute that is set, or a field of the class
        that its constructor fills."""
        if not bound:
            return self.is_kept(name)
        events = [each.event for each in bound]
        if any(isinstance(event, Define) for event in events):
            return False
        return self.is_kept(name) or any(
            isinstance(event, Bind) and event.annotation is not None for event in events
        )

    def _is_enumeration(self, key: UnitKey) -> bool:
        return any(name.startswith("enum.") for name in self.mro(key)[1])

    def accessors(self, scope: Scope, made: Result, *, is_set: bool = False) -> tuple[UnitRef, ...]:
        """The functions that `name = property(get, set)` has read or set an attribute."""
        call = scope.unit.events[made.event]
        if not isinstance(call, Call) or call.func != Name("property"):
            return ()
        chosen = call.args[1:3] if is_set else call.args[:1]
        named = [
            value for name, value in call.keywords if name in (("fset", "fdel") if is_set else ("fget",))
        ]
        refs = union(self.resolve(expr, scope) for expr in (*chosen, *named))
        return tuple(ref for ref in refs if isinstance(ref, UnitRef))

    def is_property(self, ref: UnitRef | BoundRef, *, is_set: bool = False) -> bool:
        """Whether a function of a class runs when an attribute is read or, with `is_set`, set."""
        unit = self.files[ref.path].units[ref.number]
        names = [last_name(decorator) for decorator in unit.decorators]
        if is_set:
            return "setter" in names or "deleter" in names
        # `cached_property`, `hybrid_property`, …: every library has its own
        return any(name.endswith("property") or name == "getter" for name in names)

    def adapts(self, ref: UnitRef | BoundRef) -> bool:
        """Whether a decorator makes a function a decorator: what it decorates runs it when called."""
        rows, scope = self.rows.run_decorators, self.scope(UnitKey(ref.path, ref.number))
        if scope.parent is None:
            return False
        return any(
            row.adapts
            for decorator in scope.unit.decorators
            for made in self.resolve(decorator, scope.parent)
            if isinstance(made, LibRef)
            for row in self.rows.find(rows, made.symbol)
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
            refs = self.resolve(base, enclosing)
            if not refs and isinstance(base, Item):
                refs = self.resolve(base.value, enclosing)  # `class Users(Store[User])`
            for ref in refs:
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
            self.outdated.update(self.feed((above, _BELOW), (UnitRef(*key),)))
        return found

    def metaclasses(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """The metaclasses of a class that stand in the tree, with those above them."""
        found: dict[UnitKey, None] = {}
        for owner in self.mro(key)[0]:
            scope = self.scope(owner)
            for name, expr in scope.unit.keywords:
                for ref in self.resolve(expr, scope.parent or scope) if name == "metaclass" else ():
                    if isinstance(ref, UnitRef) and self.unit_kind(ref) == "class":
                        found.update(dict.fromkeys(self.mro(UnitKey(ref.path, ref.number))[0]))
        return tuple(found)

    def below(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """The subclasses of a class that were met so far; whoever asks is told when there are more."""
        self.look_at((key, _BELOW))
        return tuple(self.subclasses.get(key, ()))

    def asked(self, ref: Ref, method: str) -> Refs:
        """What a method of an object of the tree gives that Python calls by itself."""
        if not isinstance(ref, ObjRef):
            return ()
        found = self.class_member(UnitKey(ref.path, ref.number), method, ref)
        return union(self.returned(UnitKey(m.path, m.number)) for m in found if isinstance(m, BoundRef))
