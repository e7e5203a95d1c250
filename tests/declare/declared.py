"""Declarations of trees that exist only as texts."""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

from proctor import declare
from proctor.model.process import Declaration
from proctor.model.tree import SourceTree


def tree_of(files: dict[str, str | bytes]) -> SourceTree:
    """A tree with these files and nothing on disk."""
    overlay = {
        path: text if isinstance(text, bytes) else dedent(text).lstrip("\n").encode()
        for path, text in files.items()
    }
    return SourceTree(Path("/nowhere"), [], overlay=overlay)


def declared(files: dict[str, str | bytes]) -> Declaration:
    """What these files declare."""
    return declare.read(tree_of(files))


def settings(files: dict[str, str | bytes]) -> set[tuple[str, str | None, str]]:
    """The deploy settings of these files as (topic, process, value)."""
    return {(each.topic, each.process, each.value) for each in declared(files).settings}
