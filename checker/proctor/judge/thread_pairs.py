"""Pairs inside one process: two threads use the same place in memory, and nothing keeps them apart.

Words of `[when]`:
- `race`: which races: "update" (a value is read, changed and written back), "iterate" (a loop goes over what others
  change), "passing" (a place hands a request's data from one line to another), "check" (something is removed after a look whether
  it is there), "lazy" (an object is made when it is first found missing).
- `grave`: races for which the rule's severity holds; others are warnings at most.
- `making`: effects of making an object for which a "lazy" race counts in full; others are notes.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from proctor.judge.asking import ProcessWords, asks_process, read_words
from proctor.judge.drafts import Outcome, make_doubt, make_finding
from proctor.judge.expressions import deep, local_sources
from proctor.judge.fills import made_by
from proctor.judge.left_work import depends_on_request
from proctor.judge.locks import lock_held
from proctor.judge.memory import WORK, Access, Memory
from proctor.judge.memory_pairs import Finder
from proctor.judge.roots import Roots
from proctor.model.fact import Call, Const, Expr, Item, Result
from proctor.model.finding import Step
from proctor.model.program import Context, ProcessView, Storage, UnitKey
from proctor.model.rule import Rule
from proctor.model.words import Severity

_MAX_UNITS = 60


class _When(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    between: str
    race: tuple[str, ...]
    grave: tuple[str, ...] = ()
    making: tuple[str, ...] = ()


class Race(NamedTuple):
    """A race for a place: at `access`, which `other` meets (itself in another thread, where None)."""

    kind: str
    home: Storage
    access: Access
    other: Access | None = None


def judge(rules: Sequence[Rule], memory: Memory) -> Sequence[Outcome]:
    """Findings and doubts of the rules about threads."""
    conditions = [(rule, read_words(rule, rule.when, _When, "[when]")) for rule in rules]
    roots = Roots(memory)
    outcomes: list[Outcome] = []
    for view in memory.views:
        asked = [(rule, when) for rule, when in conditions if asks_process(when, view)]
        races = list(Racing(memory, roots, view).races()) if asked else []
        for rule, when in asked:
            seen: set[Storage] = set()
            for race in races:
                if race.kind in when.race and race.home not in seen:
                    seen.add(race.home)
                    outcomes.append(_finding(rule, when, race, memory, view))
    return outcomes


class Racing:
    """Finds the races of one program."""

    def __init__(self, memory: Memory, roots: Roots, view: ProcessView) -> None:
        self.memory = memory
        self.program = memory.program
        self.roots = roots
        self.view = view
        self.finder = Finder(memory, roots, view)

    def races(self) -> Iterator[Race]:
        """The races for each place that lasts, in the order of the program."""
        for storage, writes in self.memory.writes.items():
            own = [write for write in writes if self.memory.times(self.view, write)]
            if not any(self.runs_in_many(write.unit) for write in own):
                continue
            home = self.finder.lifetimes.home(storage)
            if home is not None:
                yield from self._races(home, own, self.memory.reads.get(storage, []))

    def _races(self, home: Storage, writes: list[Access], reads: list[Access]) -> Iterator[Race]:
        for write in writes:
            if not self.runs_in_many(write.unit) or self.is_locked(write):
                continue
            if self._updates(write):
                yield Race("update", home, write)
            elif write.how == "bind" and self._passes(write, reads):
                yield Race("passing", home, write)
            elif write.how == "bind" and self.finder.fills.is_fill(write):
                yield Race("lazy", home, write)
            elif write.how == "remove" and self._checks(write):
                yield Race("check", home, write)
        for read in reads:
            changing = next((w for w in writes if w.how in ("add", "remove", "item")), None)
            if read.how != "iterate" or changing is None or not self.runs_in_many(read.unit):
                continue
            if not (self.is_locked(read) and self.is_locked(changing)):
                yield Race("iterate", home, read, changing)

    # --- threads ---------------------------------------------------------------------------------------------

    def runs_in_many(self, key: UnitKey) -> bool:
        """Whether several threads of the process may run a unit at the same time."""
        in_threads = self.view.details.get("concurrency") == "threads"
        for context in self.memory.contexts(self.view, key):
            if context.phase == "job" and in_threads:
                return True
            if context.lane == "thread" and (
                context.phase == "request" or (context.phase in WORK and self.roots.runs_in_a_pool(key))
            ):
                return True
        return False

    def is_locked(self, access: Access) -> bool:
        """Whether the unit holds a lock at an access, or each caller does when it calls the unit."""
        return lock_held(self.memory, access.unit, access.event) is not None

    # --- races -----------------------------------------------------------------------------------------------

    def _updates(self, write: Access) -> bool:
        """Whether the new value is made from the old one, in more than one step."""
        if write.how in ("count", "count-item"):
            return True
        if write.how not in ("bind", "item") or self.finder.fills.is_fill(write):
            return False
        unit = self.program.unit(write.unit)
        keyed = isinstance(write.slot, Const)
        for part in local_sources(unit, write.value):
            if keyed and not (isinstance(part, Result) or _is_entry(part, write.slot)):
                continue  # another entry
            if write.storage in self.memory.places(write.unit, part):
                return True
        return False

    def _passes(self, write: Access, reads: Iterable[Access]) -> bool:
        """Whether a place takes what this request brings only to hand it to the lines below."""
        if isinstance(write.value, Const) or self.finder.fills.is_fill(write):
            return False
        if not depends_on_request(self.memory, write.unit, write.value):
            return False
        return any(read.unit == write.unit and read.event > write.event for read in reads)

    def _checks(self, write: Access) -> bool:
        unit = self.program.unit(write.unit)
        event = unit.events[write.event]
        if isinstance(event, Call) and (len(event.args) > 1 or event.use == "value"):
            return False  # pop with a default
        block = event.block
        while block > 0:
            info = unit.blocks[block]
            if info.kind == "try":
                return False
            if info.kind == "if" and any(
                write.storage in self.memory.places(write.unit, part) for part in deep(unit, info.test)
            ):
                return True
            block = info.parent
        return False


def _is_entry(part: Expr, slot: Expr | None) -> bool:
    """Whether an expression is the entry under a key itself, not something inside another one."""
    return isinstance(part, Item) and part.index == slot and not isinstance(part.value, Item)


def _finding(rule: Rule, when: _When, race: Race, memory: Memory, view: ProcessView) -> Outcome:
    program = memory.program
    access = race.access
    symbol = memory.symbol(race.home)
    name = symbol.partition(".")[2] or symbol
    event = program.unit(access.unit).events[access.event]
    place = program.place(access.unit, event)
    state = program.block_state(access.unit, event.block)
    if state.startswith("env:"):
        return make_doubt(rule, view, f"`{state[4:]}` decides whether `{name}` is used here", place)
    context = _context(memory, view, access)
    steps = list(view.path(context, place, f"`{name}` is used by several threads"))
    if race.other is not None:
        other = program.unit(race.other.unit).events[race.other.event]
        there = program.place(race.other.unit, other)
        steps.extend(
            s
            for s in view.path(_context(memory, view, race.other), there, f"`{name}` is changed")
            if s not in steps
        )
        steps.append(Step(place, f"`{name}` is gone over meanwhile"))
    unit = program.symbol(access.unit)
    other_unit = program.symbol(race.other.unit) if race.other is not None else unit
    return make_finding(
        rule,
        view,
        place=place,
        context=context,
        names={"symbol": name, "unit": unit, "other": other_unit, "what": _WHAT[race.kind]},
        subject=symbol,
        severity=_severity(rule, when, race, memory),
        evidence=tuple(steps),
    )


_WHAT = {
    "update": "is read, changed and written back",
    "iterate": "is gone over while others change it",
    "passing": "hands this request's data to the lines below",
    "check": "is looked at and then changed",
    "lazy": "is made when it is found missing",
}


def _context(memory: Memory, view: ProcessView, access: Access) -> Context:
    contexts = memory.times(view, access)
    return next((context for context in contexts if context.lane == "thread"), contexts[0])


def _severity(rule: Rule, when: _When, race: Race, memory: Memory) -> Severity:
    if race.kind == "lazy":
        return rule.severity if _making(memory, race.access) & set(when.making) else "note"
    if rule.severity == "error" and race.kind not in when.grave:
        return "warning"
    return rule.severity


def _making(memory: Memory, access: Access) -> set[str]:
    """The effects of making what a write stores."""
    program = memory.program
    made = made_by(program.unit(access.unit), access.value)
    if made is None:
        return set()
    found: set[str] = {hit.effect for hit in program.unit_hits(access.unit) if hit.event == made}
    seen: set[UnitKey] = set()
    todo = [*program.targets(access.unit, made)]
    while todo and len(seen) < _MAX_UNITS:
        key = todo.pop()
        if key not in seen:
            seen.add(key)
            found.update(hit.effect for hit in program.unit_hits(key))
            todo.extend(edge.target for edge in program.edges(key) if edge.how == "call")
    return found
