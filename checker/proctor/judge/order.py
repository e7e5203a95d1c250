"""Path questions about order: one event before another on some path, or inside a block of another."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from proctor.judge.asking import fits
from proctor.judge.carried import given_calls, is_brought, is_given
from proctor.judge.deeds import Deed, Deeds
from proctor.judge.path_words import (
    Answer,
    PathQuestion,
    Point,
    asked_units,
    blocks_around,
    contexts_at,
    jobs_above,
    place_of,
    points,
    shown,
)
from proctor.judge.surround import surrounding
from proctor.model.finding import Step
from proctor.model.program import Setting, UnitKey

#: how many calls up a surrounding block is looked for
_MAX_CALLERS = 12


class OrderQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A path on which nothing fails leads from `first` to `then`, passes a `between` and no `between_not`. Without `first` the
    unit itself is the answer.

    `same_pass`: without going round a loop that holds both. `carries`: what `first` brings is given to `then`.
    `after`: such an event lies before `first` on a path that passes no `between_not`. `source`: what points with `given` are
    given comes from such an event, or from the unit's parameters; one of the two must be there.
    `inside` / `not_inside`: `first` lies (does not lie) in a block of such an event, here or around a call that leads here.
    `without`: nothing that the unit does, itself or through calls, is such an event; `also`: something is that it does,
    or that one of its callers does. `at` says which of the two the finding is about, or that it is about the unit, or about
    the setting that `settings` names first."""

    first: Point | None = None
    then: Point | None = None
    between: Point | None = None
    between_not: Point | None = None
    after: Point | None = None
    source: Point | None = None
    inside: Point | None = None
    not_inside: Point | None = None
    without: Point | None = None
    also: Point | None = None
    same_pass: bool = False
    carries: bool = False
    at: Literal["first", "then", "unit", "setting"] = "first"


def answers(question: OrderQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each `first` from which a `then` can be reached so."""
    for key in asked_units(deeds, question, question.first.effect if question.first is not None else ()):
        if question.without is not None and points(question.without, deeds, key, frozenset()):
            continue
        if question.first is None:
            yield from _unit_itself(question, deeds, key)
            continue
        found = list(_in_unit(question, question.first, deeds, key))
        if found and (question.also is None or _is_done_around(question.also, deeds, key)):
            yield from found


def _is_done_around(point: Point, deeds: Deeds, key: UnitKey) -> bool:
    """Whether the unit, or one of those whose calls lead to it, is such an event."""
    seen, todo = {key}, [key]
    for _ in range(_MAX_CALLERS):
        if any(points(point, deeds, each, frozenset()) for each in todo):
            return True
        above = dict.fromkeys(source for each in todo for source, _ in deeds.callers(each))
        todo = [each for each in above if each not in seen]
        seen.update(todo)
    return False


def _unit_itself(question: OrderQuestion, deeds: Deeds, key: UnitKey) -> Iterator[Answer]:
    contexts = contexts_at(deeds, question, key, deeds.graph(key).start)
    if contexts:
        name = deeds.program.symbol(key)
        names = {"symbol": name, "unit": name, "first": "", "then": ""}
        place, text = deeds.program.place(key), f"`{name}`"
        setting = _setting(question, deeds) if question.at == "setting" else None
        if setting is not None and setting.place is not None:
            yield Answer(
                contexts[0], setting.place, names, (Step(place, text),), f"`{setting.key}`", setting.key
            )
        else:
            yield Answer(contexts[0], place, names, (), text, name)


def _setting(question: OrderQuestion, deeds: Deeds) -> Setting | None:
    for name in question.settings:
        system, _, key = name.partition(":")
        return deeds.view.setting(system, key)
    return None


def _in_unit(question: OrderQuestion, first: Point, deeds: Deeds, key: UnitKey) -> Iterator[Answer]:
    given = _given(question, deeds, key)
    firsts = points(first, deeds, key, given)
    thens = points(question.then, deeds, key, given) if question.then else {}
    for node, deed in sorted(firsts.items()):
        if first.brought and deed is not None and not is_brought(deeds, key, node, deed):
            continue
        if not _lies_right(question, deeds, key, node):
            continue
        if question.then is None:
            yield from _answer(question, deeds, key, (node, deed), None)
            continue
        reached = _after(question, deeds, key, node)
        for other in sorted(thens):
            if other in reached and _is_apart(question, deeds, key, node, other):
                if node == other and deed != thens[other]:
                    # one call does both: their order is that inside it
                    continue
                if question.carries and not is_given(deeds, key, node, other):
                    continue
                if question.between is not None and not _passes(
                    question, question.between, deeds, key, node, other
                ):
                    continue
                yield from _answer(question, deeds, key, (node, deed), (other, thens[other]))
                break


def _given(question: OrderQuestion, deeds: Deeds, key: UnitKey) -> frozenset[int]:
    if not any(point is not None and point.given for point in (question.first, question.then)):
        return frozenset()
    sources = points(question.source, deeds, key, frozenset()) if question.source else {}
    return given_calls(deeds, key, sources)


def _after(question: OrderQuestion, deeds: Deeds, key: UnitKey, node: int) -> frozenset[int]:
    """The nodes that come after one on paths that the question allows."""
    graph = deeds.graph(key)
    stops: set[int] = set()
    if question.between_not is not None:
        stops.update(points(question.between_not, deeds, key, frozenset()))
        stops.discard(node)
    return graph.reach([node], stops, failing=False)


def _passes(
    question: OrderQuestion, between: Point, deeds: Deeds, key: UnitKey, node: int, other: int
) -> bool:
    reached = _after(question, deeds, key, node)
    middle = points(between, deeds, key, frozenset())
    return any(each in reached and other in _after(question, deeds, key, each) for each in middle)


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
        return other in deeds.graph(key).reach([node], heads, failing=False)
    return node != other or node in deeds.graph(key).reach([node], failing=False)


def _loops(deeds: Deeds, key: UnitKey, node: int) -> Iterator[int]:
    heads = deeds.graph(key).head
    return (block for block in blocks_around(deeds, key, node) if block in heads)


def _lies_right(question: OrderQuestion, deeds: Deeds, key: UnitKey, node: int) -> bool:
    if question.source is not None and not _has_source(question.source, deeds, key, node):
        return False
    if question.after is not None and not _comes_after(question, question.after, deeds, key, node):
        return False
    if question.inside is not None and surrounding(question.inside, deeds, key, node) is None:
        return False
    return question.not_inside is None or surrounding(question.not_inside, deeds, key, node) is None


def _has_source(point: Point, deeds: Deeds, key: UnitKey, node: int) -> bool:
    before = points(point, deeds, key, frozenset())
    if not before:
        return any(param.name not in ("self", "cls") for param in deeds.program.unit(key).params)
    graph = deeds.graph(key)
    return any(node == each or node in graph.reach([each]) for each in before)


def _comes_after(question: OrderQuestion, point: Point, deeds: Deeds, key: UnitKey, node: int) -> bool:
    before = points(point, deeds, key, frozenset())
    return any(node != each and node in _after(question, deeds, key, each) for each in before)


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
    if question.inside is not None:
        steps = [*(surrounding(question.inside, deeds, key, node) or ()), *steps]
    doubt = _doubt(deed) or (_doubt(then[1]) if then else "")
    if question.at == "unit":
        # of a helper the job is meant that it works for
        owner = next(jobs_above(deeds, question, key), None) if question.under else None
        if owner is not None:
            contexts, key = [owner], owner.unit
        name = names["unit"] = deeds.program.symbol(key)
        place, text, subject = deeds.program.place(key), f"`{name}`", name
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
