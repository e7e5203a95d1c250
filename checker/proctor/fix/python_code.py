"""Python source as a tree with the place of every node in the text."""

from __future__ import annotations

import ast
import warnings
from collections.abc import Iterator
from typing import TypeVar

import libcst as cst
from libcst import metadata

from proctor.fix.source import Declined, Source
from proctor.model.place import Place

_Node = TypeVar("_Node", bound=cst.CSTNode)


class Code:
    """The tree of a file. Raises Declined where the file cannot be read as Python."""

    def __init__(self, source: Source) -> None:
        self.source = source
        try:
            module = cst.parse_module(source.text)
            wrapper = metadata.MetadataWrapper(module, unsafe_skip_copy=True)
            self._spans = wrapper.resolve(metadata.ByteSpanPositionProvider)
            self._parents = wrapper.resolve(metadata.ParentNodeProvider)
        except (cst.ParserSyntaxError, cst.CSTValidationError, RecursionError, UnicodeError) as error:
            raise Declined("the file cannot be read as Python") from error
        self.module = module
        self._bytes = None if source.text.isascii() else source.text.encode("utf-8", "surrogatepass")

    def span(self, node: cst.CSTNode) -> tuple[int, int]:
        """Where a node starts and ends in the text."""
        span = self._spans[node]
        return self._offset(span.start), self._offset(span.start + span.length)

    def end(self, node: cst.CSTNode) -> int:
        """Where the last character of a node stands that is no white space: the span of a block reaches over its line end."""
        start, end = self.span(node)
        return start + len(self.source.text[start:end].rstrip())

    def _offset(self, at: int) -> int:
        return at if self._bytes is None else len(self._bytes[:at].decode("utf-8", "surrogatepass"))

    def text(self, node: cst.CSTNode) -> str:
        """A node as it is written."""
        start, end = self.span(node)
        return self.source.text[start:end]

    def parent(self, node: cst.CSTNode) -> cst.CSTNode | None:
        """The node that holds another one."""
        return self._parents.get(node)

    def parents(self, node: cst.CSTNode) -> Iterator[cst.CSTNode]:
        """The nodes around a node, the nearest first."""
        above = self._parents.get(node)
        while above is not None:
            yield above
            above = self._parents.get(above)

    def nodes(self, kind: type[_Node], within: cst.CSTNode | None = None) -> Iterator[_Node]:
        """Every node of one kind, in the order of the text."""
        todo: list[cst.CSTNode] = [within or self.module]
        while todo:
            node = todo.pop()
            if isinstance(node, kind):
                yield node
            todo.extend(reversed(node.children))

    def at(self, place: Place, kind: type[_Node]) -> _Node:
        """The node of one kind that starts at a place, the largest one; where the place has no column, the first one on
        its line. Raises Declined where there is none."""
        start = self.source.offset(place.line, place.column)
        whole_line = not place.end_line
        for node in self.nodes(kind):
            if whole_line:
                if self.source.line_of(self.span(node)[0]) == place.line:
                    return node
            elif self.span(node)[0] == start:
                return node
        raise Declined("the place is written in a way that is not understood")

    def call_at(self, place: Place) -> cst.Call:
        """The call with exactly the span of a place. Raises Declined where there is none."""
        if not place.end_line:
            raise Declined("the place is no call")
        wanted = (
            self.source.offset(place.line, place.column),
            self.source.offset(place.end_line, place.end_column),
        )
        for node in self.nodes(cst.Call):
            if self.span(node) == wanted:
                return node
        raise Declined("the place is no call")

    def statement(self, node: cst.CSTNode) -> cst.SimpleStatementLine:
        """The statement that holds an expression, where it stands alone on its lines in a block. Raises Declined."""
        for above in self.parents(node):
            if isinstance(above, cst.SimpleStatementSuite):
                break
            if isinstance(above, cst.SimpleStatementLine):
                if len(above.body) == 1:
                    return above
                break
            if isinstance(above, cst.BaseCompoundStatement):
                break
        raise Declined("the statement shares its line with another one")

    def function(self, node: cst.CSTNode) -> cst.FunctionDef | None:
        """The function whose body holds a node; None at the level of the module or of a class, and in a lambda."""
        for above in self.parents(node):
            if isinstance(above, cst.FunctionDef):
                return above
            if isinstance(above, cst.Lambda | cst.ClassDef):
                return None
        return None

    def has_name(self, name: str) -> bool:
        """Whether a name occurs anywhere in the file."""
        return any(node.value == name for node in self.nodes(cst.Name))


def parses(text: bytes) -> bool:
    """Whether bytes are Python source."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    return True
