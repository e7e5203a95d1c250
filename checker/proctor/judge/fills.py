"""Writes that only fill in what was found missing: a cache, a memo, an object made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from proctor.judge.expressions import deep, local_sources, subexpressions
from proctor.judge.memory import CONSTRUCTORS, Access, Memory
from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Const,
    Expr,
    Jump,
    Load,
    Map,
    Name,
    Op,
    Raise,
    Result,
    Return,
    Seq,
    Unit,
)
from proctor.model.program import BoundRef, LibObj, LibRef, ObjRef, Storage, UnitKey, UnitRef

_MISSING = frozenset(
    {"KeyError", "AttributeError", "NameError", "LookupError", "IndexError", "Exception", "TypeError"}
)
_ASKING = frozenset({"len", "bool", "any", "all", "hasattr", "getattr", "isinstance", "callable"})
_VALUE_METHODS = frozenset({"get", "pop", "values", "items", "setdefault", "copy", "popitem"})
_ORDER = frozenset({"<", "<=", ">", ">=", "< <=", "<= <"})


class Fills:
    """Tells the fills among the writes of `memory`. `home` gives the lasting place that holds another one."""

    def __init__(self, memory: Memory, home: Callable[[Storage], Storage | None]) -> None:
        self.memory = memory
        self.home = home
        self.program = memory.program
        self._known: dict[Access, bool] = {}

    def is_fill(self, access: Access) -> bool:
        """Whether a write happens only because the place held nothing (or something too old), and what it holds is
        used where it is there."""
        if access not in self._known:
            self._known[access] = self._is_fill(access)
        return self._known[access]

    def _is_fill(self, access: Access) -> bool:
        unit = self.program.unit(access.unit)
        event = unit.events[access.event]
        if access.how == "add":
            is_default = isinstance(event, Call) and _method(event) == "setdefault"
            return is_default and (event.use != "statement" or self._is_blank(access.value))  # type: ignore[union-attr]  # it is a call
        if access.how not in ("bind", "item"):
            return False
        if self._builds_on(access) or self._is_tested(access):
            return self._is_tested(access)
        group = self._group(access)
        if not (
            self._is_guarded(access.unit, event.block, access.event, group)
            or self._callers_guard(access.unit, group)
        ):
            return False
        if self.is_clock(access):
            return any(self._known_fill(other) for other in self._beside(access))
        return (
            self._is_blank(access.value)
            or self._uses_value(access)
            or self._is_tool(access)
            or self._was_too_old(access, group)
        )

    def expires(self, access: Access) -> bool:
        """Whether a fill comes again when what is there is too old."""
        group = self._group(access)
        return self._was_too_old(access, group) or any(self.is_clock(other) for other in self._beside(access))

    def has_age(self, access: Access) -> bool:
        """Whether a place gets its value together with a time, by which a reader of the place judges its age."""
        if access.how != "bind":
            return False
        readers = {read.unit for read in self.memory.reads.get(access.storage, ())}
        return any(
            other.how == "bind" and any(self._is_compared(other.storage, key) for key in readers)
            for other in self._beside(access)
        )

    def _is_compared(self, storage: Storage, key: UnitKey) -> bool:
        unit = self.program.unit(key)
        return any(
            isinstance(part, Op) and part.name in _ORDER and self._mentions(key, part, frozenset({storage}))
            for block in unit.blocks
            for part in subexpressions(block.test)
        )

    def _known_fill(self, access: Access) -> bool:
        return not self.is_clock(access) and self.is_fill(access)

    def _group(self, access: Access) -> frozenset[Storage]:
        """The place, and the places of the same owner that the same unit writes with it (`token`, `token_expires`);
        of what a place holds, also that place and those beside it."""
        found = {access.storage, *(other.storage for other in self._beside(access))}
        home = self.home(access.storage)
        if home is not None and home != access.storage:
            found.update(s for s in self.memory.writes if s.owner == home.owner and s.kind == home.kind)
        return frozenset(found)

    def _beside(self, access: Access) -> Iterator[Access]:
        for storage, writes in self.memory.writes.items():
            if storage.owner == access.storage.owner and storage != access.storage:
                yield from (other for other in writes if other.unit == access.unit)

    def _builds_on(self, access: Access) -> bool:
        """Whether the new value is made from the old one."""
        unit = self.program.unit(access.unit)
        if isinstance(access.value, Op) and access.value.name == "or":
            return False
        return any(
            access.storage in self.memory.places(access.unit, part) for part in deep(unit, access.value)
        )

    def _is_tested(self, access: Access) -> bool:
        """Whether an entry is only put into its final form when first used: what it holds is asked for its type."""
        unit = self.program.unit(access.unit)
        block = unit.events[access.event].block
        for inner in _ancestors(unit, block):
            test = unit.blocks[inner].test
            call = unit.events[test.event] if isinstance(test, Result) else None
            if isinstance(call, Call) and isinstance(call.func, Name) and call.func.id == "isinstance":
                subject = call.args[0] if call.args else None
                return any(
                    access.storage in self.memory.places(access.unit, part)
                    for part in local_sources(unit, subject)
                )
        return False

    # --- what is written -------------------------------------------------------------------------------------

    def _is_blank(self, value: Expr | None) -> bool:
        if isinstance(value, Const):
            return True
        return isinstance(value, Map | Seq) and not (value.keys if isinstance(value, Map) else value.items)

    def is_clock(self, access: Access) -> bool:
        """Whether what is stored is a time."""
        parts = [part.event for part in subexpressions(access.value) if isinstance(part, Result)]
        return any(
            hit.effect == "reads-clock" and hit.event in parts for hit in self.program.unit_hits(access.unit)
        )

    def _is_tool(self, access: Access) -> bool:
        """Whether what is stored is something that works (a client, a service), not data."""
        return is_tool(self.memory, access)

    def _uses_value(self, access: Access) -> bool:
        """Whether the unit, or one that calls it, uses what the place holds, beyond asking whether it is there."""
        units = {access.unit, *(edge.source for edge in self.memory.callers(access.unit))}
        return any(self._uses_in(access.storage, key) for key in sorted(units))

    def _uses_in(self, storage: Storage, key: UnitKey) -> bool:
        unit = self.program.unit(key)
        tests = [part for block in unit.blocks for part in subexpressions(block.test)]
        n_used = 0
        for read in self.memory.reads.get(storage, ()):
            if read.unit != key:
                continue
            event = unit.events[read.event]
            if isinstance(event, Call):
                # what holds a tool is used by calling it or passing it on, what holds data by taking something out
                asks = isinstance(event.func, Name) and event.func.id in _ASKING - {"getattr"}
                used = event.use != "statement" or _method(event) not in _VALUE_METHODS
                n_used += used and not asks and Result(read.event) not in tests
            else:
                n_used += not (isinstance(event, Load) and event.expr in tests)
        return n_used > 0

    # --- what is asked first ---------------------------------------------------------------------------------

    def _callers_guard(self, key: UnitKey, group: frozenset[Storage]) -> bool:
        edges = [edge for edge in self.memory.callers(key) if not self._constructs(edge.source, key)]
        for edge in edges:
            if edge.event < 0:
                return False
            event = self.program.unit(edge.source).events[edge.event]
            if not self._is_guarded(edge.source, event.block, edge.event, group):
                return False
        return bool(edges)

    def _was_too_old(self, access: Access, group: frozenset[Storage]) -> bool:
        """Whether the unit or one that calls it looks at the clock to see whether the place is due."""
        sources = [
            (access.unit, access.event),
            *((e.source, e.event) for e in self.memory.callers(access.unit)),
        ]
        for key, number in sources:
            unit = self.program.unit(key)
            for block in _ancestors(unit, unit.events[number].block) if number >= 0 else ():
                for part in subexpressions(unit.blocks[block].test):
                    if (
                        isinstance(part, Op)
                        and part.name in _ORDER
                        and self._operator_misses(key, part, group)
                    ):
                        return True
        return False

    def _constructs(self, caller: UnitKey, key: UnitKey) -> bool:
        """Whether the caller is the constructor of the class that a method belongs to."""
        unit = self.program.unit(caller)
        owner = UnitKey(key.path, self.program.unit(key).parent)
        if unit.name not in CONSTRUCTORS or owner.number < 0 or self.program.unit(owner).kind != "class":
            return False
        return UnitKey(caller.path, unit.parent) in self.program.project_bases(owner)


def _method(event: Call) -> str:
    return event.func.name if isinstance(event.func, Attr) else ""


##TAIL
def _ancestors(unit: Unit, block: int) -> Iterator[int]:
    while block > 0:
        yield block
        block = unit.blocks[block].parent


def _test_of_else(unit: Unit, block: int) -> Expr | None:
    group = unit.blocks[block].group
    return next((b.test for b in unit.blocks if b.group == group and b.kind == "if"), None) if group else None


def _before(unit: Unit, above: list[int], number: int) -> Iterator[int]:
    """Arms that stand before event `number`, in one of the blocks that hold it."""
    line = unit.events[number].line
    holding = {0, *above}
    for other, info in enumerate(unit.blocks):
        if other and other not in holding and info.line < line and _outer(unit, other) in holding:
            yield other


def _outer(unit: Unit, block: int) -> int:
    """The block that holds the statement of an arm; `with` and `try` around it are looked through."""
    parent = unit.blocks[block].parent
    while parent > 0 and unit.blocks[parent].kind in ("with", "try"):
        parent = unit.blocks[parent].parent
    return max(parent, 0)
