"""What memory holds for a moment only, or so that it does not matter which process holds it: entries that their own job
takes out again, turns among equals, stand-ins for a store that fails."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from proctor.judge.expressions import deep, parts_of, subexpressions
from proctor.judge.graph import around
from proctor.judge.memory import Access, Memory
from proctor.judge.reading import REMOVING, event_sources
from proctor.judge.roots import Roots
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Const,
    Expr,
    Item,
    Load,
    Name,
    Op,
    Return,
    SetAttr,
    SetItem,
    Unit,
    Yield,
)
from proctor.model.program import LibObj, Program, UnitKey, UnitRef
from proctor.model.words import Effect

#: what only a connection to something outside does
_OUTSIDE: frozenset[Effect] = frozenset({"database", "network", "http"})


class Passing:
    """Asks about the writes and reads of one place in `memory`."""

    def __init__(self, memory: Memory, roots: Roots) -> None:
        self.memory = memory
        self.program = memory.program
        self.roots = roots

    def only_passes(
        self, telling: Sequence[Access], writes: Sequence[Access], uses: Sequence[Access]
    ) -> bool:
        """Whether entries live as long as the request or job that makes them: it takes them out itself, and only it, or
        what runs in its midst, looks at them in between."""
        makers = {write.unit for write in telling if write.how in ("item", "add")}
        takers = {write.unit for write in writes if write.how == "remove"}
        if not takers or not makers or any(w.how in ("bind", "count") for w in telling):
            return False
        if all(self.roots.is_nested(each.unit) for each in (*telling, *uses)):
            return any(use.unit in takers for use in uses)
        within = all(
            maker in takers or any(encloses(self.program, taker, maker) for taker in takers)
            for maker in makers
        )
        return within and all(self._is_within(use, telling) for use in uses)

    def _is_within(self, use: Access, telling: Sequence[Access]) -> bool:
        """Whether a read comes after an entry was made in the same unit, or in a function inside that."""
        for write in telling:
            if write.how not in ("item", "add"):
                continue
            if use.unit == write.unit:
                first = min(w.event for w in telling if w.unit == write.unit)
                if use.event > first or self._is_inner(write.unit, telling):
                    return True
            elif encloses(self.program, write.unit, use.unit):
                return True
        return False

    def _is_inner(self, key: UnitKey, telling: Sequence[Access]) -> bool:
        return any(encloses(self.program, other.unit, key) for other in telling)

    def leaves_by_itself(self, write: Access) -> bool:
        """Whether what is put in is told to take itself out when it is done (`task.add_done_callback(tasks.discard)`)."""
        if write.how not in ("add", "item") or write.value is None:
            return False
        unit = self.program.unit(write.unit)
        added = {write.value, *deep(unit, write.value)}
        return any(
            isinstance(event, Call)
            and isinstance(event.func, Attr)
            and event.func.value in added
            and any(self._takes_out(write, arg) for arg in event.args)
            for event in unit.events
        )

    def _takes_out(self, write: Access, callback: Expr) -> bool:
        if isinstance(callback, Attr):
            return self._removes(write, write.unit, callback)
        inner = [
            UnitKey(ref.path, ref.number)
            for ref in self.program.resolve(write.unit, callback)
            if isinstance(ref, UnitRef)
        ]
        return any(
            isinstance(event, Call) and self._removes(write, key, event.func)
            for key in inner
            for event in self.program.unit(key).events
        )

    def _removes(self, write: Access, key: UnitKey, method: Expr) -> bool:
        return (
            isinstance(method, Attr)
            and method.name in REMOVING
            and write.storage in self.memory.places(key, method.value)
        )

    def takes_turns(self, writes: Sequence[Access], reads: Sequence[Access]) -> bool:
        """Whether a number only says whose turn it is among things that work does not change: each process may count for
        itself."""
        wraps = False
        for access in writes:
            if access.how not in ("count", "bind"):
                return False
            if access.how == "bind" and not isinstance(access.value, Const):
                if not self._wraps(access.unit, access.value, access):
                    return False
                wraps = True
        for turns in self._by_line(reads, writes):
            if not any(turns) or "" in turns:
                return False
            wraps = wraps or "rest" in turns
        return wraps

    def limits_tools(self, writes: Sequence[Access], reads: Sequence[Access]) -> bool:
        """Whether a number only says how many connections of this process there are: those who count give out connections,
        and nobody else asks."""
        counting = {write.unit for write in writes}
        return (
            all(write.how == "count" for write in writes)
            and {read.unit for read in reads} <= counting
            and all(self._gives_connections(key) for key in counting)
        )

    def only_logs(self, reads: Sequence[Access], writes: Sequence[Access]) -> bool:
        """Whether numbers that are counted up show only in the log of this process."""
        counting = {(write.unit, write.event) for write in writes}
        shown = [read for read in reads if (read.unit, read.event) not in counting]
        return bool(shown) and all(self._is_for_log(read) for read in shown)

    def _is_for_log(self, read: Access) -> bool:
        unit = self.program.unit(read.unit)
        logging = [
            range(event.line, event.end_line + 1)
            for number, event in enumerate(unit.events)
            if isinstance(event, Call)
            and any(symbol.startswith("logging.") for symbol in self.program.symbols(read.unit, number))
        ]
        line = unit.events[read.event].line
        if any(line in lines for lines in logging):
            return True
        return any(
            block.kind == "if"
            and block.line == line
            and unit.events[read.event].block == block.parent
            and all(any(e.line in lines for lines in logging) for e in unit.events if e.block == number)
            for number, block in enumerate(unit.blocks)
        ) or self._is_counting(read)

    def _is_counting(self, read: Access) -> bool:
        """Whether a read is part of the line that counts."""
        unit = self.program.unit(read.unit)
        line = unit.events[read.event].line
        return any(
            write.unit == read.unit
            and unit.events[write.event].line == line
            and isinstance(unit.events[write.event], Bind | SetAttr | SetItem)
            for write in self.memory.writes[read.storage]
        ) and isinstance(unit.events[read.event], Load)

    def _gives_connections(self, key: UnitKey) -> bool:
        events = self.program.unit(key).events
        given = [e.value for e in events if isinstance(e, Return | Yield) and e.value is not None]
        return gives_connections(self.program, key, given)

    def _wraps(self, key: UnitKey, value: Expr | None, access: Access) -> bool:
        unit = self.program.unit(key)
        return any(
            isinstance(part, Op) and part.name == "%" and self._means(key, part.operands[0], access)
            for part in deep(unit, value)
        )

    def _by_line(self, reads: Sequence[Access], writes: Sequence[Access]) -> Iterator[set[str | None]]:
        """What each line does with the number; the bare name is read for what the rest of its line makes of it."""
        lines: dict[tuple[UnitKey, int], set[str | None]] = {}
        bare: set[tuple[UnitKey, int]] = set()
        for use in reads:
            event = self.program.unit(use.unit).events[use.event]
            if not _changes(event, use, writes):
                at = (use.unit, event.line)
                if isinstance(event, Load) and isinstance(event.expr, Name | Attr):
                    bare.add(at)
                else:
                    lines.setdefault(at, set()).update(self._turn(use, each) for each in event_sources(event))
        writing = {(write.unit, self.program.unit(write.unit).events[write.event].line) for write in writes}
        yield from lines.values()
        yield from (set() for at in bare if at not in lines and at not in writing)

    def _turn(self, use: Access, source: Expr | None) -> str | None:
        """What an expression does with the number: "pick" one of several things that stay, take the "rest" of a division, ""
        for anything else; None where it does not name it."""
        if isinstance(source, Item) and self._means(use.unit, source.index, use):
            wrapped = self._turn(use, source.index)
            return (wrapped or "pick") if self._stays(use.unit, source.value) else ""
        if isinstance(source, Op) and source.name == "%" and self._means(use.unit, source.operands[0], use):
            return "rest"
        if source is not None and use.storage in self.memory.places(use.unit, source):
            return ""
        found = [self._turn(use, part) for part in parts_of(source)] if source is not None else []
        return "" if "" in found else next((each for each in found if each), None)

    def _means(self, key: UnitKey, expr: Expr, access: Access) -> bool:
        return any(access.storage in self.memory.places(key, part) for part in subexpressions(expr))

    def _stays(self, key: UnitKey, container: Expr) -> bool:
        places = self.memory.places(key, container)
        return bool(places) and not any(place in self.memory.writes for place in places)

    def are_fallbacks(self, writes: Sequence[Access]) -> bool:
        """Whether everything is written only where something else has failed (in an `except` arm)."""
        adding = [write for write in writes if write.how != "remove"]
        return bool(adding) and all(
            _is_in_except(self.program.unit(write.unit), self._block(write)) for write in adding
        )

    def _block(self, access: Access) -> int:
        return self.program.unit(access.unit).events[access.event].block


def gives_connections(program: Program, key: UnitKey, values: Sequence[Expr]) -> bool:
    """Whether values are connections of this process, made or taken from where they lie idle."""
    refs = [ref for value in values for ref in program.resolve(key, value)]
    known = [ref for ref in refs if not (isinstance(ref, LibObj) and ref.type.endswith("()"))]
    return bool(known) and all(isinstance(ref, LibObj) and _is_connection(program, ref) for ref in known)


def _is_connection(program: Program, ref: LibObj) -> bool:
    return program.lives(ref.type) == "connection" or not _OUTSIDE.isdisjoint(program.abilities(ref.type))


def encloses(program: Program, outer: UnitKey, inner: UnitKey) -> bool:
    """Whether a function is defined inside another one."""
    while inner.path == outer.path and inner.number > 0:
        inner = UnitKey(inner.path, program.unit(inner).parent)
        if inner == outer:
            return True
    return False


def _changes(event: object, use: Access, writes: Sequence[Access]) -> bool:
    """Whether a read is that of the write itself (`n += 1`, `n = (n + 1) % k`)."""
    return isinstance(event, Bind | SetAttr) and any(
        write.unit == use.unit and write.event == use.event for write in writes
    )


def _is_in_except(unit: Unit, block: int) -> bool:
    return any(unit.blocks[each].kind == "except" for each in around(unit, block))
