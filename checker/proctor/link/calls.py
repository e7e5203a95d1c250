"""Edges and effects of each unit: what it makes run, and what its calls do to the world."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from typing import NamedTuple

from proctor.link.arguments import Conditions, given
from proctor.link.loops import blocks_inside, main_loop_blocks
from proctor.link.memory import Refs
from proctor.link.names import World
from proctor.link.scopes import Scope, fixed_prefix
from proctor.link.storage import storage_of
from proctor.link.values import Evaluator
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Const,
    Define,
    Event,
    Expr,
    Import,
    Item,
    Load,
    Name,
    Result,
    Return,
    Seq,
    SetAttr,
    SetItem,
    Star,
    Unit,
)
from proctor.model.place import Place
from proctor.model.program import (
    BoundRef,
    ConstRef,
    Edge,
    Hit,
    Lane,
    LibObj,
    LibRef,
    ModRef,
    ObjRef,
    Ref,
    UnitKey,
    UnitRef,
)
from proctor.model.rule import BaseRow, EffectRow, LoadsRow, RunsRow, SettingsRow
from proctor.model.words import Effect, Phase


class Loading(NamedTuple):
    """A reached call (or trigger) that makes further modules load."""

    source: UnitKey
    row: LoadsRow
    event: int
    place: Place


class Hidden(NamedTuple):
    """Something in a unit that could not be followed. `target` is the unit that it may run."""

    source: UnitKey
    place: Place
    reason: str
    target: UnitKey | None = None


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


_OWN_DECORATORS = frozenset({"property", "staticmethod", "classmethod", "setter", "getter", "deleter"})
#: method names too common to tell a class by
_COMMON = frozenset(dir(str)) | frozenset(dir(list)) | frozenset(dir(dict)) | frozenset(dir(set)) | frozenset(
    {"run", "start", "stop", "close", "open", "read", "write", "save", "delete", "send", "execute", "commit", "filter",
     "all", "first", "create", "process", "handle", "connect", "query", "put", "post", "main", "set", "name", "load",
     "call", "register", "init", "reset", "submit", "result", "done", "wait", "acquire", "release", "flush", "seek"}
)  # fmt: skip


class Linker:
    """Links the units of one world, from roots, until nothing new is found."""

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
        self._queue: deque[UnitKey] = deque()
        self._queued: set[UnitKey] = set()
        self._vague: dict[tuple[UnitKey, int], str] = {}
        self._methods: dict[str, list[UnitKey]] = {}
        self._indexed: set[str] = set()
        self._guessed: dict[tuple[UnitKey, int], UnitKey] = {}
        self._replaced: dict[UnitKey, bool] = {}

    def add(self, key: UnitKey) -> None:
        """Put a unit on the list of those to be linked."""
        if key not in self._queued:
            self._queued.add(key)
            self._queue.append(key)

    def run(self) -> None:
        """Link everything on the list and all that it reaches."""
        while self._queue:
            while self._queue:
                key = self._queue.popleft()
                self._queued.discard(key)
                self._link(key)
            self._guess()

    def _link(self, key: UnitKey) -> None:
        if self.world.module(key.path) is None:
            return
        self.world.begin(key)
        linked = _UnitLinker(self, self.world.scope(key)).link()
        self.world.begin(None)
        before = self.units.get(key)
        self.units[key] = linked
        if before is None:
            self._index_methods(key.path)
        known = {edge.target for edge in before.edges} if before else set()
        for hidden in linked.hidden:
            if hidden.target is not None and hidden.target not in self.units:
                self.add(hidden.target)
        for edge in linked.edges:
            if edge.target not in known and edge.target not in self.units:
                self.add(edge.target)
        if before is None or len(linked.loads) > len(before.loads):
            self.loads.extend(linked.loads)

    def feed(self, key: UnitKey, number: int, refs: Refs) -> None:
        """Pass refs on to a parameter, and link again whoever has looked at it."""
        if self.world.feed(key, number, refs):
            for reader in sorted(self.world.readers.get((key, number), ())):
                self.add(reader)

    def feed_attribute(self, symbol: str, refs: Refs) -> None:
        """The app keeps an object on a library's object (`app.queue = Queue()`): whoever reads it gets it."""
        if self.world.feed_cell(("", symbol), refs):
            for reader in sorted(self.world.readers.get(("", symbol), ())):
                self.add(reader)

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

    def closure(self, key: UnitKey) -> tuple[Effect, ...] | None:
        """The effects of a unit and of all that it calls; None where part of that could not be followed."""
        seen = {key}
        queue = [key]
        effects: dict[Effect, None] = {}
        while queue:
            current = queue.pop()
            linked = self.units.get(current)
            if linked is None or any(hidden.target is None for hidden in linked.hidden):
                return None
            effects.update(dict.fromkeys(hit.effect for hit in linked.hits))
            if "dynamic-import" in effects:
                return None
            if self._writes_state(current):
                effects["keeps-memory"] = None
            for edge in linked.edges:
                if edge.target not in seen and edge.how != "import":
                    seen.add(edge.target)
                    queue.append(edge.target)
        return tuple(sorted(effects))

    def _writes_state(self, key: UnitKey) -> bool:
        scope = self.world.scope(key)
        if any(
            isinstance(e, Bind) and e.name in (*scope.unit.globals, *scope.unit.nonlocals)
            for e in scope.unit.events
        ):
            return True
        if any(storage_of(self.world, scope, container) for container in scope.additions):
            return True
        return any(
            isinstance(event, SetAttr) and storage_of(self.world, scope, Attr(event.obj, event.name))
            for event in scope.unit.events
        )

    # --- methods of unknown receivers --------------------------------------------------------------------

    def vague(self, key: UnitKey, event: int, name: str) -> UnitKey | None:
        """Remember a call whose receiver is unknown; gives the method guessed for it earlier."""
        self._vague[(key, event)] = name
        return self._guessed.get((key, event))

    def _index_methods(self, path: str) -> None:
        if path in self._indexed:
            return
        self._indexed.add(path)
        module = self.world.module(path)
        assert module is not None
        for unit in module.facts.units:
            if (
                unit.kind == "function"
                and unit.parent >= 0
                and module.facts.units[unit.parent].kind == "class"
            ):
                self._methods.setdefault(unit.name, []).append(UnitKey(path, unit.index))

    def _guess(self) -> None:
        """A method name that one loaded class alone has tells the receiver."""
        for (key, event), name in sorted(self._vague.items()):
            if (key, event) in self._guessed or name in _COMMON or name.startswith("__"):
                continue
            owners = self._methods.get(name, ())
            if len(owners) == 1:
                self._guessed[(key, event)] = owners[0]
                self.add(key)


class _UnitLinker:
    """Reads one unit's events in order."""

    def __init__(self, linker: Linker, scope: Scope) -> None:
        self.linker = linker
        self.world = linker.world
        self.rows = linker.rows
        self.scope = scope
        self.unit: Unit = scope.unit
        self.key = scope.key
        self.states = linker.evaluator.block_states(scope)
        self.loops = main_loop_blocks(self.unit)
        self.targets: dict[int, dict[UnitKey, None]] = {}
        self.edges: dict[tuple[UnitKey, str, str | None, str | None, str, bool], Edge] = {}
        self.hits: list[Hit] = []
        self.loads: list[Loading] = []
        self.hidden: list[Hidden] = []
        self.symbols: dict[int, tuple[str, ...]] = {}

    def link(self) -> LinkedUnit:
        self._for_blocks()
        for number, event in enumerate(self.unit.events):
            if self.states[event.block] == "dead":
                continue
            if isinstance(event, Call):
                self._call(number, event)
            elif isinstance(event, Import):
                self._import(number, event)
            elif isinstance(event, Define):
                self._define(number, event)
            elif isinstance(event, Load):
                self._load(number, event)
            elif isinstance(event, SetAttr | SetItem):
                self._set(number, event)
        self._with_blocks()
        if self.unit.kind == "class":
            self._class_writes()
        return LinkedUnit(
            tuple(self.edges.values()),
            tuple(self.hits),
            tuple(self.loads),
            tuple(self.hidden),
            self.symbols,
            {number: tuple(targets) for number, targets in self.targets.items()},
            self.loops,
        )

    # --- places and common fields --------------------------------------------------------------------------

    def _place(self, event: Event) -> Place:
        return Place(self.key.path, event.line, event.column, event.end_line, event.end_column)

    def _state(self, block: int) -> tuple[bool, str]:
        state = self.states[block]
        return state == "main", state[4:] if state.startswith("env:") else ""

    def _edge(
        self,
        target: UnitKey,
        number: int,
        block: int,
        place: Place,
        how: str,
        *,
        phase: Phase | None = None,
        lane: Lane | None = None,
        trigger: str = "",
        process: bool = False,
        text: str = "",
        awaited: bool = False,
    ) -> None:
        if phase is None and not trigger and not process:
            self.targets.setdefault(number, {})[target] = None
        main_only, guard = self._state(block)
        mark = (target, how, phase, lane, trigger, main_only)
        in_loop = block in self.loops
        known = self.edges.get(mark)
        if known is not None and (known.in_main_loop or not in_loop) and (not known.guard or guard):
            return
        self.edges[mark] = Edge(
            source=self.key,
            target=target,
            event=max(number, -1),
            place=place,
            how=how,
            phase=phase,
            lane=lane,
            trigger=trigger,
            process=process,
            main_only=main_only,
            in_main_loop=in_loop,
            guard=guard,
            text=text,
            awaited=awaited,
        )

    def _hit(
        self,
        row: EffectRow,
        symbol: str,
        number: int,
        event: Event,
        call: Call | None,
        unsure: str,
        block: int = -1,
    ) -> None:
        main_only, guard = self._state(event.block)
        subject: Expr | None = None
        if row.subject is not None and call is not None:
            if isinstance(row.subject, int):
                subject = given(call, "", row.subject)
            else:
                position = next((t.position for t in row.where if t.argument == row.subject), None)
                subject = given(call, row.subject, position)
        if unsure.startswith("env:"):
            guard, unsure = guard or unsure[4:], f"`{unsure[4:]}` decides"
        details = row.details
        if call is not None and call.use == "await" and details.get("sync") == "true" and self.unit.is_async:
            # An awaited call is the asynchronous twin, under whatever name it came.
            details = {key: value for key, value in details.items() if key != "sync"}
        for effect in row.does:
            self.hits.append(
                Hit(
                    effect=effect,
                    symbol=symbol,
                    unit=self.key,
                    event=number,
                    block=block,
                    place=self._place(event),
                    details=details,
                    subject=subject,
                    unsure=unsure,
                    guard=guard,
                    in_main_loop=event.block in self.loops,
                    main_only=main_only,
                    in_handler=self._in_handler(event.block),
                    forever=row.forever,
                    drives=row.drives,
                )
            )

    def _in_handler(self, block: int) -> bool:
        while block:
            if self.unit.blocks[block].kind == "except":
                return True
            block = self.unit.blocks[block].parent
        return False

    # --- imports and definitions ------------------------------------------------------------------------------

    def _import(self, number: int, event: Import) -> None:
        path, _ = self.world.import_target(self.scope.module, event)
        targets: list[str] = []
        if path is not None:
            targets.append(path)
            if event.name and event.name != "*":
                inner = self.world.submodule(path, event.name)
                if inner:
                    targets.append(inner)
        for target in targets:
            self._load_module(target, number, event, "import")
            if target in self.linker.unread:
                reason = f"`{target}` cannot be read: {self.linker.unread[target]}"
                self.hidden.append(Hidden(self.key, self._place(event), reason))

    def _load_module(self, path: str, number: int, event: Event, how: str) -> None:
        for file in (*self._packages(path), path):
            if file != self.key.path and not file.endswith("/") and file in self.world.files:
                self._edge(UnitKey(file, 0), number, event.block, self._place(event), how, phase="import")

    def _packages(self, path: str) -> list[str]:
        """The `__init__` files that importing a module runs first, below the import folder that finds it."""
        found: list[str] = []
        folder = path.rstrip("/").rpartition("/")[0]
        if path.endswith("/__init__.py"):
            folder = folder.rpartition("/")[0] if "/" in folder else ""
        while folder and folder not in self.world.roots:
            init = f"{folder}/__init__.py"
            if init in self.world.tree:
                found.append(init)
            folder = folder.rpartition("/")[0]
        return found[::-1]

    def _define(self, number: int, event: Define) -> None:
        key = UnitKey(self.key.path, event.unit)
        unit = self.scope.module.facts.units[event.unit]
        if unit.kind == "class":
            self._edge(key, number, event.block, self._place(event), "define")
            self._class_bases(key, number, event)
        for position in range(len(unit.decorators)):
            self._decorate(key, unit, position, number, event)

    def _class_bases(self, key: UnitKey, number: int, event: Define) -> None:
        project, library = self.world.mro(key)
        for row in self._base_rows(library):
            if row.when == "defined":
                self._register_methods(row, project, library, number, event)
                self._base_effects(row, number, event)
        for owner in project:
            for method in self._methods(owner, ("__init_subclass__",)):
                if owner != key:
                    self._edge(method, number, event.block, self._place(event), "call")

    def _base_effects(self, row: BaseRow, number: int, event: Event) -> None:
        if row.does:
            made = EffectRow(does=row.does, details=row.details)
            self._hit(made, row.class_[0], number, event, None, "")

    def _base_rows(self, library: Iterable[str]) -> list[BaseRow]:
        found: dict[int, BaseRow] = {}
        for name in library:
            for ancestor in self.rows.ancestors(name):
                for row in self.rows.bases.get(ancestor, ()):
                    found[id(row)] = row
        return list(found.values())

    def _register_methods(
        self, row: BaseRow, project: tuple[UnitKey, ...], library: tuple[str, ...], number: int, event: Event
    ) -> None:
        seen: set[str] = set()
        for owner in project:
            for method in self._methods(owner, row.methods):
                unit = self.world.scope(method).unit
                if unit.name in seen:
                    continue
                seen.add(unit.name)
                self._register(method, row.phase, row.trigger, row, number, event, "registers")
                for offset, passed in enumerate(row.passes, 1):
                    if passed and offset < len(unit.params):
                        self.linker.feed(method, offset, (LibObj(self.rows.canonical(passed)),))

    def _methods(self, owner: UnitKey, patterns: Iterable[str]) -> list[UnitKey]:
        module = self.world.module(owner.path)
        if module is None:
            return []
        wanted = tuple(patterns)
        return [
            UnitKey(owner.path, unit.index)
            for unit in module.facts.units
            if unit.parent == owner.number
            and unit.kind == "function"
            and any(_name_fits(unit.name, pattern) for pattern in wanted)
        ]

    def _register(
        self,
        target: UnitKey,
        phase: str,
        trigger: str,
        row: RunsRow | BaseRow,
        number: int,
        event: Event,
        how: str,
    ) -> None:
        unit = self.world.scope(target).unit
        lane: Lane | None = None
        if row.thread and not (row.on_loop and unit.is_async):
            lane = "thread"
        elif row.on_loop or unit.is_async:
            lane = "loop"
        if row.process:
            lane = "main"
        self._edge(
            target,
            number,
            event.block,
            self._place(event),
            how if not trigger else "registers",
            phase=None if phase == "same" else phase,  # type: ignore[arg-type]  # the row's phase is checked on load
            lane=lane,
            trigger=trigger,
            process=row.process,
        )

    def _decorate(self, key: UnitKey, unit: Unit, position: int, number: int, event: Define) -> None:
        decorator = unit.decorators[position]
        own: Refs = (UnitRef(*key),)
        # what the decorators below it have made of the function
        given = tuple(
            ref
            for ref in self.world.decorated(self.scope, key.number, position + 1)
            if isinstance(ref, UnitRef | BoundRef | ObjRef)
        )
        symbols = self._decorator_symbols(decorator)
        matched = False
        for ref in self.world.resolve(decorator, self.scope):
            if isinstance(ref, UnitRef | BoundRef):
                matched = True
                target = UnitKey(ref.path, ref.number)
                if self.world.unit_kind(ref) == "class":
                    self._construct(target, None, number, event)
                    continue
                self._edge(target, number, event.block, self._place(event), "decorates")
                self.linker.feed(target, self._offset(ref), own)
            elif isinstance(ref, ObjRef):
                matched = True
                for method in self.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                    if isinstance(method, BoundRef):
                        target = UnitKey(method.path, method.number)
                        self._edge(target, number, event.block, self._place(event), "decorates")
                        self.linker.feed(target, 1, own)
        for symbol, call in symbols:
            rows = [
                *self.rows.find(self.rows.run_decorators, symbol),
                *(row for row in self.rows.find(self.rows.runs, symbol) if row.argument == "decorator"),
            ]
            for row in rows:
                matched = True
                if self.linker.conditions.hold(row.where, call, self.scope) is not False:
                    self._run_row(row, given, number, event, call)
            if call is None:
                self._effects(symbol, number, event, None)
            known = symbol.rpartition(".")[2] in _OWN_DECORATORS or self.rows.is_transparent(symbol)
            matched = matched or known or symbol.partition(".")[0] in self.rows.roots
        if (
            not matched
            and unit.kind == "function"
            and _last_name(decorator, self.unit) not in _OWN_DECORATORS
        ):
            shown = symbols[0][0] if symbols else _shown(decorator, self.unit)
            reason = f"`@{shown}` is not modelled: what it does with `{unit.name}` is not known"
            self.hidden.append(Hidden(self.key, self._place(event), reason, key))

    def _decorator_symbols(self, decorator: Expr) -> list[tuple[str, Call | None]]:
        call: Call | None = None
        func = decorator
        if isinstance(decorator, Result):
            made = self.unit.events[decorator.event]
            assert isinstance(made, Call)
            call, func = made, made.func
        found: list[tuple[str, Call | None]] = []
        for ref in self.world.resolve(func, self.scope):
            if isinstance(ref, LibRef):
                found.append((ref.symbol, call))
            elif isinstance(ref, LibObj):
                found.append((f"{ref.type}.__call__", call))
        return found

    # --- calls --------------------------------------------------------------------------------------------------

    def _call(self, number: int, event: Call) -> None:
        refs = self.world.resolve(event.func, self.scope)
        symbols: list[str] = []
        for ref in refs:
            if isinstance(ref, UnitRef | BoundRef):
                self._project_call(ref, number, event)
            elif isinstance(ref, ObjRef):
                for method in self.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                    if isinstance(method, BoundRef):
                        self._project_call(method, number, event)
                    elif isinstance(method, LibRef):
                        symbols.append(method.symbol)
            elif isinstance(ref, LibRef):
                symbols.append(ref.symbol)
            elif isinstance(ref, LibObj):
                symbols.append(f"{ref.type}.__call__")
        if symbols:
            self.symbols[number] = tuple(dict.fromkeys(symbols))
            for symbol in self.symbols[number]:
                self._library_call(symbol, number, event)
        if isinstance(event.func, Attr) and not any(self._is_told(ref) for ref in refs):
            guessed = self.linker.vague(self.key, number, event.func.name)
            if guessed is not None:
                self._project_call(BoundRef(*guessed, *guessed), number, event)

    def _is_told(self, ref: Ref) -> bool:
        """Whether it is known what calling `ref` does: a library's proxy may stand for an object of the app."""
        if not isinstance(ref, LibRef):
            return True
        if ref.symbol.startswith("builtins."):
            return True
        return self.rows.speak_of(ref.symbol)

    def _offset(self, ref: UnitRef | BoundRef) -> int:
        scope = self.world.scope(UnitKey(ref.path, ref.number))
        if not isinstance(ref, BoundRef) or scope.parent is None or scope.parent.unit.kind != "class":
            return 0
        static = any(isinstance(d, Name) and d.id == "staticmethod" for d in scope.unit.decorators)
        return 0 if static else 1

    def _project_call(self, ref: UnitRef | BoundRef, number: int, event: Call) -> None:
        key = UnitKey(ref.path, ref.number)
        if self.world.unit_kind(ref) == "class":
            self._construct(key, event, number, event)
            return
        if self.linker.is_replaced(key):
            return
        # What is awaited though it is no coroutine function was wrapped by something that runs it in a thread.
        wrapped = event.use == "await" and self.unit.is_async and not self._gives_awaitable(key)
        lane: Lane | None = "thread" if wrapped else None
        self._edge(
            key, number, event.block, self._place(event), "call", lane=lane, awaited=event.use == "await"
        )
        self._pass(key, self._offset(ref), event)

    def _gives_awaitable(self, key: UnitKey) -> bool:
        unit = self.world.scope(key).unit
        return unit.is_async or any(
            isinstance(e, Return) and isinstance(e.value, Result) for e in unit.events
        )

    def _construct(self, key: UnitKey, call: Call | None, number: int, event: Event) -> None:
        made = ObjRef(key.path, key.number, True)
        self.linker.makers.setdefault(key, {})[(self.key, number)] = None
        project, library = self.world.mro(key)
        for name in ("__new__", "__init__", "__post_init__"):
            for method in self.world.class_member(key, name, made):
                if isinstance(method, BoundRef):
                    target = UnitKey(method.path, method.number)
                    self._edge(target, number, event.block, self._place(event), "call")
                    if call is not None:
                        self._pass(target, 1, call)
        for row in self._base_rows(library):
            if row.when == "made":
                self._register_methods(row, project, library, number, event)
        for base in library:
            # Making a subclass runs the library's own constructor, with what that does.
            self._effects(base, number, event, call)

    def _pass(self, key: UnitKey, offset: int, call: Call) -> None:
        unit = self.world.scope(key).unit
        by_name = {param.name: i for i, param in enumerate(unit.params)}
        positional = [i for i, param in enumerate(unit.params) if param.kind == "positional"]
        rest = next((i for i, param in enumerate(unit.params) if param.kind == "args"), None)
        for number, arg in enumerate(call.args):
            if isinstance(arg, Star):
                continue
            place = number + offset
            target = positional[place] if place < len(positional) else rest
            if target is not None:
                self.linker.feed(key, target, self._passable(arg))
        others = next((i for i, param in enumerate(unit.params) if param.kind == "kwargs"), None)
        for name, value in call.keywords:
            target = by_name.get(name, others)
            if target is not None and name:
                self.linker.feed(key, target, self._passable(value))

    def _passable(self, expr: Expr) -> Refs:
        """What flows on through a parameter: functions, classes and objects, not plain numbers and containers."""
        return tuple(
            ref
            for ref in self.world.resolve(expr, self.scope)
            if not isinstance(ref, ConstRef)
            and not (isinstance(ref, LibObj) and ref.type.startswith("builtins."))
        )

    # --- library calls ----------------------------------------------------------------------------------------------

    def _library_call(self, symbol: str, number: int, event: Call) -> None:
        self._effects(symbol, number, event, event)
        matched = False
        for row in self.rows.find(self.rows.runs, symbol):
            if row.argument == "decorator":
                matched = True
                continue
            if self.linker.conditions.hold(row.where, event, self.scope) is False:
                continue
            matched = True
            self._runs(row, number, event)
        for loads in self.rows.find(self.rows.loads, symbol):
            self.loads.append(Loading(self.key, loads, number, self._place(event)))
        if not matched:
            self._callbacks(symbol, event, number)
        if (
            any(name in self.rows.environment_setters for name in self.rows.chain(symbol))
            and len(event.args) > 1
        ):
            self._environment_write(event.args[0], event.args[1], symbol.endswith("setdefault"))
        self._setting_call(symbol, number, event)
        if symbol == "builtins.getattr" and len(event.args) >= 2 and not isinstance(event.args[1], Const):
            self._dynamic_attribute(event)

    def _setting_call(self, symbol: str, number: int, event: Call) -> None:
        for name in self.rows.chain(symbol):
            for row, role in self.rows.setting_symbols.get(name, ()):
                if role != "mapping":
                    self.linker.settings[(self.key, number)] = SettingWrite(row, role, self.scope, event)

    def _setting_item(self, owner: str, number: int, event: SetAttr | SetItem) -> None:
        for name in self.rows.ancestors(owner):
            for row, role in self.rows.setting_symbols.get(name, ()):
                if role == "mapping" and (isinstance(event, SetItem) or row.attributes):
                    self.linker.settings[(self.key, number)] = SettingWrite(row, role, self.scope, event)

    def _dynamic_attribute(self, event: Call) -> None:
        for ref in self.world.resolve(event.args[0], self.scope):
            if isinstance(ref, ModRef):
                reason = f"`getattr` with a name that is computed, on module `{ref.path}`"
                self.hidden.append(Hidden(self.key, self._place(event), reason))

    def _environment_write(self, name: Expr, value: Expr, is_default: bool) -> None:
        if isinstance(name, Const) and isinstance(name.value, str):
            self.linker.writes.append(EnvironmentWrite(name.value, value, self.scope, is_default))

    def _effects(self, symbol: str, number: int, event: Event, call: Call | None) -> None:
        for row in self.rows.find(self.rows.effects, symbol):
            if row.awaited is not None and call is not None:
                driven = call.use in ("await", "value", "return")
                if row.awaited != driven and (row.awaited or call.use == "await"):
                    continue
            holds = self.linker.conditions.hold(row.where, call, self.scope)
            if holds is not False:
                self._hit(row, symbol, number, event, call, holds if isinstance(holds, str) else "")

    def _callbacks(self, symbol: str, event: Call, number: int) -> None:
        """A function handed to a library that no row speaks of: it is taken to be called there and then.
        (Built-ins certainly do; at import it is more often registered or wrapped: see `reach`.)"""
        if self.rows.is_transparent(symbol):
            return
        how = "call" if symbol.startswith("builtins.") else "callback"
        for arg in (*event.args, *(value for _, value in event.keywords)):
            if isinstance(arg, Const | Result):
                continue
            for ref in self.world.resolve(arg, self.scope):
                if isinstance(ref, UnitRef | BoundRef) and self.world.unit_kind(ref) in (
                    "function",
                    "lambda",
                ):
                    target = UnitKey(ref.path, ref.number)
                    self._edge(target, number, event.block, self._place(event), how, text=symbol)

    def _runs(self, row: RunsRow, number: int, event: Call) -> None:
        exprs: list[Expr] = []
        chosen = given(event, row.argument, row.position)
        if chosen is not None:
            exprs.append(chosen)
        if row.rest and row.position is not None:
            exprs.extend(event.args[row.position + 1 :])
        for expr in exprs:
            self._run_row(row, self._run_targets(row, expr), number, event, event)

    def _run_targets(self, row: RunsRow, expr: Expr) -> Refs:
        inner = expr.value if isinstance(expr, Star) else expr
        refs = self.world.resolve(inner, self.scope) if not isinstance(expr, Star) else ()
        found: list[Ref] = [ref for ref in refs if isinstance(ref, UnitRef | BoundRef | ObjRef)]
        if not found:
            found.extend(
                ref
                for ref in self.world.contents(inner, self.scope, values=True)
                if isinstance(ref, UnitRef | BoundRef | ObjRef)
            )
        if isinstance(inner, Result):
            found.extend(self._coroutine(inner))
        if row.text:
            for ref in (*refs, *self.world.contents(inner, self.scope, values=True)):
                if isinstance(ref, ConstRef) and isinstance(ref.value, str):
                    found.extend(self._by_path(ref.value))
            if not found:
                found.extend(self._by_prefix(inner))
        return tuple(dict.fromkeys(found))

    def _coroutine(self, expr: Result) -> list[Ref]:
        """`create_task(work())`: the function whose coroutine is passed."""
        call = self.unit.events[expr.event]
        assert isinstance(call, Call)
        return [
            ref
            for ref in self.world.resolve(call.func, self.scope)
            if isinstance(ref, UnitRef | BoundRef)
            and self.world.unit_kind(ref) == "function"
            and self.world.scope(UnitKey(ref.path, ref.number)).unit.is_async
        ]

    def _by_prefix(self, expr: Expr) -> list[Ref]:
        """`f"jobs.{name}"`: any public function of the module that the fixed part names."""
        path = self.world.find_module(fixed_prefix(expr, self.scope.unit))
        if path is None or path.endswith("/"):
            return []
        units = self.world.files[path].units if path in self.world.files else ()
        return [
            UnitRef(path, unit.index)
            for unit in units
            if unit.kind == "function" and unit.parent == 0 and not unit.name.startswith("_")
        ]

    def _by_path(self, dotted: str) -> list[Ref]:
        dotted = dotted.replace(":", ".")
        module, _, name = dotted.rpartition(".")
        path = self.world.find_module(module) if module else None
        if path is None:
            whole = self.world.find_module(dotted)
            return [ModRef(whole)] if whole else []
        return list(self.world.module_attribute(path, name))

    def _run_row(self, row: RunsRow, refs: Refs, number: int, event: Event, call: Call | None) -> None:
        for ref in refs:
            if isinstance(ref, ModRef):
                self._edge(
                    UnitKey(ref.path, 0), number, event.block, self._place(event), "loads", phase="import"
                )
            elif isinstance(ref, ObjRef) or (
                isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class"
            ):
                self._run_class(row, ref, number, event)
            elif isinstance(ref, UnitRef | BoundRef):
                target = UnitKey(ref.path, ref.number)
                self._register(target, row.phase, row.trigger, row, number, event, "runs")
                self._pass_on(row, target, self._offset(ref), call)

    def _run_class(self, row: RunsRow, ref: ObjRef | UnitRef, number: int, event: Event) -> None:
        key = UnitKey(ref.path, ref.number)
        patterns = row.methods or ("__call__",)
        for owner in self.world.mro(key)[0]:
            for method in self._methods(owner, patterns):
                self._register(method, row.phase, row.trigger, row, number, event, "runs")
        if isinstance(ref, UnitRef):
            for method in self._methods(key, ("__init__",)):
                self._register(method, row.phase, row.trigger, row, number, event, "runs")

    def _pass_on(self, row: RunsRow, target: UnitKey, offset: int, call: Call | None) -> None:
        unit = self.world.scope(target).unit
        for number, passed in enumerate(row.passes):
            if passed and number + offset < len(unit.params):
                self.linker.feed(target, number + offset, (LibObj(self.rows.canonical(passed)),))
        if call is None or row.argument == "decorator":
            return
        args = given(call, "args", None)
        items = args.items if isinstance(args, Seq) else ()
        if not items and row.position is not None and not row.rest:
            items = call.args[row.position + 1 :]
        for number, arg in enumerate(items):
            if number + offset < len(unit.params) and not isinstance(arg, Star):
                self.linker.feed(target, number + offset, self._passable(arg))

    # --- reads, writes, with ----------------------------------------------------------------------------------------

    def _load(self, number: int, event: Load) -> None:
        expr = event.expr
        while isinstance(expr, Attr | Item):
            if isinstance(expr, Attr):
                self._load_attribute(expr, number, event)
            expr = expr.value

    def _load_attribute(self, expr: Attr, number: int, event: Load) -> None:
        for ref in self.world.resolve(expr.value, self.scope):
            if isinstance(ref, ObjRef):
                self._property(ref, expr.name, number, event)
            elif isinstance(ref, LibRef | LibObj) and self.rows.effect_reads:
                owner = ref.symbol if isinstance(ref, LibRef) else ref.type
                symbol = self.rows.canonical(f"{owner}.{expr.name}")
                for row in self.rows.find_member(self.rows.effect_reads, symbol):
                    self._hit(row, symbol, number, event, None, "")

    def _property(self, ref: ObjRef, name: str, number: int, event: Event) -> None:
        key = UnitKey(ref.path, ref.number)
        for owner in self.world.mro(key)[0]:
            for bound in self.world.scope(owner).bindings.get(name, ()):
                if isinstance(bound.event, Define):
                    made = UnitRef(owner.path, bound.event.unit)
                    if self.world.unit_kind(made) == "function" and self.world.is_property(made):
                        self._edge(UnitKey(*made), number, event.block, self._place(event), "property")
                        return

    def _set(self, number: int, event: SetAttr | SetItem) -> None:
        for ref in self.world.resolve(event.obj, self.scope):
            if not isinstance(ref, LibRef | LibObj):
                continue
            owner = ref.symbol if isinstance(ref, LibRef) else ref.type
            self._setting_item(owner, number, event)
            if isinstance(event, SetAttr) and event.value is not None:
                self.linker.feed_attribute(
                    self.rows.canonical(f"{owner}.{event.name}"), self._passable(event.value)
                )
            if isinstance(event, SetItem):
                if owner in self.rows.environment_items and event.value is not None:
                    self._environment_write(event.index, event.value, False)
                key = event.index.value if isinstance(event.index, Const) else ""
                symbol = self.rows.canonical(f"{owner}[{key}]") if key else f"{owner}[]"
            else:
                symbol = self.rows.canonical(f"{owner}.{event.name}")
            for row in self.rows.find_member(self.rows.effect_writes, symbol):
                self._hit(row, symbol, number, event, None, "")
            for runs in self.rows.find(self.rows.run_writes, symbol):
                if event.value is not None:
                    self._run_row(runs, self._run_targets(runs, event.value), number, event, None)

    def _class_writes(self) -> None:
        """`class Settings(Base): functions = [f]`."""
        _, library = self.world.mro(self.key)
        names = [ancestor for name in library for ancestor in self.rows.ancestors(name)]
        names.extend(
            name
            for name, family in self.rows.entry_classes.items()
            if self.key in self.linker.entry_classes.get(family, ())
        )
        for number, event in enumerate(self.unit.events):
            if isinstance(event, Bind) and event.value is not None:
                for name in names:
                    for runs in self.rows.run_writes.get(f"{name}.{event.name}", ()):
                        self._run_row(runs, self._run_targets(runs, event.value), number, event, None)

    def _with_blocks(self) -> None:
        for number, block in enumerate(self.unit.blocks):
            if block.kind != "with" or self.states[number] == "dead" or not isinstance(block.test, Seq):
                continue
            at = Load(block.parent, block.line, 0, block.line, 0, block.test)
            for item in block.test.items:
                for ref in self.world.resolve(item, self.scope):
                    self._enter(ref, ("__enter__", "__exit__", "__aenter__", "__aexit__"), at, number)

    def _for_blocks(self) -> None:
        """What iterating does. A loop over something that waits for its next item without a bound is endless."""
        for number, block in enumerate(self.unit.blocks):
            if block.kind != "for" or self.states[number] == "dead" or block.test is None:
                continue
            at = Load(block.parent, block.line, 0, block.line, 0, block.test)
            for ref in self.world.resolve(block.test, self.scope):
                self._enter(ref, ("__iter__", "__next__", "__aiter__", "__anext__"), at, number)
            if isinstance(block.test, Result) and self._waits_for_ever(block.test.event):
                self.loops |= blocks_inside(self.unit, number)

    def _waits_for_ever(self, number: int) -> bool:
        call = self.unit.events[number]
        assert isinstance(call, Call)
        for ref in self.world.resolve(call.func, self.scope):
            if isinstance(ref, LibRef):
                for row in self.rows.find(self.rows.effects, ref.symbol):
                    if is_unbounded(row) and self.linker.conditions.hold(row.where, call, self.scope) is True:
                        return True
        return False

    def _enter(self, ref: Ref, names: tuple[str, ...], at: Load, block: int) -> None:
        if isinstance(ref, ObjRef):
            for name in names:
                for method in self.world.class_member(UnitKey(ref.path, ref.number), name, ref):
                    if isinstance(method, BoundRef):
                        target = UnitKey(method.path, method.number)
                        self._edge(target, -1 - block, at.block, self._place(at), "call")
        elif isinstance(ref, LibObj):
            for name in names:
                symbol = f"{ref.type}.{name}"
                rows = self.rows.find(self.rows.effects, symbol)
                for row in rows:
                    if is_unbounded(row) and self.unit.blocks[block].kind == "for":
                        self.loops |= blocks_inside(self.unit, block)
                    self._hit(row, symbol, -1, at, None, "", block)
                if rows:
                    break


def is_unbounded(row: EffectRow) -> bool:
    """Whether what the row speaks of may wait for ever."""
    details = row.details
    return "waits" in row.does and (details.get("bounded") == "no" or details.get("timeout") == "none")


def _is_dotted(value: object) -> bool:
    """Whether a constant may name a module or function."""
    return (
        isinstance(value, str) and len(value) < 120 and "." in value and value.replace(".", "").isidentifier()
    )


def _name_fits(name: str, pattern: str) -> bool:
    if pattern == "*":
        return not name.startswith("_")
    return fnmatchcase(name, pattern)


def _last_name(expr: Expr, unit: Unit) -> str:
    return _shown(expr, unit).rpartition(".")[2]


def _shown(expr: Expr, unit: Unit) -> str:
    """A dotted expression as written, for a message."""
    if isinstance(expr, Name):
        return expr.id
    if isinstance(expr, Attr):
        return f"{_shown(expr.value, unit)}.{expr.name}"
    if isinstance(expr, Result):
        call = unit.events[expr.event]
        return _shown(call.func, unit) if isinstance(call, Call) else "…"
    return "…"
