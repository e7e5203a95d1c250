"""Modules that frameworks load: named in settings, in arguments, or by convention."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proctor.link.app import App, LinkedWorld
from proctor.link.exclusions import Exclusions
from proctor.link.families import dotted_name, family, is_test
from proctor.link.included import included
from proctor.link.linked import Loading, elsewhere_reason, unread_reason
from proctor.link.passed import given
from proctor.link.reach import Spread
from proctor.link.scopes import Scope
from proctor.link.settings import LaunchSettings
from proctor.model.fact import Bind, Call, Event, Expr, Func, Name, Seq
from proctor.model.finding import Gap
from proctor.model.place import Place
from proctor.model.program import (
    BoundRef,
    ConstRef,
    Context,
    Edge,
    FromEnv,
    Known,
    LibObj,
    ModRef,
    ObjRef,
    UnitKey,
    UnitRef,
    Unknown,
    Value,
)
from proctor.model.rule import LoadsRow, SettingsRow
from proctor.model.tree import SourceTree
from proctor.model.words import Phase


class Loader:
    """Loads modules into one program, and notes which ones could not be told."""

    def __init__(
        self, app: App, linked: LinkedWorld, settings: LaunchSettings, reach: Spread, process: str
    ) -> None:
        self.app = app
        self.linked = linked
        self.settings = settings
        self.reach = reach
        self.process = process
        self.gaps: dict[Gap, None] = {}
        self._folders: dict[tuple[str, bool], tuple[str, ...]] = {}
        #: settings modules whose names were handed out
        self._handed_out: set[str] = set()

    def add(
        self, key: UnitKey, phase: Phase, lane: str = "main", origin: tuple[Context, Edge] | None = None
    ) -> None:
        """A unit that runs in a phase; a file that cannot be read is a gap."""
        if key.path not in self.app.files:
            reason = self.app.unread.get(key.path)
            if reason:
                gap = Gap(place=Place(key.path, 1), reason=unread_reason(key.path, reason))
                self.gaps[gap] = None
            return
        self.linked.linker.want(key)
        unit = self.app.unit(key)
        where = "loop" if unit.is_async else "main"
        self.reach.add(Context(key, phase, where), origin)  # type: ignore[arg-type]  # both are lanes

    def load_modules(self) -> None:
        """Everything that the code reached so far makes frameworks load."""
        reached = self.settings.reached or frozenset()
        for loading in self.linked.linker.loads:
            if loading.source in reached:
                self._load(loading.row, loading)
        for name in sorted(self.reach.drives):
            for row in self.app.rows.trigger_loads.get(name, ()):
                self._load(row, None)
        for settings_row in self.app.rows.settings:
            if settings_row.style == "module":
                path = self.settings.settings_file(settings_row)
                if path is not None and not path.endswith("/"):
                    self._load_file(path, None, "import")
                    self._hand_out(settings_row, path)
                    if not self.settings.sets_anything(settings_row, path):
                        reason = f"`{path}` holds the settings, and nothing that could be read sets one there"
                        self._hide(Place(path, 1), reason)

    def _hand_out(self, row: SettingsRow, path: str) -> None:
        """The dotted names that a settings module holds are read wherever the app asks for a key (`settings.PLUGINS`)."""
        if path in self._handed_out:
            return
        self._handed_out.add(path)
        world, ledger = self.linked.world, self.linked.linker
        for key, (value, _) in self.settings.evaluator.module_values(path).items():
            texts = [text for text in _plain_texts(value) if world.names_code(text)]
            for accessor in row.accessor if texts and key.isupper() else ():
                refs = tuple(map(ConstRef, texts))
                ledger.feed_kept(("", f"{accessor}.{key}[]"), refs)
                if isinstance(value, Known) and isinstance(value.value, str):
                    ledger.feed_attribute(f"{accessor}.{key}", refs)

    def _load(self, row: LoadsRow, loading: Loading | None) -> None:
        if row.files:
            self._load_included(loading)
            return
        names = self._names(row, loading)
        excluded = self._excluded(row, loading) if len(names) > 1 else {}
        for name in names:
            guard = excluded.get(name.rpartition(".")[2], None)
            if guard != "":
                for pattern in row.patterns:
                    self._load_name(row, loading, name, pattern, guard or "")
        for name, variable in self._alternatives(row):
            for pattern in row.patterns if name not in names else ():
                self._load_name(row, loading, name, pattern, variable)

    def _alternatives(self, row: LoadsRow) -> Iterator[tuple[str, str]]:
        """Names that a setting has only where a variable of the environment says so, with that variable."""
        system, _, key = row.setting.partition(":")
        setting = self.settings.get(system, key) if row.setting else None
        if setting is not None and setting.place is not None:
            found = self.settings.evaluator.alternatives.get((setting.place.path, key), ())
            for variable, value in found:
                for text in _plain_texts(value):
                    yield text, variable

    def _load_included(self, loading: Loading | None) -> None:
        if loading is None or loading.event < 0:
            return
        world, evaluator = self.linked.world, self.settings.evaluator
        scope = world.scope(loading.source)
        call = scope.unit.events[loading.event]
        if not isinstance(call, Call):
            return
        for file in included(call, scope, world, lambda expr: evaluator.evaluate(expr, scope)):
            if file.path:
                self._load_file(file.path, loading, "import", file.variable)
            else:
                self._hide(loading.place, file.reason)

    def _excluded(self, row: LoadsRow, loading: Loading | None) -> dict[str, str]:
        """The last names of modules that a call in a loop does not load, with the variable that decides ("": the code)."""
        if loading is None or loading.event < 0:
            return {}
        scope = self.linked.world.scope(loading.source)
        call = scope.unit.events[loading.event]
        expr = given(call, row.argument, row.position) if isinstance(call, Call) else None
        if expr is None:
            return {}
        return Exclusions(self.linked.world, self.settings.evaluator).of(expr, scope, call.block)

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
            return [self._absolute(name, loading) for name in row.constant]
        if isinstance(call, Call) and scope is not None and loading is not None:
            expr = given(call, row.argument, row.position)
            if row.first_of_tuple and expr is not None:
                expr = _first_of_tuple(expr, scope)
            if isinstance(expr, Func) and not isinstance(
                self.settings.evaluator.evaluate(expr, scope), Known
            ):
                # Left to a function that runs later: the library's own default says as much.
                return []
            if expr is not None:
                label = f"what `{row.call[0].rpartition('.')[2]}` loads"
                family = self.family(expr, scope, call) or self._constants(expr, scope)
                if family is None:
                    family = self._texts(self.settings.evaluator.evaluate(expr, scope), loading.place, label)
                return [self._absolute(name, loading) for name in family]
        return []

    def _absolute(self, name: str, loading: Loading | None) -> str:
        """A name that begins with a dot is relative to the package of the module that gives it."""
        if not name.startswith(".") or loading is None:
            return name
        package = dotted_name(self.linked.world, loading.source.path.rpartition("/")[0] + "/")
        rest = name.lstrip(".")
        for _ in range(len(name) - len(rest) - 1):
            package = package.rpartition(".")[0]
        return f"{package}.{rest}".strip(".")

    def _hide_unset(self, system: str, loading: Loading) -> None:
        """A settings module that only the environment names hides all that it would load."""
        for row in self.app.rows.settings:
            if row.system == system and row.style == "module" and self.settings.settings_module(row) is None:
                self._hide(
                    loading.place, f"`{row.variable}` decides the settings, and nothing in the code sets it"
                )

    def family(self, expr: Expr, scope: Scope, call: Event | None = None) -> list[str]:
        """The modules of which a computed name may mean any."""
        package = given(call, "package", 1) if isinstance(call, Call) else None
        return family(self.linked.world, expr, scope, package)

    def _constants(self, expr: Expr, scope: Scope) -> list[str] | None:
        """The texts that an expression may stand for (`for name in NAMES`); an object that is no text names nothing.
        None where neither is known."""
        refs = self.linked.world.resolve(expr, scope)
        texts = [ref.value for ref in refs if isinstance(ref, ConstRef) and isinstance(ref.value, str)]
        texts.extend(dotted_name(self.linked.world, ref.path) for ref in refs if isinstance(ref, ModRef))
        others = [ref for ref in refs if not isinstance(ref, ConstRef | UnitRef | ModRef)]
        if not others and refs:
            # a function or class that is given itself needs no loading
            return texts if any(not isinstance(ref, ConstRef) for ref in refs) or texts else None
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
            self.gaps[Gap(place=place, reason=reason, process=self.process)] = None

    def _load_name(
        self, row: LoadsRow, loading: Loading | None, name: str, pattern: str, guard: str = ""
    ) -> None:
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
        if target.endswith((".*", ".**")):
            self._load_all(row, target.rstrip(".*"), loading, deep=target.endswith(".**"))
            return
        path = world.find_module(target)
        if path is None and row.symbol:
            # the pattern names what is run in the module (`{item}.setup`)
            target, _, attribute = target.rpartition(".")
            path = world.find_module(target)
        elif pattern != "{item}":
            attribute = ""
        if path is None and pattern == "{item}":
            self._hide_elsewhere(name, loading)
        if path is None or path.endswith("/"):
            return
        self._load_whole(row, loading, path, guard)
        if attribute and row.phase:
            self._run_symbol(row, loading, path, attribute)

    def _load_whole(self, row: LoadsRow, loading: Loading | None, path: str, guard: str = "") -> None:
        """A module, and the functions in it that a row names."""
        self._load_file(path, loading, (row.phase if row.script else "") or "import", guard)
        for name in row.functions:
            self._run_symbol(row, loading, path, name)

    def _hide_elsewhere(self, name: str, loading: Loading | None) -> None:
        world = self.linked.world
        for dotted in (name, name.rpartition(".")[0]):
            folder = world.elsewhere(dotted) if dotted else None
            if folder is not None:
                self._hide(loading.place if loading else None, elsewhere_reason(dotted, folder))
                return

    def _left_out(self, row: LoadsRow, loading: Loading | None) -> tuple[str, ...]:
        """The modules that a call says are not to be loaded."""
        if not row.left_out or loading is None or loading.event < 0:
            return ()
        scope = self.linked.world.scope(loading.source)
        call = scope.unit.events[loading.event]
        expr = given(call, row.left_out, None) if isinstance(call, Call) else None
        if expr is None:
            return ()
        refs = (
            *self.linked.world.resolve(expr, scope),
            *self.linked.world.contents(expr, scope, values=True),
        )
        names = [ref.value for ref in refs if isinstance(ref, ConstRef) and isinstance(ref.value, str)]
        return tuple(self._absolute(name, loading) for name in names)

    def _load_all(self, row: LoadsRow, name: str, loading: Loading | None, *, deep: bool) -> None:
        """The modules of a package; `deep` takes those of packages inside it, too."""
        path = self.linked.world.find_module(name)
        if path is None or not path.endswith(("/", "/__init__.py")):
            if path is not None:
                self._load_whole(row, loading, path)
            return
        left_out = self._left_out(row, loading)
        for file in self._files_of(path.removesuffix("__init__.py"), deep):
            dotted = dotted_name(self.linked.world, file) if left_out else ""
            if not any(dotted == each or dotted.startswith(f"{each}.") for each in left_out):
                self._load_whole(row, loading, file)

    def _files_of(self, folder: str, deep: bool) -> tuple[str, ...]:
        known = self._folders.get((folder, deep))
        if known is None:
            found = [file for file in self.app.tree.python if file.startswith(folder) and not is_test(file)]
            known = self._folders[(folder, deep)] = tuple(
                file for file in found if deep or "/" not in file[len(folder) :].removesuffix("/__init__.py")
            )
        return known

    def _load_file(self, path: str, loading: Loading | None, phase: Phase, guard: str = "") -> None:
        for file in (*packages_of(path, self.linked.world.roots, self.app.tree), path):
            key = UnitKey(file, 0)
            last = file == path
            origin = self._origin(key, loading, guard=guard if last else "")
            self.add(key, phase if last else "import", origin=origin)

    def _origin(
        self, target: UnitKey, loading: Loading | None, phase: Phase | None = None, guard: str = ""
    ) -> tuple[Context, Edge] | None:
        if loading is None:
            return None
        context = next((c for c in self.reach.contexts if c.unit == loading.source), None)
        if context is None:
            return None
        edge = Edge(
            source=loading.source,
            target=target,
            event=loading.event,
            place=loading.place,
            how="loads",
            phase=phase,
            guard=guard,
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
                for number, passed in enumerate(row.passes):
                    if passed and number < len(self.app.unit(key).params):
                        self.linked.linker.feed(key, number, (LibObj(self.app.rows.canonical(passed)),))
                phase: Phase = row.phase or "startup"
                self.add(key, phase, origin=self._origin(key, loading, phase))


def _first_of_tuple(expr: Expr, scope: Scope) -> Expr:
    """The first item where an expression is a tuple, written there or under a name that is bound once; else itself."""
    shown = expr
    owner: Scope | None = scope
    while isinstance(expr, Name) and owner is not None:
        bound = owner.bindings.get(expr.id)
        if bound:
            event = bound[0].event if len(bound) == 1 else None
            shown = event.value if isinstance(event, Bind) and event.value is not None else expr
            break
        owner = owner.parent
    return shown.items[0] if isinstance(shown, Seq) and shown.kind == "tuple" and shown.items else expr


def _plain_texts(value: Value) -> Iterator[str]:
    """The texts that a value is or holds."""
    if isinstance(value, FromEnv) and value.fallback is not None:
        yield from _plain_texts(value.fallback)
    inner = value.value if isinstance(value, Known) else None
    if isinstance(inner, str):
        yield inner
    for item in inner.values() if isinstance(inner, dict) else inner if isinstance(inner, list) else ():
        if isinstance(item, Known | FromEnv):
            yield from _plain_texts(item)


def packages_of(path: str, roots: Iterable[str], tree: SourceTree) -> list[str]:
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
