"""Units are linked from roots on, until nothing new is found."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.link.asked import is_operator
from proctor.link.linked import Ledger
from proctor.link.names import World
from proctor.link.storage import Storages
from proctor.link.units import link_unit
from proctor.link.values import Evaluator
from proctor.model.fact import Attr, Bind, SetAttr
from proctor.model.program import UnitKey
from proctor.model.words import Effect


class Linker(Ledger):
    """Links the units of one world, from roots, until nothing new is found."""

    def __init__(self, world: World, evaluator: Evaluator, unread: Mapping[str, str]) -> None:
        super().__init__(world, evaluator, unread)
        self._methods: dict[str, list[UnitKey]] = {}
        self._indexed: set[str] = set()
        #: how many times a unit was linked
        self.n_linked = 0
        self._guessed_at = -1
        self._new_operators: set[str] = set()

    def run(self) -> None:
        """Link everything on the list and all that it reaches."""
        while self._queue:
            while self._queue:
                key = self._queue.popleft()
                self._queued.discard(key)
                self._link(key)
            self._tell_readers()
            self._tell_operators()
            self._guess()

    def _tell_operators(self) -> None:
        """Units that were linked before a class gave one of their operators a meaning are linked again."""
        if not self._new_operators:
            return
        new, self._new_operators = self._new_operators, set()
        for key in self.units:
            if any(not new.isdisjoint(each.methods) for each in self.world.scope(key).operations):
                self.add(key)

    def _tell_readers(self) -> None:
        outdated, self.world.outdated = self.world.outdated, set()
        for reader in sorted(outdated):
            self.add(reader)

    def _link(self, key: UnitKey) -> None:
        if self.world.module(key.path) is None:
            return
        self.n_linked += 1
        self.world.begin(key)
        linked = link_unit(self, self.world.scope(key))
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

    def closure(self, key: UnitKey) -> tuple[Effect, ...] | None:
        """The effects of a unit and of all that it calls; None where part of that could not be followed."""
        seen = {key}
        queue = [key]
        effects: dict[Effect, None] = {}
        while queue:
            current = queue.pop()
            linked = self.units.get(current)
            if linked is None or any(hidden.target is None and not hidden.begins for hidden in linked.hidden):
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
        storages = Storages(self.world)
        if any(storages.of(scope, container) for container in scope.additions):
            return True
        return any(
            isinstance(event, SetAttr) and storages.of(scope, Attr(event.obj, event.name))
            for event in scope.unit.events
        )

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
                if is_operator(unit.name) and unit.name not in self.operators:
                    self.operators.add(unit.name)
                    self._new_operators.add(unit.name)

    def _guess(self) -> None:
        """A method name that one loaded class alone has tells the receiver."""
        if self._guessed_at == self.n_linked:
            return
        self._guessed_at = self.n_linked
        for name in sorted(self._vague.keys() & self._methods.keys()):
            owners = self._methods[name]
            for key, event in sorted(self._vague[name]) if len(owners) == 1 else ():
                if (key, event) not in self._guessed:
                    self._guessed[(key, event)] = owners[0]
                    self.add(key)
