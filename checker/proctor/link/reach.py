"""Which program runs which unit, in which phase: contexts spread over the edges, shortest paths first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from proctor.link.arms import Arms
from proctor.link.linked import LinkedUnit
from proctor.model.fact import Call, Event, Expr, Result, Unit, Yield
from proctor.model.program import Context, Edge, Hit, Lane, UnitKey
from proctor.model.words import Phase

Origin = tuple[Context, Edge] | None
_LANES: tuple[Lane, ...] = ("main", "loop", "thread")
_Word = TypeVar("_Word", bound=str)
#: the phases of a process that is ready
_AT_WORK: frozenset[Phase] = frozenset({"request", "job", "tick", "loop"})


class Registration(NamedTuple):
    """A unit that trigger families fire in whatever process drives them."""

    context: Context
    edge: Edge


class Spread:
    """The contexts of one program. `unit_of` gives a unit's facts, `linked` what linking it found;
    `script` is the unit whose `__main__` block runs, in `script_phase`; `threads` says that requests are handled in threads;
    `words` are those of the launch command, which choose one of several commands (None: it is no program that has any)."""

    def __init__(
        self,
        unit_of: Callable[[UnitKey], Unit],
        linked: Callable[[UnitKey], LinkedUnit | None],
        arms: Arms,
        drives: Iterable[str],
        script: UnitKey | None,
        threads: bool,
        script_phase: Phase = "startup",
        words: Iterable[str] | None = (),
    ) -> None:
        self.unit_of = unit_of
        self.linked = linked
        #: what callers pass, and what that leaves dead
        self.arms = arms
        self._first_drives = frozenset(drives)
        self.drives: set[str] = set(self._first_drives)
        self.script = script
        self.script_phase = script_phase
        self.threads = threads
        self.contexts: dict[Context, Origin] = {}
        #: contexts that only conditions lead to which the environment decides, each with the variable
        self.guards: dict[Context, str] = {}
        self.registered: dict[str, dict[Registration, None]] = {}
        #: functions handed to libraries at import, to do nobody knows what with
        self.handed: dict[Edge, None] = {}
        #: functions that are kept while modules load or the program starts, to be run when it is at work
        self._kept: dict[Registration, None] = {}
        #: whether all is known that programs hand over to each other
        self._settled = False
        #: unit -> its calls whose coroutine becomes a task
        self._tasks: dict[UnitKey, frozenset[int]] = {}
        #: jobs that another program hands over, each with the edge that does
        self.handed_over: dict[Context, Edge] = {}
        self.words = None if words is None else frozenset(map(_plain, words))
        #: commands that the words of the launch command may choose
        self._commands: dict[Registration, None] = {}
        #: what was fired where it is done: family -> the classes that it was about (none: not known), phase, lane
        self._fired: dict[str, dict[tuple[tuple[UnitKey, ...], Phase, Lane], None]] = {}
        self._queue: deque[Context] = deque()
        #: files whose top level runs
        self._loaded: set[str] = set()
        #: guessed calls of methods of files that nothing has loaded so far, with the events that make them
        self._guesses: dict[Registration, Mapping[int, int | None]] = {}
        #: generators of which only the part "before" or "after" their first `yield` runs in a phase
        self._partial: dict[Context, set[str]] = {}

    def reset(self) -> None:
        """Forget all contexts: what the units make run has changed."""
        self.drives = set(self._first_drives)
        for table in (
            self.contexts,
            self.registered,
            self.handed,
            self._kept,
            self._tasks,
            self.handed_over,
            self._commands,
            self._fired,
            self._partial,
            self._guesses,
        ):
            table.clear()
        self._loaded.clear()
        self._settled = False
        self.arms.reset()
        self._queue.clear()

    def add(self, context: Context, origin: Origin = None, part: str = "") -> None:
        """A root, or a context that something else brings in, with arguments that nobody knows."""
        grown = self.arms.open(context.unit, context.phase)
        self._add(context, origin, part, grown)

    def _add(self, context: Context, origin: Origin, part: str, grown: bool) -> None:
        if grown:
            # what was dead in it may be alive now
            lanes = (context._replace(lane=lane) for lane in _LANES)
            self._queue.extend(each for each in lanes if each in self.contexts)
        guard = (origin[1].guard or self.guards.get(origin[0], "")) if origin is not None else ""
        if context in self.guards and not guard:
            del self.guards[context]
            self.contexts[context] = origin
            self._queue.append(context)
        known = self._partial.get(context)
        if context not in self.contexts:
            self.contexts[context] = origin
            if not context.unit.number:
                self._loaded.add(context.unit.path)
            if guard:
                self.guards[context] = guard
            if part:
                self._partial[context] = {part}
        elif known is None or part in known:
            return
        elif part:
            known.add(part)
        else:
            del self._partial[context]
        self._queue.append(context)

    def is_run(self, context: Context, event: int) -> bool:
        """Whether a context runs an event of its unit (-1: something that no event stands for)."""
        parts = self._partial.get(context)
        if parts is None or event < 0:
            return True
        events = self.unit_of(context.unit).events
        left = next((number for number, each in enumerate(events) if isinstance(each, Yield)), len(events))
        return ("before" if event <= left else "after") in parts

    def run(self) -> None:
        """Follow all edges from the contexts added so far."""
        self._drain()
        while self._load_bodies() or self._take_guesses() or self._choose() or self._use_kept():
            self._drain()

    def _drain(self) -> None:
        while self._queue:
            context = self._queue.popleft()
            linked = self.linked(context.unit)
            if linked is None:
                continue
            driving = [hit for hit in linked.hits if hit.drives]
            for hit in driving:
                if hit.unsure or hit.guard or not self.arms.runs_event(context, hit.event):
                    continue
                if self._applies(hit.main_only, context):
                    for family in hit.drives:
                        self.drive(family)
            for family in _driven_either_way(self.unit_of(context.unit), driving) if driving else ():
                self.drive(family)
            for hit in linked.hits:
                if (
                    hit.fires
                    and self.arms.runs_event(context, hit.event)
                    and self._applies(hit.main_only, context)
                ):
                    self._fire(context, hit)
            for edge in linked.edges:
                calls = linked.calls[(edge.target, edge.phase, edge.trigger)]
                if (
                    self._applies(edge.main_only, context)
                    and self.is_run(context, edge.event)
                    and any(self.arms.runs_event(context, number) for number in calls)
                ):
                    self._follow(context, edge, calls)

    def _load_bodies(self) -> bool:
        """What runs was loaded before, also where only a name in a message or a text says what it is."""
        loaded = {context.unit.path for context in self.contexts if not context.unit.number}
        for context, origin in list(self.contexts.items()):
            if context.unit.path not in loaded:
                loaded.add(context.unit.path)
                self.add(Context(UnitKey(context.unit.path, 0), "import", "main"), origin)
        return bool(self._queue)

    def _take_guesses(self) -> bool:
        """Guessed calls reach methods of what is loaded now."""
        for guess in [each for each in self._guesses if each.edge.target.path in self._loaded]:
            self._follow(*guess, self._guesses.pop(guess))
        return bool(self._queue)

    def _choose(self) -> bool:
        """The command that the launch command names runs, or any of them where it names none of those known."""
        if self.words is None or not self._commands:
            return False
        running = {context.unit for context in self.contexts}
        known = [
            each
            for each in self._commands
            if (not each.edge.trigger or each.edge.trigger in self.drives)
            and (each.edge.within is None or each.edge.within in running)
        ]
        chosen = [each for each in known if not self.words.isdisjoint(map(_plain, each.edge.names))]
        for registration in chosen or known:
            self.activate(registration)
        return bool(self._queue)

    def _use_kept(self) -> bool:
        """What was kept runs in the phases in which the program is at work."""
        if not self._kept:
            return False
        phases = {context.phase for context in self.contexts}
        at_work = sorted(phases & _AT_WORK)
        if not at_work and self._settled and "startup" in phases:
            at_work = [self._work_phase()]
        for registration in self._kept:
            edge = registration.edge
            for phase in at_work:
                lane = self._lane(edge, "main", phase)
                self.add(Context(edge.target, phase, lane), (registration.context, edge), edge.part)
        return bool(self._queue)

    def _work_phase(self) -> Phase:
        """The phase of the work of a program that handles nothing: it goes round in a loop, or all is done at start-up."""
        starting = (self.linked(context.unit) for context in self.contexts if context.phase == "startup")
        return "loop" if any(linked is not None and linked.loops for linked in starting) else "startup"

    def settle(self) -> bool:
        """No more jobs come from other programs: a program that has no work does what was kept for it as it starts. True
        where that brings in anything."""
        before = len(self.contexts)
        self._settled = True
        self.run()
        return len(self.contexts) != before

    def respread(self) -> None:
        """Follow the edges of all contexts again: linking more code may have added some."""
        self._queue = deque(self.contexts)
        self.run()

    def _is_handed_on(self, inner: UnitKey) -> bool:
        """Whether a decorator hands its inner function to a library, which then runs that, not the decorated name."""
        decorator = self.linked(UnitKey(inner.path, self.unit_of(inner).parent))
        return decorator is not None and any(
            edge.target == inner and edge.how in ("runs", "registers", "callback") for edge in decorator.edges
        )

    def _applies(self, main_only: bool, context: Context) -> bool:
        return not main_only or (context.unit == self.script and context.phase == self.script_phase)

    def drive(self, family: str) -> None:
        """This program fires a trigger family: what is registered for it runs."""
        if family in self.drives:
            return
        self.drives.add(family)
        for registration in self.registered.get(family, {}):
            self.activate(registration)

    def _fire(self, context: Context, hit: Hit) -> None:
        """What waits for a family runs there and then, in the phase of whoever fires it."""
        phase: Phase = "loop" if hit.in_main_loop and context.phase == "startup" else context.phase
        for family in hit.fires:
            known = self._fired.setdefault(family, {})
            firing = (hit.about, phase, context.lane)
            if firing not in known:
                known[firing] = None
                for registration in self.registered.get(family, {}):
                    self._run_fired(registration, *firing)

    def _run_fired(
        self, registration: Registration, about: tuple[UnitKey, ...], phase: Phase, lane: Lane
    ) -> None:
        edge = registration.edge
        if not about or not edge.about or not set(about).isdisjoint(edge.about):
            self.add(Context(edge.target, phase, lane), (registration.context, edge), edge.part)

    def _follow(self, context: Context, edge: Edge, calls: Mapping[int, int | None]) -> None:
        if edge.names:
            self._commands[Registration(context, edge)] = None
            return
        if edge.trigger:
            registration = Registration(context, edge)
            known = self.registered.setdefault(edge.trigger, {})
            if registration not in known:
                known[registration] = None
                if edge.trigger in self.drives:
                    self.activate(registration)
                for firing in self._fired.get(edge.trigger, {}):
                    self._run_fired(registration, *firing)
            return
        if edge.guessed and edge.target.path not in self._loaded:
            self._guesses[Registration(context, edge)] = calls
            return
        phase: Phase = edge.phase or context.phase
        if edge.wrapped and not edge.in_main_loop and not self._is_handed_on(context.unit):
            # whoever calls the decorated name runs it already, and of all that are decorated so only this one
            return
        started = phase == "import" and edge.event in self._handed_to_tasks(context.unit)
        if started or (edge.later and phase in ("import", "startup")):
            self._kept[Registration(context, edge)] = None
            return
        if edge.how == "callback" and phase == "import":
            # Handed to an unknown library while modules load: registered or wrapped, hardly run already.
            self.handed[edge] = None
            return
        if edge.in_main_loop and phase == "startup":
            phase = "loop"
        lane = self._lane(edge, context.lane, phase)
        grown = self.arms.call(context, edge.target, phase, calls)
        self._add(Context(edge.target, phase, lane), (context, edge), edge.part, grown)

    def _handed_to_tasks(self, key: UnitKey) -> frozenset[int]:
        """The calls of a unit whose coroutine becomes a task: it runs beside what follows, not there and then."""
        known = self._tasks.get(key)
        if known is None:
            linked, events = self.linked(key), self.unit_of(key).events
            starts = [hit.event for hit in linked.hits if hit.effect == "starts-task"] if linked else []
            given = [arg for number in starts for arg in _arguments(events, number)]
            known = self._tasks[key] = frozenset(arg.event for arg in given if isinstance(arg, Result))
        return known

    def activate(self, registration: Registration, foreign: bool = False) -> None:
        """Run a registered unit; `foreign` where another program registered it (its path does not lead here)."""
        edge = registration.edge
        phase: Phase = edge.phase or registration.context.phase
        context = Context(edge.target, phase, self._lane(edge, "main", phase))
        if foreign and registration.context not in self.contexts:
            self.handed_over.setdefault(context, edge)
            self.add(context, None, edge.part)
        else:
            if context in self.handed_over:
                self._own(context, (registration.context, edge))
            self.add(context, (registration.context, edge), edge.part)

    def _own(self, context: Context, origin: tuple[Context, Edge]) -> None:
        """The program registers itself what another one handed over: its own path says more, unless that begins with
        what was handed over."""
        above: Origin = origin
        while above is not None:
            if above[0] == context:
                return
            above = self.contexts.get(above[0])
        del self.handed_over[context]
        self.contexts[context] = origin

    def _lane(self, edge: Edge, current: Lane, phase: Phase) -> Lane:
        unit = self.unit_of(edge.target)
        if edge.phase == "import":
            return "main"
        if unit.is_async and not edge.trigger and current != "loop" and phase in ("request", "job", "tick"):
            # A loop that one request or job makes for itself (`asyncio.run`) runs nothing else that could be held up.
            return current
        if edge.lane is not None:
            return edge.lane
        if unit.is_async:
            return "loop"
        if edge.trigger and phase == "request" and self.threads:
            return "thread"
        return current


def _arguments(events: Sequence[Event], number: int) -> tuple[Expr, ...]:
    event = events[number] if number >= 0 else None
    return event.args if isinstance(event, Call) else ()


def _plain(name: str) -> str:
    return name.replace("-", "_").lower()


def _driven_either_way(unit: Unit, hits: Iterable[Hit]) -> Iterator[str]:
    """Families that both arms of a condition drive, so that it does not matter how the environment decides."""
    return either_way(unit, ((family, hit) for hit in hits if not hit.main_only for family in hit.drives))


def either_way(unit: Unit, hits: Iterable[tuple[_Word, Hit]]) -> Iterator[_Word]:
    """The words that hits in both arms of a condition on the environment carry."""
    arms: dict[_Word, set[tuple[int, bool]]] = {}
    for word, hit in hits:
        if hit.guard and not hit.unsure and hit.event >= 0:
            arms.setdefault(word, set()).update(_arms(unit, unit.events[hit.event].block))
    for word, taken in arms.items():
        if any((group, not is_else) in taken for group, is_else in taken):
            yield word


def _arms(unit: Unit, block: int) -> Iterator[tuple[int, bool]]:
    while block:
        found = unit.blocks[block]
        if found.kind in ("if", "else") and found.group:
            yield found.group, found.kind == "else"
        block = found.parent


def shared_jobs(spreads: Iterable[Spread]) -> Mapping[str, tuple[Registration, ...]]:
    """Trigger family -> jobs registered by any program: a queue carries them to whoever drives the family."""
    found: dict[str, dict[Registration, None]] = {}
    for spread in spreads:
        for family, registrations in spread.registered.items():
            for registration in registrations:
                if registration.edge.phase == "job":
                    found.setdefault(family, {})[registration] = None
    return {family: tuple(items) for family, items in found.items()}
