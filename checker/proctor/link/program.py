"""Facts and entry points become a program: worlds are linked, then each launch's contexts are spread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from proctor.link.arguments import given
from proctor.link.calls import Linker, Loading
from proctor.link.names import World
from proctor.link.reach import Registration, Spread, shared_jobs
from proctor.link.rows import Rows
from proctor.link.scopes import Scope, fixed_prefix
from proctor.link.settings import LaunchSettings, accessors
from proctor.link.storage import storage_of
from proctor.link.values import Evaluator
from proctor.model.fact import Call, Event, Expr, Facts, FileFacts, Func, Unit
from proctor.model.finding import Gap, Step
from proctor.model.place import Place
from proctor.model.process import Declaration, EntryPoint, Launch, ProcessType, ResolvedProcess
from proctor.model.program import (
    BoundRef,
    ConstRef,
    Context,
    Edge,
    FromEnv,
    Hit,
    Known,
    LibObj,
    ObjRef,
    Ref,
    Setting,
    Storage,
    UnitKey,
    UnitRef,
    Unknown,
    Value,
)
from proctor.model.rule import LauncherModel, LibraryModel, LoadsRow
from proctor.model.tree import SourceTree
from proctor.model.words import Effect, Phase

#: rounds of "settings name modules, modules register jobs": each round follows all that the last one brought in
_MAX_ROUNDS = 8


def program(
    facts: Facts,
    declaration: Declaration,
    resolved: Sequence[ResolvedProcess],
    libraries: Iterable[LibraryModel],
    launchers: Iterable[LauncherModel],
    tree: SourceTree,
) -> LinkedProgram:
    """Link all that the process types reach. Never raises on what the code says; gaps are in the views."""
    rows = Rows(libraries, declaration.requirements)
    models = {model.name: model for model in launchers}
    return LinkedProgram(facts, declaration, resolved, rows, models, tree)


class LinkedProgram:
    """The linked app (see `model.program.Program`)."""

    def __init__(
        self,
        facts: Facts,
        declaration: Declaration,
        resolved: Sequence[ResolvedProcess],
        rows: Rows,
        models: Mapping[str, LauncherModel],
        tree: SourceTree,
    ) -> None:
        self.files: Mapping[str, FileFacts] = facts.files
        self.unread: Mapping[str, str] = {path: unread.reason for path, unread in facts.unread.items()}
        self.declaration = declaration
        self.launchers = models
        self.requirements = declaration.requirements
        self.rows = rows
        self.tree = tree
        self.resolved = tuple(resolved)
        self._variables = {k: v for k, v in declaration.variables.items() if v is not None}
        self._worlds: dict[tuple[str, ...], _LinkedWorld] = {}
        self._home: dict[UnitKey, _LinkedWorld] = {}
        self.views: tuple[View, ...] = tuple(
            View(self, item.process, launch, models.get(launch.launcher))
            for item in resolved
            for launch in item.launches
        )
        self._link()

    # --- building -------------------------------------------------------------------------------------------

    def world_for(self, python_path: tuple[str, ...]) -> _LinkedWorld:
        """The world of a list of import folders."""
        world = self._worlds.get(python_path)
        if world is None:
            world = _LinkedWorld(self, python_path, self._variables)
            self._worlds[python_path] = world
        return world

    def _link(self) -> None:
        for view in self.views:
            view.start()
        for _ in range(_MAX_ROUNDS):
            changed = False
            for view in self.views:
                changed = view.spread() or changed
            jobs = shared_jobs(view.reach for view in self.views)
            for view in self.views:
                changed = view.take_jobs(jobs) or changed
            if not changed:
                break
        for view in self.views:
            view.finish()
            for context in view.contexts:
                self._home.setdefault(context.unit, view.world)

    def _world_of(self, key: UnitKey) -> _LinkedWorld:
        home = self._home.get(key)
        if home is not None:
            return home
        return next(iter(self._worlds.values()), None) or self.world_for(("",))

    # --- the judges' questions ------------------------------------------------------------------------------

    def unit(self, key: UnitKey) -> Unit:
        """The facts of a unit."""
        return self.files[key.path].units[key.number]

    def symbol(self, key: UnitKey) -> str:
        """The dotted name of a unit as shown to people."""
        stem = key.path[: -len(".py")] if key.path.endswith(".py") else key.path
        module = stem.removesuffix("/__init__").rpartition("/")[2]
        qualname = self.unit(key).qualname
        return f"{module}.{qualname}" if qualname else module

    def place(self, key: UnitKey, event: Event | None = None) -> Place:
        """Where an event (or the unit's own header) stands."""
        if event is not None:
            return Place(key.path, event.line, event.column, event.end_line, event.end_column)
        unit = self.unit(key)
        return Place(key.path, max(unit.line, 1), unit.column)

    def resolve(self, key: UnitKey, expr: Expr) -> tuple[Ref, ...]:
        """All that an expression of a unit may stand for."""
        world = self._world_of(key).world
        return world.resolve(expr, world.scope(key))

    def evaluate(self, key: UnitKey, expr: Expr) -> Value:
        """The value of an expression of a unit."""
        home = self._world_of(key)
        return home.evaluator.evaluate(expr, home.world.scope(key))

    def contents(self, key: UnitKey, expr: Expr) -> tuple[Ref, ...]:
        """The items (values, for a mapping) of a container expression."""
        world = self._world_of(key).world
        return world.contents(expr, world.scope(key), values=True)

    def argument(self, key: UnitKey, call: Call, name: str, position: int | None = None) -> Expr | None:
        """The expression given for an argument, or None."""
        return given(call, name, position)

    def storage(self, key: UnitKey, expr: Expr) -> tuple[Storage, ...]:
        """The lasting places in memory that an expression refers to."""
        world = self._world_of(key).world
        return storage_of(world, world.scope(key), expr)

    def edges(self, key: UnitKey) -> tuple[Edge, ...]:
        """What a unit makes run."""
        linked = self._world_of(key).linker.units.get(key)
        return linked.edges if linked else ()

    def unit_hits(self, key: UnitKey) -> tuple[Hit, ...]:
        """The effects that a unit itself has."""
        linked = self._world_of(key).linker.units.get(key)
        return linked.hits if linked else ()

    def symbols(self, key: UnitKey, event: int) -> tuple[str, ...]:
        """The library symbols that a call event may call."""
        linked = self._world_of(key).linker.units.get(key)
        return linked.symbols.get(event, ()) if linked else ()

    def targets(self, key: UnitKey, event: int) -> tuple[UnitKey, ...]:
        """The units of the tree that an event runs there and then."""
        linked = self._world_of(key).linker.units.get(key)
        return linked.targets.get(event, ()) if linked else ()

    def main_loops(self, key: UnitKey) -> tuple[int, ...]:
        """The blocks of a unit's endless loops, outermost ones only."""
        linked = self._world_of(key).linker.units.get(key)
        if linked is None:
            return ()
        blocks = self.unit(key).blocks
        return tuple(sorted(number for number in linked.loops if blocks[number].parent not in linked.loops))

    def is_a(self, symbol: str, base: str) -> bool:
        """Whether a library class is `base` or below it."""
        return self.rows.canonical(base) in self.rows.ancestors(self.rows.canonical(symbol))

    def lives(self, symbol: str) -> str:
        """How long instances of a library class live, as far as the models say."""
        for name in self.rows.ancestors(self.rows.canonical(symbol)):
            if name in self.rows.lives:
                return self.rows.lives[name]
        return ""

    def abilities(self, symbol: str) -> frozenset[Effect]:
        """The effects that methods of a library class have, as far as the models say."""
        return self.rows.abilities(self.rows.canonical(symbol))

    def class_bases(self, key: UnitKey) -> tuple[str, ...]:
        """The library classes that a class of the tree derives from."""
        found: dict[str, None] = {}
        for name in self._world_of(key).world.mro(key)[1]:
            found.update(dict.fromkeys(self.rows.ancestors(name)))
        return tuple(found)

    def project_bases(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """A class of the tree and the classes of the tree that it derives from."""
        return self._world_of(key).world.mro(key)[0]

    def makers(self, key: UnitKey) -> tuple[tuple[UnitKey, int], ...]:
        """Where a class of the tree is instantiated."""
        return tuple(self._world_of(key).linker.makers.get(key, ()))

    def block_state(self, key: UnitKey, block: int) -> str:
        """Whether a block is "live", "dead", "main" or "env:VARIABLE"."""
        home = self._world_of(key)
        return home.evaluator.block_states(home.world.scope(key))[block]

    def units(self) -> Iterable[UnitKey]:
        """Every unit that some process type reaches."""
        return dict.fromkeys(context.unit for view in self.views for context in view.contexts)


class _LinkedWorld:
    """A world with its linker, shared by the launches that search the same import folders."""

    def __init__(self, owner: LinkedProgram, roots: tuple[str, ...], variables: Mapping[str, str]) -> None:
        self.world = World(owner.tree, owner.files, owner.rows, roots)
        self.settings: LaunchSettings | None = None
        self.evaluator = Evaluator(self.world, variables, self._setting, accessors(owner.rows))
        self.linker = Linker(self.world, self.evaluator, owner.unread)

    def _setting(self, system: str, key: str) -> Value | None:
        """While linking, settings objects answer as the first launch of this world sees them."""
        if self.settings is None:
            return None
        found = self.settings.table(system).get(key)
        return found.value if found else None


class View:
    """One program of one process type (see `model.program.ProcessView`)."""

    def __init__(
        self, owner: LinkedProgram, process: ProcessType, launch: Launch, model: LauncherModel | None
    ) -> None:
        self.owner = owner
        self.process = process
        self.launch = launch
        self.model = model
        self.details: Mapping[str, str] = launch.details
        entry = launch.entry
        self.linked = owner.world_for(entry.python_path if entry else ("",))
        self.world = self.linked
        self.gaps: tuple[Gap, ...] = ()
        self.does: Mapping[Effect, Step] = {}
        script = (
            UnitKey(entry.path, 0) if entry and entry.path and entry.kind in ("script", "module") else None
        )
        drives = {*launch.drives, *(entry.drives if entry else ())}
        self.reach = Spread(
            owner.unit,
            self.linked.linker.units.get,
            drives,
            script,
            self.details.get("concurrency") == "threads",
        )
        environment = {**owner._variables, **dict(process.environment), **dict(launch.environment)}
        files = [path for path in (entry.path if entry else None, *(entry.modules if entry else ())) if path]
        self.settings = LaunchSettings(self.linked.world, self.linked.linker, environment, files)
        if self.linked.settings is None:
            self.linked.settings = self.settings
        #: what the entry point names but its module does not have
        self.missing_symbol = ""
        self._load_gaps: dict[Gap, None] = {}
        self._setting_hits: tuple[tuple[Context, Hit], ...] = ()

    @property
    def contexts(self) -> Mapping[Context, tuple[Context, Edge] | None]:
        """Each context with how it was first reached."""
        return self.reach.contexts

    @property
    def drives(self) -> frozenset[str]:
        """The trigger families that this program fires."""
        return frozenset(self.reach.drives)

    @property
    def files(self) -> frozenset[str]:
        """Python files reached."""
        return frozenset(context.unit.path for context in self.contexts)

    @property
    def stays(self) -> bool:
        """Whether the program goes on until it is stopped: its launcher says so, or its code does."""
        return self.launch.long_running or any(
            context.phase == "loop" or (hit.forever and context.phase in ("startup", "import"))
            for context, hit in self.hits()
        )

    # --- building ---------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Add the entry point's contexts."""
        entry = self.launch.entry
        if entry is None:
            return
        for path in entry.modules:
            self._add(UnitKey(path, 0), "import")
        if entry.path is None:
            return
        body = UnitKey(entry.path, 0)
        if entry.kind in ("script", "module"):
            self._add(body, "startup")
        else:
            for init in _packages_of(entry.path, entry.python_path, self.owner.tree):
                self._add(UnitKey(init, 0), "import")
            self._add(body, "import")
        if entry.symbol:
            self._start_symbol(entry, body)

    def _add(
        self, key: UnitKey, phase: Phase, lane: str = "main", origin: tuple[Context, Edge] | None = None
    ) -> None:
        if key.path not in self.owner.files:
            reason = self.owner.unread.get(key.path)
            if reason:
                gap = Gap(place=Place(key.path, 1), reason=f"`{key.path}` cannot be read: {reason}")
                self._load_gaps[gap] = None
            return
        self.linked.linker.add(key)
        unit = self.owner.unit(key)
        where = "loop" if unit.is_async else "main"
        self.reach.add(Context(key, phase, where), origin)  # type: ignore[arg-type]  # both are lanes

    def _start_symbol(self, entry: EntryPoint, body: UnitKey) -> None:
        """The object that is served or run; more is known of it once its module was linked."""
        if body.path not in self.owner.files:
            return
        self.linked.linker.run()
        world = self.linked.world
        refs: tuple[Ref, ...] = ()
        for number, part in enumerate(entry.symbol.split(".")):
            if number == 0:
                refs = world.module_attribute(body.path, part)
            else:
                refs = tuple(found for ref in refs for found in world.member(ref, part))
        if not refs and entry.symbol not in self._bound_names(body):
            self.missing_symbol = entry.symbol
            self._load_gaps[
                Gap(
                    place=Place(body.path, 1),
                    reason=f"`{entry.symbol}` is not found in `{body.path}`",
                )
            ] = None
        for ref in refs:
            self._start_ref(ref, entry)

    def _bound_names(self, body: UnitKey) -> frozenset[str]:
        return frozenset(self.owner.unit(body).locals)

    def _start_ref(self, ref: Ref, entry: EntryPoint) -> None:
        world = self.linked.world
        serving: Phase = "request" if "http" in self.reach.drives else "startup"
        if isinstance(ref, UnitRef | BoundRef):
            key = UnitKey(ref.path, ref.number)
            if world.unit_kind(ref) == "class":
                for family in self.reach.drives:
                    self.linked.linker.entry_classes.setdefault(family, set()).add(key)
                self.linked.linker.add(key)
                if entry.called or entry.kind not in ("jobs-app",):
                    self._start_class(key, entry, serving)
                return
            asynchronous = entry.called or entry.kind in ("console-script", "management-command")
            self._add(key, "startup" if asynchronous else serving)
            if entry.called:
                for made in world.returned(key):
                    if isinstance(made, ObjRef | UnitRef | BoundRef) and made != ref:
                        self._serve(made)
        elif isinstance(ref, ObjRef):
            self._serve(ref)

    def _start_class(self, key: UnitKey, entry: EntryPoint, serving: Phase) -> None:
        world = self.linked.world
        made = ObjRef(key.path, key.number, True)
        for method in world.class_member(key, "__init__", made):
            if isinstance(method, BoundRef):
                self._add(UnitKey(method.path, method.number), "startup" if entry.called else serving)
        self._serve(made)

    def _serve(self, ref: ObjRef | UnitRef | BoundRef) -> None:
        """An object or function of the tree that the server calls for each request."""
        if "http" not in self.reach.drives:
            return
        if isinstance(ref, ObjRef):
            for method in self.linked.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                if isinstance(method, BoundRef):
                    self._add(UnitKey(method.path, method.number), "request")
        elif self.linked.world.unit_kind(ref) == "function":
            self._add(UnitKey(ref.path, ref.number), "request")

    def spread(self) -> bool:
        """Link and follow all that is reached so far; True where that brought in anything new."""
        before = len(self.contexts)
        self.linked.linker.run()
        self.reach.respread()
        self.linked.linker.run()
        self.settings.reached = frozenset(context.unit for context in self.contexts)
        self.settings.forget()
        self._load_modules()
        return len(self.contexts) != before

    def take_jobs(self, jobs: Mapping[str, tuple[Registration, ...]]) -> bool:
        """Run the jobs that other programs registered for the families this one drives."""
        before = len(self.contexts)
        for family in sorted(self.reach.drives):
            for registration in jobs.get(family, ()):
                self.linked.linker.add(registration.edge.target)
                self.reach.activate(registration, foreign=True)
        return len(self.contexts) != before

    # --- modules that frameworks load ---------------------------------------------------------------------------

    def _load_modules(self) -> None:
        reached = self.settings.reached or frozenset()
        for loading in self.linked.linker.loads:
            if loading.source in reached:
                self._load(loading.row, loading)
        for family in sorted(self.reach.drives):
            for row in self.owner.rows.trigger_loads.get(family, ()):
                self._load(row, None)
        for settings_row in self.owner.rows.settings:
            if settings_row.style == "module":
                path = self.settings.settings_file(settings_row)
                if path is not None and not path.endswith("/"):
                    self._load_file(path, None, "import")

    def _load(self, row: LoadsRow, loading: Loading | None) -> None:
        for name in self._names(row, loading):
            for pattern in row.patterns:
                self._load_name(row, loading, name, pattern)

    def _names(self, row: LoadsRow, loading: Loading | None) -> list[str]:
        call: Event | None = None
        scope: Scope | None = None
        if loading is not None and loading.event >= 0:
            scope = self.linked.world.scope(loading.source)
            call = scope.unit.events[loading.event]
        if (
            row.when_absent
            and isinstance(call, Call)
            and given(call, row.when_absent, row.position) is not None
        ):
            return []
        if row.setting:
            system, _, key = row.setting.partition(":")
            setting = self.settings.get(system, key)
            if setting is None and loading is not None:
                self._hide_unset(system, loading)
            return self._texts(setting.value, setting.place, key) if setting else []
        if row.constant:
            return list(row.constant)
        if isinstance(call, Call) and scope is not None and loading is not None:
            expr = given(call, row.argument, row.position)
            if isinstance(expr, Func) and not isinstance(
                self.settings.evaluator.evaluate(expr, scope), Known
            ):
                # Left to a function that runs later: the library's own default says as much.
                return []
            if expr is not None:
                label = f"the modules that `{row.call[0].rpartition('.')[2]}` loads"
                family = self._family(expr, scope) or self._constants(expr, scope)
                if family is not None:
                    return family
                return self._texts(self.settings.evaluator.evaluate(expr, scope), loading.place, label)
        return []

    def _hide_unset(self, system: str, loading: Loading) -> None:
        """A settings module that only the environment names hides all that it would load."""
        for row in self.owner.rows.settings:
            if row.system == system and row.style == "module" and self.settings.settings_module(row) is None:
                self._hide(
                    loading.place, f"`{row.variable}` decides the settings, and nothing in the code sets it"
                )

    def _family(self, expr: Expr, scope: Scope) -> list[str]:
        """`import_module(f"plugins.{name}")`: every module of the package may be meant, so all are taken."""
        prefix = fixed_prefix(expr, scope.unit)
        path = self.linked.world.find_module(prefix)
        if path is None or not path.endswith(("/", "/__init__.py")):
            return []
        folder = path.removesuffix("__init__.py")
        names = dict.fromkeys(
            file[len(folder) :].removesuffix(".py").partition("/")[0]
            for file in self.owner.tree.python
            if file.startswith(folder) and file != path and not is_test(file)
        )
        return [f"{prefix}.{name}" for name in names]

    def _constants(self, expr: Expr, scope: Scope) -> list[str] | None:
        """The texts that an expression may stand for (`for name in NAMES`); an object that is no text names nothing.
        None where neither is known."""
        refs = self.linked.world.resolve(expr, scope)
        texts = [ref.value for ref in refs if isinstance(ref, ConstRef) and isinstance(ref.value, str)]
        others = [ref for ref in refs if not isinstance(ref, ConstRef | UnitRef)]
        if texts and not others:
            return texts
        if others and not any(isinstance(ref, LibObj) and ref.type.startswith("builtins.") for ref in others):
            return []
        return None

    def _texts(self, value: Value, place: Place | None, label: str) -> list[str]:
        if isinstance(value, FromEnv):
            if value.fallback is not None:
                return self._texts(value.fallback, place, label)
            self._hide(place, f"{label} depends on `{value.variable}`")
            return []
        if isinstance(value, Unknown):
            self._hide(place, f"unresolved dynamic import: {label} is not known ({value.reason})")
            return []
        inner = value.value
        if isinstance(inner, str):
            return [inner]
        if isinstance(inner, list):
            found: list[str] = []
            for item in inner:
                if isinstance(item, Known | FromEnv):
                    found.extend(self._texts(item, place, label))
            return found
        return []

    def _hide(self, place: Place | None, reason: str) -> None:
        if place is not None:
            self._load_gaps[Gap(place=place, reason=reason, process=self.process.name)] = None

    def _load_name(self, row: LoadsRow, loading: Loading | None, name: str, pattern: str) -> None:
        world = self.linked.world
        name = name.replace(":", ".")
        item, package, attribute = name, name, ""
        if world.find_module(name) is None and "." in name:
            module, _, attribute = name.rpartition(".")
            if world.find_module(module) is not None:
                found = world.find_module(module) or ""
                item = module
                package = module if found.endswith(("/", "__init__.py")) else module.rpartition(".")[0]
            else:
                attribute = ""
        target = pattern.replace("{item}", item).replace("{package}", package)
        path = world.find_module(target)
        if path is None and row.symbol:
            # the pattern names what is run in the module (`{item}.setup`)
            target, _, attribute = target.rpartition(".")
            path = world.find_module(target)
        elif pattern != "{item}":
            attribute = ""
        if path is None or path.endswith("/"):
            return
        self._load_file(path, loading, "startup" if row.phase == "startup" else "import")
        if attribute and row.phase:
            self._run_symbol(row, loading, path, attribute)

    def _load_file(self, path: str, loading: Loading | None, phase: Phase) -> None:
        for file in (*_packages_of(path, self.linked.world.roots, self.owner.tree), path):
            self._add(UnitKey(file, 0), "import", origin=self._origin(UnitKey(file, 0), loading))

    def _origin(
        self, target: UnitKey, loading: Loading | None, phase: Phase | None = None
    ) -> tuple[Context, Edge] | None:
        if loading is None:
            return None
        context = next((c for c in self.contexts if c.unit == loading.source), None)
        if context is None:
            return None
        edge = Edge(
            source=loading.source,
            target=target,
            event=loading.event,
            place=loading.place,
            how="loads",
            phase=phase,
        )
        return context, edge

    def _run_symbol(self, row: LoadsRow, loading: Loading | None, path: str, name: str) -> None:
        world = self.linked.world
        if row.trigger_of_symbol and row.trigger_of_symbol not in self.reach.drives:
            return
        self.linked.linker.run()
        for ref in world.module_attribute(path, name):
            keys: list[UnitKey] = []
            if isinstance(ref, UnitRef) and world.unit_kind(ref) == "class":
                made = ObjRef(ref.path, ref.number, True)
                wanted = row.methods or ("__init__", "__call__")
                for method_name in wanted:
                    for method in world.class_member(UnitKey(ref.path, ref.number), method_name, made):
                        if isinstance(method, BoundRef):
                            keys.append(UnitKey(method.path, method.number))
            elif isinstance(ref, UnitRef | BoundRef):
                keys.append(UnitKey(ref.path, ref.number))
                if row.result:
                    keys.extend(
                        UnitKey(made.path, made.number)
                        for made in world.returned(keys[-1])
                        if isinstance(made, UnitRef | BoundRef) and world.unit_kind(made) == "function"
                    )
            for key in keys:
                phase: Phase = row.phase or "startup"
                self._add(key, phase, origin=self._origin(key, loading, phase))

    # --- finishing ------------------------------------------------------------------------------------------------

    def finish(self) -> None:
        """Collect what hides answers, and what the process does."""
        self._setting_hits = tuple(self._read_setting_hits())
        gaps: dict[Gap, None] = dict(self._load_gaps)
        launch = self.launch
        if launch.unresolved:
            gaps[Gap(place=launch.place, reason=launch.unresolved, process=self.process.name)] = None
        reached = frozenset(context.unit for context in self.contexts)
        for key in dict.fromkeys(context.unit for context in self.contexts):
            linked = self.linked.linker.units.get(key)
            for hidden in linked.hidden if linked else ():
                if hidden.target is None:
                    gaps[Gap(place=hidden.place, reason=hidden.reason, process=self.process.name)] = None
                elif hidden.target not in reached:
                    self._hide_target(gaps, hidden.target, hidden.place, hidden.reason)
        for edge in self.reach.handed:
            if edge.target not in reached:
                name = self.owner.unit(edge.target).name
                reason = f"`{edge.text}` is not modelled: what it does with `{name}` is not known"
                self._hide_target(gaps, edge.target, edge.place, reason)
        for context, hit in self.hits("dynamic-import"):
            if self._is_dynamic(context, hit):
                reason = "unresolved dynamic import"
                gaps[Gap(place=hit.place, reason=reason, process=self.process.name)] = None
        self.gaps = tuple(gaps)
        does: dict[Effect, Step] = {}
        for effect in launch.does:
            does[effect] = Step(launch.place, f"`{launch.launcher}` {effect}")
        for _, hit in self.hits():
            if hit.unsure or hit.guard:
                continue
            does.setdefault(hit.effect, Step(hit.place, f"`{hit.symbol}`"))
        self.does = does

    def _read_setting_hits(self) -> Iterator[tuple[Context, Hit]]:
        """The effects of settings that are set, at the places that set them."""
        for system, key, row in self.owner.rows.setting_effects:
            setting = self.settings.get(system, key)
            if setting is None or setting.place is None or setting.is_default:
                continue
            value = setting.value
            if isinstance(value, Known) and not value.value:
                continue
            unsure = f"`{value.variable}` decides" if isinstance(value, FromEnv) else ""
            unit = UnitKey(setting.place.path, 0)
            for effect in row.does:
                yield (
                    Context(unit, "import", "main"),
                    Hit(
                        effect=effect,
                        symbol=key,
                        unit=unit,
                        event=-1,
                        place=setting.place,
                        details=row.details,
                        unsure=unsure,
                    ),
                )

    def _hide_target(self, gaps: dict[Gap, None], target: UnitKey, place: Place, reason: str) -> None:
        """Nobody knows whether `target` runs: that matters only for what it would do."""
        effects = self.linked.linker.closure(target)
        if effects != ():
            gaps[Gap(place=place, reason=reason, process=self.process.name, effects=effects)] = None

    def _is_dynamic(self, context: Context, hit: Hit) -> bool:
        if hit.subject is None:
            return True
        scope = self.linked.world.scope(context.unit)
        if self._family(hit.subject, scope):
            return False
        value = self.settings.evaluator.evaluate(hit.subject, self.linked.world.scope(context.unit))
        return not isinstance(value, Known)

    # --- the judges' questions --------------------------------------------------------------------------------------

    def hits(self, *effects: Effect) -> Iterator[tuple[Context, Hit]]:
        """Each effect in each context that has it."""
        wanted = frozenset(effects)
        for context, hit in self._setting_hits:
            if not wanted or hit.effect in wanted:
                yield context, hit
        units = self.linked.linker.units
        for context in self.contexts:
            linked = units.get(context.unit)
            if linked is None:
                continue
            for hit in linked.hits:
                if wanted and hit.effect not in wanted:
                    continue
                if hit.main_only and not (context.unit == self.reach.script and context.phase == "startup"):
                    continue
                if hit.in_main_loop and context.phase == "startup":
                    yield context._replace(phase="loop"), hit
                else:
                    yield context, hit

    def phases(self, unit: UnitKey) -> frozenset[Phase]:
        """The phases in which this program runs a unit."""
        return frozenset(context.phase for context in self.contexts if context.unit == unit)

    def path(self, context: Context, place: Place | None = None, text: str = "") -> tuple[Step, ...]:
        """The evidence from the declaration to the context, then to `place`."""
        steps: list[Step] = []
        current: Context | None = context
        if context not in self.contexts and context.phase == "loop":
            current = context._replace(phase="startup")
        while current is not None:
            origin = self.contexts.get(current)
            if origin is None:
                break
            current, edge = origin
            steps.append(Step(edge.place, self._edge_text(edge)))
        steps.reverse()
        head = [*self.launch.chain]
        entry = self.launch.entry
        first = current.unit if current is not None else None
        if entry is not None and entry.path is not None and first is not None:
            head.append(Step(self.owner.place(first), f"starts `{entry.target}`"))
        tail = [Step(place, text)] if place is not None else []
        return tuple(_without_repeats([*head, *steps, *tail]))

    def _edge_text(self, edge: Edge) -> str:
        source, target = self.owner.symbol(edge.source), self.owner.symbol(edge.target)
        verb = {
            "call": "calls",
            "import": "imports",
            "define": "defines",
            "callback": "passes on",
            "property": "reads",
            "registers": "registers",
            "runs": "runs",
            "loads": "loads",
            "decorates": "is decorated by",
        }[edge.how]
        return f"`{source}` {verb} `{target}`"

    def setting(self, system: str, key: str) -> Setting | None:
        """A setting as this program sees it."""
        return self.settings.get(system, key)

    def systems(self) -> frozenset[str]:
        """The settings systems that this program loads."""
        return self.settings.systems()


def is_test(path: str) -> bool:
    """Whether a file holds tests, by the names that test runners look for."""
    folders, _, name = path.rpartition("/")
    return name.startswith("test_") or name in ("tests.py", "conftest.py") or "tests" in folders.split("/")


def _without_repeats(steps: list[Step]) -> list[Step]:
    """A step that stands on the same line as the one before says nothing new."""
    kept: list[Step] = []
    for step in steps:
        if kept and kept[-1].place.path == step.place.path and kept[-1].place.line == step.place.line:
            if step.text:
                kept[-1] = step
            continue
        kept.append(step)
    return kept


def _packages_of(path: str, roots: Iterable[str], tree: SourceTree) -> list[str]:
    """The `__init__` files of the packages that hold a module, outermost first, below the nearest import folder."""
    found: list[str] = []
    folder = path.rpartition("/")[0]
    if path.endswith("/__init__.py"):
        folder = folder.rpartition("/")[0]
    stops = frozenset(roots)
    while folder and folder not in stops:
        init = f"{folder}/__init__.py"
        if init in tree:
            found.append(init)
        folder = folder.rpartition("/")[0]
    return found[::-1]
