"""Walks shell text and finds the programs that it starts, in order."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Literal

from proctor.resolve.lexer import Word
from proctor.resolve.project import Project, join
from proctor.resolve.rounds import rounds
from proctor.resolve.shell import (
    Case,
    Function,
    Group,
    If,
    Item,
    Listing,
    Loop,
    Node,
    Pipe,
    Simple,
    parse,
)
from proctor.resolve.situation import Front, Situation, Start, Text, combine, is_known
from proctor.resolve.traps import trap_of

MAX_DEPTH = 12
#: More programs than this in one command are a mistake of the walk or a hostile text
MAX_STARTED = 200
_SILENT = frozenset(
    {
        "[", "[[", "test", ":", "true", "false", "echo", "printf", "set", "unset", "read", "wait", "break", "continue",
        "umask", "ulimit", "shopt", "alias", "type", "hash", "pwd", "let", "getopts", "kill", "jobs", "fg", "bg", "disown",
        "trap", "popd", "dirs", "mapfile",
    }
)  # fmt: skip
_DECLARING = frozenset({"export", "readonly", "declare", "local", "typeset"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)\+?=(.*)", re.DOTALL)

#: What certainly ends behind a command: nothing, the function that it stands in, or the shell
Ended = Literal["", "function", "shell"]
#: What the tests in front of `&&` or `||` come to; "" where other commands stand there, too
Tests = Literal["", "open", "holds", "fails"]
# arms that part what may end a shell or a function from what runs only where it did not; they say nothing of a
# condition that is written around a command
_ENDING, _BEHIND_SHELL, _BEHIND_FUNCTION = -1, -2, -3
# an arm behind a test
_GUARDED = 0


class Follower:
    """Walks texts; `start` is called for every program with its words, `wait` where a shell waits for those that it
    has put into the background."""

    def __init__(self, project: Project, start: Start, wait: Callable[[], None] = lambda: None) -> None:
        self.project = project
        self.start = start
        self.wait = wait
        self.arms = 0
        #: how many programs may still be started
        self.left = MAX_STARTED

    def run(self, situation: Situation) -> str:
        """Walk the situation's text. Returns why it could not be read to its end, or ""."""
        if situation.depth > MAX_DEPTH:
            return "the scripts call each other in a circle"
        script = parse(situation.text.content)
        trap, passing = trap_of(script.body)
        if trap:
            situation = situation.changed(trap=trap, passing=passing)
        self._listing(script.body, situation, True, len(script.body) == 1)
        return script.error

    def _listing(
        self, items: Listing, situation: Situation, tail: bool, lone: bool = False
    ) -> tuple[Situation, Ended]:
        #: connector -> what the command behind it ended, in the list of `&&` and `||` that is being walked
        ends: dict[str, Ended] = {}
        tests: Tests = ""
        for index, item in enumerate(items):
            joined = item.before in ("&&", "||")
            if not joined:
                if _is_over(ends):
                    break
                ends = {}
            elif item.before in ends or (item.before == "&&" and "" in ends):
                # `test && exit && more`: whoever comes past `exit` comes along `||`
                continue
            elif tests == ("holds" if item.before == "||" else "fails"):
                continue
            number = self._numbered() if joined else 0
            mark = _GUARDED if tests == "open" else _ENDING
            inner = situation.changed(arms=(*situation.arms, (number, mark))) if joined else situation
            if item.background:
                inner = inner.changed(background=True)
            if item.before == "||":
                inner = inner.changed(fallback=True)
            last = tail and index == len(items) - 1 and not item.background
            after, ended = self._node(item.node, inner, last, lone and last)
            tests = self._tested(item, situation, tests if joined else "holds")
            if item.background:
                continue
            arms = _past(situation.arms if joined else after.arms, {number: ended})
            situation = after.changed(background=situation.background, fallback=situation.fallback, arms=arms)
            if ended:
                ends[item.before if joined else ""] = ended
        return situation, _combined(ends.values()) if _is_over(ends) else ""

    def _tested(self, item: Item, situation: Situation, before: Tests) -> Tests:
        if not before or not _is_test(item.node):
            return ""
        holds = None if before == "open" else self._holds((item,), situation)
        return "open" if holds is None else "holds" if holds else "fails"

    def _numbered(self) -> int:
        self.arms += 1
        return self.arms

    def _node(self, node: Node, situation: Situation, tail: bool, lone: bool) -> tuple[Situation, Ended]:
        if isinstance(node, Simple):
            return self._simple(node, situation, tail, lone)
        if isinstance(node, Pipe):
            for index, part in enumerate(node.parts):
                inner = situation.changed(front=False, piped=index < len(node.parts) - 1 or situation.piped)
                self._node(part, inner, False, False)
            return situation, ""
        if isinstance(node, Group):
            if node.subshell:
                self._listing(node.body, situation.changed(front=False), tail)
                return situation, ""
            return self._listing(node.body, situation, False)
        if isinstance(node, Loop):
            return self._loop(node, situation), ""
        if isinstance(node, If):
            return self._if(node, situation)
        if isinstance(node, Case):
            return self._case(node, situation)
        situation.functions[node.name] = node
        return situation, ""

    def _loop(self, node: Loop, situation: Situation) -> Situation:
        inner = situation.changed(in_loop=True)
        if not situation.background:
            inner = inner.changed(copies=rounds(node, situation))
        if node.name and node.words:
            inner = inner.with_variables({node.name: node.words[0].text})
        inner, _ = self._listing(node.condition, inner, False)
        after, _ = self._listing(node.body, inner, False)
        return _forget(situation, after)

    def _if(self, node: If, situation: Situation) -> tuple[Situation, Ended]:
        number = self._numbered()
        before, certain = situation, True
        ends: dict[int, Ended] = {}
        for index, (condition, body) in enumerate(node.arms):
            holds = True if condition is None else self._holds(condition, situation)
            if condition is not None and holds is None:
                self._listing(condition, situation, False)
            if holds is False:
                continue
            if holds is True and certain:
                return self._listing(body, situation, False)
            certain = False
            before = self._arm(body, situation, before, (number, index), ends)
            if holds is True:
                return _joined(before, ends, True)
        return _joined(before, ends, False)

    def _case(self, node: Case, situation: Situation) -> tuple[Situation, Ended]:
        number = self._numbered()
        subject = situation.resolve(node.subject)
        if is_known(subject):
            for patterns, body in node.arms:
                if any(fnmatchcase(subject, situation.resolve(pattern)) for pattern in patterns):
                    return self._listing(body, situation, False)
            return situation, ""
        before = situation
        ends: dict[int, Ended] = {}
        for index, (_, body) in enumerate(node.arms):
            before = self._arm(body, situation, before, (number, index), ends)
        return _joined(before, ends, any("*" in patterns for patterns, _ in node.arms))

    def _arm(
        self,
        body: Listing,
        outside: Situation,
        before: Situation,
        arm: tuple[int, int],
        ends: dict[int, Ended],
    ) -> Situation:
        own = self._numbered()
        after, ends[own] = self._listing(
            body, outside.changed(arms=(*outside.arms, arm, (own, _ENDING))), False
        )
        return _forget(before, after)

    def _holds(self, condition: Listing, situation: Situation) -> bool | None:
        if len(condition) != 1 or not isinstance(condition[0].node, Simple):
            return None
        words = [word.text for word in condition[0].node.words]
        if not _is_test(condition[0].node):
            return None
        parts = [situation.resolve(word) for word in words[1:] if word not in ("]", "]]")]
        if not all(map(is_known, parts)):
            return None
        result = _test(parts)
        return None if result is None else result is not condition[0].negated

    def _simple(self, node: Simple, situation: Situation, tail: bool, lone: bool) -> tuple[Situation, Ended]:
        words = self._expand(node.words, situation)
        if not words:
            return situation.with_variables(dict(node.assignments)), ""
        replaces: Front = _layer(situation, tail and not node.redirected, lone)
        executed = False
        while words and words[0] in ("exec", "command", "builtin", "nohup", "time", "!"):
            if words[0] == "nohup":
                break
            executed = executed or words[0] == "exec"
            words = _without_options(words[1:])
        if not words:
            return situation, ""
        done = self._builtin(words, node, situation)
        if done is not None:
            return done
        if executed and not situation.background and not situation.piped and situation.front is not False:
            replaces = True
        inner = situation.changed(front=combine(situation.front, replaces))
        if node.assignments:
            assigned = {name: situation.expand(value) for name, value in node.assignments}
            inner = inner.changed(environment={**inner.environment, **assigned})
        function = situation.functions.get(words[0])
        if function is not None and not executed:
            return self._call(function, words[1:], inner, situation)
        place = situation.text.place(node.words[0].start, node.words[-1].end)
        if self.left > 0:
            self.left -= 1
            self.start(words, inner, place)
        return situation, "shell" if executed else ""

    def _call(
        self, function: Function, words: Sequence[str], inner: Situation, situation: Situation
    ) -> tuple[Situation, Ended]:
        if situation.depth > MAX_DEPTH:
            return situation, ""
        # A function is the same shell: only `exec` in it replaces that shell.
        body = inner.changed(
            arguments=tuple(words), kind="script", front=situation.front, depth=situation.depth + 1
        )
        after, ended = self._node(function.body, body, False, False)
        return (
            after.changed(
                arguments=situation.arguments, kind=situation.kind, depth=situation.depth, front=situation.front,
                environment={**situation.environment, **after.environment}, arms=_returned(after.arms),
            ),
            "shell" if ended == "shell" else "",
        )  # fmt: skip

    def _expand(self, words: Sequence[Word], situation: Situation) -> list[str]:
        found: list[str] = []
        for word in words:
            positional = situation.words(word.text)
            if positional is not None:
                found.extend(positional)
                continue
            text = situation.expand(word.text)
            if text != word.text and not word.quoted and "$(" not in text and "`" not in text:
                found.extend(text.split())
            else:
                found.append(text)
        return found

    def _builtin(
        self, words: list[str], node: Simple, situation: Situation
    ) -> tuple[Situation, Ended] | None:
        name, rest = words[0], words[1:]
        if name in ("cd", "pushd"):
            return self._change_folder(rest, situation), ""
        if name in _DECLARING:
            found = [match for match in map(_ASSIGNMENT.fullmatch, rest) if match]
            exported = {match[1]: match[2] for match in found}
            plain = {word: f"${word}" for word in rest if word.isidentifier() and word in situation.variables}
            values = {**exported, **{key: situation.variables[key] for key in plain}}
            return situation.with_variables(values, name == "export"), ""
        if name == "set":
            return _set_arguments(rest, situation), ""
        if name == "shift" and situation.arguments is not None:
            count = int(rest[0]) if rest and rest[0].isdigit() else 1
            return situation.changed(arguments=situation.arguments[count:]), ""
        if name in (".", "source"):
            return self._source(rest, situation), ""
        if name == "eval":
            text = Text(situation.text.path, " ".join(rest), situation.text.line, exact=False)
            self.run(situation.changed(text=text, kind="script", depth=situation.depth + 1))
            return situation, ""
        if name in ("exit", "return"):
            return situation, "shell" if name == "exit" else "function"
        if name in ("wait", "fg"):
            self.wait()
        if name in _SILENT or name == "shift":
            return situation, ""
        return None

    def _change_folder(self, rest: Sequence[str], situation: Situation) -> Situation:
        words = [word for word in rest if not word.startswith("-")]
        target = situation.resolve(words[0], defaults=True) if words else ""
        if not words or not is_known(target):
            # an unknown folder: the root is where the app most likely lies
            return situation.changed(folder="") if words else situation
        folder = self.project.find_folder(target, situation.folder, situation.copied)
        if folder is None:
            folder = "" if target.startswith("/") else join(situation.folder, target) or ""
        return situation.changed(folder=folder)

    def _source(self, rest: Sequence[str], situation: Situation) -> Situation:
        path = (
            self.project.find_file(situation.resolve(rest[0]), situation.folder, situation.copied)
            if rest
            else None
        )
        if path is None or situation.depth > MAX_DEPTH or path == situation.script:
            return situation
        content = self.project.text(path)
        inner = situation.changed(
            text=Text(path, content), script=path, depth=situation.depth + 1, kind="script",
        )  # fmt: skip
        after, _ = self._listing(parse(content).body, inner, False)
        return after.changed(
            text=situation.text, script=situation.script, depth=situation.depth, kind=situation.kind,
            arms=_returned(after.arms),
        )  # fmt: skip


def _layer(situation: Situation, tail: bool, lone: bool) -> Front:
    kind = situation.kind
    if not tail or kind == "script":
        return kind == "none"
    if (kind == "line" and lone) or kind in ("bash", "none"):
        return True
    return "bash"


def _forget(before: Situation, after: Situation) -> Situation:
    # what only one arm assigned is not known behind it
    variables = {
        name: value for name, value in before.variables.items() if after.variables.get(name) == value
    }
    return before.changed(variables=variables)


def _is_test(node: Node) -> bool:
    return isinstance(node, Simple) and bool(node.words) and node.words[0].text in ("[", "[[", "test")


def _joined(before: Situation, ends: dict[int, Ended], complete: bool) -> tuple[Situation, Ended]:
    """Behind the arms of an `if` or `case`: number of the arm -> what it ends; `complete` says that one is taken."""
    ended = _combined(ends.values()) if complete and all(ends.values()) else ""
    return before.changed(arms=_past(before.arms, ends)), ended


def _past(arms: tuple[tuple[int, int], ...], ends: dict[int, Ended]) -> tuple[tuple[int, int], ...]:
    """Arms of what runs only where the numbered parts have ended nothing."""
    marks = {"shell": _BEHIND_SHELL, "function": _BEHIND_FUNCTION}
    return (*arms, *((number, marks[ended]) for number, ended in ends.items() if ended and number))


def _returned(arms: tuple[tuple[int, int], ...]) -> tuple[tuple[int, int], ...]:
    return tuple(arm for arm in arms if arm[1] != _BEHIND_FUNCTION)


def _is_over(ends: dict[str, Ended]) -> bool:
    # `exit`, or `test && exec one || exec other`
    return "" in ends or len(ends) > 1


def _combined(ends: Iterable[Ended]) -> Ended:
    found = set(ends)
    return "function" if "function" in found else "shell" if "shell" in found else ""


def _without_options(words: list[str]) -> list[str]:
    at = 0
    while at < len(words) and words[at].startswith("-"):
        at += 2 if words[at] == "-a" else 1
    return words[at:]


def _set_arguments(rest: list[str], situation: Situation) -> Situation:
    if "--" in rest:
        return situation.changed(arguments=tuple(rest[rest.index("--") + 1 :]))
    if rest and not rest[0].startswith(("-", "+")):
        return situation.changed(arguments=tuple(rest))
    return situation


def _test(parts: list[str]) -> bool | None:
    if len(parts) == 3 and parts[1] in ("=", "==", "!=", "-eq", "-ne", "-gt", "-lt", "-ge", "-le"):
        left, operator, right = parts
        if operator in ("=", "=="):
            return fnmatchcase(left, right)
        if operator == "!=":
            return not fnmatchcase(left, right)
        if left.isdigit() and right.isdigit():
            a, b = int(left), int(right)
            return {"-eq": a == b, "-ne": a != b, "-gt": a > b, "-lt": a < b, "-ge": a >= b, "-le": a <= b}[
                operator
            ]
    if len(parts) == 2 and parts[0] in ("-z", "-n"):
        return bool(parts[1]) is (parts[0] == "-n")
    return None
