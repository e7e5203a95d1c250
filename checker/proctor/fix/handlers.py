"""Recipes for the handlers of SIGTERM themselves: set where Python allows it, and doing something that ends the program."""

from __future__ import annotations

import libcst as cst

from proctor.fix.asked import Asked, Offer
from proctor.fix.imports import declare, use_module
from proctor.fix.loops import Loop, above_comments, asked_at_head, left_behind, loop_of, waits_of
from proctor.fix.names import free_name, outermost
from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.fix.waits import sleeps_known
from proctor.model.finding import Edit

_ENDLESS = ("True", "1")


def exit_on_signal(asked: Asked) -> Offer:
    """SIGTERM raises SystemExit, so that clean-up is run: a handler in front of what registers it or guards the loop."""
    code, place = asked.code, asked.finding.place
    node: cst.CSTNode | None = next(
        (each for each in code.nodes(cst.Finally) if code.source.line_of(code.span(each)[0]) == place.line),
        None,
    )
    if node is not None:
        node = code.parent(node)
    elif place.end_line:
        node = _decorated(code, place.line) or code.statement(code.call_at(place))
    if node is None:
        raise Declined("what registers the clean-up is not understood")
    if code.function(node) is None and any(isinstance(each, cst.ClassDef) for each in code.parents(node)):
        raise Declined("the clean-up is registered in the body of a class")
    signals, imports = use_module(code, "signal")
    system, more = use_module(code, "sys")
    decorators = node.decorators if isinstance(node, cst.FunctionDef) else ()
    begin = code.span(decorators[0] if decorators else node)[0]
    start = above_comments(code, begin)
    line = f"{signals}.signal({signals}.SIGTERM, lambda number, frame: {system}.exit(0))"
    gap = "\n\n\n" if decorators and code.function(node) is None else "\n"
    edit = code.source.edit(start, start, f"{code.source.indent(begin)}{line}{gap}")
    claims = tuple(f"handler of {name}" for name in asked.finding.processes)
    return Offer((*imports, *more, edit), claims=claims)


def _decorated(code: Code, line: int) -> cst.FunctionDef | None:
    """The function whose name or decorator stands on a line."""
    for each in code.nodes(cst.FunctionDef):
        starts = [code.span(each.name)[0], *(code.span(one)[0] for one in each.decorators)]
        if each.decorators and line in {code.source.line_of(start) for start in starts}:
            return each
    return None


# --- registered in a thread --------------------------------------------------------------------------------------


def set_in_main_thread(asked: Asked) -> Offer:
    """The registration moves from the function that a thread runs to the place where the main thread makes the thread."""
    code = asked.code
    call = code.call_at(asked.finding.place)
    statement = code.statement(call)
    function = code.function(call)
    if not isinstance(statement.body[0], cst.Expr) or function is None:
        raise Declined("the result of the call is used")
    block = code.parent(statement)
    if not isinstance(block, cst.IndentedBlock) or len(block.body) < 2:
        raise Declined("the function does nothing else")
    if asked.finding.phase != "thread":
        raise Declined("where the main thread would register it is to be decided")
    _check_global(code, function, call)
    started = next(
        (
            each.place
            for each in reversed(asked.finding.evidence)
            if each.text.endswith(f"runs `{_name_of(asked, function)}`")
        ),
        None,
    )
    if started is None or started.path != code.source.path or not started.end_line:
        raise Declined("where the thread is made is not seen in this file")
    start = above_comments(code, code.span(_outer_statement(code, code.call_at(started)))[0])
    first, last = code.span(statement)[0], code.source.line_end(code.span(statement)[1])
    text = f"{code.source.indent(start)}{code.source.text[first:last]}\n"
    line = code.source.line_of(last)
    stop = code.source.offset(line + 1, 0) if line < code.source.n_lines else last
    removed = code.source.edit(code.source.line_start(first), stop, "")
    return Offer((removed, code.source.edit(start, start, text)))


def _name_of(asked: Asked, function: cst.FunctionDef) -> str:
    stem = asked.finding.place.path.removesuffix(".py").rpartition("/")[2]
    return f"{stem}.{function.name.value}"


def _check_global(code: Code, function: cst.FunctionDef, call: cst.Call) -> None:
    """What is registered must mean the same outside the function."""
    own = {each.value for each in code.nodes(cst.Name, function.params)}
    for target in code.nodes(cst.AssignTarget, function):
        own.update(each.value for each in code.nodes(cst.Name, target))
    own.update(each.name.value for each in code.nodes(cst.FunctionDef, function) if each is not function)
    if own & {each.value for each in code.nodes(cst.Name, call)}:
        raise Declined("the handler belongs to the function that the thread runs")


def _outer_statement(code: Code, node: cst.CSTNode) -> cst.CSTNode:
    for above in code.parents(node):
        if isinstance(above, cst.SimpleStatementLine):
            return above
        if isinstance(above, cst.BaseCompoundStatement):
            break
    raise Declined("the thread is made in a larger statement")


# --- a handler without effect ----------------------------------------------------------------------------------------


def heed_signal(asked: Asked) -> Offer:
    """The handler of SIGTERM does what ends the loop: the flag that it sets is the one that the loop asks, or it sets an event
    (`options.names`) that the loop asks from now on."""
    code = asked.code
    call = code.call_at(asked.finding.place)
    if len(call.args) != 2 or any(each.keyword or each.star for each in call.args):
        raise Declined("how the handler is registered is not understood")
    handler = call.args[1].value
    if code.text(handler).endswith("SIG_IGN"):
        return Offer(_no_longer_ignored(asked, code, call, handler))
    function = _function(code, call, handler)
    local = _local_flag(code, function)
    if local is not None:
        word, name = local
        first = _first_line(code, function)
        return Offer((code.source.edit(first, first, f"{code.source.indent(first)}{word} {name}\n"),))
    loop = _only_loop(code, function)
    flag = _set_flag(code, function, loop)
    if flag is not None:
        return Offer((asked_at_head(loop, flag),))
    return Offer(_event_set(asked, loop, function))


def _no_longer_ignored(
    asked: Asked, code: Code, call: cst.Call, handler: cst.BaseExpression
) -> tuple[Edit, ...]:
    loop = _only_loop(code, None)
    if loop.function is not code.function(call) or loop.is_async:
        raise Declined("which loop is to end is to be decided")
    name = free_name(code, asked.names("names"), outermost(code, loop.node))
    library, imports = use_module(code, "threading")
    start = code.source.line_start(code.span(code.statement(call))[0])
    event = code.source.edit(start, start, f"{code.source.indent(start)}{name} = {library}.Event()\n")
    sets = code.source.edit(*code.span(handler), f"lambda number, frame: {name}.set()")
    return (*imports, event, sets, *_ended_by(asked, loop, name))


def _event_set(asked: Asked, loop: Loop, function: cst.FunctionDef) -> tuple[Edit, ...]:
    """An event of the module, which the handler sets."""
    code = loop.code
    if loop.is_async:
        raise Declined("what the handler should wake in the event loop is to be decided")
    name = free_name(code, asked.names("names"), code.module)
    library, imports = use_module(code, "threading")
    if any(code.nodes(cst.Return, function)):
        raise Declined("the handler returns early")
    last = function.body.body[-1]
    declared = declare(code, f"{name} = {library}.Event()")
    indent = code.source.indent(code.span(last)[0])
    sets = code.source.insert_line(code.end(last), f"{indent}{name}.set()")
    return (*imports, declared, sets, *_ended_by(asked, loop, name))


def _ended_by(asked: Asked, loop: Loop, name: str) -> tuple[Edit, ...]:
    return (
        asked_at_head(loop, f"{name}.is_set()"),
        *left_behind(loop, name, None),
        *waits_of(asked, loop, name, sleeps_known(asked, loop.code, loop.is_async)),
    )


def _function(code: Code, call: cst.Call, handler: cst.BaseExpression) -> cst.FunctionDef:
    """The function of the file that is registered."""
    name = code.text(handler)
    found = [each for each in code.nodes(cst.FunctionDef) if each.name.value == name.removeprefix("self.")]
    if name.startswith("self."):
        found = [each for each in found if _class_of(code, each) is _class_of(code, call)]
    if len(found) != 1 or not isinstance(found[0].body, cst.IndentedBlock):
        raise Declined("what the handler does is not seen in this file")
    return found[0]


def _only_loop(code: Code, function: cst.FunctionDef | None) -> Loop:
    """The one endless loop of the file outside the handler. Raises Declined where there are several."""
    loops = [
        each
        for each in code.nodes(cst.While)
        if code.text(each.test) in _ENDLESS and not any(above is function for above in code.parents(each))
    ]
    if len(loops) != 1:
        raise Declined("which loop is to end is to be decided")
    return loop_of(code, loops[0])


def _declared(code: Code, function: cst.FunctionDef) -> set[str]:
    """The names that a function says are not its own."""
    listed: list[cst.Global | cst.Nonlocal] = [*code.nodes(cst.Global, function)]
    listed += code.nodes(cst.Nonlocal, function)
    return {item.name.value for each in listed for item in each.names}


def _flags(code: Code, function: cst.FunctionDef) -> list[tuple[str, str]]:
    """The names and attributes that a function sets to True or False, each with that."""
    return [
        (code.text(each.targets[0].target), code.text(each.value))
        for each in code.nodes(cst.Assign, function)
        if code.text(each.value) in ("True", "False")
    ]


def _local_flag(code: Code, function: cst.FunctionDef) -> tuple[str, str] | None:
    """The word (`global` or `nonlocal`) and the name that the handler sets without it, though conditions outside ask it."""
    conditions: list[cst.While | cst.If] = [*code.nodes(cst.While)]
    conditions += code.nodes(cst.If)
    asked = {
        name.value
        for each in conditions
        if not any(above is function for above in code.parents(each))
        for name in code.nodes(cst.Name, each.test)
    }
    own = {name for name, _ in _flags(code, function)} - _declared(code, function)
    for target in code.nodes(cst.AssignTarget):
        if not isinstance(target.target, cst.Name) or target.target.value not in own & asked:
            continue
        name, holder = target.target.value, code.function(target)
        if holder is None and not any(isinstance(each, cst.ClassDef) for each in code.parents(target)):
            return "global", name
        if holder is not None and any(each is holder for each in code.parents(function)):
            return "nonlocal", name
    return None


def _first_line(code: Code, function: cst.FunctionDef) -> int:
    """The start of the line of a function's first statement behind its docstring."""
    body = list(function.body.body)
    first = body[0]
    small = first.body[0] if isinstance(first, cst.SimpleStatementLine) else None
    if isinstance(small, cst.Expr) and isinstance(small.value, cst.SimpleString) and len(body) > 1:
        first = body[1]
    return code.source.line_start(code.span(first)[0])


def _set_flag(code: Code, function: cst.FunctionDef, loop: Loop) -> str | None:
    """The condition under which the loop is to end by what the handler sets: a flag or an event, as it is written; None
    where it sets nothing. Raises Declined where it sets several things, or what the loop does not know by that name."""
    found: list[str] = []
    declared = _declared(code, function)
    for target, value in _flags(code, function):
        if target in declared or (target.startswith("self.") and target.count(".") == 1):
            found.append(target if value == "True" else f"not {target}")
    for call in code.nodes(cst.Call, function):
        if isinstance(call.func, cst.Attribute) and call.func.attr.value == "set" and not call.args:
            found.append(f"{code.text(call.func.value)}.is_set()")
    if len(found) > 1:
        raise Declined("the handler sets several things, and which the loop should ask is to be decided")
    if found and "self." in found[0] and _class_of(code, function) is not _class_of(code, loop.node):
        raise Declined("the loop belongs to another object than the handler")
    return found[0] if found else None


def _class_of(code: Code, node: cst.CSTNode) -> cst.CSTNode | None:
    return next((each for each in code.parents(node) if isinstance(each, cst.ClassDef)), None)
