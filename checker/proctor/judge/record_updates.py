"""Where records of a shared store are changed by what they held before, and where waiting ones are worked on."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from proctor.judge.expressions import local_sources
from proctor.judge.graph import around
from proctor.judge.locks import LOCAL, is_kept_single, lock_held
from proctor.judge.memory import Memory
from proctor.judge.records import is_record
from proctor.model.fact import Attr, Await, Bind, Call, Expr, Item, Name, Op, Result, Return, SetAttr, Unit
from proctor.model.place import Place
from proctor.model.program import Edge, Hit, UnitKey

_LOOKUPS = frozenset({"reads-record", "database"})
_SAVES = frozenset({"saves-record", "commits"})
_MAX_UNITS = 60
_COUNTING = frozenset({"+", "-", "*", "/", "//", "|", "+=", "-=", "*=", "/=", "//=", "|="})


class Update(NamedTuple):
    """An attribute of a record that gets a value made from its old one, saved by the same unit; `lock` is what guards it."""

    unit: UnitKey
    event: int
    block: int
    place: Place
    symbol: str
    lock: Hit | None


class Claim(NamedTuple):
    """A unit that looks up waiting records (`hit`) and works on them."""

    unit: UnitKey
    hit: Hit
    block: int


class Records:
    """The records of a program."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.program = memory.program
        self._claims: dict[tuple[UnitKey, frozenset[str]], tuple[Claim, ...]] = {}

    # --- updates ---------------------------------------------------------------------------------------------

    def updates(self, key: UnitKey) -> Iterator[Update]:
        """The updates of a unit that the store itself does not make safe."""
        unit = self.program.unit(key)
        hits = self.program.unit_hits(key)
        saves = [hit.event for hit in hits if hit.effect in _SAVES]
        if not saves or self._locks(key):
            return
        helpers = {edge.target for edge in self.program.edges(key) if edge.how == "call" and not edge.trigger}
        if any(map(self._locks, helpers)):
            return
        for number, event in enumerate(unit.events):
            if not isinstance(event, SetAttr) or not self._builds_on(unit, number, event):
                continue
            if max(saves) < number or not self._is_read(key, event.obj):
                continue
            if is_kept_single(self.memory, key, number):
                continue
            place = self.program.place(key, event)
            symbol = f"{_shown(event.obj)}.{event.name}"
            yield Update(key, number, event.block, place, symbol, lock_held(self.memory, key, number))

    def _locks(self, key: UnitKey) -> bool:
        """Whether a unit takes a lock that other machines see, or that of a row."""
        return any(
            (hit.effect == "locks-globally" and hit.details.get("lock") not in LOCAL)
            or (hit.effect == "locks" and hit.details.get("lock") == "row")
            for hit in self.program.unit_hits(key)
        )

    def _builds_on(self, unit: Unit, number: int, event: SetAttr) -> bool:
        """Whether an attribute is counted on from its old value, which this unit has not set itself. Tidying a value (`x.name =
        x.name.strip()`) or switching a flag gives the same whoever comes first."""
        if event.how == "aug":
            counted = event.op in _COUNTING
        else:
            counted = self._counts_on(unit, event.value, Attr(event.obj, event.name))
        return counted and not any(
            isinstance(other, SetAttr)
            and other.obj == event.obj
            and other.name == event.name
            and other.how == "assign"
            for other in unit.events[:number]
        )

    def _counts_on(self, unit: Unit, value: Expr | None, old: Attr) -> bool:
        if isinstance(value, Name):
            return any(
                self._counts_on(unit, event.value, old)
                for event in unit.events
                if isinstance(event, Bind) and event.name == value.id and event.value != value
            )
        if not isinstance(value, Op) or value.name not in _COUNTING:
            return False
        return any(
            old in (part, *(part.operands if isinstance(part, Op) and part.name == "or" else ()))
            or _is_bound_to(unit, part, old)
            for part in value.operands
        )

    def _is_read(self, key: UnitKey, obj: Expr) -> bool:
        """Whether an object is a record that was read, here or by the caller, and not made here."""
        unit = self.program.unit(key)
        if not isinstance(obj, Name):
            return False
        sources = [event.value for event in unit.events if isinstance(event, Bind) and event.name == obj.id]
        if not sources:
            return is_record(self.program, key, obj) and not self._is_new(key, obj)
        return any(self._reads(key, source) for source in sources)

    def _is_new(self, key: UnitKey, obj: Name) -> bool:
        """Whether an object is the method's own, of a record that each caller has just made: nobody else works on it yet."""
        params = self.program.unit(key).params
        if not params or params[0].name != obj.id:
            return False
        calls = list(self.memory.callers(key))
        return bool(calls) and all(self._calls_new(edge) for edge in calls)

    def _calls_new(self, edge: Edge) -> bool:
        unit = self.program.unit(edge.source)
        call = unit.events[edge.event] if edge.event >= 0 and edge.how == "call" else None
        if (
            not isinstance(call, Call)
            or not isinstance(call.func, Attr)
            or not isinstance(call.func.value, Name)
        ):
            return False
        made = {
            Result(hit.event)
            for hit in self.program.unit_hits(edge.source)
            if hit.effect == "saves-record" and hit.details.get("write") == "insert"
        }
        bound = [
            event.value
            for event in unit.events
            if isinstance(event, Bind) and event.name == call.func.value.id
        ]
        return bool(bound) and all(value in made for value in bound)

    def _reads(self, key: UnitKey, value: Expr | None) -> bool:
        inner = value.value if isinstance(value, Await | Item) else value
        if not isinstance(inner, Result):
            return False
        return self._is_looked_up(key, inner) or any(
            self._is_looked_up(target, part)
            for target in self.program.targets(key, inner.event)
            for event in self.program.unit(target).events
            if isinstance(event, Return)
            for part in local_sources(self.program.unit(target), event.value)
        )

    def _is_looked_up(self, key: UnitKey, part: Expr) -> bool:
        return isinstance(part, Result) and any(
            hit.event == part.event and hit.effect == "reads-record" and hit.details.get("write") is None
            for hit in self.program.unit_hits(key)
        )

    def lock_name(self, key: UnitKey, lock: Hit) -> str:
        """How the code calls a lock."""
        unit = self.program.unit(lock.unit)
        if lock.event < 0 and lock.block >= 0:
            items = getattr(unit.blocks[lock.block].test, "items", ())
            return _shown(items[0]) if items and _shown(items[0]) else lock.symbol
        call = unit.events[lock.event]
        shown = _shown(call.func.value) if isinstance(call, Call) and isinstance(call.func, Attr) else ""
        return shown if shown and not lock.symbol.startswith(f"{shown}.") else lock.symbol

    # --- claims ----------------------------------------------------------------------------------------------

    def claims(self, key: UnitKey, work: frozenset[str]) -> tuple[Claim, ...]:
        """The look-ups of a unit whose results are worked on without being claimed."""
        known = self._claims.get((key, work))
        if known is None:
            known = self._claims[key, work] = tuple(self._find_claims(key, work))
        return known

    def _find_claims(self, key: UnitKey, work: frozenset[str]) -> Iterator[Claim]:
        unit = self.program.unit(key)
        hits = self.program.unit_hits(key)
        if any(
            hit.effect == "locks-globally" or (hit.effect == "locks" and hit.details.get("lock") == "row")
            for hit in hits
        ):
            return
        for hit in hits:
            if hit.effect == "reads-record" and hit.details.get("claim") == "none" and hit.event >= 0:
                yield Claim(key, hit, unit.events[hit.event].block)
        if not any(hit.effect in _LOOKUPS for hit in hits):
            return
        for number, block in enumerate(unit.blocks):
            if block.kind != "for" or block.test is None:
                continue
            lookup = self._lookup(key, number, block.test)
            if lookup is not None and self._is_marked(key, number) and self._works_on(key, number, work):
                yield Claim(key, lookup, number)

    def _lookup(self, key: UnitKey, block: int, test: Expr) -> Hit | None:
        """The reading of records over which a loop goes."""
        unit = self.program.unit(key)
        events = {part.event for part in local_sources(unit, test) if isinstance(part, Result)}
        chosen = [
            hit
            for hit in self.program.unit_hits(key)
            if hit.effect in _LOOKUPS and (hit.event in events or (hit.event < 0 and hit.block == block))
        ]
        return chosen[0] if chosen else None

    def _is_marked(self, key: UnitKey, block: int) -> bool:
        """Whether the loop changes each record and saves it."""
        unit = self.program.unit(key)
        names = {
            e.name
            for e in unit.events
            if isinstance(e, Bind) and e.how == "for" and block in around(unit, e.block)
        }
        names |= {unit.blocks[block].name} - {""}
        changed = any(
            isinstance(event, SetAttr)
            and isinstance(event.obj, Name)
            and event.obj.id in names
            and block in around(unit, event.block)
            for event in unit.events
        )
        saved = any(
            hit.effect in _SAVES and hit.event >= 0 and block in around(unit, unit.events[hit.event].block)
            for hit in self.program.unit_hits(key)
        )
        return changed and saved

    def _works_on(self, key: UnitKey, block: int, work: frozenset[str]) -> bool:
        """Whether the loop does something that must not happen twice, itself or through what it calls."""
        unit = self.program.unit(key)
        todo: list[UnitKey] = []
        for number, event in enumerate(unit.events):
            if block in around(unit, event.block):
                if any(hit.event == number and hit.effect in work for hit in self.program.unit_hits(key)):
                    return True
                todo.extend(self.program.targets(key, number))
        seen: set[UnitKey] = set()
        while todo and len(seen) < _MAX_UNITS:
            current = todo.pop()
            if current in seen:
                continue
            seen.add(current)
            if any(hit.effect in work for hit in self.program.unit_hits(current)):
                return True
            todo.extend(
                edge.target for edge in self.program.edges(current) if edge.how == "call" and not edge.trigger
            )
        return False


def _is_bound_to(unit: Unit, part: Expr, old: Attr) -> bool:
    return isinstance(part, Name) and any(
        isinstance(event, Bind) and event.name == part.id and event.value == old for event in unit.events
    )


def _shown(expr: Expr) -> str:
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attr):
        inner = _shown(expr.value)
        return f"{inner}.{expr.name}" if inner else expr.name
    return ""
