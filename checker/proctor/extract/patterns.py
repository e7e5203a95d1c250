"""The patterns of `match`: what each asks of the subject, and the names it binds."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from proctor.extract.expressions import ExpressionReader
from proctor.model.fact import Const, Expr, Map, Op, Other, Seq, Star


def pattern(reader: ExpressionReader, node: ast.pattern) -> Expr | None:
    """What a pattern asks of its subject; None where it takes anything (a capture or `_`)."""
    if isinstance(node, ast.MatchAs):
        return None if node.pattern is None else pattern(reader, node.pattern)
    if isinstance(node, ast.MatchValue):
        return reader.expr(node.value)
    if isinstance(node, ast.MatchSingleton):
        return Const(node.value)
    if isinstance(node, ast.MatchOr):
        return _alternatives([pattern(reader, part) for part in node.patterns])
    if isinstance(node, ast.MatchClass):
        cls = reader.chain(node.cls)
        for part in (*node.patterns, *node.kwd_patterns):
            pattern(reader, part)
        return cls
    if isinstance(node, ast.MatchSequence):
        return Seq("list", tuple([_filled(reader, part) for part in node.patterns]))
    if isinstance(node, ast.MatchMapping):
        keys = tuple([reader.expr(key) for key in node.keys])
        return Map(keys, tuple([_filled(reader, part) for part in node.patterns]))
    if isinstance(node, ast.MatchStar):
        return Star(Other("MatchStar"))
    return Other(type(node).__name__)


def captured(node: ast.pattern) -> Iterator[tuple[ast.AST, str]]:
    """The names that a pattern binds, each with the node that binds it."""
    for part in ast.walk(node):
        name = None
        if isinstance(part, ast.MatchAs | ast.MatchStar):
            name = part.name
        elif isinstance(part, ast.MatchMapping):
            name = part.rest
        if name is not None:
            yield part, name


def _filled(reader: ExpressionReader, node: ast.pattern) -> Expr:
    return pattern(reader, node) or Other(type(node).__name__)


def _alternatives(parts: list[Expr | None]) -> Expr | None:
    asked = tuple([part for part in parts if part is not None])
    return Op("|", asked) if len(asked) == len(parts) else None
