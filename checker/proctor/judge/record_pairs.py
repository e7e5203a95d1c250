"""Pairs through a record of a shared store: it is read, changed or worked on, and written back, with nothing in the
store itself that keeps another process from doing the same meanwhile.

Words of `[when]`:
- `race`: "update" (a value is read, changed and written back), "lock" (only a lock of this process or machine guards that, or
  `guards`), "claim" (waiting records are looked up and worked on without being claimed).
- `lock`: the kinds of locks (`lock` in the rows' details) that hold only here.
- `guards`: effects that a lock of this machine (`lock` = "file") may not be trusted to keep single.
- `work`: effects of working on a record that must not happen twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from proctor.judge.asking import ProcessWords, asks_process, read_words
from proctor.judge.drafts import Outcome, make_doubt, make_finding
from proctor.judge.locks import lock_at
from proctor.judge.memory import WORK, Memory
from proctor.judge.record_updates import Claim, Records, Update
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Context, Hit, ProcessView, UnitKey
from proctor.model.rule import Rule

_POLLING = frozenset({"tick", "loop"})


class _When(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    between: str
    race: tuple[str, ...]
    lock: tuple[str, ...] = ()
    guards: tuple[str, ...] = ()
    work: tuple[str, ...] = ()


class _Found(NamedTuple):
    unit: UnitKey
    context: Context
    place: Place
    symbol: str
    what: str
    text: str
    guard: str = ""


def judge(rules: Sequence[Rule], memory: Memory) -> Sequence[Outcome]:
    """Findings and doubts of the rules about shared records."""
    conditions = [(rule, read_words(rule, rule.when, _When, "[when]")) for rule in rules]
    records = Records(memory)
    outcomes: list[Outcome] = []
    for view in memory.views:
        for rule, when in conditions:
            if asks_process(when, view):
                judged = _Judged(when, memory, records, view)
                outcomes.extend(_outcome(rule, found, memory, view) for found in judged.found())
    return outcomes


class _Judged:
    """One rule in one program."""

    def __init__(self, when: _When, memory: Memory, records: Records, view: ProcessView) -> None:
        self.when = when
        self.memory = memory
        self.records = records
        self.view = view

    def found(self) -> Iterator[_Found]:
        seen: set[object] = set()
        for found in sorted(self._all(), key=lambda found: found.place):
            mark = (found.place.path, found.symbol) if found.what.startswith("`") else found.place
            if mark not in seen:
                seen.add(mark)
                yield found

    def _all(self) -> Iterator[_Found]:
        for key in self.memory.units:
            if "update" in self.when.race or "lock" in self.when.race:
                for update in self.records.updates(key):
                    yield from self._update(update)
            if "claim" in self.when.race:
                for claim in self.records.claims(key, frozenset(self.when.work)):
                    yield from self._claim(claim)
        if self.when.guards:
            yield from self._guarded()

    def _update(self, update: Update) -> Iterator[_Found]:
        context = self._context(update.unit, update.block)
        if context is None:
            return
        name = self.memory.program.symbol(update.unit)
        lock = update.lock
        if lock is None:
            if "update" in self.when.race:
                yield _Found(
                    update.unit, context, update.place, update.symbol, name, f"`{update.symbol}` is changed"
                )
        elif "lock" in self.when.race and lock.details.get("lock") in self.when.lock:
            shown = self.records.lock_name(update.unit, lock)
            what = f"`{update.symbol}` of a shared record"
            yield _Found(
                update.unit, context, lock.place, shown, what, f"`{shown}` guards {what}", lock.guard
            )

    def _claim(self, claim: Claim) -> Iterator[_Found]:
        context = self._context(claim.unit, claim.block)
        if context is None or context.phase not in _POLLING:
            return
        name = self.memory.program.symbol(claim.unit)
        yield _Found(
            claim.unit,
            context,
            claim.hit.place,
            claim.hit.symbol.removesuffix(".__iter__"),
            name,
            "waiting work is looked up",
            claim.hit.guard,
        )

    def _guarded(self) -> Iterator[_Found]:
        """What a lock of this machine keeps single."""
        for context, hit in self.view.hits(*self.when.guards):  # type: ignore[arg-type]  # checked against the vocabulary on load
            if hit.event < 0:
                continue
            lock = self._file_lock(hit)
            if lock is not None:
                shown = self.records.lock_name(hit.unit, lock)
                what = f"`{hit.symbol}`"
                yield _Found(
                    hit.unit, context, lock.place, shown, what, f"`{shown}` guards {what}", lock.guard
                )

    def _file_lock(self, hit: Hit) -> Hit | None:
        sources = [(hit.unit, hit.event)]
        sources.extend((edge.source, edge.event) for edge in self.memory.callers(hit.unit) if edge.event >= 0)
        for key, event in sources:
            lock = lock_at(self.memory, key, event)
            if lock is not None and lock.details.get("lock") == "file" and "file" in self.when.lock:
                return lock
        return None

    def _context(self, key: UnitKey, block: int) -> Context | None:
        for context in self.memory.contexts(self.view, key):
            if context.phase in WORK:
                return context
            if context.phase == "startup" and block in self.memory.loop_blocks(key):
                return context._replace(phase="loop")
        return None


def _outcome(rule: Rule, found: _Found, memory: Memory, view: ProcessView) -> Outcome:
    if found.guard:
        return make_doubt(
            rule, view, f"`{found.guard}` decides whether `{found.symbol}` is used", found.place
        )
    steps = view.path(found.context, found.place, found.text)
    return make_finding(
        rule,
        view,
        place=found.place,
        context=found.context,
        names={"symbol": found.symbol, "what": found.what, "unit": memory.program.symbol(found.unit)},
        subject=found.symbol,
        evidence=steps or (Step(found.place, found.text),),
    )
