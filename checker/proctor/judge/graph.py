"""The control flow of one unit, rebuilt from its block tree: which event may follow which.

Nodes are the unit's events by number, and after them points without an event: the start, the two ends (`end`, where
the unit returns, and `escape`, where an exception leaves it), heads of loops, and the ways into and out of `with` blocks.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field

from proctor.model.fact import Awaits, Block, Call, Const, Jump, Name, Raise, Return, Seq, Unit, Yield

Nodes = list[int]


@dataclass
class _Frame:
    """Something around the code being built that a jump or exception has to pass: the arms that catch, or the way
    out (`finally`, the end of a `with`)."""

    arms: tuple[int, ...] = ()
    catches_all: bool = False
    exit: int = -1
    #: what leads on, by kind of leaving, once the nodes at the end of the way out are known
    onward: dict[object, Callable[[Nodes], None]] = field(default_factory=dict)


@dataclass
class _Loop:
    head: int
    #: how many frames lie around the loop
    depth: int
    breaks: Nodes = field(default_factory=list)


class Graph:
    """Flow edges of a unit. `after[n]` are the nodes that may come next when all goes well, `failing[n]` those that
    may come next when the event raises. `enter` and `leave` map a `with` block to its way in and out (`enter` also an
    `except` arm to its start), `head` a loop's block to the point to which each pass returns."""

    def __init__(self, unit: Unit) -> None:
        self.unit = unit
        self.after: list[set[int]] = [set() for _ in unit.events]
        self.failing: list[set[int]] = [set() for _ in unit.events]
        self.enter: dict[int, int] = {}
        self.leave: dict[int, int] = {}
        self.head: dict[int, int] = {}
        self.start, self.end, self.escape = self.new_node(), self.new_node(), self.new_node()
        _Builder(self).build()

    def new_node(self) -> int:
        """A further point without an event."""
        self.after.append(set())
        self.failing.append(set())
        return len(self.after) - 1

    def reach(
        self,
        sources: Iterable[int],
        stop: Collection[int] = (),
        *,
        failing: bool = True,
        first: bool = False,
    ) -> frozenset[int]:
        """The nodes that may come after one of `sources`, on paths that do not go on beyond a node of `stop`.
        `failing` follows exceptions, too (`first`: also those that the sources raise themselves)."""
        seen: set[int] = set()
        todo: Nodes = []
        for source in sources:
            todo.extend(self.after[source])
            if first and failing:
                todo.extend(self.failing[source])
        while todo:
            node = todo.pop()
            if node in seen:
                continue
            seen.add(node)
            if node in stop:
                continue
            todo.extend(self.after[node])
            if failing:
                todo.extend(self.failing[node])
        return frozenset(seen)


class _Builder:
    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.unit = graph.unit
        self.frames: list[_Frame] = []
        self.loops: list[_Loop] = []
        self.children: dict[int, Nodes] = {}
        self.events: dict[int, Nodes] = {}
        for number, block in enumerate(self.unit.blocks):
            if number:
                self.children.setdefault(block.parent, []).append(number)
        for number, event in enumerate(self.unit.events):
            self.events.setdefault(event.block, []).append(number)
        self.first = self._firsts()

    def _firsts(self) -> list[int]:
        """The first event inside each block; past all events where it holds none."""
        none = len(self.unit.events)
        firsts = [none] * len(self.unit.blocks)
        for number in range(len(self.unit.blocks) - 1, -1, -1):
            own = self.events.get(number, ())
            inner = [firsts[child] for child in self.children.get(number, ())]
            firsts[number] = min([*own[:1], *inner], default=none)
        return firsts

    def build(self) -> None:
        graph = self.graph
        exits = self._body(0, [graph.start])
        self._join(exits, graph.end)

    def _join(self, sources: Iterable[int], target: int) -> None:
        for source in sources:
            self.graph.after[source].add(target)

    # --- sequences ---------------------------------------------------------------------------------------

    def _body(self, block: int, sources: Nodes) -> Nodes:
        for item in self._items(block):
            sources = self._event(item, sources) if isinstance(item, int) else self._compound(item, sources)
        return sources

    def _items(self, block: int) -> list[int | tuple[int, ...]]:
        """Events and compound statements of a block in order."""
        statements: dict[tuple[str, int], Nodes] = {}
        for child in self.children.get(block, ()):
            info = self.unit.blocks[child]
            mark = ("group", info.group) if info.group else ("block", child)
            statements.setdefault(mark, []).append(child)
        placed: list[tuple[float, int, int | tuple[int, ...]]] = [
            (number, 0, number) for number in self.events.get(block, ())
        ]
        for arms in statements.values():
            first = min(self.first[arm] for arm in arms)
            position: float = first
            if first == len(self.unit.events):
                position = self._by_line(block, self.unit.blocks[arms[0]])
            placed.append((position, arms[0], tuple(arms)))
        placed.sort(key=lambda item: (item[0], item[1]))
        return [item for _, _, item in placed]

    def _by_line(self, parent: int, block: Block) -> float:
        """The position of a statement without events: before the first event of its parent on a later line."""
        for number in self.events.get(parent, ()):
            if self.unit.events[number].line > block.line:
                return number - 0.5
        return float(len(self.unit.events))

    def _event(self, number: int, sources: Nodes) -> Nodes:
        event = self.unit.events[number]
        self._join(sources, number)
        if isinstance(event, Call | Awaits | Yield | Raise):
            self.graph.failing[number].update(self._handlers())
        if isinstance(event, Raise):
            return []
        if isinstance(event, Return):
            self._return([number])
            return []
        if isinstance(event, Jump):
            if self.loops:
                self._jump([number], self.loops[-1], event.kind == "break")
            return []
        return [number]

    def _handlers(self) -> Nodes:
        """Where an exception raised here goes."""
        found: Nodes = []
        for frame in reversed(self.frames):
            if frame.exit >= 0:
                frame.onward.setdefault("raise", self._raise)
                return [*found, frame.exit]
            found.extend(frame.arms)
            if frame.catches_all:
                return found
        return [*found, self.graph.escape]

    def _raise(self, sources: Nodes) -> None:
        for target in self._handlers():
            self._join(sources, target)

    def _return(self, sources: Nodes) -> None:
        frame = self._way_out(0)
        if frame is None:
            self._join(sources, self.graph.end)
        else:
            self._join(sources, frame.exit)
            frame.onward.setdefault("return", self._return)

    def _jump(self, sources: Nodes, loop: _Loop, is_break: bool) -> None:
        frame = self._way_out(loop.depth)
        if frame is not None:
            self._join(sources, frame.exit)
            frame.onward.setdefault((id(loop), is_break), lambda done: self._jump(done, loop, is_break))
        elif is_break:
            loop.breaks.extend(sources)
        else:
            self._join(sources, loop.head)

    def _way_out(self, depth: int) -> _Frame | None:
        return next((frame for frame in reversed(self.frames[depth:]) if frame.exit >= 0), None)

    # --- compound statements ---------------------------------------------------------------------------------

    def _compound(self, arms: tuple[int, ...], sources: Nodes) -> Nodes:
        kind = self.unit.blocks[arms[0]].kind
        if kind in ("while", "for"):
            return self._loop(arms, sources)
        if kind == "try":
            return self._try(arms, sources)
        if kind == "with":
            return self._with(arms[0], sources)
        if kind == "comprehension":
            head = self._head(arms[0], sources)
            self._join(self._body(arms[0], [head]), head)
            return [head]
        exits: Nodes = []
        for arm in arms:
            exits.extend(self._body(arm, list(sources)))
        if not self._is_whole(arms):
            exits.extend(sources)
        return exits

    def _is_whole(self, arms: tuple[int, ...]) -> bool:
        """Whether one of the arms of `if` or `match` is always taken."""
        last = self.unit.blocks[arms[-1]]
        return last.kind == "else" or (last.kind == "case" and last.test is None)

    def _head(self, block: int, sources: Nodes) -> int:
        head = self.graph.new_node()
        self.graph.head[block] = head
        self._join(sources, head)
        return head

    def _loop(self, arms: tuple[int, ...], sources: Nodes) -> Nodes:
        block = self.unit.blocks[arms[0]]
        head = self._head(arms[0], sources)
        loop = _Loop(head, len(self.frames))
        self.loops.append(loop)
        self._join(self._body(arms[0], [head]), head)
        self.loops.pop()
        endless = block.kind == "while" and isinstance(block.test, Const) and bool(block.test.value)
        exits: Nodes = [] if endless else [head]
        for arm in arms[1:]:
            exits = self._body(arm, exits)
        return [*exits, *loop.breaks]

    def _try(self, arms: tuple[int, ...], sources: Nodes) -> Nodes:
        kinds = {arm: self.unit.blocks[arm].kind for arm in arms}
        final = next((arm for arm in arms if kinds[arm] == "finally"), None)
        if final is None:
            return self._guarded(arms, kinds, sources)
        frame = _Frame(exit=self.graph.new_node())
        self.frames.append(frame)
        exits = self._guarded(arms, kinds, sources)
        self.frames.pop()
        self._join(exits, frame.exit)
        return self._past(frame, self._body(final, [frame.exit]), bool(exits))

    def _guarded(self, arms: tuple[int, ...], kinds: Mapping[int, str], sources: Nodes) -> Nodes:
        entries = {arm: self.graph.new_node() for arm in arms if kinds[arm] == "except"}
        if entries:
            self.frames.append(
                _Frame(tuple(entries.values()), any(catches_all(self.unit.blocks[arm]) for arm in entries))
            )
        exits = self._body(arms[0], sources)
        if entries:
            self.frames.pop()
        for arm in arms:
            if kinds[arm] == "try-else":
                exits = self._body(arm, exits)
        for arm, entry in entries.items():
            self.graph.enter[arm] = entry
            exits = [*exits, *self._body(arm, [entry])]
        return exits

    def _past(self, frame: _Frame, done: Nodes, goes_on: bool) -> Nodes:
        for lead in frame.onward.values():
            lead(done)
        return done if goes_on else []

    def _with(self, block: int, sources: Nodes) -> Nodes:
        graph = self.graph
        graph.enter[block] = graph.new_node()
        graph.leave[block] = graph.new_node()
        self._join(sources, graph.enter[block])
        frame = _Frame(exit=graph.leave[block])
        self.frames.append(frame)
        exits = self._body(block, [graph.enter[block]])
        self.frames.pop()
        self._join(exits, frame.exit)
        return self._past(frame, [frame.exit], bool(exits))


def around(unit: Unit, block: int) -> tuple[int, ...]:
    """A block and the blocks that hold it, innermost first; the unit's body is left out."""
    found: list[int] = []
    while block > 0:
        found.append(block)
        block = unit.blocks[block].parent
    return tuple(found)


def inside(unit: Unit, block: int) -> frozenset[int]:
    """A block and all blocks within it."""
    found = {block}
    for number, other in enumerate(unit.blocks):
        if other.parent in found and number > block:
            found.add(number)
    return frozenset(found)


def catches_all(block: Block) -> bool:
    """Whether an `except` arm catches whatever goes wrong in the ordinary way."""
    if block.test is None:
        return True
    items = block.test.items if isinstance(block.test, Seq) else (block.test,)
    return any(isinstance(item, Name) and item.id in ("Exception", "BaseException") for item in items)
