"""Files that a call runs in the place of the module that makes it (`include("base.py", "parts/*.py")`)."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Iterator
from fnmatch import fnmatchcase
from typing import NamedTuple

from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.model.fact import Call, Event, Expr, Result
from proctor.model.program import FromEnv, Known, LibRef, Value


class Included(NamedTuple):
    """A file that is run; `variable` is what decides about it ("": the code). `path` is "" where it is not known, for
    `reason`."""

    path: str
    variable: str = ""
    reason: str = ""


def is_including(event: Event, scope: Scope, world: World) -> bool:
    """Whether an event is a call that runs files in the place of its module."""
    return (
        bool(world.rows.including)
        and isinstance(event, Call)
        and _symbol(event, scope, world) in world.rows.including
    )


def included(
    event: Call, scope: Scope, world: World, evaluate: Callable[[Expr], Value]
) -> Iterator[Included]:
    """What an including call runs, in order. A file that is not there is left out."""
    for arg in event.args:
        value = evaluate(_unwrapped(arg, scope, world))
        variable = value.variable if isinstance(value, FromEnv) else ""
        inner = value.fallback if isinstance(value, FromEnv) else value
        if not isinstance(inner, Known) or not isinstance(inner.value, str):
            decided = f"`{variable}` decides" if variable else "it is not known"
            yield Included("", variable, f"{decided} which file is included here")
            continue
        path = posixpath.normpath(posixpath.join(scope.module.folder, inner.value))
        for each in _matching(path, world):
            yield Included(each, variable)


def _matching(path: str, world: World) -> Iterator[str]:
    if path in world.tree:
        yield path
    elif "*" in path or "?" in path:
        for each in world.tree.python:
            if each.count("/") == path.count("/") and fnmatchcase(each, path):
                yield each


def _unwrapped(arg: Expr, scope: Scope, world: World) -> Expr:
    """The path in a mark that the same library puts around it (`optional("local.py")`)."""
    call = scope.unit.events[arg.event] if isinstance(arg, Result) else None
    if isinstance(call, Call) and call.args:
        library = _symbol(call, scope, world).partition(".")[0]
        if library and any(name.startswith(f"{library}.") for name in world.rows.including):
            return call.args[0]
    return arg


def _symbol(call: Call, scope: Scope, world: World) -> str:
    return next((ref.symbol for ref in world.resolve(call.func, scope) if isinstance(ref, LibRef)), "")
