"""Expressions taken apart: what they are made of, and where their values come from."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
    Comp,
    Const,
    Expr,
    Item,
    Map,
    Name,
    Op,
    Result,
    Seq,
    Star,
    Text,
    Unit,
)


def subexpressions(expr: Expr | None) -> Iterator[Expr]:
    """An expression and all that it is made of; the calls of other events are not looked into."""
    if expr is None:
        return
    yield expr
    for part in parts_of(expr):
        yield from subexpressions(part)


def deep(unit: Unit, expr: Expr | None) -> Iterator[Expr]:
    """An expression with the calls in it taken apart."""
    for part in subexpressions(expr):
        yield part
        if isinstance(part, Result):
            event = unit.events[part.event]
            if isinstance(event, Call):
                for inner in (event.func, *event.args, *(value for _, value in event.keywords)):
                    yield from deep(unit, inner)


def parts_of(expr: Expr) -> tuple[Expr | None, ...]:
    """What an expression is made of, one level down."""
    if isinstance(expr, Attr | Star | Await):
        return (expr.value,)
    if isinstance(expr, Item):
        return expr.value, expr.index
    if isinstance(expr, Seq):
        return expr.items
    if isinstance(expr, Map):
        return *expr.keys, *expr.values
    if isinstance(expr, Text):
        return expr.parts
    if isinstance(expr, Op):
        return expr.operands
    if isinstance(expr, Choice):
        return expr.test, expr.body, expr.orelse
    if isinstance(expr, Comp):
        return (expr.element,)
    return ()


def own_params(unit: Unit) -> frozenset[str]:
    """A unit's parameters but for the receiver."""
    return frozenset(param.name for param in unit.params) - {"self", "cls"}


def local_sources(unit: Unit, value: Expr | None) -> list[Expr]:
    """All that a value is made of, through the names that the unit itself binds."""
    found = list(deep(unit, value))
    names = {part.id for part in found if isinstance(part, Name)}
    done: set[str] = set()
    while names - done:
        name = min(names - done)
        done.add(name)
        for event in unit.events:
            if isinstance(event, Bind) and event.name == name:
                parts = list(deep(unit, event.value))
                found.extend(parts)
                names.update(part.id for part in parts if isinstance(part, Name))
    return found


def comes_from_caller(unit: Unit, value: Expr | None) -> bool:
    """Whether a value is made from what the unit was called with."""
    params = own_params(unit)
    return any(isinstance(part, Name) and part.id in params for part in local_sources(unit, value))


#: functions and methods whose result is made of the paths and texts that they are given
_PATH_MAKERS = frozenset(
    {
        "join", "Path", "PurePath", "PosixPath", "joinpath", "abspath", "realpath", "normpath", "expanduser", "resolve",
        "absolute", "with_suffix", "with_name", "dirname", "basename", "str", "format", "fspath", "safe_join", "strip", "rstrip",
        "lstrip", "replace", "lower", "getenv", "as_posix", "relative_to", "File", "FileResponse",
    }
)  # fmt: skip


def path_sources(unit: Unit, value: Expr | None) -> list[Expr]:
    """What a path is made of, through the names that the unit itself binds: not what else a call was given, nor the keys
    that something was looked up by."""
    found: list[Expr] = []
    todo = [value] if value is not None else []
    while todo and len(found) < 200:
        part = todo.pop(0)
        if part in found:
            continue
        found.append(part)
        todo.extend(each for each in _path_parts(unit, part) if each is not None)
    return found


def _path_parts(unit: Unit, part: Expr) -> Iterator[Expr | None]:
    if isinstance(part, Name):
        for event in unit.events:
            if (
                isinstance(event, Bind)
                and event.name == part.id
                and event.how not in ("for", "comprehension")
            ):
                yield event.value
    elif isinstance(part, Attr | Item | Await | Star):
        yield part.value
    elif isinstance(part, Result):
        call = unit.events[part.event]
        name = call.func.name if isinstance(call, Call) and isinstance(call.func, Attr) else ""
        name = call.func.id if isinstance(call, Call) and isinstance(call.func, Name) else name
        if isinstance(call, Call) and name in _PATH_MAKERS:
            yield from call.args
            if isinstance(call.func, Attr):
                yield call.func.value
    elif isinstance(part, Text):
        yield from (each for each in part.parts if not isinstance(each, Const))
    elif isinstance(part, Op | Choice | Seq):
        yield from parts_of(part)
