"""Pairs through a memo: what a function has read once is given to later requests and jobs, whatever has changed since.

A memo is a function whose results a decorator keeps without an end, or a place in memory that is filled when it is found empty
and never looked at again.

Words of `[when]`:
- `effect`, `details`, `details_not`, `symbol`: what the function does that makes its result change with time.
- `direct`: effects that count only in the function itself, and where its result is made of them.
- `not_by_hand`: effects that do not count for places filled by hand (what is fetched once and kept while it is of use).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from proctor.judge.asking import WantedIn, asks_process, fits, read_words
from proctor.judge.drafts import Outcome, make_doubt, make_finding
from proctor.judge.expressions import local_sources, subexpressions
from proctor.judge.fills import made_by
from proctor.judge.lifetime import Memo, memos
from proctor.judge.memory import WORK, Access, Memory
from proctor.judge.memory_pairs import Finder
from proctor.judge.roots import Roots
from proctor.model.fact import Define, Func, Name, Result, Return
from proctor.model.finding import Step
from proctor.model.program import Context, Hit, LibObj, ProcessView, Storage, UnitKey
from proctor.model.rule import Rule

_PLAIN = frozenset({"call", "callback", "property", "runs"})
_MAX_UNITS = 200


class _When(WantedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    between: str
    direct: tuple[str, ...] = ()
    not_by_hand: tuple[str, ...] = ()


def judge(rules: Sequence[Rule], memory: Memory) -> Sequence[Outcome]:
    """Findings and doubts of the rules about memos."""
    conditions = [(rule, read_words(rule, rule.when, _When, "[when]")) for rule in rules]
    roots = Roots(memory)
    outcomes: list[Outcome] = []
    for view in memory.views:
        for rule, when in conditions:
            if asks_process(when, view):
                judged = _Judged(rule, when, memory, view)
                outcomes.extend(judged.decorated())
                outcomes.extend(judged.filled(Finder(memory, roots, view)))
    return outcomes


class _Judged:
    """One rule in one program."""

    def __init__(self, rule: Rule, when: _When, memory: Memory, view: ProcessView) -> None:
        self.rule = rule
        self.when = when
        self.memory = memory
        self.program = memory.program
        self.view = view

    def decorated(self) -> Iterator[Outcome]:
        """Functions whose results a decorator keeps."""
        for memo in memos(self.memory):
            if memo.details.get("expires") == "yes" or self._gives_tool(memo.function):
                continue
            if self._is_asked_anew(memo.function):
                continue
            context = self._work(memo.function)
            hit = self._changing(memo.function) if context else None
            if context is not None and hit is not None:
                yield self._outcome(memo, context, hit)

    def _is_asked_anew(self, key: UnitKey) -> bool:
        """Whether a function has a parameter that it does not use: it is there to make callers ask anew (`ttl_hash`, `day`)."""
        unit = self.program.unit(key)
        if any(isinstance(event, Define) for event in unit.events):
            return False
        asked = (param.name for param in unit.params if param.kind in ("positional", "keyword"))
        return any(name not in ("self", "cls") and not self._mentions(key, name) for name in asked)

    def _mentions(self, key: UnitKey, name: str) -> bool:
        unit = self.program.unit(key)
        return any(self._is_in(part, key, name) for part in (*unit.events, *unit.blocks))

    def _is_in(self, value: object, key: UnitKey, name: str) -> bool:
        if isinstance(value, Name):
            return value.id == name
        if isinstance(value, Func):
            return self._mentions(UnitKey(key.path, value.unit), name)
        parts = msgspec.structs.astuple(value) if isinstance(value, msgspec.Struct) else value
        return isinstance(parts, tuple) and any(self._is_in(part, key, name) for part in parts)

    def _outcome(self, memo: Memo, context: Context, hit: Hit) -> Outcome:
        name = self.program.symbol(memo.function)
        if memo.hit.unsure or memo.hit.guard:
            reason = memo.hit.unsure or f"`{memo.hit.guard}` decides whether `{name}` keeps its results"
            return make_doubt(self.rule, self.view, reason, memo.hit.place)
        return self._finding(
            name, context, hit, Step(self.program.place(memo.function), f"`{name}` keeps its results")
        )

    def filled(self, finder: Finder) -> Iterator[Outcome]:
        """Places that are filled once and never looked at again."""
        for storage, writes in self.memory.writes.items():
            own = [write for write in writes if self.memory.times(self.view, write)]
            fills = [write for write in own if self._is_lasting_fill(finder, write)]
            home = finder.lifetimes.home(storage) if fills else None
            if home is None or any(write not in fills and write.how != "remove" for write in own):
                continue
            yield from self._filled(storage, fills)

    def _is_lasting_fill(self, finder: Finder, write: Access) -> bool:
        return (
            write.how in ("bind", "item") and finder.fills.is_fill(write) and not finder.fills.expires(write)
        )

    def _filled(self, storage: Storage, fills: list[Access]) -> Iterator[Outcome]:
        for write in fills:
            found = (self._made_from(write.unit, event) for event in self._makers(write))
            hit = next((hit for hit in found if hit and hit.effect not in self.when.not_by_hand), None)
            if hit is None:
                continue
            symbol = self.memory.symbol(storage)
            name = symbol.partition(".")[2]
            place = self.program.place(write.unit, self.program.unit(write.unit).events[write.event])
            context = self.memory.times(self.view, write)[0]
            yield self._finding(name, context, hit, Step(place, f"`{name}` is filled once"))
            return

    def _makers(self, write: Access) -> Iterator[int]:
        """The calls whose results a stored value consists of."""
        unit = self.program.unit(write.unit)
        for part in subexpressions(write.value):
            made = made_by(unit, part)
            if made is not None:
                yield made

    def _made_from(self, key: UnitKey, event: int) -> Hit | None:
        for hit in self.program.unit_hits(key):
            if hit.event == event and self._counts(hit, True):
                return hit
        for target in self.program.targets(key, event):
            if not self._gives_tool(target):
                found = self._changing(target)
                if found is not None:
                    return found
        return None

    def _finding(self, name: str, context: Context, hit: Hit, step: Step) -> Outcome:
        steps = [*self.view.path(context, step.place, step.text)]
        if steps[-1].place != hit.place:
            steps.append(Step(hit.place, f"`{hit.symbol}` reads what may change"))
        names = {"symbol": name, "source": hit.symbol.removeprefix("builtins."), "unit": name}
        return make_finding(
            self.rule,
            self.view,
            place=step.place,
            names=names,
            context=context,
            subject=name,
            evidence=(*steps, step),
        )

    def _work(self, key: UnitKey) -> Context | None:
        return next((c for c in self.memory.contexts(self.view, key) if c.phase in WORK), None)

    def _changing(self, key: UnitKey) -> Hit | None:
        """What a function or one that it calls reads that may change."""
        seen = {key}
        todo = [key]
        while todo and len(seen) < _MAX_UNITS:
            current = todo.pop(0)
            for hit in self.program.unit_hits(current):
                if self._counts(hit, current == key):
                    return hit
            for edge in self.program.edges(current):
                if edge.how in _PLAIN and not edge.trigger and edge.phase is None and edge.target not in seen:
                    seen.add(edge.target)
                    todo.append(edge.target)
        return None

    def _counts(self, hit: Hit, is_direct: bool) -> bool:
        if hit.effect in self.when.direct:
            return is_direct and self._is_given_back(hit)
        if not fits(self.when, hit) or hit.main_only:
            return False
        # Opening a connection is no reading.
        return not any(
            other.effect == "opens-connection" and other.event == hit.event
            for other in self.program.unit_hits(hit.unit)
        )

    def _is_given_back(self, hit: Hit) -> bool:
        """Whether what an event gives becomes part of the result."""
        unit = self.program.unit(hit.unit)
        return any(
            part == Result(hit.event)
            for event in unit.events
            if isinstance(event, Return)
            for part in local_sources(unit, event.value)
        )

    def _gives_tool(self, key: UnitKey) -> bool:
        """Whether a function gives a client or connection, which is there to be kept."""
        values = [event.value for event in self.program.unit(key).events if isinstance(event, Return)]
        refs = [ref for value in values if value is not None for ref in self.program.resolve(key, value)]
        return any(
            isinstance(ref, LibObj)
            and (
                self.program.lives(ref.type) in ("connection", "process")
                or bool(self.program.abilities(ref.type))
            )
            and self.program.lives(ref.type) not in ("record", "data")
            for ref in refs
        )
