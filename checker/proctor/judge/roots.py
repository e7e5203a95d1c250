"""Which handlers, jobs and threads a unit is run by: the units that something other than a plain call starts."""

from __future__ import annotations

from proctor.judge.memory import WORK, Memory
from proctor.model.program import Edge, UnitKey

_HANDING = frozenset({"starts-thread", "starts-task", "starts-process", "enqueues"})
_PLAIN = frozenset({"call", "callback", "property", "runs", "decorates"})


class Roots:
    """The starting points above each unit of a program."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.program = memory.program
        self._above: dict[UnitKey, set[UnitKey]] = {}
        self._started: set[UnitKey] = set()
        self._handed: set[UnitKey] = set()
        self._pooled: set[UnitKey] = set()
        self._nested: set[UnitKey] = set()
        self._known: dict[UnitKey, frozenset[UnitKey]] = {}
        for key in self.program.units():
            handing = {hit.event for hit in self.program.unit_hits(key) if hit.effect in _HANDING}
            for edge in self.program.edges(key):
                self._take(edge, edge.event in handing)

    def _take(self, edge: Edge, hands_on: bool) -> None:
        if edge.how in ("import", "define", "loads"):
            return
        if edge.nested:
            self._nested.add(edge.target)
        if edge.parallel:
            # a handler that the library runs in a pool of threads is no work that another one handed on
            self._pooled.add(edge.target)
            self._started.add(edge.target)
        elif hands_on:
            self._started.add(edge.target)
            if not WORK.isdisjoint(self.memory.phases(edge.source)):
                self._handed.add(edge.target)
        elif edge.trigger or edge.phase is not None or edge.how not in _PLAIN:
            self._started.add(edge.target)
        else:
            self._above.setdefault(edge.target, set()).add(edge.source)

    def of(self, key: UnitKey) -> frozenset[UnitKey]:
        """The starting points that lead to a unit: what is started, or else what nothing else calls."""
        known = self._known.get(key)
        if known is None:
            seen = {key}
            todo = [key]
            tops: set[UnitKey] = set()
            while todo:
                current = todo.pop()
                callers = [above for above in self._above.get(current, ()) if self._works(above)]
                if not callers:
                    tops.add(current)
                todo.extend(above for above in callers if above not in seen)
                seen.update(callers)
            found = frozenset(unit for unit in seen if unit in self._started)
            known = self._known[key] = found or frozenset(tops) or frozenset({key})
        return known

    def _works(self, key: UnitKey) -> bool:
        phases = self.memory.phases(key)
        return not WORK.isdisjoint(phases) or ("startup" in phases and bool(self.memory.loop_blocks(key)))

    def is_root(self, key: UnitKey) -> bool:
        """Whether something other than a plain call starts a unit."""
        return key in self._started

    def is_nested(self, key: UnitKey) -> bool:
        """Whether a unit runs only in the midst of requests or jobs that begin elsewhere."""
        return self.of(key) <= self._nested

    def is_handed_on(self, key: UnitKey) -> bool:
        """Whether a unit runs only as work that a request or job has handed to a thread, a task or a process."""
        roots = self.of(key)
        return bool(roots) and roots <= self._handed

    def runs_in_a_pool(self, key: UnitKey) -> bool:
        """Whether a unit runs only in threads beside others of its kind: handed on, or a handler of such a library."""
        roots = self.of(key)
        return bool(roots) and roots <= self._handed | self._pooled
