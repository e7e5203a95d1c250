"""Which blocks of a unit lie in an endless main loop."""

from __future__ import annotations

from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Const,
    Expr,
    Jump,
    Name,
    Op,
    Raise,
    Result,
    Return,
    Unit,
    last_name,
)

#: methods of built-in containers that take out what they give
_TAKING = frozenset({"pop", "popleft", "popitem", "remove", "get_nowait"})
#: what an `and` in the condition of a loop says of when it is over
_COUNTING = frozenset({"<", ">", "<=", ">=", "in", "not in"})


def main_loop_blocks(unit: Unit) -> frozenset[int]:
    """The blocks inside loops that go on until something from outside ends them.

    `while True` and `while running` count. A loop that ends by itself once its body works (a retry: the
    body leaves it unconditionally, or right after the attempt in a `try`) does not, nor does one over a condition that
    compares or counts.
    """
    found: set[int] = set()
    for number, block in enumerate(unit.blocks):
        if (
            (block.parent in found and number)
            or (
                block.kind == "while"
                and is_endless(block.test, unit)
                and not is_retry(unit, number)
                and not _uses_up(unit, number)
            )
            or (block.kind == "for" and _is_endless_iterator(block.test, unit))
        ):
            found.add(number)
    return frozenset(found)


def blocks_inside(unit: Unit, loop: int) -> frozenset[int]:
    """A block and all blocks within it."""
    found = {loop}
    for number, block in enumerate(unit.blocks):
        if block.parent in found and number > loop:
            found.add(number)
    return frozenset(found)


def has_way_out(unit: Unit, loop: int) -> bool:
    """Whether a `while True` may come to an end by itself: a `return`, or a `break` that is its own. A condition is there for
    something else to end the loop."""
    if not isinstance(unit.blocks[loop].test, Const):
        return False
    inner = {n for n in blocks_inside(unit, loop) if n != loop and unit.blocks[n].kind in ("while", "for")}
    deeper = frozenset[int]().union(*(blocks_inside(unit, each) for each in inner))
    return any(
        isinstance(event, Return)
        or (isinstance(event, Jump) and event.kind == "break" and event.block not in deeper)
        for event in unit.events
        if event.block in blocks_inside(unit, loop)
    )


def is_endless(test: Expr | None, unit: Unit) -> bool:
    """Whether a loop condition says "until told otherwise"."""
    if isinstance(test, Const):
        return bool(test.value)
    if isinstance(test, Name | Attr):
        return True
    if isinstance(test, Op) and test.name == "not":
        inner = test.operands[0]
        if isinstance(inner, Result):
            call = unit.events[inner.event]
            return isinstance(call, Call) and last_name(call.func) in (
                "is_set",
                "wait",
                "should_stop",
                "stopped",
            )
        return isinstance(inner, Name | Attr)
    if isinstance(test, Result):
        call = unit.events[test.event]
        return isinstance(call, Call) and last_name(call.func) in (
            "is_running",
            "running",
            "is_alive",
            "isRunning",
        )
    if isinstance(test, Op) and test.name in ("and", "or"):
        if test.name == "or" and _is_unbounded(test):
            return True
        counts = any(isinstance(operand, Op) and operand.name in _COUNTING for operand in test.operands)
        return any(is_endless(operand, unit) for operand in test.operands) and not (
            counts and test.name == "and"
        )
    return False


def _is_unbounded(test: Op) -> bool:
    """Whether a condition leaves a loop without an end unless one was asked for (`limit is None or done < limit`)."""
    for operand in test.operands:
        if isinstance(operand, Op) and operand.name == "is" and operand.operands[-1] == Const(None):
            limit = operand.operands[0]
            others = [each for each in test.operands if isinstance(each, Op) and each.name in _COUNTING]
            if isinstance(limit, Name | Attr) and any(limit in each.operands for each in others):
                return True
    return False


def is_retry(unit: Unit, loop: int) -> bool:
    """Whether the loop's body ends the loop by itself as soon as it succeeds."""
    for event in unit.events:
        if not isinstance(event, Return) and not (isinstance(event, Jump) and event.kind == "break"):
            continue
        block = event.block
        while block != loop and block and unit.blocks[block].kind in ("try", "try-else", "with", "finally"):
            block = unit.blocks[block].parent
        if block == loop:
            return True
    return False


def _uses_up(unit: Unit, loop: int) -> bool:
    """Whether the loop goes on while there is something left in what its body takes from (`while todo: todo.pop()`)."""
    test = unit.blocks[loop].test
    if isinstance(test, Op) and test.name == "and":
        return any(_takes_from(unit, loop, operand) for operand in test.operands)
    if isinstance(test, Op) and test.name == "not" and isinstance(test.operands[0], Name):
        # a wait for what the body itself gets (`while not connection: connection = connect()`)
        return _takes_from(unit, loop, test.operands[0])
    return _takes_from(unit, loop, test)


def never_leaves(unit: Unit, loops: frozenset[int]) -> bool:
    """Whether nothing in one of these endless loops of a unit ends it."""
    return any(_has_no_end(unit, loop) for loop in loops)


def _has_no_end(unit: Unit, loop: int) -> bool:
    within = blocks_inside(unit, loop)
    return isinstance(unit.blocks[loop].test, Const) and not any(
        event.block in within
        and (isinstance(event, Return | Raise) or (isinstance(event, Jump) and event.kind == "break"))
        for event in unit.events
    )


def _takes_from(unit: Unit, loop: int, test: Expr | None) -> bool:
    if not isinstance(test, Name | Attr):
        return False
    within = blocks_inside(unit, loop)
    for event in unit.events:
        if event.block not in within:
            continue
        if isinstance(event, Call) and isinstance(event.func, Attr):
            if event.func.value == test and event.func.name in _TAKING:
                return True
        elif isinstance(event, Bind) and test == Name(event.name):
            is_new = event.value is not None and not isinstance(event.value, Const)
            if is_new:
                return True
    return False


def _is_endless_iterator(test: Expr | None, unit: Unit) -> bool:
    if not isinstance(test, Result):
        return False
    call = unit.events[test.event]
    if not isinstance(call, Call):
        return False
    if last_name(call.func) == "iter" and len(call.args) == 2:
        return True
    return last_name(call.func) in ("count", "repeat") and len(call.args) <= 1 and isinstance(call.func, Attr)
