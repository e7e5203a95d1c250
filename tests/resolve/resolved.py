"""Resolved processes of trees that exist only as texts."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from textwrap import dedent

from proctor import declare, resolve, rule_files, rulebook
from proctor.model.process import Launch, ResolvedProcess
from proctor.model.rule import LauncherModel
from proctor.model.tree import SourceTree


@cache
def launchers() -> tuple[LauncherModel, ...]:
    """The shipped launcher models."""
    return rulebook.load_rulebook(rule_files.read_sources()).launchers


def resolved(files: dict[str, str]) -> tuple[ResolvedProcess, ...]:
    """The processes of a tree with these files."""
    overlay = {
        path: dedent(text).lstrip("\n").encode("utf-8", "surrogatepass") for path, text in files.items()
    }
    tree = SourceTree(Path("/nowhere"), [], overlay=overlay)
    return resolve.entry_points(declare.read(tree), launchers(), tree)


def process(command: str, files: dict[str, str] | None = None) -> ResolvedProcess:
    """The process `web` of a Procfile with this command."""
    return resolved({"Procfile": f"web: {command}\n", **(files or {})})[0]


def launches(command: str, files: dict[str, str] | None = None) -> list[Launch]:
    """The programs that this Procfile command starts."""
    return list(process(command, files).launches)


def launch(command: str, files: dict[str, str] | None = None) -> Launch:
    """The only program that this Procfile command starts."""
    (found,) = launches(command, files)
    return found
