"""Fixed programs behave better, seen: those of fixtures/shutdown and fixtures/fixes that lose their work or hang on SIGTERM
and that can be fixed are fixed, started, put to work and stopped."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path
from signal import SIGTERM

import msgspec
import pytest
from running import BIN, redis_server, taking_reports
from shutdown_trials import WELL, Outcome, Program, Trial, read_programs

from proctor import mending, pipeline
from proctor.model.finding import Judgement
from proctor.model.tree import SourceTree
from proctor.rulebook import load_rulebook
from proctor.settings import Settings, SettingsFile
from proctor.trial import example_tree

pytestmark = pytest.mark.slow

BOOK = load_rulebook()
_AT_ONCE = 4
#: what is fixed in these is not what becomes of the job: SIGTERM means to leave it and now can, or nobody waits for the
#: task, which is kept now
NOT_KEPT = {"raised-and-caught", "exit-caught-by-bare-except", "cancellation-swallowed", "task-not-awaited",
            "aio-task-dropped", "aio-shutdown-cancels-all"}  # fmt: skip
#: broken on purpose, and to be fixed: each program here and in fixtures/fixes that is not well
BROKEN = [each for each in (*read_programs(), *read_programs("fixes")) if each.outcome not in WELL]
OWN = {each.name for each in read_programs("fixes")}


@cache
def fixed(name: str) -> Program | None:
    """A program with all fixes, or None where there are none."""
    program = next(each for each in BROKEN if each.name == name)
    settings = SettingsFile(settings=msgspec.convert(program.options, Settings))

    def judge(tree: SourceTree) -> Judgement:
        return pipeline.judge_tree(tree, settings, book=BOOK)

    tree = example_tree(dict(program.files))
    tried = mending.attempt(judge(tree), BOOK.rules, tree, judge, unsafe=True)
    files = {**program.files, **{path: new.decode() for path, (_, new) in tried.files.items()}}
    return msgspec.structs.replace(program, files=files) if tried.files else None


FIXED = [each.name for each in BROKEN if fixed(each.name) is not None]


@pytest.fixture(scope="module")
def outcomes(request: pytest.FixtureRequest) -> Iterator[dict[tuple[str, bool], Future[tuple[Outcome, str]]]]:
    """What happens to each chosen program, as it is (False; only those of fixtures/fixes, the others are seen elsewhere) and
    fixed (True)."""
    if not BIN.is_dir():
        pytest.fail(f"{BIN} is not there: install the libraries of the programs as CONTRIBUTING.md says.")
    numbers = itertools.count()
    with (
        tempfile.TemporaryDirectory(prefix="fixed-") as name,
        redis_server(Path(name)) as redis,
        taking_reports() as reports,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):

        def run(program: Program) -> tuple[Outcome, str]:
            number = next(numbers)
            environment = {
                "REDIS_URL": f"{redis}/{number}",
                "REPORTS_URL": reports,
                "DATABASE_URL": "sqlite:///jobs.db",
            }
            own = Path(name) / f"{number}-{program.name}"
            found = []
            for shell in program.shells:
                found.append(Trial(program, own / shell, environment).outcome(SIGTERM, shell))
            return max(found, key=lambda each: ("finished", "returned", "lost", "stuck").index(each[0]))

        chosen = [
            item.callspec.params["name"]  # type: ignore[attr-defined]
            for item in request.session.items
            if getattr(item, "originalname", "") == "test_the_fixed_program_keeps_its_work_and_ends"
        ]
        broken = {each.name: each for each in BROKEN}
        after = {(each, True): program for each in chosen if (program := fixed(each)) is not None}
        before = {(each, False): broken[each] for each in chosen if each in OWN}
        yield {key: pool.submit(run, program) for key, program in {**after, **before}.items()}


def test_every_program_that_is_meant_to_be_fixed_is() -> None:
    assert set(FIXED) >= OWN
    assert len(set(FIXED) - NOT_KEPT) >= 30


@pytest.mark.parametrize("name", FIXED)
def test_the_fixed_program_keeps_its_work_and_ends(
    name: str, outcomes: dict[tuple[str, bool], Future[tuple[Outcome, str]]]
) -> None:
    broken = next(each for each in BROKEN if each.name == name)
    if (name, False) in outcomes:
        outcome, output = outcomes[name, False].result()
        assert outcome == broken.outcome, output
    outcome, output = outcomes[name, True].result()
    assert outcome == "lost" if name in NOT_KEPT else outcome in WELL, output
