"""A program in a Procfile or an entry script, with what stands in front of it and behind it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from proctor.fix.source import Declined, Source
from proctor.model.place import Place

#: a word in which no quoting or substitution changes what it says, or a quoted one
_WORD = re.compile(r"""(?:[^\s"'\\$`;&|()<>#]|\$\w+|\$\{\w+\}|"[^"`\\]*"|'[^']*'|(?<=\S)#)+""")
_REDIRECTION = r"""\s*(?:\d*>>?&?|\d*>&|&>>?|\d*<)\s*[\w./$-]+"""
_TAIL = re.compile(rf"(?:{_REDIRECTION})*\s*(?P<arm>;;)?\s*(?:#.*)?")
_ASSIGNMENTS = re.compile(r"""(?:[A-Za-z_]\w*=(?:[^\s"'`;&|()<>]|"[^"`]*"|'[^']*')*\s+)*$""")
_SHEBANG = re.compile(r"#!.*\b(?:sh|bash|dash|ash|ksh|zsh)\b")


@dataclass(frozen=True)
class Word:
    """One word of a command as it is written, and where it stands in the text."""

    text: str
    start: int
    end: int


@dataclass(frozen=True)
class Command:
    """A program in shell text: from `start` to before `end`. `begins` is where the text that the shell reads begins: behind the name
    and colon of a Procfile's line, or at the start of the program's line in a script."""

    source: Source
    start: int
    end: int
    begins: int
    in_procfile: bool

    @property
    def text(self) -> str:
        """The program's words as they are written."""
        return self.source.text[self.start : self.end]

    @property
    def before(self) -> str:
        """What stands in front of it on its line."""
        return self.source.text[self.begins : self.start]

    @property
    def behind(self) -> str:
        """What stands behind it on its line, without the line end."""
        return self.source.text[self.end : self.source.line_end(self.end)]

    @property
    def after(self) -> str:
        """What stands in the lines below; nothing in a Procfile, whose lines are commands of their own."""
        return "" if self.in_procfile else self.source.text[self.source.line_end(self.end) :]

    def words(self) -> tuple[Word, ...]:
        """Its words. Raises Declined where one of them is more than text, variables and whole quotes."""
        words: list[Word] = []
        at = self.start
        while at < self.end:
            if blank := re.compile(r"(?:\s|\\\r?\n)+").match(self.source.text, at, self.end):
                at = blank.end()
                continue
            found = _WORD.match(self.source.text, at, self.end)
            if not found:
                raise Declined("the command is quoted or redirected in a way that is not understood")
            words.append(Word(found[0], *found.span()))
            at = found.end()
        return tuple(words)

    def starts_command(self) -> bool:
        """Whether the shell starts the program as a command of a list or by itself, so that the command can be begun
        with another word."""
        before = _ASSIGNMENTS.sub("", self.before)
        if not re.search(r"(?:^\s*|&&\s*|;\s*|\bthen\s+|\belse\s+|^\s*[^()]*\)\s*)$", before):
            return False
        if re.match(r"\s*(?:while|until|for|if|elif)\b", before) and not re.search(
            r"\b(?:then|else)\s+$", before
        ):
            return False
        above = self._line_above()
        return not re.search(r"(?:\\|\||\()\s*$", above)

    def _line_above(self) -> str:
        if self.in_procfile:
            return ""
        line = self.source.line_of(self.start)
        return self.source.line(line - 1).rstrip("\r\n") if line > 1 else ""

    def is_last(self) -> bool:
        """Whether the shell runs nothing after the program: only other arms of the `if` or `case` around it follow."""
        tail = _TAIL.fullmatch(self.behind)
        if not tail:
            return False
        other_arm, depth = bool(tail["arm"]), 0
        for line in self.after.splitlines():
            words = line.split("#", 1)[0].strip() if "#" in line else line.strip()
            if not words:
                continue
            first = words.split()[0].rstrip(";")
            if other_arm:
                opens, closes = first in ("if", "case"), bool(re.search(r"\b(?:fi|esac)\b;?$", words))
                if opens and not closes:
                    depth += 1
                elif closes and not opens:
                    other_arm, depth = (False, 0) if depth == 0 else (True, depth - 1)
            elif first in ("else", "elif", "") or words.startswith(";;"):
                other_arm = True
            elif words.rstrip(";") not in ("fi", "esac"):
                return False
        return True


def command_at(source: Source, place: Place) -> Command:
    """The command that a place spans. Raises Declined where it stands in a manifest of another kind, or its text does not
    stand in the file as a shell reads it."""
    name = PurePosixPath(place.path).name
    in_procfile = "procfile" in name.lower()
    is_script = name.endswith((".sh", ".bash")) or bool(_SHEBANG.match(source.text))
    if not (in_procfile or is_script):
        raise Declined("only commands in Procfiles and shell scripts are edited")
    if not place.end_line:
        raise Declined("the command does not stand in the file as it is run")
    start = source.offset(place.line, place.column)
    end = source.offset(place.end_line, place.end_column)
    begins = source.line_start(start)
    if in_procfile:
        begins = procfile_command(source, place)[1]
    return Command(source, start, end, begins, in_procfile)


def procfile_command(source: Source, place: Place) -> tuple[str, int, int]:
    """The name of the process type on a place's line of a Procfile, and where its command starts and ends. Raises Declined
    where it is none."""
    if "procfile" not in PurePosixPath(place.path).name.lower():
        raise Declined("only commands in Procfiles are edited")
    start = source.offset(place.line, 0)
    found = re.compile(r"\s*([^\s:#][^\s:]*)\s*:\s*").match(source.text, start, source.line_end(start))
    if not found:
        raise Declined("the line is no `name: command`")
    return (
        found[1],
        found.end(),
        found.end() + len(source.text[found.end() : source.line_end(start)].rstrip()),
    )
