"""Recipes for what a process type starts: each program in a process type of its own, and a server made for production."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import PurePosixPath

import libcst as cst

from proctor.fix.asked import Asked, Offer
from proctor.fix.python_code import Code
from proctor.fix.shell_text import procfile_command
from proctor.fix.source import Declined

_TYPE = re.compile(r"[a-z][a-z0-9-]*")


def part_programs(asked: Asked) -> Offer:
    """Programs that one line of a Procfile starts side by side get a line each. `options.kinds` pairs regular expressions of
    commands with the names of their process types (`\\1` stands for a group); `options.ignore` are commands that only hold
    the others together."""
    place = asked.finding.place
    source = asked.source
    name, start, end = procfile_command(source, place)
    parts = [each for each in _parts(source.text[start:end]) if each not in asked.names("ignore")]
    if len(parts) < 2:
        raise Declined("the line starts one program, which starts the others")
    commands = list(dict.fromkeys(parts))
    kinds = [_kind(each, asked.options.get("kinds", {})) for each in commands]
    kept = kinds.index(name) if name in kinds else len(commands) - 1
    others = [
        (kind, each)
        for number, (kind, each) in enumerate(zip(kinds, commands, strict=True))
        if number != kept
    ]
    for kind, command in others:
        if not kind:
            raise Declined(f"what a process type for `{command}` should be called is to be decided")
        if kind in asked.process_types:
            raise Declined(f"there is a process type `{kind}` already")
    if len({kind for kind, _ in others}) < len(others):
        raise Declined("two of the programs would have the same name")
    lines = "".join(f"\n{kind}: {command}" for kind, command in others)
    stop = source.line_end(end)
    edits = [source.edit(start, end, commands[kept])]
    if lines:
        edits.append(source.edit(stop, stop, lines))
    return Offer(tuple(edits), claims=tuple(f"type {kind}" for kind, _ in others))


def _parts(text: str) -> list[str]:
    """The commands of a line. Raises Declined where more than that is written."""
    if re.search(r"[|()<>`\\{}#\"']|\$\(", re.sub(r"\$\{\w+(?::-[\w./]*)?\}", "", text)):
        raise Declined("the line is written in a way that is not understood")
    parts = [each.strip() for each in re.split(r"&&|&|;", text)]
    found = [each for each in parts if each]
    if any(
        re.match(r"(?:cd|export|source|\.|set|if|while|until|for|sleep|trap|echo|then|do)\b", each)
        for each in found
    ):
        raise Declined("other commands stand beside the programs, and which of them need it is to be decided")
    return found


def _kind(command: str, kinds: Mapping[str, str]) -> str:
    for pattern, kind in kinds.items():
        found = re.search(pattern, command)
        if found:
            name = found.expand(kind).lower().replace("_", "-")
            return name if _TYPE.fullmatch(name) else ""
    return ""


# --- a server for production ---------------------------------------------------------------------------------------


def serve_properly(asked: Asked) -> Offer:
    """A development server is replaced by one that the project depends on. `options.servers` pairs the names of their
    distributions with their commands (`{app}`, `{address}`); `options.depends` are the files (patterns) that say so;
    `options.switches` are switches that only have to go; `options.calls` are calls that serve an object; `options.assets`
    what shows that an app has files that its own server is to serve, and what serves them."""
    place = asked.finding.place
    if place.path.endswith(".py"):
        declared = asked.finding.evidence[0].place
        source = asked.files.source(declared.path)
        _, start, end = procfile_command(source, declared)
        return Offer((source.edit(start, end, _from_call(asked, source.text[start:end])),))
    source = asked.source
    _, start, end = procfile_command(source, place)
    text = source.text[start:end]
    switch = _switch(text, asked.names("switches"))
    if switch is not None:
        return Offer((source.edit(start + switch[0], start + switch[1], ""),))
    return Offer((source.edit(start, end, _from_command(asked, text)),))


def _switch(text: str, switches: Sequence[str]) -> tuple[int, int] | None:
    for each in switches:
        found = re.search(rf"\s+{re.escape(each)}(?=\s|$)", text)
        if found:
            return found.span()
    return None


def _server(asked: Asked) -> str:
    """The command of a server that the project depends on."""
    servers: Mapping[str, str] = asked.options.get("servers", {})
    texts = [
        asked.files.source(path).text
        for path in asked.files.tree.files
        if any(fnmatchcase(path, pattern) for pattern in asked.names("depends"))
    ]
    for name, command in servers.items():
        listed = re.compile(rf"""(?im)^[^#\n]*?(?:^|["'\s\[,]){re.escape(name)}(?![\w-])""")
        if any(listed.search(text) for text in texts):
            return command
    raise Declined(
        "the project depends on no server for production that is known, and which one is to be decided"
    )


def _from_command(asked: Asked, text: str) -> str:
    """A command that starts a development server by a management script, with the server in its place."""
    found = re.fullmatch(asked.option("command"), text)
    if not found:
        raise Declined("the command is written in a way that is not understood")
    command = _server(asked)
    modules = [
        path for path in asked.files.tree.files
        if fnmatchcase(path, asked.option("module")) and path.count("/") == 1
    ]  # fmt: skip
    if len(modules) != 1:
        raise Declined("which module holds the application is to be decided")
    _check_assets(asked)
    app = modules[0].removesuffix(".py").replace("/", ".")
    return command.format(app=app, address=found["address"] or asked.option("address"))


def _check_assets(asked: Asked) -> None:
    wanted, served = asked.option("assets"), asked.option("assets_served")
    has_assets = False
    for path in asked.files.tree.python:
        try:
            data = asked.files.tree.read(path)
        except OSError:
            continue
        if served.encode() in data.lower():
            return
        has_assets = has_assets or wanted.encode() in data
    if has_assets:
        raise Declined(
            "the development server also serves the static files, and who else does is to be decided"
        )


def _from_call(asked: Asked, text: str) -> str:
    """A command that runs a script, with a server for the object whose method the script calls."""
    path = asked.finding.place.path
    script = re.fullmatch(r"python3? (?:-u )?([\w./-]+)\.py", text)
    if not script or PurePosixPath(script[1] + ".py") != PurePosixPath(path) or "-" in script[1]:
        raise Declined("the command does more than run the file that serves")
    if "/" in path:
        raise Declined("a script finds its modules in its own folder, where a server would not look")
    if asked.finding.subject not in asked.names("calls"):
        raise Declined(f"what a server would serve in place of `{asked.finding.subject}` is to be decided")
    code = asked.code
    call = code.call_at(asked.finding.place)
    name = _served_name(code, call)
    _check_guarded(code, call)
    app = f"{path.removesuffix('.py')}:{name}"
    return _server(asked).format(app=app, address=asked.option("address"))


def _served_name(code: Code, call: cst.Call) -> str:
    receiver = call.func.value if isinstance(call.func, cst.Attribute) else None
    if not isinstance(receiver, cst.Name):
        raise Declined("the application has no name")
    lines = [each for each in code.module.body if isinstance(each, cst.SimpleStatementLine)]
    if any(each.value == receiver.value for line in lines for part in line.body for each in _bound(part)):
        return receiver.value
    raise Declined("the application is not made when the module is imported")


def _bound(statement: cst.BaseSmallStatement) -> list[cst.Name]:
    if isinstance(statement, cst.Assign):
        return [each.target for each in statement.targets if isinstance(each.target, cst.Name)]
    if isinstance(statement, cst.ImportFrom) and not isinstance(statement.names, cst.ImportStar):
        names = [each.asname.name if each.asname else each.name for each in statement.names]
        return [each for each in names if isinstance(each, cst.Name)]
    return []


def _check_guarded(code: Code, call: cst.Call) -> None:
    """Only what belongs to the development server may stand beside it, under `if __name__ == "__main__"`."""
    statement = code.statement(call)
    block = code.parent(statement)
    guard = code.parent(block) if block is not None else None
    if (
        not isinstance(guard, cst.If)
        or "__name__" not in code.text(guard.test)
        or not isinstance(block, cst.IndentedBlock)
    ):
        raise Declined("the module serves when it is imported")
    for each in block.body:
        if each is statement:
            continue
        small = each.body[0] if isinstance(each, cst.SimpleStatementLine) else None
        if not isinstance(small, cst.Assign | cst.Import | cst.ImportFrom):
            raise Declined("what else is done before it serves would not be done any more")
