"""The program is judged: findings, and a verdict for every clause and process type."""

from proctor.judge.drafts import Platform
from proctor.judge.services import add_services
from proctor.judge.suppress import accept
from proctor.judge.verdicts import judgement

__all__ = ["Platform", "accept", "add_services", "judgement"]
