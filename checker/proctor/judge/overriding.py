"""Classes of the app that replace the methods by which a library meets signals.

A row's (or launcher's) word `own_signals` names these methods, separated by spaces; `without_own` says what the library's loop
does on SIGTERM where the app has its own ("unknown" unless said). A launcher's `class_option` is the option that names such a class."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from proctor.judge.deeds import Deeds, receiver
from proctor.model.fact import Attr, Call
from proctor.model.program import Hit, ObjRef, Ref, UnitKey


def with_own_methods(deeds: Deeds, hit: Hit) -> Hit:
    """An effect of a library's loop as the app's own class leaves it."""
    names = hit.details.get("own_signals", "").split()
    for ref in _receivers(deeds, hit) if names else ():
        if isinstance(ref, ObjRef) and _own_method(deeds, UnitKey(ref.path, ref.number), names):
            details = {**hit.details, "sigterm": hit.details.get("without_own", "unknown")}
            return msgspec.structs.replace(hit, details=details)
    return hit


def _receivers(deeds: Deeds, hit: Hit) -> Iterator[Ref]:
    """What the loop's method is called on, itself or where it is handed on (`Thread(target=server.run)`)."""
    unit = deeds.program.unit(hit.unit)
    call = unit.events[hit.event] if hit.event >= 0 else None
    given = (*call.args, *(value for _, value in call.keywords)) if isinstance(call, Call) else ()
    name = hit.symbol.rpartition(".")[2]
    for expr in (
        receiver(deeds.program, hit),
        *(each.value for each in given if isinstance(each, Attr) and each.name == name),
    ):
        if expr is not None:
            yield from deeds.program.resolve(hit.unit, expr)


def overridden_by_option(deeds: Deeds) -> str:
    """The method that a class named by an option of the launch command replaces, or ""."""
    launch = deeds.view.launch
    names = str(launch.signals.get("own_signals", "")).split()
    given = launch.option(str(launch.signals.get("class_option", ""))) if names else None
    if not given:
        return ""
    module, _, name = given.replace(":", ".").rpartition(".")
    ends = tuple(f"{module.replace('.', '/')}{tail}" for tail in (".py", "/__init__.py"))
    for path, facts in deeds.program.files.items():
        if (
            module
            and path.endswith(ends)
            and (path in ends or path.endswith(tuple(f"/{each}" for each in ends)))
        ):
            for unit in facts.units:
                if unit.kind == "class" and unit.qualname == name:
                    return _own_method(deeds, UnitKey(path, unit.index), names)
    return ""


def _own_method(deeds: Deeds, key: UnitKey, names: list[str]) -> str:
    for owner in deeds.program.project_bases(key):
        for unit in deeds.program.files[owner.path].units:
            if unit.parent == owner.number and unit.kind == "function" and unit.name in names:
                return deeds.program.symbol(UnitKey(owner.path, unit.index))
    return ""
