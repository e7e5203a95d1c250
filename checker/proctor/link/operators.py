"""Operators, tests and texts: which methods of its operands Python calls."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from proctor.model.fact import (
    Attr,
    Await,
    Bind,
    Call,
    Choice,
    Comp,
    Const,
    Event,
    Expr,
    Func,
    Item,
    Load,
    Map,
    Name,
    Op,
    Other,
    Raise,
    Result,
    Return,
    Seq,
    SetAttr,
    SetItem,
    Star,
    Text,
    Unit,
    Yield,
)

_ARITHMETIC = {
    "+": "add", "-": "sub", "*": "mul", "/": "truediv", "//": "floordiv", "%": "mod", "**": "pow", "@": "matmul",
    "|": "or", "&": "and", "^": "xor", "<<": "lshift", ">>": "rshift",
}  # fmt: skip
#: operator -> the methods of its left operand, and of its right one
BINARY: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    **{name: ((f"__{word}__",), (f"__r{word}__",)) for name, word in _ARITHMETIC.items()},
    "==": (("__eq__",), ("__eq__",)),
    "!=": (("__ne__", "__eq__"), ("__ne__", "__eq__")),
    "<": (("__lt__",), ("__gt__",)),
    ">": (("__gt__",), ("__lt__",)),
    "<=": (("__le__",), ("__ge__",)),
    ">=": (("__ge__",), ("__le__",)),
    "in": ((), ("__contains__", "__iter__")),
    "not in": ((), ("__contains__", "__iter__")),
}
_UNARY = {"-": ("__neg__",), "+": ("__pos__",), "~": ("__invert__",), "not": ("__bool__", "__len__")}
_TESTED = ("__bool__", "__len__")
#: what texts ask
SHOWN = ("__format__", "__str__", "__repr__")
#: all methods that operators call
METHODS = frozenset(
    [method for pair in BINARY.values() for names in pair for method in names]
    + [method for names in _UNARY.values() for method in names]
    + [f"__i{word}__" for word in _ARITHMETIC.values()]
    + [*SHOWN]
) - {"__iter__", "__len__"}  # fmt: skip


class Operation(NamedTuple):
    """An operand that is asked for one of `methods`, in block `block` of the unit at event `number` (-1: a test)."""

    methods: tuple[str, ...]
    operand: Expr
    block: int
    number: int
    line: int


def left_methods(name: str, n_operands: int) -> tuple[str, ...]:
    """The methods that an operator calls of its first operand."""
    return _UNARY.get(name, ()) if n_operands == 1 else BINARY.get(name, ((), ()))[0]


#: operands that are never objects of the app
_PLAIN = (Const, Text, Seq, Map, Comp)
#: expressions without parts
_LEAVES = frozenset({Const, Name, Result, Func, Other, type(None)})


def operations(unit: Unit) -> tuple[Operation, ...]:
    """All that operators, tests and texts of a unit ask of their operands, where these may be objects of the app."""
    return tuple(
        [each for each in _operations(unit) if not isinstance(each.operand, _PLAIN) and each.methods]
    )


def _operations(unit: Unit) -> list[Operation]:
    found: list[Operation] = []
    for number, event in enumerate(unit.events):
        for expr in _expressions(event):
            if type(expr) not in _LEAVES:
                for methods, operand in _asked(expr):
                    found.append(Operation(methods, operand, event.block, number, event.line))
        if isinstance(event, Bind) and event.how == "aug" and event.op in _ARITHMETIC:
            word = _ARITHMETIC[event.op]
            methods = (f"__i{word}__", f"__{word}__")
            found.append(Operation(methods, Name(event.name), event.block, number, event.line))
    for block in unit.blocks:
        if block.kind in ("if", "while") and block.test is not None:
            found.append(Operation(_TESTED, block.test, block.parent, -1, block.line))
            for methods, operand in _asked(block.test):
                found.append(Operation(methods, operand, block.parent, -1, block.line))
    return found


def _expressions(event: Event) -> tuple[Expr | None, ...]:
    if isinstance(event, Call):
        if event.keywords:
            return (event.func, *event.args, *[value for _, value in event.keywords])
        return (event.func, *event.args)
    if isinstance(event, Bind | SetAttr | Return | Yield | Raise):
        return (event.value,)
    if isinstance(event, SetItem):
        return (event.index, event.value)
    return (event.expr,) if isinstance(event, Load) else ()


def _asked(expr: Expr | None) -> Iterator[tuple[tuple[str, ...], Expr]]:
    stack = [expr]
    while stack:
        each = stack.pop()
        if type(each) in _LEAVES:
            continue
        if isinstance(each, Op):
            stack.extend(each.operands)
            yield from _of_operator(each)
        elif isinstance(each, Text):
            stack.extend(each.parts)
            for part in each.parts:
                yield SHOWN, part
        elif isinstance(each, Choice):
            stack.extend((each.test, each.body, each.orelse))
            yield _TESTED, each.test
        elif isinstance(each, Attr | Item | Star | Await):
            stack.append(each.value)
        elif isinstance(each, Seq):
            stack.extend(each.items)
        elif isinstance(each, Map):
            stack.extend(each.values)
        elif isinstance(each, Comp):
            stack.append(each.element)


def _of_operator(op: Op) -> Iterator[tuple[tuple[str, ...], Expr]]:
    if len(op.operands) == 1:
        if op.name in _UNARY:
            yield _UNARY[op.name], op.operands[0]
    elif op.name in BINARY and len(op.operands) == 2:
        left, right = BINARY[op.name]
        yield left, op.operands[0]
        yield right, op.operands[1]
    elif op.name in ("and", "or"):
        for operand in op.operands:
            yield _TESTED, operand
