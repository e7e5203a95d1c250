"""One program of one process type: what it runs, does and loads, and what could not be followed."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from proctor.link.app import App
from proctor.link.arms import Arms
from proctor.link.command_line import CommandLine, words_behind
from proctor.link.loading import Loader, packages_of
from proctor.link.loops import never_leaves
from proctor.link.reach import Registration, Spread, either_way
from proctor.link.same_code import command_words, script_of
from proctor.link.settings import LaunchSettings
from proctor.link.staying import code_stays
from proctor.model.finding import Gap, Step
from proctor.model.place import Place
from proctor.model.process import EntryPoint, Launch, ProcessType
from proctor.model.program import (
    BoundRef,
    Context,
    Edge,
    FromEnv,
    Hit,
    Known,
    LibObj,
    ObjRef,
    Ref,
    Setting,
    UnitKey,
    UnitRef,
    Value,
)
from proctor.model.rule import LauncherModel
from proctor.model.words import Effect, Phase


class View:
    """One program of one process type (see `model.program.ProcessView`)."""

    def __init__(
        self,
        app: App,
        process: ProcessType,
        launch: Launch,
        model: LauncherModel | None,
        twin: View | None = None,
    ) -> None:
        """`twin` is a view whose program runs the very same code (see `code_key`): what that reaches is shared."""
        self.app = app
        self.process = process
        self.launch = launch
        self.model = model
        self.details: Mapping[str, str] = launch.details
        entry = launch.entry
        self.linked = app.world_for(entry.python_path if entry else ("",))
        self.world = self.linked
        self.gaps: tuple[Gap, ...] = ()
        self.does: Mapping[Effect, Step] = {}
        self.twin = twin
        parts = (twin.reach, twin.settings, twin.loader) if twin is not None else self._own_parts(entry)
        self.reach: Spread = parts[0]
        self.settings: LaunchSettings = parts[1]
        self.loader: Loader = parts[2]
        self._done = (-1, -1)
        #: whether it stays, once nothing more is linked
        self._stays: bool | None = None
        #: whether a library that no model speaks of may keep it going
        self.may_stay = False
        #: what the entry point names but its module does not have
        self.missing_symbol = ""
        self._setting_hits: tuple[tuple[Context, Hit], ...] = ()
        self._all_hits: list[tuple[Context, Hit]] | None = None
        self._hits_of: dict[Effect, list[int]] = {}

    def _own_parts(self, entry: EntryPoint | None) -> tuple[Spread, LaunchSettings, Loader]:
        app, launch, said = self.app, self.launch, words_behind(self.launch)
        reach = Spread(
            app.unit,
            self.linked.linker.units.get,
            Arms(app.files, CommandLine(self.linked.world, said).answers if said else None),
            {*launch.drives, *(entry.drives if entry else ())},
            script_of(entry) if entry else None,
            self.details.get("concurrency") == "threads",
            # a script that its launcher runs anew for every user (`script-phase`) does not run at start-up
            "request" if self.details.get("script-phase") == "request" else "startup",
            command_words(launch),
        )
        environment = {**app.variables, **dict(self.process.environment), **dict(launch.environment)}
        files = [path for path in (entry.path if entry else None, *(entry.modules if entry else ())) if path]
        settings = LaunchSettings(self.linked.world, self.linked.linker, environment, files)
        if self.linked.settings is None:
            self.linked.settings = settings
        return reach, settings, Loader(app, self.linked, settings, reach, self.process.name)

    @property
    def code(self) -> object:
        """The same for all programs that run the very same code under the same settings."""
        return self.twin or self

    @property
    def contexts(self) -> Mapping[Context, tuple[Context, Edge] | None]:
        """Each context with how it was first reached."""
        return self.reach.contexts

    @property
    def handed_over(self) -> Mapping[Context, Edge]:
        """The jobs that another program registers and hands over, with the edge that does."""
        return self.reach.handed_over

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
        if self._stays is not None:
            return self._stays
        if self.launch.long_running or self.launch.ends:
            return self.launch.long_running
        # a shell waits for what stands in front, and then does what it is about
        ends = self.launch.relation in ("before", "fallback") and not self._goes_round_for_ever()
        return self._code_stays(loops=not ends)

    def _code_stays(self, *, loops: bool = True) -> bool:
        return code_stays(list(self.hits()), loops=loops)

    def _may_go_on(self, unit: UnitKey) -> bool:
        """Whether a unit runs at start-up in a program of which nothing says what it does when it has started."""
        if self.launch.ends or self.reach.drives or self._code_stays():
            return False
        return not self.phases(unit).isdisjoint({"startup", "import"})

    def _goes_round_for_ever(self) -> bool:
        """Whether the program comes to a loop that nothing in it ends."""
        units = self.linked.linker.units
        keys = {each.unit for each in self.contexts if each.phase in ("startup", "import", "loop")}
        return any(key in units and never_leaves(self.app.unit(key), units[key].loops) for key in keys)

    def take_target(self) -> None:
        """What a launcher names as its target is what it runs, of whatever library: a class of a private one is taken for
        the class that the launcher's models know."""
        entry = self.launch.entry
        wanted = [name for name, family in self.app.rows.entry_classes.items() if family in self.reach.drives]
        if wanted and entry is not None and entry.path is not None and entry.symbol:
            for ref in self._named(entry.path, entry.symbol):
                if isinstance(ref, LibObj):
                    for name in wanted:
                        self.app.rows.take_for(ref.type, name)

    def _named(self, path: str, symbol: str) -> tuple[Ref, ...]:
        """What a module has under a dotted name."""
        world = self.linked.world
        first, *rest = symbol.split(".")
        refs: tuple[Ref, ...] = world.module_attribute(path, first)
        for part in rest:
            refs = tuple(found for ref in refs for found in world.member(ref, part))
        return refs

    def start(self) -> None:
        """Add the entry point's contexts."""
        self._done = (-1, -1)
        entry = self.launch.entry
        if entry is None:
            return
        for path in entry.modules:
            is_script = UnitKey(path, 0) == self.reach.script
            self.loader.add(UnitKey(path, 0), self.reach.script_phase if is_script else "import")
        if entry.path is None:
            return
        body = UnitKey(entry.path, 0)
        if entry.kind in ("script", "module"):
            self.loader.add(body, self.reach.script_phase)
        else:
            for init in packages_of(entry.path, entry.python_path, self.app.tree):
                self.loader.add(UnitKey(init, 0), "import")
            self.loader.add(body, "import")
        if entry.symbol:
            self._start_symbol(entry, body)

    def _start_symbol(self, entry: EntryPoint, body: UnitKey) -> None:
        """The object that is served or run; more is known of it once its module was linked."""
        if body.path not in self.app.files:
            return
        self.linked.linker.run()
        refs = self._named(body.path, entry.symbol)
        if not refs and entry.symbol not in self._bound_names(body):
            self.missing_symbol = entry.symbol
            self.loader.gaps[
                Gap(
                    place=Place(body.path, 1),
                    reason=f"`{entry.symbol}` is not found in `{body.path}`",
                )
            ] = None
        for ref in refs:
            self._start_ref(ref, entry)

    def _bound_names(self, body: UnitKey) -> frozenset[str]:
        return frozenset(self.app.unit(body).locals)

    def _start_ref(self, ref: Ref, entry: EntryPoint) -> None:
        world = self.linked.world
        serving: Phase = "request" if "http" in self.reach.drives else "startup"
        if isinstance(ref, UnitRef | BoundRef):
            key = UnitKey(ref.path, ref.number)
            if world.unit_kind(ref) == "class":
                for family in self.reach.drives:
                    self.linked.linker.take_as_entry(key, family)
                if entry.called or entry.kind not in ("jobs-app",):
                    self._start_class(key, entry, serving)
                return
            asynchronous = entry.called or entry.kind in ("console-script", "management-command")
            self.loader.add(key, "startup" if asynchronous else serving)
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
                self.loader.add(UnitKey(method.path, method.number), "startup" if entry.called else serving)
        self._serve(made)

    def _serve(self, ref: ObjRef | UnitRef | BoundRef) -> None:
        """An object or function of the tree that the server calls for each request."""
        if "http" not in self.reach.drives:
            return
        if isinstance(ref, ObjRef):
            for method in self.linked.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                if isinstance(method, BoundRef):
                    self.loader.add(UnitKey(method.path, method.number), "request")
        elif self.linked.world.unit_kind(ref) == "function":
            self.loader.add(UnitKey(ref.path, ref.number), "request")

    def spread(self) -> bool:
        """Link and follow all that is reached so far; True where that brought in anything new."""
        before = len(self.contexts)
        self.linked.linker.run()
        if self._done == (self.linked.linker.n_linked, before):
            return False
        self.reach.respread()
        self.linked.linker.run()
        self.settings.reached = frozenset(context.unit for context in self.contexts)
        self.settings.forget()
        if self.launch.is_python or self.launch.entry or not self.launch.launcher:
            self.loader.load_modules()
        changed = len(self.contexts) != before
        if not changed:
            self._done = (self.linked.linker.n_linked, before)
        return changed

    def take_jobs(self, jobs: Mapping[str, tuple[Registration, ...]], views: tuple[View, ...]) -> bool:
        """Run the jobs that other programs (of `views`) registered for the families this one drives, except where their
        file lies in the folders of another worker alone."""
        before = len(self.contexts)
        for family in sorted(self.reach.drives):
            workers = [view.linked.world for view in views if family in view.reach.drives]
            for registration in jobs.get(family, ()):
                target = registration.edge.target
                homes = [world for world in workers if world.has_folder_of(target.path)]
                if not homes or self.linked.world in homes:
                    self.linked.linker.want(target)
                    self.reach.activate(registration, foreign=True)
        return len(self.contexts) != before

    def finish(self) -> None:
        """Collect what hides answers, and what the process does."""
        if self.twin is not None:
            self.missing_symbol = self.twin.missing_symbol
        self._setting_hits = tuple(self._read_setting_hits())
        self._keep_hits()
        self._stays = self.stays
        gaps: dict[Gap, None] = dict(self.loader.gaps)
        launch, name = self.launch, self.process.name
        if launch.unresolved:
            gaps[Gap(place=launch.place, reason=launch.unresolved, process=name)] = None
        reached = frozenset(context.unit for context in self.contexts)
        for key in dict.fromkeys(context.unit for context in self.contexts):
            linked = self.linked.linker.units.get(key)
            for hidden in linked.hidden if linked else ():
                if hidden.begins:
                    if self._may_go_on(key):
                        self.may_stay = True
                        gaps[Gap(place=hidden.place, reason=hidden.reason, process=self.process.name)] = None
                elif hidden.target is None:
                    gaps[Gap(place=hidden.place, reason=hidden.reason, process=self.process.name)] = None
                elif hidden.target not in reached:
                    self._hide_target(gaps, hidden.target, hidden.place, hidden.reason)
        for edge in self.reach.handed:
            if edge.target not in reached:
                name = self.app.unit(edge.target).name
                reason = f"`{edge.text}` is not modelled: what it does with `{name}` is not known"
                self._hide_target(gaps, edge.target, edge.place, reason)
        for context, hit in self.hits("dynamic-import"):
            if self._is_dynamic(context, hit) and all(gap.place != hit.place for gap in gaps):
                gaps[Gap(place=hit.place, reason="unresolved dynamic import", process=name)] = None
        self._hide_successors(gaps)
        self.gaps = tuple(gaps)
        self.does = self._read_does()

    def _read_does(self) -> dict[Effect, Step]:
        """What the program does for certain: also what both arms of a condition do."""
        does: dict[Effect, Step] = {}
        for effect in self.launch.does:
            does[effect] = Step(self.launch.place, f"`{self.launch.launcher}` {effect}")
        guarded: dict[UnitKey, list[Hit]] = {}
        for _, hit in self.hits():
            if hit.guard:
                guarded.setdefault(hit.unit, []).append(hit)
            elif not hit.unsure:
                does.setdefault(hit.effect, Step(hit.place, f"`{hit.symbol}`"))
        for unit, hits in guarded.items():
            for effect in either_way(self.app.unit(unit), ((hit.effect, hit) for hit in hits)):
                hit = next(each for each in hits if each.effect == effect)
                does.setdefault(effect, Step(hit.place, f"`{hit.symbol}`"))
        return does

    def _read_setting_hits(self) -> Iterator[tuple[Context, Hit]]:
        """The effects of settings that are set, at the places that set them."""
        found = (
            (setting, row)
            for system, key, row in self.app.rows.setting_effects
            for setting in self.settings.find(system, key)
        )
        for setting, row in found:
            value = setting.value
            if setting.place is None or setting.is_default or not _is_set(value, row.setting_value):
                continue
            key = setting.key
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

    def _hide_successors(self, gaps: dict[Gap, None]) -> None:
        """A program that goes on as another one: what that does is not seen."""
        for _, hit in self.hits("ends-process"):
            if hit.details.get("how") == "exec" and hit.details.get("what") != "self":
                reason = f"`{hit.symbol}` replaces the program by another one, which is not followed"
                gaps[Gap(place=hit.place, reason=reason, process=self.process.name)] = None

    def _hide_target(self, gaps: dict[Gap, None], target: UnitKey, place: Place, reason: str) -> None:
        """Nobody knows whether `target` runs: that matters only for what it would do."""
        effects = self.linked.linker.closure(target)
        if effects != ():
            gaps[Gap(place=place, reason=reason, process=self.process.name, effects=effects)] = None

    def _is_dynamic(self, context: Context, hit: Hit) -> bool:
        if hit.subject is None:
            return True
        scope = self.linked.world.scope(context.unit)
        if self.loader.family(hit.subject, scope):
            return False
        value = self.settings.evaluator.evaluate(hit.subject, self.linked.world.scope(context.unit))
        return not isinstance(value, Known)

    def hits(self, *effects: Effect) -> Iterator[tuple[Context, Hit]]:
        """Each effect in each context that has it."""
        if self._all_hits is None:
            wanted = frozenset(effects)
            return (each for each in self._read_hits() if not wanted or each[1].effect in wanted)
        if not effects:
            return iter(self._all_hits)
        if len(effects) == 1:
            return (self._all_hits[number] for number in self._hits_of.get(effects[0], ()))
        chosen = sorted(number for effect in frozenset(effects) for number in self._hits_of.get(effect, ()))
        return (self._all_hits[number] for number in chosen)

    def _keep_hits(self) -> None:
        """Remember all hits: the judges ask for them time and again."""
        self._all_hits = list(self._read_hits())
        for number, (_, hit) in enumerate(self._all_hits):
            self._hits_of.setdefault(hit.effect, []).append(number)

    def _read_hits(self) -> Iterator[tuple[Context, Hit]]:
        yield from self._setting_hits
        units = self.linked.linker.units
        for context in self.contexts:
            linked = units.get(context.unit)
            for hit in linked.hits if linked is not None else ():
                if not self.reach.is_run(context, hit.event) or not self.reach.arms.runs_event(
                    context, hit.event
                ):
                    continue
                if hit.main_only and not (
                    context.unit == self.reach.script and context.phase == self.reach.script_phase
                ):
                    continue
                state = self._state_of(hit)
                if state == "dead":
                    continue
                guard = state[4:] if state.startswith("env:") else self.reach.guards.get(context, "")
                if guard and not hit.guard:
                    hit = msgspec.structs.replace(hit, guard=guard)
                if hit.phase is not None or hit.lane is not None:
                    yield Context(context.unit, hit.phase or context.phase, hit.lane or context.lane), hit
                elif hit.in_main_loop and context.phase == "startup":
                    yield context._replace(phase="loop"), hit
                else:
                    yield context, hit

    def _state_of(self, hit: Hit) -> str:
        """The state of the block that an effect stands in, now that all settings are known."""
        if hit.event < 0:
            return "live"
        scope = self.linked.world.scope(hit.unit)
        block = scope.unit.events[hit.event].block
        return self.settings.evaluator.block_states(scope)[block] if block else "live"

    def phases(self, unit: UnitKey) -> frozenset[Phase]:
        """The phases in which this program runs a unit."""
        return frozenset(context.phase for context in self.contexts if context.unit == unit)

    def path(self, context: Context, place: Place | None = None, text: str = "") -> tuple[Step, ...]:
        """The evidence from the declaration to the context, then to `place`."""
        steps: list[Step] = []
        current = context
        if context not in self.contexts:
            # what an endless loop does, or a library's function in a thread that the unit starts
            of_unit = [each for each in self.contexts if each.unit == context.unit]
            current = next((each for each in of_unit if each.phase == "startup"), (*of_unit, context)[0])
        seen = {current}
        origin = self.contexts.get(current)
        while origin is not None and origin[0] not in seen:
            current, edge = origin
            seen.add(current)
            steps.append(Step(edge.place, self._edge_text(edge)))
            origin = self.contexts.get(current)
        handed_over = self.reach.handed_over.get(current)
        if handed_over is not None:
            steps.append(Step(handed_over.place, self._edge_text(handed_over)))
        steps.reverse()
        tail = [Step(place, text)] if place is not None else []
        return tuple(_without_repeats([*self.launch.chain, *self._start_of(current.unit), *steps, *tail]))

    def _start_of(self, first: UnitKey) -> list[Step]:
        """How a path begins: the entry point, and what it loads where the path starts in another file."""
        entry = self.launch.entry
        if entry is None or entry.path is None:
            return []
        starts = f"starts `{entry.target}`"
        if first.path == entry.path:
            return [Step(self.app.place(first), starts)]
        if first in (context.unit for context in self.reach.handed_over):
            return [Step(Place(entry.path, 1), starts)]
        return [
            Step(Place(entry.path, 1), starts),
            Step(self.app.place(first), f"loads `{self.app.symbol(first)}`"),
        ]

    def _edge_text(self, edge: Edge) -> str:
        source, target = self.app.symbol(edge.source), self.app.symbol(edge.target)
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

    def settings_like(self, system: str, pattern: str) -> Iterator[Setting]:
        """The settings that a key with `*` names, as this program sees them."""
        return self.settings.find(system, pattern)

    def systems(self) -> frozenset[str]:
        """The settings systems that this program loads."""
        return self.settings.systems()


def _is_set(value: Value, pattern: str) -> bool:
    """Whether a setting is set, to a value that a row means."""
    while isinstance(value, FromEnv) and pattern and value.fallback is not None:
        value = value.fallback
    if isinstance(value, Known):
        return bool(value.value) and re.search(pattern, str(value.value) if pattern else "") is not None
    return not pattern


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
