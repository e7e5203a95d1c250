"""Acceptance comments over a whole run: written for what is found, and judged again to see that they hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field

from proctor import fix
from proctor.model.finding import Finding, Judgement
from proctor.model.ignore import PLACEHOLDER
from proctor.model.tree import SourceTree


@dataclass
class Accepted:
    """What was done: how many findings of each code got a comment, in which files, and those that got none with the
    reason."""

    counted: Counter[str] = field(default_factory=Counter)
    written: tuple[str, ...] = ()
    left: list[tuple[Finding, str]] = field(default_factory=list)

    def lines(self) -> tuple[str, ...]:
        """It in sentences, with the entry of the settings that a finding without a comment would need."""
        total = self.counted.total()
        codes = ", ".join(f"{code} {count}" for code, count in sorted(self.counted.items()))
        lines = [f"{total} finding{'' if total == 1 else 's'} accepted{f' ({codes})' if codes else ''}."]
        if total:
            lines.append(f"each comment says `{PLACEHOLDER}`: replace it, in {', '.join(self.written)}.")
        for finding, reason in self.left:
            place = finding.place
            lines.append(
                f"{finding.code} {place.path}:{place.line} got no comment: {reason}. In the settings it would be\n"
                f'  accept = [{{ code = "{finding.code}", path = "{place.path}", reason = "…" }}]'
            )
        return tuple(lines)


def add_acceptances(
    judgement: Judgement, tree: SourceTree, judge: Callable[[SourceTree], Judgement]
) -> tuple[Judgement, Accepted]:
    """Write a comment for each finding of `judgement` about `tree`; returns what `judge` then says, and what was done.
    Comments are tried in memory first: one that silences nothing is not written, and its finding is named."""
    plans = fix.acceptances(judgement.findings, tree)
    done = Accepted(left=[(each.finding, each.reason) for each in plans if not each.edits])
    asked = [each for each in plans if each.edits]
    tried = fix.changed(asked, tree)
    overlay = {path: new for path, (_, new) in tried.items()}
    after = judge(SourceTree(tree.root, tree.files, tree.skipped, {**tree.overlay, **overlay}))
    still = {each.fingerprint for each in after.findings}
    reached = {edit for each in asked if each.finding.fingerprint not in still for edit in each.edits}
    applied = fix.apply(tree.root, reached)
    failed = dict(applied.failed)
    done.written = applied.written
    for plan in asked:
        finding = plan.finding
        if finding.place.path in failed:
            done.left.append((finding, failed[finding.place.path]))
        elif finding.fingerprint in still:
            done.left.append((finding, "a comment at its place does not reach it"))
        else:
            done.counted[finding.code] += 1
    if failed or any(not reached.issuperset(each.edits) for each in asked):
        after = judge(SourceTree(tree.root, tree.files, tree.skipped, tree.overlay))
    return after, done
