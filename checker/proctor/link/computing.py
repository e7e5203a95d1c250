"""Endless loops in which a program does not stay: they only compute, and leave when they are done.

`while True` with a `return` somewhere inside is how parsers are written, and workers as well. What tells them apart is
whether anything in the loop may wait for the world outside, itself or in what it calls.
"""

from __future__ import annotations

from proctor.link.linked import LinkedUnit
from proctor.link.linker import Linker
from proctor.link.loops import blocks_inside, has_way_out, main_loop_blocks
from proctor.model.fact import Attr, Awaits, Call, Expr, Unit, last_name
from proctor.model.program import LibRef, UnitKey, UnitRef
from proctor.model.words import Effect

#: effects that are over at once, or never wait for anybody else
_AT_ONCE: frozenset[Effect] = frozenset(
    {
        "writes-disk", "reads-disk", "looks-at-disk", "removes-disk", "writes-temp", "keeps-memory", "logs-to-file",
        "disk-io", "cpu", "makes-random", "reads-clock", "identity",
    }
)  # fmt: skip
#: methods of built-in values; that of queues has the name of one of them, and is told by its arguments
_OF_VALUES = frozenset(
    name for made in (str, bytes, list, dict, set, tuple, int, float) for name in dir(made)
)
_AMBIGUOUS = frozenset({"get", "pop", "join"})
_WAITING = ("accept", "claim", "consume", "fetch", "get", "input", "join", "listen", "next", "poll", "pull", "read",
            "receive", "recv", "select", "take", "wait")  # fmt: skip


class Computing:
    """Answers for the units of one world, once all of them are linked."""

    def __init__(self, linker: Linker) -> None:
        self.linker = linker
        self._known: dict[UnitKey, bool] = {}

    def blocks(self) -> dict[UnitKey, frozenset[int]]:
        """Unit -> the blocks of its loops that only compute."""
        found: dict[UnitKey, frozenset[int]] = {}
        for key, linked in list(self.linker.units.items()):
            unit = self.linker.world.scope(key).unit
            blocks = frozenset(
                inner
                for loop in sorted(main_loop_blocks(unit)) if linked.loops
                if unit.blocks[loop].parent not in linked.loops and has_way_out(unit, loop)
                for inner in self._computing(key, linked, unit, loop)
            )  # fmt: skip
            if blocks:
                found[key] = blocks
        return found

    def _computing(self, key: UnitKey, linked: LinkedUnit, unit: Unit, loop: int) -> frozenset[int]:
        within = blocks_inside(unit, loop)
        return frozenset() if self._waits(key, linked, unit, within) else within

    def _waits(self, key: UnitKey, linked: LinkedUnit, unit: Unit, within: frozenset[int]) -> bool:
        """Whether something in these blocks may wait."""
        events = unit.events
        at_once: set[int] = set()
        for hit in linked.hits:
            if (events[hit.event].block if hit.event >= 0 else hit.block) in within:
                if hit.effect not in _AT_ONCE:
                    return True
                at_once.add(hit.event)
        for number, targets in linked.targets.items():
            if (events[number].block if number >= 0 else -1 - number) in within and any(
                self._unit_waits(target) for target in targets
            ):
                return True
        return any(
            isinstance(event, Awaits)
            or (
                isinstance(event, Call)
                and number not in at_once
                and self._call_waits(key, linked, number, event)
            )
            for number, event in enumerate(events)
            if event.block in within
        )

    def _unit_waits(self, key: UnitKey) -> bool:
        known = self._known.get(key)
        if known is None:
            # what calls itself waits only where something else in it does
            self._known[key] = False
            linked = self.linker.units.get(key)
            unit = self.linker.world.scope(key).unit
            every = frozenset(range(len(unit.blocks)))
            known = self._known[key] = linked is None or self._waits(key, linked, unit, every)
        return known

    def _call_waits(self, key: UnitKey, linked: LinkedUnit, number: int, call: Call) -> bool:
        """Whether a call that has no effect may wait all the same: nothing is known of it, or its name says so."""
        if call.use == "await":
            return True
        if number in linked.targets:
            return False
        name = last_name(call.func)
        if isinstance(call.func, Attr) and name in _OF_VALUES and (name not in _AMBIGUOUS or call.args):
            return False
        if name.lstrip("_").startswith(_WAITING):
            return True
        symbols = linked.symbols.get(number)
        if symbols:
            return not all(map(self.linker.rows.knows, symbols))
        return not self._makes_own(key, call.func)

    def _makes_own(self, key: UnitKey, func: Expr) -> bool:
        """Whether what is called is known to be a class of the tree, or of a library with a model."""
        world = self.linker.world
        refs = world.resolve(func, world.scope(key))
        return bool(refs) and all(
            isinstance(ref, UnitRef) or (isinstance(ref, LibRef) and self.linker.rows.knows(ref.symbol))
            for ref in refs
        )
