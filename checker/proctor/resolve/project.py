"""What a command can find in the tree: files by the paths people write, modules, console scripts."""

from __future__ import annotations

import posixpath
import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import tomli

from proctor.model.tree import SourceTree

#: Where platforms and container files put the root of the app.
APP_ROOT = "/app"
_ROOTS = (
    "/app",
    "/code",
    "/src/app",
    "/usr/src/app",
    "/workspace",
    "/opt/app",
    "/srv/app",
    "/home/app/web",
    "/home/app",
)
_MAX_BYTES = 1_000_000
_SOURCE_KEYS = re.compile(
    r"""["']?(?:package_dir|package-dir|from|where|module-root|python-source|sources)["']?\s*[=:]\s*[\[{(]*\s*(?:["']{2}\s*[:=]\s*)?["']([\w./-]+)["']"""
)
#: the same in `setup.cfg`, without quotes
_CFG_KEYS = re.compile(r"^(?:where[ \t]*|package_dir[ \t]*|[ \t]+)=[ \t]*([\w./-]+)[ \t]*$", re.MULTILINE)
_PROJECT_FILES = ("pyproject.toml", "setup.cfg", "setup.py")
#: folders that hold projects which no program of the app installs
_APART = re.compile(
    r"(^|/)(tests?|testing|docs?|examples?|samples?|templates?|cookiecutter[^/]*)/", re.IGNORECASE
)
#: packages given as paths ("lib/shop"): what holds them is on the path
_PACKAGE_PATHS = re.compile(r"""^packages\s*=\s*\[([^\]{}]*)\]""", re.MULTILINE)


class Project:
    """The tree as commands see it. `requirements` are the normalised names of required distributions."""

    def __init__(self, tree: SourceTree, requirements: Mapping[str, str] | None = None) -> None:
        self.tree = tree
        self.requirements = requirements or {}
        self._texts: dict[str, str] = {}

    def text(self, path: str) -> str:
        """The text of a file ("" where it cannot be read or is too large to be written by a person)."""
        if path not in self._texts:
            try:
                content = self.tree.read(path)
            except OSError:
                content = b""
            self._texts[path] = "" if len(content) > _MAX_BYTES else content.decode("utf-8-sig", "replace")
        return self._texts[path]

    def find_file(self, word: str, folder: str, copied: Sequence[tuple[str, str]] = ()) -> str | None:
        """The file in the tree that the path `word` names from working folder `folder`. `copied` pairs absolute
        paths of an image with the tree's; other absolute paths are taken to lie in the app's root."""
        if not word or "\n" in word:
            return None
        if word.startswith("/"):
            candidates = self._absolute(word, copied)
        else:
            candidates = [join(folder, word), *_put_beside(word, folder, copied)]
        return next((path for path in candidates if path is not None and path in self.tree), None)

    def owns(self, word: str, copied: Sequence[tuple[str, str]] = ()) -> bool:
        """Whether what a path names has to lie in the tree: a machine's other folders hold what is put there elsewhere."""
        below = [inside.rstrip("/") for inside, _ in copied] + list(_ROOTS)
        return not word.startswith(("/", "~")) or any(word.startswith(f"{each}/") for each in below)

    def only_file(self, name: str) -> str | None:
        """The one file of the tree that is called so, or None."""
        found = [path for path in self.tree.files if posixpath.basename(path) == name]
        return found[0] if len(found) == 1 else None

    def find_folder(self, word: str, folder: str, copied: Sequence[tuple[str, str]] = ()) -> str | None:
        """As `find_file`, for a folder."""
        candidates = self._absolute(word, copied) if word.startswith("/") else [join(folder, word)]
        return next((path for path in candidates if path is not None and self.tree.is_folder(path)), None)

    def _absolute(self, word: str, copied: Sequence[tuple[str, str]]) -> list[str | None]:
        candidates: list[str | None] = []
        for inside, outside in sorted(copied, key=lambda pair: -len(pair[0])):
            if word == inside:
                candidates.append(outside.rstrip("/"))
            elif word.startswith(inside.rstrip("/") + "/"):
                candidates.append(join(outside, word[len(inside.rstrip("/")) + 1 :]))
        for root in _ROOTS:
            if word == root or word.startswith(root + "/"):
                candidates.append(join("", word[len(root) + 1 :]))
        parts = word.strip("/").split("/")
        # any other prefix is a machine's own; two parts must agree, so that /usr/bin/python is not ./python
        candidates.extend("/".join(parts[at:]) for at in range(1, len(parts) - 1))
        if len(parts) == 1 and "." in parts[0]:
            candidates.append(parts[0])
        return candidates

    @cached_property
    def source_roots(self) -> tuple[str, ...]:
        """Folders whose packages an installation of the project puts on the path (`src` layouts)."""
        return self.roots_of("")

    @cached_property
    def installed(self) -> tuple[str, ...]:
        """The same for all projects in the tree, where there are others: they may be installed, too (`pip install -e packages/model`)."""
        folders = {
            posixpath.dirname(path)
            for path in self.tree.files
            if "/" in path and posixpath.basename(path) in _PROJECT_FILES and not _APART.search(path)
        }
        ordered = sorted(folders, key=lambda each: (each.count("/"), each))
        found = [root for folder in ordered for root in (*self.roots_of(folder), folder)]
        return tuple(dict.fromkeys([*found, *(self.source_roots if found else ())]))

    def is_project(self, folder: str) -> bool:
        """Whether a folder below the root is a project of its own."""
        return bool(folder) and any(posixpath.join(folder, name) in self.tree for name in _PROJECT_FILES)

    def roots_of(self, folder: str) -> tuple[str, ...]:
        """Folders below a project's own whose packages its installation puts on the path."""
        found: list[str] = []
        for name in _PROJECT_FILES:
            path = posixpath.join(folder, name)
            if path in self.tree:
                keys = _CFG_KEYS if name == "setup.cfg" else _SOURCE_KEYS
                found.extend(keys.findall(self.text(path)))
                for listed in _PACKAGE_PATHS.findall(self.text(path)):
                    found.extend(
                        posixpath.dirname(each) for each in re.findall(r"[\"']([\w./-]+/\w+)/?[\"']", listed)
                    )
        if not folder or self.is_project(folder):
            found.append("src")
        roots = (join(folder, each) for each in found)
        return tuple(
            dict.fromkeys(each for each in roots if each and each != folder and self.tree.is_folder(each))
        )

    def find_module(self, dotted: str, roots: Iterable[str]) -> str | None:
        """The file (or namespace folder with `/`) of a module, below `roots` or the installed project's folders."""
        if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", dotted):
            return None
        return self.tree.find_module(dotted, [*roots, *self.source_roots])

    def elsewhere(self, dotted: str) -> str | None:
        """A folder below which module `dotted` does exist, the nearest to the root."""
        stem = dotted.replace(".", "/")
        ends = (f"/{stem}.py", f"/{stem}/__init__.py")
        found = [path for path in self.tree.python if path.endswith(ends)]
        if not found:
            return None
        path = min(found, key=lambda each: (each.count("/"), each))
        return path[: -len(next(end for end in ends if path.endswith(end)))]

    def search(self, texts: Sequence[str], folder: str) -> str | None:
        """The one Python file directly in `folder` that holds one of `texts`, or None where it is not one."""
        prefix = f"{folder}/" if folder else ""
        files = [p for p in self.tree.python if p.startswith(prefix) and "/" not in p[len(prefix) :]]
        found = [path for path in files if any(text in self.text(path) for text in texts)]
        return found[0][len(prefix) :] if len(found) == 1 else None

    def is_installed(self, dotted: str) -> bool:
        """Whether the module's top-level package is the standard library's or a required distribution's."""
        top = dotted.split(".")[0]
        if top in sys.stdlib_module_names:
            return True
        name = re.sub(r"[-_.]+", "-", top).lower()
        spellings = {name, f"python-{name}", f"py{name}", f"{name}-python", f"django-{name}", f"flask-{name}"}
        return any(spelling in self.requirements for spelling in spellings)

    @cached_property
    def console_scripts(self) -> dict[str, str]:
        """Commands that installing the project makes: name to `module:function`."""
        found: dict[str, str] = {}
        for path in ("pyproject.toml", "setup.cfg", "setup.py"):
            if path in self.tree:
                found.update(_scripts_of(path, self.text(path)))
        return found

    @cached_property
    def commands(self) -> dict[str, str]:
        """Management commands: name to the file that defines it, the one nearest to the root."""
        found: dict[str, str] = {}
        for path in sorted(self.tree.python, key=lambda each: (-each.count("/"), each)):
            folder, _, name = path.rpartition("/")
            if folder.endswith("management/commands") and name != "__init__.py":
                found[name[:-3]] = path
        return found


def join(folder: str, path: str) -> str | None:
    """`path` seen from `folder`, relative to the root; None where it leaves the root."""
    joined = posixpath.normpath(posixpath.join(folder, path))
    if joined == ".." or joined.startswith(("../", "/")):
        return None
    return "" if joined == "." else joined


def _scripts_of(path: str, text: str) -> dict[str, str]:
    if path == "pyproject.toml":
        try:
            data: Any = tomli.loads(text)
        except (tomli.TOMLDecodeError, RecursionError):
            return {}
        tables = [_table(data, "project", "scripts"), _table(data, "project", "gui-scripts")]
        tables.append(_table(data, "tool", "poetry", "scripts"))
        rows = {name: each for table in tables for name, each in table.items()}
        return {
            name: str(each.get("reference", "") if isinstance(each, dict) else each)
            for name, each in rows.items()
        }
    if path == "setup.cfg":
        section = re.search(r"console_scripts\s*=\s*\n((?:[ \t]+\S.*\n?|[ \t]*\n)+)", text)
        return (
            dict(re.findall(r"^\s*([\w.-]+)\s*=\s*([\w.]+:[\w.]+)", section[1], re.MULTILINE))
            if section
            else {}
        )
    return (
        dict(re.findall(r"""["']\s*([\w.-]+)\s*=\s*([\w.]+:[\w.]+)""", text))
        if "console_scripts" in text
        else {}
    )


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    return data if isinstance(data, dict) else {}


def _put_beside(word: str, folder: str, copied: Sequence[tuple[str, str]]) -> list[str]:
    """What was copied from elsewhere in the tree to the folder of an image that holds what lies in `folder`."""
    name = posixpath.normpath(word)
    homes = {
        posixpath.dirname(inside) if posixpath.dirname(outside) == folder and outside != folder else inside
        for inside, outside in copied
        if folder in (outside, posixpath.dirname(outside))
    }
    return [
        outside for inside, outside in copied if any(inside == posixpath.join(home, name) for home in homes)
    ]
