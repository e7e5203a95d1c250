"""What one unit makes run and does, while it is read."""

from __future__ import annotations

from typing import Literal

import msgspec

from proctor.link.bodies import main_blocks
from proctor.link.either import settled
from proctor.link.linked import EnvironmentWrite, Hidden, Ledger, LinkedUnit, Loading, Way
from proctor.link.loops import main_loop_blocks
from proctor.link.passed import given
from proctor.link.records import about_of
from proctor.link.scopes import Scope
from proctor.model.fact import Attr, Call, Const, Event, Expr, Map, Name, Seq, Unit
from proctor.model.place import Place
from proctor.model.program import Edge, Hit, Lane, LibRef, UnitKey
from proctor.model.rule import EffectRow, RunsRow
from proctor.model.words import Effect, Phase


class Sheet:
    """Edges, effects and the rest of one unit, noted as its events are read in order."""

    def __init__(self, ledger: Ledger, scope: Scope) -> None:
        self.ledger = ledger
        self.world = ledger.world
        self.rows = ledger.rows
        self.scope = scope
        self.unit: Unit = scope.unit
        self.key = scope.key
        self.states = ledger.evaluator.block_states(scope)
        self.main_blocks = main_blocks(self.unit)
        self.loops = main_loop_blocks(self.unit) - ledger.computing.get(self.key, frozenset())
        self.targets: dict[int, dict[UnitKey, None]] = {}
        self.calls: dict[Way, dict[int, int | None]] = {}
        self.edges: dict[tuple[object, ...], Edge] = {}
        self.hits: list[Hit] = []
        self.loads: list[Loading] = []
        self.hidden: list[Hidden] = []
        self.symbols: dict[int, tuple[str, ...]] = {}

    def linked(self) -> LinkedUnit:
        """All that was noted."""
        return LinkedUnit(
            tuple(self.edges.values()),
            tuple(self.hits),
            tuple(self.loads),
            tuple(self.hidden),
            self.symbols,
            {number: tuple(targets) for number, targets in self.targets.items()},
            self.loops,
            self.calls,
        )

    def place(self, event: Event) -> Place:
        """Where an event of the unit stands."""
        return Place(self.key.path, event.line, event.column, event.end_line, event.end_column)

    def _state(self, block: int) -> tuple[bool, str]:
        state = self.states[block]
        return block in self.main_blocks, state[4:] if state.startswith("env:") else ""

    def edge(
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
        part: Literal["", "before", "after"] = "",
        nested: bool = False,
        parallel: bool = False,
        later: bool = False,
        wrapped: bool = False,
        names: tuple[str, ...] = (),
        about: tuple[UnitKey, ...] = (),
        within: UnitKey | None = None,
        guessed: bool = False,
        offset: int | None = None,
    ) -> None:
        """Note that the unit makes `target` run, at event `number` (`-1 - block` for entering a block). `offset` is given
        where the call passes its arguments on: how many parameters are filled before the first of them."""
        if phase is None and not trigger and not process and not names:
            self.targets.setdefault(number, {})[target] = None
        calls = self.calls.setdefault((target, phase, trigger), {})
        calls[number] = offset if calls.get(number, offset) == offset else None
        main_only, guard = self._state(block)
        mark = (target, how, phase, lane, trigger, main_only, part, about, names, parallel, guessed)
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
            part=part,
            nested=nested,
            parallel=parallel,
            later=later,
            wrapped=wrapped,
            names=names,
            within=within,
            about=about,
            guessed=guessed,
        )

    def hit(
        self,
        row: EffectRow,
        symbol: str,
        number: int,
        event: Event,
        call: Call | None,
        unsure: str,
        block: int = -1,
        phase: Phase | None = None,
        lane: Lane | None = None,
    ) -> None:
        """Note the effects of a row; in another `phase` or `lane` than the unit's where it hands on what has them."""
        main_only, guard = self._state(event.block)
        subject: Expr | None = None
        if row.subject is not None and call is not None:
            if isinstance(row.subject, int):
                subject = given(call, "", row.subject)
            elif row.subject == "self":
                subject = call.func.value if isinstance(call.func, Attr) else None
            else:
                position = next((t.position for t in row.where if t.argument == row.subject), None)
                subject = given(call, row.subject, position)
        if unsure.startswith("env:"):
            guard, unsure = guard or unsure[4:], f"`{unsure[4:]}` decides"
        details = row.details
        if call is not None and call.use == "await" and details.get("sync") == "true" and self.unit.is_async:
            # An awaited call is the asynchronous twin, under whatever name it came.
            details = {key: value for key, value in details.items() if key != "sync"}
        # a row may say no more than that the call fires a family, or never returns
        silent: tuple[Effect, ...] = ("runs-loop",) if row.drives or row.forever or row.fires else ()
        about = about_of(self.world, call, self.scope) if row.fires else ()
        for effect in row.does or silent:
            if effect == "waits" and self._is_over(call):
                continue
            self.hits.append(
                Hit(
                    effect=effect,
                    symbol=symbol,
                    unit=self.key,
                    event=number,
                    block=block,
                    place=self.place(event),
                    details=details,
                    subject=subject,
                    unsure=unsure,
                    guard=guard,
                    in_main_loop=event.block in self.loops,
                    main_only=main_only,
                    in_handler=self._in_handler(event.block),
                    forever=row.forever,
                    drives=row.drives,
                    fires=row.fires,
                    about=about,
                    phase=phase,
                    lane=lane,
                )
            )

    def _is_over(self, call: Call | None) -> bool:
        """Whether a method is called on what is over when the unit is called."""
        receiver = call.func.value if call is not None and isinstance(call.func, Attr) else None
        number = self.scope.param_index.get(receiver.id) if isinstance(receiver, Name) else None
        return number is not None and (self.key, number) in self.ledger.finished

    def _in_handler(self, block: int) -> bool:
        while block:
            if self.unit.blocks[block].kind == "except":
                return True
            block = self.unit.blocks[block].parent
        return False

    def environment_write(self, name: Expr, value: Expr, is_default: bool) -> None:
        """Note that an environment variable is set."""
        if isinstance(name, Const) and isinstance(name.value, str):
            self.ledger.writes.append(EnvironmentWrite(name.value, value, self.scope, is_default))

    def effects(
        self,
        symbol: str,
        number: int,
        event: Event,
        call: Call | None,
        told: tuple[Call, Scope] | None = None,
    ) -> None:
        """Note the effects that using `symbol` has, as far as the arguments of `call` allow (or of the call in another
        scope that `told` says)."""
        asked, scope = told or (call, self.scope)
        held: list[tuple[EffectRow, str]] = []
        rows = self.rows.find(self.rows.effects, symbol)
        for row in rows:
            if row.awaited is not None and call is not None:
                driven = call.use in ("await", "value", "return")
                if row.awaited != driven and (row.awaited or call.use == "await"):
                    continue
            holds = self.ledger.conditions.hold(row.where, asked, scope)
            if holds is not False:
                held.append((row, holds if isinstance(holds, str) else ""))
        if len(rows) > 1 and any(unsure for _, unsure in held):
            held = settled(held, rows)
        for row, unsure in held:
            self.hit(row, symbol, number, event, call, unsure)

    def handed_on(self, run: RunsRow, expr: Expr, number: int, event: Call) -> None:
        """`Thread(target=app.run, kwargs={"port": 80})`: note what a library's function that `run` has run does with those
        arguments, as far as it keeps a program going: it serves, consumes or schedules."""
        refs = self.world.resolve(expr, self.scope) if isinstance(expr, Attr | Name) else ()
        call: Call | None = None
        phase = None if run.phase in ("same", "later") else run.phase
        lane: Lane | None = "main" if run.process else "thread" if run.thread else None
        for symbol in dict.fromkeys(ref.symbol for ref in refs if isinstance(ref, LibRef)):
            for row in self.rows.find(self.rows.effects, symbol):
                if not row.drives and not row.forever:
                    continue
                call = call or _handed_arguments(run, expr, event)
                holds = self.ledger.conditions.hold(row.where, call, self.scope)
                if holds is not False:
                    unsure = holds if isinstance(holds, str) else ""
                    self.hit(row, symbol, number, event, call, unsure, phase=phase, lane=lane)  # type: ignore[arg-type]  # checked when rows are loaded


def _handed_arguments(run: RunsRow, func: Expr, event: Call) -> Call:
    """The call that a library makes of a function that it is given: with the tuple and dict beside it, or what follows it."""
    args, named = given(event, "args", None), given(event, "kwargs", None)
    follows = func in event.args
    rest = event.args[event.args.index(func) + 1 :] if follows else ()
    return msgspec.structs.replace(
        event,
        func=func,
        args=args.items if isinstance(args, Seq) else rest,
        keywords=tuple(
            (str(key.value), value)
            for key, value in zip(named.keys, named.values, strict=True)
            if isinstance(key, Const)
        )
        if isinstance(named, Map)
        else event.keywords
        if follows
        else (),
        use="value",
    )


class Part:
    """Something that reads some kinds of events of a unit and notes on its sheet."""

    def __init__(self, sheet: Sheet) -> None:
        self.sheet = sheet
        self.ledger = sheet.ledger
        self.world = sheet.world
        self.rows = sheet.rows
        self.scope = sheet.scope
        self.unit = sheet.unit
        self.key = sheet.key
