"""What is known at one point of a launch command: folder, variables, the shells in front, the way that led here."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.process import Launch, Passing
from proctor.model.words import Effect
from proctor.resolve.project import APP_ROOT
from proctor.resolve.shell import Function
from proctor.resolve.spec import Duration, with_fallbacks

Front = bool | Literal["bash"]
#: How the shell that reads a text treats its last command: "line" (a process type's own line), "command"
#: (`sh -c`), "bash" (`bash -c`), "script" (a file), "none" (no shell)
TextKind = Literal["line", "command", "bash", "script", "none"]

#: a value that doubles with every assignment is no option
_LONGEST_VALUE = 10_000
_VARIABLE = re.compile(
    r"\$(?:(?P<bare>[A-Za-z_]\w*|\d|[@*#])|\{(?P<name>\w+|[@*#])(?:(?P<op>:?[-+=?])(?P<word>[^{}]*))?\})"
)
#: how a script names itself
_ITSELF = ("0", "BASH_SOURCE")
_SLICE = re.compile(r"\$\{[@*]:([^{}]+)\}")
#: `$(which python3)` is `python3`
_WHICH = re.compile(
    r"\$\(\s*(?:which|command\s+-v|type\s+-p)\s+([\w.-]+)\s*\)|`(?:which|command\s+-v)\s+([\w.-]+)`"
)
_OWN_FOLDER = re.compile(r"\$\([^()]*(?:\$\([^()]*\))?[^()]*(?:dirname|realpath|readlink)\b.*\)", re.DOTALL)
_PARENT = re.compile(r"\.\.(?:/\.\.)*")


@dataclass(frozen=True)
class Text:
    """A shell text in a file: offsets become places. `line` and `column` are where it starts; `exact` says that
    it stands there as written."""

    path: str
    content: str
    line: int = 1
    column: int = 0
    exact: bool = True

    def place(self, start: int, end: int) -> Place:
        """The place of the characters `start`..`end`."""
        if not self.exact:
            return Place(self.path, self.line)
        before = self.content[:start]
        line = self.line + before.count("\n")
        column = _width(before.rpartition("\n")[2]) + (0 if "\n" in before else self.column)
        inside = self.content[start:end]
        tail = inside.rpartition("\n")[2]
        end_column = _width(tail) + (0 if "\n" in inside else column)
        return Place(self.path, line, column, line + inside.count("\n"), end_column)


@dataclass(frozen=True)
class Situation:
    """The point. `variables` are the values that the shell text itself assigned, `environment` what was exported or
    declared; `arguments` the positional words (None: not known). `front` says whether the shells
    outside this text are replaced by its last command."""

    text: Text
    folder: str
    chain: tuple[Step, ...]
    kind: TextKind = "line"
    front: Front = True
    environment: Mapping[str, str] = field(default_factory=dict)
    variables: Mapping[str, str] = field(default_factory=dict)
    arguments: tuple[str, ...] | None = ()
    script: str | None = None
    wrappers: tuple[str, ...] = ()
    wrapper_signals: tuple[Mapping[str, Any], ...] = ()
    wrapper_does: tuple[Effect, ...] = ()
    background: bool = False
    piped: bool = False
    fallback: bool = False
    in_loop: bool = False
    arms: tuple[tuple[int, int], ...] = ()
    trap: str = ""
    passing: Passing = ""
    supervised_by: str = ""
    group: int = 0
    depth: int = 0
    copied: tuple[tuple[str, str], ...] = ()
    modules: tuple[str, ...] = ()
    #: the file among `modules` that is run as a script
    host_script: str | None = None
    #: the working folder before the program's own options changed it
    origin: str | None = None
    #: the program is a sub-command of another one that has loaded the app
    hosted: bool = False
    #: (path, line) of the nested commands that led here
    seen: frozenset[tuple[str, int]] = frozenset()
    #: what `front` was at a wrapper that signals its whole process group: the shells behind it do not matter
    grouped: Front | None = None
    #: how many times this is started, as written, and where that stands
    copies: str = ""
    copies_place: Place | None = None
    #: folders that the platform puts on the import path
    roots: tuple[str, ...] = ()
    functions: dict[str, Function] = field(default_factory=dict)

    def changed(self, **fields: object) -> Situation:
        """A copy with other fields."""
        return replace(self, **fields)  # type: ignore[arg-type]  # dataclasses.replace checks the names

    def behind(self, wrapper: str, signals: Mapping[str, Any], does: tuple[Effect, ...] = ()) -> Situation:
        """Behind one more wrapper."""
        return replace(
            self,
            wrappers=(*self.wrappers, wrapper),
            wrapper_signals=(*self.wrapper_signals, signals),
            wrapper_does=(*self.wrapper_does, *does),
        )

    def with_variables(self, assigned: Mapping[str, str], exported: bool = False) -> Situation:
        """After assignments. What the environment decides stays as written in the value."""
        values = {name: self.expand(raw) for name, raw in assigned.items()}
        values = {name: value for name, value in values.items() if len(value) <= _LONGEST_VALUE}
        environment = {**self.environment, **values} if exported else self.environment
        return replace(self, variables={**self.variables, **values}, environment=environment)

    def expand(self, text: str) -> str:
        """`text` with the variables that this shell text assigned and the positional words put in."""
        if "$" not in text and "`" not in text:
            return text
        text = _WHICH.sub(lambda found: found[1] or found[2], text)
        if self.script is not None:
            own = f"{APP_ROOT}/{self.script.rpartition('/')[0]}".rstrip("/")
            text = _OWN_FOLDER.sub(lambda found: _own_folder(found[0], own), text)
            text = text.replace("${0%/*}", own)
        text = _VARIABLE.sub(lambda found: self._value(found, self.variables), text)
        return _SLICE.sub(lambda found: " ".join(self._slice(found[1])), text)

    def words(self, text: str) -> list[str] | None:
        """The positional words that `text` as a whole stands for (`$@`, `${@:2}`), or None where it is no such thing."""
        if self.arguments is None:
            return None
        if text in ("$@", "$*", "${@}", "${*}"):
            return list(self.arguments)
        found = _SLICE.fullmatch(text)
        return list(self._slice(found[1])) if found else None

    def _slice(self, first: str) -> tuple[str, ...]:
        # where the first one is not known all are meant at most
        start = _VARIABLE.sub(lambda found: self._value(found, self.variables), first).split(":")[0].strip()
        arguments = self.arguments or ()
        return arguments[max(int(start) - 1, 0) :] if start.isdigit() else arguments

    def resolve(self, text: str, defaults: bool = False) -> str:
        """As `expand`, with the environment too, and with `defaults` also the fallback of `${NAME:-fallback}`."""
        known = {**self.environment, **self.variables}
        found = _VARIABLE.sub(lambda match: self._value(match, known), self.expand(text))
        return with_fallbacks(found) if defaults else found

    def _value(self, found: re.Match[str], known: Mapping[str, str]) -> str:
        name, operator, word = found["bare"] or found["name"], found["op"] or "", found["word"] or ""
        value = self._lookup(name, known)
        if operator.endswith("+"):
            return found[0] if value is None else word if value else ""
        if value is None:
            return found[0]
        if not value and operator.endswith(("-", "=")):
            return word
        return value

    def _lookup(self, name: str, known: Mapping[str, str]) -> str | None:
        if name in _ITSELF and self.script is not None and self.kind == "script":
            return f"{APP_ROOT}/{self.script}"
        if not name[0].isalpha() and name[0] != "_":
            if self.arguments is None:
                return None
            if name in ("@", "*"):
                return " ".join(self.arguments)
            if name == "#":
                return str(len(self.arguments))
            if name == "0":
                return None
            return self.arguments[int(name) - 1] if int(name) <= len(self.arguments) else ""
        return known.get(name)


@dataclass(frozen=True)
class Started:
    """A program that the walk met, before its relation to the others is known."""

    launch: Launch
    duration: Duration
    background: bool
    piped: bool
    fallback: bool
    arms: tuple[tuple[int, int], ...]
    group: int


#: Starts the program that `words` name; the span is that of the command in the situation's text.
Start = Callable[[list[str], Situation, Place], None]


def combine(front: Front, layer: Front) -> Front:
    """Whether all shells are replaced, given those outside and this one."""
    if front is False or layer is False:
        return False
    return "bash" if "bash" in (front, layer) else True


def is_known(text: str) -> bool:
    """Whether nothing in `text` is left to the shell."""
    return "$" not in text and "`" not in text


def _own_folder(text: str, own: str) -> str:
    parents = _PARENT.search(text)
    for _ in range(parents[0].count("..") if parents else 0):
        own = own.rpartition("/")[0] if own.count("/") > 1 else own
    return own


def _width(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
