"""Files that hold further commands: Procfiles, supervisor configurations, Makefiles, named scripts."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import tomli

from proctor.model.place import Place
from proctor.resolve.options import Parsed
from proctor.resolve.project import Project, join
from proctor.resolve.situation import Situation, Text
from proctor.resolve.spec import Nested

# what the programs that read nested Procfiles take as a line; everything else they pass over
_PROCFILE_LINE = re.compile(r"([A-Za-z0-9_-]+):\s*(\S.*?)\s*")
_RULE = re.compile(r"([\w./-]+(?:[ \t]+[\w./-]+)*)[ \t]*::?(?!=)([^=\n]*)")
_MAX_TARGETS = 20
_MAX_CHILDREN = 50


@dataclass(frozen=True)
class Child:
    """One command of the file: its name there, its text, its working folder, and how many of it are started (as written, and
    the line that says so; "" and 0 where nothing does)."""

    name: str
    text: Text
    folder: str
    copies: str = ""
    copies_line: int = 0


@dataclass(frozen=True)
class Children:
    """The commands found, or why there are none."""

    children: tuple[Child, ...]
    problem: str | None = None


def applies(spec: Nested, parsed: Parsed) -> bool:
    """Whether this command line starts the commands of a file."""
    return not spec.commands or parsed.command in spec.commands


def read(spec: Nested, parsed: Parsed, situation: Situation, project: Project) -> Children:
    """The commands that the program starts."""
    named = parsed.option(spec.option) if spec.option else None
    if spec.argument is not None and spec.argument < len(parsed.arguments):
        named = parsed.arguments[spec.argument]
    names = [situation.resolve(named, defaults=True)] if named is not None else list(spec.default)
    found = [project.find_file(name, situation.folder, situation.copied) for name in names]
    path = next((each for each in found if each is not None), None)
    if path is None:
        return Children((), f"the file `{names[-1] if names else ''}` is not in the tree")
    children = _READERS[spec.format](spec, parsed, path, situation.folder, project)
    if not children:
        return Children((), f"`{path}` holds no command that this starts")
    return Children(tuple(children))


def _read_procfile(spec: Nested, parsed: Parsed, path: str, folder: str, project: Project) -> list[Child]:
    children = []
    # `nf start web=2,worker=3` has it behind the command
    told = [word for word in parsed.arguments if "=" in word and spec.formation]
    chosen = [word for word in parsed.arguments if word not in told]
    formation = _formation(",".join([parsed.option(spec.formation) or "", *told]))
    for number, line in enumerate(project.text(path).splitlines(), start=1):
        found = _PROCFILE_LINE.fullmatch(line)
        if found and (not chosen or found[1] in chosen):
            column = len(line[: found.start(2)].encode("utf-8", "surrogatepass"))
            copies = formation.get(found[1], formation.get("all", ""))
            if copies != "0":
                children.append(Child(found[1], Text(path, found[2], number, column), folder, copies))
    return children


def _formation(text: str) -> dict[str, str]:
    """`web=2,worker=3`"""
    pairs = (part.strip().partition("=") for part in text.split(","))
    return {name: count for name, equals, count in pairs if equals}


def _read_ini(spec: Nested, parsed: Parsed, path: str, folder: str, project: Project) -> list[Child]:
    children = _ini_children(spec, path, folder, project)
    section, _, key = spec.includes.partition(":")
    found = (
        re.search(rf"^\[{section}\][^\[]*?^{key}\s*=\s*(.*)", project.text(path), re.M | re.S)
        if section
        else None
    )
    for pattern in found[1].splitlines()[0].split() if found else ():
        pattern = posixpath.basename(pattern)
        for other in project.tree.files:
            if (
                other != path
                and fnmatchcase(posixpath.basename(other), pattern)
                and len(children) < _MAX_CHILDREN
            ):
                children += _ini_children(spec, other, folder, project)
    return children


def _ini_children(spec: Nested, path: str, folder: str, project: Project) -> list[Child]:
    children: list[Child] = []
    name: str = ""
    rows: dict[str, tuple[str, int]] = {}
    lines = project.text(path).splitlines()
    for number, line in enumerate([*lines, "[]"], start=1):
        stripped = line.strip()
        if stripped.startswith("[") and stripped.endswith("]"):
            if name.startswith(spec.section) and spec.key in rows:
                children.append(_ini_child(spec, name, rows, path, folder, project))
            name, rows = stripped[1:-1], {}
        elif stripped and not stripped.startswith((";", "#")):
            key, equals, value = stripped.partition("=")
            if equals and not line[:1].isspace():
                rows[key.strip()] = (value.partition(" ;")[0].strip(), number)
    return children


def _ini_child(
    spec: Nested, name: str, rows: dict[str, tuple[str, int]], path: str, folder: str, project: Project
) -> Child:
    command, line = rows[spec.key]
    command = " ".join(filter(None, [command, rows.get(spec.arguments_key, ("", 0))[0]]))
    command = _with_variables(command)
    copies, copies_line = rows.get(spec.copies_key, ("", 0))
    where = rows.get(spec.folder_key, ("", 0))[0]
    inner = project.find_folder(where, folder) if where else folder
    text = Text(path, command, line, exact=False)
    return Child(name.removeprefix(spec.section), text, inner or "", _with_variables(copies), copies_line)


def _with_variables(value: str) -> str:
    """`%(ENV_NAME)s` (supervisor) and `$(circus.env.name)` are variables of the environment."""
    pattern = r"%\(ENV_(\w+)\)s|\$\((?i:circus\.env\.)(\w+)\)"
    return re.sub(pattern, lambda found: f"${found[1] or found[2]}", value)


def _read_makefile(spec: Nested, parsed: Parsed, path: str, folder: str, project: Project) -> list[Child]:
    variables: dict[str, str] = {}
    rules: dict[str, tuple[list[str], list[tuple[str, int]]]] = {}
    current: list[str] = []
    first = ""
    for number, line in _joined(project.text(path)):
        assigned = re.match(r"(?:export\s+)?([\w.-]+)\s*[:?+]?=\s*(.*)", line)
        rule = _RULE.match(line)
        if line.startswith("\t"):
            for name in current:
                rules[name][1].append((line.strip().lstrip("@-+"), number))
        elif assigned:
            variables[assigned[1]] = assigned[2]
        elif rule:
            current = rule[1].split()
            prerequisites = rule[2].split("#")[0].split(";")[0].split()
            for name in current:
                rules.setdefault(name, ([], []))[0].extend(prerequisites)
            first = first or next((name for name in current if not name.startswith(".")), "")
    for word in parsed.arguments:
        if "=" in word:
            variables[word.split("=")[0]] = word.partition("=")[2]
    wanted = [word for word in parsed.arguments if "=" not in word] or [first]
    order: list[str] = []
    for name in wanted:
        _visit(name, rules, order)
    return [
        Child(name, Text(path, _make_text(recipe, variables), line, exact=False), folder)
        for name in order
        for recipe, line in rules[name][1]
    ]


def _visit(
    name: str,
    rules: dict[str, tuple[list[str], list[tuple[str, int]]]],
    order: list[str],
    above: tuple[str, ...] = (),
) -> None:
    if name not in rules or name in order or name in above or len(order) + len(above) > _MAX_TARGETS:
        return
    for each in rules[name][0]:
        _visit(each, rules, order, (*above, name))
    order.append(name)


def _joined(text: str) -> list[tuple[int, str]]:
    lines: list[tuple[int, str]] = []
    start, waiting = 0, ""
    for number, line in enumerate(text.splitlines(), start=1):
        start = start or number
        if line.endswith("\\"):
            waiting += line[:-1] + " "
            continue
        lines.append((start, waiting + line))
        start, waiting = 0, ""
    return lines


def _make_text(recipe: str, variables: dict[str, str]) -> str:
    for _ in range(3):
        recipe = re.sub(r"\$[({]([\w.-]+)[)}]", lambda found: variables.get(found[1], found[0]), recipe)
    return recipe.replace("$$", "$")


def _read_scripts(spec: Nested, parsed: Parsed, path: str, folder: str, project: Project) -> list[Child]:
    named = parsed.arguments[0] if parsed.arguments else ""
    name = parsed.command if parsed.command in spec.implied_by else named
    found = _script(path, spec.table, name, project)
    if found is None:
        return []
    return [Child(name, Text(path, found[0], found[1].line, exact=False), posixpath.dirname(path))]


def named_script(
    scripts: Sequence[dict[str, str]], name: str, folder: str, project: Project
) -> tuple[str, Place] | None:
    """The command that `name` stands for in one of the files of `scripts`, with its place."""
    for row in scripts:
        path = join(folder, row["file"])
        if path is not None and path not in project.tree:
            path = row["file"]
        if path is not None and path in project.tree:
            found = _script(path, row["table"], name, project)
            if found is not None:
                return found
    return None


def _script(path: str, table: str, name: str, project: Project) -> tuple[str, Place] | None:
    text = project.text(path)
    try:
        data: Any = json.loads(text) if path.endswith(".json") else tomli.loads(text)
    except (ValueError, RecursionError):
        return None
    for key in [*table.split("."), name]:
        data = data.get(key) if isinstance(data, dict) else None
    if isinstance(data, dict):
        data = next((data[key] for key in ("cmd", "shell", "composite", "call") if key in data), None)
    if isinstance(data, list):
        data = (" && " if data and all(" " in str(each) for each in data) else " ").join(map(str, data))
    if not isinstance(data, str):
        return None
    line = next(
        (number for number, each in enumerate(text.splitlines(), 1) if re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*[=:]", each)),
        1,
    )  # fmt: skip
    return data, Place(path, line)


_READERS = {
    "procfile": _read_procfile,
    "ini": _read_ini,
    "makefile": _read_makefile,
    "scripts": _read_scripts,
}
