"""Folders that the app's own code puts on the import path (`sys.path.insert(0, os.path.join(HERE, "apps"))`)."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Iterator, Mapping

from proctor.link.families import is_test
from proctor.model.fact import Attr, Bind, Call, Const, Expr, FileFacts, Item, Name, Op, Result, Unit
from proctor.model.tree import SourceTree

_PATH = Attr(Name("sys"), "path")
#: adders of `sys.path` -> the position of the folder
_ADDERS = {"append": 0, "insert": 1}
#: calls that give the path they are given, and methods that give the path they are asked of
_SAME = frozenset({"abspath", "realpath", "normpath", "expanduser", "Path", "PurePath", "str", "fspath"})
_ITSELF = frozenset({"resolve", "absolute", "as_posix", "expanduser"})
_JOINS = frozenset({"join", "joinpath"})
_MAX_DEPTH = 12


def added_folders(
    tree: SourceTree, files: Mapping[str, FileFacts], writers: Iterable[str]
) -> tuple[str, ...]:
    """The folders of the tree that `writers` (the files that speak of `sys.path`) put on the import path, wherever in
    them that stands. What cannot be told from one file is left out."""
    found: dict[str, None] = {}
    for path in writers:
        facts = files[path]
        for unit in () if is_test(path) else facts.units:
            for expr in _added(unit):
                absolute = isinstance(expr, Const) and str(expr.value).startswith("/")
                reader = _Reader(path, facts.units[0], unit)
                folder = _inside(tree, expr) if absolute else reader.read(expr)
                if folder is not None and tree.is_folder(folder):
                    found[folder] = None
    return tuple(found)


def _added(unit: Unit) -> Iterator[Expr]:
    for event in unit.events:
        if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.value == _PATH:
            position = _ADDERS.get(event.func.name, len(event.args))
            yield from event.args[position : position + 1]


def _inside(tree: SourceTree, expr: Expr) -> str | None:
    """The folder that an absolute path of some machine names, by its last parts."""
    parts = str(expr.value).strip("/").split("/") if isinstance(expr, Const) else []
    ends = ("/".join(parts[at:]) for at in range(1, len(parts)))
    return next((end for end in ends if tree.is_folder(end)), None)


class _Reader:
    """Reads path expressions of one unit, relative to the root of the tree."""

    def __init__(self, path: str, module: Unit, unit: Unit) -> None:
        self.path = path
        self.module = module
        self.unit = unit

    def read(self, expr: Expr, depth: int = 0) -> str | None:
        """The path below the root ("" for the root itself), or None where it is not known or leaves the root."""
        if depth > _MAX_DEPTH:
            return None
        if isinstance(expr, Name):
            return self.path if expr.id == "__file__" else self._bound(expr.id, depth)
        if isinstance(expr, Const):
            return _below("", expr.value) if isinstance(expr.value, str) else None
        if isinstance(expr, Result):
            return self._called(expr, depth)
        if isinstance(expr, Op) and len(expr.operands) == 2:
            return self._combined(expr, depth)
        return self._above(expr, depth)

    def _bound(self, name: str, depth: int) -> str | None:
        for unit in dict.fromkeys((self.unit, self.module)):
            values = [event.value for event in unit.events if isinstance(event, Bind) and event.name == name]
            if values:
                reader = _Reader(self.path, self.module, unit)
                value = values[0] if len(values) == 1 else None
                return reader.read(value, depth + 1) if value is not None else None
        return None

    def _called(self, expr: Result, depth: int) -> str | None:
        call = self.unit.events[expr.event]
        if not isinstance(call, Call):
            return None
        name = call.func.name if isinstance(call.func, Attr) else getattr(call.func, "id", "")
        if name in _ITSELF and isinstance(call.func, Attr) and not call.args:
            return self.read(call.func.value, depth + 1)
        if not call.args:
            return "" if name in ("getcwd", "cwd") else None
        first = self.read(call.args[0], depth + 1)
        if name in _SAME and len(call.args) == 1:
            return first
        if name == "dirname":
            return _up(first, 1)
        if name == "joinpath" and isinstance(call.func, Attr):
            return self._joined(self.read(call.func.value, depth + 1), call.args)
        return self._joined(first, call.args[1:]) if name in (*_JOINS, *_SAME) else None

    def _joined(self, path: str | None, parts: tuple[Expr, ...]) -> str | None:
        for part in parts:
            path = _below(path, part.value) if isinstance(part, Const) else None
        return path

    def _combined(self, expr: Op, depth: int) -> str | None:
        left, right = expr.operands
        if not isinstance(right, Const):
            return None
        path = self.read(left, depth + 1)
        if expr.name == "-" and isinstance(right.value, int):
            # environ.Path counts the folders to go up
            return _up(path, right.value)
        return _below(path, right.value) if expr.name in ("/", "+") else None

    def _above(self, expr: Expr, depth: int) -> str | None:
        if isinstance(expr, Attr) and expr.name == "parent":
            return _up(self.read(expr.value, depth + 1), 1)
        if isinstance(expr, Item) and isinstance(expr.value, Attr) and expr.value.name == "parents":
            index = expr.index.value if isinstance(expr.index, Const) else None
            return _up(self.read(expr.value.value, depth + 1), index + 1) if isinstance(index, int) else None
        return None


def _up(path: str | None, count: int) -> str | None:
    for _ in range(count):
        if not path:
            return None
        path = posixpath.dirname(path)
    return path


def _below(path: str | None, part: object) -> str | None:
    if path is None or not isinstance(part, str) or (part.startswith("/") and not path):
        return None
    joined = posixpath.normpath(posixpath.join(path, part.lstrip("/")))
    if joined == ".." or joined.startswith("../"):
        return None
    return "" if joined == "." else joined
