"""Names in Python source: what is free, and what a library's function is called in a file."""

from __future__ import annotations

import libcst as cst

from proctor.fix.python_code import Code
from proctor.fix.source import Declined


def outermost(code: Code, node: cst.CSTNode) -> cst.CSTNode:
    """The outermost function around a node, or the module: what a new local name must not collide in."""
    functions = [each for each in code.parents(node) if isinstance(each, cst.FunctionDef)]
    return functions[-1] if functions else code.module


def free_name(code: Code, names: tuple[str, ...], within: cst.CSTNode) -> str:
    """The first of `names` that means nothing in a part of the file. Raises Declined where there is none."""
    taken = {each.value for each in code.nodes(cst.Name, within)}
    for name in names:
        if name not in taken:
            return name
    raise Declined("every fitting name means something already")


def called_as(code: Code, dotted: str) -> frozenset[str]:
    """How the file writes the function `dotted` of a module, such as "time.sleep": by each of its imports."""
    module, _, function = dotted.rpartition(".")
    found: set[str] = set()
    for statement in code.nodes(cst.Import):
        for alias in statement.names:
            if code.text(alias.name) == module:
                found.add(f"{code.text(alias.asname.name) if alias.asname else module}.{function}")
    for each in code.nodes(cst.ImportFrom):
        if each.relative or each.module is None or isinstance(each.names, cst.ImportStar):
            continue
        if code.text(each.module) == module:
            for alias in each.names:
                if code.text(alias.name) == function:
                    found.add(code.text(alias.asname.name) if alias.asname else function)
    return frozenset(found)
