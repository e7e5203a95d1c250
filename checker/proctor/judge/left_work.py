"""Work that a request or job leaves in the memory of its process, to be done later."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge.asking import Wanted, fits
from proctor.judge.expressions import comes_from_caller, local_sources
from proctor.judge.memory import Memory
from proctor.model.fact import Call, Expr, Name
from proctor.model.program import Context, Hit, LibObj, LibRef, ProcessView, UnitKey

#: phases in which somebody asks for the work
_ASKED = frozenset({"request", "job"})


def left_work(memory: Memory, view: ProcessView, left: Wanted, kept: Wanted) -> Iterator[tuple[Context, Hit]]:
    """The effects that leave work which depends on the request or job, where the program keeps such work in memory:
    the row itself says so (`store = "memory"`), or an effect that fits `kept` does and none keeps it elsewhere."""
    stores = {hit.details.get("store") for _, hit in view.hits(*kept.effect) if fits(kept, hit)}  # type: ignore[arg-type]  # checked against the vocabulary on load
    for context, hit in view.hits(*left.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
        if context.phase not in _ASKED or not fits(left, hit):
            continue
        own = hit.details.get("store")
        in_memory = own == "memory" if own else stores == {"memory"}
        if in_memory and _depends(memory, context.unit, hit):
            yield context, hit


def kept_for_work(view: ProcessView, what: str) -> tuple[Context, Hit] | None:
    """The first place at which a library keeps `what` in memory for work that comes later; None where something else is
    given to keep it."""
    hits = [(context, hit) for context, hit in view.hits() if hit.details.get("what") == what]
    if any(hit.details.get("store", "memory") != "memory" for _, hit in hits):
        return None
    found = [(context, hit) for context, hit in hits if hit.effect == "keeps-memory"]
    return min(found, key=lambda each: (each[1].place, each[0].phase), default=None)


def _depends(memory: Memory, key: UnitKey, hit: Hit) -> bool:
    """Whether what is left depends on what the unit was called with, or on the request."""
    unit = memory.program.unit(key)
    call = unit.events[hit.event] if hit.event >= 0 else None
    if not isinstance(call, Call):
        return False
    given = (*call.args, *(value for _, value in call.keywords))
    return any(depends_on_request(memory, key, value) for value in given)


def depends_on_request(memory: Memory, key: UnitKey, value: Expr | None) -> bool:
    """Whether a value is made from what a unit was called with, or from a library's object for the request."""
    unit = memory.program.unit(key)
    if comes_from_caller(unit, value):
        return True
    for part in local_sources(unit, value):
        if isinstance(part, Name):
            for ref in memory.program.resolve(key, part):
                symbol = (
                    ref.symbol if isinstance(ref, LibRef) else ref.type if isinstance(ref, LibObj) else ""
                )
                if symbol and memory.program.lives(symbol) == "request":
                    return True
    return False
