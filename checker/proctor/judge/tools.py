"""What works for a process (clients, locks, services, functions), as against the data that it keeps."""

from __future__ import annotations

from proctor.judge.memory import Access, Memory
from proctor.model.fact import Await, Bind, Expr, Name, Result, Unit
from proctor.model.program import BoundRef, LibObj, LibRef, ObjRef, UnitKey, UnitRef


def is_tool(memory: Memory, access: Access) -> bool:
    """Whether what a write stores is something that works (a client, a lock, a service), not data."""
    refs = memory.program.resolve(access.unit, access.value) if access.value is not None else ()
    kinds = [_is_tool_ref(memory, access, ref) for ref in refs if not _is_none(ref)]
    return bool(kinds) and all(kinds)


def _is_none(ref: object) -> bool:
    return getattr(ref, "value", ...) is None


def _is_tool_ref(memory: Memory, access: Access, ref: object) -> bool:
    program = memory.program
    if isinstance(ref, LibObj):
        if program.lives(ref.type) in ("connection", "process"):
            return True
        if ref.type.startswith("builtins.") or program.lives(ref.type) in ("client", "record", "data"):
            return False
        if memory.is_container_type(ref.type):
            return False
        made = made_by(program.unit(access.unit), access.value)
        if made is None or memory.kept(access.unit, made):
            return False
        return bool(program.abilities(ref.type)) if ref.type.endswith("()") else True
    if isinstance(ref, ObjRef):
        return not has_own_state(memory, UnitKey(ref.path, ref.number))
    if isinstance(ref, LibRef):
        owner, _, name = ref.symbol.rpartition(".")
        return name[:1].isupper() or program.lives(owner) in ("connection", "process")
    return isinstance(ref, UnitRef | BoundRef)


def made_by(unit: Unit, value: Expr | None) -> int | None:
    """The call of this unit that makes a value, if one does."""
    inner = value.value if isinstance(value, Await) else value
    if isinstance(inner, Result):
        return inner.event
    if isinstance(inner, Name):
        for event in unit.events:
            if isinstance(event, Bind) and event.name == inner.id and event.value != value:
                return made_by(unit, event.value)
    return None


def has_own_state(memory: Memory, key: UnitKey) -> bool:
    """Whether instances of a class of the app hold something that work changes, or are records."""
    if any(
        memory.program.lives(base) in ("record", "data", "client") for base in memory.program.class_bases(key)
    ):
        return True
    owners = memory.program.project_bases(key)
    return any(
        storage.kind == "instance" and storage.owner in owners and any(not is_lazy(memory, w) for w in writes)
        for storage, writes in memory.writes.items()
    )


def is_lazy(memory: Memory, access: Access) -> bool:
    """Whether a write stores a library's tool (which is no state worth keeping)."""
    program = memory.program
    refs = program.resolve(access.unit, access.value) if access.value is not None else ()
    if access.how != "bind" or not refs:
        return False
    made = made_by(program.unit(access.unit), access.value) is not None
    return all(
        (made and isinstance(ref, LibRef))
        or (isinstance(ref, LibRef | LibObj) and _is_tool_ref(memory, access, ref))
        for ref in refs
    )
