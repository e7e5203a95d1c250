"""Judge `values`."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.judge.drafts import Outcome, Platform
from proctor.model.program import Program
from proctor.model.rule import Rule


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge."""
    return ()
