"""What must hold of every fix holds of the examples of all rules that have one, however their files are written."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import cache

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from properties import VARIANTS, check_app, complaints, is_the_same_change, keeps_line_ends, varied
from rewriting import BOOK

from proctor import fix, pipeline
from proctor.model.finding import Edit, Plan
from proctor.model.rule import Example
from proctor.model.tree import SourceTree
from proctor.rule_files import read_sources
from proctor.rulebook import load_examples
from proctor.trial import example_tree

SOURCES = read_sources()
EXAMPLES: dict[str, Example] = {
    f"{rule.code}-{number}": example
    for rule in BOOK.rules
    if rule.fix
    for number, example in enumerate(load_examples(rule, SOURCES).bad, start=1)
    if example.after
}


@cache
def planned(name: str) -> tuple[SourceTree, tuple[Plan, ...]]:
    """An example, and the fixes of its own rule."""
    tree = example_tree(dict(EXAMPLES[name].files))
    plans = fix.plan(pipeline.judge_tree(tree, book=BOOK), BOOK.rules, tree)
    return tree, _own(name, plans)


def _own(name: str, plans: tuple[Plan, ...]) -> tuple[Plan, ...]:
    return tuple(each for each in plans if each.edits and each.finding.code == name.partition("-")[0])


def test_each_rule_with_a_fix_has_examples() -> None:
    assert {name.partition("-")[0] for name in EXAMPLES} == {rule.code for rule in BOOK.rules if rule.fix}


@pytest.mark.parametrize("name", EXAMPLES)
def test_all_that_must_hold_holds(name: str) -> None:
    tree, plans = planned(name)
    assert plans
    assert [text for plan in plans for text in complaints(plan, tree)] == []


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(sorted(EXAMPLES)),
    st.lists(st.sampled_from(VARIANTS), min_size=1, max_size=3, unique=True),
)
def test_a_file_that_is_written_differently_is_changed_in_the_same_way(
    name: str, variants: list[Callable[[str, bytes], bytes | None]]
) -> None:
    tree, plans = planned(name)
    wanted = fix.changed(fix.choose(plans, unsafe=True), tree)
    other = tree
    for variant in variants:
        other = varied(other, list(wanted), variant) or other
    again = _own(name, fix.plan(pipeline.judge_tree(other, book=BOOK), BOOK.rules, other))
    changed = fix.changed(fix.choose(again, unsafe=True), other)
    assert set(changed) == set(wanted)
    for path, (old, new) in wanted.items():
        assert is_the_same_change(path, old, new, *changed[path]), changed[path][1].decode("utf-8", "replace")
        assert keeps_line_ends(*changed[path])
    assert [text for plan in again for text in complaints(plan, other)] == []


@pytest.mark.slow
@pytest.mark.parametrize("name", EXAMPLES)
def test_all_fixes_together_leave_nothing_to_fix(name: str) -> None:
    assert list(check_app(planned(name)[0], BOOK, Counter())) == []


# --- the properties see what they are for ----------------------------------------------------------------------------


OLD = b"import a\n\n\ndef f(x):\n    g(\n        x,\n    )\n    return h(x)\n"


def told(*edits: Edit) -> list[str]:
    """What is said of edits of a file."""
    tree = SourceTree(example_tree({}).root, (), (), {"a.py": OLD})
    finding = planned(next(iter(EXAMPLES)))[1][0].finding
    return list(complaints(Plan(finding=finding, edits=edits), tree))


def test_good_edits_are_not_complained_of() -> None:
    assert (
        told(Edit("a.py", 8, 8, "\nimport b"), Edit("a.py", OLD.index(b"h(x)"), OLD.rindex(b"(x)"), "hh"))
        == []
    )
    assert told(Edit("a.py", OLD.index(b"    )"), OLD.index(b"    )"), "        y,\n")) == []


def test_an_edit_that_does_not_apply_is_seen() -> None:
    assert told(Edit("a.py", 8, 9, "\n("), Edit("a.py", 3, 4, "")) == ["an edit does not apply"]


def test_a_statement_that_changes_far_from_the_edit_is_seen() -> None:
    # what opens a text takes in all that follows
    assert told(Edit("a.py", 8, 8, "\nb = '''"), Edit("a.py", len(OLD), len(OLD), "'''\n")) == [
        "a.py: statements outside the edits have changed"
    ]


def test_line_ends_of_another_kind_are_seen() -> None:
    assert told(Edit("a.py", 8, 8, "\r\nimport b")) == ["a.py: the line ends have changed"]
