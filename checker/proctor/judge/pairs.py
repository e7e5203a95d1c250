"""Judge `pairs`: something is written here and read there, and what lies between does not last or is not shared.

`[when]` names what lies between with `between`; each kind has its own further words:
- "memory": a place in the process's memory. See `memory_pairs`.
- "memo": results that are kept for ever. See `memo_pairs`.
- "threads": a place in memory that several threads of one process use. See `thread_pairs`.
- "disk": a file on the local disk. See `disk_pairs`.
- "record": a record of a shared store. See `record_pairs`.
All kinds also have the words of `ProcessWords`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from proctor.judge import disk_pairs, memo_pairs, memory_pairs, record_pairs, thread_pairs
from proctor.judge.asking import chosen
from proctor.judge.drafts import Outcome, Platform
from proctor.judge.memory import Memory
from proctor.model.program import Program
from proctor.model.rule import Rule

_KINDS: Mapping[str, Callable[[Sequence[Rule], Memory], Sequence[Outcome]]] = {
    "memory": memory_pairs.judge,
    "memo": memo_pairs.judge,
    "threads": thread_pairs.judge,
    "disk": disk_pairs.judge,
    "record": record_pairs.judge,
}


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    by_kind: dict[str, list[Rule]] = {}
    for rule in rules:
        kind = chosen(rule, "between", rule.when.get("between"), _KINDS)
        by_kind.setdefault(kind, []).append(rule)
    memory = Memory(program)
    outcomes: list[Outcome] = []
    for kind, own in by_kind.items():
        outcomes.extend(_KINDS[kind](own, memory))
    return outcomes
