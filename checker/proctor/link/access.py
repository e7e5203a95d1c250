"""Attributes and items read and set, `with` and `for`: what they run and do."""

from __future__ import annotations

from proctor.link.asked import Asked
from proctor.link.linked import SettingWrite
from proctor.link.loops import blocks_inside
from proctor.link.memory import Refs, attribute_cell
from proctor.link.runs import Runs
from proctor.link.sheet import Part, Sheet
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Const,
    Define,
    Event,
    Expr,
    Item,
    Load,
    Map,
    Name,
    Result,
    Seq,
    SetAttr,
    SetItem,
)
from proctor.model.program import BoundRef, LibObj, LibRef, ModRef, ObjRef, Ref, UnitKey, UnitRef
from proctor.model.rule import EffectRow

#: what a loop asks of an object; one that has only items gives them until there are no more
_ITERATED = ("__iter__", "__next__", "__aiter__", "__anext__")


class Access(Part):
    """What one unit does to the world other than by calls."""

    def __init__(self, sheet: Sheet, runs: Runs, asked: Asked) -> None:
        super().__init__(sheet)
        self.runs = runs
        self.asked = asked

    def _setting_item(self, owner: str, number: int, event: SetAttr | SetItem) -> None:
        for name in self.rows.ancestors(owner):
            for row, role in self.rows.setting_symbols.get(name, ()):
                if role == "mapping" and (isinstance(event, SetItem) or row.attributes):
                    self.ledger.settings[(self.key, number)] = SettingWrite(row, role, self.scope, event)

    def read(self, number: int, event: Load) -> None:
        """Properties and attributes of library objects that are read."""
        expr = event.expr
        while isinstance(expr, Attr | Item):
            if isinstance(expr, Attr):
                self._load_attribute(expr, number, event)
            else:
                self._load_item(expr, number, event)
            expr = expr.value

    def _load_item(self, expr: Item, number: int, event: Load) -> None:
        self.asked.item(expr, number, event)
        for ref in self.world.resolve(expr.value, self.scope) if self.rows.effect_reads else ():
            if isinstance(ref, LibRef | LibObj):
                owner = ref.symbol if isinstance(ref, LibRef) else ref.type
                symbol = self.rows.canonical(f"{owner}.__getitem__")
                for row in self.rows.find(self.rows.effect_reads, symbol):
                    self.sheet.hit(row, symbol, number, event, None, "")

    def _load_attribute(self, expr: Attr, number: int, event: Load) -> None:
        for ref in self.world.resolve(expr.value, self.scope):
            if isinstance(ref, ObjRef):
                self._property(ref, expr.name, number, event, is_set=False)
            elif isinstance(ref, LibRef | LibObj) and self.rows.effect_reads:
                owner = ref.symbol if isinstance(ref, LibRef) else ref.type
                symbol = self.rows.canonical(f"{owner}.{expr.name}")
                for row in self.rows.find_member(self.rows.effect_reads, symbol):
                    self.sheet.hit(row, symbol, number, event, None, "")

    def callee(self, number: int, event: Call) -> None:
        """Properties that are read to get at what is called (`self.client.send()`)."""
        expr: Expr = event.func
        while isinstance(expr, Attr | Item):
            if isinstance(expr, Attr):
                for ref in self.world.resolve(expr.value, self.scope):
                    if isinstance(ref, ObjRef):
                        self._property(ref, expr.name, number, event, is_set=False)
            else:
                self.asked.item(expr, number, event)
            expr = expr.value

    def _property(self, ref: ObjRef, name: str, number: int, event: Event, *, is_set: bool) -> None:
        key = UnitKey(ref.path, ref.number)
        project = self.world.mro(key)[0]
        nearest = next((owner for owner in project if name in self.world.scope(owner).bindings), None)
        owners = [nearest] if nearest is not None else []
        if not ref.exact:
            owners.extend(
                below for below in self.world.below(key) if name in self.world.scope(below).bindings
            )
        for owner in owners:
            for bound in self.world.scope(owner).bindings[name]:
                self._descriptor(owner, bound.event, number, event, is_set=is_set)
                if isinstance(bound.event, Define):
                    made = UnitRef(owner.path, bound.event.unit)
                    if self.world.unit_kind(made) == "function" and self.world.is_property(
                        made, is_set=is_set
                    ):
                        place = self.sheet.place(event)
                        self.sheet.edge(UnitKey(*made), number, event.block, place, "property")
        if not owners and not is_set:
            self._ask(ref, name, project, number, event)

    def _descriptor(
        self, owner: UnitKey, bound: Event | None, number: int, event: Event, *, is_set: bool
    ) -> None:
        """An attribute whose class says what reading and setting it does, or that `property` was called for."""
        scope = self.world.scope(owner)
        refs: Refs = ()
        if isinstance(bound, Bind) and isinstance(bound.value, Result):
            refs = self.world.resolve(bound.value, scope)
            for method in self.world.accessors(scope, bound.value, is_set=is_set):
                place = self.sheet.place(event)
                self.sheet.edge(UnitKey(method.path, method.number), number, event.block, place, "property")
        elif isinstance(bound, Define) and scope.module.facts.units[bound.unit].decorators:
            refs = self.world.decorated(scope, bound.unit, 0)
        if self.asked.ask(refs, ("__set__", "__delete__") if is_set else ("__get__",), number, event):
            # a decorator that gives such an object runs the function that it was put on
            for ref in refs if isinstance(bound, Define) else ():
                if isinstance(ref, UnitRef):
                    place = self.sheet.place(event)
                    self.sheet.edge(UnitKey(ref.path, ref.number), number, event.block, place, "property")

    def _ask(self, ref: ObjRef, name: str, project: tuple[UnitKey, ...], number: int, event: Event) -> None:
        """A name that no class has is asked of `__getattr__`."""
        if any(name in self.world.scope(owner).module.self_attributes(owner.number) for owner in project):
            return
        for method in self.world.class_member(UnitKey(ref.path, ref.number), "__getattr__", ref):
            if isinstance(method, BoundRef):
                target = UnitKey(method.path, method.number)
                self.sheet.edge(target, number, event.block, self.sheet.place(event), "property")

    def write(self, number: int, event: SetAttr | SetItem) -> None:
        """Attributes and items of library objects that are set."""
        refs = self.world.resolve(event.obj, self.scope)
        if isinstance(event, SetItem):
            self.asked.set_item(number, event)
        else:
            self.asked.ask(refs, ("__delattr__" if event.how == "delete" else "__setattr__",), number, event)
            self._keep(refs, event)
        for ref in refs:
            if isinstance(ref, ObjRef) and isinstance(event, SetAttr):
                self._property(ref, event.name, number, event, is_set=True)
                self._inherited(ref, event, number)
            if not isinstance(ref, LibRef | LibObj):
                continue
            owner = ref.symbol if isinstance(ref, LibRef) else ref.type
            self._setting_item(owner, number, event)
            if isinstance(event, SetItem) and isinstance(event.index, Const) and event.value is not None:
                kept = self.rows.canonical(f"{owner}[{event.index.value}]")
                self.ledger.feed_attribute(kept, self.runs.passable(event.value))
                self.ledger.feed_attribute(f"{kept}[]", self.runs.names_held(event.value))
            if isinstance(event, SetAttr) and event.value is not None:
                self.ledger.feed_attribute(
                    self.rows.canonical(f"{owner}.{event.name}"), self.runs.passable(event.value)
                )
            if isinstance(event, SetItem):
                if owner in self.rows.environment_items and event.value is not None:
                    self.sheet.environment_write(event.index, event.value, False)
                member = "__delitem__" if event.how == "delete" else "__setitem__"
                symbol = self.rows.canonical(f"{owner}.{member}")
            else:
                symbol = self.rows.canonical(f"{owner}.{event.name}")
            for row in self.rows.find_member(self.rows.effect_writes, symbol):
                self._written(row, symbol, number, event)
            run_rows = self.rows.find(self.rows.run_writes, symbol)
            for runs in run_rows:
                if event.value is not None:
                    self.runs.run(runs, self.runs.targets(runs, event.value), number, event, None)
            if not run_rows and event.value is not None:
                self._leave_with(ref, symbol, event.value, number, event)

    def _leave_with(
        self, ref: LibRef | LibObj, symbol: str, value: Expr, number: int, event: SetAttr | SetItem
    ) -> None:
        """What becomes of functions that a library's object is left with, where no row says so."""
        replaces = isinstance(ref, LibRef) and isinstance(event, SetAttr)
        if isinstance(event, SetAttr) and replaces:
            self._put_in(number, event)
        owner = ref.symbol if isinstance(ref, LibRef) else ref.type
        if self.rows.is_unknown(owner) and (not replaces or isinstance(value, Seq | Map)):
            self._hand_over(symbol, value, number, event)

    def _hand_over(self, symbol: str, value: Expr, number: int, event: SetAttr | SetItem) -> None:
        """Functions that an object of an unknown library keeps: it may run them, as those that its calls are given."""
        items = (
            value.items if isinstance(value, Seq) else value.values if isinstance(value, Map) else (value,)
        )
        for item in items:
            for ref in self.world.resolve(item, self.scope) if not isinstance(item, Const | Result) else ():
                if self.world.is_function(ref):
                    target, place = UnitKey(ref.path, ref.number), self.sheet.place(event)
                    self.sheet.edge(target, number, event.block, place, "callback", text=symbol)

    def _put_in(self, number: int, event: SetAttr) -> None:
        """A function that the app puts in the place of one of a library's runs wherever the library does."""
        for ref in self.world.resolve(event.value, self.scope) if event.value is not None else ():
            if self.world.is_function(ref):
                target = UnitKey(ref.path, ref.number)
                self.sheet.edge(target, number, event.block, self.sheet.place(event), "registers", later=True)

    def _inherited(self, ref: ObjRef, event: SetAttr, number: int) -> None:
        """What it does that an attribute is set which a class of the tree has from a library."""
        if event.name not in self.rows.written_names:
            return
        for base in self.ledger.library_of(UnitKey(ref.path, ref.number)):
            symbol = self.rows.canonical(f"{base}.{event.name}")
            rows = self.rows.find(self.rows.effect_writes, symbol)
            for row in rows:
                self._written(row, symbol, number, event)
            if rows:
                return

    def _written(self, row: EffectRow, symbol: str, number: int, event: SetAttr | SetItem | Bind) -> None:
        """The effects of a row of an attribute or item; what is written counts as its first argument."""
        holds: bool | str = True
        if row.where:
            given = (event.value,) if event.value is not None else ()
            call = Call(
                event.block,
                event.line,
                event.column,
                event.end_line,
                event.end_column,
                Name(""),
                given,
                (),
                "value",
            )
            holds = self.ledger.conditions.hold(row.where, call, self.scope)
        if holds is not False:
            self.sheet.hit(row, symbol, number, event, None, holds if isinstance(holds, str) else "")

    def _keep(self, refs: Refs, event: SetAttr) -> None:
        """What is put on an object, a function or a module from outside: whoever reads the attribute gets it. (What a
        method puts on its own object is read from the class.)"""
        home = self.scope.parent
        is_method = home is not None and home.unit.kind == "class" and self.unit.params
        own = is_method and Name("staticmethod") not in self.unit.decorators
        if own and event.obj == Name(self.unit.params[0].name):
            return
        kept = self.runs.passable(event.value) if event.value is not None else ()
        for ref in refs if kept else ():
            if isinstance(ref, ObjRef | UnitRef | ModRef):
                self.ledger.feed_kept(attribute_cell(ref, event.name), kept)

    def class_writes(self) -> None:
        """`class Settings(Base): functions = [f]`."""
        library = self.ledger.library_of(self.key)
        names = [ancestor for name in library for ancestor in self.rows.ancestors(name)]
        for number, event in enumerate(self.unit.events):
            if isinstance(event, Bind) and event.value is not None:
                for name in names:
                    symbol = f"{name}.{event.name}"
                    for runs in self.rows.run_writes.get(symbol, ()):
                        self.runs.run(runs, self.runs.targets(runs, event.value), number, event, None)
                    for row in self.rows.effect_writes.get(symbol, ()):
                        self._written(row, symbol, number, event)

    def with_blocks(self) -> None:
        """What entering and leaving `with` blocks runs and does."""
        for number, block in enumerate(self.unit.blocks):
            if block.kind != "with" or self.sheet.states[number] == "dead" or not isinstance(block.test, Seq):
                continue
            at = Load(block.parent, block.line, 0, block.line, 0, block.test)
            for item in block.test.items:
                for ref in self.world.resolve(item, self.scope):
                    self._enter(ref, ("__enter__", "__exit__", "__aenter__", "__aexit__"), at, number)

    def for_blocks(self) -> None:
        """What iterating does. A loop over something that waits for its next item without a bound is endless."""
        for number, block in enumerate(self.unit.blocks):
            if (
                block.kind not in ("for", "comprehension")
                or self.sheet.states[number] == "dead"
                or block.test is None
            ):
                continue
            at = Load(block.parent, block.line, 0, block.line, 0, block.test)
            for ref in self.world.resolve(block.test, self.scope):
                self._enter(ref, _ITERATED, at, number)
                for made in self._iterators(ref):
                    self._enter(made, ("__next__", "__anext__"), at, number)
            if isinstance(block.test, Result) and self._waits_for_ever(block.test.event):
                self.sheet.loops |= blocks_inside(self.unit, number)

    def _iterators(self, ref: Ref) -> Refs:
        """The iterators that an object of the tree gives."""
        if not isinstance(ref, ObjRef):
            return ()
        methods = self.world.class_member(UnitKey(ref.path, ref.number), "__iter__", ref)
        found = [self.world.returned(UnitKey(m.path, m.number)) for m in methods if isinstance(m, BoundRef)]
        return tuple(made for refs in found for made in refs if made != ref)

    def _waits_for_ever(self, number: int) -> bool:
        call = self.unit.events[number]
        assert isinstance(call, Call)
        for ref in self.world.resolve(call.func, self.scope):
            if isinstance(ref, LibRef):
                for row in self.rows.find(self.rows.effects, ref.symbol):
                    if is_unbounded(row) and self.ledger.conditions.hold(row.where, call, self.scope) is True:
                        return True
        return False

    def _enter(self, ref: Ref, names: tuple[str, ...], at: Load, block: int) -> None:
        if isinstance(ref, ObjRef):
            if not self.asked.ask((ref,), names, -1 - block, at) and names is _ITERATED:
                self.asked.ask((ref,), ("__getitem__",), -1 - block, at)
        elif isinstance(ref, LibObj):
            for name in names:
                symbol = f"{ref.type}.{name}"
                rows = self.rows.find(self.rows.effects, symbol)
                for row in rows:
                    if is_unbounded(row) and self.unit.blocks[block].kind == "for":
                        self.sheet.loops |= blocks_inside(self.unit, block)
                    self.sheet.hit(row, symbol, -1, at, None, "", block)
                if rows:
                    break


def is_unbounded(row: EffectRow) -> bool:
    """Whether what the row speaks of may wait for ever."""
    details = row.details
    # work that was handed out is over some time, however long it takes
    if details.get("on") == "future":
        return False
    return "waits" in row.does and (details.get("bounded") == "no" or details.get("timeout") == "none")
