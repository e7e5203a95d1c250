"""Recipes for waits in a main loop: a bound for those that have none, and an event in place of a long sleep."""

from __future__ import annotations

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

import libcst as cst

from proctor.fix.apply import overlap
from proctor.fix.asked import Asked, Offer
from proctor.fix.imports import declare, drop_unused, use_member, use_module
from proctor.fix.names import called_as, free_name, outermost
from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.model.finding import Edit

_SEEN = re.compile(r"`(?P<symbol>[^`]+)`")


def bound_wait(asked: Asked) -> Offer:
    """A wait without a bound gets one, and the loop goes round where nothing came (`options.waits`, see `bound_waits`); a long
    sleep (`options.sleeps`) becomes a wait for the event that the handler of SIGTERM sets."""
    found = _SEEN.fullmatch(asked.finding.evidence[-1].text)
    symbol = found["symbol"] if found else ""
    call = asked.code.call_at(asked.finding.place)
    if any(fnmatchcase(symbol, pattern) for pattern in asked.names("sleeps")):
        return Offer(_awakened(asked, call))
    waits: Mapping[str, Mapping[str, Any]] = asked.options.get("waits", {})
    known = next((row for pattern, row in waits.items() if fnmatchcase(symbol, pattern)), None)
    if known is None:
        raise Declined(f"how `{symbol}` is given a bound is to be decided")
    return Offer(_bounded(asked, asked.code, call, known))


def bound_waits(
    asked: Asked, code: Code, loop: cst.While, function: cst.FunctionDef | None
) -> tuple[Edit, ...]:
    """The edits that bound the waits of a loop which can be known by their methods' names. `options.waits` says for patterns
    of symbols where the time-out stands (`argument`, `position`), what comes where nothing came (`raises` an exception, or
    `gives` "None" or "False"), whether the method's name alone tells (`plain`) and how many arguments it then has
    at most (`most`)."""
    waits: Mapping[str, Mapping[str, Any]] = asked.options.get("waits", {})
    plain = {pattern.rpartition(".")[2]: row for pattern, row in waits.items() if row.get("plain")}
    edits: list[Edit] = []
    for call in code.nodes(cst.Call, loop):
        if not isinstance(call.func, cst.Attribute) or code.function(call) is not function:
            continue
        row = plain.get(call.func.attr.value)
        if row is None or len(call.args) > row.get("most", 9) or isinstance(code.parent(call), cst.Await):
            continue
        if _bound(code, call, row) in (None, "0"):
            edits += _bounded(asked, code, call, row)
    return tuple(edits)


def sleeps_known(asked: Asked, code: Code, is_async: bool) -> frozenset[str]:
    """How the file writes the functions that sleep (`options.sleeps`, `options.async_sleeps`)."""
    names = asked.names("async_sleeps" if is_async else "sleeps")
    return frozenset(text for each in names for text in called_as(code, each))


def _argument(code: Code, call: cst.Call, row: Mapping[str, Any]) -> cst.Arg | None:
    """The argument that holds the time-out. Raises Declined where arguments are spread from a variable."""
    if any(each.star for each in call.args):
        raise Declined("the call's arguments are spread from a variable")
    named = next((each for each in call.args if each.keyword and each.keyword.value == row["argument"]), None)
    plain = [each for each in call.args if each.keyword is None]
    at = row.get("position", 99)
    return named or (plain[at] if at < len(plain) else None)


def _bound(code: Code, call: cst.Call, row: Mapping[str, Any]) -> str | None:
    argument = _argument(code, call, row)
    return code.text(argument.value) if argument is not None else None


# --- a wait gets a bound ---------------------------------------------------------------------------------------


def _bounded(asked: Asked, code: Code, call: cst.Call, row: Mapping[str, Any]) -> tuple[Edit, ...]:
    loop = next((each for each in code.parents(call) if isinstance(each, cst.While | cst.For)), None)
    if not isinstance(loop, cst.While) or code.function(call) is not code.function(loop):
        raise Declined("the wait does not stand in the loop itself")
    statement = code.statement(call)
    small = statement.body[0]
    target = _target(small, call)
    _check_alone(code, statement, loop)
    start, end = code.span(statement)
    bounded = _with_bound(code, call, row, asked.option("seconds"))
    before, behind = code.span(call)
    source = code.source
    indent, unit = source.indent(start), code.module.default_indent
    if "raises" in row:
        if "\n" in source.text[start:end]:
            raise Declined("the wait is written over several lines")
        error, imports = use_member(code, *row["raises"].rsplit(".", 1))
        line = source.text[start:before] + bounded + source.text[behind:end]
        text = f"try:\n{indent}{unit}{line}\n{indent}except {error}:\n{indent}{unit}continue"
        return (*imports, source.edit(start, end, text))
    again = f"{indent}{unit}continue"
    if target is None:
        test = f"if not {bounded}:" if row["gives"] == "False" else f"if {bounded} is None:"
        return (source.edit(start, end, f"{test}\n{again}"),)
    return tuple(_given(asked, code, statement, call, target, bounded, again))


def _given(
    asked: Asked,
    code: Code,
    statement: cst.SimpleStatementLine,
    call: cst.Call,
    target: cst.CSTNode,
    bounded: str,
    again: str,
) -> list[Edit]:
    """The loop goes round where None came."""
    source = code.source
    start, end = code.span(statement)
    indent = source.indent(start)
    if isinstance(target, cst.Name):
        edits = [source.edit(*code.span(call), bounded)]
        if not _is_asked_next(code, statement, target.value):
            edits.append(source.insert_line(end, f"{indent}if {target.value} is None:\n{again}"))
        return edits
    if "\n" in source.text[start:end]:
        raise Declined("the wait is written over several lines")
    name = free_name(code, asked.names("reply_names"), outermost(code, call))
    rest = f"{code.text(target)} = {name}"
    return [
        source.edit(start, end, f"{name} = {bounded}\n{indent}if {name} is None:\n{again}\n{indent}{rest}")
    ]


def _target(small: cst.BaseSmallStatement, call: cst.Call) -> cst.BaseExpression | None:
    """What the result of a wait is assigned to; None where it is not used. Raises Declined where it is used otherwise."""
    if isinstance(small, cst.Expr) and small.value is call:
        return None
    if isinstance(small, cst.Assign) and small.value is call and len(small.targets) == 1:
        return small.targets[0].target
    raise Declined("the result of the wait is used in the same statement")


def _check_alone(code: Code, statement: cst.SimpleStatementLine, loop: cst.While) -> None:
    """What stands in front of the wait would now run every second."""
    start = code.span(statement)[0]
    for call in code.nodes(cst.Call, loop.body):
        if code.span(call)[1] <= start:
            raise Declined("what stands in front of the wait in the loop would run every second")


def _is_asked_next(code: Code, statement: cst.SimpleStatementLine, name: str) -> bool:
    block = code.parent(statement)
    body = list(block.body) if isinstance(block, cst.IndentedBlock) else []
    index = next((i for i, each in enumerate(body) if each is statement), len(body))
    after = body[index + 1] if index + 1 < len(body) else None
    if not isinstance(after, cst.If):
        return False
    asked = code.text(after.test)
    if asked in (f"not {name}", f"{name} is None"):
        return True
    return asked in (name, f"{name} is not None") and index + 2 == len(body) and after.orelse is None


def _with_bound(code: Code, call: cst.Call, row: Mapping[str, Any], seconds: str) -> str:
    """The call as it is written, with a time-out."""
    argument = _argument(code, call, row)
    start, end = code.span(call)
    text = code.source.text
    if argument is not None:
        first, last = code.span(argument.value)
        return text[start:first] + seconds + text[last:end]
    if call.args and call.args[-1].comma is not cst.MaybeSentinel.DEFAULT:
        raise Declined("the arguments of the wait end in a comma")
    between = ", " if call.args else ""
    return f"{text[start : end - 1]}{between}{row['argument']}={seconds}{text[end - 1 : end]}"


# --- a sleep becomes a wait for the event -----------------------------------------------------------------------------


def _awakened(asked: Asked, call: cst.Call) -> tuple[Edit, ...]:
    code = asked.code
    if not isinstance(code.parent(call), cst.Expr) or len(call.args) != 1:
        raise Declined("the sleep is part of a larger expression")
    loop = next((each for each in code.parents(call) if isinstance(each, cst.While | cst.For)), None)
    event = _event_of(code, loop) if isinstance(loop, cst.While) else ""
    edits: list[Edit] = []
    if not event:
        event = free_name(code, asked.names("names"), code.module)
        edits += _second_flag(asked, code, event)
    edits.append(code.source.edit(*code.span(call.func), f"{event}.wait"))
    unused = drop_unused(code, call.func)
    return (*edits, *(each for each in unused if not any(overlap(each, other) for other in edits)))


def _event_of(code: Code, loop: cst.While) -> str:
    """The event that the loop's condition asks, as it is written."""
    found = re.fullmatch(r"not ([\w.]+)\.is_set\(\)", code.text(loop.test))
    return found[1] if found else ""


def _second_flag(asked: Asked, code: Code, event: str) -> list[Edit]:
    """An event of the module beside the flag, which the handler of SIGTERM sets, too."""
    handler = handler_of(code)
    library, imports = use_module(code, "threading")
    reason = "#: set by the handler of SIGTERM, so that no pause outlasts it"
    declared = declare(code, f"{reason}\n{event} = {library}.Event()")
    last = handler.body.body[-1]
    line = f"{code.source.indent(code.span(last)[0])}{event}.set()"
    return [*imports, declared, code.source.insert_line(code.end(last), line)]


def handler_of(code: Code) -> cst.FunctionDef:
    """The function of the file that it registers as the handler of SIGTERM. Raises Declined where that is not to be seen."""
    known = called_as(code, "signal.signal")
    calls = [each for each in code.nodes(cst.Call) if code.text(each.func) in known and len(each.args) == 2]
    registered = {
        code.text(each.args[1].value)
        for each in calls
        if "SIGTERM" in code.text(each.args[0].value) or isinstance(each.args[0].value, cst.Name)
    }
    names = {each.rpartition(".")[2] for each in registered}
    found = [each for each in code.nodes(cst.FunctionDef) if each.name.value in names]
    if len(registered) != 1 or len(found) != 1:
        raise Declined("which function handles SIGTERM is not seen in this file")
    handler = found[0]
    if not isinstance(handler.body, cst.IndentedBlock):
        raise Declined("the handler of SIGTERM stands on one line")
    return handler
