"""The files in scope."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from functools import cached_property
from pathlib import Path

#: Folders that hold other people's code or tool output, never the app's own source.
SKIPPED_FOLDERS = frozenset(
    {
        ".git", ".hg", ".svn", "node_modules", "bower_components", "__pycache__", ".venv", "venv", ".tox", ".nox",
        "site-packages", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".eggs", ".heroku", "__pypackages__",
    }
)  # fmt: skip
#: A larger file is not source that a person wrote; it is named as not read.
MAX_SOURCE_BYTES = 2_000_000

#: bytes of a file that hold its `#!` line
_HEAD = 80


class SourceTree:
    """The files below `root`, with unsaved texts laid over them.

    `files` are paths relative to the root with `/`, sorted; `python` those that are Python source. `skipped`
    names each file or link left out and why. Symbolic links are followed only to files inside the root
    that are not reached otherwise. Nothing is read until asked for, but the first line of files whose name has no ending.
    """

    def __init__(
        self,
        root: Path,
        files: Iterable[str],
        skipped: Iterable[tuple[str, str]] = (),
        overlay: Mapping[str, bytes] | None = None,
    ) -> None:
        self.root = root
        self.overlay = dict(overlay or {})
        self.files: tuple[str, ...] = tuple(sorted({*files, *self.overlay}))
        self._set = frozenset(self.files)
        self._folders = _folders(self.files)
        self.python: tuple[str, ...] = tuple(
            path for path in self.files if path.endswith(".py") or self._is_script(path)
        )
        self.skipped: tuple[tuple[str, str], ...] = tuple(sorted(skipped))

    def __contains__(self, path: str) -> bool:
        return path in self._set

    def _is_script(self, path: str) -> bool:
        """Whether a file without an ending says in its first line that Python runs it (`bin/worker`)."""
        if "." in path[path.rfind("/") + 1 :]:
            return False
        if path in self.overlay:
            head = self.overlay[path][:_HEAD]
        else:
            try:
                with open(f"{self.root}/{path}", "rb", buffering=0) as file:
                    head = file.read(_HEAD)
            except OSError:
                return False
        return head.startswith(b"#!") and b"python" in head.partition(b"\n")[0]

    def is_folder(self, path: str) -> bool:
        """Whether any file in scope lies below `path` ("" is the root)."""
        return path == "" or path in self._folders

    def read(self, path: str) -> bytes:
        """The bytes of one file. Raises OSError where it cannot be read."""
        if path in self.overlay:
            return self.overlay[path]
        with open(f"{self.root}/{path}", "rb", buffering=0) as file:
            return file.read()

    @cached_property
    def _modules(self) -> dict[str, list[str]]:
        """Last name of a module -> where modules of that name lie, without the ending."""
        found: dict[str, list[str]] = {}
        for path in self.python:
            stem = path[: -len(".py")].removesuffix("/__init__")
            found.setdefault(stem.rpartition("/")[2], []).append(stem)
        return found

    def folders_with(self, dotted: str) -> tuple[str, ...]:
        """The folders below which module `dotted` lies ("" is the root), those nearest to the root first."""
        stem = dotted.replace(".", "/")
        found = [
            each.removesuffix(stem).rstrip("/")
            for each in self._modules.get(dotted.rpartition(".")[2], ())
            if each == stem or each.endswith(f"/{stem}")
        ]
        return tuple(sorted(found, key=lambda folder: (folder.count("/"), folder)))

    def find_module(self, dotted: str, roots: Iterable[str]) -> str | None:
        """The file of module `dotted` below the first of `roots` that has it; a package gives its `__init__.py`,
        or for a namespace package its folder path with a trailing `/`."""
        stem = dotted.replace(".", "/")
        for root in roots:
            base = f"{root}/{stem}" if root else stem
            for candidate in (f"{base}/__init__.py", f"{base}.py"):
                if candidate in self._set:
                    return candidate
            if base in self._folders:
                return f"{base}/"
        return None


def _folders(files: Iterable[str]) -> frozenset[str]:
    found: set[str] = set()
    for path in files:
        end = path.rfind("/")
        while end > 0 and path[:end] not in found:
            found.add(path[:end])
            end = path.rfind("/", 0, end)
    return frozenset(found)


def read_tree(
    root: Path, exclude: Iterable[str] = (), overlay: Mapping[str, bytes] | None = None
) -> SourceTree:
    """List the files below `root`. `exclude` are path patterns (`fnmatch`, relative to the root).

    Raises OSError where the root itself cannot be listed; an unreadable folder below it is named in `skipped`.
    """
    walker = _Walker(root, tuple(exclude))
    walker.walk(os.fspath(root), "")
    return SourceTree(root, walker.files, walker.skipped, overlay)


class _Walker:
    def __init__(self, root: Path, exclude: tuple[str, ...]) -> None:
        self.real_root = os.path.realpath(root)
        self.exclude = exclude
        self.files: list[str] = []
        self.skipped: list[tuple[str, str]] = []

    def walk(self, folder: str, prefix: str) -> None:
        try:
            entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
        except OSError as error:
            if not prefix:
                raise
            self.skipped.append((prefix.rstrip("/"), f"the folder cannot be listed ({error.strerror})"))
            return
        if prefix and any(entry.name == "pyvenv.cfg" for entry in entries):
            return  # a virtual environment under any name
        for entry in entries:
            self._take(entry, prefix + entry.name)

    def _take(self, entry: os.DirEntry[str], path: str) -> None:
        if self.exclude and self._is_excluded(path):
            return
        if entry.is_symlink():
            self._take_link(entry, path)
        elif entry.is_dir(follow_symlinks=False):
            if entry.name not in SKIPPED_FOLDERS:
                self.walk(entry.path, path + "/")
        elif entry.is_file(follow_symlinks=False):
            self._add(path)
        elif path.endswith(".py"):
            self.skipped.append((path, "it is not a regular file"))

    def _take_link(self, entry: os.DirEntry[str], path: str) -> None:
        target = os.path.realpath(entry.path)
        inside = target.startswith(self.real_root + os.sep)
        if os.path.isfile(target):
            if inside or not path.endswith(".py"):
                self._add(path)
            else:
                self.skipped.append((path, "the link leads out of the root"))
        elif os.path.isdir(target):
            # A link to a folder inside the root would only repeat files; one outside is not the app's.
            if not inside:
                self.skipped.append((path, "the link leads to a folder outside the root"))
        elif path.endswith(".py"):
            self.skipped.append((path, "the link is broken or loops"))

    def _add(self, path: str) -> None:
        try:
            path.encode("utf-8")
        except UnicodeEncodeError:
            shown = path.encode("utf-8", "backslashreplace").decode()
            self.skipped.append((shown, "its name is not valid UTF-8"))
            return
        self.files.append(path)

    def _is_excluded(self, path: str) -> bool:
        from fnmatch import fnmatchcase

        return any(
            fnmatchcase(path, pattern) or path.startswith(pattern.rstrip("/") + "/")
            for pattern in self.exclude
        )
