"""Findings are mended: edits of source, Procfiles and scripts, planned first and applied whole or not at all."""

from proctor.fix.acceptances import acceptances
from proctor.fix.apply import Applied, apply, replace, rewritten
from proctor.fix.planning import changed, choose, plan, replacements
from proctor.fix.recipes import RECIPES

__all__ = [
    "RECIPES",
    "Applied",
    "acceptances",
    "apply",
    "changed",
    "choose",
    "plan",
    "replace",
    "replacements",
    "rewritten",
]
