"""The one object that a handler sets and a loop asks, under all the names by which the code knows it."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge.deeds import Deeds
from proctor.judge.handlers import Flag, Handler, closure, flag_of
from proctor.model.fact import Attr, Call, Expr, Name
from proctor.model.program import LibObj, UnitKey

_METHODS = frozenset({"set", "is_set", "wait", "clear"})


def with_other_names(deeds: Deeds, handlers: tuple[Handler, ...]) -> tuple[Handler, ...]:
    """The handlers, those that set an event with all of its names among their flags, where the program makes but one event:
    what is passed to a function, returned by it or kept by a partial call is that event."""
    setting = [each for each in handlers if _sets_event(deeds, each)]
    if not setting or _n_events(deeds) != 1:
        return handlers
    names = frozenset(_names(deeds))
    return tuple(
        each._replace(doing=each.doing._replace(flags=each.doing.flags | names)) if each in setting else each
        for each in handlers
    )


def _sets_event(deeds: Deeds, handler: Handler) -> bool:
    """Whether a handler calls `set` of an event, or of something of which nothing is known."""
    if not handler.doing.flags:
        return False
    if any(symbol.endswith("Event.set") for symbol in handler.library):
        return True
    keys = closure(deeds, handler.units) if handler.units else (handler.hit.unit,)
    return any(
        isinstance(event, Call)
        and isinstance(event.func, Attr)
        and event.func.name == "set"
        and not event.args
        and _may_be_event(deeds, key, event.func.value)
        for key in keys
        for event in deeds.program.unit(key).events
    )


def _may_be_event(deeds: Deeds, key: UnitKey, expr: Expr) -> bool:
    refs = deeds.program.resolve(key, expr)
    return any(isinstance(ref, LibObj) and _is_event(ref.type) for ref in refs) or (
        not refs and isinstance(expr, Name)
    )


def _n_events(deeds: Deeds) -> int:
    """How many places of the program make an event."""
    return len(
        {
            (context.unit, number)
            for context in deeds.view.contexts
            for number, event in enumerate(deeds.program.unit(context.unit).events)
            if isinstance(event, Call) and any(map(_is_event, deeds.program.symbols(context.unit, number)))
        }
    )


def _names(deeds: Deeds) -> Iterator[Flag]:
    for key in deeds.contexts:
        for event in deeds.program.unit(key).events:
            if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in _METHODS:
                refs = deeds.program.resolve(key, event.func.value)
                if any(isinstance(ref, LibObj) and _is_event(ref.type) for ref in refs):
                    yield from flag_of(event.func.value)


def _is_event(symbol: str) -> bool:
    return symbol.rpartition(".")[2] == "Event"
