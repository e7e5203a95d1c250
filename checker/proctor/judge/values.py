"""Judge `values`: a setting, or an argument that a model row tests, has a value that breaks a clause.

`[[when.any]]` holds alternatives; each is one of
- a **setting**: `setting` names keys ("system:KEY", nested keys after dots, `*` for any item of a mapping, such as
  "django:CACHES.*.BACKEND"), `equals` values or `matches` (a regular expression) say which values are meant, `at_least` a number from which on they are;
  `unless_key` maps sibling keys to values that excuse it, `requires` other settings to values that they must have, `default` says whether a library's default counts (true). `used_by` are effects
  (see `Wanted`) of which the program must have one: a cache that nobody uses holds nothing. With `absent` the finding is that
  the setting is missing, or has one of the values in `equals`.
- an **effect**: `effect`, `details`, `symbol` as in judge `effects`; the row's own conditions looked at the value. `phase`
  limits it. `unless_all` are further effects by the same library, with a regular expression `subject`: where the program has
  such effects, and the subject of each is known and matches, it is excused (a database that is only read). A row that says `decided_by` a setting is left to the alternatives that ask for that setting.
- a **binding**: `bound_to` patterns (any case) of names, attributes or keys that the result of such an effect is bound to.

`[when]` may also hold the words that limit programs (`process_does`, …); `[unless]` may hold `process_effect`.
What the environment decides is a doubt where its fallback is meant, and nothing where its fallback is fine.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from proctor.judge.asking import ProcessWords, Wanted, asks_process, fits, read_words
from proctor.judge.drafts import Outcome, Platform, make_doubt, make_finding
from proctor.judge.flows import asked_first, is_made_from
from proctor.model.fact import (
    Bind,
    Call,
    Const,
    Define,
    Event,
    Expr,
    SetAttr,
    SetItem,
    Unit,
)
from proctor.model.finding import Step
from proctor.model.partial import matches, may_be
from proctor.model.place import Place
from proctor.model.program import (
    Context,
    FromEnv,
    Hit,
    Known,
    ProcessView,
    Program,
    Setting,
    UnitKey,
    Unknown,
    Value,
)
from proctor.model.rule import Rule


class _Excuse(Wanted, frozen=True, kw_only=True, forbid_unknown_fields=True):
    subject: str


class _Alternative(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    setting: tuple[str, ...] = ()
    equals: tuple[str | int | float | bool | None, ...] = ()
    matches: str = ""
    at_least: float | None = None
    unless_key: dict[str, str] = {}
    requires: dict[str, str] = {}
    default: bool = True
    absent: bool = False
    used_by: tuple[Wanted, ...] = ()
    effect: tuple[str, ...] = ()
    details: dict[str, str | tuple[str, ...]] = {}
    details_not: dict[str, str | tuple[str, ...]] = {}
    symbol: tuple[str, ...] = ()
    phase: tuple[str, ...] = ()
    bound_to: tuple[str, ...] = ()
    unless_all: _Excuse | None = None
    severity: str = ""
    message: str = ""

    @property
    def wanted(self) -> Wanted:
        """The effect part."""
        return Wanted(
            effect=self.effect, details=self.details, details_not=self.details_not, symbol=self.symbol
        )


class _When(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    any: tuple[_Alternative, ...]


class _Unless(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    process_effect: tuple[Wanted, ...] = ()


class _Question(msgspec.Struct, frozen=True):
    rule: Rule
    alternative: _Alternative


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    outcomes: list[Outcome] = []
    for rule in rules:
        when = read_words(rule, rule.when, _When, "[when]")
        unless = read_words(rule, rule.unless, _Unless, "[unless]")
        for view in program.views:
            if asks_process(when, view) and not any(_first(view, wanted) for wanted in unless.process_effect):
                for alternative in when.any:
                    outcomes.extend(_ask(_Question(rule, alternative), view, program))
    return outcomes


def _ask(question: _Question, view: ProcessView, program: Program) -> Iterator[Outcome]:
    if question.alternative.setting:
        yield from _settings(question, view)
    else:
        yield from _effects(question, view, program)


def _first(view: ProcessView, wanted: Wanted, phases: tuple[str, ...] = ()) -> tuple[Context, Hit] | None:
    for context, hit in view.hits(*wanted.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
        if fits(wanted, hit) and (not phases or context.phase in phases) and not hit.unsure:
            return context, hit
    return None


# --- settings ---------------------------------------------------------------------------------------------


def _settings(question: _Question, view: ProcessView) -> Iterator[Outcome]:
    alternative = question.alternative
    use: tuple[Context, Hit] | None = None
    if not all(_has_value(view, name, pattern) for name, pattern in alternative.requires.items()):
        return
    for wanted in alternative.used_by:
        use = use or _first(view, wanted, alternative.phase)
    if alternative.used_by and use is None:
        return
    for name in alternative.setting:
        for setting in _find(view, name):
            outcome = _setting_outcome(question, view, setting, use)
            if outcome is not None:
                yield outcome
        if alternative.absent and not any(True for _ in _find(view, name)):
            outcome = _absent(question, view, name, use)
            if outcome is not None:
                yield outcome


def _has_value(view: ProcessView, name: str, pattern: str) -> bool:
    system, _, key = name.partition(":")
    setting = view.setting(system, key)
    value = setting.value if setting is not None else None
    return isinstance(value, Known) and re.search(pattern, str(value.value)) is not None


def _find(view: ProcessView, name: str) -> Iterator[Setting]:
    system, _, key = name.partition(":")
    return view.settings_like(system, key)


def _setting_outcome(
    question: _Question, view: ProcessView, setting: Setting, use: tuple[Context, Hit] | None
) -> Outcome | None:
    alternative, rule = question.alternative, question.rule
    if setting.is_default and not alternative.default:
        return None
    place = setting.place or (use[1].place if use else view.launch.place)
    value = setting.value
    if not isinstance(value, Known) and value.text:
        meant = _is_meant_anyhow(alternative, value)
        if meant:
            return _finding(question, view, setting.key, shown(value.text), place, use)
        if meant is False:
            return None
    if isinstance(value, FromEnv):
        return _decided_outside(question, view, setting, value, place)
    if isinstance(value, Unknown):
        return make_doubt(rule, view, f"`{setting.key}` is not known: {value.reason}", place)
    if not _meant(alternative, value.value) or _is_excused(alternative, view, setting):
        return None
    return _finding(question, view, setting.key, shown(value.value), place, use)


def _is_meant_anyhow(alternative: _Alternative, value: FromEnv | Unknown) -> bool | None:
    """Whether a text of which only parts are known is meant, whatever the others are; None where they decide."""
    if isinstance(value, FromEnv) and isinstance(value.fallback, Known):
        return None
    if not alternative.matches or any(may_be(value.text, option) for option in alternative.equals):
        return None
    return matches(alternative.matches, value.text)


def _decided_outside(
    question: _Question, view: ProcessView, setting: Setting, value: FromEnv, place: Place
) -> Outcome | None:
    fallback: Value | None = value.fallback
    variable = value.variable
    while isinstance(fallback, FromEnv):
        fallback = fallback.fallback
    if isinstance(fallback, Known):
        if not _meant(question.alternative, fallback.value):
            return None
        reason = f"`{variable}` decides `{setting.key}`; without it `{shown(fallback.value)}` is used"
    elif isinstance(fallback, Unknown):
        reason = f"`{variable}` decides `{setting.key}`"
    else:
        return None
    return make_doubt(question.rule, view, reason, place)


def _meant(alternative: _Alternative, value: Any) -> bool:
    if any(
        value == option and isinstance(value, bool) == isinstance(option, bool)
        for option in alternative.equals
    ):
        return True
    if alternative.at_least is not None and isinstance(value, int | float) and value >= alternative.at_least:
        return True
    return (
        bool(alternative.matches)
        and isinstance(value, str)
        and re.search(alternative.matches, value) is not None
    )


def _is_excused(alternative: _Alternative, view: ProcessView, setting: Setting) -> bool:
    head = setting.key.rpartition(".")[0]
    for key, pattern in alternative.unless_key.items():
        system = alternative.setting[0].partition(":")[0]
        sibling = view.setting(system, f"{head}.{key}" if head else key)
        if sibling is None or sibling.is_default or not isinstance(sibling.value, Known):
            continue
        if re.search(pattern, str(sibling.value.value)):
            return True
    return False


def _absent(
    question: _Question, view: ProcessView, name: str, use: tuple[Context, Hit] | None
) -> Outcome | None:
    system, _, key = name.partition(":")
    if system not in view.systems():
        return None
    place = use[1].place if use else view.launch.place
    return _finding(question, view, key, "not set", place, use)


def _finding(
    question: _Question,
    view: ProcessView,
    key: str,
    value: str,
    place: Place,
    use: tuple[Context, Hit] | None,
) -> Outcome:
    rule, alternative = question.rule, question.alternative
    names = {"setting": key, "value": value, "symbol": key}
    evidence: tuple[Step, ...] = ()
    if use is not None:
        context, hit = use
        names["use"] = hit.symbol.removeprefix("builtins.")
        evidence = view.path(context, hit.place, f"`{names['use']}` relies on `{key}`")
    return make_finding(
        rule,
        view,
        place=place,
        names=names,
        evidence=evidence,
        text=f"`{key}` is `{value}`",
        subject=key,
        severity=alternative.severity or None,  # type: ignore[arg-type]  # a severity, or none
        message=alternative.message,
        phase=use[0].phase if use is not None else None,
    )


def shown(value: Any) -> str:
    """A setting's value as shown to people: long texts are cut, containers only named."""
    if isinstance(value, str | int | float | bool) or value is None:
        text = str(value)
        return text if len(text) <= 80 else f"{text[:77]}…"
    return "a list" if isinstance(value, list) else "a mapping"


# --- effects and bindings ------------------------------------------------------------------------------------


def _effects(question: _Question, view: ProcessView, program: Program) -> Iterator[Outcome]:
    alternative, rule = question.alternative, question.rule
    wanted = alternative.wanted
    done: set[Place] = set()
    for context, hit in view.hits(*wanted.effect):  # type: ignore[arg-type]  # checked against the vocabulary on load
        if hit.place in done or not fits(wanted, hit) or "decided_by" in hit.details:
            continue
        if alternative.phase and context.phase not in alternative.phase:
            continue
        done.add(hit.place)
        if alternative.unless_all and _is_harmless(alternative.unless_all, view, hit, program):
            continue
        if alternative.bound_to:
            outcome = _bound(question, view, context, hit, program)
            if outcome is not None:
                yield outcome
        elif hit.unsure or hit.guard or hit.in_handler:
            decided = f"`{hit.guard}` decides whether `{hit.symbol}` runs"
            reason = hit.unsure or (decided if hit.guard else f"`{hit.symbol}` runs only after an error")
            yield make_doubt(rule, view, reason, hit.place)
        else:
            yield _effect_finding(question, view, context, hit, hit.symbol, hit.place, program)


def _is_harmless(excuse: _Excuse, view: ProcessView, hit: Hit, program: Program) -> bool:
    library = hit.symbol.partition(".")[0]
    others = [
        other
        for _, other in view.hits(*excuse.effect)  # type: ignore[arg-type]  # checked against the vocabulary on load
        if other.symbol.partition(".")[0] == library and fits(excuse, other)
    ]
    return bool(others) and all(_matches(excuse.subject, other, program) for other in others)


def _matches(pattern: str, hit: Hit, program: Program) -> bool:
    value = program.evaluate(hit.unit, hit.subject) if hit.subject is not None else None
    return isinstance(value, Known) and re.search(pattern, str(value.value)) is not None


def _effect_finding(
    question: _Question,
    view: ProcessView,
    context: Context,
    hit: Hit,
    subject: str,
    place: Place,
    program: Program,
) -> Outcome:
    symbol = hit.symbol.removeprefix("builtins.")
    value = program.evaluate(hit.unit, hit.subject) if hit.subject is not None else None
    text = shown(value.value) if isinstance(value, Known) else symbol
    names = {"symbol": symbol, "setting": subject, "value": text, "unit": program.symbol(hit.unit)}
    return make_finding(
        question.rule,
        view,
        place=place,
        context=context,
        names=names,
        text=f"`{symbol}`",
        subject=subject,
        severity=question.alternative.severity or None,  # type: ignore[arg-type]  # a severity, or none
        message=question.alternative.message,
    )


def _bound(
    question: _Question, view: ProcessView, context: Context, hit: Hit, program: Program
) -> Outcome | None:
    """The name that the hit's result ends up in, if the rule means it."""
    unit = program.unit(hit.unit)
    targets = [(event, name, value) for event in unit.events for name, value in _targets(event)]
    made = [each for each in targets if is_made_from(each[2], hit.event, unit)]
    lasting = [each for each in made if not _is_local(unit, each[0])]
    for event, name, value in made if any(_is_meant(question, each[1]) for each in lasting or made) else ():
        if not _is_meant(question, name):
            continue
        if hit.in_handler or _in_handler(program, hit, event):
            return make_doubt(question.rule, view, f"`{name}` is made here only after an error", hit.place)
        decided = program.evaluate(hit.unit, value)
        if isinstance(decided, FromEnv):
            reason = f"`{decided.variable}` decides `{name}`; without it each process makes its own"
            return make_doubt(question.rule, view, reason, hit.place)
        asked = asked_first(value, hit.event, unit)
        if asked:
            reason = f"what is set as `{asked}` may decide `{name}`; without it each process makes its own"
            return make_doubt(question.rule, view, reason, hit.place)
        state = program.block_state(hit.unit, event.block)
        if state.startswith("env:") or hit.guard:
            reason = f"`{hit.guard or state[4:]}` decides whether `{name}` is made here"
            return make_doubt(question.rule, view, reason, hit.place)
        if any(_is_other_arm(unit, event, other) for other, called, _ in targets if called == name):
            return make_doubt(
                question.rule, view, f"a condition decides whether `{name}` is made here", hit.place
            )
        place = program.place(hit.unit, event)
        return _effect_finding(question, view, context, hit, name, place, program)
    return None


def _is_meant(question: _Question, name: str) -> bool:
    return any(fnmatchcase(name.lower(), p.lower()) for p in question.alternative.bound_to)


def _is_local(unit: Unit, event: Event) -> bool:
    """Whether an event only names a value within its function: what counts is where the value goes from there."""
    return isinstance(event, Bind) and event.name in unit.locals and unit.kind not in ("module", "class")


def _is_other_arm(unit: Unit, one: Event, other: Event) -> bool:
    """Whether two events stand in different arms of a condition (one reads a key from a file, the other makes one)."""
    arms = dict(_arms_around(unit, one))
    return any(arms.get(group, block) != block for group, block in _arms_around(unit, other))


def _arms_around(unit: Unit, event: Event) -> Iterator[tuple[int, int]]:
    number = event.block
    while number > 0:
        block = unit.blocks[number]
        if block.kind in ("if", "else") and block.group:
            yield block.group, number
        number = block.parent


def _in_handler(program: Program, hit: Hit, event: Event) -> bool:
    """Whether the line stands in an `except` block, of its own unit or around the class or function it is in."""
    unit = program.unit(hit.unit)
    block = event.block
    while block:
        if unit.blocks[block].kind == "except":
            return True
        block = unit.blocks[block].parent
    if unit.parent < 0:
        return False
    outer = UnitKey(hit.unit.path, unit.parent)
    for made in program.unit(outer).events:
        if isinstance(made, Define) and made.unit == unit.index:
            return _in_handler(program, msgspec.structs.replace(hit, unit=outer), made)
    return False


def _targets(event: Event) -> Iterator[tuple[str, Expr]]:
    """The names under which an event keeps something or passes it on, each with what it is."""
    if isinstance(event, Call):
        yield from event.keywords
    elif isinstance(event, Bind | SetAttr) and event.how in ("assign", "annotation", "walrus"):
        if event.value is not None:
            yield event.name, event.value
    elif isinstance(event, SetItem) and isinstance(event.index, Const) and event.value is not None:
        yield str(event.index.value), event.value
