"""What proctor says about a program's shutdown, and what happens when the program is really stopped.

`outcome` in fixtures/shutdown is what was seen; the slow tests see it again. It stands for these verdicts of the program's
process type:

- SIGTERM (clauses IX.2 to IX.6): work that is finished or comes back, and an exit in time, is `conforms` for all of them (or
  `not applicable`); work that is lost and a process that must be killed are `violates` for one of them.
- SIGKILL (clause IX.8), for workers of a queue: a job that comes back is `conforms`, one that is lost `violates`.

`not verified` where the program decides is a disagreement, too. Each is pinned by a `gap` beside the program.
"""

from __future__ import annotations

import itertools
import signal
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import msgspec
import pytest
from running import BIN, redis_server, taking_reports
from shutdown_trials import WELL, Outcome, Program, Trial, read_programs

from proctor import pipeline
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.settings import Settings, SettingsFile
from proctor.trial import example_tree

pytestmark = pytest.mark.slow

PROGRAMS = read_programs()
STOPPED = ("IX.2", "IX.3", "IX.4", "IX.5", "IX.6")
KILLED = ("IX.8",)
BOOK = load_rulebook(read_sources())
#: programs at work at the same time: most of their time is waiting
_AT_ONCE = 8


@dataclass(frozen=True)
class Case:
    """A program, how it is stopped, and what came of it."""

    program: Program
    number: signal.Signals
    outcome: Outcome
    gap: str

    @property
    def clauses(self) -> tuple[str, ...]:
        """The clauses that speak of it."""
        return STOPPED if self.number == signal.SIGTERM else KILLED

    @property
    def is_well(self) -> bool:
        """Whether no work was lost and the program ended."""
        return self.outcome in WELL


def cases() -> Iterator[Case]:
    for program in PROGRAMS:
        yield Case(program, signal.SIGTERM, program.outcome, program.gap)
        if program.after_death:
            yield Case(program, signal.SIGKILL, program.after_death, program.death_gap)


CASES = tuple(cases())
PARAMETERS = [
    pytest.param(case, id=case.program.name + ("" if case.number == signal.SIGTERM else "-killed"))
    for case in CASES
]


@cache
def said(name: str) -> dict[str, str]:
    """Clause -> verdict and reason for the process type of a program."""
    program = next(each for each in PROGRAMS if each.name == name)
    settings = SettingsFile(settings=msgspec.convert(program.options, Settings))
    judgement = pipeline.judge_tree(example_tree(dict(program.files)), settings, book=BOOK)
    return {
        each.clause: f"{each.verdict}: {each.reason}"
        for each in judgement.verdicts
        if each.process == program.process
    }


def verdicts(case: Case) -> dict[str, str]:
    """Clause -> verdict and reason, for the clauses that speak of a case."""
    return {clause: said(case.program.name)[clause] for clause in case.clauses}


def is_violated(case: Case) -> bool:
    """Whether proctor says that one of the clauses is broken."""
    return any(text.startswith("violates") for text in verdicts(case).values())


def conforms(case: Case) -> bool:
    """Whether proctor says that all is well."""
    return all(text.startswith(("conforms", "not applicable")) for text in verdicts(case).values())


def agrees(case: Case) -> bool:
    """Whether what proctor says is what happens."""
    return conforms(case) if case.is_well else is_violated(case)


# --- what proctor says -----------------------------------------------------------------------------------------


def test_programs_are_many() -> None:
    assert len(PROGRAMS) >= 40
    assert len({program.name for program in PROGRAMS}) == len(PROGRAMS)


@pytest.mark.parametrize("case", PARAMETERS)
def test_verdict_is_what_happens(case: Case) -> None:
    """A `gap` pins what is known to be said wrongly, and must go once it is said rightly."""
    assert agrees(case) == (not case.gap), verdicts(case)


@pytest.mark.parametrize("case", [each for each in PARAMETERS if not each.values[0].is_well])  # type: ignore[union-attr]
def test_what_goes_wrong_never_conforms(case: Case) -> None:
    assert not conforms(case), verdicts(case)


def test_agreement() -> None:
    agreeing = [case for case in CASES if agrees(case)]
    assert len(agreeing) / len(CASES) >= 0.95


# --- what happens ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def trials(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[tuple[Outcome, str]]]]:
    """Test -> what happened in it, of all that were chosen; they run side by side."""
    if not BIN.is_dir():
        pytest.fail(f"{BIN} is not there: install tests/bench-requirements.txt as CONTRIBUTING.md says.")
    numbers = itertools.count()
    with (
        tempfile.TemporaryDirectory(prefix="shutdown-") as name,
        redis_server(Path(name)) as redis,
        taking_reports() as reports,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):

        def run(case: Case, shell: str) -> tuple[Outcome, str]:
            number = next(numbers)
            environment = {
                "REDIS_URL": f"{redis}/{number}",
                "REPORTS_URL": reports,
                "DATABASE_URL": "sqlite:///jobs.db",
            }
            own = Path(name) / f"{number}-{case.program.name}"
            return Trial(case.program, own, environment).outcome(case.number, shell)

        def worst(case: Case) -> tuple[Outcome, str]:
            found = [run(case, shell) for shell in case.program.shells]
            return max(found, key=lambda each: ("finished", "returned", "lost", "stuck").index(each[0]))

        chosen = [
            item for item in request.session.items if getattr(item, "originalname", "") == "test_what_happens"
        ]
        yield {
            item.name: pool.submit(worst, item.callspec.params["case"])  # type: ignore[attr-defined]
            for item in chosen
        }


@pytest.mark.parametrize("case", PARAMETERS)
def test_what_happens(
    case: Case, trials: dict[str, Future[tuple[Outcome, str]]], request: pytest.FixtureRequest
) -> None:
    outcome, output = trials[request.node.name].result()
    assert outcome == case.outcome, output
