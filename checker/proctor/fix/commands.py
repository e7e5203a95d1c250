"""Recipes for launch commands in Procfiles and entry scripts."""

from __future__ import annotations

import re

from proctor.fix.asked import Asked, Offer
from proctor.fix.shell_text import Command, Word, command_at
from proctor.fix.source import Declined

_BUILTINS = frozenset({".", "source", "eval", "exec", "command", "builtin", "time", "!", "{", "[", "[["})
_CHANGES_FOLDER = re.compile(r"cd\s+[\w./-]+\s*&&\s*")


def put_exec(asked: Asked) -> Offer:
    """`exec` in front of the last program of a command or script, so that it takes the shell's place."""
    command = command_at(asked.source, asked.finding.place)
    first = command.text.split()[0]
    if first in _BUILTINS or not re.match(r"[\w./$\"'{}@-]", first):
        raise Declined(f"`{first}` is no program that can take the shell's place")
    if not command.in_procfile:
        script = command.source.text
        if re.search(rf"^\s*(?:function\s+)?{re.escape(first)}\s*(?:\(\s*\)|\{{)", script, re.MULTILINE):
            raise Declined(f"`{first}` is a function of the script")
        if re.search(r"^\s*trap\b", script, re.MULTILINE):
            raise Declined("the script sets a trap, which would be lost")
    if not command.starts_command():
        raise Declined("the program is part of a larger command")
    if not command.is_last():
        raise Declined("the shell does something after the program")
    return Offer((command.source.edit(command.start, command.start, "exec "),))


def split_off(asked: Asked) -> Offer:
    """What only prepares a start becomes the process type `type` of its own: `options.type`; `options.severity` are the
    severities of findings that are meant, `options.shown_by` files that show that such a type is run at each release."""
    if asked.finding.severity not in asked.names("severity"):
        raise Declined("what it does belongs into the build, which Procfiles do not describe")
    command = command_at(asked.source, asked.finding.place)
    if not command.in_procfile:
        raise Declined("who else runs this script is not known")
    name = asked.option("type")
    joined = re.match(r"\s*(?:&&|;)\s*(?=\S)", command.behind)
    if not joined or joined[0].strip().startswith(";;"):
        raise Declined("it is not followed by `&&` or `;`")
    folder = command.before
    if folder and not _CHANGES_FOLDER.fullmatch(folder):
        raise Declined("other commands stand in front of it, and it may need them")
    line = f"{name}: {folder}{command.text}"
    removal = command.source.edit(command.start, command.end + joined.end(), "")
    declared = re.compile(rf"^{re.escape(name)}\s*:\s*(.*?)\s*$", re.MULTILINE).search(command.source.text)
    if declared:
        if declared[1] != f"{folder}{command.text}":
            raise Declined(f"there is a process type `{name}` already, which does something else")
        return Offer((removal,))
    if name in asked.process_types:
        raise Declined(f"there is a process type `{name}` already")
    start = command.source.line_start(command.start)
    shown = [file for file in asked.names("shown_by") if file in asked.files.tree]
    doubt = "" if shown else f"nothing in the app shows that the platform runs `{name}` at each release"
    return Offer((command.source.edit(start, start, line + "\n"), removal), doubt, (f"type {name}",))


def move_out(asked: Asked) -> Offer:
    """A switch of a launcher becomes a process type of its own: one of `options.flags` goes, and `options.type` runs the
    same program with the sub-command `options.command` in place of `options.instead_of`. In front of that it has the options
    `options.keeps`, behind it those of `options.copies` and those of `options.takes`, which the old one loses (each with a
    value)."""
    command = command_at(asked.source, asked.finding.place)
    if not command.in_procfile:
        raise Declined("who else runs this script is not known")
    name = asked.option("type")
    if name in asked.process_types:
        raise Declined(f"there is a process type `{name}` already")
    prefix = command.before
    if prefix and not re.fullmatch(
        r"(?:cd\s+[\w./-]+\s*&&\s*)?(?:exec\s+)?(?:[A-Z_]+=[\w./:-]+\s+)*", prefix
    ):
        raise Declined("other commands stand in front of it, and the new process type may need them")
    if command.behind.strip() and not command.behind.strip().startswith("#"):
        raise Declined("other commands stand behind it")
    words = command.words()
    flag = next((word for word in words if word.text in asked.names("flags")), None)
    at = next((index for index, word in enumerate(words) if word.text == asked.option("instead_of")), None)
    if flag is None or at is None:
        raise Declined("the switch is not written as a word of its own")
    kept, behind, taken = _options(words, at, asked)
    new = " ".join([*kept, asked.option("command"), *behind])
    end = command.source.line_end(command.end)
    edits = [command.source.edit(_blank_before(command, word), word.end, "") for word in (flag, *taken)]
    edits.append(command.source.edit(end, end, f"\n{name}: {prefix}{new}"))
    return Offer(tuple(edits), claims=(f"type {name}",))


def _options(words: tuple[Word, ...], at: int, asked: Asked) -> tuple[list[str], list[str], list[Word]]:
    """Of the new process type: the program with the options in front of its sub-command, and the options behind it;
    and the words that the old one loses."""
    keeps, copies, takes = asked.names("keeps"), asked.names("copies"), asked.names("takes")
    named = (*keeps, *copies, *takes, *asked.names("flags"))
    start = next(i for i, word in enumerate(words) if i == at or word.text.partition("=")[0] in named)
    program = [word.text for word in words[:start]]
    if any(text.startswith("-") and text != "-m" for text in program):
        raise Declined("the program has options whose meaning is not known")
    kept: list[str] = []
    behind: list[str] = []
    taken: list[Word] = []
    index = start
    while index < len(words):
        name, sign, _ = words[index].text.partition("=")
        pair = words[index : index + (1 if sign else 2)] if name in (*keeps, *copies, *takes) else ()
        if name in keeps:
            kept += [word.text for word in pair]
        elif name in (*copies, *takes):
            behind += [word.text for word in pair]
            taken += pair if name in takes else ()
        index += len(pair) or 1
    if not kept:
        raise Declined("which app it is for is not said by an option")
    return [*program, *kept], behind, taken


def _blank_before(command: Command, word: Word) -> int:
    start = word.start
    while start > command.start and command.source.text[start - 1] in " \t":
        start -= 1
    return start


def take_from_variable(asked: Asked) -> Offer:
    """A number in an option (one of `options.names`) becomes that variable's (`options.variable`), the number its default."""
    command = command_at(asked.source, asked.finding.place)
    variable = asked.option("variable")
    words = command.words()
    for index, word in enumerate(words):
        for name in asked.names("names"):
            if word.text == name and index + 1 < len(words):
                value = words[index + 1]
                return _number(command, value.start, value.end, variable)
            if word.text.startswith(f"{name}=") and name.startswith("--"):
                return _number(command, word.start + len(name) + 1, word.end, variable)
            if re.fullmatch(rf"{re.escape(name)}\d+", word.text):
                return _number(command, word.start + len(name), word.end, variable)
    raise Declined("the option is not written in the command")


def _number(command: Command, start: int, end: int, variable: str) -> Offer:
    text = command.source.text[start:end]
    if not text.isdecimal():
        raise Declined(f"`{text}` is no number")
    return Offer((command.source.edit(start, end, f"${{{variable}:-{text}}}"),))


def listen_on(asked: Asked) -> Offer:
    """A server listens on `options.host` and the variable `options.variable`. `options.programs` names for each program the options
    that say so: `bind` (host and port) or `host` and `port`."""
    command = command_at(asked.source, asked.finding.place)
    words = command.words()
    program = words[0].text.rpartition("/")[2]
    known = asked.options.get("programs", {}).get(program)
    if not known:
        raise Declined(f"how `{program}` is told where to listen is not known")
    host, variable = asked.option("host"), asked.option("variable")
    if "bind" in known:
        return _set_options(command, words, {"bind": f"{host}:${variable}"}, known)
    return _set_options(command, words, {"host": host, "port": f"${variable}"}, known)


def _set_options(
    command: Command, words: tuple[Word, ...], values: dict[str, str], known: dict[str, list[str]]
) -> Offer:
    edits = []
    missing = []
    for key, value in values.items():
        found = _values(words, known[key])
        if len(found) > 1:
            raise Declined("it is told several times where to listen")
        if not found:
            missing.append(f" {known[key][0]} {value}")
        elif command.source.text[slice(*found[0])] != value and not (
            key == "port" and _is_variable(command, found[0])
        ):
            edits.append(command.source.edit(*found[0], value))
    if missing:
        edits.append(command.source.edit(command.end, command.end, "".join(missing)))
    return Offer(tuple(edits))


def _is_variable(command: Command, span: tuple[int, int]) -> bool:
    return "$" in command.source.text[slice(*span)]


def _values(words: tuple[Word, ...], names: list[str]) -> list[tuple[int, int]]:
    found = []
    for index, word in enumerate(words):
        for name in names:
            if word.text == name and index + 1 < len(words):
                found.append((words[index + 1].start, words[index + 1].end))
            elif word.text.startswith(f"{name}=") and name.startswith("--"):
                found.append((word.start + len(name) + 1, word.end))
    return found
