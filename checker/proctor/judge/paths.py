"""Judge `paths`: what comes before what on the paths through a unit, across calls of the app's own code.

Words of `[when]` for all questions: `ask`, those of `ProcessWords` (which programs), and
- `phase`, `lane`: where the unit runs; "loop" is a program's endless main loop.
- `unit`: "async" or "sync".
- `job`: one of these names of a library (patterns) registers the unit, as a call, a decorator or a base class (`under`: the unit
  or one from whose calls it is reached); `option` /
  `option_not`: what registers it has (has not) such an effect; `scheduled`: whether a schedule names it, in one of the settings
  `schedules` or in a call that registers one.
- `settings` / `settings_not`: {"system:KEY" = values}: a setting has (has not) one of the values.
- `settings_like`: {"system:KEY" = pattern}: a setting's value, or the name of the variable that decides it, holds the pattern
  (regular expression).
- `once`: "unit", "process" or "app": only where the rule has said nothing of the same unit, program or app before.
- `registered_not`: what registers the code that leads here with its framework is not one of these names of a library.
- `severity`, `message`: instead of the rule's own; mostly in `either`.
- `either`: a list of tables, each with the words above it laid under: any of them.

Questions: "order" (`OrderQuestion`), "held" (`HeldQuestion`), "release" (`ReleaseQuestion`),
"dropped" (`DroppedQuestion`), "claims" (`ClaimQuestion`), "caught" (`CaughtQuestion`), "delay" (`DelayQuestion`), "batch"
(`BatchQuestion`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from proctor.errors import ConfigurationError
from proctor.judge import batches, caught, claims, delays, dropped, held, order
from proctor.judge.asking import alternatives, asks_process, chosen, read_words
from proctor.judge.deeds import Deeds, Units
from proctor.judge.drafts import Outcome, Platform, fill, make_doubt, make_finding
from proctor.judge.path_words import Answer, PathQuestion, settings_fit
from proctor.model.finding import Step
from proctor.model.program import ProcessView, Program
from proctor.model.rule import Rule

_Answers = Callable[[Any, Deeds], Iterator[Answer]]
_QUESTIONS: Mapping[str, tuple[type[PathQuestion], _Answers]] = {
    "order": (order.OrderQuestion, order.answers),
    "held": (held.HeldQuestion, held.held_answers),
    "release": (held.ReleaseQuestion, held.release_answers),
    "claims": (claims.ClaimQuestion, claims.answers),
    "dropped": (dropped.DroppedQuestion, dropped.answers),
    "batch": (batches.BatchQuestion, batches.answers),
    "delay": (delays.DelayQuestion, delays.answers),
    "caught": (caught.CaughtQuestion, caught.answers),
}


class _Asked(NamedTuple):
    rule: Rule
    question: PathQuestion
    answers: _Answers


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    asked = [each for rule in rules for each in _parse(rule)]
    outcomes: list[Outcome] = []
    done: set[object] = set()
    answered = _Answered(program)
    for number, view in enumerate(program.views):
        for each in asked:
            if asks_process(each.question, view):
                outcomes.extend(_outcomes(each, view, number, answered, done))
    return outcomes


class _Answered:
    """The answers for each program. Programs that run the same code share them."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._units = Units(program)
        self._deeds: dict[object, Deeds] = {}
        self._known: dict[tuple[object, int], tuple[Answer, ...]] = {}

    def of(self, asked: _Asked, view: ProcessView) -> tuple[Answer, ...]:
        """The answers to a question for one program."""
        mark = (view.code, id(asked.question))
        known = self._known.get(mark)
        if known is None:
            deeds = self._deeds.get(view.code)
            if deeds is None:
                deeds = self._deeds[view.code] = Deeds(self._program, view, self._units)
            known = self._known[mark] = tuple(asked.answers(asked.question, deeds))
        return known


def _parse(rule: Rule) -> Iterator[_Asked]:
    for words in alternatives(rule, "either"):
        yield _question(rule, words)


def _question(rule: Rule, words: Mapping[str, Any]) -> _Asked:
    shape = _QUESTIONS[chosen(rule, "ask", words.get("ask"), _QUESTIONS)]
    question = read_words(rule, words, shape[0], "[when]")
    if isinstance(question, dropped.DroppedQuestion) and question.unresolved and not question.first_effect:
        raise ConfigurationError(f"{rule.path}: `when.unresolved` of {rule.code} needs `when.first.effect`.")
    return _Asked(rule, question, shape[1])


def _outcomes(
    asked: _Asked, view: ProcessView, number: int, answered: _Answered, done: set[object]
) -> Iterator[Outcome]:
    rule, question = asked.rule, asked.question
    fit = settings_fit(question, view)
    if fit is False:
        return
    if question.doubt:
        for answer in answered.of(asked, view):
            # a finding keeps no clause from being left open
            yield make_doubt(rule, view, fill(question.doubt, answer.names), answer.place)
            return
    for answer in answered.of(asked, view):
        mark = (rule.code, number, answer.place)
        said: set[object] = {(rule.code, "process", number), (rule.code, "app", 0)}
        said.add((rule.code, "unit", number, answer.context.unit))
        if mark in done or _once(question, rule, number, answer) in done:
            continue
        done.update({mark, *said})
        yield _outcome(asked, view, answer, f"`{fit}` decides" if isinstance(fit, str) else "")


def _once(question: PathQuestion, rule: Rule, number: int, answer: Answer) -> object:
    if question.once == "unit":
        return (rule.code, "unit", number, answer.context.unit)
    return (rule.code, question.once, number if question.once == "process" else 0)


def _outcome(asked: _Asked, view: ProcessView, answer: Answer, unsure: str) -> Outcome:
    if answer.doubt or unsure:
        return make_doubt(asked.rule, view, answer.doubt or unsure, answer.place)
    evidence = (*view.path(answer.context), *answer.steps, Step(answer.place, answer.text))
    return make_finding(
        asked.rule,
        view,
        place=answer.place,
        names=answer.names,
        context=answer.context,
        subject=answer.subject,
        severity=asked.question.severity,
        message=asked.question.message,
        evidence=evidence,
        text=answer.text,
    )
