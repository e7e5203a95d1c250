"""Which distributions the app requires, and in which version where one is pinned."""

from __future__ import annotations

import ast
import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any

import tomli

from proctor.model.tree import SourceTree

_NAME = re.compile(r"\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*(.*)", re.DOTALL)
_PIN = re.compile(r"\(?\s*={2,3}\s*v?([0-9][^\s,;)*]*)\s*\)?\s*(;|#|$|--)")
_INCLUDE = re.compile(r"(?:-r|--requirement|-c|--constraint)[ =]*(\S+)")
_EGG = re.compile(r"[#&]egg=([A-Za-z0-9._-]+)")
_PACKAGE = re.compile(r'^\[\[package\]\]\s*\nname = "([^"\n]+)"\s*\nversion = "([^"\n]+)"', re.MULTILINE)
_MAX_BYTES = 20_000_000


def read_requirements(
    tree: SourceTree,
) -> tuple[dict[str, str], tuple[str, ...], tuple[tuple[str, str], ...]]:
    """Normalised distribution name to pinned version ("" where not pinned), with the files read and those that
    could not be read (path, reason). Lock files win over declarations; files nearer the root over deeper ones."""
    reading = _Reading(tree)
    paths = sorted(
        (path for path in tree.files if path.count("/") <= 2), key=lambda path: (path.count("/"), path)
    )
    for path in paths:
        reader = _reader_of(path)
        if reader:
            reading.take(path, reader)
    return (
        dict(sorted(reading.found.items())),
        tuple(sorted(reading.sources)),
        tuple(sorted(reading.not_read)),
    )


def normalise(name: str) -> str:
    """The normalised form of a distribution name (PEP 503)."""
    return re.sub(r"[-_.]+", "-", name).lower()


class _Reading:
    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self.found: dict[str, str] = {}
        self.sources: set[str] = set()
        self.not_read: list[tuple[str, str]] = []

    def take(self, path: str, reader: str) -> None:
        if path in self.sources:
            return
        try:
            content = self.tree.read(path)
        except OSError as error:
            self.not_read.append((path, f"it cannot be read ({error.strerror})"))
            return
        if len(content) > _MAX_BYTES:
            self.not_read.append((path, f"it has {len(content):,} bytes"))
            return
        self.sources.add(path)
        text = content.decode(
            "utf-16" if content[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig", "replace"
        )
        try:
            for name, version in _READERS[reader](self, path, text):
                self.add(name, version)
        except (
            ValueError,
            SyntaxError,
            TypeError,
            AttributeError,
            KeyError,
            RecursionError,
            MemoryError,
        ) as error:
            self.not_read.append((path, f"it is not what its name says ({type(error).__name__})"))

    def add(self, name: str, version: str) -> None:
        name = normalise(name)
        if not self.found.get(name):
            self.found[name] = version


def _reader_of(path: str) -> str | None:
    name = posixpath.basename(path)
    if name in _FILES:
        return _FILES[name]
    folder = posixpath.basename(posixpath.dirname(path))
    if name.endswith((".txt", ".in", ".pip")) and (
        name.startswith("requirements") or name.endswith("requirements.txt") or folder == "requirements"
    ):
        return "requirements"
    return None


def _read_text(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    for line in text.replace("\\\n", " ").splitlines():
        line = line.strip()
        if not line or line.startswith("#"):
            continue
        include = _INCLUDE.match(line)
        if include:
            included = posixpath.normpath(posixpath.join(posixpath.dirname(path), include[1]))
            if included in reading.tree:
                reading.take(included, "requirements")
            continue
        egg = _EGG.search(line)
        if egg:
            yield egg[1], ""
        elif not line.startswith("-"):
            yield from _read_specifier(line)


def _read_specifier(line: str) -> Iterator[tuple[str, str]]:
    found = _NAME.match(line)
    if found and "://" not in line.split("@")[0] and not found[3].startswith(("/", "\\")):
        pin = _PIN.match(found[3])
        yield found[1], pin[1] if pin else ""


def _read_pyproject(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    data = tomli.loads(text)
    project = _table(data, "project")
    for line in _strings(project.get("dependencies")):
        yield from _read_specifier(line)
    for group in [
        *_table(project, "optional-dependencies").values(),
        *_table(data, "dependency-groups").values(),
    ]:
        for line in _strings(group):
            yield from _read_specifier(line)
    poetry = _table(data, "tool", "poetry")
    groups = [
        _table(group, "dependencies") for group in _table(poetry, "group").values() if isinstance(group, dict)
    ]
    for group in [_table(poetry, "dependencies"), _table(poetry, "dev-dependencies"), *groups]:
        yield from _read_versions(group)


def _read_pipfile(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    data = tomli.loads(text)
    yield from _read_versions(_table(data, "packages"))
    yield from _read_versions(_table(data, "dev-packages"))


def _read_versions(table: dict[str, Any]) -> Iterator[tuple[str, str]]:
    for name, wanted in table.items():
        version = wanted.get("version", "") if isinstance(wanted, dict) else wanted
        text = version if isinstance(version, str) else ""
        if name.lower() != "python":
            yield name, text.lstrip("=").strip() if re.fullmatch(r"(={2,3}\s*)?\d[\w.!+-]*", text) else ""


def _read_pipfile_lock(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    data = json.loads(text)
    for section in ("default", "develop"):
        for name, locked in data.get(section, {}).items():
            yield name, str(locked.get("version", "")).lstrip("=")


def _read_packages_lock(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    # these files are large and written by programs: two lines of each table are enough
    yield from _PACKAGE.findall(text)


def _read_setup_cfg(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    import configparser

    parser = configparser.RawConfigParser(strict=False)
    try:
        parser.read_string(text)
    except configparser.Error as error:
        raise ValueError from error
    values = [parser.get("options", "install_requires", fallback="")]
    if parser.has_section("options.extras_require"):
        values += [value for _, value in parser.items("options.extras_require")]
    for line in "\n".join(values).splitlines():
        yield from _read_specifier(line)


def _read_setup_py(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.keyword) and node.arg in ("install_requires", "extras_require"):
            for each in ast.walk(node.value):
                if isinstance(each, ast.Constant) and isinstance(each.value, str):
                    yield from _read_specifier(each.value)


def _read_conda(reading: _Reading, path: str, text: str) -> Iterator[tuple[str, str]]:
    # Only the list items are of interest, so the lines are enough: `- numpy=1.26.4=py311`, `- pip:`, `- flask==3.0`.
    for line in text.splitlines():
        found = re.match(
            r"\s*-\s*([A-Za-z0-9][A-Za-z0-9._-]*)(\[[^\]]*\])?\s*(={1,3}\s*([0-9][^=\s#,;]*))?", line
        )
        if found and not line.rstrip().endswith(":"):
            yield found[1], found[4] or ""


def _table(data: Any, *keys: str) -> dict[str, Any]:
    for key in keys:
        data = data.get(key, {}) if isinstance(data, dict) else {}
    return data if isinstance(data, dict) else {}


def _strings(value: Any) -> list[str]:
    return [each for each in value if isinstance(each, str)] if isinstance(value, list) else []


_READERS = {
    "requirements": _read_text,
    "pyproject": _read_pyproject,
    "pipfile": _read_pipfile,
    "pipfile.lock": _read_pipfile_lock,
    "lock": _read_packages_lock,
    "setup.cfg": _read_setup_cfg,
    "setup.py": _read_setup_py,
    "conda": _read_conda,
}
_FILES = {
    "Pipfile.lock": "pipfile.lock",
    "poetry.lock": "lock",
    "uv.lock": "lock",
    "pdm.lock": "lock",
    "pyproject.toml": "pyproject",
    "Pipfile": "pipfile",
    "setup.cfg": "setup.cfg",
    "setup.py": "setup.py",
    "environment.yml": "conda",
    "environment.yaml": "conda",
}
