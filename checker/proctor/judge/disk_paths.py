"""What a path expression names, as far as two expressions in different places can be held against each other."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from proctor.judge.expressions import path_sources
from proctor.judge.memory import Memory
from proctor.model.fact import Attr, Const, Expr, Item, Name, Result, Return, Text
from proctor.model.program import FromEnv, Known, UnitKey, Value

_MAX_DEPTH = 3
#: stands for what a path's text is only computed to be
_COMPUTED = "\0"
_WORD = re.compile(r"[\w.\-+ %{}]{2,80}")
#: attributes that hold a path
_FIELD = re.compile(r"(?i)\w_?(path|file|folder|dir)$|^(path|file)_?\w")
#: folders that say nothing about what lies in them
_VAGUE = frozenset({"tmp", "var", "home", "app", "src", "usr", "opt", "code", "workspace"})


class Trail(NamedTuple):
    """What is known of a path: names of files, endings of names that are computed, names of folders, and the variables,
    settings and record fields that it is made of."""

    files: frozenset[str] = frozenset()
    endings: frozenset[str] = frozenset()
    folders: frozenset[str] = frozenset()
    anchors: frozenset[object] = frozenset()

    @property
    def is_known(self) -> bool:
        """Whether anything tells this path from others."""
        return bool(self.files or self.folders or self.anchors)

    @property
    def variable(self) -> str:
        """An environment variable that decides where the path lies, or ""."""
        return min((str(a)[1:] for a in self.anchors if str(a).startswith("$")), default="")

    @property
    def label(self) -> str:
        """The path as a message may call it; "" where it has no name."""
        if self.files:
            return min(self.files)
        names = [name for name in map(_anchor_name, self.anchors) if name]
        return max(self.folders or names, key=lambda name: (len(name), name), default="")

    def meets(self, other: Trail) -> bool:
        """Whether both may well name the same file, or one a folder that holds the other."""
        if self.files and other.files:
            return not self.files.isdisjoint(other.files)
        if bool(self.files) != bool(other.files):
            return False
        if self.endings and other.endings and self.endings.isdisjoint(other.endings):
            return False
        if self.folders or other.folders:
            return self.folders == other.folders
        return not self.anchors.isdisjoint(other.anchors)

    def holds(self, other: Trail) -> bool:
        """Whether this names a folder that holds the other path."""
        if self.files or self.endings or not self.is_known:
            return False
        return self.folders <= other.folders and self.anchors <= other.anchors


class Trails:
    """Reads path expressions of a program."""

    def __init__(self, memory: Memory) -> None:
        self.memory = memory
        self.program = memory.program
        self._known: dict[tuple[UnitKey, Expr], Trail] = {}

    def of(self, key: UnitKey, expr: Expr | None) -> Trail:
        """The trail of a path expression of a unit."""
        if expr is None:
            return Trail()
        mark = (key, expr)
        if mark not in self._known:
            found: set[tuple[str, object]] = set(self._gather(key, expr, 0))
            self._known[mark] = Trail(
                files=frozenset(str(name) for kind, name in found if kind == "file"),
                endings=frozenset(str(name) for kind, name in found if kind == "ending"),
                folders=frozenset(str(name) for kind, name in found if kind == "folder"),
                anchors=frozenset(anchor for kind, anchor in found if kind == "anchor"),
            )
        return self._known[mark]

    def _gather(self, key: UnitKey, expr: Expr, depth: int) -> Iterator[tuple[str, object]]:
        whole = self.program.evaluate(key, expr)
        if isinstance(whole, Known) and isinstance(whole.value, str):
            yield from _tokens(whole.value)
            return
        unit = self.program.unit(key)
        for part in path_sources(unit, expr):
            if isinstance(part, Const):
                if isinstance(part.value, str):
                    yield from _tokens(part.value)
            elif isinstance(part, Text):
                yield from _tokens("".join(_piece(piece) for piece in part.parts))
            elif isinstance(part, Name | Attr | Item):
                yield from self._named(key, part, depth)
            elif isinstance(part, Result) and depth < _MAX_DEPTH:
                for target in self.program.targets(key, part.event):
                    for event in self.program.unit(target).events:
                        if isinstance(event, Return) and event.value is not None:
                            yield from self._gather(target, event.value, depth + 1)

    def _named(self, key: UnitKey, part: Name | Attr | Item, depth: int) -> Iterator[tuple[str, object]]:
        unit = self.program.unit(key)
        if isinstance(part, Name):
            number = next((i for i, param in enumerate(unit.params) if param.name == part.id), None)
            if number is not None:
                if depth < _MAX_DEPTH:
                    yield from self._passed(key, part.id, number, depth)
                return
            if part.id in unit.locals:
                return
        value = self.program.evaluate(key, part)
        known = list(_of_value(value))
        if known:
            yield from known
            return
        for storage in self.program.storage(key, part):
            if storage.kind in ("module", "class", "instance"):
                yield "anchor", (storage.owner, storage.name)
        if isinstance(part, Item) and isinstance(part.index, Const) and _is_setting(part.index.value):
            yield "anchor", part.index.value
        if isinstance(part, Attr):
            if _is_setting(part.name):
                yield "anchor", part.name
            elif _FIELD.search(part.name):
                yield "anchor", f".{part.name}"

    def _passed(self, key: UnitKey, name: str, number: int, depth: int) -> Iterator[tuple[str, object]]:
        """What callers pass for a parameter."""
        for source, given in self.memory.passed(key, name, number):
            yield from self._gather(source, given, depth + 1)


def _of_value(value: Value) -> Iterator[tuple[str, object]]:
    if isinstance(value, Known) and isinstance(value.value, str):
        yield from _tokens(value.value)
    elif isinstance(value, FromEnv):
        if value.variable.isidentifier():
            yield "anchor", f"${value.variable}"
        elif value.fallback is not None:
            yield from _of_value(value.fallback)


def _piece(part: Expr) -> str:
    return part.value if isinstance(part, Const) and isinstance(part.value, str) else _COMPUTED


def _tokens(text: str) -> Iterator[tuple[str, object]]:
    """The parts of a literal piece of a path."""
    parts = re.split(r"[/\\]+", text)
    for number, part in enumerate(parts):
        if _COMPUTED in part:
            stem, dot, ending = part.rpartition(".")
            if dot and ending.isalnum():
                yield "ending", f".{ending}"
            continue
        if not _WORD.fullmatch(part) or part in ("..", "."):
            continue
        stem, dot, ending = part.rpartition(".")
        is_last = number == len(parts) - 1
        if is_last and dot and ending.isalnum() and len(ending) <= 6:
            yield ("file", part) if stem else ("ending", part)
        elif part not in _VAGUE and (len(parts) > 1 or part.isidentifier()) and len(part) > 2:
            yield "folder", part


def _is_setting(name: object) -> bool:
    return isinstance(name, str) and len(name) > 3 and name.isupper()


def _anchor_name(anchor: object) -> str:
    if isinstance(anchor, str):
        return anchor.lstrip(".")
    return anchor[1] if isinstance(anchor, tuple) else ""
