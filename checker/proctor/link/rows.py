"""Library models as an index: which rows speak of a dotted symbol."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping
from typing import TypeVar

from proctor.model.rule import (
    BaseRow,
    EffectRow,
    EnvironmentRow,
    LibraryModel,
    LoadsRow,
    ReturnsRow,
    RunsRow,
    SettingsRow,
)
from proctor.model.words import Effect

R = TypeVar("R")

_ANY_ATTRIBUTE = ".__getattr__()"


class Rows:
    """All rows in force for one app (rows bound to other versions than the pinned ones are left out).

    Look-ups take canonical symbols (`canonical`); a method's rows are found on its class and the class's bases.
    """

    def __init__(self, libraries: Iterable[LibraryModel], requirements: Mapping[str, str]) -> None:
        self.effects: dict[str, list[EffectRow]] = {}
        self.effect_reads: dict[str, list[EffectRow]] = {}
        self.effect_writes: dict[str, list[EffectRow]] = {}
        #: (system, key, row): what it does that a setting is set
        self.setting_effects: list[tuple[str, str, EffectRow]] = []
        self.returns: dict[str, list[ReturnsRow]] = {}
        self.attributes: dict[str, list[ReturnsRow]] = {}
        #: classes of which a row speaks of all attributes that have no meaning of their own (`X.__getattr__()`)
        self.open: set[str] = set()
        #: rows of calls that make an instance of a class that they are given
        self.makers: dict[str, list[ReturnsRow]] = {}
        self.runs: dict[str, list[RunsRow]] = {}
        self.run_decorators: dict[str, list[RunsRow]] = {}
        self.run_writes: dict[str, list[RunsRow]] = {}
        self.bases: dict[str, list[BaseRow]] = {}
        #: rows for classes of libraries that no model speaks of
        self.like_bases: list[BaseRow] = []
        self.loads: dict[str, list[LoadsRow]] = {}
        #: calls that run files in the place of the module that makes them (see `included`)
        self.including: set[str] = set()
        self.trigger_loads: dict[str, list[LoadsRow]] = {}
        self.settings: list[SettingsRow] = []
        self.environment_calls: dict[str, EnvironmentRow] = {}
        self.environment_items: dict[str, EnvironmentRow] = {}
        self.environment_fills: dict[str, Mapping[str, str]] = {}
        self.environment_setters: set[str] = set()
        self.environment_fields: set[str] = set()
        self.class_bases: dict[str, tuple[str, ...]] = {}
        self.transparent: set[str] = set()
        self.roots: set[str] = set()
        #: library class -> trigger family whose launchers may name a project class in its stead
        self.entry_classes: dict[str, str] = {}
        #: library function -> trigger family that takes the class which is its first argument for such a class
        self.entry_calls: dict[str, str] = {}
        #: settings symbol -> (row, role); see `settings.ROLES`
        self.setting_symbols: dict[str, list[tuple[SettingsRow, str]]] = {}
        #: library class -> how long its instances live (`ClassRow.lives`)
        self.lives: dict[str, str] = {}
        #: objects of libraries under whose attributes decorators keep functions (`RunsRow.keeps`)
        self.holders: set[str] = set()
        self._alias: dict[str, str] = {}
        self._ancestors: dict[str, tuple[str, ...]] = {}
        self._canonical: dict[str, str] = {}
        self._chains: dict[str, tuple[str, ...]] = {}
        self._abilities: dict[str, set[Effect]] = {}
        self._required = frozenset(requirements)
        models = tuple(libraries)
        for model in models:
            for row in model.classes:
                self.class_bases[row.name] = (*self.class_bases.get(row.name, ()), *row.bases)
                self._alias.update(dict.fromkeys(row.alias, row.name))
                if row.entry_of:
                    self.entry_classes[row.name] = row.entry_of
                    self.entry_calls.update(dict.fromkeys(row.entry_calls, row.entry_of))
                if row.lives:
                    self.lives[row.name] = row.lives
        for model in models:
            self._add(model, requirements.get(_normal(model.distribution), ""))
        #: the last names of the attributes whose being set has an effect
        self.written_names = frozenset(name.rpartition(".")[2] for name in self.effect_writes)

    def _add(self, model: LibraryModel, version: str) -> None:
        self.roots.update(model.modules)
        self.transparent.update(self.canonical(name) for name in model.transparent)
        for effect in model.effect:
            if _in_force(effect.versions, version):
                self._index(self.effects, effect.call, effect)
                self._index(self.effect_reads, effect.read, effect)
                self._index(self.effect_writes, effect.write, effect)
                for name in effect.setting:
                    system, _, key = name.partition(":")
                    self.setting_effects.append((system, key, effect))
        for returns in model.returns:
            if _in_force(returns.versions, version):
                self._index(self.returns, returns.call, returns)
                self._index(self.attributes, returns.attribute, returns)
                ends = (each for each in returns.attribute if each.endswith(_ANY_ATTRIBUTE))
                self.open.update(self.canonical(each.removesuffix(_ANY_ATTRIBUTE)) for each in ends)
                if returns.made_of:
                    self._index(self.makers, returns.call, returns)
        for runs in model.runs:
            if _in_force(runs.versions, version):
                self._index(self.runs, runs.call, runs)
                if runs.keeps:
                    self.holders.add(self.canonical(runs.keeps))
                self._index(self.run_decorators, runs.decorator, runs)
                self._index(self.run_writes, runs.write, runs)
        for base in model.base:
            if _in_force(base.versions, version):
                self._index(self.bases, base.class_, base)
                if base.like:
                    self.like_bases.append(base)
        self._add_frameworks(model, version)

    def _add_frameworks(self, model: LibraryModel, version: str) -> None:
        for loads in model.loads:
            if _in_force(loads.versions, version):
                self._index(self.loads, loads.call, loads)
                self.including.update(self.canonical(name) for name in loads.call if loads.files)
                if loads.trigger:
                    self.trigger_loads.setdefault(loads.trigger, []).append(loads)
        for settings in model.settings:
            if _in_force(settings.versions, version):
                self.settings.append(settings)
                self._add_settings(settings)
        for environment in model.environment:
            for name in environment.call:
                self.environment_calls[self.canonical(name)] = environment
            for name in environment.item:
                self.environment_items[self.canonical(name)] = environment
            for name in environment.fill_call:
                self.environment_fills[self.canonical(name)] = environment.fills
            self.environment_setters.update(self.canonical(name) for name in environment.sets)
            self.environment_fields.update(self.canonical(name) for name in environment.fields_of)

    def _add_settings(self, row: SettingsRow) -> None:
        roles = {
            "mapping": row.mapping,
            "from_object": row.from_object,
            "from_envvar": row.from_envvar,
            "update": row.update,
            "constructor": row.constructor,
        }
        for role, names in roles.items():
            for name in names:
                self.setting_symbols.setdefault(self.canonical(name), []).append((row, role))

    def _index(self, table: dict[str, list[R]], names: Iterable[str], row: R) -> None:
        for name in names:
            table.setdefault(self.canonical(name), []).append(row)

    def canonical(self, symbol: str) -> str:
        """The dotted name under which rows speak of `symbol`: re-exports are undone, prefix by prefix."""
        known = self._canonical.get(symbol)
        if known is None:
            known = self._canonical[symbol] = self._canonise(symbol)
        return known

    def _canonise(self, symbol: str) -> str:
        for _ in range(4):
            head, tail = symbol, ""
            while head and head not in self._alias:
                head, _, last = head.rpartition(".")
                tail = f".{last}{tail}"
            if not head:
                return symbol
            symbol = self._alias[head] + tail
        return symbol

    def ancestors(self, name: str) -> tuple[str, ...]:
        """A library class and its library bases, nearest first."""
        found = self._ancestors.get(name)
        if found is None:
            order: dict[str, None] = {}
            queue = [name]
            while queue:
                current = queue.pop(0)
                if current not in order:
                    order[current] = None
                    queue.extend(self.canonical(base) for base in self.class_bases.get(current, ()))
            found = self._ancestors[name] = tuple(order)
        return found

    def take_for(self, symbol: str, base: str) -> None:
        """A class that no model speaks of is used as one below `base`."""
        symbol = self.canonical(symbol)
        if symbol not in self.class_bases and symbol.partition(".")[0] not in self.roots:
            self.class_bases[symbol] = (base,)
            self._ancestors.clear()
            self._chains.clear()

    def life(self, symbol: str) -> str:
        """How long instances of a library class live."""
        return next(
            (self.lives[name] for name in self.ancestors(self.canonical(symbol)) if name in self.lives), ""
        )

    def chain(self, symbol: str) -> tuple[str, ...]:
        """The symbols whose rows hold for `symbol`: itself, then the same member on each base class."""
        found = self._chains.get(symbol)
        if found is None:
            owner, dot, member = symbol.rpartition(".")
            if dot and owner in self.class_bases:
                found = tuple(f"{name}.{member}" for name in self.ancestors(owner))
            elif symbol in self.class_bases:
                found = self.ancestors(symbol)
            else:
                found = (symbol,)
            self._chains[symbol] = found
        return found

    def abilities(self, name: str) -> frozenset[Effect]:
        """The effects that methods of a library class have."""
        if not self._abilities:
            for table in (self.effects, self.effect_reads, self.effect_writes):
                for symbol, rows in table.items():
                    owner = symbol.rpartition(".")[0]
                    self._abilities.setdefault(owner, set()).update(e for row in rows for e in row.does)
        return frozenset(effect for each in self.ancestors(name) for effect in self._abilities.get(each, ()))

    def is_required(self, top: str) -> bool | None:
        """Whether a package comes from a required distribution, by its name; None where nothing says what is required."""
        name = _normal(top)
        spellings = (name, f"python-{name}", f"py{name}", f"{name}-python", f"django-{name}", f"flask-{name}")
        return any(each in self._required for each in spellings) if self._required else None

    def is_unknown(self, symbol: str) -> bool:
        """Whether no model speaks of the library that a symbol is of."""
        return not (self.knows(symbol) or symbol in self.class_bases)

    def knows(self, symbol: str) -> bool:
        """Whether the package that a symbol is of is the standard library's, or one that a model speaks of."""
        root = symbol.partition(".")[0]
        return root in sys.stdlib_module_names or root in self.roots

    def is_transparent(self, symbol: str) -> bool:
        """Whether a decorator or wrapper of this name leaves the function what it is."""
        return any(name in self.transparent for name in self.chain(symbol))

    def speak_of(self, symbol: str) -> bool:
        """Whether any row says what calling `symbol` does."""
        return any(
            name in table
            for name in self.chain(symbol)
            for table in (self.effects, self.runs, self.returns, self.loads, self.environment_calls)
        )

    def find(self, table: Mapping[str, list[R]], symbol: str) -> list[R]:
        """The rows of a table for the most specific symbol of the chain that has any."""
        for name in self.chain(symbol):
            rows = table.get(name)
            if rows:
                return rows
        return []

    def find_member(self, table: Mapping[str, list[R]], symbol: str) -> list[R]:
        """As `find`; rows for `X.*` speak of every member of `X` that no other row does."""
        return self.find(table, symbol) or self.find(table, f"{symbol.rpartition('.')[0]}.*")

    def any_attribute(self, owner: str, symbol: str) -> list[ReturnsRow]:
        """The rows for an attribute of which nothing else speaks, where its class has one for every name."""
        if owner not in self.open or self.speak_of(symbol):
            return []
        return self.attributes.get(owner + _ANY_ATTRIBUTE, [])


def _normal(distribution: str) -> str:
    return distribution.lower().replace("_", "-").replace(".", "-")


def _in_force(specifier: str, version: str) -> bool:
    """Without a pinned version every row holds that fits the newest release, so open-ended ones do."""
    if not specifier:
        return True
    from packaging.specifiers import InvalidSpecifier, SpecifierSet
    from packaging.version import InvalidVersion, Version

    try:
        allowed = SpecifierSet(specifier)
        return allowed.contains(Version(version or "9999"), prereleases=True)
    except (InvalidSpecifier, InvalidVersion):
        return False
