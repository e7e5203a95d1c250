"""Recipes that let a program's main loop end in good order: a flag that SIGTERM sets, asked between two jobs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase

import libcst as cst

from proctor.fix.apply import overlap
from proctor.fix.asked import Asked, Offer
from proctor.fix.imports import drop_unused, use_module
from proctor.fix.names import free_name, outermost
from proctor.fix.python_code import Code
from proctor.fix.source import Declined
from proctor.fix.waits import bound_waits, sleeps_known
from proctor.model.finding import Edit
from proctor.model.place import Place

_STAYS = re.compile(r"stays in `(?P<symbol>[^`]+)`")
#: what an arm for Ctrl-C may do that SIGTERM need not do as well
_IDLE_CALLS = re.compile(
    r"(?:print|exit|quit|sys\.exit|os\._exit|[\w.]*log\w*\.\w+|[\w.]*\.(?:write|style\.\w+|SUCCESS|WARNING|NOTICE))$"
)


@dataclass(frozen=True)
class Loop:
    """A main loop, the function that holds it (None: the module) and its indentation."""

    code: Code
    node: cst.While
    function: cst.FunctionDef | None
    indent: str

    @property
    def is_endless(self) -> bool:
        """Whether its condition is a constant."""
        return self.code.text(self.node.test) in ("True", "1")

    @property
    def is_async(self) -> bool:
        """Whether it stands in a coroutine."""
        return self.function is not None and self.function.asynchronous is not None


def stop_loop(asked: Asked) -> Offer:
    """SIGTERM sets an event, which the loop asks at its head and waits on in place of sleeping. `options.names` are names for
    the event; `options.sleeps` and `options.async_sleeps` the functions that sleep; `options.waits` as in `waits.bound_waits`;
    `options.loops` says of libraries' loops (patterns) which of their methods ends them."""
    handler = _interrupt_handler(asked)
    if handler is not None:
        return handler
    place, symbol = _stay(asked)
    if asked.finding.phase == "thread":
        raise Declined("the loop runs in a thread, which no signal reaches")
    code = asked.files.code(place.path)
    claims = tuple(f"handler of {name}" for name in asked.finding.processes)
    if place.end_line:
        return Offer(_stop_library(asked, code, place, symbol), claims=claims)
    loop = _loop_at(code, place)
    name = free_name(code, asked.names("names"), outermost(code, loop.node))
    edits = [*_installed(loop, name), asked_at_head(loop, f"{name}.is_set()")]
    edits += left_behind(loop, name, _interrupt_arm(asked))
    edits += waits_of(asked, loop, name, sleeps_known(asked, code, loop.is_async))
    return Offer(tuple(edits), claims=claims)


def _stay(asked: Asked) -> tuple[Place, str]:
    """Where the program stays, and in what."""
    for step in reversed(asked.finding.evidence):
        found = _STAYS.fullmatch(step.text)
        if found:
            return step.place, found["symbol"]
    raise Declined("where the program stays is not seen")


# --- Ctrl-C is handled already -------------------------------------------------------------------------------


def _interrupt_handler(asked: Asked) -> Offer | None:
    """SIGTERM is handled as SIGINT is, where that is done by a registration of its own."""
    place = asked.finding.place
    if not place.end_line or _stay(asked)[0] == place:
        return None
    code = asked.code
    call = code.call_at(place)
    if len(call.args) < 2 or not isinstance(call.args[0].value, cst.Attribute) or call.args[0].keyword:
        raise Declined("how the signal is named there is not understood")
    if code.text(call.args[0].value.attr) != "SIGINT":
        raise Declined("how the signal is named there is not understood")
    statement = code.statement(call)
    if not isinstance(statement.body[0], cst.Expr):
        raise Declined("the result of the call is used")
    _check_sets_only(code, call.args[1].value)
    start = code.span(statement)[0]
    name = code.span(call.args[0].value.attr)
    text = code.source.text[start : name[0]] + "SIGTERM" + code.source.text[name[1] : code.span(statement)[1]]
    return Offer((code.source.insert_line(code.span(statement)[1], code.source.indent(start) + text),))


def _check_sets_only(code: Code, handler: cst.BaseExpression) -> None:
    """A handler that raises or exits would cut the job in hand off."""
    name = code.text(handler).rpartition(".")[2]
    bodies: list[cst.CSTNode] = [each for each in code.nodes(cst.FunctionDef) if each.name.value == name]
    if isinstance(handler, cst.Lambda):
        bodies = [handler]
    if not bodies:
        raise Declined(f"what `{name}` does is not seen in this file")
    for body in bodies:
        if any(code.nodes(cst.Raise, body)) or any(
            re.search(r"(?:^|\.)_?(?:exit|quit|abort|kill)$", code.text(call.func))
            for call in code.nodes(cst.Call, body)
        ):
            raise Declined("the handler for Ctrl-C ends the program in the middle of its job")


# --- a library's loop ------------------------------------------------------------------------------------------


def _stop_library(asked: Asked, code: Code, place: Place, symbol: str) -> tuple[Edit, ...]:
    known: dict[str, str] = asked.options.get("loops", {})
    method = next((each for pattern, each in known.items() if fnmatchcase(symbol, pattern)), None)
    if method is None:
        raise Declined(f"how `{symbol}` is told to end after the job in hand is to be decided")
    call = code.call_at(place)
    receiver = call.func.value if isinstance(call.func, cst.Attribute) else None
    if receiver is None or re.search(r"[(\[]", code.text(receiver)):
        raise Declined("the object whose loop it is has no name")
    statement = code.statement(call)
    signals, imports = use_module(code, "signal")
    start = code.source.line_start(code.span(statement)[0])
    indent = code.source.indent(start)
    stop = f"lambda number, frame: {code.text(receiver)}.{method}"
    line = f"{indent}{signals}.signal({signals}.SIGTERM, {stop})\n"
    return (*imports, code.source.edit(start, start, line))


# --- the program's own loop --------------------------------------------------------------------------------------


def _loop_at(code: Code, place: Place) -> Loop:
    try:
        node = code.at(place, cst.While)
    except Declined as reason:
        raise Declined(
            "the loop waits for the next item inside its source, and how that is ended is to be decided"
        ) from reason
    return loop_of(code, node)


def loop_of(code: Code, node: cst.While) -> Loop:
    """A `while` as a main loop. Raises Declined where it is written so that a flag at its head would not do."""
    function = code.function(node)
    for above in code.parents(node):
        if above is function:
            break
        if isinstance(above, cst.While | cst.For):
            raise Declined("the loop lies in another one")
        if isinstance(above, cst.ClassDef):
            raise Declined("the loop lies in the body of a class")
    if node.orelse is not None:
        raise Declined("the loop has an `else`")
    if not isinstance(node.body, cst.IndentedBlock):
        raise Declined("the loop stands on one line")
    if any(code.function(each) is function for each in code.nodes(cst.Yield, node)):
        raise Declined("the loop lies in a generator, which others drive")
    for inner in code.nodes(cst.While, node):
        if inner is not node and code.text(inner.test) in ("True", "1"):
            raise Declined("another endless loop stands in it")
    return Loop(code, node, function, code.source.indent(code.span(node)[0]))


def _installed(loop: Loop, name: str) -> Iterator[Edit]:
    """The event and the handler that sets it, in front of the loop."""
    code = loop.code
    signals, imports = use_module(code, "signal")
    library, more = use_module(code, "asyncio" if loop.is_async else "threading")
    yield from (*imports, *more)
    lines = [f"{name} = {library}.Event()"]
    if loop.is_async:
        lines.append(f"{library}.get_running_loop().add_signal_handler({signals}.SIGTERM, {name}.set)")
    else:
        lines.append(f"{signals}.signal({signals}.SIGTERM, lambda number, frame: {name}.set())")
    first = _begins_try(code, loop.node)
    start = above_comments(code, code.span(first)[0])
    indent = code.source.indent(code.span(first)[0])
    yield code.source.edit(start, start, "".join(f"{indent}{line}\n" for line in lines))


def _begins_try(code: Code, node: cst.CSTNode) -> cst.CSTNode:
    """The `try` that a statement is the first of, if it is: what prepares it stands in front."""
    block = code.parent(node)
    above = code.parent(block) if block is not None else None
    if isinstance(block, cst.IndentedBlock) and isinstance(above, cst.Try) and block.body[0] is node:
        return _begins_try(code, above) if above.body is block else node
    return node


def above_comments(code: Code, offset: int) -> int:
    """The start of the line of `offset`, or of the comments directly above it."""
    line = code.source.line_of(offset)
    indent = code.source.indent(offset)
    while line > 1 and code.source.line(line - 1).startswith(f"{indent}#"):
        line -= 1
    return code.source.offset(line, 0)


def asked_at_head(loop: Loop, ended: str) -> Edit:
    """The loop goes on only while the condition `ended` (a name, a call, or `not` and one) does not hold."""
    code, test = loop.code, loop.node.test
    start, end = code.span(test)
    going = ended.removeprefix("not ") if ended.startswith("not ") else f"not {ended}"
    if loop.is_endless:
        return code.source.edit(start, end, going)
    text = code.text(test)
    loose = isinstance(test, cst.BooleanOperation | cst.IfExp | cst.NamedExpr | cst.Lambda) and not test.lpar
    if loose:
        return code.source.edit(start, end, f"{going} and ({text})")
    return code.source.edit(start, start, f"{going} and ")


def left_behind(loop: Loop, name: str, interrupted: cst.ExceptHandler | None) -> Iterator[Edit]:
    """What is needed behind a loop that the event `name` may now end: the clean-up of the arm for Ctrl-C, if there is one, and
    no code that was never meant to run then."""
    code, indent = loop.code, loop.indent
    may_break = any(_nearest_loop(code, each) is loop.node for each in code.nodes(cst.Break, loop.node))
    if interrupted is not None:
        if any(each is loop.node for each in code.parents(interrupted)):
            raise Declined("the clean-up for Ctrl-C stands in the loop itself")
        unit = code.module.default_indent
        text = f"{indent}if {name}.is_set():\n{indent}{unit}raise KeyboardInterrupt"
        if loop.is_endless and not may_break:
            text = f"{indent}raise KeyboardInterrupt"
        comment = f"{indent}# SIGTERM is to be cleaned up after like Ctrl-C"
        yield code.source.insert_line(code.end(loop.node), f"{comment}\n{text}")
        return
    if not loop.is_endless or may_break:
        return
    for above in code.parents(loop.node):
        if isinstance(above, cst.Try) and above.orelse is not None:
            raise Declined("the loop stands in a `try` with an `else`, which was never run so far")
    if any(_following(code, loop)):
        if loop.function is None:
            raise Declined("code that was never run so far stands behind the loop")
        yield code.source.insert_line(code.end(loop.node), f"{indent}return")


def _following(code: Code, loop: Loop) -> Iterator[cst.CSTNode]:
    """What would run behind the loop though it belongs to something else: what follows the statements around it."""
    node: cst.CSTNode = loop.node
    for above in code.parents(loop.node):
        if above is loop.function:
            return
        if isinstance(above, cst.IndentedBlock | cst.Module) and node is not loop.node:
            index = next(i for i, each in enumerate(above.body) if each is node)
            yield from above.body[index + 1 :]
        if isinstance(above, cst.BaseStatement):
            node = above
        if isinstance(above, cst.ClassDef):
            return


def _nearest_loop(code: Code, node: cst.CSTNode) -> cst.CSTNode | None:
    return next((each for each in code.parents(node) if isinstance(each, cst.While | cst.For)), None)


def _interrupt_arm(asked: Asked) -> cst.ExceptHandler | None:
    """The arm for Ctrl-C that the finding is about, where it does more than say good-bye."""
    if asked.finding.place.end_line or asked.finding.place == _stay(asked)[0]:
        return None
    code = asked.code
    handler = code.at(asked.finding.place, cst.ExceptHandler)
    calls = [code.text(call.func) for call in code.nodes(cst.Call, handler.body)]
    changes = any(code.nodes(cst.Assign, handler.body)) or any(code.nodes(cst.AugAssign, handler.body))
    return handler if changes or not all(_IDLE_CALLS.fullmatch(each) for each in calls) else None


# --- its waits ------------------------------------------------------------------------------------------------------


def waits_of(asked: Asked, loop: Loop, name: str, sleeps: frozenset[str]) -> list[Edit]:
    """Sleeps in a loop (calls written so) become waits for the event, and waits without a bound get one."""
    code = loop.code
    edits: list[Edit] = []
    gone: list[cst.CSTNode] = []
    for call in code.nodes(cst.Call, loop.node):
        if code.text(call.func) not in sleeps or code.function(call) is not loop.function:
            continue
        edits += _awaited_event(loop, call, name) if loop.is_async else _event_wait(loop, call, name, gone)
    if not loop.is_async:
        edits += bound_waits(asked, code, loop.node, loop.function)
    unused = drop_unused(code, *gone) if gone else ()
    return [*edits, *(each for each in unused if not any(overlap(each, other) for other in edits))]


def _is_short(code: Code, call: cst.Call, longest: float) -> bool:
    """Whether a sleep is too short to matter."""
    try:
        return float(code.text(call.args[0].value)) <= longest
    except ValueError:
        return False


def _is_first(loop: Loop, call: cst.Call) -> bool:
    """Whether the loop begins with this sleep: the work behind it is not to be begun any more."""
    first = loop.node.body.body[0]
    return isinstance(first, cst.SimpleStatementLine) and any(
        each is first for each in loop.code.parents(call)
    )


def _event_wait(loop: Loop, call: cst.Call, name: str, gone: list[cst.CSTNode]) -> list[Edit]:
    code = loop.code
    if len(call.args) != 1 or call.args[0].star or _is_short(code, call, 0.5):
        return []
    if not isinstance(code.parent(call), cst.Expr):
        return []
    gone.append(call.func)
    edits = [code.source.edit(*code.span(call.func), f"{name}.wait")]
    keyword = call.args[0].keyword
    if keyword is not None:
        edits.append(code.source.edit(*code.span(keyword), "timeout"))
    start, end = code.span(call)
    if _is_first(loop, call) and not code.source.text[end : code.source.line_end(end)].strip():
        indent = code.source.indent(start) + code.module.default_indent
        edits.append(code.source.edit(start, start, "if "))
        edits.append(code.source.edit(end, end, f":\n{indent}break"))
    return edits


def _awaited_event(loop: Loop, call: cst.Call, name: str) -> list[Edit]:
    code = loop.code
    above = code.parent(call)
    if len(call.args) != 1 or call.args[0].keyword or call.args[0].star or _is_short(code, call, 1):
        return []
    if not isinstance(above, cst.Await) or not isinstance(code.parent(above), cst.Expr):
        return []
    try:
        statement = code.statement(call)
    except Declined:
        return []
    module = code.text(call.func).rpartition(".")[0]
    if not module:
        return []
    start, end = code.span(statement)
    if "\n" in code.source.text[start:end]:
        return []
    suppress, imports = use_module(code, "contextlib")
    indent, unit = code.source.indent(start), code.module.default_indent
    waiting = f"await {module}.wait_for({name}.wait(), {code.text(call.args[0].value)})"
    text = f"with {suppress}.suppress({module}.TimeoutError):\n{indent}{unit}{waiting}"
    if _is_first(loop, call):
        text += f"\n{indent}{unit}break"
    return [*imports, code.source.edit(*code.span(above), text)]
