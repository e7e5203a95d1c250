"""Imports, added the way the file already writes them."""

from __future__ import annotations

import re
import sys

import libcst as cst

from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.model.finding import Edit

_IMPORT = re.compile(r"[\r\n]*import \w+[\r\n]*")


def use_module(code: Code, module: str) -> tuple[str, tuple[Edit, ...]]:
    """How code of the file names the module `module` (no dots), and the edits that import it where it is not.
    Raises Declined where its name means something else."""
    for statement in _imports(code):
        if isinstance(statement, cst.Import):
            for alias in statement.names:
                if code.text(alias.name) == module:
                    name = alias.asname.name if alias.asname else alias.name
                    return code.text(name), ()
    if code.has_name(module) and _is_bound(code, module):
        raise Declined(f"`{module}` is the name of something else in this file")
    return module, (_insertion(code, f"import {module}"),)


def use_member(code: Code, module: str, name: str) -> tuple[str, tuple[Edit, ...]]:
    """How code of the file names `name` of the module `module`, and the edits that import it where it is not: beside what else
    comes from there, or the module. Raises Declined where the name means something else."""
    for statement in _imports(code):
        if not isinstance(statement, cst.ImportFrom) or statement.module is None or statement.relative:
            continue
        if code.text(statement.module) != module or isinstance(statement.names, cst.ImportStar):
            continue
        for alias in statement.names:
            if code.text(alias.name) == name:
                return code.text(alias.asname.name) if alias.asname else name, ()
        if statement.lpar is None and not code.has_name(name):
            end = code.span(statement)[1]
            return name, (code.source.edit(end, end, f", {name}"),)
    found, edits = use_module(code, module)
    return f"{found}.{name}", edits


def merged(edits: tuple[Edit, ...]) -> tuple[Edit, ...]:
    """Edits with the imports that are put at one place in their order, in one group."""
    places: dict[tuple[str, int], list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        if edit.start == edit.end and _IMPORT.fullmatch(edit.text):
            places.setdefault((edit.path, edit.start), []).append(edit)
    joined: dict[Edit, str] = {}
    for together in places.values():
        together.sort(key=lambda edit: edit.text.strip())
        first = together[0].text
        lead, lines = first[: len(first) - len(first.lstrip())], [edit.text.strip() for edit in together]
        between = "\r\n" if "\r\n" in first else "\n"
        tail = first[len(first.rstrip()) :]
        joined[together[0]] = lead + between.join(lines) + tail
        joined.update(dict.fromkeys(together[1:], ""))
    texts = [(edit, joined.get(edit, edit.text)) for edit in edits]
    return tuple(
        Edit(edit.path, edit.start, edit.end, text) for edit, text in texts if text or edit.start < edit.end
    )


def drop_unused(code: Code, *gone: cst.CSTNode) -> tuple[Edit, ...]:
    """The edits that take away the imports of what only the nodes `gone` name: whole statements that import nothing else."""
    names = {each.value for node in gone for each in code.nodes(cst.Name, node)}
    edits = []
    for line in code.module.body:
        if not isinstance(line, cst.SimpleStatementLine) or len(line.body) != 1:
            continue
        small = line.body[0]
        if not isinstance(small, cst.Import | cst.ImportFrom) or isinstance(small.names, cst.ImportStar):
            continue
        if len(small.names) != 1 or "#" in code.source.line(code.source.line_of(code.span(line)[0])):
            continue  # a comment may say why it is there
        bound = small.names[0].asname.name if small.names[0].asname else small.names[0].name
        if isinstance(bound, cst.Name) and bound.value in names and _is_only_in(code, bound, *gone):
            start, end = code.source.line_start(code.span(line)[0]), code.span(line)[1]
            stop = end + len(code.source.newline)
            if code.source.text[end:stop] == code.source.newline:
                edits.append(code.source.edit(start, stop, ""))
    return tuple(edits)


def _is_only_in(code: Code, bound: cst.Name, *gone: cst.CSTNode) -> bool:
    inside = {id(each) for node in gone for each in code.nodes(cst.Name, node)}
    others = [each for each in code.nodes(cst.Name) if each.value == bound.value and each is not bound]
    quoted = re.compile(rf"\b{bound.value}\b")
    return all(id(each) in inside for each in others) and not any(
        quoted.search(each.value) for each in code.nodes(cst.SimpleString)
    )


def declare(code: Code, text: str) -> Edit:
    """The edit that puts lines of the module's own behind the imports at its head, parted from what stands around them. Raises
    Declined where there are no imports."""
    end = _imports_end(code)
    if not end:
        raise Declined("the file has no imports to put a name of the module behind")
    line = code.source.line_of(end)
    is_tight = line < code.source.n_lines and bool(code.source.line(line + 1).strip())
    return code.source.insert_line(end, f"\n{text}" + ("\n" if is_tight else ""))


def _imports_end(code: Code) -> int:
    """The offset of the end of the last import at the head of the module, in front of its first function, class or other block;
    0 where there is none."""
    end = 0
    for line in code.module.body:
        if not isinstance(line, cst.SimpleStatementLine):
            break
        if isinstance(line.body[0], cst.Import | cst.ImportFrom):
            end = code.span(line)[1]
    return end


def _imports(code: Code) -> list[cst.Import | cst.ImportFrom]:
    return [
        small
        for line in code.module.body
        if isinstance(line, cst.SimpleStatementLine)
        for small in line.body
        if isinstance(small, cst.Import | cst.ImportFrom)
    ]


def _is_bound(code: Code, name: str) -> bool:
    """Whether the file gives `name` a meaning of its own anywhere; an import of the module inside a function is none."""
    for node in code.nodes(cst.Name):
        if node.value != name:
            continue
        above = code.parent(node)
        if isinstance(above, cst.Param | cst.AssignTarget | cst.FunctionDef | cst.ClassDef | cst.AsName):
            return True
        if isinstance(above, cst.ImportAlias) and isinstance(code.parent(above), cst.ImportFrom):
            return True
        if isinstance(above, cst.AnnAssign | cst.NamedExpr | cst.For | cst.CompFor) and above.target is node:
            return True
    return False


def _insertion(code: Code, line: str) -> Edit:
    """The edit that puts an import of a module of the standard library where such files hold it: among the plain imports of the
    first group, in their order; else in a group of its own."""
    groups = _groups(code)
    group = next((each for each in groups if any(_is_standard(code, one) for one in each)), [])
    plain = [one for one in group if isinstance(one.body[0], cst.Import)]
    if plain:
        later = next((one for one in plain if code.text(one) > line), None)
        if later is not None:
            return _before(code, later, line)
        return code.source.insert_line(code.span(plain[-1])[1], line)
    if group:
        return _before(code, group[0], line)
    if groups:
        return _before(code, groups[0][0], line + "\n")
    end = _head_end(code)
    if end:
        return code.source.insert_line(end, "\n" + line)
    if not code.module.body:
        raise Declined("the file holds no code")
    first = code.source.line_start(code.span(code.module.body[0])[0])
    return code.source.edit(first, first, line + "\n\n")


def _before(code: Code, statement: cst.SimpleStatementLine, line: str) -> Edit:
    start = code.source.line_start(code.span(statement)[0])
    return code.source.edit(start, start, line + "\n")


def _groups(code: Code) -> list[list[cst.SimpleStatementLine]]:
    """The import statements of the module's head in groups parted by empty lines, those of `__future__` left out."""
    groups: list[list[cst.SimpleStatementLine]] = []
    for line in code.module.body:
        if not isinstance(line, cst.SimpleStatementLine):
            break
        if _is_docstring(line) or _is_future(line):
            continue
        if not isinstance(line.body[0], cst.Import | cst.ImportFrom):
            break
        if not groups or any(each.comment is None for each in line.leading_lines):
            groups.append([])
        groups[-1].append(line)
    return groups


def _head_end(code: Code) -> int:
    ends = [
        code.span(line)[1]
        for line in code.module.body[:2]
        if isinstance(line, cst.SimpleStatementLine) and (_is_docstring(line) or _is_future(line))
    ]
    return ends[-1] if ends else 0


def _is_docstring(line: cst.SimpleStatementLine) -> bool:
    first = line.body[0]
    return isinstance(first, cst.Expr) and isinstance(first.value, cst.SimpleString | cst.ConcatenatedString)


def _is_future(line: cst.SimpleStatementLine) -> bool:
    first = line.body[0]
    return (
        isinstance(first, cst.ImportFrom)
        and isinstance(first.module, cst.Name)
        and first.module.value == "__future__"
    )


def _is_standard(code: Code, line: cst.SimpleStatementLine) -> bool:
    first = line.body[0]
    if isinstance(first, cst.Import):
        return code.text(first.names[0].name).partition(".")[0] in sys.stdlib_module_names
    if isinstance(first, cst.ImportFrom) and first.module is not None and not first.relative:
        return code.text(first.module).partition(".")[0] in sys.stdlib_module_names
    return False
