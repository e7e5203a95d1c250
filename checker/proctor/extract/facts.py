"""The visitor: a module's syntax tree, statement by statement, into units."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Literal

from proctor.extract.expressions import OPERATORS
from proctor.extract.patterns import captured, pattern
from proctor.extract.scopes import Draft, Header
from proctor.extract.signatures import SignatureReader
from proctor.model.fact import (
    Attr,
    Bind,
    Block,
    BlockKind,
    Call,
    Const,
    Define,
    Expr,
    Import,
    Jump,
    Name,
    Op,
    Other,
    Raise,
    Return,
    Seq,
    SetAttr,
    SetItem,
    Star,
    Unit,
    UnitKind,
    last_name,
)

#: a machine-written nest of functions would otherwise repeat its names without bound
_MAX_PATH = 400


def read_units(tree: ast.Module, n_lines: int) -> tuple[Unit, ...]:
    """The units of a module, its body first. Raises RecursionError where it is nested too deeply for the stack."""
    return _Reader(n_lines).read(tree)


def public_names(module: Unit) -> tuple[str, ...] | None:
    """`__all__` of a module where only literals make it; None where there is none or code decides."""
    names: list[str] | None = None
    for event in module.events:
        if type(event) is Bind and event.name == "__all__":
            added = _literal_names(event.value)
            if added is None or (event.how == "aug" and names is None):
                return None
            names = [*(names or ()), *added] if event.how == "aug" else list(added)
        elif type(event) is Call and type(event.func) is Attr and event.func.value == Name("__all__"):
            single = event.func.name == "append"
            value = (Seq("tuple", event.args) if single else event.args[0]) if event.args else None
            added = _literal_names(value)
            if added is None or names is None or event.func.name not in ("append", "extend"):
                return None
            names.extend(added)
    return None if names is None else tuple(names)


def changed_attributes(units: tuple[Unit, ...]) -> tuple[str, ...]:
    """The attributes that the code of a file sets on other objects than a method's own."""
    found: set[str] = set()
    for unit in units:
        is_method = unit.params and unit.parent >= 0 and units[unit.parent].kind == "class"
        own = Name(unit.params[0].name) if is_method and Name("staticmethod") not in unit.decorators else None
        found.update(event.name for event in unit.events if type(event) is SetAttr and event.obj != own)
    return tuple(sorted(found))


def made_instances(units: tuple[Unit, ...]) -> tuple[str, ...]:
    """What the calls of a file give the instances that they make, as far as the name of what is called says that they do
    (`Order(paid=True)`, `replace(order, paid=True)`)."""
    found: set[str] = set()
    for unit in units:
        for event in unit.events:
            if type(event) is Call and (event.args or event.keywords):
                name = last_name(event.func)
                if name[:1].isupper():
                    found.update(_given(name, event))
                elif name in _COPYING:
                    found.update(_given("", event))
    return tuple(sorted(found))


def _given(owner: str, call: Call) -> Iterator[str]:
    for name, _ in call.keywords:
        yield f"{owner}.{name or '*'}"
    if call.args and owner:
        is_open = any(type(arg) is Star for arg in call.args)
        yield f"{owner}#{'*' if is_open else len(call.args)}"


def _literal_names(value: Expr | None) -> tuple[str, ...] | None:
    if type(value) is Seq:
        names = [item.value for item in value.items if type(item) is Const and isinstance(item.value, str)]
        return tuple(names) if len(names) == len(value.items) else None
    return None


#: calls that make an instance of whatever class
_COPYING = frozenset(
    {"cls", "klass", "replace", "_replace", "evolve", "copy", "model_copy", "construct", "model_construct"}
)


class _Reader(SignatureReader):
    def __init__(self, n_lines: int) -> None:
        self.units: list[Unit | None] = [None]
        last = max(n_lines, 1)
        super().__init__(
            Draft(Header(0, "module", "", "", -1, 1, 0, last, 0, False), Block("body", -1, 1, last))
        )

    def read(self, tree: ast.Module) -> tuple[Unit, ...]:
        self._statements(tree.body)
        self.units[0] = self.draft.finish(())
        return tuple([unit for unit in self.units if unit is not None])

    def _statements(self, body: Iterable[ast.stmt]) -> None:
        for statement in body:
            STATEMENTS[type(statement)](self, statement)

    def _block(
        self,
        kind: BlockKind,
        line: int,
        body: Sequence[ast.stmt],
        group: int,
        test: Expr | None = None,
    ) -> None:
        outer = self.draft.open(kind, line, body[-1].end_lineno or 0, test, group=group)
        self._statements(body)
        self.draft.block = outer

    # --- units -----------------------------------------------------------------------------------------

    def _enter(self, kind: UnitKind, name: str, node: Any, body_line: int, is_async: bool = False) -> Draft:
        outer = self.draft
        index = len(self.units)
        self.units.append(None)
        above = outer.header
        path = name
        if above.qualname:
            path = (
                f"{above.qualname}.{name}" if above.kind == "class" else f"{above.qualname}.<locals>.{name}"
            )
        if len(path) > _MAX_PATH:
            path = "…" + path[-_MAX_PATH:]
        header = Header(
            index,
            kind,
            name,
            path,
            above.index,
            node.lineno,
            node.col_offset,
            node.end_lineno,
            node.end_col_offset,
            is_async,
        )
        self.draft = Draft(header, Block("body", -1, body_line, node.end_lineno))
        return outer

    def _function(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        decorators = tuple([self.decorator(part) for part in node.decorator_list])
        type_params = self.type_params(node)
        params = self.params(node.args)
        returns = self.annotation(node.returns)
        outer = self._define(node, "function", node.body[0].lineno, type(node) is ast.AsyncFunctionDef)
        bound = self.draft.bound
        for name in (*type_params, *(param.name for param in params)):
            bound[name] = None
        self._statements(node.body)
        self.units[self.draft.header.index] = self.draft.finish(params, decorators, returns=returns)
        self.draft = outer

    def _class(self, node: ast.ClassDef) -> None:
        decorators = tuple([self.decorator(part) for part in node.decorator_list])
        type_params = self.type_params(node)
        bases = tuple(
            [
                Star(self.chain(base.value)) if isinstance(base, ast.Starred) else self.chain(base)
                for base in node.bases
            ]
        )
        keywords = tuple([(keyword.arg or "", self.chain(keyword.value)) for keyword in node.keywords])
        outer = self._define(node, "class", node.body[0].lineno)
        self.draft.bound.update(dict.fromkeys(type_params))
        self._statements(node.body)
        self.units[self.draft.header.index] = self.draft.finish((), decorators, bases, keywords)
        self.draft = outer

    def _define(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef,
        kind: UnitKind,
        body_line: int,
        is_async: bool = False,
    ) -> Draft:
        draft = self.draft
        draft.bound[node.name] = None
        draft.events.append(Define(*draft.at(node), len(self.units)))
        return self._enter(kind, node.name, node, body_line, is_async)

    def read_lambda(self, node: ast.Lambda) -> int:
        params = self.params(node.args)
        depth, self.depth = self.depth, 0
        outer = self._enter("lambda", "<lambda>", node, node.body.lineno)
        for param in params:
            self.draft.bound[param.name] = None
        self._returned(node.body, node.body)
        index = self.draft.header.index
        self.units[index] = self.draft.finish(params)
        self.draft = outer
        self.depth = depth
        return index

    # --- simple statements ---------------------------------------------------------------------------------

    def _expression(self, node: ast.Expr) -> None:
        value = node.value
        if type(value) is not ast.Constant:
            self.used(value, "statement")

    def _assign(self, node: ast.Assign) -> None:
        value = self.expr(node.value)
        for target in node.targets:
            self.target(target, value, "assign")

    def _annotated(self, node: ast.AnnAssign) -> None:
        annotation = self.annotation(node.annotation)
        if node.value is not None:
            self.target(node.target, self.expr(node.value), "assign", annotation)
        else:
            self.target(node.target, None, "annotation", annotation)

    def _augmented(self, node: ast.AugAssign) -> None:
        draft, target, op = self.draft, node.target, OPERATORS[type(node.op)]
        if isinstance(target, ast.Name):
            self.draft.bind(target, target.id, self.expr(node.value), "aug", None, op)
        elif isinstance(target, ast.Attribute):
            obj = self.chain(target.value)
            value = self.expr(node.value)
            draft.events.append(SetAttr(*draft.at(target), obj, target.attr, value, "aug", op))
        else:
            obj = self.chain(target.value)
            index = self.expr(target.slice)
            value = self.expr(node.value)
            draft.events.append(SetItem(*draft.at(target), obj, index, value, "aug", op))

    def _delete(self, node: ast.Delete) -> None:
        for target in node.targets:
            self.target(target, None, "delete")

    def _return(self, node: ast.Return) -> None:
        self._returned(node, node.value)

    def _returned(self, node: Any, value: ast.expr | None) -> None:
        expr = None if value is None else self.used(value, "return")
        self.draft.events.append(Return(*self.draft.at(node), expr))

    def _raise(self, node: ast.Raise) -> None:
        value = self.optional(node.exc)
        if node.cause is not None:
            self.expr(node.cause)
        self.draft.events.append(Raise(*self.draft.at(node), value))

    def _jump(self, node: ast.Break | ast.Continue) -> None:
        kind: Literal["break", "continue"] = "break" if isinstance(node, ast.Break) else "continue"
        self.draft.events.append(Jump(*self.draft.at(node), kind))

    def _assert(self, node: ast.Assert) -> None:
        self.expr(node.test)
        if node.msg is not None:
            self.expr(node.msg)

    def _global(self, node: ast.Global) -> None:
        # In the module body the statement changes nothing.
        if self.draft.header.kind != "module":
            self.draft.globals.update(dict.fromkeys(node.names))

    def _nonlocal(self, node: ast.Nonlocal) -> None:
        self.draft.nonlocals.update(dict.fromkeys(node.names))

    def _import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._imported(alias, alias.name, None, 0)
            self.draft.bound[alias.asname or alias.name.partition(".")[0]] = None

    def _import_from(self, node: ast.ImportFrom) -> None:
        for alias in node.names:
            self._imported(alias, node.module or "", alias.name, node.level)
            if alias.name != "*":
                self.draft.bound[alias.asname or alias.name] = None

    def _imported(self, alias: ast.alias, module: str, name: str | None, level: int) -> None:
        self.draft.events.append(Import(*self.draft.at(alias), module, name, alias.asname, level))

    def _type_alias(self, node: Any) -> None:
        self.type_params(node)
        # Its value is evaluated late, if ever: it reads what a plain assignment would.
        self.draft.bind(node.name, node.name.id, self.expr(node.value), "assign")

    # --- compound statements ---------------------------------------------------------------------------------

    def _if(self, node: ast.If) -> None:
        test = self.expr(node.test)
        group = self.draft.next_group()
        self._block("if", node.lineno, node.body, group, test)
        if node.orelse:
            self._block("else", node.orelse[0].lineno, node.orelse, group)

    def _while(self, node: ast.While) -> None:
        draft = self.draft
        group = draft.next_group()
        outer = draft.open("while", node.lineno, node.body[-1].end_lineno or 0, group=group)
        draft.set_test(self.expr(node.test))
        self._statements(node.body)
        draft.block = outer
        if node.orelse:
            self._block("loop-else", node.orelse[0].lineno, node.orelse, group)

    def _for(self, node: ast.For | ast.AsyncFor) -> None:
        draft = self.draft
        iterable = self.used(node.iter, "for")
        group = draft.next_group()
        is_async = type(node) is ast.AsyncFor
        outer = draft.open(
            "for",
            node.lineno,
            node.body[-1].end_lineno or 0,
            iterable,
            _target_name(node.target),
            is_async,
            group,
        )
        if is_async:
            self.awaits(node.iter, iterable)
        self.target(node.target, iterable, "for")
        self._statements(node.body)
        draft.block = outer
        if node.orelse:
            self._block("loop-else", node.orelse[0].lineno, node.orelse, group)

    def _try(self, node: Any) -> None:
        group = self.draft.next_group()
        self._block("try", node.lineno, node.body, group)
        for handler in node.handlers:
            self._except(handler, group)
        if node.orelse:
            self._block("try-else", node.orelse[0].lineno, node.orelse, group)
        if node.finalbody:
            self._block("finally", node.finalbody[0].lineno, node.finalbody, group)

    def _except(self, node: ast.ExceptHandler, group: int) -> None:
        draft = self.draft
        outer = draft.open("except", node.lineno, node.end_lineno or 0, None, node.name or "", group=group)
        if isinstance(node.type, ast.Tuple):
            draft.set_test(Seq("tuple", tuple([self.chain(item) for item in node.type.elts])))
        elif node.type is not None:
            draft.set_test(Seq("tuple", (self.chain(node.type),)))
        if node.name:
            self.draft.bind(node.type or node, node.name, None, "except")
        self._statements(node.body)
        draft.block = outer

    def _with(self, node: ast.With | ast.AsyncWith) -> None:
        draft = self.draft
        outer = draft.block
        is_async = type(node) is ast.AsyncWith
        for item in node.items:
            manager = self.used(item.context_expr, "with")
            target = item.optional_vars
            name = _target_name(target) if target is not None else ""
            test = Seq("tuple", (manager,))
            draft.open("with", node.lineno, node.end_lineno or 0, test, name, is_async)
            if is_async:
                self.awaits(item.context_expr, manager)
            if target is not None:
                self.target(target, manager, "with")
        self._statements(node.body)
        draft.block = outer

    def _match(self, node: ast.Match) -> None:
        draft = self.draft
        subject = self.expr(node.subject)
        group = draft.next_group()
        for case in node.cases:
            outer = draft.open("case", case.pattern.lineno, case.body[-1].end_lineno or 0, group=group)
            shape = pattern(self, case.pattern)
            for place, name in captured(case.pattern):
                self.draft.bind(place, name, subject, "match")
            guard = self.optional(case.guard)
            if shape is not None or guard is not None:
                asked = (subject, shape or Other("MatchAs"))
                draft.set_test(Op("match", asked if guard is None else (*asked, guard)))
            self._statements(case.body)
            draft.block = outer

    def _unknown_statement(self, node: ast.stmt) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.expr):
                self.expr(child)
            elif isinstance(child, ast.stmt):
                self._statements([child])


def _target_name(node: ast.expr) -> str:
    return node.id if isinstance(node, ast.Name) else ""


class _Handlers(dict[type[ast.AST], Callable[[Any, Any], None]]):
    def __missing__(self, kind: type[ast.AST]) -> Callable[[Any, Any], None]:
        # A statement that a newer Python brings: its parts are still read.
        return _Reader._unknown_statement


_R = _Reader
STATEMENTS = _Handlers(
    {
        ast.FunctionDef: _R._function,
        ast.AsyncFunctionDef: _R._function,
        ast.ClassDef: _R._class,
        ast.Expr: _R._expression,
        ast.Assign: _R._assign,
        ast.AnnAssign: _R._annotated,
        ast.AugAssign: _R._augmented,
        ast.Delete: _R._delete,
        ast.Return: _R._return,
        ast.Raise: _R._raise,
        ast.Break: _R._jump,
        ast.Continue: _R._jump,
        ast.Assert: _R._assert,
        ast.Global: _R._global,
        ast.Nonlocal: _R._nonlocal,
        ast.Import: _R._import,
        ast.ImportFrom: _R._import_from,
        ast.If: _R._if,
        ast.While: _R._while,
        ast.For: _R._for,
        ast.AsyncFor: _R._for,
        ast.Try: _R._try,
        ast.With: _R._with,
        ast.AsyncWith: _R._with,
        ast.Match: _R._match,
    }
)
for _new, _handler in (("TryStar", _R._try), ("TypeAlias", _R._type_alias)):
    if hasattr(ast, _new):
        STATEMENTS[getattr(ast, _new)] = _handler
