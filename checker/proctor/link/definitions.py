"""Imports, classes and decorated functions: what runs where they are met, and what they register."""

from __future__ import annotations

from proctor.link.calls import Calls
from proctor.link.linked import Hidden, elsewhere_reason, unread_reason
from proctor.link.memory import Refs, beside_cell
from proctor.link.runs import Runs
from proctor.link.sheet import Part, Sheet
from proctor.model.fact import Attr, Bind, Call, Define, Event, Expr, Import, Name, Result, Unit
from proctor.model.program import BoundRef, LibObj, LibRef, ObjRef, UnitKey, UnitRef
from proctor.model.rule import BaseRow, EffectRow, RunsRow

_OWN_DECORATORS = frozenset({"property", "staticmethod", "classmethod", "setter", "getter", "deleter"})


class Definitions(Part):
    """The imports and definitions of one unit."""

    def __init__(self, sheet: Sheet, runs: Runs, calls: Calls) -> None:
        super().__init__(sheet)
        self.runs = runs
        self.calls = calls

    def load(self, number: int, event: Import) -> None:
        """An import: the modules that it loads."""
        path, _ = self.world.import_target(self.scope.module, event)
        targets: list[str] = []
        if path is None and not event.level and not self._is_tried(event.block):
            folder = self.world.elsewhere(event.module)
            if folder is not None:
                reason = elsewhere_reason(event.module, folder)
                self.sheet.hidden.append(Hidden(self.key, self.sheet.place(event), reason))
        if path is not None:
            targets.append(path)
            if event.name and event.name != "*":
                inner = self.world.submodule(path, event.name)
                if inner:
                    targets.append(inner)
        for target in targets:
            self._load_module(target, number, event, "import")
            if target in self.ledger.unread:
                reason = unread_reason(target, self.ledger.unread[target])
                self.sheet.hidden.append(Hidden(self.key, self.sheet.place(event), reason))

    def _is_tried(self, block: int) -> bool:
        """Whether something else may be taken where an import fails."""
        while block and self.unit.blocks[block].kind not in ("try", "except"):
            block = self.unit.blocks[block].parent
        return block > 0

    def _load_module(self, path: str, number: int, event: Event, how: str) -> None:
        for file in (*self._packages(path), path):
            if file != self.key.path and not file.endswith("/") and file in self.world.files:
                self.sheet.edge(
                    UnitKey(file, 0), number, event.block, self.sheet.place(event), how, phase="import"
                )

    def _packages(self, path: str) -> list[str]:
        """The `__init__` files that importing a module runs first, below the import folder that finds it."""
        found: list[str] = []
        folder = path.rstrip("/").rpartition("/")[0]
        if path.endswith("/__init__.py"):
            folder = folder.rpartition("/")[0] if "/" in folder else ""
        while folder and folder not in self.world.roots:
            init = f"{folder}/__init__.py"
            if init in self.world.tree:
                found.append(init)
            folder = folder.rpartition("/")[0]
        return found[::-1]

    def define(self, number: int, event: Define) -> None:
        """A class or function is made: its body, its bases and its decorators."""
        key = UnitKey(self.key.path, event.unit)
        unit = self.scope.module.facts.units[event.unit]
        if unit.kind == "class":
            self.sheet.edge(key, number, event.block, self.sheet.place(event), "define")
            self._class_bases(key, number, event)
            self._make_class(key, number, event)
        for position in range(len(unit.decorators)):
            self._decorate(key, unit, position, number, event)

    def _class_bases(self, key: UnitKey, number: int, event: Define) -> None:
        project, library = self.world.mro(key)[0], self.ledger.library_of(key)
        for row in self.runs.base_rows(library):
            if row.when == "defined":
                self.runs.register_methods(row, project, library, number, event)
                self._base_effects(row, number, event)
        for owner in project:
            for method in self.runs.methods(owner, ("__init_subclass__",)):
                if owner != key:
                    self.sheet.edge(method, number, event.block, self.sheet.place(event), "call")

    def _make_class(self, key: UnitKey, number: int, event: Define) -> None:
        """What making a class runs: its metaclass, and what its attributes want to know about it."""
        place = self.sheet.place(event)
        for meta in self.world.metaclasses(key):
            for method in self.runs.methods(meta, ("__new__", "__init__", "__prepare__")):
                self.sheet.edge(method, number, event.block, place, "call")
                if self.world.scope(method).unit.name == "__init__":
                    self.ledger.feed(method, 0, (UnitRef(*key),))
        scope = self.world.scope(key)
        for each in scope.unit.events:
            if isinstance(each, Bind) and isinstance(each.value, Result):
                for ref in self.world.resolve(each.value, scope):
                    if isinstance(ref, ObjRef):
                        for method in self.runs.methods(UnitKey(ref.path, ref.number), ("__set_name__",)):
                            self.sheet.edge(method, number, event.block, place, "call")

    def _base_effects(self, row: BaseRow, number: int, event: Event) -> None:
        if row.does:
            made = EffectRow(does=row.does, details=row.details)
            self.sheet.hit(made, row.class_[0], number, event, None, "")

    def _decorate(self, key: UnitKey, unit: Unit, position: int, number: int, event: Define) -> None:
        decorator = unit.decorators[position]
        own: Refs = (UnitRef(*key),)
        # what the decorators below it have made of the function
        given = tuple(
            ref
            for ref in self.world.decorated(self.scope, key.number, position + 1)
            if isinstance(ref, UnitRef | BoundRef | ObjRef)
        )
        symbols = self._decorator_symbols(decorator)
        matched = False
        for ref in self.world.decorators(decorator, self.scope):
            if isinstance(ref, UnitRef | BoundRef):
                matched = True
                target = UnitKey(ref.path, ref.number)
                if self.world.unit_kind(ref) == "class":
                    self.calls.construct(target, None, number, event)
                    continue
                if not self.world.adapts(ref):
                    self.sheet.edge(target, number, event.block, self.sheet.place(event), "decorates")
                self._hand(target, self.runs.offset(ref), own)
            elif isinstance(ref, ObjRef):
                matched = True
                for method in self.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                    if isinstance(method, BoundRef):
                        target = UnitKey(method.path, method.number)
                        self.sheet.edge(target, number, event.block, self.sheet.place(event), "decorates")
                        self._hand(target, 1, own)
        for symbol, call in symbols:
            rows = [
                *self.rows.find(self.rows.run_decorators, symbol),
                *(row for row in self.rows.find(self.rows.runs, symbol) if row.argument == "decorator"),
            ]
            for row in rows:
                matched = True
                func = call.func if call is not None else decorator
                self._run_decorated(row, key, given, func, number, event, call)
            if call is None:
                self.sheet.effects(symbol, number, event, None)
            known = symbol.rpartition(".")[2] in _OWN_DECORATORS or self.rows.is_transparent(symbol)
            matched = matched or known or symbol.partition(".")[0] in self.rows.roots
        if (
            not matched
            and unit.kind == "function"
            and _last_name(decorator, self.unit) not in _OWN_DECORATORS
        ):
            shown = symbols[0][0] if symbols else _shown(decorator, self.unit)
            reason = f"`@{shown}` is not modelled: what it does with `{unit.name}` is not known"
            self.sheet.hidden.append(Hidden(self.key, self.sheet.place(event), reason, key))

    def _run_decorated(
        self,
        row: RunsRow,
        key: UnitKey,
        given: Refs,
        func: Expr,
        number: int,
        event: Define,
        call: Call | None,
    ) -> None:
        """What a row says of the decorator `func` of a function, of which those below it have made `given`."""
        if row.joins:
            self._join(key, func)
        elif row.keeps:
            name = self.world.scope(key).unit.name
            self.ledger.feed_attribute(f"{self.rows.canonical(row.keeps)}.{name}", (UnitRef(*key),))
        elif not row.adapts and self.ledger.conditions.hold(row.where, call, self.scope) is not False:
            within = self._group(key, func) if row.named else None
            self.runs.run(row, given, number, event, call, within)

    def _hand(self, decorator: UnitKey, number: int, own: Refs) -> None:
        """A decorator is given the function below it."""
        for ref in own:
            self.ledger.wrapped.add((decorator, number, ref))
        self.world.handed.setdefault(decorator, set()).update(own)
        self.ledger.feed(decorator, number, own)

    def _join(self, key: UnitKey, decorator: Expr) -> None:
        """The function runs whenever another one does, whose attribute the decorator is."""
        for ref in self.world.resolve(decorator.value, self.scope) if isinstance(decorator, Attr) else ():
            if isinstance(ref, UnitRef | BoundRef):
                self.ledger.feed_kept(beside_cell(UnitKey(ref.path, ref.number)), (UnitRef(*key),))

    def _group(self, key: UnitKey, func: Expr) -> UnitKey | None:
        """The function without which a command does not run: that of its group, or its own where the decorator makes it
        none of a group (None: the group is an object)."""
        group = self.runs.group(func)
        if group is None and isinstance(func, Attr):
            holds = any(
                isinstance(ref, LibObj | ObjRef) for ref in self.world.resolve(func.value, self.scope)
            )
            return None if holds else key
        return group or key

    def _decorator_symbols(self, decorator: Expr) -> list[tuple[str, Call | None]]:
        call: Call | None = None
        func = decorator
        if isinstance(decorator, Result):
            made = self.unit.events[decorator.event]
            assert isinstance(made, Call)
            call, func = made, made.func
        found: list[tuple[str, Call | None]] = []
        for ref in self.world.resolve(func, self.scope):
            if isinstance(ref, LibRef):
                found.append((ref.symbol, call))
            elif isinstance(ref, LibObj):
                found.append((f"{ref.type}.__call__", call))
            elif isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class":
                # the app's own kind of a library's decorator
                found.extend((name, call) for name in self.world.mro(UnitKey(ref.path, ref.number))[1])
        return found


def _last_name(expr: Expr, unit: Unit) -> str:
    return _shown(expr, unit).rpartition(".")[2]


def _shown(expr: Expr, unit: Unit) -> str:
    """A dotted expression as written, for a message."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attr):
        return f"{_shown(expr.value, unit)}.{expr.name}"
    if isinstance(expr, Result):
        call = unit.events[expr.event]
        return _shown(call.func, unit) if isinstance(call, Call) else "…"
    return "…"
