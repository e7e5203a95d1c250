"""Sums, conditions and conversions of values, whoever decides them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from proctor.model.partial import HOLE
from proctor.model.place import Place
from proctor.model.program import FromEnv, Known, Unknown, Value

Names = dict[str, tuple[Value, Place]]


_TRUE = frozenset({"1", "true", "yes", "on", "t", "y"})


def plain(value: Value) -> Any:
    """A Python value from a wholly known one; raises LookupError where a part is not known."""
    if not isinstance(value, Known):
        raise LookupError
    inner = value.value
    if isinstance(inner, list):
        return [plain(item) for item in inner]
    if isinstance(inner, dict):
        return {key: plain(item) for key, item in inner.items()}
    return inner


def lift(value: Value, function: Callable[[Any], Any]) -> Value:
    """`function` over a value, whoever decides it."""
    if isinstance(value, FromEnv):
        fallback = lift(value.fallback, function) if value.fallback is not None else None
        return FromEnv(value.variable, fallback, text=value.text if function is str else "")
    if isinstance(value, Known):
        try:
            return Known(function(plain(value)))
        except LookupError:
            return Unknown("a part of it is not known")
        except Exception:  # the analysed expression would fail in the same way
            return Unknown("it cannot be computed")
    return value


def written(value: Value) -> str:
    """A value as a text, with holes for what is not known of it."""
    if isinstance(value, Known):
        return str(value.value) if isinstance(value.value, str | int | float) else HOLE
    return value.text or HOLE


def partly(value: Value, text: str) -> Value:
    """A value of which no more is known than parts of its text."""
    if isinstance(value, FromEnv | Unknown) and text.replace(HOLE, ""):
        return msgspec.structs.replace(value, text=text)
    return value


def joined(values: Sequence[Value]) -> str:
    """A path of several parts, with holes; "" where none of them is a text."""
    return "/".join(map(written, values)) if any(map(_is_text, values)) else ""


def filled(template: str, values: Sequence[Value], named: Mapping[str, Value] | None = None) -> str:
    """A template with its values, or holes for them; "" where it cannot be filled. With `named` it is one for
    `str.format`."""
    texts = tuple(map(written, values))
    try:
        if named is None:
            return template % texts
        return template.format(*texts, **{name: written(value) for name, value in named.items()})
    except (TypeError, ValueError, LookupError, AttributeError):
        return ""


def _is_text(value: Value) -> bool:
    return isinstance(value.value, str) if isinstance(value, Known) else bool(value.text)


def cast(text: str, kind: str) -> Any:
    """An environment variable's text as the value that the code makes of it."""
    if kind == "bool":
        return text.strip().lower() in _TRUE
    if kind == "int":
        try:
            return int(text)
        except ValueError:
            return text
    return text


def truthy(value: Value) -> Value:
    """A list without the items that are known to be false."""
    if isinstance(value, Known) and isinstance(value.value, list):
        return Known([item for item in value.value if not isinstance(item, Known) or item.value])
    return value


def wrapped(value: Value) -> Value:
    """Lists computed by Python functions hold bare items: wrap them."""
    if isinstance(value, Known) and isinstance(value.value, list):
        return Known(
            [item if isinstance(item, Known | FromEnv | Unknown) else Known(item) for item in value.value]
        )
    return value


def add(left: Value, right: Value) -> Value:
    """`left + right`, also of lists and mappings of which parts are not known."""
    if isinstance(left, Known) and isinstance(right, Known):
        if isinstance(left.value, list) and isinstance(right.value, list):
            return Known([*left.value, *right.value])
        if isinstance(left.value, dict) and isinstance(right.value, dict):
            return Known({**left.value, **right.value})
        try:
            return Known(left.value + right.value)
        except TypeError:
            return Unknown("it cannot be computed")
    if isinstance(left, Known) and isinstance(left.value, list):
        return Known([*left.value, right])
    if isinstance(right, Known) and isinstance(right.value, list):
        return Known([left, *right.value])
    text = written(left) + written(right) if _is_text(left) or _is_text(right) else ""
    return partly(_unknown_sum(left, right), text)


def _unknown_sum(left: Value, right: Value) -> Value:
    for value, other in ((left, right), (right, left)):
        if isinstance(value, FromEnv):
            fallback = value.fallback
            if isinstance(fallback, Known) and isinstance(other, Known):
                pair = (fallback, other) if value is left else (other, fallback)
                return FromEnv(value.variable, add(*pair))
            return FromEnv(value.variable, Unknown("it is computed") if fallback is not None else None)
    return Unknown("it is computed")


def combine(function: Callable[[Any, Any], Any], left: Value, right: Value) -> Value:
    """`function` over two values, whoever decides them."""
    if isinstance(right, Known):
        other = right
        return lift(left, lambda value: function(value, plain(other)))
    if isinstance(left, Known):
        first = left
        return lift(right, lambda value: function(plain(first), value))
    for value in (left, right):
        if isinstance(value, FromEnv):
            return FromEnv(value.variable, Unknown("it is computed"))
    return Unknown("it is computed")


def either(name: str, left: Value, right: Value) -> Value:
    """`left or right`, or `left and right`, as `name` says."""
    if isinstance(left, Known):
        return left if bool(left.value) == (name == "or") else right
    if isinstance(left, FromEnv):
        if name == "or":
            fallback = right if left.fallback is None else either("or", left.fallback, right)
            return FromEnv(left.variable, fallback)
        return FromEnv(
            left.variable, Known(False) if left.fallback is None else either("and", left.fallback, right)
        )
    if isinstance(right, FromEnv):
        return FromEnv(right.variable, Unknown("it is computed"))
    return Unknown("it is computed")


def conditional(test: FromEnv, value: Value, before: tuple[Value, Place] | None) -> Value:
    """A value set under a condition that the environment decides; without the variable the test's fallback rules."""
    without = test.fallback
    while isinstance(without, FromEnv) and without.fallback is not None:
        without = without.fallback
    if isinstance(without, Known):
        return FromEnv(test.variable, value if without.value else (before[0] if before else None))
    if without is None or isinstance(without, FromEnv):
        return FromEnv(test.variable, before[0] if before else value)
    return FromEnv(test.variable, Unknown("it is computed"))


def with_item(container: Value, path: list[Value], value: Value) -> Value:
    """A mapping in which the item under nested keys is `value`."""
    if not path:
        return value
    key = path[0]
    if (
        not isinstance(container, Known)
        or not isinstance(container.value, dict)
        or not isinstance(key, Known)
    ):
        return container
    try:
        inner = container.value.get(key.value, Known({}))
    except TypeError:
        return container
    if not isinstance(inner, Known | FromEnv | Unknown):
        inner = Known(inner)
    return Known({**container.value, key.value: with_item(inner, path[1:], value)})


def item_at(container: Value, path: Sequence[Value]) -> Value | None:
    """The item of a mapping under nested keys, or None where it is not there."""
    for key in path:
        if (
            not isinstance(container, Known)
            or not isinstance(container.value, dict)
            or not isinstance(key, Known)
        ):
            return None
        try:
            found = container.value.get(key.value)
        except TypeError:
            return None
        if found is None:
            return None
        container = found if isinstance(found, Known | FromEnv | Unknown) else Known(found)
    return container


def updated(items: Mapping[Any, Value], more: Value) -> Mapping[Any, Value]:
    """The items that `update(more)` may change, with their new values."""
    if isinstance(more, Known):
        return more.value if isinstance(more.value, dict) else {}
    if isinstance(more, FromEnv):
        return {key: FromEnv(more.variable, value) for key, value in items.items()}
    return {key: Unknown("it may be replaced by what is computed") for key in items}


def descend(value: Value, path: list[str]) -> Value | None:
    """The value below nested keys; None where a known dict lacks one."""
    if not path:
        return value
    if isinstance(value, FromEnv):
        if value.fallback is None:
            return value
        inside = descend(value.fallback, path)
        return None if inside is None else FromEnv(value.variable, inside)
    if isinstance(value, Known):
        inner: Value | None = None
        if isinstance(value.value, dict):
            inner = value.value.get(path[0])
        elif isinstance(value.value, list) and path[0].isdigit() and int(path[0]) < len(value.value):
            inner = value.value[int(path[0])]
        return None if inner is None else descend(inner, path[1:])
    return value


def each_below(value: Value, path: Sequence[str]) -> Iterator[tuple[str, Value]]:
    """The values below nested keys, each with its dotted name; `*` stands for each key of a mapping."""
    if not path:
        yield "", value
    elif isinstance(value, FromEnv):
        if value.fallback is not None:
            for name, inside in each_below(value.fallback, path):
                yield name, FromEnv(value.variable, inside)
    elif isinstance(value, Known) and isinstance(value.value, dict):
        for key in value.value if path[0] == "*" else path[:1]:
            inner = value.value.get(key)
            if inner is not None:
                for name, inside in each_below(inner, path[1:]):
                    yield f"{key}.{name}".rstrip("."), inside
