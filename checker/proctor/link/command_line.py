"""Conditions that ask which words a program was started with (`"runserver" in sys.argv`)."""

from __future__ import annotations

from collections.abc import Iterable

from proctor.link.memory import Refs
from proctor.link.names import World
from proctor.link.scopes import Scope
from proctor.model.fact import Const, Expr, Item, Op, Seq
from proctor.model.process import ResolvedProcess
from proctor.model.program import Known, LibRef

_ARGV: Refs = (LibRef("sys.argv"),)
#: operators that ask for a word -> the answer where no command has it
_ASKING = {"in": False, "==": False, "not in": True, "!=": True}


def words_of(resolved: Iterable[ResolvedProcess]) -> frozenset[str] | None:
    """All words of the commands that start programs; None where the environment decides one."""
    words = frozenset(word for each in resolved for launch in each.launches for word in launch.words)
    return None if any("$" in word for word in words) else words


def unsaid(expr: Op, world: World, scope: Scope) -> Known | None:
    """The answer to a condition that asks for words that no command of the app has, or None."""
    if world.said is None or expr.name not in _ASKING or len(expr.operands) != 2:
        return None
    left, right = expr.operands
    asked = [*_texts(left), *_texts(right)]
    if not asked or not world.said.isdisjoint(asked):
        return None
    holder = right if isinstance(left, Const) else left
    whole = expr.name in ("in", "not in") and holder is right
    return Known(_ASKING[expr.name]) if _is_argv(holder, whole, world, scope) else None


def _texts(expr: Expr) -> list[str]:
    items = expr.items if isinstance(expr, Seq) else (expr,)
    texts = [item.value for item in items if isinstance(item, Const) and isinstance(item.value, str)]
    return texts if len(texts) == len(items) else []


def _is_argv(expr: Expr, whole: bool, world: World, scope: Scope) -> bool:
    """Whether an expression is `sys.argv` or some of it; one word where `whole` is False, and that not the program's name."""
    if isinstance(expr, Item) and not (isinstance(expr.index, Const) and (whole or expr.index.value == 0)):
        return world.resolve(expr.value, scope) == _ARGV
    return whole and world.resolve(expr, scope) == _ARGV
