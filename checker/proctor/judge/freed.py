"""Threads and children that the interpreter does not wait for: those that are let go after their making."""

from __future__ import annotations

from proctor.judge.deeds import Deeds
from proctor.model.fact import Attr, Bind, Call, Const, Expr, Name, Result, SetAttr
from proctor.model.program import Hit


def is_freed(deeds: Deeds, hit: Hit, freed_by: tuple[str, ...]) -> bool:
    """Whether the thread is let go after its making, or by its own class."""
    unit = deeds.program.unit(hit.unit)
    names = {
        event.name for event in unit.events if isinstance(event, Bind) and event.value == Result(hit.event)
    }
    attributes = {
        event.name for event in unit.events if isinstance(event, SetAttr) and event.value == Result(hit.event)
    }
    for event in unit.events:
        if isinstance(event, SetAttr) and event.name in freed_by and _is_one_of(event.obj, names, attributes):
            return True
        if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in freed_by:
            return True
    call = unit.events[hit.event]
    if isinstance(call, Call):
        for ref in deeds.program.resolve(hit.unit, call.func):
            path, number = getattr(ref, "path", None), getattr(ref, "number", None)
            if (
                isinstance(path, str)
                and isinstance(number, int)
                and _class_is_freed(deeds, path, number, freed_by)
            ):
                return True
    return False


def _is_one_of(expr: Expr, names: set[str], attributes: set[str]) -> bool:
    return (isinstance(expr, Name) and expr.id in names) or (
        isinstance(expr, Attr) and expr.name in attributes
    )


def _class_is_freed(deeds: Deeds, path: str, number: int, freed_by: tuple[str, ...]) -> bool:
    """`self.daemon = True`, or `super().__init__(daemon=True)`, in a class of threads."""
    for unit in deeds.program.files[path].units:
        if unit.parent != number:
            continue
        for event in unit.events:
            if isinstance(event, SetAttr) and event.name in freed_by:
                return True
            if isinstance(event, Call) and any(
                name in freed_by and value == Const(True) for name, value in event.keywords
            ):
                return True
        if any(
            isinstance(e, Bind) and e.name in freed_by for e in deeds.program.files[path].units[number].events
        ):
            return True
    return False
