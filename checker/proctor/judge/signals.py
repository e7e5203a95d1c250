"""Judge `signals`: what SIGTERM does to a program, link by link, from the handler to what is left at the end.

Words of `[when]` for all questions: `ask`, those of `ProcessWords`, `severity`, `message`, and `either` (alternatives, each laid over
the words beside it). `code` asks for programs whose code decides ("yes") or whose launcher does ("no").

Questions:
- "loop" (`LoopQuestion`): how the program's loops meet SIGTERM, and what becomes of the job in hand;
- "handler" (`HandlerQuestion`): registrations of handlers, and what these do;
- "launcher" (`LauncherQuestion`): what the launcher's own handling does;
- "death" (`DeathQuestion`): what becomes of the job in hand when the process is killed;
- "left" (`LeftQuestion`): what is left, or not done, at the end;
- "swallowed" (`CaughtQuestion`): an arm swallows the exception by which the handler means to end the program.

The words of launcher models that this judge knows are `term` (what SIGTERM does: "drains", "finishes-job", "returns-job",
"stops-children"; "drops", "cancels-job", "interrupts-job", "reloads", "ignores", "dies"), `unfinished` (of what it cancels: "requeued"),
`death` (what SIGKILL makes of the job in hand: "loses-job", "fails-job"),
`children` ("die" or "finish" when each process gets the signal), and `installed` (when it sets its handlers: "before-import" or
"before-startup").
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from proctor.judge import signal_questions as questions
from proctor.judge.asking import alternatives, asks_process, chosen, read_words
from proctor.judge.deeds import Deeds, Units
from proctor.judge.drafts import Outcome, Platform, make_doubt, make_finding
from proctor.judge.path_words import Answer
from proctor.judge.shutdown import Shutdown
from proctor.model.finding import Step
from proctor.model.program import ProcessView, Program
from proctor.model.rule import Rule

_Answers = Callable[[Any, Deeds, Shutdown, Platform], Iterator[Answer]]
_QUESTIONS: Mapping[str, tuple[type[questions.SignalQuestion], _Answers]] = {
    "loop": (questions.LoopQuestion, questions.loop_answers),
    "handler": (questions.HandlerQuestion, questions.handler_answers),
    "launcher": (questions.LauncherQuestion, questions.launcher_answers),
    "death": (questions.DeathQuestion, questions.death_answers),
    "left": (questions.LeftQuestion, questions.left_answers),
    "swallowed": (questions.SwallowedQuestion, questions.swallowed_answers),
}


class _Asked(NamedTuple):
    rule: Rule
    question: questions.SignalQuestion
    answers: _Answers


def judge(rules: Sequence[Rule], program: Program, platform: Platform) -> Sequence[Outcome]:
    """Findings and doubts of the rules of this judge. Raises ConfigurationError for words it does not know."""
    asked = [each for rule in rules for each in _parse(rule)]
    units = Units(program)
    outcomes: list[Outcome] = []
    for view in program.views:
        deeds = Deeds(program, view, units)
        shutdown = Shutdown(deeds)
        done: set[object] = set()
        for each in asked:
            if not asks_process(each.question, view) or not questions.asks_owner(each.question, view):
                continue
            for answer in each.answers(each.question, deeds, shutdown, platform):
                mark = (each.rule.code, answer.place, bool(answer.doubt))
                if mark not in done:
                    done.add(mark)
                    outcomes.append(_outcome(each, view, answer))
    return outcomes


def _parse(rule: Rule) -> Iterator[_Asked]:
    for words in alternatives(rule, "either"):
        yield _question(rule, words)


def _question(rule: Rule, words: Mapping[str, Any]) -> _Asked:
    shape = _QUESTIONS[chosen(rule, "ask", words.get("ask"), _QUESTIONS)]
    return _Asked(rule, read_words(rule, words, shape[0], "[when]"), shape[1])


def _outcome(asked: _Asked, view: ProcessView, answer: Answer) -> Outcome:
    rule, question = asked.rule, asked.question
    if answer.doubt:
        return make_doubt(rule, view, answer.doubt, answer.place)
    start = view.path(answer.context) if view.contexts else view.launch.chain
    return make_finding(
        rule,
        view,
        place=answer.place,
        names=answer.names,
        context=answer.context,
        subject=answer.subject,
        severity=question.severity,
        message=question.message,
        evidence=(*start, *answer.steps, Step(answer.place, answer.text)),
        text=answer.text,
    )
