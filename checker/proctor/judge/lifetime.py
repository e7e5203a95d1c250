"""How long things in memory live: with the process, or only as long as the call that made them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from proctor.judge.expressions import subexpressions
from proctor.judge.memory import Access, Memory, defined_units
from proctor.judge.reading import event_sources
from proctor.model.fact import Await, Bind, Call, Define, Name, Result, Return, SetAttr, SetItem, Unit, Yield
from proctor.model.program import Hit, ProcessView, Storage, UnitKey, UnitRef
from proctor.model.words import Phase

_AT_START: frozenset[Phase] = frozenset({"import", "startup", "shutdown"})
#: what ends with a request, or is another one for each thread, so that nothing of another request is found in it
_BRIEF = frozenset({"request", "upload", "client", "record", "thread"})


class Lifetimes:
    """Which places of `memory` last in one program. An instance lasts if it is made while the process starts, if a library keeps one
    for the whole process, or if what a request makes is put into a place that lasts: that place is then its home."""

    def __init__(self, memory: Memory, view: ProcessView) -> None:
        self.memory = memory
        self.view = view
        self.program = memory.program
        self._homes: dict[UnitKey, Storage | None] = {}
        self._below: dict[UnitKey, list[UnitKey]] | None = None
        self._memoised: frozenset[UnitKey] | None = None

    def home(self, storage: Storage) -> Storage | None:
        """The lasting place that holds what `storage` names (often itself), or None where it ends with a call."""
        if storage.kind in ("module", "class", "function"):
            return storage
        if storage.kind == "default":
            return storage if self._is_left_out(storage) else None
        if storage.kind == "closure":
            return storage if self._starts(storage.owner) else None
        if storage.kind == "library":
            return storage if self.memory.is_lasting(storage) else None
        found = self._class_home(storage.owner)
        return storage if found is not None and found.owner == storage.owner else found

    def _is_left_out(self, storage: Storage) -> bool:
        """Whether some call leaves out the parameter whose default a place is; what every call gives is not the default."""
        key = storage.owner
        origins = [self.view.contexts[context] for context in self.memory.contexts(self.view, key)]
        if any(origin is None or origin[1].how != "call" for origin in origins):
            return True
        names = [param.name for param in self.program.unit(key).params]
        calls = self.memory.callers(key)
        given = list(self.memory.passed(key, storage.name, names.index(storage.name)))
        return len(given) < len(calls)

    def _phases(self, key: UnitKey) -> frozenset[Phase]:
        return frozenset(context.phase for context in self.memory.contexts(self.view, key))

    def _starts(self, key: UnitKey) -> bool:
        """Whether a unit runs only while processes start."""
        phases = self._phases(key)
        return bool(phases) and phases <= _AT_START

    def _class_home(self, key: UnitKey) -> Storage | None:
        if key not in self._homes:
            self._homes[key] = None  # an object that only its like keeps does not last
            self._homes[key] = self._find_home(key)
        return self._homes[key]

    def _find_home(self, key: UnitKey) -> Storage | None:
        itself = Storage("instance", key, "")
        nature = {self.program.lives(base) for base in self.program.class_bases(key)}
        if nature & _BRIEF:
            return None
        if "process" in nature or self._is_singleton(key):
            return itself
        found: Storage | None = None
        for maker, number in self._makers(key):
            home = self._made(key, maker, number)
            if home is None:
                return None
            found = found or home
        return found

    def _makers(self, key: UnitKey) -> Iterable[tuple[UnitKey, int]]:
        for each in (key, *self._subclasses(key)):
            for maker, number in self.program.makers(each):
                if self._phases(maker):
                    yield maker, number

    def _made(self, key: UnitKey, maker: UnitKey, number: int) -> Storage | None:
        """The home of the instances that one call makes."""
        itself = Storage("instance", key, "")
        event = self.program.unit(maker).events[number]
        if isinstance(event, Define) or maker in self.memoised():
            return itself
        if self._starts(maker) and event.block not in self.memory.loop_blocks(maker):
            return None if self._is_made_for_thread(maker) or self._is_copied(maker) else itself
        for storage in self._kept_in(key, maker, number):
            home = storage if storage.owner == key else self.home(storage)
            if home is not None:
                return itself if home.owner == key else home
        return None

    def _is_copied(self, maker: UnitKey) -> bool:
        """Whether a call gives a field of a class its default, of which each instance gets a copy."""
        return self.program.unit(maker).kind == "class" and any(
            self.program.lives(base) == "data" for base in self.program.class_bases(maker)
        )

    def _is_made_for_thread(self, maker: UnitKey) -> bool:
        """Whether a constructor runs again for each thread, and so do the calls in it."""
        unit = self.program.unit(maker)
        outer = UnitKey(maker.path, unit.parent)
        return unit.name == "__init__" and any(
            self.program.lives(base) == "thread" for base in self.program.class_bases(outer)
        )

    def _kept_in(self, key: UnitKey, maker: UnitKey, number: int) -> list[Storage]:
        """The places to which the result of a call is given."""
        unit = self.program.unit(maker)
        made: list[object] = [Result(number)]
        found: list[Storage] = []
        for event in unit.events:
            if isinstance(event, Bind) and event.value in made:
                made.append(Name(event.name))
                if event.name in unit.globals:
                    found.extend(self.memory.places(maker, Name(event.name)))
            elif isinstance(event, SetAttr) and event.value in made:
                found.extend(access.storage for access in self.memory.attribute_writes(maker, event))
            elif isinstance(event, Return) and event.value in made:
                found.extend(self._kept_by_callers(key, maker))
        for accesses in self.memory.writes.values():
            found.extend(a.storage for a in accesses if a.unit == maker and _holds(a, made))
        return found

    def _kept_by_callers(self, key: UnitKey, function: UnitKey) -> list[Storage]:
        """Where callers put the instance that a function returns (one step up)."""
        found: list[Storage] = []
        for edge in self.memory.callers(function):
            unit = self.program.unit(edge.source)
            if edge.event < 0 or not isinstance(unit.events[edge.event], Call):
                continue
            if self._starts(edge.source) and self._keeps(edge.source, edge.event):
                found.append(Storage("instance", key, ""))
            for accesses in self.memory.writes.values():
                found.extend(
                    a.storage for a in accesses if a.unit == edge.source and a.value == Result(edge.event)
                )
        return found

    def _keeps(self, key: UnitKey, number: int) -> bool:
        """Whether a unit that runs at start keeps what a call of it gives beyond its own end."""
        unit = self.program.unit(key)
        made: list[object] = [Result(number), Await(Result(number))]
        inner = _named_inside(self.program.files[key.path].units, unit)
        for event in unit.events:
            if isinstance(event, Bind) and event.value in made:
                if unit.kind in ("module", "class") or event.name in unit.globals or event.name in inner:
                    return True
                made.append(Name(event.name))
            elif isinstance(event, SetAttr | SetItem | Return | Yield) and event.value in made:
                return True
        return False

    def _subclasses(self, key: UnitKey) -> list[UnitKey]:
        if self._below is None:
            self._below = {}
            for unit in self.program.units():
                if self.program.unit(unit).kind == "class":
                    for above in self.program.project_bases(unit)[1:]:
                        self._below.setdefault(above, []).append(unit)
        return self._below.get(key, [])

    def _is_singleton(self, key: UnitKey) -> bool:
        """Whether the class itself sees to it that there is one instance: in `__new__`, or through its metaclass."""
        classes = [key]
        unit = self.program.unit(key)
        for name, value in unit.keywords:
            if name == "metaclass":
                outer = UnitKey(key.path, unit.parent)
                classes.extend(
                    UnitKey(ref.path, ref.number)
                    for ref in self.program.resolve(outer, value)
                    if isinstance(ref, UnitRef)
                )
        return any(
            self.program.unit(access.unit).name in ("__new__", "__call__")
            and self.program.unit(access.unit).parent == owner.number
            and access.unit.path == owner.path
            for owner in classes
            for storage, accesses in self.memory.writes.items()
            if storage.kind == "class" and storage.owner == owner
            for access in accesses
        )

    def memoised(self) -> frozenset[UnitKey]:
        """The functions whose results a decorator keeps."""
        if self._memoised is None:
            self._memoised = frozenset(memo.function for memo in memos(self.memory))
        return self._memoised


class Memo(NamedTuple):
    """A function whose results a decorator keeps in memory, and the effect that says so."""

    function: UnitKey
    hit: Hit

    @property
    def details(self) -> Mapping[str, str]:
        """What the models say of the decorator."""
        return self.hit.details


def memos(memory: Memory) -> list[Memo]:
    """Each function whose results a decorator keeps in memory."""
    found: list[Memo] = []
    program = memory.program
    for key in program.units():
        hits = [
            hit
            for hit in program.unit_hits(key)
            if hit.effect == "keeps-memory" and hit.details.get("what") == "memo"
        ]
        if not hits:
            continue
        for number, event in defined_units(program.unit(key)):
            made = program.unit(UnitKey(key.path, event.unit))
            marks = {number, *(d.event for d in made.decorators if isinstance(d, Result))}
            found.extend(Memo(UnitKey(key.path, event.unit), hit) for hit in hits if hit.event in marks)
    return found


def _named_inside(units: Iterable[Unit], outer: Unit) -> frozenset[str]:
    """The names that the functions within a unit read."""
    return frozenset(
        part.id
        for unit in units
        if unit.parent == outer.index
        for event in unit.events
        for source in event_sources(event)
        for part in subexpressions(source)
        if isinstance(part, Name)
    )


def _holds(access: Access, made: list[object]) -> bool:
    return access.value in made
