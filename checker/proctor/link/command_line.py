"""Conditions that ask which words a program was started with (`"runserver" in sys.argv`, `args.command == "serve"`)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import takewhile

from proctor.link.memory import Refs
from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.model.fact import Attr, Bind, Const, Expr, Item, Name, Op, Seq
from proctor.model.process import Launch, ResolvedProcess
from proctor.model.program import Known, LibObj, LibRef, UnitKey

_ARGV: Refs = (LibRef("sys.argv"),)
#: what the standard library's parser of command lines gives
_PARSED = LibObj("argparse.Namespace")
_NEGATED = ("!=", "not in")
#: operators that ask for a word -> the answer where no command has it
_ASKING = {"in": False, "==": False, "not in": True, "!=": True}


def words_of(resolved: Iterable[ResolvedProcess]) -> frozenset[str] | None:
    """All words of the commands that start programs; None where the environment decides one."""
    words = frozenset(word for each in resolved for launch in each.launches for word in launch.words)
    return None if any("$" in word for word in words) else words


def unsaid(expr: Op, world: World, scope: Scope) -> Known | None:
    """The answer to a condition that asks for words that no command of the app has, or None."""
    if world.said is None or expr.name not in _ASKING or len(expr.operands) != 2:
        return None
    left, right = expr.operands
    asked = [*_texts(left), *_texts(right)]
    if not asked or not world.said.isdisjoint(asked):
        return None
    holder = right if isinstance(left, Const) else left
    whole = expr.name in ("in", "not in") and holder is right
    return Known(_ASKING[expr.name]) if _is_argv(holder, whole, world, scope) else None


def _texts(expr: Expr) -> list[str]:
    items = expr.items if isinstance(expr, Seq) else (expr,)
    texts = [item.value for item in items if isinstance(item, Const) and isinstance(item.value, str)]
    return texts if len(texts) == len(items) else []


def _is_argv(expr: Expr, whole: bool, world: World, scope: Scope) -> bool:
    """Whether an expression is `sys.argv` or some of it; one word where `whole` is False, and that not the program's name."""
    if isinstance(expr, Item) and not (isinstance(expr.index, Const) and (whole or expr.index.value == 0)):
        return world.resolve(expr.value, scope) == _ARGV
    return whole and world.resolve(expr, scope) == _ARGV


class CommandLine:
    """What the words behind a script's name answer in conditions of one program; nothing where one is not known."""

    def __init__(self, world: World, words: Iterable[str]) -> None:
        self.world = world
        self.words = tuple(words)
        if any("$" in word for word in self.words):
            self.words = ()
        first = len(list(takewhile(lambda word: word.startswith("-"), self.words)))
        #: the first word that is no option, and the option whose value it may be
        self._word = self.words[first] if first < len(self.words) else ""
        option = self.words[first - 1] if first else ""
        self._option = "" if "=" in option else option.lstrip("-").replace("-", "_")

    def answers(self, key: UnitKey) -> Mapping[Expr, bool]:
        """The conditions of a unit that have but one answer."""
        if not self._word:
            return {}
        unit = self.world.files[key.path].units[key.number]
        tests = [
            part for block in unit.blocks if block.kind in ("if", "case") for part in _comparisons(block.test)
        ]
        asked: dict[Expr, set[str]] = {}
        for _, subject, texts in tests:
            asked.setdefault(subject, set()).update(texts)
        scope = self.world.scope(key) if asked else None
        known = {
            subject: self._value(subject, texts, scope)
            for subject, texts in asked.items()
            if scope is not None
        }
        answers: dict[Expr, bool] = {}
        for test, subject, texts in tests:
            if known[subject]:
                answers[test] = (known[subject] in texts) != (test.name in _NEGATED)
        for test in (part for block in unit.blocks if block.kind == "if" for part in _searches(block.test)):
            (text, holder), scope = test.operands, self.world.scope(key)
            if _is_argv(holder, True, self.world, scope):
                answers[test] = (_texts(text)[0] in self.words) != (test.name in _NEGATED)
        return answers

    def _value(self, subject: Expr, texts: set[str], scope: Scope) -> str:
        """The word that an expression stands for, or ""; `texts` are those that it is compared with."""
        if isinstance(subject, Name):
            bound = self.world.lookup(subject.id, scope)
            event = bound[0].event if len(bound) == 1 else None
            if not isinstance(event, Bind) or event.how != "assign" or event.value is None:
                return ""
            subject, scope = event.value, bound[0].scope
        if isinstance(subject, Item) and isinstance(subject.index, Const):
            number = subject.index.value
            if not isinstance(number, int) or not 0 < number <= len(self.words):
                return ""
            return self.words[number - 1] if self._is(subject.value, _ARGV, scope) else ""
        if isinstance(subject, Attr) and self._word in texts and self._option in ("", subject.name):
            return self._word if self._is(subject.value, (_PARSED,), scope) else ""
        return ""

    def _is(self, expr: Expr, refs: Refs, scope: Scope) -> bool:
        return self.world.resolve(expr, scope) == refs


def _comparisons(test: Expr | None) -> Iterator[tuple[Op, Expr, list[str]]]:
    """The comparisons with texts in a condition: what is compared, and with which."""
    for each in _asked(test):
        if (each.name in _ASKING or each.name == "match") and len(each.operands) == 2:
            subject, other = each.operands
            texts = _alternatives(other) if each.name == "match" else _texts(other)
            if texts and isinstance(subject, Name | Attr | Item):
                yield each, subject, texts


def _searches(test: Expr | None) -> Iterator[Op]:
    """The parts of a condition that look for a text in something with a name."""
    for each in _asked(test):
        if each.name in ("in", "not in") and len(each.operands) == 2:
            text, holder = each.operands
            if (
                isinstance(text, Const)
                and isinstance(text.value, str)
                and isinstance(holder, Name | Attr | Item)
            ):
                yield each


def _asked(test: Expr | None) -> Iterator[Op]:
    """The operators of which a condition is put together."""
    if not isinstance(test, Op):
        return
    if test.name in ("and", "or", "not"):
        for each in test.operands:
            yield from _asked(each)
    else:
        yield test


def _alternatives(shape: Expr) -> list[str]:
    """The texts that a pattern fits, or none where it fits anything else."""
    if isinstance(shape, Op) and shape.name == "|":
        parts = [_alternatives(each) for each in shape.operands]
        return [text for part in parts for text in part] if all(parts) else []
    return [] if isinstance(shape, Seq) else _texts(shape)


def words_behind(launch: Launch) -> tuple[str, ...]:
    """What a program that is a script of the app finds behind its name, where that is known."""
    entry = launch.entry
    return (
        entry.arguments if entry is not None and entry.kind in ("script", "module", "console-script") else ()
    )
