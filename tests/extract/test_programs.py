"""Any program at all: reading never fails, and what it yields hangs together and leaves nothing out."""

from __future__ import annotations

import ast
import sysconfig
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proctor.extract import read_file
from proctor.model import fact
from proctor.model.fact import Call, Define, FileFacts, Load, Name, Result, Unit, Unread

MAX_EXPR_DEPTH = 70


def parts_of(value: Any) -> Iterator[Any]:
    """All structs inside an event or expression, with itself."""
    if isinstance(value, msgspec.Struct):
        yield value
        for field in msgspec.structs.astuple(value):
            yield from parts_of(field)
    elif isinstance(value, tuple):
        for item in value:
            yield from parts_of(item)


def depth_of(value: Any) -> int:
    if isinstance(value, msgspec.Struct):
        return 1 + max((depth_of(field) for field in msgspec.structs.astuple(value)), default=0)
    if isinstance(value, tuple):
        return max((depth_of(item) for item in value), default=0)
    return 0


def refers_back(value: Any, unit: Unit, before: int) -> None:
    for part in parts_of(value):
        if isinstance(part, Result):
            assert 0 <= part.event < before
            assert isinstance(unit.events[part.event], Call)


def hangs_together(found: FileFacts) -> None:
    for index, unit in enumerate(found.units):
        assert unit.index == index
        assert unit.parent < index
        assert (unit.parent == -1) == (index == 0)
        for number, block in enumerate(unit.blocks):
            assert block.parent < number
            assert (block.parent == -1) == (number == 0)
            refers_back(block.test, unit, len(unit.events))
        assert not {*unit.locals} & {*unit.globals, *unit.nonlocals}
        for number, event in enumerate(unit.events):
            assert 0 <= event.block < len(unit.blocks)
            assert (event.line, event.column) <= (event.end_line, event.end_column)
            assert depth_of(event) < MAX_EXPR_DEPTH
            refers_back(event, unit, number)
            if isinstance(event, Load) and isinstance(event.expr, Name):
                assert event.expr.id not in unit.locals
            if isinstance(event, Define):
                made = found.units[event.unit]
                assert made.parent == index
                refers_back(
                    (made.decorators, made.bases, made.keywords, made.params, made.returns), unit, number
                )


def counted(tree: ast.Module) -> Counter[str]:
    """What a syntax tree must yield, one for one."""
    names = {
        ast.Call: "Call", ast.Return: "Return", ast.Lambda: "Return", ast.Yield: "Yield", ast.YieldFrom: "Yield",
        ast.Raise: "Raise", ast.Break: "Jump", ast.Continue: "Jump", ast.alias: "Import", ast.FunctionDef: "Define",
        ast.AsyncFunctionDef: "Define", ast.ClassDef: "Define", ast.ExceptHandler: "except", ast.While: "while",
        ast.For: "for", ast.AsyncFor: "for", ast.If: "if", ast.withitem: "with", ast.match_case: "case",
        ast.ListComp: "comprehension", ast.SetComp: "comprehension", ast.DictComp: "comprehension",
        ast.GeneratorExp: "comprehension",
    }  # fmt: skip
    return Counter(names[type(node)] for node in ast.walk(tree) if type(node) in names)


def yielded(found: FileFacts) -> Counter[str]:
    events = Counter(type(event).__name__ for unit in found.units for event in unit.events)
    blocks = Counter(block.kind for unit in found.units for block in unit.blocks)
    return events + Counter(dict(blocks))


def is_whole(source: bytes) -> None:
    """Read a source that Python can parse, and hold the facts against its syntax tree."""
    found = read_file(source)
    assert isinstance(found, FileFacts), found
    hangs_together(found)
    expected, seen = counted(ast.parse(source)), yielded(found)
    assert {kind: seen[kind] for kind in expected} == dict(expected)
    assert msgspec.msgpack.Decoder(FileFacts).decode(msgspec.msgpack.encode(found)) == found


# --- programs made up --------------------------------------------------------------------------------------

names = st.sampled_from(["a", "b", "CACHE", "self", "x1", "__all__"])
leaves = st.one_of(
    names,
    st.sampled_from(
        ["1", "-2.5", "'text'", "b'bytes'", "None", "True", "...", "f'{a}'", "3j", "[]", "{}", "()"]
    ),
)
SHAPES = [
    "{0}.m", "{0}.n({1})", "{0}({1}, k={2})", "{0}(*{1}, **{2})", "{0}[{1}]", "{0}[{1}:{2}]", "({0} + {1})",
    "('%s' % {0})", "({0} and {1} or {2})", "(not {0})", "({0} < {1} <= {2})", "({0} if {1} else {2})", "[{0}, *{1}]",
    "{{{0}: {1}, **{2}}}", "{{{0}, {1}}}", "({0}, {1})", "(lambda a, b={0}: {1})", "[{0} for a in {1} if {2}]",
    "{{a: {0} for a, b in {1}}}", "({0} for (a, b.c) in {1} for x1 in {2})", "(b := {0})", "f'{{{0}!r}} and {{{1}}}'",
    "(yield {0})", "(yield from {0})", "(await {0})", "({0} is not {1})", "(-{0})", "('a' + {0} + 'b')",
]  # fmt: skip


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.builds(lambda shape, *parts: shape.format(*parts), st.sampled_from(SHAPES), inner, inner, inner)


# f-strings of older Pythons hold no quotes, so texts inside them would not parse: those programs are left out below.
expressions = st.recursive(leaves, grown, max_leaves=12)
targets = st.sampled_from(["a", "b.c", "CACHE[a]", "a, *b", "(a, [b, self.x])", "a.b.c", "CACHE[a()].b"])
simple = st.one_of(
    st.builds("{0}".format, expressions),
    st.builds("{0} = {1}".format, targets, expressions),
    st.builds("a = b.c = {0}".format, expressions),
    st.builds("a: {0} = {1}".format, expressions, expressions),
    st.builds("self.a: 'X | None'".format),
    st.builds("{0} += {1}".format, st.sampled_from(["a", "b.c", "CACHE[a]"]), expressions),
    st.builds("return {0}".format, expressions),
    st.builds("raise {0} from {1}".format, expressions, expressions),
    st.builds("assert {0}, {1}".format, expressions, expressions),
    st.builds("del {0}".format, st.sampled_from(["a", "b.c, CACHE[a]"])),
    st.sampled_from(["pass", "import a.b", "from .x import y as a, b", "from z import *", "global CACHE", "return",
                     "nonlocal b", "break", "continue", "raise", "'doc'"]),
)  # fmt: skip
HEADS = [
    ("if {0}:", "elif {1}:", "else:"), ("while {0}:", "else:"), ("for {2} in {0}:", "else:"), ("try:", "finally:"),
    ("try:", "except ({3}, a.b) as b:", "except:", "else:", "finally:"), ("with {0} as {2}, {1}:",),
    ("async with {0}:",), ("async for {2} in {0}:",), ("def a(self, x1={0}, *, b: {1}):",),
    ("@{0}", "async def a(*args: {1}, **kw) -> 'X':"), ("class a({3}, metaclass={3}):",),
    ("match {0}:", " case [a, *b] if {1}:", " case {{'k': x1}} | {{'k': x1}}:", " case _:"),
]  # fmt: skip


def compound(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    def build(
        head: tuple[str, ...], first: str, second: str, target: str, name: str, bodies: list[str]
    ) -> str:
        lines: list[str] = []
        for number, arm in enumerate(head):
            lines.append(arm.format(first, second, target, name))
            if arm.endswith(":") and not arm.startswith("match"):
                indent = "  " if arm.startswith(" ") else " "
                lines += [indent + line for line in bodies[number % len(bodies)].split("\n")]
        return "\n".join(lines)

    bodies = st.lists(inner, min_size=1, max_size=3)
    return st.builds(build, st.sampled_from(HEADS), expressions, expressions, targets, names, bodies)


statements = st.recursive(
    simple, lambda inner: st.one_of(compound(inner), st.builds("{0}\n{1}".format, inner, inner))
)
programs = st.lists(statements, min_size=1, max_size=4).map("\n".join)


@settings(max_examples=150, deadline=None)
@given(programs)
def test_made_up_programs(program: str) -> None:
    source = program.encode()
    try:
        ast.parse(source)
    except SyntaxError:
        assert isinstance(read_file(source), FileFacts | Unread)
        return
    is_whole(source)


# --- real programs, and what is left of them -----------------------------------------------------------------

LIBRARY = Path(sysconfig.get_paths()["stdlib"])
REAL = sorted(
    path
    for folder in ("asyncio", "concurrent/futures", "http", "json", "unittest", "multiprocessing", ".")
    for path in (LIBRARY / folder).glob("*.py")
)[::3]


@pytest.mark.parametrize("part", range(4))
def test_real_programs(part: int) -> None:
    assert len(REAL) > 40
    for path in REAL[part::4]:
        is_whole(path.read_bytes())


OWN = (
    Path(fact.__file__).read_bytes(),
    Path(__file__).read_bytes(),
    (LIBRARY / "asyncio" / "tasks.py").read_bytes(),
)
SCRAPS = [b"", b"\n", b" ", b"\t", b"(", b")", b"[", b":", b"'", b'"""', b"\\", b"#", b"\0", b"\xff", b"\r", b"f'{", b"}",
          b"await ", b"lambda: ", b"*", b"\xef\xbb\xbf", b"# coding: x\n", b"# proctor: ignore[TC11", b"match x:\n case",
          b"print x", b"type X[", b"except A.B, C.D:"]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(OWN),
    st.lists(
        st.tuples(
            st.integers(0, 40_000),
            st.integers(0, 60),
            st.one_of(st.sampled_from(SCRAPS), st.binary(max_size=4)),
        ),
        min_size=1,
        max_size=4,
    ),
    st.tuples(st.integers(0, 20_000), st.integers(1, 4_000)),
)
def test_mangled_programs(source: bytes, changes: list[tuple[int, int, bytes]], cut: tuple[int, int]) -> None:
    source = source[cut[0] : cut[0] + cut[1]]
    for start, length, scrap in changes:
        start %= len(source) + 1
        source = source[:start] + scrap + source[start + length :]
    found = read_file(source)
    if isinstance(found, FileFacts):
        hangs_together(found)
    else:
        assert found.reason
        assert "\n" not in found.reason
    msgspec.msgpack.encode(found)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(source: bytes) -> None:
    msgspec.msgpack.encode(read_file(source))
