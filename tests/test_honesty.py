"""What cannot be seen is never called good, and everything that is said can be looked up."""

from __future__ import annotations

import re

import pytest

from proctor import pipeline
from proctor.judge.clauses import HIDEABLE
from proctor.model.finding import Judgement
from proctor.model.rule import Example, Rule
from proctor.rule_files import read_sources
from proctor.rulebook import load_examples, load_rulebook
from proctor.settings import Settings, SettingsFile
from proctor.shape import fill
from proctor.trial import KINDS, example_tree, judge_example

SOURCES = read_sources()
BOOK = load_rulebook(SOURCES)
RULES = [pytest.param(rule, id=rule.code) for rule in BOOK.rules]
#: commands that lead to code which nobody can find
LOST = ("python $SCRIPT", "gunicorn $APP", "celery -A $APP worker", "./start", "$START")
_PLACE = re.compile(r"\S+:\d+\)$")
_NAMED = re.compile(r"`[^`]+`")
#: reasons that say what is missing without the name of a thing in the code
_PLAIN = frozenset({"its command starts no program that is known"})


def examples_of(rule: Rule, most: int) -> tuple[Example, ...]:
    """The rule's first examples, up to so many of each kind."""
    examples = load_examples(rule, SOURCES)
    return tuple(example for kind in KINDS for example in getattr(examples, kind)[:most])


def judged(example: Example, files: dict[str, str]) -> Judgement:
    settings = fill(example.options, Settings, "", "options")
    return pipeline.judge_tree(example_tree(files), SettingsFile(settings=settings), book=BOOK)


def conforming(judgement: Judgement, process: str) -> set[str]:
    return {
        each.clause
        for each in judgement.verdicts
        if each.verdict == "conforms" and each.process == process and each.clause in HIDEABLE
    }


@pytest.mark.parametrize("rule", RULES)
def test_lost_entry_points_conform_nowhere(rule: Rule) -> None:
    """Whatever stands beside it, a command that leads nowhere keeps no clause that depends on its code."""
    for example in load_examples(rule, SOURCES).bad[:1]:
        procfile = "".join(f"lost{number}: {command}\n" for number, command in enumerate(LOST))
        judgement = judged(example, {**example.files, "Procfile": procfile})
        for number in range(len(LOST)):
            assert conforming(judgement, f"lost{number}") == set()


@pytest.mark.parametrize("rule", RULES)
def test_what_is_not_read_is_not_called_good(rule: Rule) -> None:
    """A file that Python cannot parse hides every clause from the process types that run it."""
    for example in load_examples(rule, SOURCES).good[:1]:
        for path, text in example.files.items():
            if not path.endswith(".py") or not text.strip():
                continue
            users = processes_that_run(example, path)
            judgement = judged(example, {**example.files, path: text + "\n)\n"})
            assert [each[0] for each in judgement.coverage.not_read] == [path]
            for process in users:
                assert conforming(judgement, process) == set(), (path, process)


def processes_that_run(example: Example, path: str) -> set[str]:
    settings = fill(example.options, Settings, "", "options")
    linked = pipeline.link_tree(example_tree(example.files), settings, book=BOOK)
    return {view.process.name for view in linked.program.views if path in view.files}


@pytest.mark.parametrize("rule", RULES)
def test_what_is_said_can_be_looked_up(rule: Rule) -> None:
    for example in examples_of(rule, 2):
        judgement = judge_example(example, BOOK, rule.path)
        declared = {(each.place.path, each.place.line) for each in judgement.processes}
        for finding in judgement.findings:
            first, last = finding.evidence[0].place, finding.evidence[-1].place
            assert (last.path, last.line) == (finding.place.path, finding.place.line)
            assert all(step.place.path in example.files and step.place.line >= 1 for step in finding.evidence)
            if finding.processes:
                # a deployment's own words (routing, volumes, counts) stand beside the process types
                assert (first.path, first.line) in declared or not first.path.endswith(".py"), finding
        for verdict in judgement.verdicts:
            if verdict.verdict == "not verified":
                reason = verdict.reason
                assert _PLACE.search(reason) or _NAMED.search(reason) or reason in _PLAIN, reason
            if verdict.verdict == "conforms":
                assert verdict.files > 0
