"""Computed module names: which modules of the tree they may mean."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

from proctor.link.memory import Refs
from proctor.link.scopes import Binding, Scope, fixed_prefix
from proctor.model.fact import Attr, Bind, Call, Choice, Const, Expr, Item, Name, Op, Result, Seq, Text
from proctor.model.program import ConstRef, ModRef
from proctor.model.tree import SourceTree

_MAX_DEPTH = 6


class Rooted(Protocol):
    """Something that knows the import folders."""

    @property
    def roots(self) -> tuple[str, ...]:
        """The import folders."""
        ...


class Named(Rooted, Protocol):
    """What computed names ask of name resolution."""

    @property
    def tree(self) -> SourceTree:
        """The files."""
        ...

    def find_module(self, dotted: str) -> str | None:
        """The tree's file (or namespace folder) for an absolute module name."""
        ...

    def resolve(self, expr: Expr | None, scope: Scope) -> Refs:
        """All that `expr` may stand for in `scope`."""
        ...

    def lookup(self, name: str, scope: Scope) -> list[Binding]:
        """The bindings of a name."""
        ...


def family(world: Named, expr: Expr, scope: Scope, package: Expr | None = None) -> list[str]:
    """The modules of which `import_module(f"plugins.{name}")` may mean any: all of the package that the name begins with,
    or over whose files it is taken in turn. Of a folder that is no package it can only be the modules inside.
    `package` is what a name that begins with a dot is relative to."""
    if isinstance(expr, Const):
        return []
    prefix = _prefix(world, expr, scope, package) or _walked(world, expr, scope)
    prefixes = [prefix] if prefix else _begun(world, expr, scope)
    return [name for each in prefixes for name in _modules_in(world, each)]


def _modules_in(world: Named, prefix: str) -> list[str]:
    path = world.find_module(prefix)
    if path is None or not path.endswith(("/", "/__init__.py")):
        return []
    folder = path.removesuffix("__init__.py")
    names: dict[str, None] = {}
    for file in world.tree.python:
        if file.startswith(folder) and file != path and not is_test(file):
            rest = file[len(folder) :].removesuffix(".py")
            top = rest.partition("/")[0]
            is_package = f"{folder}{top}/__init__.py" in world.tree
            names[top if is_package else rest.replace("/", ".")] = None
    return [f"{prefix}.{name}" for name in names]


def dotted_name(world: Rooted, path: str) -> str:
    """The name by which the module at `path` is imported."""
    root = max((root for root in world.roots if path.startswith(f"{root}/")), key=len, default="")
    inner = path[len(root) + 1 :] if root else path
    return inner.removesuffix(".py").removesuffix("/__init__").strip("/").replace("/", ".")


def is_test(path: str) -> bool:
    """Whether a file holds tests, by the names that test runners look for."""
    folders, _, name = path.rpartition("/")
    return name.startswith("test_") or name in ("tests.py", "conftest.py") or "tests" in folders.split("/")


def _package_of(world: Named, scope: Scope) -> str:
    """The package that a module is, or stands in."""
    return dotted_name(world, f"{scope.module.folder}/")


def _named_module(world: Named, expr: Expr, scope: Scope) -> str:
    """`__name__`, `__package__`, `package.__name__`; "" for anything else."""
    if isinstance(expr, Const) and isinstance(expr.value, str):
        return expr.value
    if isinstance(expr, Name) and expr.id == "__name__":
        return dotted_name(world, scope.module.path)
    if isinstance(expr, Name) and expr.id == "__package__":
        return _package_of(world, scope)
    if isinstance(expr, Attr) and expr.name in ("__name__", "__package__"):
        for ref in world.resolve(expr.value, scope):
            if isinstance(ref, ModRef):
                return dotted_name(world, ref.path)
    return ""


def _prefix(world: Named, expr: Expr, scope: Scope, package: Expr | None) -> str:
    """The package that a text begins with, also where it is relative or begins with a module's own name."""
    fixed = fixed_prefix(expr, scope.unit)
    if fixed:
        return fixed
    parts = expr.parts if isinstance(expr, Text) else expr.operands if isinstance(expr, Op) else ()
    if len(parts) < 2:
        return ""
    begin = "" if isinstance(parts[0], Const) else _named_module(world, parts[0], scope)
    tail = parts[1] if begin else parts[0]
    text = tail.value if isinstance(tail, Const) and isinstance(tail.value, str) else ""
    if not text.startswith("."):
        return ""
    if not begin:
        begin = (_named_module(world, package, scope) if package is not None else "") or _package_of(
            world, scope
        )
    return f"{begin}{text}".rpartition(".")[0]


def _begun(world: Named, expr: Expr, scope: Scope) -> list[str]:
    """The packages whose names a text may begin with (`f"{package}.{name}"`)."""
    parts = expr.parts if isinstance(expr, Text) else ()
    if len(parts) < 2 or not (isinstance(parts[1], Const) and str(parts[1].value).startswith(".")):
        return []
    refs = world.resolve(parts[0], scope)
    return [ref.value for ref in refs if isinstance(ref, ConstRef) and isinstance(ref.value, str)]


def _walked(world: Named, expr: Expr, scope: Scope) -> str:
    """The package over whose `__path__` a loop goes that gives the name."""
    while isinstance(expr, Attr | Item):
        expr = expr.value
    if not isinstance(expr, Name):
        return ""
    for binding in world.lookup(expr.id, scope):
        event = binding.event
        if (
            isinstance(event, Bind)
            and event.how in ("for", "unpack", "comprehension")
            and event.value is not None
        ):
            for each in _inside(world, event.value, binding.scope, 0):
                if each in (Name("__path__"), Name("__file__")):
                    return _package_of(world, binding.scope)
                if isinstance(each, Attr) and each.name in ("__path__", "__file__"):
                    for ref in world.resolve(each.value, binding.scope):
                        if isinstance(ref, ModRef):
                            return dotted_name(world, ref.path)
    return ""


def are_written(world: Named, expr: Expr | None, scope: Scope, depth: int = 0) -> bool:
    """Whether all texts that an expression may be, or that a container may hold, are written out."""
    if depth > _MAX_DEPTH or expr is None:
        return False
    if isinstance(expr, Const):
        return True
    if isinstance(expr, Choice):
        return are_written(world, expr.body, scope, depth + 1) and are_written(
            world, expr.orelse, scope, depth + 1
        )
    if isinstance(expr, Seq):
        return all(are_written(world, item, scope, depth + 1) for item in expr.items)
    if not isinstance(expr, Name):
        return False
    bound = world.lookup(expr.id, scope)
    return bool(bound) and all(
        isinstance(each.event, Bind)
        and each.event.how in ("assign", "for", "comprehension")
        and are_written(world, each.event.value, each.scope, depth + 1)
        and expr not in each.scope.additions
        and not each.scope.module.adders(expr)
        for each in bound
    )


def _inside(world: Named, expr: Expr, scope: Scope, depth: int) -> Iterator[Expr]:
    """An expression, what it is made of, and what the names in it are bound to."""
    if depth > _MAX_DEPTH:
        return
    yield expr
    inner: tuple[Expr, ...] = ()
    if isinstance(expr, Result):
        call = scope.unit.events[expr.event]
        if isinstance(call, Call):
            inner = (call.func, *call.args, *(value for _, value in call.keywords))
    elif isinstance(expr, Seq):
        inner = expr.items
    elif isinstance(expr, Attr | Item):
        inner = (expr.value,)
    elif isinstance(expr, Op):
        inner = expr.operands
    elif isinstance(expr, Text):
        inner = expr.parts
    elif isinstance(expr, Choice):
        inner = (expr.body, expr.orelse)
    elif isinstance(expr, Name):
        for binding in world.lookup(expr.id, scope):
            if isinstance(binding.event, Bind) and binding.event.value is not None and binding.scope is scope:
                inner = (*inner, binding.event.value)
    for each in inner:
        yield from _inside(world, each, scope, depth + 1)
