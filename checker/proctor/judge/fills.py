"""Writes that only fill in what was found missing: a cache, a memo, an object made when it is first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from proctor.judge.expressions import comes_from_caller, deep, local_sources, own_params, subexpressions
from proctor.judge.graph import around
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
            is_blank = is_default and (event.use != "statement" or self._is_blank(access.value))  # type: ignore[union-attr]  # it is a call
            return is_blank or self._is_filled_once(access)
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
        if self._is_given(access):
            return False
        if self.is_clock(access):
            return any(self._known_fill(other) for other in self._beside(access))
        if self._starts_something(access):
            return False
        return (
            (self._is_blank(access.value) and not self._is_mark(access))
            or self._uses_value(access)
            or self._readers_fill(access)
            or self._is_tool(access)
            or self._was_too_old(access, group)
        )

    def _is_given(self, access: Access) -> bool:
        """Whether a handler keeps, as it came, what a request says beside the key: another request may say something else."""
        if access.how != "item" or not any(
            self.memory.is_handler(view, access.unit) for view in self.memory.views
        ):
            return False
        unit = self.program.unit(access.unit)
        asked = {part.id for part in local_sources(unit, access.slot) if isinstance(part, Name)}
        return any(
            isinstance(part, Name) and part.id in own_params(unit) - asked
            for part in subexpressions(access.value)
        )

    def _starts_something(self, access: Access) -> bool:
        """Whether an object of the app is put under a key of the caller's, and what comes in later is put into it (a game,
        a conversation): another one made in its place does not have that."""
        if access.how != "item" or not comes_from_caller(self.program.unit(access.unit), access.slot):
            return False
        refs = self.program.resolve(access.unit, access.value) if access.value is not None else ()
        owners = [
            owner
            for ref in refs
            if isinstance(ref, ObjRef)
            for owner in self.program.project_bases(UnitKey(ref.path, ref.number))
        ]
        return any(
            write.how in ("add", "item") and not self.is_fill(write)
            for storage, writes in self.memory.writes.items()
            if storage.kind == "instance" and storage.owner in owners
            for write in writes
        )

    def _is_filled_once(self, access: Access) -> bool:
        """Whether a container is filled with what the process finds by itself, only until a flag beside it is set."""
        flags = frozenset(
            other.storage
            for other in self._beside(access)
            if other.how == "bind" and isinstance(other.value, Const) and other.value.value is True
        )
        unit = self.program.unit(access.unit)
        block = unit.events[access.event].block
        return (
            bool(flags)
            and self._is_guarded(access.unit, block, access.event, flags)
            and not comes_from_caller(unit, access.value)
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
        for inner in around(unit, block):
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

    def _is_mark(self, access: Access) -> bool:
        """Whether a key is marked as seen, which is all that the place is there for."""
        return access.how == "item" and isinstance(access.value, Const) and bool(access.value.value)

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

    def _readers_fill(self, access: Access) -> bool:
        """Whether each other unit that reads the place fills in itself what it finds missing."""
        readers = {read.unit for read in self.memory.reads.get(access.storage, ())} - {access.unit}
        own = [other for other in self.memory.writes.get(access.storage, ()) if other.how == access.how]
        group = frozenset({access.storage})
        return bool(readers) and all(
            any(
                other.unit == key
                and self._is_guarded(
                    key, self.program.unit(key).events[other.event].block, other.event, group
                )
                for other in own
            )
            for key in readers
        )

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
            for block in around(unit, unit.events[number].block) if number >= 0 else ():
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

    def _is_guarded(self, key: UnitKey, block: int, number: int, group: frozenset[Storage]) -> bool:
        unit = self.program.unit(key)
        above = around(unit, block)
        for inner in above:
            kind = unit.blocks[inner].kind
            if kind in ("if", "while") and self._misses(key, unit.blocks[inner].test, group) is True:
                return True
            if kind == "else" and self._misses(key, _test_of_else(unit, inner), group) is False:
                return True
            if kind == "except" and self._tried(key, inner, group):
                return True
        return any(self._leaves(key, other, number, group) for other in _before(unit, above, number))

    def _tried(self, key: UnitKey, block: int, group: frozenset[Storage]) -> bool:
        """Whether an `except` arm is for what the place does not hold."""
        unit = self.program.unit(key)
        info = unit.blocks[block]
        caught = [
            part.id if isinstance(part, Name) else part.name
            for part in subexpressions(info.test)
            if isinstance(part, Name | Attr)
        ]
        if caught and not _MISSING.intersection(caught):
            return False
        tries = [
            n for n, other in enumerate(unit.blocks) if other.kind == "try" and other.group == info.group
        ]
        return any(self._reads_in(key, number, group) for number in tries)

    def _reads_in(self, key: UnitKey, block: int, group: frozenset[Storage]) -> bool:
        unit = self.program.unit(key)
        return any(
            read.unit == key and block in around(unit, unit.events[read.event].block)
            for storage in group
            for read in self.memory.reads.get(storage, ())
        )

    def _leaves(self, key: UnitKey, block: int, number: int, group: frozenset[Storage]) -> bool:
        """Whether an earlier arm leaves the unit where the place holds something."""
        unit = self.program.unit(key)
        info = unit.blocks[block]
        exits = [
            event
            for event in unit.events
            if isinstance(event, Return | Raise | Jump) and event.block == block
        ]
        if not exits:
            present = info.kind == "if" and self._misses(key, info.test, group) is False
            return present and self._returns_fresh(key, block)
        if info.kind == "try":
            return any(isinstance(event, Return) for event in exits) and self._reads_in(key, block, group)
        if info.kind == "if":
            return self._misses(key, info.test, group) is False
        return info.kind == "else" and self._misses(key, _test_of_else(unit, block), group) is True

    def _returns_fresh(self, key: UnitKey, block: int) -> bool:
        """Whether a block returns where a comparison says that what is there is young enough."""
        unit = self.program.unit(key)
        return self._reads_clock(key) and any(
            isinstance(part, Op) and part.name in _ORDER
            for event in unit.events
            if isinstance(event, Return)
            for inner in around(unit, event.block)
            if unit.blocks[inner].parent == block and unit.blocks[inner].kind == "if"
            for part in subexpressions(unit.blocks[inner].test)
        )

    # --- conditions ------------------------------------------------------------------------------------------

    def _misses(self, key: UnitKey, test: Expr | None, group: frozenset[Storage]) -> bool | None:
        """True where the condition says that the place holds nothing (or something too old), False where it says that
        it holds something, None where it says neither."""
        if isinstance(test, Op):
            return self._operator_misses(key, test, group)
        if test is None or not self._mentions(key, test, group):
            return None
        # a function of the app that looks at the place (`is_expired()`) is asked whether it is due
        return isinstance(test, Result) and bool(self.program.targets(key, test.event))

    def _operator_misses(self, key: UnitKey, test: Op, group: frozenset[Storage]) -> bool | None:
        if test.name == "not":
            inner = self._misses(key, test.operands[0], group)
            if inner is True and isinstance(test.operands[0], Result):
                return True
            return None if inner is None else not inner
        if test.name in ("and", "or"):
            answers = [self._misses(key, part, group) for part in test.operands]
            if True in answers:
                return True
            if test.name == "or" and None in answers:
                return None
            return False if False in answers else None
        if test.name in ("in", "not in"):
            if len(test.operands) == 2 and self._mentions(key, test.operands[1], group):
                return test.name == "not in"
            return None
        if not any(self._mentions(key, part, group) for part in test.operands):
            return None
        if test.name in ("is", "==", "is not", "!="):
            blank = any(self._is_blank(part) or isinstance(part, Name) for part in test.operands[1:])
            return (test.name in ("is", "==")) if blank else None
        if test.name in _ORDER and self._reads_clock(key):
            return True
        return None

    def _reads_clock(self, key: UnitKey) -> bool:
        return any(hit.effect == "reads-clock" for hit in self.program.unit_hits(key))

    def _mentions(self, key: UnitKey, expr: Expr, group: frozenset[Storage]) -> bool:
        for part in subexpressions(expr):
            if not group.isdisjoint(self.memory.places(key, part)):
                return True
            if isinstance(part, Result) and self._call_mentions(key, part, group):
                return True
        return False

    def _call_mentions(self, key: UnitKey, expr: Result, group: frozenset[Storage]) -> bool:
        call = self.program.unit(key).events[expr.event]
        assert isinstance(call, Call)
        for target in self.program.targets(key, expr.event):
            if any(read.unit == target for storage in group for read in self.memory.reads.get(storage, ())):
                return True
        if isinstance(call.func, Attr) and self._mentions(key, call.func.value, group):
            return True
        if not isinstance(call.func, Name) or call.func.id not in _ASKING or not call.args:
            return False
        if call.func.id in ("hasattr", "getattr") and len(call.args) > 1:
            name = call.args[1]
            if isinstance(name, Const) and isinstance(name.value, str):
                return self._mentions(key, Attr(call.args[0], name.value), group)
        return self._mentions(key, call.args[0], group)


def is_tool(memory: Memory, access: Access) -> bool:
    """Whether what a write stores is something that works (a client, a lock, a service), not data."""
    refs = memory.program.resolve(access.unit, access.value) if access.value is not None else ()
    kinds = [_is_tool_ref(memory, access, ref) for ref in refs if not _is_none(ref)]
    return bool(kinds) and all(kinds)


def _is_none(ref: object) -> bool:
    return getattr(ref, "value", ...) is None


def _is_tool_ref(memory: Memory, access: Access, ref: object) -> bool:
    program = memory.program
    if isinstance(ref, LibObj):
        if program.lives(ref.type) in ("connection", "process"):
            return True
        if ref.type.startswith("builtins.") or program.lives(ref.type) in ("client", "record", "data"):
            return False
        if memory.is_container_type(ref.type):
            return False
        made = made_by(program.unit(access.unit), access.value)
        if made is None or memory.kept(access.unit, made):
            return False
        return bool(program.abilities(ref.type)) if ref.type.endswith("()") else True
    if isinstance(ref, ObjRef):
        return not (has_own_state(memory, UnitKey(ref.path, ref.number)) or _enters_itself(memory, access))
    if isinstance(ref, LibRef):
        owner, _, name = ref.symbol.rpartition(".")
        return name[:1].isupper() or program.lives(owner) in ("connection", "process")
    return isinstance(ref, UnitRef | BoundRef)


def _enters_itself(memory: Memory, access: Access) -> bool:
    """Whether an object is found by what its maker was given, as soon as it is made."""
    unit = memory.program.unit(access.unit)
    own = bool(unit.params) and access.value == Name(unit.params[0].name)
    return own and unit.name in CONSTRUCTORS and access.how == "item" and comes_from_caller(unit, access.slot)


def made_by(unit: Unit, value: Expr | None) -> int | None:
    """The call of this unit that makes a value, if one does."""
    inner = value.value if isinstance(value, Await) else value
    if isinstance(inner, Result):
        return inner.event
    if isinstance(inner, Name):
        for event in unit.events:
            if isinstance(event, Bind) and event.name == inner.id and event.value != value:
                return made_by(unit, event.value)
    return None


def has_own_state(memory: Memory, key: UnitKey) -> bool:
    """Whether instances of a class of the app hold something that work changes, or are records."""
    if any(
        memory.program.lives(base) in ("record", "data", "client") for base in memory.program.class_bases(key)
    ):
        return True
    owners = memory.program.project_bases(key)
    return any(
        storage.kind == "instance" and storage.owner in owners and any(not is_lazy(memory, w) for w in writes)
        for storage, writes in memory.writes.items()
    )


def is_lazy(memory: Memory, access: Access) -> bool:
    """Whether a write stores a library's tool (which is no state worth keeping)."""
    program = memory.program
    refs = program.resolve(access.unit, access.value) if access.value is not None else ()
    if access.how != "bind" or not refs:
        return False
    made = made_by(program.unit(access.unit), access.value) is not None
    return all(
        (made and isinstance(ref, LibRef))
        or (isinstance(ref, LibRef | LibObj) and _is_tool_ref(memory, access, ref))
        for ref in refs
    )


def _method(event: Call) -> str:
    return event.func.name if isinstance(event.func, Attr) else ""


def _test_of_else(unit: Unit, block: int) -> Expr | None:
    group = unit.blocks[block].group
    return next((b.test for b in unit.blocks if b.group == group and b.kind == "if"), None) if group else None


def _before(unit: Unit, above: tuple[int, ...], number: int) -> Iterator[int]:
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
