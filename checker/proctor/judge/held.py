"""Path questions about locks: what happens while one is held, and whether it is let go on every path."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal, NamedTuple

from proctor.judge.asking import Wanted, fits
from proctor.judge.deeds import Deeds, receiver
from proctor.judge.path_words import Answer, PathQuestion, asked_units, contexts_at, place_of, written
from proctor.model.fact import Attr, Awaits, Call, Expr, Name, Raise, Yield
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Hit, Storage, UnitKey

#: how many calls down another taking of a lock is looked for
_MAX_CALLS = 8
_NOTES = frozenset({"debug", "info", "warning", "error", "exception", "critical", "log"})


class HeldQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """While a lock of `first` is held: `during` = "await": the code waits for something else on the loop; "same": the same
    lock is taken again, here or through calls; "inverse": another lock is taken that some path takes in the other order.
    `threads`: only where the program has more than one thread."""

    first: Wanted
    during: Literal["await", "same", "inverse"]
    threads: bool = False


class ReleaseQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What `first` takes is not let go by `then` on every path, exceptions included."""

    first: Wanted
    then: Wanted


class Region(NamedTuple):
    """Where a unit holds a lock: the hit that takes it, the node where it does, and the nodes while it is held."""

    hit: Hit
    node: int
    nodes: frozenset[int]
    lock: tuple[Storage, ...]
    text: str


def held_answers(question: HeldQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each place where a lock is held and the other thing happens."""
    if question.threads and not _has_threads(deeds):
        return
    if question.during == "inverse":
        yield from _inversions(question, deeds)
        return
    for key in asked_units(deeds, question):
        for region in regions(deeds, key, question.first):
            if question.during == "await":
                yield from _awaits(question, deeds, key, region)
            else:
                yield from _again(question, deeds, key, region)


def _has_threads(deeds: Deeds) -> bool:
    view = deeds.view
    return view.details.get("concurrency") == "threads" or any(c.lane == "thread" for c in view.contexts)


def regions(deeds: Deeds, key: UnitKey, first: Wanted) -> Iterator[Region]:
    """Where a unit itself holds locks."""
    fitting = [hit for hit in deeds.own(key) if fits(first, hit)]
    if not fitting:
        return  # as in most units: no need to work out the control flow
    graph, unit = deeds.graph(key), deeds.program.unit(key)
    for hit in fitting:
        expr = receiver(deeds.program, hit)
        if expr is None:
            continue
        text = written(deeds, key, expr)
        lock = lock_of(deeds, key, expr)
        if hit.block >= 0:
            node = graph.enter.get(hit.block)
            if node is not None:
                end = graph.leave[hit.block]
                nodes = graph.reach([node], (end,))
                yield Region(hit, node, nodes - {end}, lock, text)
        elif hit.event >= 0:
            ends = {
                other.event
                for other in deeds.own(key)
                if other.effect == "unlocks" and other.event >= 0 and receiver(deeds.program, other) == expr
            }
            event = unit.events[hit.event]
            if isinstance(event, Call) and event.use in ("statement", "await"):
                nodes = graph.reach([hit.event], ends)
                yield Region(hit, hit.event, nodes - ends, lock, text)


def lock_of(deeds: Deeds, key: UnitKey, expr: Expr) -> tuple[Storage, ...]:
    """Which lock an expression is: one place in memory, or nothing where it may be one of several."""
    inner = expr
    while isinstance(inner, Attr):
        inner = inner.value
    if not isinstance(inner, Name):
        return ()
    found = deeds.program.storage(key, expr)
    return found if len(found) == 1 else ()


# --- awaiting ------------------------------------------------------------------------------------------------


def _awaits(question: HeldQuestion, deeds: Deeds, key: UnitKey, region: Region) -> Iterator[Answer]:
    unit = deeds.program.unit(key)
    for node in sorted(region.nodes):
        event = unit.events[node] if node < len(unit.events) else None
        if not isinstance(event, Awaits) and not (isinstance(event, Call) and event.use == "await"):
            continue
        contexts = contexts_at(deeds, question, key, region.node)
        if contexts:
            names = {"symbol": region.text, "unit": deeds.program.symbol(key), "line": str(event.line)}
            step = Step(place_of(deeds, key, node), "awaits while the lock is held")
            yield Answer(contexts[0], region.hit.place, names, (step,), f"takes `{region.text}`", region.text)
        return


# --- taking a lock twice -------------------------------------------------------------------------------------


def _again(question: HeldQuestion, deeds: Deeds, key: UnitKey, region: Region) -> Iterator[Answer]:
    if not region.lock:
        return
    for node in sorted(region.nodes):
        found = _taken_at(question, deeds, key, node, region, 0)
        if found is None:
            continue
        contexts = contexts_at(deeds, question, key, node)
        if contexts:
            place = place_of(deeds, key, node)
            names = {
                "symbol": region.text,
                "unit": deeds.program.symbol(key),
                "line": str(region.hit.place.line),
            }
            steps = (Step(region.hit.place, f"takes `{region.text}`"), *found)
            yield Answer(contexts[0], place, names, steps, f"takes `{region.text}` again", region.text)
        return


def _taken_at(
    question: HeldQuestion, deeds: Deeds, key: UnitKey, node: int, region: Region, depth: int
) -> tuple[Step, ...] | None:
    """The steps to where the lock of a region is taken at a node, or None."""
    for hit in deeds.own(key):
        at = hit.event if hit.event >= 0 else deeds.graph(key).enter.get(hit.block, -1)
        if at == node and hit is not region.hit and fits(question.first, hit):
            expr = receiver(deeds.program, hit)
            if expr is not None and lock_of(deeds, key, expr) == region.lock:
                return (Step(hit.place, f"takes `{written(deeds, key, expr)}`"),)
    if depth >= _MAX_CALLS or not _same_object(deeds, key, node, region):
        return None
    for target in deeds.runs(key).get(node, ()):
        if target == key or target not in deeds.contexts:
            continue
        for inner in _unconditional(deeds, target):
            found = _taken_at(question, deeds, target, inner, region, depth + 1)
            if found is not None:
                step = Step(place_of(deeds, key, node), f"calls `{deeds.program.symbol(target)}`")
                return (step, *found)
    return None


def _unconditional(deeds: Deeds, key: UnitKey) -> Iterator[int]:
    """The nodes of a unit at which something happens."""
    graph = deeds.graph(key)
    yield from sorted({*deeds.runs(key), *(hit.event for hit in deeds.own(key) if hit.event >= 0)})
    yield from graph.enter.values()


def _same_object(deeds: Deeds, key: UnitKey, node: int, region: Region) -> bool:
    """Whether what is called at a node belongs to the same object as the lock, where the lock is an object's own."""
    if region.lock[0].kind != "instance":
        return True
    events = deeds.program.unit(key).events
    event = events[node] if node < len(events) else None
    return isinstance(event, Call) and isinstance(event.func, Attr) and event.func.value == Name("self")


# --- order of two locks ----------------------------------------------------------------------------------------


class _Pair(NamedTuple):
    outer: Storage
    inner: Storage
    key: UnitKey
    node: int
    region: Region
    place: Place
    text: str


def _inversions(question: HeldQuestion, deeds: Deeds) -> Iterator[Answer]:
    pairs: dict[tuple[Storage, Storage], _Pair] = {}
    for key in asked_units(deeds, question):
        for pair in _pairs(question, deeds, key):
            pairs.setdefault((pair.outer, pair.inner), pair)
    for (outer, inner), pair in pairs.items():
        other = pairs.get((inner, outer))
        if other is None or (pair.place.path, pair.place.line) > (other.place.path, other.place.line):
            continue
        contexts = contexts_at(deeds, question, pair.key, pair.node)
        if contexts:
            names = {
                "symbol": pair.text,
                "outer": pair.region.text,
                "unit": deeds.program.symbol(pair.key),
                "other": deeds.program.symbol(other.key),
            }
            steps = (
                Step(other.region.hit.place, f"`{names['other']}` takes `{other.region.text}`"),
                Step(other.place, f"then `{other.text}`"),
                Step(pair.region.hit.place, f"`{names['unit']}` takes `{pair.region.text}`"),
            )
            yield Answer(contexts[0], pair.place, names, steps, f"then `{pair.text}`", pair.text)


def _pairs(question: HeldQuestion, deeds: Deeds, key: UnitKey) -> Iterator[_Pair]:
    for region in regions(deeds, key, question.first):
        if not region.lock:
            continue
        for node in sorted(region.nodes):
            for deed in deeds.at(key).get(node, ()):
                if deed.hit is region.hit or not fits(question.first, deed.hit):
                    continue
                expr = receiver(deeds.program, deed.hit)
                inner = lock_of(deeds, deed.hit.unit, expr) if expr is not None else ()
                if inner and inner != region.lock and expr is not None:
                    text = written(deeds, deed.hit.unit, expr)
                    place = place_of(deeds, key, node)
                    yield _Pair(region.lock[0], inner[0], key, node, region, place, text)


# --- letting go ---------------------------------------------------------------------------------------------------


def release_answers(question: ReleaseQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each taking that some path does not undo."""
    for key in asked_units(deeds, question):
        own = deeds.own(key)
        taken = [hit for hit in own if hit.event >= 0 and fits(question.first, hit)]
        for hit in taken:
            yield from _kept(question, deeds, key, hit)


def _kept(question: ReleaseQuestion, deeds: Deeds, key: UnitKey, hit: Hit) -> Iterator[Answer]:
    unit = deeds.program.unit(key)
    event = unit.events[hit.event]
    expr = receiver(deeds.program, hit)
    # where the result decides (`if lock.acquire(blocking=False)`) some paths rightly let nothing go
    if not isinstance(event, Call) or event.use not in ("statement", "await") or expr is None:
        return
    ends = {
        other.event
        for other in deeds.own(key)
        if other.event >= 0 and fits(question.then, other) and receiver(deeds.program, other) == expr
    }
    text = written(deeds, key, expr)
    names = {"symbol": text, "unit": deeds.program.symbol(key), "how": ""}
    steps: tuple[Step, ...] = ()
    if ends:
        leak = _leak(deeds, key, hit.event, ends)
        if leak is None:
            return
        step = Step(place_of(deeds, key, leak), "leaves here with the lock held")
        names["how"] = f"the path through line {step.place.line}"
        steps = (step,)
    elif _is_let_go_elsewhere(question, deeds, key, expr):
        return
    else:
        names["how"] = "any path"
    contexts = contexts_at(deeds, question, key, hit.event)
    if contexts:
        yield Answer(contexts[0], hit.place, names, steps, f"takes `{text}`", text)


def _leak(deeds: Deeds, key: UnitKey, node: int, ends: set[int]) -> int | None:
    """A node from which a path that passes no end leaves the unit."""
    graph, unit = deeds.graph(key), deeds.program.unit(key)
    seen: set[int] = set()
    todo = list(graph.after[node])
    while todo:
        current = todo.pop(0)
        if current in seen or current in ends:
            continue
        seen.add(current)
        onward = set(graph.after[current])
        event = unit.events[current] if current < len(unit.events) else None
        if event is not None and _may_fail(deeds, key, current):
            onward |= graph.failing[current]
        if event is not None and onward & {graph.end, graph.escape}:
            return current
        todo.extend(sorted(onward))
    return None


def _may_fail(deeds: Deeds, key: UnitKey, node: int) -> bool:
    event = deeds.program.unit(key).events[node]
    if isinstance(event, Raise | Awaits | Yield):
        return True
    if not isinstance(event, Call):
        return False
    symbols = deeds.program.symbols(key, node)
    if symbols:
        return not all(
            symbol.startswith("builtins.") or symbol.rpartition(".")[2] in _NOTES for symbol in symbols
        )
    return not (isinstance(event.func, Attr) and event.func.name in _NOTES)


def _is_let_go_elsewhere(question: ReleaseQuestion, deeds: Deeds, key: UnitKey, expr: Expr) -> bool:
    """Whether another unit lets the same lock go, or it cannot be told which lock it is."""
    lock = lock_of(deeds, key, expr)
    if not lock:
        return True
    for unit in deeds.contexts:
        for hit in deeds.own(unit):
            if hit.effect in question.then.effect and fits(question.then, hit):
                other = receiver(deeds.program, hit)
                if other is not None and lock_of(deeds, unit, other) in (lock, ()):
                    return True
    return False
