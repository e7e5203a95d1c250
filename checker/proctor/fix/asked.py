"""What a recipe is given, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from proctor.fix.python_code import Code
from proctor.fix.source import Declined, Source
from proctor.model.finding import Edit, Finding
from proctor.model.tree import SourceTree


@dataclass(frozen=True)
class Offer:
    """The edits of a fix. `doubt` says why they are not safe though the rule's fix is; `claims` as in `Plan`."""

    edits: tuple[Edit, ...]
    doubt: str = ""
    claims: tuple[str, ...] = ()


class Files:
    """The files of a tree that were asked for, each read once."""

    def __init__(self, tree: SourceTree) -> None:
        self.tree = tree
        self._sources: dict[str, Source] = {}
        self._codes: dict[str, Code] = {}

    def source(self, path: str) -> Source:
        """The text of a file. Raises Declined where it cannot be read or kept."""
        if path not in self._sources:
            try:
                data = self.tree.read(path)
            except OSError as error:
                raise Declined(f"the file cannot be read ({error.strerror})") from error
            self._sources[path] = Source(path, data)
        return self._sources[path]

    def code(self, path: str) -> Code:
        """The tree of a Python file. Raises Declined where it cannot be read."""
        if not path.endswith(".py"):
            raise Declined("the place is not in Python source")
        if path not in self._codes:
            self._codes[path] = Code(self.source(path))
        return self._codes[path]


@dataclass(frozen=True)
class Asked:
    """One finding to be mended, with the options of its rule's recipe and the names of the app's process types."""

    finding: Finding
    options: Mapping[str, Any]
    files: Files
    process_types: frozenset[str] = frozenset()

    @cached_property
    def source(self) -> Source:
        """The file of the finding."""
        return self.files.source(self.finding.place.path)

    @property
    def code(self) -> Code:
        """The file of the finding as a tree."""
        return self.files.code(self.finding.place.path)

    def option(self, name: str) -> str:
        """An option that the rule must give. Raises Declined where it does not."""
        value = self.options.get(name)
        if not isinstance(value, str):
            raise Declined(f"the rule does not say `{name}`")
        return value

    def names(self, name: str) -> tuple[str, ...]:
        """An option that is a list of texts; empty where the rule does not give it."""
        return tuple(self.options.get(name, ()))
