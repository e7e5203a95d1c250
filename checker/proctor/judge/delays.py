"""Path questions about delays: how long something is put off, against a limit that a setting gives."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

from proctor.judge.asking import Wanted, fits
from proctor.judge.deeds import Deeds
from proctor.judge.expressions import deep
from proctor.judge.path_words import Answer, PathQuestion, asked_units, contexts_at
from proctor.model.fact import Bind, Call, Const, Expr, Name, Op, Result
from proctor.model.program import Hit, Known, UnitKey

_UNITS = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0, "weeks": 604800.0}
_UNBOUNDED = float("inf")


class DelayQuestion(PathQuestion, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an effect of `first` is about (a number of seconds, or a point in time) lies further ahead than the limit:
    the seconds that the setting `limit` gives ("system:KEY"), or `limit_default` where it is not set. `clock` and `span` are the
    library's names (patterns) for the present time and for stretches of time."""

    first: Wanted
    limit: str
    limit_default: float
    clock: tuple[str, ...] = ()
    span: tuple[str, ...] = ()


def answers(question: DelayQuestion, deeds: Deeds) -> Iterator[Answer]:
    """Each effect that is put off for longer."""
    limit = _limit(question, deeds)
    if limit is None:
        return
    for key in asked_units(deeds, question):
        for hit in deeds.own(key):
            if hit.event < 0 or hit.subject is None or not fits(question.first, hit):
                continue
            delay = _delay(question, deeds, key, hit.subject)
            if delay is not None and delay > limit:
                yield from _answer(question, deeds, key, hit, delay, limit)


def _limit(question: DelayQuestion, deeds: Deeds) -> float | None:
    """The limit in seconds; None where it cannot be known."""
    system, _, name = question.limit.partition(":")
    setting = deeds.view.setting(system, name)
    if setting is None or setting.is_default:
        return question.limit_default
    value = setting.value.value if isinstance(setting.value, Known) else None
    return float(value) if isinstance(value, int | float) else None


def _delay(question: DelayQuestion, deeds: Deeds, key: UnitKey, expr: Expr) -> float | None:
    """Seconds from now on; infinite where data decides; None where nothing is known of it."""
    value = deeds.program.evaluate(key, expr)
    if isinstance(value, Known):
        return float(value.value) if isinstance(value.value, int | float) else None
    unit = deeds.program.unit(key)
    if isinstance(expr, Name):
        bound = [event.value for event in unit.events if isinstance(event, Bind) and event.name == expr.id]
        found = [_delay(question, deeds, key, each) for each in bound if each is not None and each != expr]
        return max((each for each in found if each is not None), default=None)
    if isinstance(expr, Result):
        return _called(question, deeds, key, expr)
    if isinstance(expr, Op) and expr.name == "+":
        parts = [_delay(question, deeds, key, operand) for operand in expr.operands]
        return (
            None if any(part is None for part in parts) else sum(part for part in parts if part is not None)
        )
    return None


def _called(question: DelayQuestion, deeds: Deeds, key: UnitKey, expr: Result) -> float | None:
    symbols = deeds.program.symbols(key, expr.event)
    event = deeds.program.unit(key).events[expr.event]
    assert isinstance(event, Call)
    if any(fnmatchcase(symbol, pattern) for symbol in symbols for pattern in question.clock):
        return 0.0
    if any(fnmatchcase(symbol, pattern) for symbol in symbols for pattern in question.span):
        return _span(event)
    if any(symbol.rpartition(".")[0].startswith("datetime") for symbol in symbols):
        # a point in time that was read or put together: nothing bounds it
        return _UNBOUNDED
    parts = list(deep(deeds.program.unit(key), event.func))
    return _delay(question, deeds, key, parts[-1]) if symbols == () and parts and parts[-1] != expr else None


def _span(event: Call) -> float | None:
    total = 0.0
    for name, value in event.keywords:
        if name not in _UNITS or not isinstance(value, Const) or not isinstance(value.value, int | float):
            return None
        total += _UNITS[name] * value.value
    return None if event.args else total


def _answer(
    question: DelayQuestion, deeds: Deeds, key: UnitKey, hit: Hit, delay: float, limit: float
) -> Iterator[Answer]:
    contexts = contexts_at(deeds, question, key, hit.event)
    if contexts:
        shown = "for as long as data says" if delay == _UNBOUNDED else f"for {delay:g} s"
        names = {
            "symbol": hit.symbol, "unit": deeds.program.symbol(key), "delay": shown, "limit": f"{limit:g}",
        }  # fmt: skip
        doubt = hit.unsure or (f"`{hit.guard}` decides whether `{hit.symbol}` runs" if hit.guard else "")
        yield Answer(contexts[0], hit.place, names, (), f"`{hit.symbol}`", hit.symbol, doubt)
