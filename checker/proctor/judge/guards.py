"""Whether code asks first what a place in memory holds: nothing, something, or something that may be too old."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from proctor.judge.expressions import subexpressions
from proctor.judge.memory import Memory
from proctor.model.fact import Attr, Call, Const, Expr, Jump, Map, Name, Op, Raise, Result, Return, Seq, Unit
from proctor.model.program import Storage, UnitKey

#: what a condition says of a place where it holds: it is "missing", it is "held", its age is asked ("aged"), or nothing ("")
Answer = Literal["missing", "held", "aged", ""]
#: built-in functions that ask about an object
ASKING = frozenset({"len", "bool", "any", "all", "hasattr", "getattr", "isinstance", "callable"})
ORDER = frozenset({"<", "<=", ">", ">=", "< <=", "<= <"})
_MISSING = frozenset(
    {"KeyError", "AttributeError", "NameError", "LookupError", "IndexError", "Exception", "TypeError"}
)
_OPPOSITE: dict[Answer, Answer] = {"missing": "held", "held": "missing", "aged": "aged", "": ""}


class Guards:
    """Reads the conditions of a program's units. A group is a place with those that belong to it."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.program = memory.program

    def _is_guarded(self, key: UnitKey, block: int, number: int, group: frozenset[Storage]) -> bool:
        unit = self.program.unit(key)
        above = list(_ancestors(unit, block))
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
            read.unit == key and block in _ancestors(unit, unit.events[read.event].block)
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
            return False
        if info.kind == "try":
            return any(isinstance(event, Return) for event in exits) and self._reads_in(key, block, group)
        if info.kind == "if":
            return self._misses(key, info.test, group) is False
        return info.kind == "else" and self._misses(key, _test_of_else(unit, block), group) is True

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
