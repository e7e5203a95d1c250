"""Small apps are really run, with the real libraries: every function of theirs that ran is in the model, with that
process type and phase.

Each folder of `tests/programs` holds an app and `drive.py`, which has one function for each process type of the Procfile
that is run. The libraries stand in `tests/soundness-requirements.txt`.
"""

from __future__ import annotations

import ast
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from proctor import pipeline
from proctor.model.fact import Name, Raise, Unit
from proctor.model.program import Program, UnitKey
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.settings import Settings

BOOK = load_rulebook(read_sources())
PROGRAMS = Path(__file__).parents[1] / "programs"
RECORDER = Path(__file__).with_name("recorder.py")
NAMES = sorted(folder.name for folder in PROGRAMS.iterdir() if (folder / "drive.py").is_file())
#: the interpreter that has the libraries, where it is not this one
PYTHON = os.environ.get("PROCTOR_PROGRAMS_PYTHON", sys.executable)
#: functions of the apps that nothing runs
UNUSED = "unused_"
#: what runs in the main loop of a script cannot be told from its start by watching
LOOP = {"startup": {"startup", "loop"}, "loop": {"loop"}}


class Ran(NamedTuple):
    """A function that was seen running."""

    path: str
    line: int
    name: str
    phase: str


def processes(program: str) -> list[str]:
    """The process types that a driver runs."""
    tree = ast.parse((PROGRAMS / program / "drive.py").read_text(encoding="utf-8"))
    return [each.name for each in tree.body if isinstance(each, ast.FunctionDef) and each.name[0] != "_"]


CASES = [(program, process) for program in NAMES for process in processes(program)]


@cache
def linked(program: str) -> Program:
    tree = pipeline.open_tree(PROGRAMS / program / "app", Settings())
    return pipeline.link_tree(tree, workers=1, book=BOOK).program


@cache
def observed(program: str, process: str) -> tuple[Ran, ...]:
    """What one process type ran."""
    folder = PROGRAMS / program
    with tempfile.TemporaryDirectory() as place:
        log = Path(place) / "ran"
        done = subprocess.run(
            [PYTHON, "-W", "ignore", RECORDER, folder / "app", folder / "drive.py", process, log],
            capture_output=True,
            text=True,
            timeout=120,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0", "TMPDIR": place},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        lines = log.read_text(encoding="utf-8").splitlines()
    fields = (line.split("\t") for line in lines)
    return tuple(Ran(path, int(number), name, phase) for path, number, name, phase in fields)


def unit_of(program: Program, ran: Ran) -> UnitKey | None:
    """The unit of a function that ran; None for comprehensions, which are none."""
    if ran.name == "<module>":
        return UnitKey(ran.path, 0)
    if ran.name.startswith("<") and ran.name != "<lambda>":
        return None
    name = "" if ran.name == "<lambda>" else ran.name
    # a code object begins at its first decorator
    fitting = [
        unit
        for unit in program.files[ran.path].units
        if unit.index and (unit.kind == "lambda" if not name else unit.name == name) and unit.line >= ran.line
    ]
    return UnitKey(ran.path, min(fitting, key=lambda unit: unit.line).index)


def is_abstract(unit: Unit) -> bool:
    return any(
        isinstance(event, Raise) and event.value == Name("NotImplementedError") for event in unit.events
    )


def phases(program: Program, process: str, key: UnitKey) -> set[str]:
    return {phase for view in program.views if view.process.name == process for phase in view.phases(key)}


def functions(program: Program) -> Iterator[tuple[UnitKey, Unit]]:
    for path, facts in program.files.items():
        for unit in facts.units:
            if unit.kind == "function":
                yield UnitKey(path, unit.index), unit


@pytest.mark.slow
@pytest.mark.parametrize(("name", "process"), CASES)
def test_all_that_ran_is_in_the_model(name: str, process: str) -> None:
    program = linked(name)
    missed = []
    n_functions = 0
    for ran in observed(name, process):
        key = unit_of(program, ran)
        if key is None:
            continue
        n_functions += key.number > 0
        said = phases(program, process, key)
        if not said & LOOP.get(ran.phase, {ran.phase}):
            missed.append(f"{program.symbol(key)} ran at {ran.phase}; the model says {sorted(said)}")
    assert missed == []
    assert n_functions >= 2


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_every_function_of_the_app_was_seen(name: str) -> None:
    program = linked(name)
    seen = {unit_of(program, ran) for process in processes(name) for ran in observed(name, process)}
    idle = [
        program.symbol(key)
        for key, unit in functions(program)
        if key not in seen and not unit.name.startswith(UNUSED) and not is_abstract(unit)
    ]
    assert idle == []


@pytest.mark.parametrize("name", NAMES)
def test_what_nothing_runs_is_in_no_program(name: str) -> None:
    program = linked(name)
    reached = set(program.units())
    assert [
        program.symbol(key)
        for key, unit in functions(program)
        if unit.name.startswith(UNUSED) and key in reached
    ] == []
