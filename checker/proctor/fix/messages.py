"""Recipes for messages that are acknowledged before the work is done."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import libcst as cst

from proctor.fix.asked import Asked, Offer
from proctor.fix.calls import with_argument
from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.model.finding import Edit

_LEAVES = (cst.Return, cst.Continue, cst.Break, cst.Yield)


def acknowledge_after(asked: Asked) -> Offer:
    """A message is acknowledged behind the work. `options.consumers` says for patterns of calls that let the broker acknowledge
    how that is turned off (`argument`, `off`) and how the app does it: `ack` in the function given as `callback` (at `position`),
    with that function's parameters put in for `{0}`, `{1}`, …; or `commit`, a method of the consumer, at the end of each round of
    the loop over it. Everywhere else it is the acknowledgement itself that moves."""
    if not asked.finding.place.end_line:
        raise Declined("whether the work bears being done twice is to be decided")
    code = asked.code
    call = code.call_at(asked.finding.place)
    rows: Mapping[str, Mapping[str, Any]] = asked.options.get("consumers", {})
    row = next((each for pattern, each in rows.items() if fnmatchcase(asked.finding.subject, pattern)), None)
    if row is None:
        return Offer(_moved(asked, code, call))
    off = _turned_off(code, call, row)
    if "ack" in row:
        return Offer((off, *_acknowledged(code, call, row)))
    return Offer((off, *_committed(code, call, row)))


# --- the broker does it ------------------------------------------------------------------------------------------


def _turned_off(code: Code, call: cst.Call, row: Mapping[str, Any]) -> Edit:
    argument = next(
        (each for each in call.args if each.keyword and each.keyword.value == row["argument"]), None
    )
    if argument is None:
        if "ack" in row:
            raise Declined(f"`{row['argument']}` is not given by name")
        return with_argument(code, call, f"{row['argument']}={row['off']}")
    if code.text(argument.value) != "True":
        raise Declined(f"`{row['argument']}` is decided elsewhere")
    return code.source.edit(*code.span(argument.value), row["off"])


def _acknowledged(code: Code, call: cst.Call, row: Mapping[str, Any]) -> tuple[Edit, ...]:
    """The acknowledgement at the end of the function that takes the messages."""
    plain = [each for each in call.args if each.keyword is None]
    given = next((each for each in call.args if each.keyword and each.keyword.value == row["callback"]), None)
    if given is None and row["position"] < len(plain):
        given = plain[row["position"]]
    if given is None:
        raise Declined("which function takes the messages is not seen")
    name = code.text(given.value).removeprefix("self.")
    found = [each for each in code.nodes(cst.FunctionDef) if each.name.value == name]
    if len(found) != 1:
        raise Declined("the function that takes the messages is not in this file")
    function = found[0]
    parameters = [each.name.value for each in function.params.params]
    if parameters[:1] == ["self"]:
        del parameters[0]
    method = re.search(r"\.(\w+)\(", row["ack"])
    if method and f".{method[1]}(" in code.text(function.body):
        return ()
    if function.asynchronous or not isinstance(function.body, cst.IndentedBlock):
        raise Declined("the function that takes the messages is written in a way that is not understood")
    if any(
        code.function(each) is function
        for kind in (cst.Return, cst.Yield)
        for each in code.nodes(kind, function)
    ):
        raise Declined("the function that takes the messages has several ends")
    try:
        line = row["ack"].format(*parameters)
    except IndexError as error:
        raise Declined("the function that takes the messages does not name its parameters") from error
    return (_at_end(code, function.body, line),)


def _committed(code: Code, call: cst.Call, row: Mapping[str, Any]) -> tuple[Edit, ...]:
    """The commit at the end of each round of the loop over the consumer."""
    assign = code.parent(call)
    target = assign.targets[0].target if isinstance(assign, cst.Assign) and len(assign.targets) == 1 else None
    if not isinstance(target, cst.Name):
        raise Declined("the consumer has no name")
    function = code.function(call)
    loops = [
        each
        for each in code.nodes(cst.For)
        if code.text(each.iter) == target.value
        and code.function(each) is function
        and each.asynchronous is None
    ]
    if len(loops) != 1 or not isinstance(loops[0].body, cst.IndentedBlock):
        raise Declined("the loop over the consumer is not seen")
    if any(any(code.nodes(kind, loops[0].body)) for kind in _LEAVES):
        raise Declined("a round of the loop has several ends")
    return (_at_end(code, loops[0].body, f"{target.value}.{row['commit']}"),)


def _at_end(code: Code, block: cst.IndentedBlock, line: str) -> Edit:
    """The edit that puts a line behind the last statement of a block."""
    return code.source.insert_line(
        code.end(block.body[-1]), code.source.indent(code.span(block.body[0])[0]) + line
    )


# --- the app does it -----------------------------------------------------------------------------------------------


def _moved(asked: Asked, code: Code, call: cst.Call) -> tuple[Edit, ...]:
    statement = code.statement(call)
    if not isinstance(statement.body[0], cst.Expr):
        raise Declined("the result of the acknowledgement is used")
    block = code.parent(statement)
    if not isinstance(block, cst.IndentedBlock):
        raise Declined("the acknowledgement does not stand in a block")
    index = next(i for i, each in enumerate(block.body) if each is statement)
    behind = block.body[index + 1 :]
    if not behind:
        raise Declined("the work does not stand in the block of the acknowledgement")
    first, last = code.span(behind[0])[0], code.span(behind[-1])[1]
    path, source = code.source.path, code.source
    lines = range(source.line_of(first), source.line_of(max(last - 1, first)) + 1)
    if not any(step.place.path == path and step.place.line in lines for step in asked.finding.evidence):
        raise Declined("the work does not stand in the block of the acknowledgement")
    _check_behind(code, behind, call)
    start = source.line_start(code.span(statement)[0])
    end = source.line_end(code.span(statement)[1])
    text = source.text[start:end]
    line = source.line_of(end)
    stop = source.offset(line + 1, 0) if line < source.n_lines else end
    return (source.edit(start, stop, ""), source.insert_line(code.end(behind[-1]), text))


def _check_behind(code: Code, behind: Any, call: cst.Call) -> None:
    """The work must have one end, and leave alone what the acknowledgement needs."""
    needed = {each.value for each in code.nodes(cst.Name, call)}
    for statement in behind:
        if any(any(code.nodes(kind, statement)) for kind in _LEAVES):
            raise Declined("the work has several ends, and which of them acknowledge is to be decided")
        for target in code.nodes(cst.AssignTarget, statement):
            if needed & {each.value for each in code.nodes(cst.Name, target)}:
                raise Declined("the work binds anew what the acknowledgement needs")
