"""What a call passes."""

from __future__ import annotations

from proctor.model.fact import Call, Expr, Star


def given(call: Call, name: str, position: int | None) -> Expr | None:
    """The expression passed for an argument by keyword or position; None where it is absent or hidden in `*args`."""
    if name:
        for keyword, value in call.keywords:
            if keyword == name:
                return value
    if position is not None and 0 <= position < len(call.args):
        if any(isinstance(arg, Star) for arg in call.args[: position + 1]):
            return None
        return call.args[position]
    return None


def is_open(call: Call) -> bool:
    """Whether `*args` or `**kwargs` may hide an argument."""
    return any(not keyword for keyword, _ in call.keywords) or any(isinstance(arg, Star) for arg in call.args)
