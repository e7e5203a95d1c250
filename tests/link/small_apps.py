"""Apps of a few lines, linked whole."""

from __future__ import annotations

from collections.abc import Mapping

from proctor import pipeline
from proctor.model.program import ProcessView, Program, UnitKey
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.trial import example_tree

BOOK = load_rulebook(read_sources())


def link(files: Mapping[str, str], command: str = "python main.py") -> Program:
    """The program of an app whose one process type `worker` is started by `command`."""
    tree = example_tree({"Procfile": f"worker: {command}\n", **files})
    return pipeline.link_tree(tree, workers=1, book=BOOK).program


def functions(program: Program, start: str) -> dict[str, UnitKey]:
    """The functions and methods whose names begin with `start`, by dotted name."""
    return {
        program.symbol(UnitKey(path, unit.index)): UnitKey(path, unit.index)
        for path, facts in program.files.items()
        for unit in facts.units
        if unit.kind == "function" and unit.name.startswith(start)
    }


def view(program: Program) -> ProcessView:
    """The one program of the process type."""
    (found,) = program.views
    return found


def phases(program: Program, name: str) -> set[str]:
    """The phases in which the function or method `name` (the last part of its dotted name) runs."""
    keys = [key for symbol, key in functions(program, "").items() if symbol.rpartition(".")[2] == name]
    assert keys, name
    return {phase for each in program.views for key in keys for phase in each.phases(key)}
