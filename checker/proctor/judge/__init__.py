"""The program is judged: findings, and a verdict for every clause and process type."""

from proctor.judge.drafts import Platform
from proctor.judge.verdicts import judgement

__all__ = ["Platform", "judgement"]
