"""Shell text to a tree of commands: the grammar that people use in launch commands and entry scripts.

Quotes are removed and lines are joined, variables and substitutions stay as written. What is not understood
ends the reading, with the reason in `Script.error`; nothing raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from proctor.resolve.lexer import Lexer, Word

MAX_TEXT = 200_000
_MAX_DEPTH = 40
_REDIRECTS = frozenset({"&>>", "<<-", "<<<", "&>", ">>", "<<", "<>", ">&", "<&", ">|", "<", ">"})
_ENDERS = frozenset({"then", "do", "done", "fi", "elif", "else", "esac", "}"})
_ASSIGNMENT = re.compile(r"([A-Za-z_]\w*)(\[[^\]]*\])?\+?=", re.ASCII)

Connector = Literal["", "&&", "||", ";"]


@dataclass(frozen=True)
class Simple:
    """`A=1 program words`. `redirected` says that its output or input is redirected."""

    assignments: tuple[tuple[str, str], ...]
    words: tuple[Word, ...]
    redirected: bool


@dataclass(frozen=True)
class Pipe:
    """`a | b`."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Group:
    """`( … )` or `{ …; }`."""

    body: Listing
    subshell: bool
    redirected: bool = False


@dataclass(frozen=True)
class Loop:
    """`while`, `until` (with a condition), `for` and `select` (without)."""

    kind: str
    condition: Listing
    body: Listing
    name: str = ""
    words: tuple[Word, ...] = ()


@dataclass(frozen=True)
class If:
    """`if`/`elif` arms as (condition, body); the `else` arm has condition None."""

    arms: tuple[tuple[Listing | None, Listing], ...]


@dataclass(frozen=True)
class Case:
    """`case subject in patterns) body;; … esac`."""

    subject: str
    arms: tuple[tuple[tuple[str, ...], Listing], ...]


@dataclass(frozen=True)
class Function:
    """A function definition."""

    name: str
    body: Node


Node: TypeAlias = Simple | Pipe | Group | Loop | If | Case | Function


@dataclass(frozen=True)
class Item:
    """One command of a list: the connector in front of it, whether `&` puts it into the background, and whether `!` turns
    its outcome round."""

    node: Node
    before: Connector
    background: bool = False
    negated: bool = False


Listing: TypeAlias = tuple[Item, ...]


@dataclass(frozen=True)
class Script:
    """A whole text; `error` says why reading ended early ("" where it did not)."""

    body: Listing
    error: str = ""


class _Unreadable(Exception):
    pass


def parse(text: str) -> Script:
    """Read `text` as shell commands."""
    reader = _Reader(text[:MAX_TEXT])
    error = ""
    body: list[Item] = []
    try:
        reader.list_into(body, frozenset())
        while reader.token is not None:
            # a stray `)`, `;;` or `done`: a shell stops here; what stands behind may still tell something
            error = (
                error
                or f"`{reader.token if isinstance(reader.token, str) else reader.token.text}` stands alone"
            )
            reader.advance()
            reader.list_into(body, frozenset())
    except (_Unreadable, RecursionError) as problem:
        error = error or str(problem) or "it is nested too deeply"
    return Script(tuple(body), error)


class _Reader(Lexer):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.depth = 0
        self.token: str | Word | None = None
        self.advance()

    def advance(self) -> None:
        self.token = self.next()

    def is_word(self, *texts: str) -> bool:
        token = self.token
        return isinstance(token, Word) and not token.quoted and token.text in texts

    def expect(self, *texts: str) -> None:
        if (isinstance(self.token, str) and self.token in texts) or self.is_word(*texts):
            self.advance()
        elif self.token is not None:
            raise _Unreadable(f"`{texts[0]}` is missing")

    def skip_newlines(self) -> None:
        while self.token == "\n":
            self.advance()

    def listing(self, *enders: str) -> Listing:
        items: list[Item] = []
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _Unreadable("it is nested too deeply")
        self.list_into(items, frozenset(enders))
        self.depth -= 1
        return tuple(items)

    def list_into(self, items: list[Item], enders: frozenset[str]) -> None:
        connector: Connector = ";" if items else ""
        while True:
            while isinstance(self.token, str) and self.token in ("\n", ";", "&"):
                self.advance()
            if self.token is None or (isinstance(self.token, str) and self.token in (")", ";;", ";&", ";;&")):
                return
            if (
                isinstance(self.token, Word)
                and self.is_word(*_ENDERS)
                and (self.token.text in enders or enders)
            ):
                return
            before = self.at
            negated = self.is_word("!")
            node = self.pipeline()
            connector = self._append(items, node, connector, negated)
            if self.at == before and node is None and self.token is not None:
                self.advance()

    def _append(self, items: list[Item], node: Node | None, connector: Connector, negated: bool) -> Connector:
        token = self.token
        if node is not None:
            items.append(Item(node, connector if items else "", token == "&", negated))
        if token == "&&" or token == "||":
            self.advance()
            self.skip_newlines()
            return "&&" if token == "&&" else "||"
        return ";"

    def pipeline(self) -> Node | None:
        while self.is_word("!"):
            self.advance()
        first = self.command()
        if first is None:
            return None
        parts = [first]
        while self.token in ("|", "|&"):
            self.advance()
            self.skip_newlines()
            following = self.command()
            if following is not None:
                parts.append(following)
        return parts[0] if len(parts) == 1 else Pipe(tuple(parts))

    def command(self) -> Node | None:
        token = self.token
        if token == "(":
            return self._subshell()
        if isinstance(token, Word) and not token.quoted:
            compound = _COMPOUNDS.get(token.text)
            if compound:
                return compound(self)
        return self.simple()

    def _subshell(self) -> Node:
        if self.text.startswith("(", self.at):
            # `(( arithmetic ))` starts nothing
            self.balanced(self.at - 1, self.at, "(", ")")
            self.advance()
            return Simple((), (), False)
        self.advance()
        body = self.listing(")")
        self.expect(")")
        return Group(body, True, self.redirects())

    def brace(self) -> Node:
        self.advance()
        body = self.listing("}")
        self.expect("}")
        return Group(body, False, self.redirects())

    def redirects(self) -> bool:
        found = False
        while True:
            token = self.token
            if (
                isinstance(token, Word)
                and token.text.isdigit()
                and self.text[token.end : token.end + 1] in ("<", ">")
            ):
                self.advance()
                token = self.token
            if not isinstance(token, str) or token not in _REDIRECTS:
                return found
            found = True
            self.advance()
            target = self.token
            if isinstance(target, Word):
                if token in ("<<", "<<-"):
                    self.heredocs.append((target.text, token == "<<-"))
                self.advance()

    def conditional(self) -> Node:
        arms: list[tuple[Listing | None, Listing]] = []
        while self.is_word("if", "elif"):
            self.advance()
            condition = self.listing("then")
            self.expect("then")
            arms.append((condition, self.listing("elif", "else", "fi")))
        if self.is_word("else"):
            self.advance()
            arms.append((None, self.listing("fi")))
        self.expect("fi")
        self.redirects()
        return If(tuple(arms))

    def loop(self) -> Node:
        kind = self.token.text if isinstance(self.token, Word) else ""
        self.advance()
        condition = self.listing("do")
        return Loop(kind, condition, self._do())

    def _do(self) -> Listing:
        self.expect("do")
        body = self.listing("done")
        self.expect("done")
        self.redirects()
        return body

    def for_loop(self) -> Node:
        self.advance()
        name, words = "", []
        if isinstance(self.token, Word):
            name = self.token.text
        elif self.token == "(" and self.text.startswith("(", self.at):
            # `for ((i = 0; i < 4; i++))`: its head is one word
            start = self.at - 1
            words.append(Word(self.balanced(start, self.at, "(", ")"), True, start, self.at))
            self.advance()
        while self.token is not None and not self.is_word("do") and self.token not in ("\n", ";"):
            self.advance()
            if isinstance(self.token, Word) and not self.is_word("in", "do"):
                words.append(self.token)
        while self.token in ("\n", ";"):
            self.advance()
        return Loop("for", (), self._do(), name, tuple(words))

    def case(self) -> Node:
        self.advance()
        subject = self.token.text if isinstance(self.token, Word) else ""
        self.advance()
        self.skip_newlines()
        self.expect("in")
        arms: list[tuple[tuple[str, ...], Listing]] = []
        self.skip_newlines()
        while self.token is not None and not self.is_word("esac"):
            patterns: list[str] = []
            while self.token is not None and self.token != ")":
                if isinstance(self.token, Word):
                    patterns.append(self.token.text)
                self.advance()
            self.advance()
            arms.append((tuple(patterns), self.listing("esac")))
            while isinstance(self.token, str) and self.token in (";;", ";&", ";;&", "\n"):
                self.advance()
        self.expect("esac")
        self.redirects()
        return Case(subject, tuple(arms))

    def function(self) -> Node:
        self.advance()
        name = self.token.text if isinstance(self.token, Word) else ""
        self.advance()
        return self._function_body(name)

    def _function_body(self, name: str) -> Node:
        while self.token in ("(", ")", "\n"):
            self.advance()
        self.depth += 1
        if self.depth > _MAX_DEPTH:
            raise _Unreadable("it is nested too deeply")
        body = self.command()
        self.depth -= 1
        return Function(name, body or Simple((), (), False))

    def double_bracket(self) -> Node:
        start = self.token
        words = [start] if isinstance(start, Word) else []
        self.advance()
        while self.token is not None and not self.is_word("]]"):
            if isinstance(self.token, Word):
                words.append(self.token)
            elif self.token != "\n":
                words.append(Word(self.token, False, self.at, self.at))
            self.advance()
        self.advance()
        self.redirects()
        return Simple((), tuple(words), False)

    def simple(self) -> Node | None:
        assignments: list[tuple[str, str]] = []
        words: list[Word] = []
        redirected = False
        while True:
            redirected = self.redirects() or redirected
            token = self.token
            if not isinstance(token, Word):
                break
            assigned = None if words else _ASSIGNMENT.match(token.text)
            if assigned:
                assignments.append((assigned[1], token.text[assigned.end() :]))
                self.advance()
                if self.token == "(" and self.text[token.end : token.end + 1] == "(":
                    self._array()
                continue
            words.append(token)
            self.advance()
            if len(words) == 1 and self.token == "(" and not assignments and self._is_function():
                return self._function_body(token.text)
        if not assignments and not words:
            return None if not redirected else Simple((), (), True)
        return Simple(tuple(assignments), tuple(words), redirected)

    def _is_function(self) -> bool:
        return bool(re.match(r"\s*\)", self.text[self.at :]))

    def _array(self) -> None:
        while self.token is not None and self.token != ")":
            self.advance()
        self.advance()


_COMPOUNDS = {
    "{": _Reader.brace,
    "if": _Reader.conditional,
    "while": _Reader.loop,
    "until": _Reader.loop,
    "for": _Reader.for_loop,
    "select": _Reader.for_loop,
    "case": _Reader.case,
    "function": _Reader.function,
    "[[": _Reader.double_bracket,
}
