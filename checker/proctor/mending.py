"""Fixes over a whole run: planned, shown as a difference or written, until nothing is left that can be mended."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from proctor import fix
from proctor.model.finding import Judgement, Plan
from proctor.model.rule import Rule
from proctor.model.tree import SourceTree

#: a fix can make room for another one (two on the same line); more rounds than this would mean that they chase each other
_MOST_ROUNDS = 10


@dataclass
class Mended:
    """What was done: how many findings of each code were fixed, the files written, those left as they are with the
    reason, and how many more findings `--unsafe` would fix."""

    fixed: Counter[str] = field(default_factory=Counter)
    written: set[str] = field(default_factory=set)
    failed: dict[str, str] = field(default_factory=dict)
    n_unsafe: int = 0

    def lines(self, done: str) -> tuple[str, ...]:
        """It in sentences; `done` says what was done to the findings ("fixed")."""
        lines: list[str] = []
        if self.fixed:
            codes = ", ".join(f"{code} {count}" for code, count in sorted(self.fixed.items()))
            lines.append(f"{_counted(self.fixed.total(), 'finding')} {done} ({codes}).")
        else:
            lines.append(f"nothing {done}.")
        if self.n_unsafe:
            lines.append(f"{_counted(self.n_unsafe, 'more finding')} can be fixed with `--unsafe`.")
        lines += [f"{path} was left as it is: {reason}." for path, reason in sorted(self.failed.items())]
        return tuple(lines)


def show(judgement: Judgement, rules: Iterable[Rule], tree: SourceTree, unsafe: bool) -> tuple[bytes, Mended]:
    """What the fixes would change, as a unified difference; nothing is written."""
    plans = fix.plan(judgement, rules, tree)
    chosen = fix.choose(plans, unsafe=unsafe)
    files = fix.changed(chosen, tree)
    mended = _counted_plans(plans, [each for each in chosen if _paths(each) <= set(files)], unsafe)
    return b"".join(_difference(path, old, new) for path, (old, new) in files.items()), mended


def mend(
    judge: Callable[[], tuple[Judgement, SourceTree]], rules: Iterable[Rule], unsafe: bool
) -> tuple[Judgement, SourceTree, Mended]:
    """Write the fixes of what `judge` finds, and judge again, until nothing more can be fixed. Returns what is found in
    the end, in which files, and what was done."""
    rules = tuple(rules)
    mended = Mended()
    judgement, tree = judge()
    for _ in range(_MOST_ROUNDS):
        plans = fix.plan(judgement, rules, tree)
        chosen = [each for each in fix.choose(plans, unsafe=unsafe) if not _paths(each) & set(mended.failed)]
        files = fix.changed(chosen, tree)
        chosen = [each for each in chosen if _paths(each) <= set(files)]
        mended.n_unsafe = _counted_plans(plans, (), unsafe).n_unsafe
        if not chosen:
            break
        applied = fix.apply(tree.root, (edit for each in chosen for edit in each.edits))
        mended.failed.update(applied.failed)
        mended.written.update(applied.written)
        mended.fixed.update(each.finding.code for each in chosen if _paths(each) <= set(applied.written))
        judgement, tree = judge()
    return judgement, tree, mended


def _paths(plan: Plan) -> set[str]:
    return {edit.path for edit in plan.edits}


def _counted_plans(plans: Iterable[Plan], chosen: Iterable[Plan], unsafe: bool) -> Mended:
    n_unsafe = 0 if unsafe else sum(bool(each.edits) and not each.safe for each in plans)
    return Mended(Counter(each.finding.code for each in chosen), n_unsafe=n_unsafe)


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def _difference(path: str, old: bytes, new: bytes) -> bytes:
    name = path.encode("utf-8", "surrogateescape")
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(old), _lines(new), b"a/" + name, b"b/" + name, lineterm=b"\n"
    )
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines
    )


def _lines(data: bytes) -> list[bytes]:
    # only "\n" ends a line of a difference
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
