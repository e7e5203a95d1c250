"""What a program keeps in memory beyond one call: each write and read of a lasting place, and when it happens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from proctor.judge import by_hand
from proctor.judge.reading import ADDING, REMOVING, index_of, read_parts
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Comp,
    Const,
    Define,
    Event,
    Expr,
    Import,
    Item,
    Map,
    Name,
    Op,
    Result,
    Seq,
    SetAttr,
    SetItem,
    Unit,
    entry_name,
)
from proctor.model.program import (
    Context,
    Edge,
    LibObj,
    LibRef,
    ObjRef,
    ProcessView,
    Program,
    Storage,
    UnitKey,
    UnitRef,
)
from proctor.model.words import Phase

#: phases that come again and again in the life of a process
WORK: frozenset[Phase] = frozenset({"request", "job", "tick", "loop", "thread"})
#: methods whose results go over the container itself
_LIVE = frozenset({"items", "values", "keys", "get", "setdefault"})
_CONTAINER_NAMES = frozenset(
    {
        "dict", "list", "set", "bytearray", "deque", "defaultdict", "ordereddict", "counter", "queue", "mutablemapping",
        "weakset", "weakvaluedictionary", "weakkeydictionary", "chainmap", "userdict", "userlist", "array", "configparser",
        "simplenamespace",
    }
)  # fmt: skip
CONSTRUCTORS = ("__init__", "__post_init__", "__new__")


class Access(NamedTuple):
    """One write or read of a lasting place, by event number `event` of `unit`.

    `how`: "read"; "iterate" (a loop goes over it); "bind" (the place gets another value), "count" (`x += 1`, which reads it as well), "item"
    (`x[k] = v`), "count-item" (`x[k] += 1`), "add" (a method puts something in), "remove" (something is taken out).
    `value` is what is stored, `slot` under which key, as expressions of the unit."""

    storage: Storage
    unit: UnitKey
    event: int
    how: str
    value: Expr | None = None
    slot: Expr | None = None


class Memory:
    """All accesses by code that runs in phases of work. `writes` and `reads` map each place that such code writes
    to its accesses, in the order of the program."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.views = tuple(program.views)
        self._contexts = [_by_unit(view) for view in self.views]
        self._loops: dict[UnitKey, frozenset[int]] = {}
        self._callers: dict[UnitKey, list[Edge]] | None = None
        self.units = [key for key in program.units() if self._works(key)]
        self.writes: dict[Storage, list[Access]] = {}
        self.reads: dict[Storage, list[Access]] = {}
        self._collect_writes()
        self._collect_reads()

    # --- when ---------------------------------------------------------------------------------------------

    def contexts(self, view: ProcessView, key: UnitKey) -> tuple[Context, ...]:
        """The contexts in which a program runs a unit."""
        return self._contexts[self.views.index(view)].get(key, ())

    def phases(self, key: UnitKey) -> frozenset[Phase]:
        """The phases in which any program runs a unit."""
        return frozenset(context.phase for table in self._contexts for context in table.get(key, ()))

    def times(self, view: ProcessView, access: Access) -> tuple[Context, ...]:
        """The contexts of work in which a program makes an access; inside an endless loop the phase is "loop"."""
        found: list[Context] = []
        block = self.program.unit(access.unit).events[access.event].block
        for context in self.contexts(view, access.unit):
            if context.phase == "startup" and block in self.loop_blocks(access.unit):
                found.append(context._replace(phase="loop"))
            elif context.phase in WORK:
                found.append(context)
        return tuple(found)

    def loop_blocks(self, key: UnitKey) -> frozenset[int]:
        """The blocks of a unit that lie in its endless loops."""
        known = self._loops.get(key)
        if known is None:
            inside = set(self.program.main_loops(key))
            for number, block in enumerate(self.program.unit(key).blocks):
                if number and block.parent in inside:
                    inside.add(number)
            known = self._loops[key] = frozenset(inside)
        return known

    def _works(self, key: UnitKey) -> bool:
        phases = self.phases(key)
        return not WORK.isdisjoint(phases) or ("startup" in phases and bool(self.program.main_loops(key)))

    def callers(self, key: UnitKey) -> list[Edge]:
        """The calls that run a unit there and then."""
        if self._callers is None:
            self._callers = {}
            for unit in self.program.units():
                for edge in self.program.edges(unit):
                    if edge.how in ("call", "property"):
                        self._callers.setdefault(edge.target, []).append(edge)
        return self._callers.get(key, [])

    # --- writes ---------------------------------------------------------------------------------------------

    def _collect_writes(self) -> None:
        for key in self.units:
            unit = self.program.unit(key)
            states: dict[int, bool] = {}
            for number, event in enumerate(unit.events):
                if not isinstance(event, Bind | SetAttr | SetItem | Call):
                    continue
                for access in self._written(key, unit, number, event):
                    if access.storage.kind == "library" and not self.is_lasting(access.storage):
                        continue
                    if states.setdefault(event.block, self._is_live(key, event.block)):
                        self.writes.setdefault(access.storage, []).append(access)

    def is_lasting(self, storage: Storage) -> bool:
        """Whether a library keeps the object for the whole process."""
        return lasts(self.program, storage)

    def _is_live(self, key: UnitKey, block: int) -> bool:
        return self.program.block_state(key, block) not in ("dead", "main")

    def _written(self, key: UnitKey, unit: Unit, number: int, event: Event) -> Iterator[Access]:
        if isinstance(event, Bind):
            if event.name in unit.globals or event.name in unit.nonlocals:
                how = {"aug": "count", "delete": "remove"}.get(event.how, "bind")
                for storage in self.places(key, Name(event.name)):
                    yield Access(storage, key, number, how, event.value)
        elif isinstance(event, SetAttr):
            if not _is_constructor(unit, event.obj):
                yield from self.attribute_writes(key, event, number)
            for storage in self._containers(key, event.obj, None):
                yield Access(storage, key, number, "item", event.value, Const(event.name))
        elif isinstance(event, SetItem) and (names := by_hand.named_by_table(unit, event.obj, event.index)):
            how = {"aug": "count", "delete": "remove"}.get(event.how, "bind")
            for storage in self._by_table(key, names):
                yield Access(storage, key, number, how, event.value)
        elif isinstance(event, SetItem):
            how = {"aug": "count-item", "delete": "remove"}.get(event.how, "item")
            entries = self._read_places(key, Item(event.obj, event.index))
            for storage in entries:
                whole = {"item": "bind", "count-item": "count"}.get(how, how)
                yield Access(storage, key, number, whole, event.value)
            for storage in () if entries else self._containers(key, event.obj, event.index):
                yield Access(storage, key, number, how, event.value, event.index)
        elif isinstance(event, Call):
            yield from self._called(key, number, event)

    def attribute_writes(self, key: UnitKey, event: SetAttr, number: int = -1) -> Iterator[Access]:
        """The accesses of an event that sets an attribute."""
        how = {"aug": "count", "delete": "remove"}.get(event.how, "bind")
        unit = self.program.unit(key)
        if instance := by_hand.whose_class(unit, event.obj):
            found = self.program.storage(key, Attr(instance, event.name))
        elif by_hand.is_own_module(event.obj):
            found = self.places(UnitKey(key.path, 0), Name(event.name))
        else:
            found = self.places(key, Attr(event.obj, event.name), assigned=True)
        for storage in found:
            yield Access(storage, key, number, how, event.value)

    def _by_table(self, key: UnitKey, names: Sequence[Expr]) -> Iterator[Storage]:
        """The places of names of the own module, and of attributes, that a table of names holds."""
        for name in names:
            if isinstance(name, Name):
                yield from self.places(UnitKey(key.path, 0), name)
            else:
                yield from self.places(key, name, assigned=True)

    def _called(self, key: UnitKey, number: int, event: Call) -> Iterator[Access]:
        func = event.func
        if isinstance(func, Attr) and (func.name in ADDING or func.name in REMOVING):
            how = "add" if func.name in ADDING else "remove"
            value = event.args[-1] if event.args and how == "add" else None
            index = event.args[0] if func.name in ("setdefault", "insert") and event.args else None
            if not self._is_own_method(key, number):
                for storage in self._containers(key, func.value, None):
                    yield Access(storage, key, number, how, value, index)
                yield from self._updated(key, number, event, func)
        elif by_hand.puts_into_first(self.program, key, number, event):
            for storage in self._containers(key, event.args[0], None):
                yield Access(storage, key, number, "add", event.args[-1])
        elif func == Name("next") and event.args:
            for storage in self.places(key, event.args[0]):
                if self._counts(storage):
                    yield Access(storage, key, number, "count")
        elif func == Name("setattr") and len(event.args) == 3:
            yield from self._set_attribute(key, number, *event.args)

    def _updated(self, key: UnitKey, number: int, event: Call, func: Attr) -> Iterator[Access]:
        """What `update` puts under keys that the call names."""
        if func.name != "update":
            return
        unit = self.program.unit(key)
        for name, value in by_hand.pairs(event):
            for storage in self._by_table(key, by_hand.named_by_table(unit, func.value, name)):
                yield Access(storage, key, number, "bind", value)
            for storage in self.places(key, func.value):
                if keyed(storage, name) != storage:
                    yield Access(keyed(storage, name), key, number, "item", value, name)

    def _set_attribute(
        self, key: UnitKey, number: int, owner: Expr, name: Expr, value: Expr
    ) -> Iterator[Access]:
        if not _is_constructor(self.program.unit(key), owner):
            for each in by_hand.attribute_names(self.program, key, owner, name):
                own = by_hand.is_own_module(owner)
                for storage in self._by_table(key, [Name(each) if own else Attr(owner, each)]):
                    yield Access(storage, key, number, "bind", value)

    def _counts(self, storage: Storage) -> bool:
        """Whether a place holds a counter that gives its next number when asked."""
        return any(
            by_hand.goes_on(self.program, key, getattr(event, "value", None))
            for key, event in self.definitions(storage)
        )

    def is_handler(self, view: ProcessView, key: UnitKey) -> bool:
        """Whether a server calls a unit itself, for a request."""
        origins = [view.contexts[each] for each in self.contexts(view, key) if each.phase == "request"]
        return any(origin is not None and origin[1].trigger == "http" for origin in origins)

    def _is_own_method(self, key: UnitKey, number: int) -> bool:
        """Whether the call runs a method of the app, which is looked at by itself."""
        return bool(self.program.targets(key, number))

    def _containers(self, key: UnitKey, expr: Expr, slot: Expr | None) -> Iterator[Storage]:
        for storage in self.places(key, expr):
            if storage.kind == "library":
                if self._may_be_mapping(key, expr):
                    yield keyed(storage, slot)
            elif self.is_container(storage):
                yield storage
        if isinstance(expr, Name):
            yield from self._through_parameter(key, expr.id)

    def _may_be_mapping(self, key: UnitKey, expr: Expr) -> bool:
        """Whether an attribute of a library's object is a mapping, or one that the app itself has put there."""
        return all(
            not isinstance(ref, LibObj) or self.program.is_a(ref.type, "builtins.dict")
            for ref in self.program.resolve(key, expr)
        )

    def _through_parameter(self, key: UnitKey, name: str) -> Iterator[Storage]:
        """The containers that callers pass for a parameter."""
        unit = self.program.unit(key)
        number = next((i for i, param in enumerate(unit.params) if param.name == name), None)
        if number is None or any(isinstance(e, Bind) and e.name == name for e in unit.events):
            return
        for source, given in self.passed(key, name, number):
            yield from (storage for storage in self.places(source, given) if self.is_container(storage))

    def passed(self, key: UnitKey, name: str, number: int) -> Iterator[tuple[UnitKey, Expr]]:
        """What callers pass for a parameter, each with the calling unit."""
        unit = self.program.unit(key)
        offset = 1 if unit.params and unit.params[0].name in ("self", "cls") else 0
        for edge in self.callers(key):
            call = self.program.unit(edge.source).events[edge.event] if edge.event >= 0 else None
            if isinstance(call, Call):
                given = self.program.argument(edge.source, call, name, number - offset)
                if given is not None:
                    yield edge.source, given

    # --- reads ----------------------------------------------------------------------------------------------

    def _collect_reads(self) -> None:
        names = {name for storage in self.writes for name in _names(storage)}
        variables = by_hand.variables(self.writes)
        alias = {path: self._aliases(path, names) for path in {key.path for key in self.units}}
        for key in self.units:
            wanted = names | alias[key.path]
            unit = self.program.unit(key)
            for number, event in enumerate(unit.events):
                variable = by_hand.variable_read(self.program, key, number, event) if variables else ""
                if variable in variables:
                    self._note_read(variables[variable], key, number, "read")
                for part in read_parts(event, wanted):
                    for storage in self._read_places(key, part):
                        self._note_read(keyed(storage, index_of(event, part)), key, number, "read")
                if isinstance(event, Bind) and event.how in ("for", "comprehension"):
                    for storage in self._iterated(key, unit, event.value):
                        self._note_read(storage, key, number, "iterate")

    def _read_places(self, key: UnitKey, part: Expr) -> tuple[Storage, ...]:
        found = self.places(key, part)
        if isinstance(part, Item):
            return tuple(storage for storage in found if _is_entry(storage, part.index))
        return found

    def _iterated(self, key: UnitKey, unit: Unit, value: Expr | None) -> tuple[Storage, ...]:
        """The places that a loop goes over while they may change: not a copy of them."""
        if isinstance(value, Result):
            call = unit.events[value.event]
            if not isinstance(call, Call) or not isinstance(call.func, Attr) or call.func.name not in _LIVE:
                return ()
        return self.places(key, value) if value is not None else ()

    def _note_read(self, storage: Storage, key: UnitKey, number: int, how: str) -> None:
        if storage in self.writes:
            found = self.reads.setdefault(storage, [])
            access = Access(storage, key, number, how)
            if access not in found[-1:]:
                found.append(access)

    def _aliases(self, path: str, names: set[str]) -> set[str]:
        return {
            event.alias
            for unit in self.program.files[path].units
            for event in unit.events
            if isinstance(event, Import) and event.alias and event.name in names
        }

    # --- places ---------------------------------------------------------------------------------------------

    def places(self, key: UnitKey, expr: Expr, *, assigned: bool = False) -> tuple[Storage, ...]:
        """The lasting places that an expression means. An attribute that is set on an object, or that the class
        only describes, is the object's own though its class names it."""
        found = self.program.storage(key, expr)
        if not isinstance(expr, Attr) or not any(storage.kind == "class" for storage in found):
            return found
        refs = self.program.resolve(key, expr.value)
        if assigned and refs and all(self._is_made_in_call(ref) for ref in refs):
            return ()
        if not any(isinstance(ref, ObjRef) for ref in refs) or any(isinstance(ref, UnitRef) for ref in refs):
            return found
        return tuple(
            storage._replace(kind="instance")
            if storage.kind == "class" and (assigned or not self._is_shared(storage))
            else storage
            for storage in found
        )

    def _is_made_in_call(self, ref: object) -> bool:
        """Whether a class is made anew by each call of a function: what is set on it is not set on its bases."""
        if not isinstance(ref, UnitRef):
            return False
        unit = self.program.unit(UnitKey(ref.path, ref.number))
        outer = self.program.unit(UnitKey(ref.path, unit.parent))
        return unit.kind == "class" and outer.kind == "function"

    def _is_shared(self, storage: Storage) -> bool:
        """Whether a class attribute is one container for all instances."""
        unit = self.program.unit(storage.owner)
        if unit.decorators or any(
            self.program.lives(b) == "data" for b in self.program.class_bases(storage.owner)
        ):
            return False
        return any(
            event.name == storage.name and self._makes_container(storage.owner, event.value)
            for event in unit.events
            if isinstance(event, Bind) and event.value is not None
        )

    def definitions(self, storage: Storage) -> list[tuple[UnitKey, Event]]:
        """The events that first give a place its value: in the body that holds it, or in the constructor."""
        if storage.kind == "library" or storage.owner.path not in self.program.files:
            return []
        if storage.kind == "instance":
            return list(self._instance_definitions(storage))
        unit = self.program.unit(storage.owner)
        found: list[tuple[UnitKey, Event]] = [
            (storage.owner, event)
            for event in unit.events
            if isinstance(event, Bind) and event.name == storage.name and event.how != "delete"
        ]
        return found

    def _instance_definitions(self, storage: Storage) -> Iterator[tuple[UnitKey, Event]]:
        units = self.program.files[storage.owner.path].units
        methods = [unit for unit in units if unit.parent == storage.owner.number and unit.params]
        for unit in sorted(methods, key=lambda unit: unit.name not in CONSTRUCTORS):
            for event in unit.events:
                if (
                    isinstance(event, SetAttr)
                    and event.name == storage.name
                    and event.obj == Name(unit.params[0].name)
                ):
                    yield UnitKey(storage.owner.path, unit.index), event
        for event in self.program.unit(storage.owner).events:
            if isinstance(event, Bind) and event.name == storage.name:
                yield storage.owner, event

    def is_container(self, storage: Storage) -> bool:
        """Whether a place holds something that can be put into."""
        if storage.kind == "default":
            return True
        for key, event in self.definitions(storage):
            assert isinstance(event, Bind | SetAttr)
            if _is_container_type(event.annotation) or self._makes_container(key, event.value):
                return True
        return any(
            access.how == "bind" and self._makes_container(access.unit, access.value)
            for access in self.writes.get(storage, ())
        )

    def _makes_container(self, key: UnitKey, value: Expr | None) -> bool:
        if isinstance(value, Map | Comp) or (isinstance(value, Seq) and value.kind != "tuple"):
            return True
        if isinstance(value, Op) and value.name in ("or", "+", "|"):
            return any(self._makes_container(key, part) for part in value.operands)
        if not isinstance(value, Result):
            return False
        default = by_hand.default_of_all(self.program, key, value)
        if default is not None:
            return self._makes_container(key, default)
        refs = self.program.resolve(key, value)
        return any(
            (isinstance(ref, LibObj) and (self.is_container_type(ref.type) or self.kept(key, value.event)))
            or (isinstance(ref, ObjRef) and self._is_made_container(UnitKey(ref.path, ref.number)))
            for ref in refs
        ) or any(
            isinstance(ref, LibRef) and ref.symbol == "dataclasses.field"
            for ref in self.program.resolve(key, _callee(self.program, key, value))
        )

    def _is_made_container(self, key: UnitKey) -> bool:
        """Whether a class of the app is itself a dict, a list or a set."""
        return any(map(self.is_container_type, self.program.class_bases(key)))

    def is_container_type(self, dotted: str) -> bool:
        """Whether a library's class is one that things are put into."""
        return dotted.rpartition(".")[2].lower() in _CONTAINER_NAMES or self.program.is_a(
            dotted, "builtins.dict"
        )

    def kept(self, key: UnitKey, event: int) -> Mapping[str, str]:
        """What the models say of an object made by a call that keeps things in memory (`what`, `expires`, …)."""
        for hit in self.program.unit_hits(key):
            if hit.event == event and hit.effect == "keeps-memory":
                return hit.details
        return {}

    def symbol(self, storage: Storage) -> str:
        """A place's name with its class or module in front, as people would write it."""
        if storage.kind in ("library", "function"):
            return storage.name
        return f"{self.program.symbol(storage.owner)}.{storage.name}"


def lasts(program: Program, storage: Storage) -> bool:
    """Whether the library object that a place belongs to is kept for the whole process; attributes are looked through
    (`app.state.x`)."""
    held, bracket, _ = storage.name.partition("[")
    owner = held.rpartition(".")[0]
    if owner.endswith(")"):
        return False
    owners = [owner, owner.rpartition(".")[0], *([held] if bracket else [])]
    return "process" in map(program.lives, owners)


def short_name(storage: Storage) -> str:
    """The last name of a place, without a key."""
    return storage.name.partition("[")[0].rpartition(".")[2]


def _names(storage: Storage) -> tuple[str, ...]:
    """The names of which code has to say one to read a place."""
    _, bracket, key = storage.name.partition("[")
    return (short_name(storage), key.rstrip("]")) if bracket else (short_name(storage),)


def _is_entry(storage: Storage, index: Expr) -> bool:
    """Whether a place is an entry under this key of an object that a library keeps."""
    return storage.kind == "library" and storage.name.endswith(f"[{entry_name(index)}]")


def keyed(storage: Storage, index: Expr | None) -> Storage:
    """An entry with a constant key in a mapping that a library keeps (`app.config["X"]`)."""
    if storage.kind != "library" or not isinstance(index, Const) or not isinstance(index.value, str):
        return storage
    return storage._replace(name=f"{storage.name}[{index.value}]")


def _is_constructor(unit: Unit, obj: Expr) -> bool:
    return unit.name in CONSTRUCTORS and bool(unit.params) and obj == Name(unit.params[0].name)


def _is_container_type(annotation: Expr | None) -> bool:
    expr = annotation.value if isinstance(annotation, Item) else annotation
    name = expr.id if isinstance(expr, Name) else expr.name if isinstance(expr, Attr) else ""
    return name.lower() in _CONTAINER_NAMES


def _callee(program: Program, key: UnitKey, result: Result) -> Expr:
    event = program.unit(key).events[result.event]
    assert isinstance(event, Call)
    return event.func


def _by_unit(view: ProcessView) -> dict[UnitKey, tuple[Context, ...]]:
    found: dict[UnitKey, list[Context]] = {}
    for context in view.contexts:
        found.setdefault(context.unit, []).append(context)
    return {key: tuple(contexts) for key, contexts in found.items()}


def defined_units(unit: Unit) -> Iterator[tuple[int, Define]]:
    """The `def`s and `class`es that a unit makes, with their event numbers."""
    for number, event in enumerate(unit.events):
        if isinstance(event, Define):
            yield number, event
