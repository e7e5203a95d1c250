"""Path questions about work that is gathered in memory and carried out now and then."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

from proctor.judge.deeds import Deeds
from proctor.judge.graph import around, inside
from proctor.judge.memory import lasts
from proctor.judge.path_words import Answer, PathQuestion, Point, asked_units, contexts_at, points, written
from proctor.model.fact import Attr, Bind, Call, Event, Expr, Name, Seq, SetAttr, SetItem, Unit
from proctor.model.finding import Step
from proctor.model.program import Storage, UnitKey

#: unit -> its events that empty something
_Resets: TypeAlias = dict[UnitKey, Mapping[int, Expr]]
_ADDING = frozenset({"append", "extend", "add", "appendleft", "insert", "update", "put", "put_nowait"})


class BatchQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is added to a container in one pass is worked on (`then`) only in some later one: under a condition, in a branch
    that empties the container. `kept_by`: such an event in the branch says that the source keeps what was not yet done."""

    then: Point
    kept_by: Point | None = None


class _Container(NamedTuple):
    """The expression of a container in a unit, and where it lives (nothing for a local of a loop)."""

    expr: Expr
    storage: tuple[Storage, ...]


def answers(question: BatchQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each adding to such a container."""
    resets: _Resets = {}
    for key in asked_units(deeds, question):
        unit = deeds.program.unit(key)
        for number, event in enumerate(unit.events):
            container = _added_to(deeds, key, event)
            if container is None:
                continue
            branch = _flushing_branch(question, deeds, key, number, container, resets)
            if branch is not None:
                yield from _answer(question, deeds, key, number, container, branch)


def _added_to(deeds: Deeds, key: UnitKey, event: Event) -> _Container | None:
    """The container that lives on after this pass, if an event adds to one."""
    if not (
        isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name in _ADDING and event.args
    ):
        return None
    expr = event.func.value
    found = deeds.program.storage(key, expr) if isinstance(expr, Attr | Name) else ()
    storage = tuple(each for each in found if each.kind != "library" or lasts(deeds.program, each))
    if storage:
        return _Container(expr, storage)
    unit = deeds.program.unit(key)
    if isinstance(expr, Name) and _outlives_pass(deeds, key, unit, expr.id, event.block):
        return _Container(expr, ())
    return None


def _outlives_pass(deeds: Deeds, key: UnitKey, unit: Unit, name: str, block: int) -> bool:
    """Whether a local name is bound to an empty container outside the endless loop that the block lies in."""
    loops = [each for each in around(unit, block) if each in deeds.program.main_loops(key)]
    if not loops:
        return False
    for event in unit.events:
        if isinstance(event, Bind) and event.name == name and loops[-1] not in around(unit, event.block):
            return isinstance(event.value, Seq) and not event.value.items
    return False


def _flushing_branch(
    question: BatchQuestion,
    deeds: Deeds,
    key: UnitKey,
    number: int,
    container: _Container,
    resets: _Resets,
) -> tuple[int, Step] | None:
    """The `if` block in which the container is worked on and emptied, and what it does there."""
    unit = deeds.program.unit(key)
    own = set(around(unit, unit.events[number].block))
    works = points(question.then, deeds, key, frozenset())
    keeps = points(question.kept_by, deeds, key, frozenset()) if question.kept_by else {}
    events = unit.events
    working = {node: deed for node, deed in works.items() if deed is not None and node < len(events)}
    branches = {
        block
        for node in working
        for block in around(unit, events[node].block)
        if unit.blocks[block].kind == "if" and block not in own
    }
    for block in sorted(branches):
        blocks = inside(unit, block)
        within = {n for n, event in enumerate(events) if event.block in blocks}
        if not any(_empties(deeds, key, n, container, resets) for n in within) or within & set(keeps):
            continue
        deed = working[min(within & working.keys())]
        return block, Step(deed.hit.place, f"`{deed.hit.symbol.removeprefix('builtins.')}`")
    return None


def _empties(deeds: Deeds, key: UnitKey, number: int, container: _Container, resets: _Resets) -> bool:
    """Whether an event empties the container, itself or in what it calls."""
    target = _resets(deeds, key, resets).get(number)
    if target is not None and _is_same(deeds, key, target, container):
        return True
    if not container.storage:
        return False
    return any(
        _is_same(deeds, below, target, container)
        for called in deeds.runs(key).get(number, ())
        for below in deeds.units_below(called)
        for target in _resets(deeds, below, resets).values()
    )


def _resets(deeds: Deeds, key: UnitKey, known: _Resets) -> Mapping[int, Expr]:
    """Event of a unit -> what it empties, if anything."""
    found = known.get(key)
    if found is None:
        targets = ((number, _reset(event)) for number, event in enumerate(deeds.program.unit(key).events))
        found = known[key] = {number: target for number, target in targets if target is not None}
    return found


def _reset(event: Event) -> Expr | None:
    if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name == "clear":
        return event.func.value
    if isinstance(event, Bind) and event.how == "assign":
        return Name(event.name)
    if isinstance(event, SetAttr) and event.how == "assign":
        return Attr(event.obj, event.name)
    if isinstance(event, SetItem) and event.how == "delete":
        return event.obj
    return None


def _is_same(deeds: Deeds, key: UnitKey, target: Expr, container: _Container) -> bool:
    if not container.storage:
        return target == container.expr
    return deeds.program.storage(key, target) == container.storage


def _answer(
    question: BatchQuestion,
    deeds: Deeds,
    key: UnitKey,
    number: int,
    container: _Container,
    branch: tuple[int, Step],
) -> Iterator[Answer]:
    contexts = contexts_at(deeds, question, key, number)
    if not contexts:
        return
    unit = deeds.program.unit(key)
    block, step = branch
    text = written(deeds, key, container.expr)
    condition = unit.blocks[block]
    place = deeds.program.place(key, unit.events[number])
    names = {
        "symbol": text,
        "unit": deeds.program.symbol(key),
        "then": step.text.strip("`"),
        "line": str(condition.line),
    }
    yield Answer(contexts[0], place, names, (step,), f"adds to `{text}`", text)
