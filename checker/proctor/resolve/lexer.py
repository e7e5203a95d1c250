"""Shell text to words and operators: quotes are removed, lines joined, heredocs passed over."""

from __future__ import annotations

from dataclasses import dataclass

_OPERATORS = (
    "&>>", "<<-", "<<<", ";;&", "&&", "||", ";;", ";&", "|&", "&>", ">>", "<<", "<>", ">&", "<&", ">|",
    "\n", ";", "&", "|", "(", ")", "<", ">",
)  # fmt: skip
_META = frozenset(" \t\n;&|()<>")


@dataclass(frozen=True)
class Word:
    """One word after quoting; `quoted` where any quote stood in it. `start` and `end` are offsets in the text."""

    text: str
    quoted: bool
    start: int
    end: int


class Lexer:
    """Reads one text from its start; `at` is the offset reached."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.heredocs: list[tuple[str, bool]] = []

    def next(self) -> str | Word | None:
        """The next operator (as text) or word; None at the end."""
        self._skip_blanks()
        text, at = self.text, self.at
        if at >= len(text):
            return None
        if text[at] in "<>" and text.startswith("(", at + 1):
            return self._word()
        for operator in _OPERATORS:
            if text.startswith(operator, at):
                self.at = at + len(operator)
                if operator == "\n":
                    self._skip_heredocs()
                return operator
        return self._word()

    def _skip_blanks(self) -> None:
        text, end = self.text, len(self.text)
        while self.at < end:
            char = text[self.at]
            if char in " \t\r\f\v":
                self.at += 1
            elif text.startswith("\\\n", self.at):
                self.at += 2
            elif text.startswith("\\\r\n", self.at):
                self.at += 3
            elif char == "#" and (self.at == 0 or text[self.at - 1] in " \t\n;&|()"):
                stop = text.find("\n", self.at)
                self.at = end if stop < 0 else stop
            else:
                return

    def _skip_heredocs(self) -> None:
        for delimiter, strip in self.heredocs:
            while self.at < len(self.text):
                stop = self.text.find("\n", self.at)
                stop = len(self.text) if stop < 0 else stop
                line = self.text[self.at : stop].rstrip("\r")
                self.at = stop + 1
                if (line.lstrip("\t") if strip else line) == delimiter:
                    break
        self.heredocs.clear()

    def _word(self) -> Word:
        start, text = self.at, self.text
        parts: list[str] = []
        quoted = False
        while self.at < len(text):
            char = text[self.at]
            if char in "<>" and text.startswith("(", self.at + 1) and self.at == start:
                parts.append(self.balanced(self.at, self.at + 2, "(", ")"))
            elif char in _META:
                break
            elif char == "{" and text.startswith("{{", self.at) and "}}" in text[self.at :]:
                # a template's placeholder: `{{ project_name }}.wsgi`
                stop = text.index("}}", self.at) + 2
                parts.append(text[self.at : stop])
                self.at = stop
            elif char == "\\":
                parts.append(self._escape())
                quoted = True
            elif char == "'":
                parts.append(self._until("'"))
                quoted = True
            elif char == '"':
                parts.append(self._double())
                quoted = True
            elif char == "`":
                stop = text.find("`", self.at + 1)
                stop = len(text) if stop < 0 else stop + 1
                parts.append(text[self.at : stop])
                self.at = stop
            elif char == "$":
                parts.append(self._dollar())
            else:
                parts.append(char)
                self.at += 1
        return Word("".join(parts), quoted, start, self.at)

    def _escape(self) -> str:
        following = self.text[self.at + 1 : self.at + 2]
        self.at += 2
        return "" if following == "\n" else following or "\\"

    def _until(self, quote: str) -> str:
        stop = self.text.find(quote, self.at + 1)
        if stop < 0:
            # an open quote: take the rest, as a person would have meant
            stop = len(self.text)
        part = self.text[self.at + 1 : stop]
        self.at = stop + 1
        return part

    def _double(self) -> str:
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            char = self.text[self.at]
            if char == '"':
                self.at += 1
                break
            if char == "\\":
                following = self.text[self.at + 1 : self.at + 2]
                parts.append(
                    "" if following == "\n" else following if following in '"\\$`' else "\\" + following
                )
                self.at += 2
            elif char == "$":
                parts.append(self._dollar())
            else:
                parts.append(char)
                self.at += 1
        return "".join(parts)

    def _dollar(self) -> str:
        text, at = self.text, self.at
        if text.startswith("$((", at):
            return self.balanced(at, at + 2, "(", ")")
        if text.startswith("$(", at):
            return self.balanced(at, at + 2, "(", ")")
        if text.startswith("${", at):
            return self.balanced(at, at + 2, "{", "}")
        if text.startswith("$'", at):
            self.at += 1
            return self._until("'")
        if text.startswith('$"', at):
            self.at += 1
            return self._double()
        self.at += 1
        return "$"

    def balanced(self, start: int, at: int, opening: str, closing: str) -> str:
        """Move behind the `closing` that matches one `opening` before `at`; the text from `start`."""
        depth, text, end = 1, self.text, len(self.text)
        while at < end and depth:
            char = text[at]
            if char == "\\":
                at += 1
            elif char == "'" and opening == "(":
                stop = text.find("'", at + 1)
                at = stop if stop > 0 else at
            elif char == opening:
                depth += 1
            elif char == closing:
                depth -= 1
            at += 1
        self.at = min(at, end)
        return text[start : self.at]
