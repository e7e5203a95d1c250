"""What Python asks of objects of the tree without naming a method: operators, items, iteration, awaiting, descriptors."""

from __future__ import annotations

from collections.abc import Iterable

from proctor.link.memory import Refs
from proctor.link.operators import METHODS, SHOWN
from proctor.link.sheet import Part
from proctor.model.fact import Bind, Call, Event, Expr, Item, Load, Result, SetItem, Star, Yield
from proctor.model.program import BoundRef, ObjRef, UnitKey


class Asked(Part):
    """The methods with double underscores that one unit makes run."""

    def ask(self, refs: Refs, names: Iterable[str], number: int, event: Event) -> bool:
        """Note that objects among `refs` are asked for the methods `names`; True where one has any."""
        found = False
        for ref in refs:
            if isinstance(ref, ObjRef):
                for name in names:
                    for method in self.world.class_member(UnitKey(ref.path, ref.number), name, ref):
                        if isinstance(method, BoundRef):
                            found = True
                            target = UnitKey(method.path, method.number)
                            self.sheet.edge(target, number, event.block, self.sheet.place(event), "call")
        return found

    def _ask_expr(self, expr: Expr | None, names: Iterable[str], number: int, event: Event) -> None:
        if expr is not None:
            self.ask(self.world.resolve(expr, self.scope), names, number, event)

    def call(self, number: int, event: Call) -> None:
        """Objects that are awaited, and those whose items are passed one by one."""
        if event.use == "await":
            self._ask_expr(Result(number), ("__await__",), number, event)
        for arg in event.args:
            if isinstance(arg, Star):
                self._ask_expr(arg.value, ("__iter__",), number, event)
        for name, value in event.keywords:
            if not name:
                self._ask_expr(value, ("keys", "__getitem__"), number, event)

    def iterate(self, number: int, event: Bind | Yield) -> None:
        """Objects that are unpacked, or that a generator hands on item by item."""
        if isinstance(event, Yield) or event.how == "unpack":
            self._ask_expr(event.value, ("__iter__",), number, event)

    def item(self, expr: Item, number: int, event: Event) -> None:
        """An item that is read."""
        self._ask_expr(expr.value, ("__getitem__",), number, event)

    def set_item(self, number: int, event: SetItem) -> None:
        """An item that is set or deleted."""
        names = ("__delitem__",) if event.how == "delete" else ("__setitem__",)
        self._ask_expr(event.obj, names, number, event)

    def operators(self) -> None:
        """Operands whose classes say what an operator does."""
        known = self.ledger.operators
        if not known:
            return
        for operation in self.scope.operations:
            names = [name for name in operation.methods if name in known]
            if names and self.sheet.states[operation.block] != "dead":
                at = Load(operation.block, operation.line, 0, operation.line, 0, operation.operand)
                refs = self.world.resolve(operation.operand, self.scope)
                for name in names:
                    # the next one is asked only where there is no such method; which one a text wants is not known
                    if self.ask(refs, (name,), operation.number, at) and operation.methods is not SHOWN:
                        break


def is_operator(name: str) -> bool:
    """Whether a method of this name is called by an operator, a test or a text."""
    return name in METHODS
