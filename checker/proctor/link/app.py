"""What is known of an app before its programs are followed: files, declarations, models, worlds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from proctor.link.command_line import words_of
from proctor.link.import_folders import added_folders
from proctor.link.linker import Linker
from proctor.link.names import World
from proctor.link.rows import Rows
from proctor.link.settings import LaunchSettings, accessors
from proctor.link.values import Evaluator
from proctor.model.fact import Event, Facts, FileFacts, Unit
from proctor.model.place import Place
from proctor.model.process import Declaration, ResolvedProcess
from proctor.model.program import UnitKey, Value
from proctor.model.rule import LauncherModel
from proctor.model.tree import SourceTree


class App:
    """One app."""

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
        self.variables = {k: v for k, v in declaration.variables.items() if v is not None}
        self.worlds: dict[tuple[str, ...], LinkedWorld] = {}
        entries = [launch.entry for each in resolved for launch in each.launches if launch.entry]
        added = added_folders(tree, facts.files, facts.path_writers)
        installed = (folder for entry in entries for folder in entry.installed)
        self.said = words_of(resolved)
        #: folders that are searched for modules of the tree after the import folders of a program
        self.further = tuple(dict.fromkeys([*added, *installed]))

    def world_for(self, python_path: tuple[str, ...]) -> LinkedWorld:
        """The world of a list of import folders."""
        world = self.worlds.get(python_path)
        if world is None:
            world = LinkedWorld(self, python_path, self.variables)
            self.worlds[python_path] = world
        return world

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


class LinkedWorld:
    """A world with its linker, shared by the launches that search the same import folders."""

    def __init__(self, app: App, roots: tuple[str, ...], variables: Mapping[str, str]) -> None:
        self.world = World(app.tree, app.files, app.rows, roots, app.further)
        self.world.said = app.said
        self.settings: LaunchSettings | None = None
        self.evaluator = Evaluator(self.world, variables, self._setting, accessors(app.rows))
        self.linker = Linker(self.world, self.evaluator, app.unread)

    def _setting(self, system: str, key: str) -> Value | None:
        """While linking, settings objects answer as the first launch of this world sees them."""
        if self.settings is None:
            return None
        found = self.settings.table(system).get(key)
        return found.value if found else None
