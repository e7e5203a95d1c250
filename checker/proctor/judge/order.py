"""Path questions about order: one event before another on some path, or inside a block of another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from proctor.judge.asking import fits
from proctor.judge.carried import given_calls, parts
from proctor.judge.deeds import Deed, Deeds
from proctor.judge.path_words import (
    Answer,
    PathQuestion,
    Point,
    asked_units,
    blocks_around,
    contexts_at,
    place_of,
    points,
    shown,
)
from proctor.model.fact import Call, Define, Result
from proctor.model.finding import Step
from proctor.model.program import Hit, UnitKey

#: how many calls up a surrounding block is looked for
_MAX_CALLERS = 12


class OrderQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A path leads from `first` to `then`, and passes no `between_not`. Without `first` the unit itself is the answer. `same_pass`: without going round a loop that
    holds both. `after`: such an event lies before `first` on some path (or the unit is given what it brings).
    `inside` / `not_inside`: both lie (do not lie) in a block of such an event. `without` / `also`: nothing (something) that the unit
    does, itself or through calls, is such an event. `at` says which of the two the finding is about, or that
    it is about the unit."""

    first: Point | None = None
    then: Point | None = None
    between_not: Point | None = None
    after: Point | None = None
    inside: Point | None = None
    not_inside: Point | None = None
    without: Point | None = None
    also: Point | None = None
    same_pass: bool = False
    at: Literal["first", "then", "unit"] = "first"


def answers(question: OrderQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each `first` from which a `then` can be reached so."""
    for key in asked_units(deeds, question):
        if question.without is not None and points(question.without, deeds, key, frozenset()):
            continue
        if question.also is not None and not points(question.also, deeds, key, frozenset()):
            continue
        if question.first is None:
            yield from _unit_itself(question, deeds, key)
        elif not question.first.effect or deeds.may(key, question.first.effect):
            yield from _in_unit(question, question.first, deeds, key)


def _unit_itself(question: OrderQuestion, deeds: Deeds, key: UnitKey) -> Iterator[Answer]:
    contexts = contexts_at(deeds, question, key, deeds.graph(key).start)
    if contexts:
        name = deeds.program.symbol(key)
        names = {"symbol": name, "unit": name, "first": "", "then": ""}
        yield Answer(contexts[0], deeds.program.place(key), names, (), f"`{name}`", name)


def _in_unit(question: OrderQuestion, first: Point, deeds: Deeds, key: UnitKey) -> Iterator[Answer]:
    given = _given(question, deeds, key)
    firsts = points(first, deeds, key, given)
    thens = points(question.then, deeds, key, given) if question.then else {}
    for node, deed in sorted(firsts.items()):
        if not _lies_right(question, deeds, key, node):
            continue
        if question.then is None:
            yield from _answer(question, deeds, key, (node, deed), None)
            continue
        reached = _after(question, deeds, key, node)
        for other in sorted(thens):
            if other in reached and _is_apart(question, deeds, key, node, other):
                yield from _answer(question, deeds, key, (node, deed), (other, thens[other]))
                break


def _given(question: OrderQuestion, deeds: Deeds, key: UnitKey) -> frozenset[int]:
    if not any(point is not None and point.given for point in (question.first, question.then)):
        return frozenset()
    sources = points(question.after, deeds, key, frozenset()) if question.after else {}
    return given_calls(deeds, key, sources)


def _after(question: OrderQuestion, deeds: Deeds, key: UnitKey, node: int) -> frozenset[int]:
    """The nodes that come after one on paths that the question allows."""
    graph = deeds.graph(key)
    stops: set[int] = set()
    if question.between_not is not None:
        stops.update(points(question.between_not, deeds, key, frozenset()))
        stops.discard(node)
    return graph.reach([node], stops)


def _is_apart(question: OrderQuestion, deeds: Deeds, key: UnitKey, node: int, other: int) -> bool:
    """Whether the two are different events and lie on a path as the question asks."""
    if question.between_not is not None:
        # what both do inside one call has an order of its own there
        inner = deeds.at(key).get(node, ())
        if any(deed.via and fits(question.between_not, deed.hit) for deed in inner):
            return False
    if question.same_pass:
        loops = set(_loops(deeds, key, node)) & set(_loops(deeds, key, other))
        heads = {deeds.graph(key).head[block] for block in loops}
        if node in heads:
            return True
        return other in deeds.graph(key).reach([node], heads)
    return node != other or node in deeds.graph(key).reach([node])


def _loops(deeds: Deeds, key: UnitKey, node: int) -> Iterator[int]:
    heads = deeds.graph(key).head
    return (block for block in blocks_around(deeds, key, node) if block in heads)


def _lies_right(question: OrderQuestion, deeds: Deeds, key: UnitKey, node: int) -> bool:
    if question.after is not None and not _comes_after(question.after, deeds, key, node):
        return False
    if question.inside is not None and not _is_inside(question.inside, deeds, key, node):
        return False
    return question.not_inside is None or not _is_inside(question.not_inside, deeds, key, node)


def _comes_after(point: Point, deeds: Deeds, key: UnitKey, node: int) -> bool:
    """Whether such an event lies before the node, or the unit was given what it brings: it has parameters."""
    before = points(point, deeds, key, frozenset())
    if not before:
        return any(param.name not in ("self", "cls") for param in deeds.program.unit(key).params)
    graph = deeds.graph(key)
    return any(node == each or node in graph.reach([each]) for each in before)


def _is_inside(point: Point, deeds: Deeds, key: UnitKey, node: int, depth: int = 0) -> bool:
    """Whether the node lies in a `with` block of such an event, or the unit is decorated with one."""
    unit = deeds.program.unit(key)
    around = set(blocks_around(deeds, key, node))
    for hit in deeds.own(key):
        if not fits(point, hit):
            continue
        if hit.block in around:
            return True
        event = unit.events[hit.event] if hit.event >= 0 else None
        if isinstance(event, Call) and event.use == "with" and _opens(deeds, key, hit, around):
            return True
    if _is_decorated(point, deeds, key):
        return True
    return depth < _MAX_CALLERS and _is_called_inside(point, deeds, key, depth + 1)


def _is_called_inside(point: Point, deeds: Deeds, key: UnitKey, depth: int) -> bool:
    """Whether the call that leads to the unit, or one that leads to that, lies in such a block."""
    for context in deeds.contexts.get(key, ()):
        origin = deeds.view.contexts[context]
        if origin is None or origin[1].how in ("import", "registers", "define") or origin[1].event < 0:
            continue
        if origin[1].event in deeds.handed_on(origin[0].unit):
            continue
        if _is_inside(point, deeds, origin[0].unit, origin[1].event, depth):
            return True
    return False


def _opens(deeds: Deeds, key: UnitKey, hit: Hit, around: set[int]) -> bool:
    """Whether the call's result is what one of the blocks is entered with."""
    blocks = deeds.program.unit(key).blocks
    return any(
        isinstance(part, Result) and part.event == hit.event
        for block in around
        if blocks[block].kind == "with"
        for part in parts(blocks[block].test)
    )


def _is_decorated(point: Point, deeds: Deeds, key: UnitKey) -> bool:
    unit = deeds.program.unit(key)
    if unit.parent < 0:
        return False
    parent = UnitKey(key.path, unit.parent)
    events = deeds.program.unit(parent).events
    own = {
        number
        for number, event in enumerate(events)
        if (isinstance(event, Define) and event.unit == key.number)
        or (isinstance(event, Call) and event.use == "decorator" and _result_in(unit.decorators, number))
    }
    return any(hit.event in own and fits(point, hit) for hit in deeds.program.unit_hits(parent))


def _result_in(decorators: tuple[object, ...], number: int) -> bool:
    return any(isinstance(each, Result) and each.event == number for each in decorators)


def _answer(
    question: OrderQuestion,
    deeds: Deeds,
    key: UnitKey,
    first: tuple[int, Deed | None],
    then: tuple[int, Deed | None] | None,
) -> Iterator[Answer]:
    node, deed = first if question.at == "first" or then is None else then
    contexts = contexts_at(deeds, question, key, node)
    if not contexts:
        return
    names = {
        "symbol": shown(deeds, key, *first),
        "unit": deeds.program.symbol(key),
        "first": shown(deeds, key, *first),
        "then": shown(deeds, key, *then) if then else "",
    }
    steps = [step for point in (first, then) if point for step in _steps(deeds, key, *point)]
    doubt = _doubt(deed) or (_doubt(then[1]) if then else "")
    if question.at == "unit":
        place, text, subject = deeds.program.place(key), f"`{names['unit']}`", names["unit"]
    else:
        place, text, subject = (
            place_of(deeds, key, node),
            f"`{shown(deeds, key, node, deed)}`",
            names["symbol"],
        )
        steps = [step for step in steps if step.place != place]
    yield Answer(contexts[0], place, names, tuple(steps), text, subject, doubt)


def _steps(deeds: Deeds, key: UnitKey, node: int, deed: Deed | None) -> Iterator[Step]:
    """The evidence of a point: where the unit calls, and where the effect is in the end."""
    text = f"`{shown(deeds, key, node, deed)}`"
    if deed is None or not deed.via:
        yield Step(place_of(deeds, key, node), text)
    else:
        yield from deed.via
        yield Step(deed.hit.place, text)


def _doubt(deed: Deed | None) -> str:
    if deed is None:
        return ""
    if deed.hit.guard:
        return f"`{deed.hit.guard}` decides whether `{deed.hit.symbol}` runs"
    return deed.hit.unsure
