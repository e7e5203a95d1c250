"""Configuration files of launchers as options. Python files are read, never run."""

from __future__ import annotations

import ast
import configparser
import json
import re
from collections.abc import Iterator
from typing import Any

import tomli

from proctor.model.place import Place
from proctor.resolve.spec import Config

Rows = list[tuple[str, str, Place]]
_READS = frozenset({"get", "getenv", "environ", "env", "config"})
_CASTS = frozenset({"int", "str", "float", "bool"})


def read_config(config: Config, path: str, text: str) -> Rows:
    """The settings of the file `path` as (option, value, place). A value that the environment decides is `$NAME`
    or `${NAME:-default}`, one that the file computes, or sets only
    under a condition, `$(expression)`. What cannot be read gives no rows."""
    try:
        rows = _READERS[config.format](config, path, text)
    except (
        SyntaxError,
        ValueError,
        RecursionError,
        MemoryError,
        configparser.Error,
        TypeError,
        AttributeError,
    ):
        return []
    return [(config.rename.get(key, key.replace("_", "-")), value, place) for key, value, place in rows]


def _read_python(config: Config, path: str, text: str) -> Rows:
    # the last assignment is the one in force
    found: dict[str, tuple[str, Place]] = {}
    for node, tests in _statements(ast.parse(text).body):
        place = Place(path, node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)
        if isinstance(node, ast.FunctionDef):
            found[node.name] = ("$(def)", place)
            continue
        if node.value is None:
            continue
        value = _value(node.value)
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        for name in (each.id for each in targets if isinstance(each, ast.Name)):
            before = found.pop(name, None)
            if not tests and value is not None:
                found[name] = (value, place)
            elif tests and (value is not None or before is not None):
                found[name] = (_under(tests, value or ast.unparse(node.value)), place)
    return [(name, value, place) for name, (value, place) in reversed(found.items())]


def _statements(
    body: list[ast.stmt], tests: tuple[str, ...] = ()
) -> Iterator[tuple[ast.FunctionDef | ast.Assign | ast.AnnAssign, tuple[str, ...]]]:
    """What sets something, with the conditions under which it does."""
    for node in body:
        if isinstance(node, ast.FunctionDef | ast.Assign | ast.AnnAssign):
            yield node, tests
        elif isinstance(node, ast.If):
            test = _from_environment(node.test) or ast.unparse(node.test)
            yield from _statements(node.body, (*tests, test))
            yield from _statements(node.orelse, (*tests, f"not {test}"))
        elif isinstance(node, ast.Try | ast.With):
            yield from _statements(node.body, tests)


def _under(tests: tuple[str, ...], value: str) -> str:
    """A value that is set only under conditions. One that takes a variable where it is there takes it."""
    variables = re.findall(r"\$\{?(\w+)", value)
    if any(re.search(rf"\b{name}\b", test) for name in variables for test in tests):
        return value
    if value == "true" and len(tests) == 1 and re.fullmatch(r"\$\w+", tests[0]):
        return tests[0]
    return f"$({value} if {' and '.join(tests)})"


def _value(node: ast.expr) -> str | None:
    if isinstance(node, ast.Constant):
        if node.value is None or node.value is False:
            return None
        if isinstance(node.value, bytes):
            return node.value.decode("latin-1")
        return "true" if node.value is True else str(node.value)
    if isinstance(node, ast.List | ast.Tuple):
        parts = [_value(each) for each in node.elts]
        return ",".join(part for part in parts if part is not None)
    if isinstance(node, ast.JoinedStr):
        pieces = [
            _value(each.value) if isinstance(each, ast.FormattedValue) else _value(each)
            for each in node.values
        ]
        return "".join(piece or "" for piece in pieces)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _value(node.left), _value(node.right)
        if left is not None and right is not None and not (left + right).replace("$", "").isdigit():
            return left + right
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Mod) and _text(node.left):
        return re.sub(r"%[sd]", _value(node.right) or "", _text(node.left), count=1)
    return _from_environment(node) or f"$({ast.unparse(node)})"


def _from_environment(node: ast.expr) -> str | None:
    if isinstance(node, ast.BoolOp) and isinstance(node.op, ast.Or):
        return _with_default(_from_environment(node.values[0]), node.values[1])
    if isinstance(node, ast.IfExp):
        return _from_environment(node.body)
    if isinstance(node, ast.Subscript) and _last_name(node.value) in _READS and _text(node.slice):
        return f"${_text(node.slice)}"
    if not isinstance(node, ast.Call):
        return None
    name = _last_name(node.func)
    if isinstance(node.func, ast.Attribute) and name in ("format", "strip", "lower"):
        return _from_environment(node.args[0] if name == "format" and node.args else node.func.value)
    if name in _CASTS and node.args:
        return _from_environment(node.args[0])
    if name not in _READS or not node.args or not _text(node.args[0]):
        return None
    default = (
        node.args[1]
        if len(node.args) > 1
        else next((k.value for k in node.keywords if k.arg == "default"), None)
    )
    return _with_default(f"${_text(node.args[0])}", default)


def _with_default(variable: str | None, default: ast.expr | None) -> str | None:
    if variable is None or default is None or not re.fullmatch(r"\$\w+", variable):
        return variable
    value = _value(default)
    return f"${{{variable[1:]}:-{value}}}" if value is not None else variable


def _text(node: ast.expr) -> str:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def _last_name(node: ast.expr) -> str:
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _read_ini(config: Config, path: str, text: str) -> Rows:
    rows: Rows = []
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        stripped = line.strip()
        if stripped.startswith("[") and "]" in stripped:
            section = stripped[1 : stripped.index("]")]
        elif stripped and not stripped.startswith(("#", ";")) and section == config.section:
            key, _, value = stripped.partition("=")
            text_value = re.sub(r"\s[;#].*$", "", value).strip().strip("\"'")
            shown = re.sub(r"\$\((\w+)\)", r"$\1", text_value)
            if shown.lower() not in ("false", "0", "no", "off") or key.strip() in ("workers", "processes"):
                rows.append((key.strip(), "true" if shown.lower() == "true" else shown, Place(path, number)))
    return rows


def _read_yaml(config: Config, path: str, text: str) -> Rows:
    # launchers' YAML files are one flat section; lines are enough and cannot be a bomb
    rows: Rows = []
    inside = not config.section
    for number, line in enumerate(text.splitlines(), start=1):
        if line[:1].strip() and line[:1] not in "#-":
            inside = line.split(":")[0].strip() == config.section or not config.section
        found = re.fullmatch(r"\s*(?:-\s+)?([\w-]+)\s*:\s+([^#]*?)\s*(#.*)?", line)
        if found and inside and found[1] != config.section and found[2].lower() not in ("", "false", "null"):
            rows.append((found[1], found[2].strip("\"'"), Place(path, number)))
    return rows


def _read_toml(config: Config, path: str, text: str) -> Rows:
    return _from_mapping(config, path, tomli.loads(text))


def _read_json(config: Config, path: str, text: str) -> Rows:
    return _from_mapping(config, path, json.loads(text))


def _from_mapping(config: Config, path: str, data: Any) -> Rows:
    for key in config.section.split(".") if config.section else ():
        data = data.get(key, {}) if isinstance(data, dict) else {}
    if not isinstance(data, dict):
        return []
    rows: Rows = []
    for key, value in data.items():
        if value is None or value is False or isinstance(value, dict):
            continue
        shown = (
            ",".join(map(str, value)) if isinstance(value, list) else "true" if value is True else str(value)
        )
        rows.append((str(key), shown, Place(path, 1)))
    return rows


_READERS = {
    "python": _read_python,
    "ini": _read_ini,
    "yaml": _read_yaml,
    "toml": _read_toml,
    "json": _read_json,
}
