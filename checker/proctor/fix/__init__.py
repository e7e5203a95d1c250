"""Findings are mended: edits of source, Procfiles and scripts, planned first and applied whole or not at all."""

from proctor.fix.acceptances import acceptances
from proctor.fix.apply import Applied, apply, rewritten
from proctor.fix.planning import changed, choose, plan
from proctor.fix.recipes import RECIPES

__all__ = ["RECIPES", "Applied", "acceptances", "apply", "changed", "choose", "plan", "rewritten"]
