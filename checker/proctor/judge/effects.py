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

from collections.abc import Sequence

import msgspec

from proctor.judge.asking import Wanted, WantedIn, asks_process, fits, read_words
from proctor.judge.drafts import Outcome, Platform, make_doubt, make_finding
from proctor.model.program import Context, Hit, ProcessView, Program
from proctor.model.rule import Rule


class _When(WantedIn, frozen=True, kw_only=True, forbid_unknown_fields=True):
    phase: tuple[str, ...] = ()
    lane: tuple[str, ...] = ()
    unit: str = ""
    once: bool = False


class _Unless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    process_effect: tuple[Wanted, ...] = ()
    app_effect: tuple[Wanted, ...] = ()


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
            c for c in conditions if asks_process(c.when, view) and not _is_excused(c.unless, view, program)
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
    when = read_words(rule, rule.when, _When, "[when]")
    return _Condition(rule, when, read_words(rule, rule.unless, _Unless, "[unless]"))


def _is_excused(unless: _Unless, view: ProcessView, program: Program) -> bool:
    if _has(unless.process_effect, (view,)):
        return True
    return _has(unless.app_effect, program.views)


def _has(wanted: Sequence[Wanted], views: Sequence[ProcessView]) -> bool:
    for item in wanted:
        for view in views:
            for _, hit in view.hits(*item.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
                if fits(item, hit):
                    return True
    return False


def _asks_hit(when: _When, context: Context, hit: Hit, program: Program) -> bool:
    if not fits(when, hit):
        return False
    if when.phase and context.phase not in when.phase:
        return False
    if when.lane and context.lane not in when.lane:
        return False
    return not when.unit or program.unit(hit.unit).is_async == (when.unit == "async")


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
