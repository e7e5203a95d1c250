"""Path questions about exceptions that are caught and go no further."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.judge.deeds import Deeds
from proctor.judge.graph import inside
from proctor.judge.path_words import Answer, PathQuestion, asked_units, blocks_around, contexts_at
from proctor.model.fact import Awaits, Block, Call, Jump, Raise, Return, Seq, Unit, last_name
from proctor.model.place import Place
from proctor.model.program import LibRef, UnitKey


class CaughtQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An `except` arm catches one of `exceptions` (dotted names; also through a bare `except` and through the bases
    in `bases`), and on some path out of it the code goes on as if nothing had happened: nothing is raised, returned or left.
    `in_loop`: the arm lies in a loop, and the loop goes on. `awaits`: the guarded code waits for something. `endless`: the loop
    has no end of its own."""

    exceptions: tuple[str, ...]
    bases: tuple[str, ...] = ()
    bare: bool = True
    in_loop: bool = False
    endless: bool = False
    awaits: bool = False


def answers(question: CaughtQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each arm that swallows one of the exceptions."""
    for key in asked_units(deeds, question):
        unit = deeds.program.unit(key)
        for number, block in enumerate(unit.blocks):
            if block.kind == "except":
                yield from _arm(question, deeds, key, number, block)


def _arm(question: CaughtQuestion, deeds: Deeds, key: UnitKey, number: int, block: Block) -> Iterator[Answer]:
    caught = caught_name(deeds, key, block, (*question.exceptions, *question.bases), question.bare)
    unit = deeds.program.unit(key)
    if not caught or _is_caught_before(question, deeds, key, number):
        return
    guarded = [
        each for each, other in enumerate(unit.blocks) if other.group == block.group and other.kind == "try"
    ]
    if question.awaits and not any(_waits(unit, each) for each in guarded):
        return
    node = deeds.graph(key).enter.get(number)
    if node is None or not _goes_on(question, deeds, key, number, node):
        return
    contexts = contexts_at(deeds, question, key, node)
    if contexts:
        names = {"symbol": caught, "unit": deeds.program.symbol(key)}
        yield Answer(contexts[0], Place(key.path, block.line), names, (), f"catches `{caught}`", caught)


def caught_name(deeds: Deeds, key: UnitKey, block: Block, exceptions: tuple[str, ...], bare: bool) -> str:
    """Which of the exceptions an arm catches, as it says it; "except:" for a bare one, "" for none."""
    if block.test is None:
        return "except:" if bare else ""
    items = block.test.items if isinstance(block.test, Seq) else (block.test,)
    for item in items:
        for ref in deeds.program.resolve(key, item):
            if isinstance(ref, LibRef) and ref.symbol.removeprefix("builtins.") in exceptions:
                return ref.symbol.removeprefix("builtins.")
        name = last_name(item)
        if name in exceptions:
            return name
    return ""


def _is_caught_before(question: CaughtQuestion, deeds: Deeds, key: UnitKey, number: int) -> bool:
    """An arm before this one takes the exception itself: `except CancelledError: raise` above a bare `except`."""
    blocks = deeds.program.unit(key).blocks
    earlier = [
        other for each, other in enumerate(blocks[:number])
        if other.kind == "except" and other.group == blocks[number].group
    ]  # fmt: skip
    return any(caught_name(deeds, key, other, question.exceptions, False) for other in earlier)


def _waits(unit: Unit, block: int) -> bool:
    within = inside(unit, block)
    return any(
        event.block in within
        and (isinstance(event, Awaits) or (isinstance(event, Call) and event.use == "await"))
        for event in unit.events
    ) or any(unit.blocks[each].is_async for each in within)


def _goes_on(question: CaughtQuestion, deeds: Deeds, key: UnitKey, number: int, node: int) -> bool:
    """Whether a path out of the arm goes on in the unit: back to the loop, or past the statement."""
    graph = deeds.graph(key)
    unit = deeds.program.unit(key)
    within = inside(unit, number)
    reached = graph.reach([node], failing=False)
    if question.in_loop:
        loops = [each for each in blocks_around(deeds, key, node) if each in graph.head]
        if question.endless:
            loops = [each for each in loops if each in _endless(deeds, key)]
        return any(graph.head[each] in reached for each in loops)
    own_events = {each for each, event in enumerate(unit.events) if event.block in within}
    ends = _leaving(unit, own_events)
    # a path that ends the arm without a statement that leaves it
    plain = graph.reach([node], ends, failing=False)
    return any(each not in own_events and each not in ends for each in plain)


def _endless(deeds: Deeds, key: UnitKey) -> frozenset[int]:
    loops = set(deeds.program.main_loops(key))
    blocks = deeds.program.unit(key).blocks
    for number, block in enumerate(blocks):
        if block.parent in loops:
            loops.add(number)
    return frozenset(loops)


def _leaving(unit: Unit, events: set[int]) -> frozenset[int]:
    return frozenset(each for each in events if isinstance(unit.events[each], Return | Raise | Jump))
