"""Judge `effects`: an effect that a process type can reach in a phase where it must not happen.

Words of `[when]` and `[unless]`:
- `effect`: one effect or several (any of them).
- `details` / `details_not`: words that the model row must (not) carry, each a value or a list of values.
- `symbol`: patterns (`fnmatch`) of the library symbol that does it.
- `phase`: phases in which it counts (default: all).
- `lane`: "loop" (on an event loop), "thread", "main".
- `unit`: "async" (the line is written in an `async def`) or "sync".
- `process_does`: effects of which the process type has at least one; `process_kind` its kinds.
- `process_drives`: trigger families it fires.
- `long_running`: whether the program stays.
- `unless.process_does`, `unless.process_effect`, `unless.app_effect`: effects that excuse it, in the same process type or anywhere
  (each a name, or a table `{effect, details}`).
- `once`: one finding per process type instead of one per place.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from proctor.errors import ConfigurationError
from proctor.judge.drafts import Outcome, Platform, make_doubt, make_finding
from proctor.model.program import Context, Hit, ProcessView, Program
from proctor.model.rule import Rule


class _Wanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    effect: tuple[str, ...]
    details: dict[str, str | tuple[str, ...]] = {}


class _When(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    effect: tuple[str, ...]
    details: dict[str, str | tuple[str, ...]] = {}
    details_not: dict[str, str | tuple[str, ...]] = {}
    symbol: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    unit: str = ""
    process_does: tuple[str, ...] = ()
    process_does_not: tuple[str, ...] = ()
    process_kind: tuple[str, ...] = ()
    process_drives: tuple[str, ...] = ()
    long_running: bool | None = None
    once: bool = False


class _Unless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    process_effect: tuple[_Wanted, ...] = ()
    app_effect: tuple[_Wanted, ...] = ()


class _Condition(msgspec.Struct, frozen=True):
    rule: Rule
    when: _When
    unless: _Unless


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    conditions = [_parse(rule) for rule in rules]
    wanted = frozenset(effect for condition in conditions for effect in condition.when.effect)
    outcomes: list[Outcome] = []
    for view in program.views:
        asked = [
            c for c in conditions if _asks_process(c.when, view) and not _is_excused(c.unless, view, program)
        ]
        if not asked:
            continue
        done: set[tuple[str, object]] = set()
        for context, hit in view.hits(*wanted):  # type: ignore[arg-type]  # checked against the vocabulary on load
            for condition in asked:
                if _asks_hit(condition.when, context, hit, program):
                    mark = (condition.rule.code, "once" if condition.when.once else hit.place)
                    if mark not in done:
                        done.add(mark)
                        outcomes.append(_outcome(condition.rule, view, context, hit, program))
    return outcomes


def _parse(rule: Rule) -> _Condition:
    try:
        when = msgspec.convert(_listed(rule.when, _When), _When)
        unless = msgspec.convert(_listed(rule.unless, _Unless), _Unless)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{rule.path}: [when] of {rule.code}: {error}") from None
    return _Condition(rule, when, unless)


def _listed(table: Mapping[str, Any], shape: type[msgspec.Struct]) -> dict[str, Any]:
    """A single word stands for a list of one."""
    made: dict[str, Any] = {}
    for key, value in table.items():
        if key in ("process_effect", "app_effect"):
            items = value if isinstance(value, list) else [value]
            made[key] = [_as_wanted(item) for item in items]
        elif isinstance(value, str) and key != "unit":
            made[key] = [value]
        else:
            made[key] = value
    made.pop("judge", None)
    return made


def _as_wanted(item: Any) -> dict[str, Any]:
    if isinstance(item, str):
        return {"effect": [item]}
    effect = item.get("effect", [])
    return {**item, "effect": [effect] if isinstance(effect, str) else effect}


def _asks_process(when: _When, view: ProcessView) -> bool:
    if when.long_running is not None and view.launch.long_running != when.long_running:
        return False
    if when.process_does and not any(effect in view.does for effect in when.process_does):
        return False
    if any(effect in view.does for effect in when.process_does_not):
        return False
    if when.process_kind and view.launch.kind not in when.process_kind:
        return False
    return not when.process_drives or bool(view.drives.intersection(when.process_drives))


def _is_excused(unless: _Unless, view: ProcessView, program: Program) -> bool:
    if _has(unless.process_effect, (view,)):
        return True
    return _has(unless.app_effect, program.views)


def _has(wanted: Sequence[_Wanted], views: Iterable[ProcessView]) -> bool:
    for item in wanted:
        for view in views:
            for _, hit in view.hits(*item.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
                if _details_fit(item.details, hit.details):
                    return True
    return False


def _asks_hit(when: _When, context: Context, hit: Hit, program: Program) -> bool:
    if hit.effect not in when.effect:
        return False
    if when.phase and context.phase not in when.phase:
        return False
    if when.lane and context.lane not in when.lane:
        return False
    if when.details and not _details_fit(when.details, hit.details):
        return False
    if when.details_not and any(
        _details_fit({key: value}, hit.details) for key, value in when.details_not.items()
    ):
        return False
    if when.symbol and not any(fnmatchcase(hit.symbol, pattern) for pattern in when.symbol):
        return False
    return not when.unit or program.unit(hit.unit).is_async == (when.unit == "async")


def _details_fit(wanted: Mapping[str, str | tuple[str, ...]], details: Mapping[str, str]) -> bool:
    for key, value in wanted.items():
        options = (value,) if isinstance(value, str) else value
        if details.get(key) not in options:
            return False
    return True


def _outcome(rule: Rule, view: ProcessView, context: Context, hit: Hit, program: Program) -> Outcome:
    if hit.unsure or hit.guard:
        reason = hit.unsure or f"`{hit.guard}` decides whether `{hit.symbol}` runs"
        return make_doubt(rule, view, reason, hit.place)
    names = {
        "symbol": hit.symbol.removeprefix("builtins."),
        "effect": hit.effect,
        "unit": program.symbol(hit.unit),
        **{f"detail_{key}": value for key, value in hit.details.items()},
    }
    text = f"`{names['symbol']}`"
    return make_finding(
        rule, view, place=hit.place, context=context, names=names, text=text, subject=names["symbol"]
    )
