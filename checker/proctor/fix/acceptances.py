"""Acceptance comments that are written for the user: a line of its own above the finding, every other byte kept.

A file is only offered its new text where that still says the same: the same syntax tree, the same YAML or TOML.
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable, Iterable, Sequence

import libcst as cst

from proctor.fix.apply import rewritten
from proctor.fix.asked import Files
from proctor.fix.python_code import Code
from proctor.fix.source import Declined, Source
from proctor.model.finding import Edit, Finding, Plan
from proctor.model.ignore import PLACEHOLDER
from proctor.model.place import Place
from proctor.model.tree import SourceTree

_SHELL = re.compile(r"#!\s*\S*/(?:env\s+)?(?:ba|da|z|k)?sh\b")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_LINE_COMMENTS = (".conf", ".cfg", ".ini", ".service", ".env", ".properties")


def acceptances(findings: Iterable[Finding], tree: SourceTree) -> tuple[Plan, ...]:
    """A plan per finding whose edit accepts it (with others of its line) and leaves the reason to be given, or the
    reason why no comment can stand there. Never raises on what the files hold."""
    files = Files(tree)
    by_line: dict[tuple[str, int], list[Finding]] = {}
    for each in findings:
        by_line.setdefault((each.place.path, each.place.line), []).append(each)
    plans = [plan for group in by_line.values() for plan in _plans(group, files)]
    order = {id(each): number for number, group in enumerate(by_line.values()) for each in group}
    return tuple(sorted(plans, key=lambda plan: order[id(plan.finding)]))


def _plans(group: Sequence[Finding], files: Files) -> Iterable[Plan]:
    codes = ",".join(dict.fromkeys(each.code for each in group))
    try:
        edit = _edit(group[0].place, f"# proctor: ignore[{codes}] {PLACEHOLDER}", files)
    except Declined as reason:
        return [Plan(finding=each, reason=str(reason)) for each in group]
    return [Plan(finding=each, edits=(edit,), safe=True) for each in group]


def _edit(place: Place, comment: str, files: Files) -> Edit:
    if place.path not in files.tree:
        raise Declined("it stands in no file")
    source = files.source(place.path)
    if place.line > source.n_lines:
        raise Declined("the file has changed")
    writer = _writer(source)
    if place.path.endswith(".py"):
        edit = _beside_python(files.code(place.path), place, comment)
    else:
        edit = _above(source, place.line, comment)
    data = files.tree.read(place.path)
    writer(source, place.line, data, rewritten(place.path, data, [edit]))
    return edit


def _above(source: Source, line: int, comment: str) -> Edit:
    start = source.offset(line, 0)
    return source.edit(start, start, f"{source.indent(start)}{comment}\n")


def _beside_python(code: Code, place: Place, comment: str) -> Edit:
    """Above the line; where that lies in a text or after a backslash, behind the last line of the statement."""
    start = code.source.offset(place.line, 0)
    inside = any(
        code.span(text)[0] < start < code.span(text)[1]
        for kind in (cst.SimpleString, cst.FormattedString)
        for text in code.nodes(kind)
    )
    before = code.source.line(place.line - 1).rstrip("\r\n") if place.line > 1 else ""
    if not inside and not before.endswith("\\"):
        return _above(code.source, place.line, comment)
    end = code.source.line_end(code.source.offset(max(place.end_line, place.line), 0))
    return code.source.edit(end, end, f"  {comment}")


# --- each kind of file, and what must stay as it is ----------------------------------------------------------

_Check = Callable[[Source, int, bytes, bytes], None]


def _writer(source: Source) -> _Check:
    name = source.path.rpartition("/")[2]
    if name.endswith(".py"):
        return _same_python
    if name.startswith("Procfile"):
        return _anywhere
    if name.startswith(("Dockerfile", "Containerfile")) or name.endswith((".dockerfile", ".Dockerfile")):
        return _no_text_before
    if name.endswith((".yml", ".yaml")):
        return _same_yaml
    if name.endswith(".toml"):
        return _same_toml
    if name.endswith((".sh", ".bash")) or _SHELL.match(source.text):
        return _no_text_before
    if name.endswith(_LINE_COMMENTS):
        return _whole_line
    raise Declined(f"how a comment is written in `{name}` is not known")


def _anywhere(source: Source, line: int, old: bytes, new: bytes) -> None:
    """A comment can stand above every line."""


def _same_python(source: Source, line: int, old: bytes, new: bytes) -> None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            same = ast.dump(ast.parse(old)) == ast.dump(ast.parse(new))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise Declined("the file cannot be read as Python") from error
    if not same:
        raise Declined("a comment cannot stand beside the line")


def _whole_line(source: Source, line: int, old: bytes, new: bytes) -> None:
    before = source.line(line - 1).rstrip("\r\n") if line > 1 else ""
    if before.endswith("\\") or source.line(line)[:1].isspace():
        raise Declined("the line continues the one above, where no comment can stand")


def _no_text_before(source: Source, line: int, old: bytes, new: bytes) -> None:
    """In shell: not after a backslash, within quotes or in a text that is passed on."""
    is_shell = not source.path.rpartition("/")[2].lower().endswith(("dockerfile", "containerfile"))
    waiting, quote = "", ""
    for number in range(1, line):
        text = source.line(number).rstrip("\r\n")
        if waiting:
            waiting = "" if text.strip() == waiting else waiting
            continue
        quote = _open_quote(text, quote)
        found = _HEREDOC.search(text) if not quote and not text.lstrip().startswith("#") else None
        waiting = found[1] if found else ""
        if is_shell and number == line - 1 and text.endswith("\\") and not text.lstrip().startswith("#"):
            raise Declined("the line continues the one above, where no comment can stand")
    if waiting or (quote and is_shell):
        raise Declined("the line is part of a text, where no comment can stand")


def _open_quote(text: str, quote: str) -> str:
    at = 0
    while at < len(text):
        each = text[at]
        if each == "\\" and quote != "'":
            at += 1
        elif quote:
            quote = "" if each == quote else quote
        elif each in "'\"":
            quote = each
        elif each == "#" and (at == 0 or text[at - 1].isspace()):
            break
        at += 1
    return quote


def _same_yaml(source: Source, line: int, old: bytes, new: bytes) -> None:
    import yaml

    def events(data: bytes) -> list[tuple[object, ...]]:
        return [
            (type(each), *(getattr(each, name, None) for name in ("anchor", "tag", "value")))
            for each in yaml.parse(data, Loader=yaml.SafeLoader)
        ]

    try:
        same = events(old) == events(new)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise Declined("the file cannot be read as YAML") from error
    if not same:
        raise Declined("the line is part of a text, where no comment can stand")


def _same_toml(source: Source, line: int, old: bytes, new: bytes) -> None:
    import tomli

    def table(data: bytes) -> object:
        return tomli.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))

    try:
        same = table(old) == table(new)
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Declined("the file cannot be read as TOML") from error
    if not same:
        raise Declined("the line is part of a text, where no comment can stand")
