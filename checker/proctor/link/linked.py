"""What linking has found so far, and what it finds in one unit."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import NamedTuple, TypeAlias

from proctor.link.arguments import Conditions
from proctor.link.memory import Cell, Refs
from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.link.values import Evaluator
from proctor.model.fact import Call, Event, Expr, Result
from proctor.model.place import Place
from proctor.model.program import Edge, Hit, LibRef, Ref, UnitKey
from proctor.model.rule import LoadsRow, SettingsRow
from proctor.model.words import Phase

#: a unit that is made run, in which phase (None: the caller's) and by which trigger
Way: TypeAlias = "tuple[UnitKey, Phase | None, str]"


class Loading(NamedTuple):
    """A reached call (or trigger) that makes further modules load."""

    source: UnitKey
    row: LoadsRow
    event: int
    place: Place


def unread_reason(path: str, reason: str) -> str:
    """What a gap says of a file that cannot be read."""
    return f"`{path}` cannot be read: {reason}"


def elsewhere_reason(dotted: str, folder: str) -> str:
    """What a gap says of a module that the import folders do not find."""
    where = f"below `{folder}/`" if folder else "in the root"
    return f"the module `{dotted}` lies {where}, which is not on the import path"


class Hidden(NamedTuple):
    """Something in a unit that could not be followed. `target` is the unit that it may run. `begins`: it may be where the
    program goes on until it is stopped, in which case what it runs is not known."""

    source: UnitKey
    place: Place
    reason: str
    target: UnitKey | None = None
    begins: bool = False


class EnvironmentWrite(NamedTuple):
    """Code that sets an environment variable."""

    variable: str
    value: Expr
    scope: Scope
    is_default: bool


class SettingWrite(NamedTuple):
    """Code that sets keys of a settings system; `role` says how (see `settings`)."""

    row: SettingsRow
    role: str
    scope: Scope
    event: Event


class LinkedUnit(NamedTuple):
    """What linking one unit found."""

    edges: tuple[Edge, ...]
    hits: tuple[Hit, ...]
    loads: tuple[Loading, ...]
    hidden: tuple[Hidden, ...]
    #: call event -> library symbols it may call
    symbols: dict[int, tuple[str, ...]]
    #: event (or `-1 - block` for entering a `with` or `for` block) -> units of the tree that it runs there and then
    targets: dict[int, tuple[UnitKey, ...]]
    #: blocks that lie in an endless loop
    loops: frozenset[int]
    #: way in which it makes a unit run -> by which events (-> how many of its parameters are filled before the first
    #: argument; None where the event is no call that passes its arguments on)
    calls: dict[Way, dict[int, int | None]]


class Ledger:
    """All that was found in one world, and the units that are still to be linked."""

    def __init__(self, world: World, evaluator: Evaluator, unread: Mapping[str, str]) -> None:
        self.world = world
        self.unread = unread
        self.rows = world.rows
        self.evaluator = evaluator
        self.conditions = Conditions(world, evaluator)
        self.units: dict[UnitKey, LinkedUnit] = {}
        self.writes: list[EnvironmentWrite] = []
        self.loads: list[Loading] = []
        self.settings: dict[tuple[UnitKey, int], SettingWrite] = {}
        #: trigger family -> classes that a launcher names as its target
        self.entry_classes: dict[str, set[UnitKey]] = {}
        #: class -> where it is instantiated
        self.makers: dict[UnitKey, dict[tuple[UnitKey, int], None]] = {}
        #: class -> what else runs whenever an instance is made
        self.factories: dict[UnitKey, dict[UnitKey, None]] = {}
        #: decorator, the number of its parameter, and a function that it is given
        self.wrapped: set[tuple[UnitKey, int, Ref]] = set()
        #: methods of classes of the tree that operators call: later ones are told to units that were linked before
        self.operators = world.operators()
        #: functions and the number of a parameter that is over when they are called
        self.finished: set[tuple[UnitKey, int]] = set()
        #: class and patterns -> its methods whose names fit
        self.methods: dict[tuple[UnitKey, tuple[str, ...]], tuple[UnitKey, ...]] = {}
        #: unit -> the blocks of loops that look endless and only compute
        self.computing: dict[UnitKey, frozenset[int]] = {}
        self._queue: deque[UnitKey] = deque()
        self._queued: set[UnitKey] = set()
        #: telling method name -> calls of it on unknown receivers
        self._vague: dict[str, dict[tuple[UnitKey, int], None]] = {}
        self._guessed: dict[tuple[UnitKey, int], UnitKey] = {}
        self._replaced: dict[UnitKey, bool] = {}

    def add(self, key: UnitKey) -> None:
        """Put a unit on the list of those to be linked."""
        if key not in self._queued:
            self._queued.add(key)
            self._queue.append(key)

    def want(self, key: UnitKey) -> None:
        """Have a unit linked that perhaps was already."""
        if key not in self.units:
            self.add(key)

    def feed(self, key: UnitKey, number: int, refs: Refs) -> None:
        """Pass refs on to a parameter, and link again whoever has looked at it."""
        for reader in self.world.feed((key, number), refs):
            self.add(reader)

    def feed_attribute(self, symbol: str, refs: Refs) -> None:
        """The app keeps an object on a library's object (`app.queue = Queue()`): whoever reads it gets it."""
        self.feed_kept(("", symbol), refs)

    def feed_kept(self, cell: Cell, refs: Refs) -> None:
        """Let a cell grow, and link again whoever has looked at it."""
        for reader in self.world.feed(cell, refs):
            self.add(reader)

    def library_of(self, key: UnitKey) -> tuple[str, ...]:
        """The library classes above a class of the tree, and those that a launcher takes it for."""
        library = self.world.mro(key)[1]
        if not self.entry_classes:
            return library
        taken = (
            name
            for name, family in self.rows.entry_classes.items()
            if key in self.entry_classes.get(family, ()) and name not in library
        )
        return (*library, *taken)

    def take_as_entry(self, key: UnitKey, family: str) -> None:
        """A class is what a launcher or a library of this trigger family is given to run."""
        known = self.entry_classes.setdefault(family, set())
        if key not in known:
            known.add(key)
            # it is linked as what it is only now known to be, and so is the body that defines it
            self.add(key)
            self.add(UnitKey(key.path, self.world.scope(key).unit.parent))

    def add_factory(self, key: UnitKey, target: UnitKey) -> None:
        """`target` runs whenever an instance of the class `key` is made: link again whoever makes one."""
        known = self.factories.setdefault(key, {})
        if target not in known:
            known[target] = None
            for made in (key, *self.world.below(key)):
                for maker, _ in self.makers.get(made, ()):
                    self.add(maker)

    def is_replaced(self, key: UnitKey) -> bool:
        """Whether a decorator makes calling a function do something else than run it (it enqueues a job)."""
        known = self._replaced.get(key)
        if known is None:
            known = self._replaced[key] = self._find_replacing(key)
        return known

    def _find_replacing(self, key: UnitKey) -> bool:
        scope = self.world.scope(key)
        enclosing = scope.parent
        for decorator in scope.unit.decorators if enclosing is not None else ():
            assert enclosing is not None
            func = decorator
            if isinstance(decorator, Result):
                made = enclosing.unit.events[decorator.event]
                func = made.func if isinstance(made, Call) else decorator
            for ref in self.world.resolve(func, enclosing):
                symbol = ref.symbol if isinstance(ref, LibRef) else ""
                if any(row.replaces for row in self.world.rows.find(self.world.rows.run_decorators, symbol)):
                    return True
        return False

    def vague(self, key: UnitKey, event: int, name: str) -> UnitKey | None:
        """Remember a call whose receiver is unknown; gives the method guessed for it earlier."""
        # Only a name of two words or more is telling: `exists` and `list` are on every other class.
        if "_" in name.strip("_"):
            self._vague.setdefault(name, {})[(key, event)] = None
        return self._guessed.get((key, event))
