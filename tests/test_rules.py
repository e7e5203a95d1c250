"""Every example of every rule file: what it expects, and that acceptance, memory and workers change nothing else."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import msgspec
import pytest

from proctor import pipeline, report, trial
from proctor.model.finding import Judgement
from proctor.model.rule import Example, Rule
from proctor.rule_files import read_sources
from proctor.rulebook import load_examples, load_rulebook, marked_lines
from proctor.settings import Accept, Settings, SettingsFile
from proctor.store import Store
from proctor.trial import KINDS, example_tree, judge_example, try_example

SOURCES = read_sources()
BOOK = load_rulebook(SOURCES)
EXAMPLES = {rule.code: load_examples(rule, SOURCES) for rule in BOOK.rules}
CASES = [
    pytest.param(rule, kind, example, id=f"{rule.code}-{kind.replace('_', '-')}-{number}")
    for rule in BOOK.rules
    for kind in KINDS
    for number, example in enumerate(getattr(EXAMPLES[rule.code], kind), start=1)
]
BAD = [
    pytest.param(rule, example, id=f"{rule.code}-bad-{number}")
    for rule in BOOK.rules
    for number, example in enumerate(EXAMPLES[rule.code].bad, start=1)
    if not example.gap
]
FIRST_BAD = [case for case in BAD if str(case.id).endswith("-bad-1")]
DAY = datetime.date(2026, 1, 2)


@pytest.mark.parametrize(("rule", "kind", "example"), CASES)
def test_example(rule: Rule, kind: str, example: Example) -> None:
    assert try_example(rule, kind, example, BOOK) == ()


@pytest.mark.parametrize(("rule", "example"), BAD)
def test_acceptance_silences_and_still_counts(rule: Rule, example: Example) -> None:
    before = judge_example(example, BOOK)
    files, settings = accepted(rule, example)
    tree = example_tree(files)
    after = pipeline.judge_tree(tree, SettingsFile(settings=settings, path="proctor.toml"), book=BOOK)

    assert places(before, rule.code)
    assert [each for each in after.findings if each.code == rule.code] == []
    assert {
        (each.place.path, each.place.line) for each in after.suppressed if each.code == rule.code
    } == places(before, rule.code)
    assert all(each.suppressed == "tried out" for each in after.suppressed)
    assert after.notices == ()
    assert [(each.clause, each.process, each.verdict) for each in after.verdicts] == [
        (each.clause, each.process, each.verdict) for each in before.verdicts
    ]


@pytest.mark.parametrize(("rule", "example"), FIRST_BAD)
def test_memory_changes_no_byte(rule: Rule, example: Example, tmp_path: Path) -> None:
    bare = answer(example)
    with Store(tmp_path) as store:
        cold = answer(example, store)
        remembered = answer(example, store)
        facts_only = answer(example, store, day=DAY + datetime.timedelta(days=1))
    assert cold == bare
    assert remembered == bare
    assert facts_only == bare


@pytest.mark.parametrize(("rule", "example"), FIRST_BAD)
def test_workers_change_no_byte(rule: Rule, example: Example, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = answer(example, workers=1)
    # however small the example, two processes read it
    monkeypatch.setattr("proctor.extract.workers._POOL_BYTES", 0)
    monkeypatch.setattr("proctor.extract.workers._CHUNK_BYTES", 1)
    assert answer(example, workers=2) == alone


@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.code) for rule in BOOK.rules])
def test_examples_notice_a_changed_condition(rule: Rule) -> None:
    """`proctor rules test --mutate` names those that they do not notice."""
    examples = EXAMPLES[rule.code]
    if all(example.gap for example in examples.bad):
        return  # nothing of it works yet, and the gaps say why
    assert any(is_needed for _, is_needed in trial.needed_conditions(rule, examples, BOOK))


@pytest.mark.slow
@pytest.mark.parametrize("rule", [pytest.param(rule, id=rule.code) for rule in BOOK.rules])
def test_examples_need_every_condition(rule: Rule) -> None:
    needed = dict(trial.needed_conditions(rule, EXAMPLES[rule.code], BOOK))
    assert [name for name, is_needed in needed.items() if not is_needed] == []


def answer(
    example: Example, store: Store | None = None, workers: int | None = 1, day: datetime.date = DAY
) -> tuple[str, str]:
    tree = example_tree(example.files)
    settings = msgspec.convert(example.options, Settings)
    judgement = pipeline.judge_tree(
        tree, SettingsFile(settings=settings), store=store, workers=workers, today=day, book=BOOK
    )
    lines = report.SourceLines(tree.read)
    return report.render(judgement, "json", lines), report.render(judgement, "text", lines)


def places(judgement: Judgement, code: str) -> set[tuple[str, int]]:
    return {(each.place.path, each.place.line) for each in judgement.findings if each.code == code}


def accepted(rule: Rule, example: Example) -> tuple[dict[str, str], Settings]:
    """The example with each mark turned into an acceptance: a comment where files of this kind can hold one, else
    an entry of the configuration."""
    marks = marked_lines(example.files, example.marks)
    can_hold = {path for path, _, _ in marks if path.endswith(".py") or Path(path).name == "Procfile"}
    files = dict(example.files)
    entries = []
    for path, number, code in marks:
        code = code or rule.code
        if path not in can_hold:
            entries.append(Accept(code=code, path=path, reason="tried out"))
            continue
        lines = files[path].split("\n")
        text = re.sub(r"\s*#\s*finding:.*", "", lines[number - 1])
        codes = ",".join(
            sorted({other or rule.code for at, line, other in marks if (at, line) == (path, number)})
        )
        if "# proctor:" not in text:
            lines[number - 1] = f"{text}  # proctor: ignore[{codes}] tried out"
            files[path] = "\n".join(lines)
    settings = msgspec.convert(example.options, Settings)
    unique = tuple({(each.code, each.path): each for each in entries}.values())
    return files, msgspec.structs.replace(settings, accept=(*settings.accept, *unique))
