"""Pairs through memory: a request or job leaves something in the process that a later one relies on.

Words of `[when]`:
- `kept`: what the place holds: "connection" (clients that stay connected), "queue" (work waiting), "progress" (what
  handed-on work reports to requests), "count" (numbers that are only counted up), "data" (anything else).
- `phase`: phases in which writes count (default: all of work).
- `left`: effects that leave work behind, to be done later (`{effect, details}`), and `left_in`: effects that say where
  such work is kept (their `store`). It counts where that is memory and the work depends on the request or job.
- `left_message`: the message of such a finding.
- `library_keeps`: what a library may keep in memory from one request or job to the next (`what` in its rows), and
  `library_message`: the message where it does.
- `several`: effects of the process types that run as several copies; in others the finding is a warning at most.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from proctor.judge.asking import ProcessWords, Wanted, asks_process, read_words
from proctor.judge.before import may_come_first
from proctor.judge.drafts import Outcome, make_doubt, make_finding
from proctor.judge.expressions import comes_from_caller, own_params
from proctor.judge.fills import Fills, is_lazy, is_tool
from proctor.judge.left_work import kept_for_work, left_work
from proctor.judge.lifetime import Lifetimes
from proctor.judge.memory import WORK, Access, Memory
from proctor.judge.passing import Passing, gives_connections
from proctor.judge.roots import Roots
from proctor.model.fact import Call, Const, Expr, Result
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Context, Hit, LibObj, ObjRef, ProcessView, Storage, UnitKey
from proctor.model.rule import Rule
from proctor.model.words import Severity


class _When(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    between: str
    kept: tuple[str, ...]
    phase: tuple[str, ...] = ()
    several: tuple[str, ...] = ()
    left: Wanted | None = None
    left_in: Wanted = Wanted()
    left_message: str = ""
    library_keeps: str = ""
    library_message: str = ""


class Pair(NamedTuple):
    """A place in memory with the writes of work that matter and the reads that rely on them. `kept` as in the rule."""

    home: Storage
    kept: str
    writes: tuple[Access, ...]
    reads: tuple[Access, ...]


def judge(rules: Sequence[Rule], memory: Memory) -> Sequence[Outcome]:
    """Findings and doubts of the rules about memory."""
    conditions = [(rule, read_words(rule, rule.when, _When, "[when]")) for rule in rules]
    roots = Roots(memory)
    outcomes: list[Outcome] = []
    for view in memory.views:
        asked = [(rule, when) for rule, when in conditions if asks_process(when, view)]
        if asked:
            finder = Finder(memory, roots, view)
            for pair in finder.pairs():
                for rule, when in asked:
                    if pair.kept in when.kept:
                        outcomes.extend(_outcomes(rule, when, pair, finder))
            for rule, when in asked:
                outcomes.extend(_left_work(rule, when, memory, view))
                outcomes.extend(_library_kept(rule, when, memory, view))
    return outcomes


def _library_kept(rule: Rule, when: _When, memory: Memory, view: ProcessView) -> Iterator[Outcome]:
    found = kept_for_work(view, when.library_keeps) if when.library_keeps else None
    if found is not None:
        yield _at_hit(rule, when, memory, view, found, when.library_message)


def _left_work(rule: Rule, when: _When, memory: Memory, view: ProcessView) -> Iterator[Outcome]:
    if when.left is None:
        return
    for found in left_work(memory, view, when.left, when.left_in):
        yield _at_hit(rule, when, memory, view, found, when.left_message)


def _at_hit(
    rule: Rule, when: _When, memory: Memory, view: ProcessView, found: tuple[Context, Hit], message: str
) -> Outcome:
    context, hit = found
    if hit.unsure or hit.guard:
        reason = hit.unsure or f"`{hit.guard}` decides whether `{hit.symbol}` runs"
        return make_doubt(rule, view, reason, hit.place)
    symbol = hit.symbol.removesuffix(".__setitem__")
    return make_finding(
        rule,
        view,
        place=hit.place,
        context=context,
        names={"symbol": symbol, "unit": memory.program.symbol(hit.unit)},
        text=f"`{symbol}`",
        subject=symbol,
        severity=_severity(rule, when, view, "queue"),
        message=message,
    )


class Finder:
    """Finds the pairs whose writes are made by one program."""

    def __init__(self, memory: Memory, roots: Roots, view: ProcessView) -> None:
        self.memory = memory
        self.view = view
        self.program = memory.program
        self.lifetimes = Lifetimes(memory, view)
        self.fills = Fills(memory, self.lifetimes.home)
        self.roots = roots
        self.passing = Passing(memory, roots)

    def pairs(self) -> Iterator[Pair]:
        """Each place once, in the order of the program."""
        writes: dict[Storage, list[Access]] = {}
        reads: dict[Storage, list[Access]] = {}
        for storage, accesses in self.memory.writes.items():
            own = [access for access in accesses if self.memory.times(self.view, access)]
            home = self.lifetimes.home(storage) if own else None
            if home is not None:
                writes.setdefault(home, []).extend(own)
                reads.setdefault(home, []).extend(self.memory.reads.get(storage, ()))
        for home, accesses in writes.items():
            pair = self._pair(home, accesses, reads[home])
            if pair is not None:
                yield pair

    def _pair(self, home: Storage, writes: list[Access], reads: list[Access]) -> Pair | None:
        kept = self._kept(home, [*writes, *self.memory.writes.get(home, ())])
        telling = [w for w in writes if self._tells(w, home, kept)]
        if not any(w.how != "remove" and not self._is_reset(w) for w in telling):
            return None
        if self._is_flag(telling, reads):
            return None
        uses = [
            read for read in [*reads, *(w for w in writes if _reads_too(w))] if self._relies(read, telling)
        ]
        if not uses or self.passing.only_passes(telling, writes, uses):
            return None
        if self.passing.takes_turns(telling, reads) or self.passing.limits_tools(telling, reads):
            return None
        if kept == "data" and all(
            w.how in ("count", "count-item", "remove") or self._is_reset(w) for w in telling
        ):
            if self.passing.only_logs(reads, writes):
                return None
            kept = "count"
        elif kept == "data" and self._is_progress(telling, uses):
            kept = "progress"
        return Pair(home, kept, tuple(telling), tuple(uses))

    # --- writes that matter ----------------------------------------------------------------------------------

    def _tells(self, write: Access, home: Storage, kept: str) -> bool:
        """Whether a write leaves something behind that cannot simply be had again."""
        if self._is_task(write) or self.passing.leaves_by_itself(write):
            return False
        if self.fills.is_fill(write) or self.fills.has_age(write):
            return False
        if write.how == "bind" and self.fills.is_clock(write):
            return False  # when something was last done here
        if write.how == "bind" and (is_lazy(self.memory, write) or self._is_refresh(write)):
            return False
        if write.how == "bind" and self._is_sole_instance(write):
            return False
        if write.how not in ("item", "add"):
            return True
        return not (
            self._is_lent(write) if kept == "queue" else kept == "data" and is_tool(self.memory, write)
        )

    def _is_lent(self, write: Access) -> bool:
        """Whether a connection is put back for whoever needs one next."""
        return write.value is not None and gives_connections(self.program, write.unit, [write.value])

    def _is_sole_instance(self, write: Access) -> bool:
        """Whether a class keeps an instance of itself, made from nothing: what the instance holds is looked at by itself."""
        owner, value = write.storage.owner, write.value
        if write.storage.kind != "class" or not isinstance(value, Result):
            return False
        call = self.program.unit(write.unit).events[value.event]
        made = [ref for ref in self.program.resolve(write.unit, value) if isinstance(ref, ObjRef)]
        return (
            isinstance(call, Call)
            and not (call.args or call.keywords)
            and any(UnitKey(ref.path, ref.number) == owner for ref in made)
        )

    def _is_task(self, write: Access) -> bool:
        return (
            any(
                isinstance(ref, LibObj) and self.program.lives(ref.type) == "task"
                for ref in self.program.resolve(write.unit, write.value)
            )
            if write.value is not None
            else False
        )

    def _is_reset(self, write: Access) -> bool:
        return (
            write.how == "bind"
            and isinstance(write.value, Const)
            and write.value.value in (None, 0, "", False)
        )

    def _is_refresh(self, write: Access) -> bool:
        """Whether the whole value is had anew: from elsewhere, or by work that nobody asked for (a tick, a thread from
        the start, a bot's own event)."""
        if self.roots.is_handed_on(write.unit):
            return False
        if not self._can_be_had_again(write.unit) and not all(
            self._is_unasked(root) for root in self.roots.of(write.unit)
        ):
            return False
        unit = self.program.unit(write.unit)
        if isinstance(write.value, Const) or comes_from_caller(unit, write.value):
            return False
        return not any(
            read.unit == write.unit and read.event <= write.event
            for read in self.memory.reads.get(write.storage, ())
        )

    def _can_be_had_again(self, key: UnitKey) -> bool:
        """Whether a unit gets what it stores from outside the app, or does the same when the process starts. What comes
        from the app's own database is another matter: a copy of that goes stale."""
        hits = self.program.unit_hits(key)
        # What handing work on gives tells of that piece of work alone.
        handing = {hit.event for hit in hits if hit.effect in ("enqueues", "publishes")}
        effects = {hit.effect for hit in hits if hit.event not in handing}
        if effects & {"database", "reads-record"}:
            return False
        return bool(effects & {"http", "network"}) or bool(self.memory.phases(key) & {"import", "startup"})

    def _is_unasked(self, root: UnitKey) -> bool:
        phases = self.memory.phases(root) & WORK
        if phases <= {"tick", "thread", "loop"}:
            return True
        return "request" not in phases and not own_params(self.program.unit(root))

    def _is_flag(self, writes: list[Access], reads: list[Access]) -> bool:
        """Whether a flag only tells a loop to go on, or that something was done once in this process."""
        values = {w.value for w in writes if w.how == "bind" and isinstance(w.value, Const)}
        if len(writes) != len([w for w in writes if w.value in values]):
            return False
        units = {access.unit for access in (*reads, *writes)}
        if len(values) == 1 and units == {write.unit for write in writes}:
            return True
        if len(units) == 1 and not self.roots.is_root(writes[0].unit):
            return True
        return all(
            self.program.unit(read.unit).blocks[self._block(read)].kind == "while"
            or self._block(read) in self.memory.loop_blocks(read.unit)
            for read in reads
        )

    def _block(self, access: Access) -> int:
        return self.program.unit(access.unit).events[access.event].block

    # --- reads that rely on them -----------------------------------------------------------------------------

    def _relies(self, read: Access, writes: list[Access]) -> bool:
        """Whether a read sees what another request or job has written."""
        return any(self._crosses(read, write) for write in writes)

    def _crosses(self, read: Access, write: Access) -> bool:
        if write.how != "bind" and not (write.how == "item" and isinstance(write.slot, Const)):
            return read.event != write.event or read.unit != write.unit or _reads_too(write)
        above, below = self.roots.of(write.unit), self.roots.of(read.unit)
        if not below <= above:
            return True
        # The same handler: what it reads before it writes anything is from an earlier run.
        return may_come_first(self.memory, read, self.memory.writes[write.storage])

    # --- what is kept ----------------------------------------------------------------------------------------

    def _kept(self, home: Storage, writes: list[Access]) -> str:
        if self._is_queue(home):
            return "queue"
        for write in writes:
            if write.how in ("item", "add", "bind") and self._is_connection(write):
                return "connection"
        if any(self._is_inner_queue(write) for write in writes):
            return "queue"
        return "data"

    def _is_queue(self, home: Storage) -> bool:
        for key, event in self.memory.definitions(home):
            value = getattr(event, "value", None)
            if isinstance(value, Result) and self.memory.kept(key, value.event).get("what") == "queue":
                return True
        return False

    def _is_connection(self, write: Access) -> bool:
        """Whether a client of this process is kept, to be written to from elsewhere."""
        for part in (write.value, write.slot, *_members(write.value)):
            if part is not None and any(
                self._is_client(ref) for ref in self.program.resolve(write.unit, part)
            ):
                return True
        return False

    def _is_client(self, ref: object) -> bool:
        if isinstance(ref, LibObj):
            return self.program.lives(ref.type) == "client"
        return isinstance(ref, ObjRef) and any(
            self.program.lives(base) == "client"
            for base in self.program.class_bases(UnitKey(ref.path, ref.number))
        )

    def _is_inner_queue(self, write: Access) -> bool:
        return any(
            isinstance(part, Result) and self.memory.kept(write.unit, part.event).get("what") == "queue"
            for part in (write.value, *_members(write.value))
        )

    def _is_progress(self, writes: list[Access], reads: list[Access]) -> bool:
        """Whether handed-on work writes what requests or commands read."""
        handed = [w for w in writes if self.roots.is_handed_on(w.unit)]
        return bool(handed) and any(not self.roots.is_handed_on(read.unit) for read in reads)


def _members(expr: Expr | None) -> tuple[Expr, ...]:
    items = getattr(expr, "items", None) or getattr(expr, "values", None)
    return tuple(items) if isinstance(items, tuple) else ()


def _reads_too(write: Access) -> bool:
    return write.how in ("count", "count-item")


# --- findings ------------------------------------------------------------------------------------------------


def _outcomes(rule: Rule, when: _When, pair: Pair, finder: Finder) -> Iterator[Outcome]:
    found = _best(pair, finder.view, finder, when)
    if found is not None:
        write, context, read, reader, at = found
        yield _finding(rule, when, pair, finder, finder.view, write, context, read, reader, at)


def _best(
    pair: Pair, view: ProcessView, finder: Finder, when: _When
) -> tuple[Access, Context, Access, ProcessView, Context] | None:
    """The write and the read that tell most: in different units, then in different handlers."""
    writes = [
        (write, context)
        for write in pair.writes
        for context in finder.memory.times(view, write)[:1]
        if not when.phase or context.phase in when.phase
    ]
    if not any(write.how != "remove" for write, _ in writes):
        return None
    others = [other for other in finder.memory.views if other is not view]
    for reader in (view, *others):
        reads = [(r, c) for r in pair.reads for c in finder.memory.times(reader, r)[:1]]
        best = min(
            (
                (_rank(finder, write, read), n, m)
                for n, (write, _) in enumerate(writes)
                for m, (read, _) in enumerate(reads)
                if finder._crosses(read, write)
            ),
            default=None,
        )
        if best is not None:
            (write, context), (read, at) = writes[best[1]], reads[best[2]]
            return write, context, read, reader, at
    return None


def _rank(finder: Finder, write: Access, read: Access) -> int:
    rank = 0
    if write.how == "remove" or finder._is_reset(write):
        rank += 8
    if read.unit == write.unit:
        rank += 4
    if finder.roots.of(write.unit) == finder.roots.of(read.unit):
        rank += 2
    if _reads_too(read):
        rank += 1
    return 2 * rank - (read.how == "iterate")


def _finding(
    rule: Rule,
    when: _When,
    pair: Pair,
    finder: Finder,
    view: ProcessView,
    write: Access,
    context: Context,
    read: Access,
    reader: ProcessView,
    at: Context,
) -> Outcome:
    program = finder.program
    symbol = finder.memory.symbol(pair.home)
    name = symbol.partition(".")[2] if pair.home.kind in ("module", "class", "instance") else symbol
    written = program.place(write.unit, program.unit(write.unit).events[write.event])
    seen = program.place(read.unit, program.unit(read.unit).events[read.event])
    place = _definition(finder.memory, pair.home) or written
    guard = _guard(program, pair)
    if guard:
        return make_doubt(rule, view, f"`{guard}` decides whether `{name}` is written", written)
    steps = list(view.path(context, written, f"`{name}` is written"))
    for step in reader.path(at, seen, f"`{name}` is read"):
        if step not in steps:
            steps.append(step)
    steps.append(Step(place, f"`{name}` is kept here, in memory"))
    names = {
        "symbol": name,
        "writer": program.symbol(write.unit),
        "reader": program.symbol(read.unit),
        "reader_process": reader.process.name,
    }
    return make_finding(
        rule,
        view,
        place=place,
        names=names,
        context=context,
        subject=symbol,
        severity=_severity(
            rule, when, view, "count" if finder.passing.are_fallbacks(pair.writes) else pair.kept
        ),
        evidence=tuple(steps),
    )


def _severity(rule: Rule, when: _When, view: ProcessView, kept: str) -> Severity:
    if rule.severity != "error":
        return rule.severity
    if when.several and not any(effect in view.does for effect in when.several):
        return "warning"
    return "warning" if kept == "count" else "error"


def _guard(program: object, pair: Pair) -> str:
    """The variable that decides about every write, or ""."""
    states = {program.block_state(w.unit, program.unit(w.unit).events[w.event].block) for w in pair.writes}  # type: ignore[attr-defined]
    guards = {state[4:] for state in states if state.startswith("env:")}
    return sorted(guards)[0] if guards and len(guards) == len(states) else ""


def _definition(memory: Memory, storage: Storage) -> Place | None:
    for key, event in memory.definitions(storage):
        return memory.program.place(key, event)
    if storage.kind == "default":
        return memory.program.place(storage.owner)
    return None
