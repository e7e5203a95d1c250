"""Whether a call starts one thing for each item of what a request or job brings, however many there are."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge.asking import Wanted, fits
from proctor.judge.expressions import comes_from_caller, subexpressions
from proctor.model.fact import Attr, Bind, Call, Comp, Expr, Item, Name, Result, Seq, Star, Unit
from proctor.model.program import Context, Hit, ProcessView, Program, UnitKey

_ADDING = frozenset({"append", "add"})
#: how many units below the one that starts things are looked at for what bounds them
_MAX_UNITS = 60


def is_per_item(program: Program, view: ProcessView, context: Context, hit: Hit) -> bool:
    """Whether the unit is called by its framework, and what it was called with decides how many things the call starts."""
    origin = view.contexts.get(context)
    unit = program.unit(hit.unit)
    call = unit.events[hit.event] if hit.event >= 0 else None
    if origin is None or not origin[1].trigger or not isinstance(call, Call):
        return False
    return any(
        _is_open(unit, iterable)
        for argument in call.args
        for value in (argument.value if isinstance(argument, Star) else argument,)
        for iterable in _iterables(unit, value)
    )


def bounds(program: Program, key: UnitKey, wanted: Wanted) -> bool:
    """Whether a unit, or what it calls or starts, does something that lets only so many go on at once."""
    seen = {key}
    todo = [key]
    while todo and len(seen) < _MAX_UNITS:
        current = todo.pop()
        if any(fits(wanted, hit) for hit in program.unit_hits(current)):
            return True
        below = [edge.target for edge in program.edges(current) if edge.target not in seen]
        seen.update(below)
        todo.extend(below)
    return False


def _iterables(unit: Unit, value: Expr) -> Iterator[Expr]:
    """What a list of things is made from, an item each."""
    if isinstance(value, Comp):
        yield from over(unit, value)
    elif isinstance(value, Name):
        for event in unit.events:
            if isinstance(event, Bind) and event.name == value.id and isinstance(event.value, Comp):
                yield from over(unit, event.value)
            elif isinstance(event, Call) and _adds_to(event, value):
                block = unit.blocks[event.block]
                if block.kind == "for" and block.test is not None:
                    yield block.test


def over(unit: Unit, comprehension: Comp) -> Iterator[Expr]:
    """The iterables of a comprehension: those of the blocks in which its element is made."""
    made = {part.event for part in subexpressions(comprehension.element) if isinstance(part, Result)}
    for number in made:
        block = unit.blocks[unit.events[number].block]
        if block.kind == "comprehension" and block.test is not None:
            yield block.test


def _adds_to(event: Call, value: Name) -> bool:
    return isinstance(event.func, Attr) and event.func.name in _ADDING and event.func.value == value


def _is_open(unit: Unit, iterable: Expr) -> bool:
    """Whether what the unit was called with decides how long an iterable is: no display, no slice, no part of one."""
    if isinstance(iterable, Seq | Item):
        return False
    if isinstance(iterable, Name):
        binds = [event for event in unit.events if isinstance(event, Bind) and event.name == iterable.id]
        if any(event.how != "assign" or isinstance(event.value, Seq | Item) for event in binds):
            return False
    return comes_from_caller(unit, iterable)
