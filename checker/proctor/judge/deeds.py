"""What the events of units do in the end, when one program runs them: through calls of the app's own code."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from proctor.judge.graph import Graph
from proctor.model.fact import Attr, Call, Expr, Result, Seq
from proctor.model.finding import Step
from proctor.model.program import Context, Edge, Hit, ProcessView, Program, UnitKey
from proctor.model.words import EFFECTS

_BITS: dict[str, int] = {effect: 1 << number for number, effect in enumerate(EFFECTS)}
_STARTS = frozenset({"starts-task", "starts-thread", "starts-process"})


class Deed(NamedTuple):
    """An effect that an event has, itself or through the calls `via` (each with its place)."""

    hit: Hit
    via: tuple[Step, ...] = ()


class Units:
    """What is the same of a unit for every program that runs it: its control flow, effects, and what its events run."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._graphs: dict[UnitKey, Graph] = {}
        self._own: dict[tuple[UnitKey, bool], tuple[Hit, ...]] = {}
        self._runs: dict[tuple[UnitKey, bool], dict[int, tuple[UnitKey, ...]]] = {}

    def graph(self, key: UnitKey) -> Graph:
        """The control flow of a unit."""
        known = self._graphs.get(key)
        if known is None:
            known = self._graphs[key] = Graph(self.program.unit(key))
        return known

    def own(self, key: UnitKey, is_script: bool) -> tuple[Hit, ...]:
        """The effects of a unit itself; those in its `__main__` block only where it is the script that is started."""
        mark = (key, is_script)
        known = self._own.get(mark)
        if known is None:
            known = tuple(hit for hit in self.program.unit_hits(key) if is_script or not hit.main_only)
            self._own[mark] = known
        return known

    def runs(self, key: UnitKey, is_script: bool) -> Mapping[int, tuple[UnitKey, ...]]:
        """Node of the unit's graph -> the units of the tree that run there and then."""
        mark = (key, is_script)
        known = self._runs.get(mark)
        if known is None:
            known = self._runs[mark] = dict(self._run_targets(key, is_script))
        return known

    def _run_targets(self, key: UnitKey, is_script: bool) -> Iterator[tuple[int, tuple[UnitKey, ...]]]:
        unit = self.program.unit(key)
        handed_on = self.handed_on(key)
        for number, event in enumerate(unit.events):
            targets = self.program.targets(key, number)
            if not targets or number in handed_on:
                continue
            if is_script or self.program.block_state(key, event.block) not in ("dead", "main"):
                yield number, targets
        for number, block in enumerate(unit.blocks):
            targets = self.program.targets(key, -1 - number) if block.kind in ("with", "for") else ()
            if targets:
                graph = self.graph(key)
                yield graph.enter.get(number, graph.head.get(number, graph.start)), targets

    def handed_on(self, key: UnitKey) -> frozenset[int]:
        """Calls that only make a coroutine, for a task that runs beside this unit, and calls that start something."""
        found: set[int] = set()
        unit = self.program.unit(key)
        for hit in self.program.unit_hits(key):
            if hit.event >= 0 and _hands_on(hit):
                event = unit.events[hit.event]
                found.add(hit.event)
                if isinstance(event, Call):
                    values = (*event.args, *(value for _, value in event.keywords))
                    found.update(value.event for value in values if isinstance(value, Result))
        return frozenset(found)


class Deeds:
    """The deeds of one program's units. Everything is worked out when first asked for; `units` is shared by programs."""

    def __init__(self, program: Program, view: ProcessView, units: Units) -> None:
        self.program = program
        self.view = view
        self.units = units
        self.contexts: dict[UnitKey, list[Context]] = {}
        for context in view.contexts:
            self.contexts.setdefault(context.unit, []).append(context)
        entry = view.launch.entry
        self._script = (
            UnitKey(entry.path, 0) if entry and entry.path and entry.kind in ("script", "module") else None
        )
        self._that_may: dict[int, tuple[UnitKey, ...]] = {}
        self._masks: dict[UnitKey, int] | None = None
        self._callers: dict[UnitKey, list[tuple[UnitKey, int]]] | None = None
        self._reached: dict[UnitKey, tuple[Deed, ...]] = {}
        self._at: dict[UnitKey, dict[int, tuple[Deed, ...]]] = {}

    def graph(self, key: UnitKey) -> Graph:
        """The control flow of a unit."""
        return self.units.graph(key)

    def own(self, key: UnitKey) -> tuple[Hit, ...]:
        """The effects of a unit itself, without those in blocks that this program does not run."""
        return self.units.own(key, key == self._script)

    def runs(self, key: UnitKey) -> Mapping[int, tuple[UnitKey, ...]]:
        """Node of the unit's graph -> the units of the tree that run there and then."""
        return self.units.runs(key, key == self._script)

    def trail(self, context: Context) -> Iterator[tuple[Context, Edge]]:
        """The edges by which a context came to run, the last one first, each with the context that it runs."""
        current: Context | None = context
        while current is not None:
            origin = self.view.contexts.get(current)
            if origin is None:
                handed_over = self.view.handed_over.get(current)
                if handed_over is not None:
                    yield current, handed_over
                return
            yield current, origin[1]
            current = origin[0]

    # --- through calls ---------------------------------------------------------------------------------------

    def may(self, key: UnitKey, effects: Iterable[str]) -> bool:
        """Whether a unit has one of the effects, itself or through calls."""
        if self._masks is None:
            self._masks = self._spread_masks()
        return bool(self._masks.get(key, 0) & _mask(effects))

    def that_may(self, effects: Iterable[str]) -> tuple[UnitKey, ...]:
        """The units that have one of the effects, themselves or through calls."""
        mask = _mask(effects)
        known = self._that_may.get(mask)
        if known is None:
            if self._masks is None:
                self._masks = self._spread_masks()
            known = self._that_may[mask] = tuple(key for key in self.contexts if self._masks[key] & mask)
        return known

    def callers(self, key: UnitKey) -> tuple[tuple[UnitKey, int], ...]:
        """The units that run a unit there and then, each with the node of its graph."""
        if self._callers is None:
            self._callers = {}
            for source in self.contexts:
                for node, targets in self.runs(source).items():
                    for target in targets:
                        self._callers.setdefault(target, []).append((source, node))
        return tuple(self._callers.get(key, ()))

    def _spread_masks(self) -> dict[UnitKey, int]:
        masks = {key: _mask(hit.effect for hit in self.own(key)) for key in self.contexts}
        todo = deque(masks)
        while todo:
            key = todo.popleft()
            for caller, _ in self.callers(key):
                joined = masks[caller] | masks[key]
                if joined != masks[caller]:
                    masks[caller] = joined
                    todo.append(caller)
        return masks

    def reached(self, key: UnitKey) -> tuple[Deed, ...]:
        """What a unit does in the end, nearest first; of equal effects (same symbol and details) the first."""
        known = self._reached.get(key)
        if known is None:
            known = self._reached[key] = tuple(self._reach(key))
        return known

    def _reach(self, key: UnitKey) -> Iterator[Deed]:
        seen = {key}
        said: set[tuple[str, str, tuple[tuple[str, str], ...]]] = set()
        todo: deque[tuple[UnitKey, tuple[Step, ...]]] = deque([(key, ())])
        while todo:
            unit, via = todo.popleft()
            for hit in self.own(unit):
                mark = (hit.effect, hit.symbol, tuple(sorted(hit.details.items())))
                if mark not in said:
                    said.add(mark)
                    yield Deed(hit, via)
            for node, targets in self.runs(unit).items():
                for target in targets:
                    if target not in seen and target in self.contexts:
                        seen.add(target)
                        todo.append((target, (*via, self._step(unit, node, target))))

    def _step(self, key: UnitKey, node: int, target: UnitKey) -> Step:
        events = self.program.unit(key).events
        place = self.program.place(key, events[node] if node < len(events) else None)
        return Step(place, f"`{self.program.symbol(key)}` calls `{self.program.symbol(target)}`")

    def units_below(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """A unit and all that it runs, nearest first."""
        seen = {key: None}
        todo = deque([key])
        while todo:
            unit = todo.popleft()
            for targets in self.runs(unit).values():
                for target in targets:
                    if target not in seen and target in self.contexts:
                        seen[target] = None
                        todo.append(target)
        return tuple(seen)

    def at(self, key: UnitKey) -> Mapping[int, tuple[Deed, ...]]:
        """Node of the unit's graph -> what happens there in the end."""
        known = self._at.get(key)
        if known is None:
            known = self._at[key] = self._deeds_at(key)
        return known

    def _deeds_at(self, key: UnitKey) -> dict[int, tuple[Deed, ...]]:
        graph = self.graph(key)
        found: dict[int, list[Deed]] = {}
        for hit in self.own(key):
            node = hit.event if hit.event >= 0 else graph.enter.get(hit.block, graph.head.get(hit.block, -1))
            if node >= 0:
                found.setdefault(node, []).append(Deed(hit))
        for node, targets in self.runs(key).items():
            for target in targets:
                if target in self.contexts and target != key:
                    step = self._step(key, node, target)
                    found.setdefault(node, []).extend(
                        Deed(deed.hit, (step, *deed.via)) for deed in self.reached(target)
                    )
        return {node: tuple(deeds) for node, deeds in found.items()}


def _hands_on(hit: Hit) -> bool:
    """Whether what the call is given runs later, or beside: in a task, thread or process, or once a transaction is done."""
    if hit.effect in _STARTS:
        return "fan_out" not in hit.details
    return hit.effect == "transaction" and hit.details.get("what") == "after-commit"


def receiver(program: Program, hit: Hit) -> Expr | None:
    """The expression of the object on which an effect's call is made, or whose block is entered."""
    unit = program.unit(hit.unit)
    if hit.event >= 0:
        event = unit.events[hit.event]
        return event.func.value if isinstance(event, Call) and isinstance(event.func, Attr) else None
    if hit.block >= 0:
        test = unit.blocks[hit.block].test
        return test.items[0] if isinstance(test, Seq) and test.items else test
    return None


def _mask(effects: Iterable[str]) -> int:
    mask = 0
    for effect in effects:
        mask |= _BITS.get(effect, 0)
    return mask
