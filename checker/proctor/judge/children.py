"""Programs that the code starts as children of its own process: which, and how often."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from proctor.judge.expressions import subexpressions
from proctor.judge.graph import around, inside
from proctor.model.fact import Attr, Bind, Call, Comp, Const, Expr, Jump, Name, Result, Return, Seq, Unit
from proctor.model.program import Context, Hit, Known, ProcessView, Program, UnitKey
from proctor.model.rule import LauncherModel

#: arms that run only where something holds
_ASKING = frozenset({"if", "else", "case", "except"})


def stays_for(program: Program, hit: Hit) -> bool:
    """Whether what a call starts may stay: a Python program, or one that is known to stay."""
    if hit.subject is None:
        return False
    return _runs_python(hit.subject) or _is_staying(program, _words(program, hit.unit, hit.subject))


def works_beside(program: Program, hit: Hit) -> str:
    """The command of a server, worker or scheduler that a call starts, or "" where it is known to start none."""
    words = _words(program, hit.unit, hit.subject) if hit.subject is not None else []
    name = words[0].rpartition("/")[2] if words else ""
    model = next((each for each in program.launchers.values() if name in each.programs), None)
    if model is None or model.details.get("role") in ("proxy", "helper"):
        return ""
    kinds = {model.kind, *(each.get("kind") for each in _fitting(model, words))}
    works = not kinds.isdisjoint(("web", "worker", "scheduler"))
    return " ".join(words).rstrip("& ") if works and _is_staying(program, words) else ""


def _fitting(model: LauncherModel, words: list[str]) -> Iterator[Mapping[str, Any]]:
    """The variants of the sub-commands that a command names."""
    return (each for each in model.variants if any(word in each.get("command", ()) for word in words[1:]))


def _words(program: Program, key: UnitKey, subject: Expr) -> list[str]:
    """The words of a command as far as they are known: a text, or a list of texts."""
    value = program.evaluate(key, subject)
    found = value.value if isinstance(value, Known) else None
    if isinstance(found, list):
        return [str(getattr(each, "value", each)) for each in found]
    return found.split() if isinstance(found, str) else []


def _is_staying(program: Program, words: list[str]) -> bool:
    """Whether a launcher's model says that this command goes on until it is stopped."""
    name = words[0].rpartition("/")[2] if words else ""
    for model in program.launchers.values():
        if name in model.programs:
            return model.long_running or any(e.get("duration") == "long" for e in _fitting(model, words))
    return False


def _runs_python(subject: Expr) -> bool:
    """`[sys.executable, "worker.py"]`"""
    return any(
        (isinstance(part, Attr) and part.name == "executable")
        or (isinstance(part, Const) and isinstance(part.value, str) and part.value.startswith("python"))
        for part in subexpressions(subject)
    )


def times(view: ProcessView, program: Program, context: Context, hit: Hit) -> int:
    """How often a call is made in any case, as the loops around it and around what led to it say; 1 where they do not
    say. A loop that asks in each round whether to make it says nothing."""
    count, is_asked = _rounds(program, hit.unit, hit.event) if hit.event >= 0 else (1, False)
    origin = view.contexts.get(context)
    seen = {context}
    while origin is not None and origin[0] not in seen and not is_asked:
        above, edge = origin
        seen.add(above)
        if edge.event >= 0:
            more, is_asked = _rounds(program, edge.source, edge.event)
            count *= more
        origin = view.contexts.get(above)
    return count


def _rounds(program: Program, key: UnitKey, event: int) -> tuple[int, bool]:
    """How often the loops around an event of a unit make it go round, and whether a condition may leave it out."""
    unit = program.unit(key)
    count = 1
    for number in around(unit, unit.events[event].block):
        block = unit.blocks[number]
        if block.kind in _ASKING:
            return count, True
        if block.kind in ("for", "comprehension"):
            if _is_left(unit, number, event) or _is_filtered(unit, event):
                return count, True
            count *= _length(program, key, block.test) or 1
    return count, _returns_before(unit, event)


def _is_left(unit: Unit, loop: int, event: int) -> bool:
    """Whether some rounds of a loop may not come to an event: it is left early, or goes on before."""
    blocks = inside(unit, loop)
    return any(
        each.block in blocks and (isinstance(each, Return) or (isinstance(each, Jump) and (each.kind == "break" or number < event)))
        for number, each in enumerate(unit.events)
    )  # fmt: skip


def _is_filtered(unit: Unit, event: int) -> bool:
    """Whether a comprehension takes the result of an event only where its conditions hold."""
    return any(
        isinstance(part, Comp) and part.tests and Result(event) in subexpressions(part.element)
        for each in unit.events
        if isinstance(each, Bind | Call | Return)
        for given in ((*each.args, *(value for _, value in each.keywords)) if isinstance(each, Call) else (each.value,))
        for part in subexpressions(given)
    )  # fmt: skip


def _returns_before(unit: Unit, event: int) -> bool:
    """Whether a unit may be left before it comes to an event."""
    return any(isinstance(each, Return) for each in unit.events[:event])


def _length(program: Program, key: UnitKey, iterable: Expr | None) -> int | None:
    """How many rounds `for … in iterable` makes, or None where the code alone does not say."""
    if isinstance(iterable, Seq):
        return len(iterable.items)
    call = program.unit(key).events[iterable.event] if isinstance(iterable, Result) else None
    if not (isinstance(call, Call) and call.func == Name("range") and call.args):
        return None
    bounds = [program.evaluate(key, each) for each in call.args]
    numbers = [each.value for each in bounds if isinstance(each, Known) and isinstance(each.value, int)]
    return len(range(*numbers[:3])) if len(numbers) == len(bounds) and 0 not in numbers[2:] else None
