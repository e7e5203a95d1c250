"""Cells that grow while calls are linked, and results that hold until a cell they looked at grows.

Every result knows which results were made from it, so a cell that grows finds all that no longer hold, and the units that
used them, without anybody having to ask.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from proctor.model.program import ConstRef, ModRef, ObjRef, Ref, UnitKey, UnitRef

Refs = tuple[Ref, ...]
#: a parameter of a unit, or ("", symbol) for an attribute that the app keeps on a library's object
Cell = tuple[UnitKey, int] | tuple[str, str]
#: more stands for "anything": it is cut off so that one hub does not make everything reach everything
MAX_REFS = 32
#: modules are told apart by far: a folder of plug-ins is loaded whole, and each has but its own attributes
_MAX_MODULES = 128
_MAX_DEPTH = 50
NOTHING = ConstRef(None)


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
    modules = tuple(ref for ref in seen if isinstance(ref, ModRef))
    # texts are many, and say less than functions and classes
    others = sorted(
        (ref for ref in seen if not isinstance(ref, ModRef)), key=lambda ref: isinstance(ref, ConstRef)
    )
    return (*modules[:_MAX_MODULES], *others[: max(MAX_REFS - len(modules), 0)])


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
    """A result, the one pass it is good for (0: any), the results made from it and the units that used it. It is `fixed`
    where it rests on no cell."""

    __slots__ = ("fixed", "good", "only_in", "parents", "readers", "refs")

    def __init__(self, refs: Refs, only_in: int, *, fixed: bool) -> None:
        self.refs = refs
        self.only_in = only_in
        self.fixed = fixed
        self.good = True
        # most rest on nothing that grows: nobody asks these for either
        self.parents: list[Memo] = _NOBODY if fixed else []
        self.readers: set[UnitKey] | None = None


_NOBODY: list[Memo] = []


class _Held:
    """What a cell holds, the results made from it, the units that looked at it, and when it last grew."""

    __slots__ = ("grew", "held", "parents", "readers", "refs")

    def __init__(self) -> None:
        self.held: dict[Ref, None] = {}
        self.refs: Refs = ()
        self.grew = 0
        self.parents: list[Memo] = []
        self.readers: set[UnitKey] = set()


#: stands in a table for a result that is being worked out
_BUSY = Memo((), 0, fixed=False)
_BUSY.good = False


class Memory:
    """The cells of one world, who looked at them, and what was worked out from them."""

    def __init__(self) -> None:
        self._cells: dict[Cell, _Held] = {}
        #: units that used what no longer holds, where nobody could tell them
        self.outdated: set[UnitKey] = set()
        self.current: UnitKey | None = None
        #: what the result being computed rests on, and whether a cycle cut it short
        self._rests_on: dict[Memo | _Held, None] = {}
        self._cut_short = False
        self._depth = 0
        #: counts the units linked: a result that a cycle cut short is good for one of them only
        self._pass = 0
        #: counts how often a cell grew
        self._growths = 0

    def begin(self, key: UnitKey | None) -> None:
        """A unit is about to be linked: it is the reader of the cells looked at from now on."""
        self.current = key
        self._pass += 1

    def remembered(self, table: dict[Any, Memo], key: Any, compute: Callable[[], Refs]) -> Refs:
        """`compute()`, unless the table has its result and no cell that it rests on has grown since."""
        known = table.get(key)
        if known is not None and known.good and (not known.only_in or known.only_in == self._pass):
            if not known.fixed:
                self._use(known)
            return known.refs
        if known is _BUSY or self._depth > _MAX_DEPTH:
            self._cut_short = True
            return ()
        rests_on, cut_short, growths = self._rests_on, self._cut_short, self._growths
        table[key] = _BUSY
        self._rests_on, self._cut_short = {}, False
        self._depth += 1
        refs = compute()
        self._depth -= 1
        memo = table[key] = self._made(refs, growths)
        self._rests_on, self._cut_short = rests_on, cut_short
        if not memo.fixed:
            self._use(memo)
        return refs

    def _made(self, refs: Refs, growths: int) -> Memo:
        only_in = self._pass if self._cut_short else 0
        memo = Memo(refs, only_in, fixed=not self._rests_on and not only_in)
        for each in self._rests_on:
            each.parents.append(memo)
        if growths != self._growths and any(
            each.grew > growths if isinstance(each, _Held) else not each.good for each in self._rests_on
        ):
            # it was outdated while it was worked out
            memo.good = False
            if self.current is not None:
                self.outdated.add(self.current)
        return memo

    def _use(self, memo: Memo) -> None:
        if memo.only_in:
            self._cut_short = True
        if self._depth:
            self._rests_on[memo] = None
        elif self.current is not None:
            if memo.readers is None:
                memo.readers = {self.current}
            else:
                memo.readers.add(self.current)

    def look_at(self, cell: Cell) -> Refs:
        """What a cell holds by now; whoever is being linked is told when it grows."""
        held = self._cells.get(cell)
        if held is None:
            held = self._cells[cell] = _Held()
        if self._depth:
            self._rests_on[held] = None
        elif self.current is not None:
            held.readers.add(self.current)
        return held.refs

    def held(self, cell: Cell) -> Refs:
        """What a cell holds by now, for someone who need not be told when it grows."""
        held = self._cells.get(cell)
        return held.refs if held is not None else ()

    def feed(self, name: Cell, refs: Refs) -> Iterable[UnitKey]:
        """Let a cell grow; gives the units that used what no longer holds, in order."""
        if not refs:
            return ()
        cell = self._cells.get(name)
        if cell is None:
            cell = self._cells[name] = _Held()
        held = cell.held
        before = len(held)
        for ref in refs:
            if len(held) >= MAX_REFS and (len(held) >= _MAX_MODULES or not isinstance(ref, ModRef)):
                continue
            if not isinstance(ref, ConstRef) or isinstance(ref.value, str):
                held[ref] = None
        if len(held) == before:
            return ()
        self._growths += 1
        cell.grew = self._growths
        cell.refs = tuple(held)
        return self._outdate(cell)

    def _outdate(self, cell: _Held) -> list[UnitKey]:
        readers = cell.readers
        stack = cell.parents
        cell.readers, cell.parents = set(), []
        while stack:
            memo = stack.pop()
            if memo.good:
                memo.good = False
                if memo.readers:
                    readers |= memo.readers
                stack.extend(memo.parents)
        return sorted(readers)
