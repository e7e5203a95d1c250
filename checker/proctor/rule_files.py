"""The files of rules and models, as they lie in their folders.

Apart from `rulebook`, because a run whose answer is remembered needs to know which rules are in force, not what they say.
"""

from __future__ import annotations

import hashlib
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from proctor.errors import ConfigurationError

if TYPE_CHECKING:
    if sys.version_info >= (3, 11):
        from importlib.resources.abc import Traversable
    else:
        from importlib.abc import Traversable


@dataclass(frozen=True)
class RuleFile:
    """One TOML file: `kind` is "rule", "model", "launcher" or "service", `name` its path for messages, `folder` which of
    the rule folders it comes from (0 is the built-in one)."""

    kind: str
    name: str
    folder: int
    content: bytes


@dataclass(frozen=True)
class RuleSources:
    """The texts of all rules and models in force; `digest` identifies them (hex)."""

    files: tuple[RuleFile, ...]
    digest: str


def read_sources(extra: Sequence[Path] = ()) -> RuleSources:
    """The built-in rule files and those below the folders `extra`.

    Raises ConfigurationError where a folder or file cannot be read.
    """
    files: list[RuleFile] = []
    for number, (root, shown) in enumerate(
        [(_builtin(), "rules"), *((folder, str(folder)) for folder in extra)]
    ):
        if not root.is_dir():
            raise ConfigurationError(f"The rule folder `{shown}` is not there.")
        try:
            files.extend(_files(root, shown, number))
        except OSError as error:
            raise ConfigurationError(
                f"The rule folder `{shown}` cannot be read ({error.strerror})."
            ) from error
    digest = hashlib.blake2b(digest_size=20)
    for file in files:
        digest.update(f"{file.kind}\0{file.folder}\0{file.name}\0{len(file.content)}\0".encode())
        digest.update(file.content)
    return RuleSources(tuple(files), digest.hexdigest())


def _builtin() -> Traversable:
    package = Path(__file__).parent
    # a wheel; a source checkout or an editable install (checker/proctor/rule_files.py -> rules/); a zip
    for folder in (package / "_rules", package.parents[1] / "rules"):
        if folder.is_dir():
            return folder
    import importlib.resources

    return importlib.resources.files("proctor").joinpath("_rules")


def _files(folder: Traversable, shown: str, number: int) -> Iterator[RuleFile]:
    kinds = {"models": "model", "launchers": "launcher", "services": "service"}
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            kind = kinds.get(entry.name, "rule")
            for path, content in _texts(entry, f"{shown}/{entry.name}"):
                yield RuleFile(kind, path, number, content)
        elif entry.name.endswith(".toml"):
            yield RuleFile("rule", f"{shown}/{entry.name}", number, entry.read_bytes())


def _texts(folder: Traversable, shown: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        if entry.is_dir():
            yield from _texts(entry, f"{shown}/{entry.name}")
        elif entry.name.endswith(".toml"):
            yield f"{shown}/{entry.name}", entry.read_bytes()
