"""Whether a call makes something only where there is none yet: one in the process, however often the unit runs."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge.expressions import deep, local_sources
from proctor.judge.fan_out import over
from proctor.judge.graph import around
from proctor.model.fact import Attr, Bind, Call, Comp, Expr, Jump, Name, Raise, Result, Return, SetAttr, Unit
from proctor.model.program import Hit, Program, Storage, UnitKey

_ADDING = frozenset({"append", "add"})


def is_made_once(program: Program, hit: Hit) -> bool:
    """Whether a condition around or before the call looks at the very place where what it makes is then kept.

    A place under a key of the caller's is not meant: there is one for each key."""
    unit = program.unit(hit.unit)
    if hit.event < 0:
        return False
    kept = frozenset(_kept(program, hit.unit, unit, hit.event))
    return bool(kept) and any(
        not kept.isdisjoint(program.storage(hit.unit, part))
        for test in _asked_before(unit, hit.event)
        for part in _looked_at(unit, test)
        if isinstance(part, Name | Attr)
    )


def _kept(program: Program, key: UnitKey, unit: Unit, number: int) -> Iterator[Storage]:
    """The places that outlive the call and get what event `number` makes, by a name or by adding it."""
    for event in unit.events:
        if isinstance(event, Bind | SetAttr) and event.how == "assign":
            given: tuple[Expr | None, ...] = (event.value,)
            place: Expr = Name(event.name) if isinstance(event, Bind) else Attr(event.obj, event.name)
        elif isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in _ADDING:
            given, place = event.args, event.func.value
        else:
            continue
        if any(Result(number) in local_sources(unit, value) for value in given):
            yield from program.storage(key, place)


def _asked_before(unit: Unit, number: int) -> Iterator[Expr]:
    """The conditions around an event, and those of earlier arms that leave the unit."""
    above = (*around(unit, unit.events[number].block), 0)
    for inner in above:
        test = unit.blocks[inner].test
        if unit.blocks[inner].kind == "if" and test is not None:
            yield test
    for event in unit.events[:number]:
        arm = unit.blocks[event.block]
        leaves = isinstance(event, Return | Raise | Jump) and event.block not in above
        if leaves and arm.kind == "if" and arm.parent in above and arm.test is not None:
            yield arm.test


def _looked_at(unit: Unit, test: Expr) -> Iterator[Expr]:
    for part in deep(unit, test):
        yield part
        if isinstance(part, Comp):
            for iterable in over(unit, part):
                yield from deep(unit, iterable)
