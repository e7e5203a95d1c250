"""The words behind a program, sorted into sub-command, options, positional words and the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from proctor.resolve.spec import Launcher, Parse

#: `${PRELOAD:+--preload}`: words that are there only if the variable is set
_CONDITIONAL = re.compile(r"\$\{(?P<name>\w+):?[+-](?P<words>-[^}]*)\}")
_NUMBER = re.compile(r"-\d+(\.\d+)?")


@dataclass
class Parsed:
    """What was read: `program` as it was called, `options` in order (by our name where known, else by spelling without dashes), `arguments`
    behind the sub-command, `rest` the words of a program that this one runs."""

    program: str = ""
    command: str = ""
    options: list[tuple[str, str]] = field(default_factory=list)
    arguments: list[str] = field(default_factory=list)
    rest: list[str] = field(default_factory=list)

    def option(self, name: str) -> str | None:
        """The last value of option `name`, or None."""
        return next((value for key, value in reversed(self.options) if key == name), None)


def read_words(launcher: Launcher, words: Sequence[str]) -> Parsed:
    """Read the `words` behind the program by the launcher's `parse`; the sub-command's own options count too."""
    parsed = _Reader(launcher.parse, words).read()
    if parsed.command:
        parse = launcher.parse_for(parsed.command)
        if parse != launcher.parse:
            return _Reader(parse, words).read()
    return parsed


class _Reader:
    def __init__(self, parse: Parse, words: Sequence[str]) -> None:
        self.parse = parse
        self.words = list(words)
        self.at = 0
        self.parsed = Parsed()
        self.names: dict[str, str] = {}
        self.valued: set[str] = set()
        for table, has_value in ((parse.options, True), (parse.flags, False)):
            for name, spellings in table.items():
                for spelling in spellings:
                    self.names[spelling] = name
                    if has_value:
                        self.valued.add(spelling)
        self.valued.update(parse.takes)
        self.known = {*self.names, *parse.takes, *parse.optional}
        runs = parse.runs
        self.needed = None if runs is None or (runs.option and not runs.separator) else runs.skip
        self.stopped = False

    def read(self) -> Parsed:
        while self.at < len(self.words):
            word = self.words[self.at]
            self.at += 1
            if self.stopped:
                self._positional(word)
            elif word == "--":
                self.stopped = True
                if self.needed == 0:
                    self._take_rest()
            elif word.startswith("-") and len(word) > 1 and not _NUMBER.fullmatch(word):
                self._option(word)
            elif self.parse.plus_options and word.startswith("+"):
                self.parsed.options.append((word, "true"))
            elif not self._conditional(word):
                self._positional(word)
        return self.parsed

    def _conditional(self, word: str) -> bool:
        found = _CONDITIONAL.fullmatch(word)
        if not found:
            return False
        inner = _Reader(self.parse, found["words"].split()).read()
        for name, value in inner.options:
            self.parsed.options.append((name, f"${found['name']}" if value == "true" else value))
        return True

    def _option(self, word: str) -> None:
        name, has_equals, value = word.partition("=")
        if name.startswith("--") or name in self.known:
            self._long(self._full(name), value if has_equals else None)
        elif word.startswith("-"):
            self._short(word)

    def _full(self, name: str) -> str:
        if name in self.known or not self.parse.abbreviations:
            return name
        matches = [each for each in self.known if each.startswith(name)]
        meanings = {self.names.get(each, each) for each in matches}
        return matches[0] if len(meanings) == 1 else name

    def _long(self, name: str, value: str | None) -> None:
        pattern = self.parse.takes_matching
        if value is None and (name in self.valued or (pattern and re.match(pattern, name))):
            value = self._following()
        self._store(name, "true" if value is None else value)

    def _short(self, word: str) -> None:
        at = 1
        while at < len(word):
            spelling = "-" + word[at]
            rest = word[at + 1 :]
            if spelling in self.valued:
                self._store(spelling, rest.removeprefix("=") if rest else self._following())
                return
            if spelling not in self.known and at == 1 and (rest or len(word) > 2):
                # an unknown short option glued to its value, or a single-dash long one
                self._store(word.partition("=")[0], word.partition("=")[2] or "true")
                return
            self._store(spelling, "true")
            at += 1

    def _following(self) -> str:
        if self.at < len(self.words):
            self.at += 1
            return self.words[self.at - 1]
        return ""

    def _store(self, spelling: str, value: str) -> None:
        name = self.names.get(spelling, spelling.lstrip("-"))
        self.parsed.options.append((name, value))
        if name in self.parse.stops:
            self.stopped = True

    def _positional(self, word: str) -> None:
        parsed, runs = self.parsed, self.parse.runs
        if self.parse.command and not parsed.command and not parsed.arguments and not self.stopped:
            parsed.command = word
            if runs and runs.commands and word not in runs.commands:
                self.needed = None
            return
        if runs and self.needed is not None and runs.assignments and re.match(r"[A-Za-z_]\w*=", word):
            parsed.options.append(("assign", word))
            return
        if self.needed is not None and runs and not runs.separator and (parsed.command or not runs.commands):
            if self.needed > 0:
                self.needed -= 1
                parsed.arguments.append(word)
                return
            self.at -= 1
            self._take_rest()
            return
        parsed.arguments.append(word)
        if self.parse.options_first:
            self.stopped = True

    def _take_rest(self) -> None:
        rest = self.words[self.at :]
        self.parsed.rest = rest[1:] if rest[:1] == ["--"] else rest
        self.at = len(self.words)
