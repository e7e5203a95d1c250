"""Expressions: each becomes an `Expr`, and what it does on the way becomes events of the current unit."""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Literal, TypeAlias

from proctor.extract.scopes import Draft, Use
from proctor.model.fact import (
    Attr,
    Await,
    Awaits,
    BindHow,
    Choice,
    Comp,
    Const,
    Expr,
    Func,
    Item,
    Load,
    Map,
    Name,
    Op,
    Other,
    Seq,
    SetAttr,
    SetItem,
    Star,
    Text,
    Yield,
)

CompKind: TypeAlias = Literal["list", "set", "dict", "generator"]

#: Expressions nested deeper are cut off (`Other`), so that whoever walks them needs no deep stack.
MAX_DEPTH = 60
MAX_TEXT = 4000
MAX_BYTES = 200

OPERATORS: dict[type[ast.AST], str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.MatMult: "@", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%",
    ast.Pow: "**", ast.LShift: "<<", ast.RShift: ">>", ast.BitOr: "|", ast.BitXor: "^", ast.BitAnd: "&",
    ast.And: "and", ast.Or: "or", ast.Not: "not", ast.USub: "-", ast.UAdd: "+", ast.Invert: "~",
    ast.Eq: "==", ast.NotEq: "!=", ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=",
    ast.Is: "is", ast.IsNot: "is not", ast.In: "in", ast.NotIn: "not in",
}  # fmt: skip
_NONE = Const(None)
_SLICE = Other("slice")


class ExpressionReader:
    """Reads expressions into the unit `draft`. Lambdas are left to the statement reader, which opens units."""

    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.depth = 0
        self.names: dict[str, Name] = {}

    def expr(self, node: ast.expr) -> Expr:
        """Read an expression that is evaluated for its value."""
        self.depth += 1
        result = EXPRESSIONS[type(node)](self, node)
        if self.depth > MAX_DEPTH:
            result = Other(type(node).__name__)
        self.depth -= 1
        return result

    def optional(self, node: ast.expr | None) -> Expr | None:
        """Read an expression that may be absent."""
        return None if node is None else self.expr(node)

    def used(self, node: ast.expr, use: Use) -> Expr:
        """Read an expression; if it is a call, `use` says what becomes of its result."""
        return self.call(node, use) if type(node) is ast.Call else self.expr(node)

    def name(self, id: str) -> Name:
        """The one `Name` of this file for an identifier."""
        found = self.names.get(id)
        if found is None:
            found = self.names[id] = Name(id)
        return found

    # --- names, attributes, items ------------------------------------------------------------------

    def _name(self, node: ast.Name) -> Expr:
        name = self.name(node.id)
        if node.id not in self.draft.bound:
            self.draft.read_name(node, name)
        return name

    def _chain_load(self, node: ast.Attribute | ast.Subscript) -> Expr:
        expr = self.chain(node)
        draft = self.draft
        draft.events.append(Load(*draft.at(node), expr))
        return expr

    def chain(self, node: ast.expr) -> Expr:
        """Read a name, attribute or item without recording that it is read; anything else as usual."""
        if type(node) is ast.Name:
            return self.name(node.id)
        links: list[ast.Attribute | ast.Subscript] = []
        inner = node
        while isinstance(inner, (ast.Attribute, ast.Subscript)):
            links.append(inner)
            inner = inner.value
        self.depth += len(links)
        expr: Expr = self.name(inner.id) if type(inner) is ast.Name else self.expr(inner)
        too_deep = self.depth > MAX_DEPTH
        self.depth -= len(links)
        for link in reversed(links):
            if type(link) is ast.Attribute:
                expr = Attr(expr, link.attr)
            elif type(link) is ast.Subscript:
                expr = Item(expr, self.expr(link.slice))
        return Other(type(node).__name__) if too_deep and links else expr

    def _slice(self, node: ast.Slice) -> Expr:
        for part in (node.lower, node.upper, node.step):
            if part is not None:
                self.expr(part)
        return _SLICE

    # --- calls ---------------------------------------------------------------------------------------

    def call(self, node: ast.Call, use: Use = "value") -> Expr:
        """Read a call: what it calls, then its arguments, then the call itself."""
        self.depth += 1
        func = self.chain(node.func)
        args = tuple([self.expr(arg) for arg in node.args]) if node.args else ()
        keywords: tuple[tuple[str, Expr], ...] = ()
        if node.keywords:
            keywords = tuple([(keyword.arg or "", self.expr(keyword.value)) for keyword in node.keywords])
        self.depth -= 1
        return self.draft.call(node, func, args, keywords, use)

    def _await(self, node: ast.Await) -> Expr:
        if type(node.value) is ast.Call:
            return Await(self.call(node.value, "await"))
        value = self.expr(node.value)
        self.awaits(node, value)
        return Await(value)

    def awaits(self, node: ast.expr, value: Expr) -> None:
        """Record a suspension point that is no call."""
        self.draft.events.append(Awaits(*self.draft.at(node), value))

    def _yield(self, node: ast.Yield | ast.YieldFrom) -> Expr:
        value = self.optional(node.value)
        draft = self.draft
        draft.is_generator = True
        draft.events.append(Yield(*draft.at(node), value))
        return Other(type(node).__name__)

    # --- literals and displays -------------------------------------------------------------------------

    def _constant(self, node: ast.Constant) -> Expr:
        value = node.value
        if isinstance(value, str):
            return Const(_clean(value))
        if value is None or value is Ellipsis:
            return _NONE
        # Larger integers have no place in the packed form.
        if isinstance(value, float) or (isinstance(value, int) and -(2**63) <= value < 2**63):
            return Const(value)
        if isinstance(value, bytes):
            return Const(value[:MAX_BYTES].decode("latin-1"))
        return Other(type(value).__name__)

    def _list(self, node: ast.List) -> Expr:
        return Seq("list", tuple([self.expr(item) for item in node.elts]))

    def _tuple(self, node: ast.Tuple) -> Expr:
        return Seq("tuple", tuple([self.expr(item) for item in node.elts]))

    def _set(self, node: ast.Set) -> Expr:
        return Seq("set", tuple([self.expr(item) for item in node.elts]))

    def _dict(self, node: ast.Dict) -> Expr:
        keys: list[Expr | None] = []
        values: list[Expr] = []
        for key, value in zip(node.keys, node.values, strict=True):
            keys.append(None if key is None else self.expr(key))
            values.append(self.expr(value))
        return Map(tuple(keys), tuple(values))

    def _starred(self, node: ast.Starred) -> Expr:
        return Star(self.expr(node.value))

    def _joined(self, node: Any) -> Expr:
        return Text(tuple([self.expr(part) for part in node.values]))

    def _formatted(self, node: Any) -> Expr:
        value = self.expr(node.value)
        if node.format_spec is not None:
            self.expr(node.format_spec)
        return value

    # --- operators ---------------------------------------------------------------------------------------

    def _binary(self, node: ast.BinOp) -> Expr:
        # The left spine of `a + b + c + …` can be thousands of operators long, so it is walked in a loop.
        spine = [node]
        left = node.left
        while isinstance(left, ast.BinOp):
            spine.append(left)
            left = left.left
        self.depth += len(spine)
        expr = self.expr(left)
        too_deep = self.depth > MAX_DEPTH
        self.depth -= len(spine)
        parts: list[Expr] | None = None
        for link in reversed(spine):
            right = self.expr(link.right)
            if parts is not None and type(link.op) is ast.Add:
                parts.extend(_parts(right))
                continue
            if parts is not None:
                expr, parts = Text(tuple(parts)), None
            if type(link.op) is ast.Add and (_is_text(expr) or _is_text(right)):
                parts = [*_parts(expr), *_parts(right)]
            elif type(link.op) is ast.Mod and _is_text(expr):
                filled = right.items if type(right) is Seq and right.kind == "tuple" else (right,)
                expr = Text((*_parts(expr), *filled))
            else:
                expr = Op(OPERATORS[type(link.op)], (expr, right))
        if parts is not None:
            return Text(tuple(parts))
        return Other("BinOp") if too_deep else expr

    def _unary(self, node: ast.UnaryOp) -> Expr:
        value = self.expr(node.operand)
        if type(node.op) is ast.USub and type(value) is Const and type(value.value) in (int, float):
            return Const(-value.value)  # type: ignore[operator]  # the type was just looked at
        return Op(OPERATORS[type(node.op)], (value,))

    def _bool(self, node: ast.BoolOp) -> Expr:
        return Op(OPERATORS[type(node.op)], tuple([self.expr(value) for value in node.values]))

    def _compare(self, node: ast.Compare) -> Expr:
        operands = [self.expr(node.left)]
        operands.extend([self.expr(operand) for operand in node.comparators])
        return Op(" ".join([OPERATORS[type(op)] for op in node.ops]), tuple(operands))

    def _choice(self, node: ast.IfExp) -> Expr:
        test = self.expr(node.test)
        return Choice(test, self.expr(node.body), self.expr(node.orelse))

    def _walrus(self, node: ast.NamedExpr) -> Expr:
        value = self.expr(node.value)
        self.draft.bind(node.target, node.target.id, value, "walrus")
        return value

    # --- comprehensions ----------------------------------------------------------------------------------

    def _list_comp(self, node: ast.ListComp) -> Expr:
        return self._comprehension(node, "list", node.elt)

    def _set_comp(self, node: ast.SetComp) -> Expr:
        return self._comprehension(node, "set", node.elt)

    def _generator(self, node: ast.GeneratorExp) -> Expr:
        return self._comprehension(node, "generator", node.elt)

    def _dict_comp(self, node: ast.DictComp) -> Expr:
        return self._comprehension(node, "dict", node.key, node.value)

    def _comprehension(
        self,
        node: ast.ListComp | ast.SetComp | ast.DictComp | ast.GeneratorExp,
        kind: CompKind,
        *elements: ast.expr,
    ) -> Expr:
        draft = self.draft
        first = node.generators[0]
        iterable = self.used(first.iter, "for")
        name = first.target.id if isinstance(first.target, ast.Name) else ""
        is_async = any(part.is_async for part in node.generators)
        outer = draft.open("comprehension", node.lineno, node.end_lineno or 0, iterable, name, is_async)
        tests: list[Expr] = []
        for part in node.generators:
            if part is not first:
                iterable = self.used(part.iter, "for")
            if part.is_async:
                self.awaits(part.iter, iterable)
            self.target(part.target, iterable, "comprehension")
            tests.extend(self.expr(test) for test in part.ifs)
        parts = tuple([self.expr(element) for element in elements])
        draft.block = outer
        return Comp(kind, parts[0] if len(parts) == 1 else Seq("tuple", parts), tuple(tests))

    # --- targets -----------------------------------------------------------------------------------------

    def target(
        self, node: ast.expr, value: Expr | None, how: BindHow, annotation: Expr | None = None
    ) -> None:
        """Record what `node` as an assignment target binds or sets."""
        if isinstance(node, ast.Name):
            self.draft.bind(node, node.id, value, how, annotation)
        elif isinstance(node, ast.Attribute):
            obj = self.chain(node.value)
            self.draft.events.append(
                SetAttr(*self.draft.at(node), obj, node.attr, value, how, "", annotation)
            )
        elif isinstance(node, ast.Subscript):
            obj = self.chain(node.value)
            index = self.expr(node.slice)
            self.draft.events.append(SetItem(*self.draft.at(node), obj, index, value, how))
        elif isinstance(node, ast.Starred):
            self.target(node.value, value, "unpack" if how == "assign" else how)
        elif isinstance(node, ast.Tuple | ast.List):
            self._unpack(node.elts, value, how)

    def _unpack(self, targets: list[ast.expr], value: Expr | None, how: BindHow) -> None:
        if how == "assign":
            items = value.items if type(value) is Seq else ()
            if len(items) == len(targets) and not any(_is_starred(part) for part in (*items, *targets)):
                for target, item in zip(targets, items, strict=True):
                    self.target(target, item, how)
                return
            how = "unpack"
        plain = len(targets) > 1 and all(type(target) is ast.Name for target in targets)
        for number, target in enumerate(targets):
            if plain:
                assert isinstance(target, ast.Name)
                self.draft.bind(target, target.id, value, how, part=(number, len(targets)))
            else:
                self.target(target, value, how)

    def _lambda(self, node: ast.Lambda) -> Expr:
        return Func(self.read_lambda(node))

    def read_lambda(self, node: ast.Lambda) -> int:
        """Read a lambda as a unit of its own and give its index."""
        raise NotImplementedError

    def _unknown(self, node: ast.expr) -> Expr:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expr(child)
        return Other(type(node).__name__)


def _clean(text: str) -> str:
    text = text[:MAX_TEXT]
    if text.isascii():
        return text
    # A lone surrogate ("\ud800") is legal in source and has no UTF-8 form.
    return text.encode("utf-8", "backslashreplace").decode()


def _is_text(expr: Expr) -> bool:
    return type(expr) is Text or (type(expr) is Const and type(expr.value) is str)


def _parts(expr: Expr) -> tuple[Expr, ...]:
    return expr.parts if type(expr) is Text else (expr,)


def _is_starred(part: Expr | ast.expr) -> bool:
    return type(part) is Star or type(part) is ast.Starred


class _Handlers(dict[type[ast.AST], Callable[[Any, Any], Expr]]):
    def __missing__(self, kind: type[ast.AST]) -> Callable[[Any, Any], Expr]:
        # A node that a newer Python brings: its parts are still read.
        return ExpressionReader._unknown


_R = ExpressionReader
EXPRESSIONS = _Handlers(
    {
        ast.Name: _R._name,
        ast.Attribute: _R._chain_load,
        ast.Subscript: _R._chain_load,
        ast.Slice: _R._slice,
        ast.Constant: _R._constant,
        ast.Call: _R.call,
        ast.Await: _R._await,
        ast.Yield: _R._yield,
        ast.YieldFrom: _R._yield,
        ast.List: _R._list,
        ast.Tuple: _R._tuple,
        ast.Set: _R._set,
        ast.Dict: _R._dict,
        ast.Starred: _R._starred,
        ast.JoinedStr: _R._joined,
        ast.FormattedValue: _R._formatted,
        ast.BinOp: _R._binary,
        ast.UnaryOp: _R._unary,
        ast.BoolOp: _R._bool,
        ast.Compare: _R._compare,
        ast.IfExp: _R._choice,
        ast.NamedExpr: _R._walrus,
        ast.ListComp: _R._list_comp,
        ast.SetComp: _R._set_comp,
        ast.GeneratorExp: _R._generator,
        ast.DictComp: _R._dict_comp,
        ast.Lambda: _R._lambda,
    }
)
for _new, _handler in (("TemplateStr", _R._joined), ("Interpolation", _R._formatted)):
    if hasattr(ast, _new):
        EXPRESSIONS[getattr(ast, _new)] = _handler
