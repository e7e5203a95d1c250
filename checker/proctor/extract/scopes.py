"""One unit being filled: its events, its block tree, and which names it binds."""

from __future__ import annotations

import ast
from typing import Any, Literal, TypeAlias

import msgspec

from proctor.model.fact import (
    Bind,
    BindHow,
    Block,
    BlockKind,
    Call,
    Event,
    Expr,
    Load,
    Name,
    Param,
    Result,
    Unit,
    UnitKind,
)

Use: TypeAlias = Literal["statement", "await", "return", "with", "for", "decorator", "value"]


class Header(msgspec.Struct, frozen=True):
    """The fields that a `Unit` begins with."""

    index: int
    kind: UnitKind
    name: str
    qualname: str
    parent: int
    line: int
    column: int
    end_line: int
    end_column: int
    is_async: bool


class Draft:
    """A unit while it is read. `block` is the block that events now fall into."""

    __slots__ = (
        "block", "blocks", "bound", "doubtful", "events", "globals", "groups", "header", "is_generator", "nonlocals",
        "results",
    )  # fmt: skip

    def __init__(self, header: Header, body: Block) -> None:
        self.header = header
        self.blocks: list[Block] = [body]
        self.block = 0
        self.groups = 0
        self.events: list[Event] = []
        self.results: list[Result] = []
        self.bound: dict[str, None] = {}
        self.globals: dict[str, None] = {}
        self.nonlocals: dict[str, None] = {}
        #: loads of plain names that a later statement may still turn out to bind: event number and name
        self.doubtful: list[tuple[int, str]] = []
        self.is_generator = False

    def open(
        self,
        kind: BlockKind,
        line: int,
        end_line: int,
        test: Expr | None = None,
        name: str = "",
        is_async: bool = False,
        group: int = 0,
    ) -> int:
        """Open a block inside the current one; returns the current one, to be set again afterwards."""
        outer = self.block
        self.block = len(self.blocks)
        self.blocks.append(Block(kind, outer, line, end_line, test, name, is_async, group))
        return outer

    def set_test(self, test: Expr | None) -> None:
        """Say the condition of the current block, where its events fall into the block itself."""
        msgspec.structs.force_setattr(self.blocks[self.block], "test", test)

    def next_group(self) -> int:
        """A number that ties the arms of one statement together."""
        self.groups += 1
        return self.groups

    def at(self, node: Any) -> tuple[int, int, int, int, int]:
        """Where an event of a syntax node stands: what every event begins with."""
        return self.block, node.lineno, node.col_offset, node.end_lineno, node.end_col_offset

    def read_name(self, node: ast.expr, name: Name) -> None:
        """Record that a plain name is read, unless it is local."""
        if name.id not in self.bound:
            self.doubtful.append((len(self.events), name.id))
            self.events.append(Load(*self.at(node), name))

    def bind(
        self,
        node: ast.AST,
        name: str,
        value: Expr | None,
        how: BindHow,
        annotation: Expr | None = None,
        op: str = "",
        part: tuple[int, int] | None = None,
    ) -> None:
        """Record that a name is bound; `node` is where."""
        self.bound[name] = None
        self.events.append(Bind(*self.at(node), name, value, how, annotation, op, part))

    def call(
        self,
        node: ast.Call,
        func: Expr,
        args: tuple[Expr, ...],
        keywords: tuple[tuple[str, Expr], ...],
        use: Use,
    ) -> Result:
        """Record a call; gives the reference to its value."""
        result = Result(len(self.events))
        self.results.append(result)
        self.events.append(Call(*self.at(node), func, args, keywords, use))
        return result

    def finish(
        self,
        params: tuple[Param, ...],
        decorators: tuple[Expr, ...] = (),
        bases: tuple[Expr, ...] = (),
        keywords: tuple[tuple[str, Expr], ...] = (),
        returns: Expr | None = None,
    ) -> Unit:
        """The finished unit."""
        for name in (*self.globals, *self.nonlocals):
            self.bound.pop(name, None)
        if self.doubtful:
            self._drop_local_loads()
        head = self.header
        return Unit(
            head.index,
            head.kind,
            head.name,
            head.qualname,
            head.parent,
            head.line,
            head.column,
            head.end_line,
            head.end_column,
            head.is_async,
            self.is_generator,
            params,
            decorators,
            bases,
            keywords,
            returns,
            tuple(self.globals),
            tuple(self.nonlocals),
            tuple(self.blocks),
            tuple(self.events),
            tuple(self.bound),
        )

    def _drop_local_loads(self) -> None:
        bound = self.bound
        local = {number for number, name in self.doubtful if name in bound}
        if not local:
            return
        kept: list[Event] = []
        moved: dict[int, int] = {}
        for number, event in enumerate(self.events):
            if number not in local:
                if type(event) is Call:
                    moved[number] = len(kept)
                kept.append(event)
        self.events = kept
        # References to calls are spread over expressions already built, so they are renumbered in place.
        for result in self.results:
            msgspec.structs.force_setattr(result, "event", moved[result.event])
