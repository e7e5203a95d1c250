"""Clauses and process types as a matrix: equal process types in one column, each cell with its verdict."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from proctor.model.finding import ClauseVerdict, Finding, Judgement
from proctor.model.words import CLAUSES, VERDICTS, Verdict

WHOLE_APP = "(whole app)"
#: the parts of the specification, by the beginning of their clauses
FACTORS = {
    "VI": "VI. Processes: stateless and share-nothing",
    "VIII": "VIII. Concurrency: scale out via the process model",
    "IX": "IX. Disposability: fast start-up and graceful shutdown",
    "C": "Concurrency inside a process",
}
SYMBOLS: dict[Verdict, str] = {
    "violates": "✕",
    "not verified": "?",
    "conforms": "✓",
    "not applicable": "—",
}
#: the order in which people ask: what is broken, what is not known, what holds
ASKED: tuple[Verdict, ...] = ("violates", "not verified", "conforms", "not applicable")


@dataclass(frozen=True)
class Column:
    """Process types with the same verdicts for the same reasons; `names` in the order of declaration."""

    names: tuple[str, ...]
    verdicts: dict[str, ClauseVerdict] = field(hash=False)

    @property
    def counts(self) -> Counter[Verdict]:
        """How many clauses got each verdict."""
        return Counter(each.verdict for each in self.verdicts.values())


@dataclass(frozen=True)
class Group:
    """One clause's equal answers: who they are for, and the findings where it is violated."""

    clause: str
    verdict: Verdict
    reason: str
    processes: tuple[str, ...]
    findings: tuple[Finding, ...]


def columns(judgement: Judgement) -> tuple[Column, ...]:
    """The columns, in the order of declaration; the app as a whole comes last."""
    by_process: dict[str, dict[str, ClauseVerdict]] = {each.name: {} for each in judgement.processes}
    for verdict in judgement.verdicts:
        by_process.setdefault(verdict.process or WHOLE_APP, {})[verdict.clause] = verdict
    merged: dict[tuple[tuple[str, Verdict, str], ...], list[str]] = {}
    for name, verdicts in by_process.items():
        key = tuple(sorted((each.clause, each.verdict, _nameless(each, name)) for each in verdicts.values()))
        # the app as a whole is no process type, so it stands alone
        merged.setdefault(key if name != WHOLE_APP else (), []).append(name)
    ordered = sorted(merged.values(), key=lambda names: names == [WHOLE_APP])
    return tuple(Column(tuple(names), by_process[names[0]]) for names in ordered if by_process[names[0]])


def _nameless(verdict: ClauseVerdict, name: str) -> str:
    # how many files were read differs, and says nothing about the clause
    return "" if verdict.verdict == "conforms" else verdict.reason.replace(f"`{name}`", "`…`")


def groups(judgement: Judgement) -> dict[str, tuple[Group, ...]]:
    """The answers to each clause that has any, in the order of the specification."""
    found: dict[str, tuple[Group, ...]] = {}
    everything = [*judgement.findings, *judgement.known, *judgement.suppressed]
    for clause in CLAUSES:
        merged: dict[tuple[Verdict, str, tuple[Finding, ...]], list[str]] = {}
        for verdict in judgement.verdicts:
            if verdict.clause == clause:
                own = broken_by(verdict, everything) if verdict.verdict == "violates" else ()
                key = (verdict.verdict, verdict.reason, own)
                merged.setdefault(key, []).append(verdict.process or WHOLE_APP)
        if merged:
            found[clause] = tuple(
                Group(clause, verdict, reason, tuple(names), own)
                for (verdict, reason, own), names in sorted(
                    merged.items(), key=lambda item: ASKED.index(item[0][0])
                )
            )
    return found


def broken_by(verdict: ClauseVerdict, findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Those of `findings` for which a clause is violated."""
    return tuple(
        each
        for each in findings
        if each.clause == verdict.clause
        and each.severity != "note"
        and (verdict.process in each.processes or (verdict.process is None and not each.processes))
    )


def totals(judgement: Judgement) -> Counter[Verdict]:
    """How many verdicts of each kind there are, over all clauses and process types."""
    counted: Counter[Verdict] = Counter(each.verdict for each in judgement.verdicts)
    return Counter({verdict: counted[verdict] for verdict in VERDICTS})


def hiding(verdicts: Iterable[ClauseVerdict]) -> list[tuple[str, dict[str, list[str]]]]:
    """Why clauses are not verified: each reason with the clauses that it hides by process type, most first."""
    reasons: dict[str, dict[str, list[str]]] = {}
    for verdict in verdicts:
        if verdict.verdict == "not verified":
            by_process = reasons.setdefault(verdict.reason, {})
            by_process.setdefault(verdict.process or WHOLE_APP, []).append(verdict.clause)
    return sorted(reasons.items(), key=lambda item: -sum(map(len, item[1].values())))
