"""What proctor says about an app's state, and whether two copies of it really answer as one process does.

`consistent` in fixtures/state is what was seen; the slow test sees it again. It stands for these verdicts of the app's
process types: `conforms` for VI.1, VI.2 and VI.3 (or `not applicable`) where two copies answer as one, `violates` for one
of them where they do not. Where a variable of the environment decides, it is `not verified`, and the reason names it.
Everything else is a disagreement, and pinned by a `gap` beside the app.
"""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import cache
from pathlib import Path

import pytest
from running import BIN, redis_server
from state_trials import Answer, App, Trial, read_apps

from proctor import pipeline
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.trial import example_tree

pytestmark = pytest.mark.slow

APPS = read_apps()
STATE = ("VI.1", "VI.2", "VI.3")
BOOK = load_rulebook(read_sources())
PARAMETERS = [pytest.param(app, id=app.name) for app in APPS]
_AT_ONCE = 6


@cache
def said(name: str) -> dict[tuple[str, str], str]:
    """Clause and process type -> verdict and reason."""
    app = next(each for each in APPS if each.name == name)
    judgement = pipeline.judge_tree(example_tree(dict(app.files)), book=BOOK)
    return {
        (each.clause, each.process): f"{each.verdict}: {each.reason}"
        for each in judgement.verdicts
        if each.process and each.clause in STATE
    }


def is_violated(app: App) -> bool:
    """Whether proctor says that one of the clauses is broken."""
    return any(text.startswith("violates") for text in said(app.name).values())


def conforms(app: App) -> bool:
    """Whether proctor says that all is well."""
    return all(text.startswith(("conforms", "not applicable")) for text in said(app.name).values())


def is_left_open(app: App) -> bool:
    """Whether proctor says that the variable decides."""
    open_ones = [text for text in said(app.name).values() if text.startswith("not verified")]
    return bool(open_ones) and all(app.decided_by in text for text in open_ones) and not is_violated(app)


def agrees(app: App) -> bool:
    """Whether what proctor says is what happens."""
    if app.decided_by:
        return is_left_open(app)
    return conforms(app) if app.consistent else is_violated(app)


# --- what proctor says -----------------------------------------------------------------------------------------


def test_apps_are_many() -> None:
    assert len(APPS) >= 25
    assert len({app.name for app in APPS}) == len(APPS)


@pytest.mark.parametrize("app", PARAMETERS)
def test_verdict_is_what_happens(app: App) -> None:
    """A `gap` pins what is known to be said wrongly, and must go once it is said rightly."""
    assert agrees(app) == (not app.gap), said(app.name)


@pytest.mark.parametrize("app", [pytest.param(app, id=app.name) for app in APPS if not app.consistent])
def test_what_is_inconsistent_never_conforms(app: App) -> None:
    assert not conforms(app), said(app.name)


def test_agreement() -> None:
    assert sum(map(agrees, APPS)) / len(APPS) >= 0.95


# --- what happens ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def trials(request: pytest.FixtureRequest) -> Iterator[dict[str, Future[tuple[list[Answer], list[Answer]]]]]:
    """App -> the answers of one process and of two copies, of all apps that were chosen; they run side by side."""
    if not BIN.is_dir():
        pytest.fail(f"{BIN} is not there: install tests/bench-requirements.txt as CONTRIBUTING.md says.")
    numbers = itertools.count()
    with (
        tempfile.TemporaryDirectory(prefix="state-") as name,
        redis_server(Path(name)) as redis,
        ThreadPoolExecutor(_AT_ONCE) as pool,
    ):

        def run(app: App) -> tuple[list[Answer], list[Answer]]:
            environment = {"REDIS_URL": f"{redis}/{next(numbers)}", "SECRET_KEY": "the deployment's own"}
            trial = Trial(app, Path(name) / app.name, environment)
            return trial.answers_of_one(), trial.answers_of_two()

        names = {
            item.callspec.params["app"].name  # type: ignore[attr-defined]  # of a parametrised test
            for item in request.session.items
            if getattr(item, "originalname", "") == "test_copies_answer_as_one"
        }
        yield {app.name: pool.submit(run, app) for app in APPS if app.name in names}


@pytest.mark.parametrize("app", PARAMETERS)
def test_copies_answer_as_one(app: App, trials: dict[str, Future[tuple[list[Answer], list[Answer]]]]) -> None:
    one, two = trials[app.name].result()
    assert all(answer if isinstance(answer, bool) else answer[0] < 500 for answer in one), one
    assert (one == two) == app.consistent, (one, two)
