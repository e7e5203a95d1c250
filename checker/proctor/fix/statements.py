"""Recipes that change a statement of Python source, or several that belong together."""

from __future__ import annotations

import itertools
import re

import libcst as cst

from proctor.fix.asked import Asked, Offer
from proctor.fix.imports import declare
from proctor.fix.names import free_name, outermost
from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.model.finding import Edit


def keep_task(asked: Asked) -> Offer:
    """A task that nobody keeps stays in a set of the module until it is done (`options.names`: names for the set)."""
    code = asked.code
    call = code.call_at(asked.finding.place)
    statement = code.statement(call)
    small = statement.body[0]
    edits: list[Edit] = []
    start = code.span(small)[0]
    if isinstance(small, cst.Expr) and small.value is call:
        name = free_name(code, asked.names("task_names"), outermost(code, call))
        edits.append(code.source.edit(start, start, f"{name} = "))
    elif (
        isinstance(small, cst.Assign)
        and len(small.targets) == 1
        and isinstance(small.targets[0].target, cst.Name)
        and small.value is call
    ):
        name = small.targets[0].target.value
    else:
        raise Declined("the statement does more than start the task")
    kept, declaration = _kept_set(code, asked.names("names"))
    indent = code.source.indent(start)
    lines = f"{indent}{kept}.add({name})\n{indent}{name}.add_done_callback({kept}.discard)"
    edits.append(code.source.insert_line(code.span(statement)[1], lines))
    return Offer((*declaration, *edits))


def _kept_set(code: Code, names: tuple[str, ...]) -> tuple[str, tuple[Edit, ...]]:
    """The name of the module's set of tasks, and the edits that make it where there is none."""
    for name in names:
        if re.search(rf"^{name}(?:: [^=\n]+)? = set\(\)", code.source.text, re.MULTILINE):
            return name, ()
    name = free_name(code, names, code.module)
    reason = "#: tasks that are at work: the event loop itself keeps only weak references to them"
    return name, (declare(code, f"{reason}\n{name} = set()"),)


def let_through(asked: Asked) -> Offer:
    """An `except` that catches everything catches `Exception`; one that catches what `options.raises` names raises it
    again in the end; one that catches what a handler of SIGTERM raises leaves that to an arm in front of it."""
    code = asked.code
    place = asked.finding.place
    handler = next(
        (
            each
            for each in code.nodes(cst.ExceptHandler)
            if code.source.line_of(code.span(each)[0]) == place.line
        ),
        None,
    )
    if handler is None:
        raise Declined("the place is no `except`")
    raised = _raised_by_handler(asked)
    if raised and raised not in _EXITS:
        return Offer((_arm_in_front(code, handler, raised),))
    if handler.type is None:
        at = code.span(handler)[0] + len("except")
        return Offer((code.source.edit(at, at, " Exception"),))
    caught = code.text(handler.type)
    if caught in ("BaseException", "builtins.BaseException"):
        return Offer((code.source.edit(*code.span(handler.type), "Exception"),))
    if caught.rpartition(".")[2] in asked.names("raises"):
        return Offer((_raised(code, handler),))
    if raised:
        return Offer((_arm_in_front(code, handler, raised),))
    raise Declined("the `except` catches several things, and which of them are meant is not known")


#: what `except Exception` lets through
_EXITS = ("SystemExit", "KeyboardInterrupt", "GeneratorExit")
_RAISES = re.compile(r"raises `(?P<name>\w+)` on SIGTERM")


def _raised_by_handler(asked: Asked) -> str:
    for step in asked.finding.evidence:
        if found := _RAISES.fullmatch(step.text):
            return found["name"]
    return ""


def _arm_in_front(code: Code, handler: cst.ExceptHandler, raised: str) -> Edit:
    if raised not in _EXITS and not code.has_name(raised):
        raise Declined(f"`{raised}` is not known in this file")
    start = code.source.line_start(code.span(handler)[0])
    indent = code.source.indent(start)
    text = f"{indent}except {raised}:\n{indent}{code.module.default_indent}raise\n"
    return code.source.edit(start, start, text)


def _raised(code: Code, handler: cst.ExceptHandler) -> Edit:
    body = handler.body
    if not isinstance(body, cst.IndentedBlock):
        start, end = code.span(body)
        if code.source.text[start:end].strip() in ("pass", "continue", "..."):
            return code.source.edit(start, end, "raise")
        raise Declined("the arm stands on the line of its `except`")
    if any(code.nodes(cst.Return, body)) or any(code.nodes(cst.Break, body)):
        raise Declined("some paths of the arm end the loop, and which of them are meant is not known")
    last = body.body[-1]
    if isinstance(last, cst.SimpleStatementLine):
        small = last.body[-1]
        if isinstance(small, cst.Pass | cst.Continue) or _is_ellipsis(small):
            return code.source.edit(*code.span(small), "raise")
    indent = code.source.indent(code.span(last)[0])
    return code.source.insert_line(code.end(last), f"{indent}raise")


def _is_ellipsis(small: cst.BaseSmallStatement) -> bool:
    return isinstance(small, cst.Expr) and isinstance(small.value, cst.Ellipsis)


def hold_in_block(asked: Asked) -> Offer:
    """`X.acquire()` … `X.release()` in one block become `with X:` around what stands between them."""
    code = asked.code
    call = code.call_at(asked.finding.place)
    statement = code.statement(call)
    small = statement.body[0]
    if not isinstance(small, cst.Expr) or not isinstance(call.func, cst.Attribute) or call.args:
        raise Declined("the result of the call is used, or it has arguments")
    awaited = isinstance(small.value, cst.Await)
    lock = code.text(call.func.value)
    if re.search(r"[(\[]", lock):
        raise Declined("the lock is looked up anew each time")
    release = f"{lock}.release()"
    block = code.parent(statement)
    if not isinstance(block, cst.IndentedBlock | cst.Module):
        raise Declined("the statement does not stand in a block")
    rest = list(itertools.dropwhile(lambda each: each is not statement, block.body))[1:]
    index = next((i for i, each in enumerate(rest) if code.text(each) == release), None)
    if not index:
        raise Declined("the lock is not let go in the same block, or nothing stands between")
    between = rest[:index]
    first, last = (
        code.source.line_of(code.span(statement)[1]) + 1,
        code.source.line_of(code.span(rest[index])[0]),
    )
    _check_between(code, between, call.func.value, lock)
    unit = code.module.default_indent
    edits = [code.source.edit(*code.span(small), f"{'async ' if awaited else ''}with {lock}:")]
    for line in range(first, last):
        if code.source.line(line).strip():
            at = code.source.offset(line, 0)
            edits.append(code.source.edit(at, at, unit))
    edits.append(_without_line(code, rest[index]))
    return Offer(tuple(edits))


def _check_between(
    code: Code,
    between: list[cst.BaseStatement | cst.SimpleStatementLine],
    lock_node: cst.BaseExpression,
    lock: str,
) -> None:
    for statement in between:
        text = code.text(statement)
        if f"{lock}.release" in text or f"{lock}.acquire" in text:
            raise Declined("the lock is let go or taken again in between")
        if any(
            "\n" in code.text(each) or "\r" in code.text(each)
            for each in code.nodes(cst.SimpleString, statement)
        ):
            raise Declined("a text of several lines stands in between, which must not move")
        if any("\n" in code.text(each) for each in code.nodes(cst.FormattedString, statement)):
            raise Declined("a text of several lines stands in between, which must not move")
        root = lock.partition(".")[0]
        if any(
            isinstance(target.target, cst.Name) and target.target.value == root
            for target in code.nodes(cst.AssignTarget, statement)
        ):
            raise Declined(f"`{root}` is bound anew in between")


def _without_line(code: Code, statement: cst.CSTNode) -> Edit:
    start, end = code.span(statement)
    line = code.source.line_of(start)
    if code.source.text[end : code.source.line_end(end)].strip():
        raise Declined("a comment stands behind `release`")
    begin = code.source.line_start(start)
    stop = code.source.line_start(start) + len(code.source.line(line))
    if stop == len(code.source.text) and not code.source.line(line).endswith(("\n", "\r")):
        # the last line of a file that does not end its last line: the end of the line above goes in its place
        above = code.source.line(line - 1)
        begin -= len(above) - len(above.rstrip("\r\n"))
    return code.source.edit(begin, stop, "")
