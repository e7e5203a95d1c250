"""Functions and methods that rows say are run: which they are, and what they are given."""

from __future__ import annotations

from collections.abc import Iterable
from fnmatch import fnmatchcase
from typing import Literal

from proctor.link.command_names import names_of
from proctor.link.memory import Cell, Refs, contents_cell
from proctor.link.passed import given
from proctor.link.records import classes_named
from proctor.link.scopes import Scope, fixed_prefix
from proctor.link.sheet import Part
from proctor.model.fact import (
    Attr,
    Call,
    Const,
    Event,
    Expr,
    Map,
    Name,
    Result,
    Return,
    Seq,
    Star,
    Unit,
    last_name,
)
from proctor.model.program import (
    BoundRef,
    ConstRef,
    Lane,
    LibObj,
    ModRef,
    ObjRef,
    Ref,
    UnitKey,
    UnitRef,
)
from proctor.model.rule import BaseRow, RunsRow

#: how many positional arguments beyond the named ones are told apart
_MOST_EXTRA = 6
_CONTAINERS = frozenset({"builtins.list", "builtins.tuple", "builtins.dict", "builtins.set"})


class Runs(Part):
    """Functions and methods that calls, decorators, assignments and base classes make run."""

    def base_rows(self, library: Iterable[str]) -> list[BaseRow]:
        """The rows of library classes and of the classes above them."""
        found: dict[int, BaseRow] = {}
        for name in library:
            for ancestor in self.rows.ancestors(name):
                for row in self.rows.bases.get(ancestor, ()):
                    found[id(row)] = row
            if not self.rows.speak_of(name) and not name.startswith("builtins."):
                last = name.rpartition(".")[2]
                for row in self.rows.like_bases:
                    if any(fnmatchcase(last, pattern) for pattern in row.like):
                        found[id(row)] = row
        return list(found.values())

    def register_methods(
        self, row: BaseRow, project: tuple[UnitKey, ...], library: tuple[str, ...], number: int, event: Event
    ) -> None:
        """Note the methods of a class that a row has run."""
        seen: set[str] = set()
        for owner in project:
            for method in self.methods(owner, row.methods):
                unit = self.world.scope(method).unit
                if unit.name in seen:
                    continue
                seen.add(unit.name)
                about = project[:1] if row.own else ()
                for key in (method, *self._around(method)):
                    self.register(key, row.phase, row.trigger, row, number, event, "registers", about=about)
                for offset, passed in enumerate(row.passes, 1):
                    if passed and offset < len(unit.params):
                        self.ledger.feed(method, offset, (LibObj(self.rows.canonical(passed)),))

    def _around(self, method: UnitKey) -> list[UnitKey]:
        """The functions that decorators put around a method."""
        scope = self.world.scope(method)
        if not scope.unit.decorators or scope.parent is None:
            return []
        made = self.world.decorated(scope.parent, method.number, 0)
        keys = [UnitKey(ref.path, ref.number) for ref in made if isinstance(ref, UnitRef | BoundRef)]
        return [
            key for key in keys if key != method and self.world.scope(key).unit.kind in ("function", "lambda")
        ]

    def methods(self, owner: UnitKey, patterns: Iterable[str]) -> tuple[UnitKey, ...]:
        """The methods of a class whose names fit."""
        wanted = tuple(patterns)
        found = self.ledger.methods.get((owner, wanted))
        if found is None:
            module = self.world.module(owner.path)
            if module is None:
                return ()
            body = module.facts.units[owner.number]
            found = self.ledger.methods[owner, wanted] = tuple(
                UnitKey(owner.path, unit.index)
                for unit in module.functions_of(owner.number)
                if any(_fits(unit, pattern, body) for pattern in wanted)
            )
        return found

    def register(
        self,
        target: UnitKey,
        phase: str,
        trigger: str,
        row: RunsRow | BaseRow,
        number: int,
        event: Event,
        how: str,
        within: UnitKey | None = None,
        about: tuple[UnitKey, ...] = (),
    ) -> None:
        """Note that a row has `target` run. Functions that it gives back in a mapping (what a template may call) are
        run by the library as well."""
        unit = self.world.scope(target).unit
        lane: Lane | None = None
        if row.thread and not (row.on_loop and unit.is_async):
            lane = "thread"
        elif row.on_loop or unit.is_async:
            lane = "loop"
        if row.process:
            lane = "main"
        names = names_of(row, unit, event, self.unit.events) if isinstance(row, RunsRow) else ()
        made = self._made_by(target) if isinstance(row, RunsRow) and row.result else ()
        # a generator is left at its `yield` until the phase that comes after it
        after = row.after_yield if isinstance(row, RunsRow) and unit.is_generator else ""
        parts: list[tuple[str, Literal["", "before", "after"]]] = [(phase, "before" if after else "")]
        if after:
            parts.append((after, "after"))
        for key in (target, *made, *self._handed_back(target)):
            for each, part in parts:
                self.sheet.edge(
                    key,
                    number,
                    event.block,
                    self.sheet.place(event),
                    how if not trigger else "registers",
                    phase=None if each in ("same", "later") else each,  # type: ignore[arg-type]  # checked when rows are loaded
                    lane=lane,
                    trigger=trigger,
                    process=row.process,
                    part=part,
                    nested=isinstance(row, RunsRow) and row.nested,
                    parallel=isinstance(row, RunsRow) and row.parallel,
                    later=each == "later",
                    names=names,
                    within=within,
                    about=about,
                )

    def _made_by(self, key: UnitKey) -> list[UnitKey]:
        return [
            UnitKey(ref.path, ref.number) for ref in self.world.returned(key) if self.world.is_function(ref)
        ]

    def _handed_back(self, key: UnitKey) -> list[UnitKey]:
        scope = self.world.scope(key)
        displays = [e.value for e in scope.given if isinstance(e, Return) and isinstance(e.value, Map)]
        return [
            UnitKey(ref.path, ref.number)
            for display in displays
            for ref in self.world.contents(display, scope, values=True)
            if self.world.is_function(ref)
        ]

    def offset(self, ref: UnitRef | BoundRef) -> int:
        """1 where calling a method fills its first parameter by itself, else 0."""
        scope = self.world.scope(UnitKey(ref.path, ref.number))
        if not isinstance(ref, BoundRef) or scope.parent is None or scope.parent.unit.kind != "class":
            return 0
        static = any(isinstance(d, Name) and d.id == "staticmethod" for d in scope.unit.decorators)
        return 0 if static else 1

    def pass_arguments(self, key: UnitKey, offset: int, call: Call) -> None:
        """Let the arguments of a call flow into the parameters of a unit."""
        scope = self.world.scope(key)
        by_name, (positional, rest, others) = scope.param_index, scope.signature
        for number, arg in enumerate(call.args):
            if isinstance(arg, Star):
                self._hand_on(key, arg.value, "args", positional[number + offset :], rest)
                break
            place = number + offset
            target = positional[place] if place < len(positional) else rest
            if target is not None:
                refs = self.passable(arg)
                self.ledger.feed(key, target, refs)
                self._pass_contents(key, target, arg)
                self._fill(key, target, arg)
                if place >= len(positional):
                    self.ledger.feed_kept(_extra(key, place - len(positional)), refs)
        for name, value in call.keywords:
            if not name:
                self._hand_on_named(key, value, by_name, others)
                continue
            target = by_name.get(name, others)
            if target is not None:
                refs = self.passable(value)
                self.ledger.feed(key, target, refs)
                self._pass_contents(key, target, value)
                self._fill(key, target, value)
                if target == others:
                    self.ledger.feed_kept(_extra(key, name), refs)

    def _own_rest(self, expr: Expr, kind: str) -> Scope | None:
        """The function whose `*args` or `**kwargs` an expression is: the unit itself, or one around it."""
        scope: Scope | None = self.scope
        while scope is not None and isinstance(expr, Name):
            number = scope.param_index.get(expr.id)
            if number is not None:
                return scope if scope.unit.params[number].kind == kind else None
            scope = scope.parent
        return None

    def _hand_on(self, key: UnitKey, expr: Expr, kind: str, places: list[int], rest: int | None) -> None:
        """`f(*args)`: what the unit itself got beyond its named parameters."""
        home = self._own_rest(expr, kind)
        for number in range(_MOST_EXTRA) if home is not None else ():
            assert home is not None
            refs = self.world.look_at(_extra(home.key, number))
            target = places[number] if number < len(places) else rest
            if refs and target is not None:
                self.ledger.feed(key, target, refs)
                if number >= len(places):
                    self.ledger.feed_kept(_extra(key, number - len(places)), refs)

    def _hand_on_named(self, key: UnitKey, expr: Expr, by_name: dict[str, int], others: int | None) -> None:
        home = self._own_rest(expr, "kwargs")
        if home is None:
            return
        for name, target in by_name.items():
            if target != others:
                self.ledger.feed(key, target, self.world.look_at(_extra(home.key, name)))
        if others is not None:
            number = next(i for i, param in enumerate(home.unit.params) if param.kind == "kwargs")
            self.ledger.feed(key, others, self.world.look_at((home.key, number)))

    def _pass_contents(self, key: UnitKey, number: int, expr: Expr) -> None:
        """What a container holds flows along with it."""
        self.ledger.feed(key, contents_cell(number), self.held(expr))

    def held(self, expr: Expr) -> Refs:
        """What a container that is passed on holds, beside plain numbers and texts."""
        refs = () if isinstance(expr, Const) else self.world.resolve(expr, self.scope)
        if isinstance(expr, Name) and self._own_rest(expr, "args") is not None:
            return refs
        if not any(isinstance(ref, LibObj) and ref.type in _CONTAINERS for ref in refs):
            return ()
        return tuple(
            ref for ref in self.world.contents(expr, self.scope, values=True) if not isinstance(ref, ConstRef)
        )

    def _fill(self, key: UnitKey, number: int, expr: Expr) -> None:
        """A container that is passed gets what the unit puts into it."""
        scope = self.world.scope(key)
        if number in scope.fills and isinstance(expr, Name | Attr):
            filled = self.world.containers.filled(scope, number)
            for cell in self.world.containers.filled_cells(expr, self.scope):
                self.ledger.feed_kept(cell, filled)

    def passable(self, expr: Expr) -> Refs:
        """What flows on through a parameter: functions, classes, objects and names of modules, not plain numbers, texts
        and containers."""
        return tuple(
            ref
            for ref in self.world.resolve(expr, self.scope)
            if (not isinstance(ref, ConstRef) or self.world.names_code(ref.value))
            and not (isinstance(ref, LibObj) and ref.type.startswith("builtins."))
        )

    def names_held(self, expr: Expr) -> Refs:
        """What a display that is kept holds, among its keys too: functions, classes, objects and names of modules."""
        if not isinstance(expr, Map | Seq):
            return ()
        held = (
            *self.world.contents(expr, self.scope, values=True),
            *self.world.contents(expr, self.scope, values=False),
        )
        return tuple(
            ref
            for ref in dict.fromkeys(held)
            if not isinstance(ref, ConstRef) or self.world.names_code(ref.value)
        )

    def _feed_beside(self, row: RunsRow, table: Expr) -> None:
        """A mapping that stands beside a class in a table holds keyword arguments for its methods
        (`[("/", Page, {"store": store})]`)."""
        for entry in table.items if isinstance(table, Seq) else ():
            parts = entry.items if isinstance(entry, Seq) else ()
            given = [part for part in parts if isinstance(part, Map)]
            classes = [
                UnitKey(ref.path, ref.number)
                for part in (parts if given else ())
                for ref in self.world.resolve(part, self.scope)
                if isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class"
            ]
            for key in (owner for each in classes for owner in self.world.mro(each)[0]):
                for method in self.methods(key, row.methods):
                    self._feed_names(method, given)

    def _feed_names(self, method: UnitKey, mappings: Iterable[Map]) -> None:
        names = {param.name: number for number, param in enumerate(self.world.scope(method).unit.params)}
        for mapping in mappings:
            for name, value in zip(mapping.keys, mapping.values, strict=True):
                if isinstance(name, Const) and name.value in names:
                    self.ledger.feed(method, names[str(name.value)], self.passable(value))

    def follow(self, row: RunsRow, number: int, event: Call) -> None:
        """Run what a call gives for the argument that a row names."""
        exprs: list[Expr] = []
        chosen = self._receiver(event) if row.argument == "self" else given(event, row.argument, row.position)
        within = self.group(event.func) if row.named else None
        if chosen is not None:
            exprs.append(chosen)
        elif row.argument == "*":
            exprs.extend(value for _, value in event.keywords)
        if row.rest and row.position is not None:
            exprs.extend(event.args[row.position + 1 :])
        for expr in exprs:
            if row.made and self.unit.kind == "class":
                for ref in self.targets(row, expr):
                    if isinstance(ref, UnitRef | BoundRef) and self.world.unit_kind(ref) != "class":
                        self.ledger.add_factory(self.key, UnitKey(ref.path, ref.number))
                continue
            self.run(row, self.targets(row, expr), number, event, event, within)
            if row.methods:
                self._feed_beside(row, expr)
            if not row.trigger:
                self.sheet.handed_on(row, expr, number, event)

    def _receiver(self, event: Call) -> Expr | None:
        return event.func.value if isinstance(event.func, Attr) else None

    def group(self, expr: Expr) -> UnitKey | None:
        """The function whose attribute an expression is (`@cli.command()` below `def cli()`)."""
        for ref in self.world.resolve(expr.value, self.scope) if isinstance(expr, Attr) else ():
            if isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "function":
                return UnitKey(ref.path, ref.number)
        return None

    def targets(self, row: RunsRow, expr: Expr) -> Refs:
        """What an expression given to a row's argument may run."""
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
                    found.extend(self._by_text(row, ref.value))
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

    def _by_text(self, row: RunsRow, text: str) -> list[Ref]:
        if not row.pattern:
            return self._by_path(text)
        dotted = row.pattern.replace("{item}", text)
        if not dotted.startswith("*."):
            return self._by_path(dotted)
        module, _, name = dotted[2:].rpartition(".")
        return [
            ref
            for path in self.world.find_anywhere(module)
            for ref in self.world.module_attribute(path, name)
        ]

    def _by_path(self, dotted: str) -> list[Ref]:
        dotted = dotted.replace(":", ".")
        module, _, name = dotted.rpartition(".")
        path = self.world.find_module(module) if module else None
        if path is None:
            whole = self.world.find_module(dotted)
            return [ModRef(whole)] if whole else []
        return list(self.world.module_attribute(path, name))

    def run(
        self,
        row: RunsRow,
        refs: Refs,
        number: int,
        event: Event,
        call: Call | None,
        within: UnitKey | None = None,
    ) -> None:
        """Note that a row runs `refs`."""
        for ref in refs:
            if isinstance(ref, ModRef):
                self.sheet.edge(
                    UnitKey(ref.path, 0),
                    number,
                    event.block,
                    self.sheet.place(event),
                    "loads",
                    phase="import",
                )
            elif isinstance(ref, ObjRef) or (
                isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class"
            ):
                self._run_class(row, ref, number, event)
            elif isinstance(ref, UnitRef | BoundRef):
                target = UnitKey(ref.path, ref.number)
                about = self._about(row, call)
                self.register(target, row.phase, row.trigger, row, number, event, "runs", within, about)
                self._pass_on(row, target, self.offset(ref), call)

    def _about(self, row: RunsRow, call: Call | None) -> tuple[UnitKey, ...]:
        """The classes for which a row's trigger must fire."""
        if row.of == "self":
            return (self.key,) if self.unit.kind == "class" else ()
        named = given(call, row.of, None) if row.of and call is not None else None
        return classes_named(self.world, named, self.scope)

    def _run_class(self, row: RunsRow, ref: ObjRef | UnitRef, number: int, event: Event) -> None:
        key = UnitKey(ref.path, ref.number)
        patterns = row.methods or ("__call__",)
        for owner in self.world.mro(key)[0]:
            for method in self.methods(owner, patterns):
                for each in (method, *self._around(method)):
                    self.register(each, row.phase, row.trigger, row, number, event, "runs")
        if isinstance(ref, UnitRef):
            for method in self.methods(key, ("__init__",)):
                self.register(method, row.phase, row.trigger, row, number, event, "runs")

    def _passed(self, name: str, call: Call | None) -> Refs:
        if name.startswith("argument "):
            place = int(name.removeprefix("argument "))
            return self.passable(call.args[place]) if call is not None and place < len(call.args) else ()
        if name.startswith("instance of "):
            named = given(call, name.removeprefix("instance of "), None) if call is not None else None
            return tuple(ObjRef(*key, True) for key in classes_named(self.world, named, self.scope))
        if name != "self":
            symbol = self.rows.canonical(name)
            return self.world.kept_attribute(symbol) or (LibObj(symbol),)
        return (ObjRef(*self.key, False),) if self.unit.kind == "class" else ()

    def _pass_on(self, row: RunsRow, target: UnitKey, offset: int, call: Call | None) -> None:
        unit = self.world.scope(target).unit
        for number, passed in enumerate(row.passes):
            if passed and number + offset < len(unit.params):
                self.ledger.feed(target, number + offset, self._passed(passed, call))
        if row.finished and (target, offset) not in self.ledger.finished:
            self.ledger.finished.add((target, offset))
            self.ledger.add(target)
        if call is None or row.argument == "decorator":
            return
        args = given(call, "args", None)
        items = args.items if isinstance(args, Seq) else ()
        if not items and row.position is not None and not row.rest:
            items = call.args[row.position + 1 :]
        for number, arg in enumerate(items):
            if number + offset < len(unit.params) and not isinstance(arg, Star):
                self.ledger.feed(target, number + offset, self.passable(arg))


def _extra(key: UnitKey, which: int | str) -> Cell:
    """The cell of what a function gets beyond its named parameters, by position or name."""
    return (f"{key.path}#{key.number}*", str(which))


def _fits(unit: Unit, pattern: str, body: Unit) -> bool:
    """Whether a method that the class body `body` defines is meant by a pattern of a row."""
    if pattern == "*":
        # what is called on the class itself is called by the app
        on_class = any(_last_name(each, body) in ("classmethod", "staticmethod") for each in unit.decorators)
        return not unit.name.startswith("_") and not on_class
    if pattern.startswith("@"):
        return any(_last_name(decorator, body) == pattern[1:] for decorator in unit.decorators)
    return fnmatchcase(unit.name, pattern)


def _last_name(expr: Expr, body: Unit) -> str:
    made = body.events[expr.event] if isinstance(expr, Result) else None
    return last_name(made.func if isinstance(made, Call) else expr)
