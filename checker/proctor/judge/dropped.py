"""Path questions about results that nobody keeps, waits for or looks at."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from proctor.judge.asking import Wanted, fits
from proctor.judge.deeds import Deed, Deeds
from proctor.judge.expressions import subexpressions
from proctor.judge.path_words import Answer, PathQuestion, Point, asked_units, contexts_at, written
from proctor.model.fact import (
    Attr,
    Awaits,
    Bind,
    Call,
    Expr,
    Load,
    Name,
    Raise,
    Result,
    Return,
    SetAttr,
    SetItem,
    Unit,
    Yield,
)
from proctor.model.finding import Step
from proctor.model.program import BoundRef, Hit, UnitKey, UnitRef


class DroppedQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The result of a call is dropped: it stands alone, or goes to a name that the unit never reads again.
    `first` are the calls asked about, and with them calls on something unknown that are given the coroutine of an `async def`
    of the app and are written like one of the patterns `unresolved`; `coroutine` asks about calls of the app's own `async def`s instead. `target`: what
    is handed over does such a thing, itself or through calls. `awaited_by`: such an event of the same unit takes care of
    all of them (`Thread.join`); a result that is kept in an attribute or a container, passed on or returned is not dropped."""

    first: Wanted | None = None
    unresolved: tuple[str, ...] = ()
    coroutine: bool = False
    target: Point | None = None
    awaited_by: Wanted | None = None

    @property
    def first_effect(self) -> str:
        """The effect of the calls asked about, or ""."""
        return self.first.effect[0] if self.first is not None and self.first.effect else ""


def answers(question: DroppedQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each call whose result is dropped."""
    for key in asked_units(deeds, question):
        if question.coroutine:
            yield from _coroutines(question, deeds, key)
        if question.first is not None:
            yield from _results(question, deeds, key, question.first)


def _results(question: DroppedQuestion, deeds: Deeds, key: UnitKey, first: Wanted) -> Iterator[Answer]:
    own = deeds.own(key)
    if question.awaited_by is not None and any(fits(question.awaited_by, hit) for hit in own):
        return
    seen: set[int] = set()
    for hit in (*(hit for hit in own if fits(first, hit)), *_unresolved(question, deeds, key, first)):
        if hit.event < 0 or hit.event in seen:
            continue
        seen.add(hit.event)
        if not is_dropped(deeds, key, hit.event):
            continue
        done = _target_deed(question, deeds, key, hit)
        if question.target is None or done is not None:
            yield from _answer(question, deeds, key, hit, done)


def _unresolved(question: DroppedQuestion, deeds: Deeds, key: UnitKey, first: Wanted) -> Iterator[Hit]:
    """Calls on something unknown that look like one of those asked about."""
    if not question.unresolved:
        return
    for number, event in enumerate(deeds.program.unit(key).events):
        if not isinstance(event, Call) or not isinstance(event.func, Attr):
            continue
        if deeds.program.symbols(key, number) or deeds.program.targets(key, number):
            continue
        name = written(deeds, key, event.func)
        if any(fnmatchcase(name, pattern) for pattern in question.unresolved) and any(
            deeds.program.unit(target).is_async
            for each in _arguments(deeds, key, number)
            for target in deeds.program.targets(key, each)
        ):
            place = deeds.program.place(key, event)
            yield Hit(effect=first.effect[0], symbol=name, unit=key, event=number, place=place)  # type: ignore[arg-type]


def is_dropped(deeds: Deeds, key: UnitKey, number: int) -> bool:
    """Whether nothing is done with a call's result, other than calling methods on it."""
    unit = deeds.program.unit(key)
    event = unit.events[number]
    if not isinstance(event, Call):
        return False
    if event.use == "statement":
        return True
    if event.use != "value":
        return False
    names: set[str] = set()
    for other in unit.events:
        if isinstance(other, Bind) and other.how in ("assign", "walrus") and other.value == Result(number):
            names.add(other.name)
        elif isinstance(other, Call) and _is_method_of(other, number):
            continue
        elif _uses_result(other, number):
            return False
    if names & (set(unit.globals) | set(unit.nonlocals)) or unit.kind in ("module", "class"):
        return not names
    return all(not _is_read(deeds, key, name) for name in names)


def _is_method_of(call: Call, number: int) -> bool:
    """`start()` on the result itself: `Thread(...).start()`."""
    return (
        isinstance(call.func, Attr) and call.func.value == Result(number) and call.use == "statement"
    ) and not any(_mentions(value, number) for value in (*call.args, *(v for _, v in call.keywords)))


def _uses_result(event: object, number: int) -> bool:
    return any(_mentions(value, number) for value in _values(event))


def _mentions(expr: Expr | None, number: int) -> bool:
    return any(isinstance(part, Result) and part.event == number for part in subexpressions(expr))


def _values(event: object) -> Iterator[Expr | None]:
    if isinstance(event, Call):
        yield event.func
        yield from event.args
        yield from (value for _, value in event.keywords)
    elif isinstance(event, Bind | SetAttr | SetItem | Return | Yield | Raise | Awaits):
        yield event.value
    elif isinstance(event, Load):
        yield event.expr


def _is_read(deeds: Deeds, key: UnitKey, name: str) -> bool:
    """Whether a local name is read again, other than to call a method of it that says nothing of its end."""
    unit = deeds.program.unit(key)
    for event in unit.events:
        if not _is_plain_method(event, name) and _names_in(tuple(_values(event)), name):
            return True
    if any(_names_in((block.test,), name) for block in unit.blocks):
        return True
    units = deeds.program.files[key.path].units
    inner = [other for other in units if _lies_in(units, other, key.number) and name not in other.locals]
    return any(_names_in(tuple(_values(event)), name) for other in inner for event in other.events)


def _is_plain_method(event: object, name: str) -> bool:
    """`thread.start()`: no sign that anybody waits for it."""
    if not (isinstance(event, Call) and event.use == "statement" and isinstance(event.func, Attr)):
        return False
    values = (*event.args, *(value for _, value in event.keywords))
    return event.func.value == Name(name) and event.func.name not in _KEEPING and not _names_in(values, name)


def _lies_in(units: tuple[Unit, ...], unit: Unit, outer: int) -> bool:
    while unit.parent >= 0:
        if unit.parent == outer:
            return True
        unit = units[unit.parent]
    return False


#: methods by which a result is waited for or watched
_KEEPING = frozenset({"join", "wait", "result", "get", "communicate", "add_done_callback", "cancel", "close"})


def _names_in(exprs: tuple[Expr | None, ...], name: str) -> bool:
    return any(isinstance(part, Name) and part.id == name for expr in exprs for part in subexpressions(expr))


def _target_deed(question: DroppedQuestion, deeds: Deeds, key: UnitKey, hit: Hit) -> Deed | None:
    """What the function that a call hands over does, if that is asked for."""
    if question.target is None:
        return None
    for edge in deeds.program.edges(key):
        if edge.event != hit.event and edge.event not in _arguments(deeds, key, hit.event):
            continue
        if edge.target not in deeds.contexts:
            continue
        for deed in deeds.reached(edge.target):
            if fits(question.target, deed.hit):
                text = f"runs `{deeds.program.symbol(edge.target)}`"
                return Deed(deed.hit, (Step(edge.place, text), *deed.via))
    return None


def _arguments(deeds: Deeds, key: UnitKey, number: int) -> frozenset[int]:
    """The calls whose results a call is given: `create_task(work())`."""
    event = deeds.program.unit(key).events[number]
    values = (*event.args, *(value for _, value in event.keywords)) if isinstance(event, Call) else ()
    return frozenset(value.event for value in values if isinstance(value, Result))


def _coroutines(question: DroppedQuestion, deeds: Deeds, key: UnitKey) -> Iterator[Answer]:
    unit = deeds.program.unit(key)
    for number, event in enumerate(unit.events):
        if not isinstance(event, Call) or event.use != "statement":
            continue
        # a method that is only guessed by its name may belong to something else
        if not _is_certain(deeds, key, event):
            continue
        targets = deeds.program.targets(key, number)
        if not targets or not all(_makes_coroutine(deeds.program.unit(target)) for target in targets):
            continue
        contexts = contexts_at(deeds, question, key, number)
        if contexts:
            name = written(deeds, key, event.func)
            names = {"symbol": name, "unit": deeds.program.symbol(key)}
            step = Step(deeds.program.place(targets[0]), f"`{deeds.program.symbol(targets[0])}` is `async`")
            yield Answer(contexts[0], deeds.program.place(key, event), names, (step,), f"`{name}()`", name)


def _is_certain(deeds: Deeds, key: UnitKey, event: Call) -> bool:
    refs = deeds.program.resolve(key, event.func)
    plain = bool(refs) and all(isinstance(ref, UnitRef | BoundRef) for ref in refs)
    return plain and not _is_wrapped(deeds, key, event.func)


def _is_wrapped(deeds: Deeds, key: UnitKey, expr: Expr) -> bool:
    """Whether a library made what is called of an `async def`: it may run the coroutine by itself (`async_to_sync(f)(x)`)."""
    if isinstance(expr, Result):
        return bool(deeds.program.symbols(key, expr.event))
    return isinstance(expr, Name) and any(
        isinstance(event, Bind)
        and event.name == expr.id
        and isinstance(event.value, Result)
        and bool(deeds.program.symbols(owner, event.value.event))
        for owner in dict.fromkeys((key, UnitKey(key.path, 0)))
        for event in deeds.program.unit(owner).events
    )


def _makes_coroutine(unit: Unit) -> bool:
    return unit.is_async and not unit.is_generator and not unit.decorators


def _answer(
    question: DroppedQuestion, deeds: Deeds, key: UnitKey, hit: Hit, done: Deed | None
) -> Iterator[Answer]:
    contexts = contexts_at(deeds, question, key, hit.event)
    if not contexts:
        return
    symbol = hit.symbol.removeprefix("builtins.")
    names = {"symbol": symbol, "unit": deeds.program.symbol(key), "then": "", "target": ""}
    steps: tuple[Step, ...] = ()
    if done is not None:
        names["then"] = done.hit.symbol.removeprefix("builtins.")
        names["target"] = deeds.program.symbol(done.hit.unit)
        steps = (*done.via[1:], Step(done.hit.place, f"`{names['then']}`"))
    doubt = f"`{hit.guard}` decides whether `{symbol}` runs" if hit.guard else ""
    yield Answer(contexts[0], hit.place, names, steps, f"`{symbol}`", symbol, doubt)
