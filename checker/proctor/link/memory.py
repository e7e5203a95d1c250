"""Cells that grow while calls are linked, and results that hold until a cell they looked at grows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from proctor.model.program import ConstRef, ModRef, ObjRef, Ref, UnitKey, UnitRef

Refs = tuple[Ref, ...]
#: a parameter of a unit, or ("", symbol) for an attribute that the app keeps on a library's object
Cell = tuple[UnitKey, int] | tuple[str, str]
#: more stands for "anything": it is cut off so that one hub does not make everything reach everything
MAX_REFS = 32
_MAX_DEPTH = 50


def union(parts: Iterable[Refs]) -> Refs:
    """All refs of the parts, each once, in order."""
    first: Refs = ()
    seen: dict[Ref, None] | None = None
    for part in parts:
        if not part:
            continue
        if seen is not None:
            seen.update(dict.fromkeys(part))
        elif not first:
            first = part  # most often the only one
        elif part != first:
            seen = dict.fromkeys(first)
            seen.update(dict.fromkeys(part))
    if seen is None:
        if len(first) < 2:
            return first
        seen = dict.fromkeys(first)
    if len(seen) <= MAX_REFS:
        return tuple(seen)
    # texts are many, and say less than functions and classes
    return tuple(sorted(seen, key=lambda ref: isinstance(ref, ConstRef)))[:MAX_REFS]


def contents_cell(number: int) -> int:
    """In place of a parameter's number: the cell of what the container that is passed for it holds."""
    return -2 - number


def attribute_cell(ref: ObjRef | UnitRef | ModRef, name: str) -> Cell:
    """The cell of what was put on an object of a class, a class, a function or a module from outside."""
    owner = ref.path if isinstance(ref, ModRef) else f"{ref.path}#{ref.number}"
    return (owner, name)


def beside_cell(key: UnitKey) -> Cell:
    """The cell of the functions that run whenever a function does."""
    return (f"{key.path}#{key.number}+", "")


class Memo:
    """A result, the cells it looked at, and the one pass it is good for (0: any). `checked` counts the growths up to
    which it is known to hold, `reader` is the last one that was told of it."""

    __slots__ = ("cells", "checked", "only_in", "reader", "refs")

    def __init__(self, refs: Refs, cells: frozenset[Cell], only_in: int, checked: int) -> None:
        self.refs = refs
        self.cells = cells
        self.only_in = only_in
        self.checked = checked
        self.reader: UnitKey | None = None


class Memory:
    """The cells of one world, who looked at them, and what was worked out from them."""

    def __init__(self) -> None:
        self.cells: dict[Cell, dict[Ref, None]] = {}
        self.readers: dict[Cell, set[UnitKey]] = {}
        #: cells that grew while nobody could tell their readers
        self.grown: list[Cell] = []
        self.current: UnitKey | None = None
        #: cells that the results being computed have looked at, and whether a cycle cut one of them short
        self._looked_at: set[Cell] = set()
        self._cut_short = False
        self._active: set[object] = set()
        self._depth = 0
        #: counts the units linked: a result that a cycle cut short is good for one of them only
        self._pass = 0
        #: counts how often a cell grew, and which of these was a cell's last
        self._growths = 0
        self._grew: dict[Cell, int] = {}

    def begin(self, key: UnitKey | None) -> None:
        """A unit is about to be linked: it is the reader of the cells looked at from now on."""
        self.current = key
        self._pass += 1

    def remembered(self, table: dict[Any, Memo], key: Any, compute: Callable[[], Refs]) -> Refs:
        """`compute()`, unless the table has its result and no cell that it looked at has grown since."""
        known = table.get(key)
        if known is not None and self._is_good(known):
            return known.refs
        mark = (id(table), key)
        if mark in self._active or self._depth > _MAX_DEPTH:
            self._cut_short = True
            return ()
        looked_at, cut_short = self._looked_at, self._cut_short
        self._looked_at, self._cut_short = set(), False
        self._active.add(mark)
        self._depth += 1
        refs = compute()
        self._depth -= 1
        self._active.discard(mark)
        cells = frozenset(self._looked_at)
        only_in = self._pass if self._cut_short else 0
        table[key] = Memo(refs, cells, only_in, self._growths)
        looked_at |= cells
        self._looked_at = looked_at
        self._cut_short = self._cut_short or cut_short
        return refs

    def _is_good(self, memo: Memo) -> bool:
        if memo.only_in and memo.only_in != self._pass:
            return False
        if memo.cells:
            if memo.checked != self._growths:
                grew, checked = self._grew, memo.checked
                for cell in memo.cells:
                    if grew.get(cell, 0) > checked:
                        return False
                memo.checked = self._growths
            self._looked_at |= memo.cells
            if self.current is not None and memo.reader is not self.current:
                memo.reader = self.current
                for cell in memo.cells:
                    self.readers.setdefault(cell, set()).add(self.current)
        if memo.only_in:
            self._cut_short = True
        return True

    def look_at(self, cell: Cell) -> Refs:
        """What a cell holds by now; whoever is being linked is told when it grows."""
        self._looked_at.add(cell)
        if self.current is not None:
            self.readers.setdefault(cell, set()).add(self.current)
        return tuple(self.cells.get(cell, ()))

    def feed(self, key: UnitKey, number: int, refs: Refs) -> bool:
        """Let a parameter's cell grow; True where it did."""
        return self.feed_cell((key, number), refs)

    def feed_cell(self, name: Cell, refs: Refs) -> bool:
        """Let a cell grow; True where it did."""
        if not refs:
            return False
        cell = self.cells.setdefault(name, {})
        before = len(cell)
        for ref in refs:
            if len(cell) >= MAX_REFS:
                break
            if not isinstance(ref, ConstRef) or isinstance(ref.value, str):
                cell[ref] = None
        if len(cell) == before:
            return False
        self._growths += 1
        self._grew[name] = self._growths
        return True
