"""Parameters, annotations and decorators: expressions of the unit around a definition."""

from __future__ import annotations

import ast
import re
import warnings
from typing import Any

from proctor.extract.expressions import MAX_DEPTH, OPERATORS, ExpressionReader
from proctor.model.fact import Expr, Item, Op, Other, Param, ParamKind, Seq

#: a quoted annotation without calls, strings or operators other than `|`
_PLAIN = re.compile(r"[\w.\[\], |\t]{1,400}")


class SignatureReader(ExpressionReader):
    """Reads what stands in the head of a definition into the unit around it."""

    def decorator(self, node: ast.expr) -> Expr:
        """Read a decorator; a call is one that makes it."""
        return self.call(node, "decorator") if isinstance(node, ast.Call) else self.chain(node)

    def type_params(self, node: Any) -> list[str]:
        """Read the `[T: Bound]` of a definition, where this Python knows it; gives the names."""
        names: list[str] = []
        for part in getattr(node, "type_params", ()):
            names.append(part.name)
            self.annotation(getattr(part, "bound", None))
            self.annotation(getattr(part, "default_value", None))
        return names

    def params(self, node: ast.arguments) -> tuple[Param, ...]:
        """Read parameters in the order of their declaration: defaults of positional ones first, as Python does."""
        positional = [*node.posonlyargs, *node.args]
        if not (positional or node.vararg or node.kwonlyargs or node.kwarg):
            return ()
        # Python evaluates all defaults before the first annotation.
        missing = len(positional) - len(node.defaults)
        defaults = [None] * missing + [self.expr(default) for default in node.defaults]
        keyword_defaults = [self.optional(default) for default in node.kw_defaults]
        params = [
            self._param(arg, "positional", default) for arg, default in zip(positional, defaults, strict=True)
        ]
        if node.vararg:
            params.append(self._param(node.vararg, "args", None))
        for arg, default in zip(node.kwonlyargs, keyword_defaults, strict=True):
            params.append(self._param(arg, "keyword", default))
        if node.kwarg:
            params.append(self._param(node.kwarg, "kwargs", None))
        return tuple(params)

    def _param(self, node: ast.arg, kind: ParamKind, default: Expr | None) -> Param:
        return Param(node.arg, kind, default, self.annotation(node.annotation))

    def annotation(self, node: ast.expr | None) -> Expr | None:
        """Read an annotation; a quoted one as what it quotes, where that is plain."""
        if node is None:
            return None
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            node = _unquoted(node, node.value)
        return self._type_expr(node)

    def _type_expr(self, node: ast.expr) -> Expr:
        """An annotation: its calls are made, its names are no reads of data."""
        self.depth += 1
        expr = self._type_parts(node)
        if self.depth > MAX_DEPTH:
            expr = Other(type(node).__name__)
        self.depth -= 1
        return expr

    def _type_parts(self, node: ast.expr) -> Expr:
        if isinstance(node, ast.Subscript):
            value = self._type_expr(node.value)
            return Item(value, self._type_expr(node.slice))
        if isinstance(node, ast.Tuple):
            return Seq("tuple", tuple([self._type_expr(item) for item in node.elts]))
        if isinstance(node, ast.List):
            return Seq("list", tuple([self._type_expr(item) for item in node.elts]))
        if isinstance(node, ast.BinOp):
            left = self._type_expr(node.left)
            return Op(OPERATORS[type(node.op)], (left, self._type_expr(node.right)))
        return self.chain(node)


def _unquoted(node: ast.Constant, text: str) -> ast.expr:
    """A quoted annotation as the expression it quotes, if it is a plain one."""
    if not _PLAIN.fullmatch(text):
        return node
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(text.strip(), mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return node
