"""Facts and entry points become a program: worlds are linked, then each launch's contexts are spread."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from proctor.link.app import App, LinkedWorld
from proctor.link.bodies import main_blocks
from proctor.link.computing import Computing
from proctor.link.linked import unread_reason
from proctor.link.names import World
from proctor.link.passed import given
from proctor.link.reach import shared_jobs
from proctor.link.rows import Rows
from proctor.link.same_code import code_key
from proctor.link.storage import Storages
from proctor.link.views import View
from proctor.model.fact import Call, Expr, Facts
from proctor.model.process import Declaration, ResolvedProcess
from proctor.model.program import Edge, Hit, Ref, Storage, UnitKey, Value
from proctor.model.rule import ArgumentTest, LauncherModel, LibraryModel
from proctor.model.tree import SourceTree
from proctor.model.words import Effect

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


class LinkedProgram(App):
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
        super().__init__(facts, declaration, resolved, rows, models, tree)
        self._home: dict[UnitKey, LinkedWorld] = {}
        self._storages: dict[World, Storages] = {}
        self._storage: dict[tuple[UnitKey, Expr], tuple[Storage, ...]] = {}
        self._reached: dict[UnitKey, None] | None = None
        firsts: dict[object, View] = {}
        views: list[View] = []
        for item in resolved:
            for launch in item.launches:
                key = code_key(item.process, launch)
                view = View(self, item.process, launch, models.get(launch.launcher), firsts.get(key))
                firsts.setdefault(key, view)
                views.append(view)
        self.views: tuple[View, ...] = tuple(views)
        self._link(tuple(firsts.values()))

    def _link(self, firsts: tuple[View, ...]) -> None:
        for view in firsts:
            view.take_target()
        _follow(firsts)
        # Only now are the settings known that conditions ask for (`if settings.DEBUG:`).
        asked = [(world, key) for world in self.worlds.values() for key in world.evaluator.refresh()]
        # Nor is it known before what the loops do that look endless.
        for world in self.worlds.values():
            world.linker.computing = Computing(world.linker).blocks()
            asked.extend((world, key) for key in world.linker.computing)
        if asked:
            for world, key in asked:
                world.linker.add(key)
            for view in firsts:
                view.reach.reset()
            _follow(firsts)
        for view in self.views:
            view.finish()
            for context in view.contexts:
                self._home.setdefault(context.unit, view.world)
        _share_unread(self.views, self.unread)

    def _world_of(self, key: UnitKey) -> LinkedWorld:
        home = self._home.get(key)
        if home is not None:
            return home
        return next(iter(self.worlds.values()), None) or self.world_for(("",))

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
        known = self._storage.get((key, expr))
        if known is None:
            world = self._world_of(key).world
            storages = self._storages.get(world)
            if storages is None:
                storages = self._storages[world] = Storages(world)
            known = self._storage[key, expr] = storages.of(world.scope(key), expr)
        return known

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
        return self.rows.life(symbol)

    def abilities(self, symbol: str) -> frozenset[Effect]:
        """The effects that methods of a library class have, as far as the models say."""
        return self.rows.abilities(self.rows.canonical(symbol))

    def calling(self, symbol: str, effect: Effect) -> tuple[Mapping[str, str], ...]:
        """The details of such an effect of calling a library function without arguments."""
        rows = self.rows.find(self.rows.effects, self.rows.canonical(symbol))
        return tuple(
            row.details
            for row in rows
            if effect in row.does and all(_holds_without(test) for test in row.where)
        )

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
        scope = home.world.scope(key)
        state = home.evaluator.block_states(scope)[block]
        return "main" if state != "dead" and block in main_blocks(scope.unit) else state

    def units(self) -> Iterable[UnitKey]:
        """Every unit that some process type reaches."""
        if self._reached is None:
            self._reached = dict.fromkeys(context.unit for view in self.views for context in view.contexts)
        return self._reached


def _share_unread(views: tuple[View, ...], unread: Mapping[str, str]) -> None:
    """A file that one program cannot read may hold the jobs that it hands to another one."""
    reasons = {unread_reason(path, reason) for path, reason in unread.items()}
    hidden = {view: [gap for gap in view.gaps if gap.reason in reasons] for view in views} if reasons else {}
    for view in views if any(hidden.values()) else ():
        for other, gaps in hidden.items():
            if other is not view and gaps and _hands_jobs_to(other, view):
                own = [msgspec.structs.replace(gap, process=view.process.name) for gap in gaps]
                view.gaps = tuple(dict.fromkeys((*view.gaps, *own)))


def _hands_jobs_to(view: View, other: View) -> bool:
    return any(hit.details.get("family", "") in other.drives for _, hit in view.hits("enqueues"))


def _follow(views: tuple[View, ...]) -> None:
    """Link and spread from the entry points on, until no program brings in anything new."""
    for view in views:
        view.start()
    _spread(views)
    brought_in = [view.reach.settle() for view in views]
    if any(brought_in):
        _spread(views)


def _spread(views: tuple[View, ...]) -> None:
    for _ in range(_MAX_ROUNDS):
        changed = False
        for view in views:
            changed = view.spread() or changed
        jobs = shared_jobs(view.reach for view in views)
        for view in views:
            changed = view.take_jobs(jobs, views) or changed
        if not changed:
            break


def _holds_without(test: ArgumentTest) -> bool:
    """Whether a test holds where its argument is absent."""
    if test.default is msgspec.UNSET:
        return test.present is False
    return test.default in test.equals if test.equals else test.default not in test.differs
