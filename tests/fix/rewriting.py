"""Small apps on the disk, and their fixes."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping
from pathlib import Path

from proctor import fix, pipeline
from proctor.model.finding import Judgement, Plan
from proctor.model.rule import Rulebook
from proctor.model.tree import SourceTree
from proctor.rulebook import load_rulebook

BOOK: Rulebook = load_rulebook()


def write(root: Path, files: Mapping[str, bytes]) -> SourceTree:
    """The files below `root`, as a tree."""
    for path, data in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(data)
    return SourceTree(root, files)


def plans_of(files: Mapping[str, bytes], *codes: str) -> tuple[tuple[Plan, ...], SourceTree]:
    """The plans for the findings of some rules in an app that lies in memory only."""
    tree = SourceTree(Path("/nonexistent"), (), (), files)
    judgement: Judgement = pipeline.judge_tree(tree, book=BOOK)
    plans = fix.plan(judgement, BOOK.rules, tree)
    return tuple(each for each in plans if each.finding.code in codes), tree


def fixed(files: Mapping[str, bytes], *codes: str) -> dict[str, bytes]:
    """The files that the fixes of some rules change, safe or not."""
    plans, tree = plans_of(files, *codes)
    assert plans, "nothing is found"
    return {path: new for path, (_, new) in fix.changed(fix.choose(plans, unsafe=True), tree).items()}


def reasons(files: Mapping[str, bytes], *codes: str) -> set[str]:
    """Why fixes are not offered."""
    plans, _ = plans_of(files, *codes)
    assert plans, "nothing is found"
    return {each.reason for each in plans}


def untouched(old: bytes, new: bytes, plans: Iterable[Plan]) -> bool:
    """Whether a UTF-8 file has the same bytes outside the edits, reckoned from the edits' own numbers."""
    at_old = at_new = 0
    for edit in sorted(
        {edit for each in plans for edit in each.edits}, key=lambda each: (each.start, each.end)
    ):
        width = edit.start - at_old
        if old[at_old : edit.start] != new[at_new : at_new + width]:
            return False
        at_old, at_new = edit.end, at_new + width + len(edit.text.encode())
    return old[at_old:] == new[at_new:]


def statements(source: bytes) -> list[str]:
    """Each statement of a module's top level as the parser sees it, without places."""
    return [ast.dump(each) for each in ast.parse(source).body]
