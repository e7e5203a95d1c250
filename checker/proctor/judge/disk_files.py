"""Files that work writes to the local disk, and what relies on them afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from proctor.judge.disk_paths import Trail, Trails
from proctor.judge.expressions import local_sources, path_sources
from proctor.judge.graph import around
from proctor.judge.memory import WORK, Memory
from proctor.judge.records import is_record
from proctor.judge.roots import Roots
from proctor.model.fact import Attr, Bind, Call, Expr, Name, Result, Return, SetAttr, Unit
from proctor.model.place import Place
from proctor.model.program import Hit, LibObj, UnitKey

#: attributes that are made of other attributes
_MAX_DEPTH = 3
_WRITES = ("writes-disk", "stores-upload", "writes-temp")
_READS = ("reads-disk", "looks-at-disk")
#: details of effects that write no file of their own
_NO_FILE = frozenset({"record", "state", "field", "cache", "folder", "jobs"})
_MAX_UNITS = 80


class Written(NamedTuple):
    """A file that a unit writes. `kind`: "file", "upload" or "temporary"; `names` are the expressions of the unit that
    stand for its path."""

    unit: UnitKey
    hit: Hit
    kind: str
    trail: Trail
    names: tuple[Expr, ...]
    block: int

    @property
    def place(self) -> Place:
        """Where it is written."""
        return self.hit.place

    @property
    def guard(self) -> str:
        """The environment variable that decides whether it is written, or ""."""
        return self.hit.guard


class Use(NamedTuple):
    """Something that relies on a written file: a later reader, or what carries its path to one."""

    unit: UnitKey
    place: Place
    text: str


class Files:
    """The files of a program."""

    def __init__(self, memory: Memory, roots: Roots) -> None:
        self.memory = memory
        self.program = memory.program
        self.roots = roots
        self.trails = Trails(memory)
        self._written: list[Written] | None = None
        self._reads = self._hits(_READS)
        self._removals = self._hits(("removes-disk",))
        self._fields: dict[str, list[tuple[UnitKey, Hit, Trail]]] | None = None

    def _hits(self, effects: tuple[str, ...]) -> list[tuple[UnitKey, Hit, Trail]]:
        return [
            (key, hit, self.trails.of(key, hit.subject))
            for key in self.program.units()
            for hit in self.program.unit_hits(key)
            if hit.effect in effects and hit.subject is not None and not hit.main_only
        ]

    # --- what is written -------------------------------------------------------------------------------------

    def written(self) -> list[Written]:
        """The files that units of work write, one for each call."""
        if self._written is None:
            self._written = [found for key in self.memory.units for found in self._written_by(key)]
        return self._written

    def _written_by(self, key: UnitKey) -> Iterator[Written]:
        done: set[int] = set()
        for hit in self.program.unit_hits(key):
            if hit.effect not in _WRITES or hit.event in done or hit.event < 0 or hit.unsure or hit.main_only:
                continue
            if hit.details.get("decided_by") and hit.details.get("store") != "disk":
                continue  # where it goes is for a setting to say
            if hit.details.get("what") in _NO_FILE or (
                hit.effect == "writes-temp" and hit.details.get("kept") != "yes"
            ):
                continue
            done.add(hit.event)
            names = tuple(self._names(key, hit))
            if hit.effect == "writes-temp":
                kind = "temporary"
            elif self._is_temporary(key, hit.subject):
                continue
            else:
                kind = "upload" if self._is_upload(key, hit) else "file"
            trail = self.trails.of(key, hit.subject)
            if trail.is_known or names:
                yield Written(key, hit, kind, trail, names, self.program.unit(key).events[hit.event].block)

    def _names(self, key: UnitKey, hit: Hit) -> Iterator[Expr]:
        """The expressions of the unit that stand for the path."""
        unit = self.program.unit(key)
        if hit.effect != "writes-temp":
            if isinstance(hit.subject, Name | Attr):
                yield hit.subject
            return
        for event in unit.events:
            if isinstance(event, Bind) and event.value == Result(hit.event):
                yield Name(event.name)
                yield Attr(Name(event.name), "name")

    def _is_temporary(self, key: UnitKey, subject: Expr | None, depth: int = 0) -> bool:
        """Whether a path lies in a temporary file or folder of this unit, or of the object that it is a method of."""
        if subject is None or depth > _MAX_DEPTH:
            return False
        unit = self.program.unit(key)
        temporary = {hit.event for hit in self.program.unit_hits(key) if hit.effect == "writes-temp"}
        return any(
            part.event in temporary if isinstance(part, Result) else self._holds_temporary(key, part, depth)
            for part in local_sources(unit, subject)
            if isinstance(part, Result | Attr)
        )

    def _holds_temporary(self, key: UnitKey, part: Attr, depth: int) -> bool:
        """Whether a method's own object, made for the work at hand, only ever holds such a path in an attribute."""
        unit = self.program.unit(key)
        if unit.parent < 0 or not unit.params or part.value != Name(unit.params[0].name):
            return False
        makers = self.program.makers(UnitKey(key.path, unit.parent))
        if not makers or any(maker.number == 0 for maker, _ in makers):
            return False
        beside = [
            each
            for each in self.memory.units
            if each.path == key.path and self.program.unit(each).parent == unit.parent
        ]
        values = [
            (each, event.value)
            for each in beside
            for event in self.program.unit(each).events
            if isinstance(event, SetAttr)
            and event.name == part.name
            and _is_own(self.program.unit(each), event)
        ]
        return bool(values) and all(self._is_temporary(each, value, depth + 1) for each, value in values)

    def _is_upload(self, key: UnitKey, hit: Hit) -> bool:
        if any(h.effect == "stores-upload" and h.event == hit.event for h in self.program.unit_hits(key)):
            return True
        unit = self.program.unit(key)
        names = [Name(param.name) for param in unit.params]
        names.extend(Name(event.name) for event in unit.events if isinstance(event, Bind))
        return any(
            isinstance(ref, LibObj) and self.program.lives(ref.type) == "upload"
            for name in dict.fromkeys(names)
            for ref in self.program.resolve(key, name)
        )

    # --- what relies on it -------------------------------------------------------------------------------------

    def uses(self, written: Written) -> Iterator[Use]:
        """What relies on a file beyond the request or job that writes it, most telling first."""
        yield from self._carried(written)
        if written.kind == "temporary" or not written.trail.is_known:
            return
        if self._is_removed(written):
            return
        readers = [
            (key, hit)
            for key, hit, trail in self._reads
            if (trail.meets(written.trail) or (_is_listing(hit) and trail.holds(written.trail)))
            and (key, hit.event) != (written.unit, written.hit.event)
        ]
        above = self.roots.of(written.unit)
        only_its_own = all(self.roots.of(key) <= above for key, _ in readers)
        if only_its_own and self._is_refill(written, readers):
            return
        # who names the file itself tells more than who lists its folder
        for key, hit in sorted(readers, key=lambda reader: _is_listing(reader[1])):
            if self._is_later(written, key, hit):
                yield Use(key, hit.place, "it is read")
        if written.kind == "upload" and not self._is_read_after(written, readers):
            yield Use(written.unit, written.place, "it is kept")

    def _is_later(self, written: Written, key: UnitKey, hit: Hit) -> bool:
        """Whether a read is of what an earlier request, job or run of the process wrote."""
        if self.roots.of(key) <= self.roots.of(written.unit):
            return self._comes_first(written, key, hit)
        if self.memory.phases(key).isdisjoint(WORK):
            return not self.memory.loop_blocks(key)
        return True

    def _comes_first(self, written: Written, key: UnitKey, hit: Hit) -> bool:
        """Whether in the same handler the file is read before it is written."""
        if key == written.unit:
            return 0 <= hit.event < written.hit.event
        for root in self.roots.of(key) & self.roots.of(written.unit):
            read = self._position(root, key, hit.event)
            write = self._position(root, written.unit, written.hit.event)
            if read is not None and write is not None and read < write:
                return True
        return False

    def _position(self, root: UnitKey, target: UnitKey, event: int) -> int | None:
        """The first event of a handler from which something happens: its own event, or a call that leads to the unit."""
        if root == target:
            return event
        for edge in sorted(self.program.edges(root), key=lambda edge: edge.event):
            if edge.how == "call" and edge.event >= 0 and self._leads(edge.target, target):
                return edge.event
        return None

    def _leads(self, source: UnitKey, target: UnitKey) -> bool:
        seen = {source}
        todo = [source]
        while todo and len(seen) < _MAX_UNITS:
            current = todo.pop()
            if current == target:
                return True
            for edge in self.program.edges(current):
                if edge.how == "call" and not edge.trigger and edge.target not in seen:
                    seen.add(edge.target)
                    todo.append(edge.target)
        return target in seen

    def _is_removed(self, written: Written) -> bool:
        """Whether the request or job that writes a file removes it, too."""
        above = self.roots.of(written.unit)
        return any(
            ((key == written.unit and hit.subject in written.names) or trail.meets(written.trail))
            and not above.isdisjoint(self.roots.of(key))
            and not self._is_other_arm(written, key, hit)
            and self._follows(written, key, hit)
            for key, hit, trail in self._removals
        )

    def _follows(self, written: Written, key: UnitKey, hit: Hit) -> bool:
        """Whether in some handler a removal comes after the writing."""
        if key == written.unit:
            return hit.event > written.hit.event
        for root in self.roots.of(key) & self.roots.of(written.unit):
            removal = self._position(root, key, hit.event)
            write = self._position(root, written.unit, written.hit.event)
            if removal is None or write is None or removal >= write:
                return True
        return False

    def _is_other_arm(self, written: Written, key: UnitKey, hit: Hit) -> bool:
        """Whether a removal stands in another arm of the same condition: a flag that is switched."""
        if key != written.unit or hit.event < 0:
            return False
        unit = self.program.unit(key)
        arms = {
            unit.blocks[block].group: block
            for block in around(unit, unit.events[hit.event].block)
            if unit.blocks[block].kind in ("if", "else")
        }
        return any(
            arms.get(unit.blocks[block].group, block) != block
            for block in around(unit, written.block)
            if unit.blocks[block].kind in ("if", "else")
        )

    def _is_refill(self, written: Written, readers: list[tuple[UnitKey, Hit]]) -> bool:
        """Whether a file is only made again where it is missing."""
        unit = self.program.unit(written.unit)
        looks = {hit.event for key, hit in readers if key == written.unit and hit.effect == "looks-at-disk"}
        inside = set(around(unit, written.block))
        leaving = {event.block for event in unit.events if isinstance(event, Return)}
        for number, block in enumerate(unit.blocks):
            earlier = number in leaving and block.kind == "if" and block.line < written.place.line
            if (number in inside or earlier) and any(
                isinstance(part, Result) and part.event in looks for part in local_sources(unit, block.test)
            ):
                return True
        return False

    def _is_read_after(self, written: Written, readers: list[tuple[UnitKey, Hit]]) -> bool:
        above = self.roots.of(written.unit)
        return any(
            not above.isdisjoint(self.roots.of(key)) for key, hit in readers if hit.effect == "reads-disk"
        )

    # --- paths that are carried on -----------------------------------------------------------------------------

    def _carried(self, written: Written) -> Iterator[Use]:
        yield from self._carried_by(written.unit, written.names, written)
        if not any(self._gives(written.unit, written.names)):
            return
        for edge in self.memory.callers(written.unit):
            if edge.event >= 0:
                unit = self.program.unit(edge.source)
                names: list[Expr] = [Result(edge.event)]
                names.extend(
                    Name(event.name)
                    for event in unit.events
                    if isinstance(event, Bind) and event.value == Result(edge.event)
                )
                yield from self._carried_by(edge.source, tuple(names), written)

    def _gives(self, key: UnitKey, names: tuple[Expr, ...]) -> Iterator[bool]:
        unit = self.program.unit(key)
        for event in unit.events:
            if isinstance(event, Return) and any(part in names for part in path_sources(unit, event.value)):
                yield True

    def _carried_by(self, key: UnitKey, names: tuple[Expr, ...], written: Written) -> Iterator[Use]:
        unit = self.program.unit(key)
        is_temporary = written.kind == "temporary"
        for hit in self.program.unit_hits(key):
            event = unit.events[hit.event] if hit.event >= 0 else None
            if not isinstance(event, Call) or not self._passes(key, event, names):
                continue
            if hit.effect == "enqueues":
                yield Use(key, hit.place, "its path is put into a queue")
            elif hit.effect == "saves-record" and is_temporary:
                yield Use(key, hit.place, "its path is saved in a record")
        for event in unit.events:
            if (
                is_temporary
                and isinstance(event, SetAttr)
                and is_record(self.program, key, event.obj)
                and any(part in names for part in path_sources(unit, event.value))
            ):
                yield Use(key, self.program.place(key, event), "its path is saved in a record")

    def _passes(self, key: UnitKey, call: Call, names: tuple[Expr, ...]) -> bool:
        unit = self.program.unit(key)
        given = (*call.args, *(value for _, value in call.keywords))
        return any(part in names for value in given for part in path_sources(unit, value))


def _is_listing(hit: Hit) -> bool:
    return hit.details.get("what") == "folder"


def _is_own(unit: Unit, event: SetAttr) -> bool:
    return bool(unit.params) and event.obj == Name(unit.params[0].name)
