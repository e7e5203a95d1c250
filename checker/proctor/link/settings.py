"""Settings systems: what a program's configuration says, whoever decides it.

Two styles exist. A "module" system reads the upper-case names of one module, which an environment
variable names. A "mapping" system is filled by code: items, attributes, `update`, objects and modules.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from proctor.link.arithmetic import descend, each_below
from proctor.link.linked import EnvironmentWrite, Ledger, SettingWrite
from proctor.link.names import World
from proctor.link.passed import given
from proctor.link.rows import Rows
from proctor.link.scopes import Scope
from proctor.link.values import Evaluator
from proctor.model.fact import Attr, Bind, Call, Const, Event, Expr, Item, Map, Name, SetAttr, SetItem, Unit
from proctor.model.place import Place
from proctor.model.program import (
    FromEnv,
    Known,
    LibObj,
    LibRef,
    ModRef,
    ObjRef,
    Setting,
    UnitKey,
    UnitRef,
    Unknown,
    Value,
)
from proctor.model.rule import SettingsRow

Table = dict[str, Setting]
#: last names of settings modules that production does not load
_DEVELOPMENT = frozenset(
    {"dev", "devel", "development", "local", "localhost", "test", "tests", "testing", "debug", "ci"}
)
#: settings objects and the system each reads, for the evaluator
Accessors = dict[str, str]


def accessors(rows: Rows) -> Accessors:
    """Symbol of a settings object -> its system."""
    table: Accessors = {}
    for row in rows.settings:
        for name in (*row.accessor, *row.mapping):
            table[rows.canonical(name)] = row.system
    return table


class LaunchSettings:
    """The settings of one program. `reached` are the units whose writes count (None: all that were linked);
    `entry_files` are asked first for code that sets environment variables."""

    def __init__(
        self, world: World, ledger: Ledger, environment: Mapping[str, str], entry_files: Iterable[str]
    ) -> None:
        self.world = world
        self.ledger = ledger
        self.rows = world.rows
        self.environment = dict(environment)
        self.entry_files = tuple(entry_files)
        self.reached: frozenset[UnitKey] | None = None
        self._tables: dict[str, Table] = {}
        self._busy: set[str] = set()
        self.evaluator = Evaluator(world, self.environment, self._value_of, accessors(self.rows))

    def forget(self) -> None:
        """Drop what was computed, after more code was linked."""
        self._tables.clear()
        self.evaluator = Evaluator(self.world, self.environment, self._value_of, accessors(self.rows))

    def systems(self) -> frozenset[str]:
        """The systems that this program configures."""
        found = set()
        for row in self.rows.settings:
            if row.style == "module":
                if self.settings_module(row) is not None:
                    found.add(row.system)
            elif any(write.row.system == row.system for write in self._writes()):
                found.add(row.system)
        return frozenset(found)

    def table(self, system: str) -> Table:
        """Key -> setting, library defaults included; empty where the program does not use the system."""
        known = self._tables.get(system)
        if known is not None:
            return known
        if system in self._busy:
            return {}
        self._busy.add(system)
        table: Table = {}
        for row in self.rows.settings:
            if row.system == system:
                named = self.settings_module(row) if row.style == "module" else None
                for key, default in row.defaults.items():
                    value: Value = wrap(default)
                    if isinstance(named, FromEnv):
                        # another settings module may set what this one leaves at its default
                        value = FromEnv(named.variable, value)
                    table[key] = Setting(key, value, None, True)
                if row.style == "module":
                    table.update(self._module_table(row))
                else:
                    self._mapping_table(row, table)
        self._busy.discard(system)
        self._tables[system] = table
        return table

    def get(self, system: str, key: str) -> Setting | None:
        """One setting; nested keys after a dot ("CACHES.default.BACKEND")."""
        module_rows = [row for row in self.rows.settings if row.system == system and row.style == "module"]
        if module_rows and system not in self.systems():
            return None
        table = self.table(system)
        if key in table:
            return table[key]
        head, _, rest = key.partition(".")
        setting = table.get(head)
        if setting is None or not rest:
            return setting
        value = descend(setting.value, rest.split("."))
        return None if value is None else Setting(key, value, setting.place, setting.is_default)

    def find(self, system: str, pattern: str) -> Iterator[Setting]:
        """The settings that a key names in which `*` stands for each key of a mapping."""
        head, star, rest = pattern.partition(".*")
        setting = self.get(system, head)
        if setting is None or not star:
            yield from () if setting is None else (setting,)
            return
        for name, value in each_below(setting.value, f"*{rest}".split(".")):
            yield Setting(f"{head}.{name}", value, setting.place, setting.is_default)

    def _value_of(self, system: str, key: str) -> Value | None:
        setting = self.table(system).get(key)
        return setting.value if setting else None

    # --- module systems ---------------------------------------------------------------------------------

    def settings_module(self, row: SettingsRow) -> Value | None:
        """The dotted name of the settings module, whoever says it; None where nothing does.

        A default that the entry point's own code sets is taken as it stands, unless its name says that it is for
        development: then the variable decides, as it does where only other code of the app has a default.
        """
        if row.variable in self.environment:
            return Known(self.environment[row.variable])
        writes = [write for write in self.ledger.writes if write.variable == row.variable]
        chosen = self._nearest(writes)
        if chosen is None:
            others = [self.evaluator.evaluate(write.value, write.scope) for write in writes]
            return FromEnv(row.variable, others[0]) if others else None
        value = self.evaluator.evaluate(chosen.value, chosen.scope)
        if chosen.is_default and isinstance(value, Known) and _is_for_development(str(value.value)):
            return FromEnv(row.variable, value)
        return value

    def _nearest(self, writes: list[EnvironmentWrite]) -> EnvironmentWrite | None:
        for path in self.entry_files:
            for write in writes:
                if write.scope.key.path == path:
                    return write
        if self.reached is None:
            return writes[0] if writes else None
        return next((write for write in writes if write.scope.key in self.reached), None)

    def _module_table(self, row: SettingsRow) -> Table:
        named = self.settings_module(row)
        if named is None:
            return {}
        variable = ""
        if isinstance(named, FromEnv):
            variable, named = named.variable, named.fallback or Unknown("no fallback")
        if not isinstance(named, Known) or not isinstance(named.value, str):
            return {}
        path = self.world.find_module(named.value)
        if path is None:
            return {}
        table: Table = {}
        for key, (value, place) in self._module_items(row, path).items():
            if key.isupper():
                table[key] = Setting(key, FromEnv(variable, value) if variable else value, place)
        return table

    def _module_items(self, row: SettingsRow, path: str) -> Mapping[str, tuple[Value, Place]]:
        """The names of a settings module; where a class of it is chosen, that class's attributes."""
        name = self._settings_class(row)
        if not name:
            return self.evaluator.module_values(path)
        items: dict[str, tuple[Value, Place]] = {}
        for ref in self.world.module_attribute(path, name):
            for key, setting in self._object_table(ref).items():
                if setting.place is not None:
                    items[key] = (setting.value, setting.place)
        return items

    def sets_anything(self, row: SettingsRow, path: str) -> bool:
        """Whether a settings module has any setting that can be read."""
        return any(key.isupper() for key in self._module_items(row, path))

    def _settings_class(self, row: SettingsRow) -> str:
        if not row.class_variable:
            return ""
        if row.class_variable in self.environment:
            return self.environment[row.class_variable]
        chosen = self._nearest(
            [write for write in self.ledger.writes if write.variable == row.class_variable]
        )
        value = self.evaluator.evaluate(chosen.value, chosen.scope) if chosen else None
        return str(value.value) if isinstance(value, Known) else ""

    def settings_file(self, row: SettingsRow) -> str | None:
        """The file of the settings module in the tree."""
        named = self.settings_module(row)
        if isinstance(named, FromEnv):
            named = named.fallback
        if isinstance(named, Known) and isinstance(named.value, str):
            return self.world.find_module(named.value)
        return None

    # --- mapping systems ---------------------------------------------------------------------------------

    def _writes(self) -> list[SettingWrite]:
        return [
            write
            for (key, _), write in self.ledger.settings.items()
            if self.reached is None or key in self.reached
        ]

    def _mapping_table(self, row: SettingsRow, table: Table) -> None:
        for write in self._writes():
            if write.row.system != row.system:
                continue
            event, scope = write.event, write.scope
            if isinstance(event, SetItem):
                key = self.evaluator.evaluate(event.index, scope)
                if isinstance(key, Known) and isinstance(key.value, str):
                    self._put_here(row, table, key.value, self.evaluator.evaluate(event.value, scope), write)
            elif isinstance(event, SetAttr):
                self._put_here(row, table, event.name, self.evaluator.evaluate(event.value, scope), write)
            elif isinstance(event, Call) and write.role in ("update", "constructor"):
                self._update(row, table, event, write)
            elif isinstance(event, Call) and write.role == "from_object":
                self._from_object(row, table, event, scope)

    def _put(self, row: SettingsRow, table: Table, key: str, value: Value, place: Place) -> None:
        key = row.renames.get(key, key)
        if row.lower_keys:
            key = key.lower()
        table[key] = Setting(key, value, place)

    def _put_here(self, row: SettingsRow, table: Table, key: str, value: Value, write: SettingWrite) -> None:
        """A key set by one statement: what stands in an `except` or under a condition does not simply win."""
        scope, event = write.scope, write.event
        before = table.get(key)
        known = before is not None and not before.is_default
        where = _under(scope.unit, event.block)
        if where == "except":
            if known:
                return
            value = Unknown("it is set only after an error")
        state = self.evaluator.block_states(scope)[event.block]
        if state == "dead":
            return
        if state.startswith("env:"):
            value = FromEnv(state[4:], value)
        elif where == "if" and before is not None and known and before.value != value:
            value = Unknown("it is set under a condition")
        self._put(row, table, key, value, _at(scope, event))

    def _update(self, row: SettingsRow, table: Table, event: Call, write: SettingWrite) -> None:
        for arg in event.args[:1] if write.role == "update" else ():
            value = self.evaluator.evaluate(arg, write.scope)
            if isinstance(value, Known) and isinstance(value.value, dict):
                for key, item in value.value.items():
                    self._put_here(row, table, str(key), item, write)
        for key, expr in event.keywords:
            if key:
                self._put_here(row, table, key, self.evaluator.evaluate(expr, write.scope), write)

    def _from_object(self, row: SettingsRow, table: Table, event: Call, scope: Scope) -> None:
        if not event.args:
            return
        prefix = self._namespace(row, event, scope)
        for variable, fallback, keys in self._objects(event.args[0], scope):
            # An old name counts as it stands, with any namespace; the new name with its prefix goes before it.
            old = [(key, key) for key in keys if prefix and key in row.renames]
            new = [(key, key[len(prefix) :]) for key in keys if key.startswith(prefix)]
            for key, name in (*old, *new):
                setting = keys[key]
                value = setting.value
                if variable:
                    value = FromEnv(variable, value if fallback else Unknown("another object may be chosen"))
                self._put(row, table, name, value, setting.place or _at(scope, event))

    def _namespace(self, row: SettingsRow, event: Call, scope: Scope) -> str:
        if not row.namespace_argument:
            return ""
        expr = given(event, row.namespace_argument, None)
        value = self.evaluator.evaluate(expr, scope) if expr is not None else Known("")
        return f"{value.value}_" if isinstance(value, Known) and value.value else ""

    def _objects(self, expr: Expr, scope: Scope) -> list[tuple[str, bool, Table]]:
        """The objects that an expression may name: (deciding variable, whether it is the fallback, its keys)."""
        value = self.evaluator.evaluate(expr, scope)
        if isinstance(value, Known) and isinstance(value.value, str):
            return self._by_text(value.value, "", True)
        if isinstance(value, FromEnv):
            fallback = value.fallback
            if isinstance(fallback, Known) and isinstance(fallback.value, str):
                return self._by_text(fallback.value, value.variable, True)
        if isinstance(value, Known) and isinstance(value.value, dict):
            return [
                ("", True, {str(key): Setting(str(key), item, None) for key, item in value.value.items()})
            ]
        chosen = self._chosen(expr, scope)
        if chosen:
            return chosen
        found: list[tuple[str, bool, Table]] = []
        refs = self.world.resolve(expr, scope)
        variable = value.variable if isinstance(value, FromEnv) else ""
        unsure = variable or (expr.id if isinstance(expr, Name) else "the caller") * (len(refs) > 1)
        for ref in refs:
            table = self._object_table(ref)
            if table:
                found.append((unsure, False, table))
        return found[:1] if not unsure else found

    def _chosen(self, expr: Expr, scope: Scope) -> list[tuple[str, bool, Table]]:
        """`configs[os.environ.get("ENV", "production")]`: the entry under the key that is in force."""
        index: Expr | None = None
        if isinstance(expr, Item):
            container, index = expr.value, expr.index
        elif isinstance(expr, Name):
            for binding in self.world.lookup(expr.id, scope):
                if isinstance(binding.event, Bind) and isinstance(binding.event.value, Item):
                    return self._chosen(binding.event.value, binding.scope)
            return []
        if index is None:
            return []
        key = self.evaluator.evaluate(index, scope)
        variable = ""
        if isinstance(key, FromEnv):
            variable, key = key.variable, key.fallback or Unknown("no fallback")
        display = self._display(container, scope)
        if display is None or not isinstance(key, Known):
            return []
        mapping, home = display
        for name, value in zip(mapping.keys, mapping.values, strict=True):
            if isinstance(name, Const) and name.value == key.value:
                for ref in self.world.resolve(value, home):
                    table = self._object_table(ref)
                    if table:
                        return [(variable, True, table)]
        return []

    def _display(self, expr: Expr, scope: Scope) -> tuple[Map, Scope] | None:
        if isinstance(expr, Map):
            return expr, scope
        if isinstance(expr, Name):
            for binding in self.world.lookup(expr.id, scope):
                if isinstance(binding.event, Bind) and isinstance(binding.event.value, Map):
                    return binding.event.value, binding.scope
                if binding.event is not None and not isinstance(binding.event, Bind):
                    path, name = self._import_of(binding.scope, binding.event)
                    module = self.world.module(path) if path and not path.endswith("/") else None
                    if module is not None and module is not scope.module and name:
                        return self._display(Name(name), module.scopes[0])
        if isinstance(expr, Attr):
            for ref in self.world.resolve(expr.value, scope):
                if isinstance(ref, ModRef):
                    module = self.world.module(ref.path)
                    if module is not None:
                        return self._display(Name(expr.name), module.scopes[0])
        return None

    def _import_of(self, scope: Scope, event: object) -> tuple[str | None, str | None]:
        from proctor.model.fact import Import

        if isinstance(event, Import):
            return self.world.import_target(scope.module, event)[0], event.name
        return None, None

    def _by_text(self, dotted: str, variable: str, fallback: bool) -> list[tuple[str, bool, Table]]:
        dotted = dotted.replace(":", ".")
        path = self.world.find_module(dotted)
        if path is not None and not path.endswith("/"):
            return [(variable, fallback, self._object_table(ModRef(path)))]
        module, _, name = dotted.rpartition(".")
        path = self.world.find_module(module) if module else None
        if path is None:
            # A dotted name of a settings object of a module system ("django.conf:settings").
            system = self.evaluator.accessors.get(self.rows.canonical(dotted))
            return [(variable, fallback, self.table(system))] if system else []
        for ref in self.world.module_attribute(path, name):
            return [(variable, fallback, self._object_table(ref))]
        return []

    def _object_table(self, ref: object) -> Table:
        table: Table = {}
        if isinstance(ref, ModRef):
            for key, (value, place) in self.evaluator.module_values(ref.path).items():
                if not key.startswith("_"):
                    table[key] = Setting(key, value, place)
        elif isinstance(ref, UnitRef | ObjRef) and self.world.unit_kind(ref) == "class":
            project, _ = self.world.mro(UnitKey(ref.path, ref.number))
            for owner in reversed(project):
                scope = self.world.scope(owner)
                for event in scope.unit.events:
                    if isinstance(event, Bind) and event.value is not None and not event.name.startswith("_"):
                        before = table.get(event.name)
                        value = self.evaluator.classes.binding(event, scope, before.value if before else None)
                        table[event.name] = Setting(event.name, value, _at(scope, event))
        elif isinstance(ref, LibRef | LibObj):
            name = ref.symbol if isinstance(ref, LibRef) else ref.type
            system = self.evaluator.accessors.get(name)
            if system:
                return self.table(system)
        return table


def _is_for_development(dotted: str) -> bool:
    last = dotted.rpartition(".")[2].lower()
    return any(word in last.split("_") for word in _DEVELOPMENT)


def _under(unit: Unit, block: int) -> str:
    """ "except" or "if" where a block stands in such a block of its unit, the nearest first; else ""."""
    while block:
        kind = unit.blocks[block].kind
        if kind in ("except", "if", "else"):
            return "except" if kind == "except" else "if"
        block = unit.blocks[block].parent
    return ""


def _at(scope: Scope, event: Event) -> Place:
    return Place(scope.key.path, event.line, event.column, event.end_line, event.end_column)


def wrap(value: Any) -> Value:
    """A plain value from a TOML file as a known one."""
    if isinstance(value, dict):
        return Known({key: wrap(item) for key, item in value.items()})
    if isinstance(value, list):
        return Known([wrap(item) for item in value])
    return Known(value)
