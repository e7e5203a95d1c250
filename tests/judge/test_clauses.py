"""Every clause of the specification reaches each of its verdicts."""

from __future__ import annotations

from collections.abc import Mapping

import clause_apps as apps
import msgspec
import pytest

from proctor import pipeline
from proctor.model.finding import ClauseVerdict
from proctor.model.rule import Example
from proctor.model.words import CLAUSES
from proctor.rule_files import read_sources
from proctor.rulebook import load_examples, load_rulebook
from proctor.trial import example_tree, judge_example

SOURCES = read_sources()
BOOK = load_rulebook(SOURCES)
Files = Mapping[str, str]

#: Clause -> an app to which it applies and which keeps it.
CONFORMS: dict[str, Files] = {
    **dict.fromkeys(CLAUSES, apps.WEB),
    "IX.4": apps.WORKER,
    "IX.7": apps.WORKER,
    "C.1": apps.LOOP,
    "C.2": apps.LOOP,
    "C.5": apps.PRELOADED,
}
#: Clause -> an app that has nothing to do with it, and why.
NOT_APPLICABLE: dict[str, tuple[Files, str]] = {
    **dict.fromkeys(CLAUSES, (apps.RELEASE, "it ends by itself")),
    "VI.3": (apps.WORKER, "it serves no HTTP"),
    "VIII.1": (apps.BACKING, "it runs none of the app's code"),
    "VIII.4": (apps.WORKER, "it serves no HTTP"),
    "IX.3": (apps.WORKER, "it serves no HTTP"),
    "IX.4": (apps.WEB, "it consumes no jobs"),
    "IX.7": (apps.WEB, "it runs no jobs"),
    "C.1": (apps.PLAIN, "it runs no event loop"),
    "C.2": (apps.PLAIN, "it runs no event loop"),
    "C.3": (apps.PLAIN, "it runs in one thread"),
    "C.4": (apps.PLAIN, "it takes no locks"),
    "C.5": (apps.PLAIN, "it does not fork after start-up"),
    "C.6": (apps.PLAIN, "it runs in one thread, without an event loop"),
}
#: Clauses that the declaration alone decides, so that code hides nothing: what hides them is in the command.
HIDDEN_COMMANDS = {
    "VIII.1": "web: $START\n",
    "IX.2": "web: ./start\n",
}


def test_no_clause_is_left_out() -> None:
    assert set(CONFORMS) == set(NOT_APPLICABLE) == set(CLAUSES)


@pytest.mark.parametrize("clause", CLAUSES)
def test_violates(clause: str) -> None:
    """The examples of the clause's own rules, of which one that is no note has to break it."""
    rules = [rule for rule in BOOK.rules if rule.clause == clause]
    assert rules
    assert any(
        verdict.clause == clause and verdict.verdict == "violates" and rule.code in verdict.reason
        for rule in rules
        for example in load_examples(rule, SOURCES).bad
        for verdict in judge_example(example, BOOK).verdicts
    )


def test_workers_inside_one_process_break_nothing() -> None:
    """Unless settings say so: they are internal multiplexing."""
    (rule,) = (rule for rule in BOOK.rules if rule.code == "TF861")
    example, clause = load_examples(rule, SOURCES).bad[0], "VIII.6"
    strict = msgspec.structs.replace(example, options={**example.options, "severity": {"TF861": "warning"}})
    assert verdicts_of(example, clause) == {"conforms"}
    assert verdicts_of(strict, clause) == {"violates"}


def verdicts_of(example: Example, clause: str) -> set[str]:
    return {each.verdict for each in judge_example(example, BOOK).verdicts if each.clause == clause}


@pytest.mark.parametrize("clause", CLAUSES)
def test_conforms(clause: str) -> None:
    verdict = judged(clause, CONFORMS[clause])
    assert verdict.verdict == "conforms", verdict.reason
    assert verdict.files > 0


@pytest.mark.parametrize("clause", [clause for clause in CLAUSES if clause not in HIDDEN_COMMANDS])
def test_not_verified(clause: str) -> None:
    """The same app, with a module that nobody knows."""
    files = {path: hiding(path, text) for path, text in CONFORMS[clause].items()}
    verdict = judged(clause, files)
    assert verdict.verdict == "not verified"
    assert "import_module" in verdict.reason or "dynamic" in verdict.reason, verdict.reason


@pytest.mark.parametrize("clause", HIDDEN_COMMANDS)
def test_not_verified_because_of_its_command(clause: str) -> None:
    verdict = judged(clause, {**CONFORMS[clause], "Procfile": HIDDEN_COMMANDS[clause]})
    assert verdict.verdict == "not verified"
    assert verdict.reason


@pytest.mark.parametrize("clause", CLAUSES)
def test_not_applicable(clause: str) -> None:
    files, reason = NOT_APPLICABLE[clause]
    verdict = judged(clause, files)
    assert (verdict.verdict, verdict.reason) == ("not applicable", reason)


def judged(clause: str, files: Files) -> ClauseVerdict:
    """The verdict of a clause for the app's only process type."""
    judgement = pipeline.judge_tree(example_tree(dict(files)), book=BOOK)
    (verdict,) = (each for each in judgement.verdicts if each.clause == clause and each.process)
    return verdict


def hiding(path: str, text: str) -> str:
    """The text, with a module loaded that only the environment names."""
    if not path.endswith(".py"):
        return text
    return f'{text}\nimport importlib\nimport os\n\nimportlib.import_module(os.environ["PLUGIN"]).install()\n'


@pytest.mark.parametrize(
    ("command", "config"),
    [
        ("honcho start -f p.txt -c web=1,mail=3", {"p.txt": "web: gunicorn app:app\nmail: rq worker mail\n"}),
        (
            "supervisord -n -c s.conf",
            {
                "s.conf": "[program:web]\ncommand=gunicorn app:app\n"
                "[program:mail]\ncommand=rq worker mail\nnumprocs=3\n"
            },
        ),
    ],
)
def test_one_finding_where_copies_stand_among_several_programs(command: str, config: Files) -> None:
    """TF821 names what to change; the clause of the copies is broken all the same."""
    files = {"Procfile": f"all: {command}\n", "app.py": apps.PRELOADED["app.py"], **config}
    judgement = pipeline.judge_tree(example_tree(files), book=BOOK)
    codes = {each.code for each in judgement.findings}
    assert "TF821" in codes and not codes & {"TF862", "TF854"}
    (verdict,) = (each for each in judgement.verdicts if (each.clause, each.process) == ("VIII.6", "all"))
    assert (verdict.verdict, verdict.reason) == ("violates", "TF821")
