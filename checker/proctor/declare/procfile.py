"""A Procfile, read as its readers read it; where they would disagree a diagnostic says who does what."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from proctor.model.fact import Ignore
from proctor.model.ignore import read_ignore
from proctor.model.place import Place
from proctor.model.process import Diagnostic, ProcessType

MAX_PROCFILE_BYTES = 1_000_000

# What the readers accept, from their sources (see docs/procfile.md):
#   foreman, honcho, forego   ^([A-Za-z0-9_-]+):\s*(.+)$            other lines are passed over
#   hivemind                  ^([\w-]+):\s+(.+)$
#   goreman                   splits at the first ":"
#   Heroku (classic)          ^[[:space:]]*([a-zA-Z0-9_-]+):?\s+(.*)
#   Heroku (cloud native)     key [a-z0-9]([a-z0-9-]*[a-z0-9])?, 1-63 characters, after mending case and "_"
#   Dokku                     ^([A-Za-z0-9_-]+)\s*:\s*(.+)$, 1-63 characters, names unique
#   node-foreman              as foreman, but any other line that is no comment stops it
_LINE = re.compile(
    r"(?P<indent>\s*)(?P<name>[^\s:#][^\s:]*)(?P<gap>[^\S\r\n]*):(?P<space>\s*)(?P<command>.*?)\s*", re.DOTALL
)
_NAME = re.compile(r"[A-Za-z0-9_-]+")
_EDGE = re.compile(r"[A-Za-z0-9](.*[A-Za-z0-9])?", re.DOTALL)
_ACCEPTANCE = "# proctor:"
#: a process type that only a developer's machine runs
_DEVELOPMENT = re.compile(r"(^|[-_])(dev|devel|development|local|debug|test|tests)([-_]|$)", re.IGNORECASE)
_CONFLICT = re.compile(r"(<{7}|={7}|>{7}|\|{7})(\s|$)")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*://")
#: Cloud native buildpacks and Dokku make labels of the names
_LONGEST_NAME = 63


@dataclass
class _Reading:
    path: str
    types: dict[str, ProcessType] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)
    ignores: list[tuple[str, Ignore]] = field(default_factory=list)
    #: own-line acceptances that wait for the next process type
    waiting: list[tuple[str, int]] = field(default_factory=list)

    #: no reader makes anything of the file, so that its lines need no remarks
    hopeless: bool = False

    def say(self, place: Place, topic: str, message: str, name: str | None = None) -> None:
        if not self.hopeless:
            self.diagnostics.append(Diagnostic(place, topic, message, name))


@dataclass(frozen=True)
class ProcfileReading:
    """What one Procfile says: its process types (for a name declared twice the last one, as Heroku runs),
    diagnostics and acceptance comments."""

    process_types: tuple[ProcessType, ...]
    diagnostics: tuple[Diagnostic, ...]
    ignores: tuple[tuple[str, Ignore], ...]


def read_procfile(path: str, content: bytes) -> ProcfileReading:
    """Read the Procfile `path` with the bytes `content`. Never raises; lines count from 1, columns are bytes."""
    reading = _Reading(path)
    text = _decode(content, reading)
    continued = False
    for number, line in enumerate(text.split("\n"), start=1):
        line = line[:-1] if line.endswith("\r") else line
        continued = _take_line(line, number, continued, reading)
    for comment, at in reading.waiting:
        ignore = read_ignore(comment, at, at)
        if ignore:
            reading.ignores.append((path, ignore))
    if not reading.types and not reading.diagnostics:
        reading.say(
            Place(path, 1),
            "empty",
            "The file declares no process type: foreman, hivemind, goreman and Dokku refuse it, honcho and Heroku "
            "start nothing.",
        )
    return ProcfileReading(
        tuple(sorted(reading.types.values(), key=lambda each: each.place)),
        tuple(sorted(reading.diagnostics, key=lambda each: (each.place, each.topic))),
        tuple(reading.ignores),
    )


def _decode(content: bytes, reading: _Reading) -> str:
    start = Place(reading.path, 1)
    if len(content) > MAX_PROCFILE_BYTES:
        reading.say(
            start,
            "unreadable-line",
            f"The file has {len(content):,} bytes; only the first {MAX_PROCFILE_BYTES:,} are read.",
        )
        content = content[:MAX_PROCFILE_BYTES]
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        reading.say(
            start, "unreadable-line", "The file is UTF-16: no Procfile reader finds a process type in it."
        )
        reading.hopeless = True
        return content.decode("utf-16", "replace").lstrip("\ufeff")
    if content.startswith(b"\xef\xbb\xbf"):
        reading.say(
            start,
            "dialect",
            "The file starts with a byte order mark: foreman and honcho take it as part of the first name "
            "and drop that process type.",
        )
        content = content[3:]
    try:
        return content.decode("utf-8").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        reading.say(
            Place(reading.path, line),
            "unreadable-line",
            "The line is not UTF-8: honcho and Heroku's cloud native buildpack stop at it.",
        )
        return content.decode("latin-1").replace("\r\n", "\n")


def _take_line(line: str, number: int, continued: bool, reading: _Reading) -> bool:
    stripped = line.strip()
    if not stripped:
        return False
    if stripped.startswith("#"):
        comment = stripped[max(stripped.find(_ACCEPTANCE), 0) :]
        if read_ignore(comment, number, number):
            reading.waiting.append((comment, number))
        return False
    for comment, at in reading.waiting:
        ignore = read_ignore(comment, number, at)
        if ignore:
            reading.ignores.append((reading.path, ignore))
    reading.waiting.clear()
    line = _take_tail_ignore(line, number, reading)
    stripped = line.strip()
    place = Place(
        reading.path, number, _width(line[: len(line) - len(line.lstrip())]), number, _width(line.rstrip())
    )
    ends_open = stripped.endswith("\\")
    found = _LINE.fullmatch(line)
    if continued or not found or not _is_declaration(found):
        _say_unreadable(stripped, place, continued, reading)
    else:
        _take_declaration(line, number, found, place, reading)
    if ends_open and not continued and found:
        reading.say(
            place,
            "dialect",
            "The line ends in a backslash, but no Procfile reader joins lines: the command is cut here.",
            found["name"],
        )
    return ends_open


def _is_declaration(found: re.Match[str]) -> bool:
    if not found["command"] or _URL.match(found.string.strip()):
        return False
    name = found["name"]
    if _NAME.fullmatch(name):
        return True
    # `my.worker:` and the like are names to goreman; punctuation such as a quote or bracket is no name to anybody
    return bool(re.fullmatch(r"[\w.@/+-]+", name)) and not name.startswith((".", "/", "-", "+", "@"))


def _say_unreadable(line: str, place: Place, continued: bool, reading: _Reading) -> None:
    shown = line if len(line) <= 60 else line[:57] + "…"
    found = _LINE.fullmatch(line)
    if _CONFLICT.match(line):
        text = f"`{shown}` is left over from a merge conflict: both sides' lines are read, and this one by nobody."
    elif continued:
        text = f"`{shown}` continues the line above, but no Procfile reader joins lines: foreman and honcho drop it."
    elif found and not found["command"]:
        text = (
            f"`{shown}` has no command: foreman and honcho drop it, Dokku and Heroku's cloud native buildpack "
            "refuse the file."
        )
    elif re.match(r"[A-Za-z0-9_-]+\s", line):
        word = line.split()[0]
        text = (
            f"`{shown}` is not `name: command`: foreman, honcho and hivemind drop it, classic Heroku reads a process "
            f"type `{word}`, node-foreman and Heroku's cloud native buildpack fail."
        )
    else:
        text = f"`{shown}` is not `name: command`: foreman, honcho, hivemind and Heroku drop it, node-foreman fails."
    reading.say(place, "unreadable-line", text)


def _take_declaration(line: str, number: int, found: re.Match[str], place: Place, reading: _Reading) -> None:
    name, command = found["name"], found["command"]
    start = _width(line[: found.start("command")])
    where = Place(reading.path, number, start, number, start + _width(command))
    _say_dialects(found, place, reading)
    first = reading.types.get(name)
    if first:
        reading.say(
            place,
            "duplicate-name",
            f"`{name}` is declared twice (first on line {first.place.line}): Heroku and node-foreman drop line "
            f"{first.place.line} and keep this one, foreman and goreman start both, honcho, hivemind and Dokku refuse "
            "the file.",
            name,
        )
    # No `exec`-less shell is assumed to be bash: Heroku runs `bash -c`, honcho and Docker /bin/sh.
    reading.types[name] = ProcessType(
        name=name, command=command, place=where, shell="sh", exact=True,
        development=bool(_DEVELOPMENT.search(name)),
    )  # fmt: skip


def _take_tail_ignore(line: str, number: int, reading: _Reading) -> str:
    at = line.find(_ACCEPTANCE)
    if at < 1 or not line[at - 1].isspace():
        return line
    ignore = read_ignore(line[at:], number, number)
    if not ignore:
        return line
    reading.ignores.append((reading.path, ignore))
    return line[:at].rstrip()


def _say_dialects(found: re.Match[str], place: Place, reading: _Reading) -> None:
    name = found["name"]

    def say(text: str) -> None:
        reading.say(place, "dialect", text, name)

    if found["indent"]:
        say(
            f"There is space in front of `{name}`: foreman, honcho, hivemind and Dokku drop the line, "
            "Heroku reads it (with a warning in its cloud native buildpack)."
        )
    if not _NAME.fullmatch(name):
        say(
            f"`{name}` is a name to goreman only: foreman, honcho, hivemind and classic Heroku drop the line, "
            "Dokku and Heroku's cloud native buildpack refuse the file."
        )
    elif not _EDGE.fullmatch(name) or len(name) > _LONGEST_NAME:
        say(
            f"Dokku and Heroku's cloud native buildpack refuse the name `{name[:70]}`: it must start and end with a "
            f"letter or digit and have at most {_LONGEST_NAME} characters; foreman, honcho and classic Heroku keep it."
        )
    if found["gap"]:
        say(
            f"There is space between `{name}` and the colon: foreman, honcho and hivemind drop the line, Heroku takes "
            "the colon into the command or refuses the file, Dokku and goreman read it."
        )
    elif not found["space"]:
        say(
            f"There is no space after `{name}:`: hivemind and classic Heroku drop the line, foreman, honcho and Dokku "
            "read it."
        )


def _width(text: str) -> int:
    return len(text.encode("utf-8", "surrogatepass"))
