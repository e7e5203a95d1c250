"""TOML values checked against the structs that they fill, with errors that say what to write instead."""

from __future__ import annotations

import datetime
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from proctor.errors import ConfigurationError

T = TypeVar("T")

_SCALARS: dict[type[inspect.Type], tuple[type, str]] = {
    inspect.StrType: (str, "a text"),
    inspect.IntType: (int, "a whole number"),
    inspect.FloatType: (float, "a number"),
    inspect.BoolType: (bool, "true or false"),
    inspect.NoneType: (type(None), "nothing"),
}
_SHAPES: dict[type, inspect.Type] = {}
_CLOSED: dict[type, bool] = {}


def fill(table: Mapping[str, Any], shape: type[T], file: str, key: str = "") -> T:
    """The struct `shape` made of a TOML table. A value that is no list is taken as a list of one where
    a list is due, and a date as its ISO text where a text is.

    Raises ConfigurationError naming `file`, the key (below `key`) and the nearest valid one.
    """
    if shape not in _CLOSED:
        _CLOSED[shape] = _is_closed(_type_info(shape))
    if _CLOSED[shape] and not _holds_date(table):
        try:
            return msgspec.convert(table, shape)  # most files are as they should be, and this is quick
        except msgspec.ValidationError:
            pass
    checked = _check(dict(table), _type_info(shape), file, key)
    return msgspec.convert(checked, shape)


def _holds_date(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_holds_date(each) for each in value.values())
    if isinstance(value, list):
        return any(_holds_date(each) for each in value)
    return isinstance(value, (datetime.date, datetime.time))


def _is_closed(shape: inspect.Type) -> bool:
    """Whether `msgspec` itself refuses whatever is no part of a struct, at any depth."""
    todo = [shape]
    seen: set[type] = set()
    while todo:
        kind = todo.pop()
        if isinstance(kind, inspect.StructType) and kind.cls not in seen:
            seen.add(kind.cls)
            if not kind.cls.__struct_config__.forbid_unknown_fields:
                return False
            todo.extend(field.type for field in kind.fields)
        elif isinstance(
            kind, (inspect.VarTupleType, inspect.ListType, inspect.SetType, inspect.FrozenSetType)
        ):
            todo.append(kind.item_type)
        elif isinstance(kind, inspect.DictType):
            todo.append(kind.value_type)
        elif isinstance(kind, inspect.UnionType):
            todo.extend(kind.types)
        elif isinstance(kind, inspect.Metadata):
            todo.append(kind.type)
    return True


def _type_info(shape: type) -> inspect.Type:
    # looking at a struct takes longer than checking a table against it
    if shape not in _SHAPES:
        _SHAPES[shape] = inspect.type_info(shape)
    return _SHAPES[shape]


def nearest(word: str, valid: Iterable[str]) -> str:
    """A clause that helps with a wrong word: the nearest valid one, or all of them if none is near."""
    import difflib  # only a wrong word needs it

    options = sorted(valid)
    close = difflib.get_close_matches(word, options, n=1, cutoff=0.5)
    if close:
        return f"the nearest valid one is `{close[0]}`"
    return "valid are " + ", ".join(f"`{option}`" for option in options)


def _check(value: Any, kind: inspect.Type, file: str, key: str) -> Any:
    if isinstance(kind, inspect.AnyType):
        return _check_plain(value, file, key)
    if isinstance(kind, inspect.Metadata):
        return _check(value, kind.type, file, key)
    if isinstance(kind, inspect.StructType):
        return _check_table(value, kind, file, key)
    if isinstance(kind, (inspect.VarTupleType, inspect.ListType, inspect.SetType, inspect.FrozenSetType)):
        several = isinstance(value, (list, tuple))
        items = value if several else [value]
        return [
            _check(item, kind.item_type, file, f"{key}[{index}]" if several else key)
            for index, item in enumerate(items)
        ]
    if isinstance(kind, inspect.DictType):
        if not isinstance(value, dict):
            raise _wrong(file, key, "a table", value)
        return {name: _check(each, kind.value_type, file, _below(key, name)) for name, each in value.items()}
    if isinstance(kind, inspect.UnionType):
        return _check_union(value, kind, file, key)
    if isinstance(kind, inspect.LiteralType):
        return _check_word(value, kind, file, key)
    return _check_scalar(value, kind, file, key)


def _check_table(value: Any, kind: inspect.StructType, file: str, key: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(file, key, "a table", value)
    fields = {field.encode_name: field for field in kind.fields}
    for name in value:
        if name not in fields:
            raise ConfigurationError(f"{file}: unknown key `{_below(key, name)}`; {nearest(name, fields)}.")
    for name, field in fields.items():
        if field.required and name not in value:
            raise ConfigurationError(f"{file}: the key `{_below(key, name)}` is missing.")
    return {name: _check(each, fields[name].type, file, _below(key, name)) for name, each in value.items()}


def _check_union(value: Any, kind: inspect.UnionType, file: str, key: str) -> Any:
    first: ConfigurationError | None = None
    for option in kind.types:
        try:
            return _check(value, option, file, key)
        except ConfigurationError as error:
            first = first or error
    words = [
        word for option in kind.types if isinstance(option, inspect.LiteralType) for word in option.values
    ]
    if words and isinstance(value, str):
        raise _not_a_word(value, words, file, key)
    names = [_SCALARS[type(option)][1] for option in kind.types if type(option) in _SCALARS]
    if len(names) == len(kind.types):
        raise _wrong(file, key, " or ".join(name for name in names if name != "nothing"), value)
    assert first is not None
    raise first


def _check_word(value: Any, kind: inspect.LiteralType, file: str, key: str) -> Any:
    if value in kind.values and not isinstance(value, bool):
        return value
    raise _not_a_word(value, kind.values, file, key)


def _not_a_word(value: Any, words: Iterable[Any], file: str, key: str) -> ConfigurationError:
    options = [str(word) for word in words if word != ""]
    return ConfigurationError(f"{file}: `{key}` cannot be `{value}`; {nearest(str(value), options)}.")


def _check_scalar(value: Any, kind: inspect.Type, file: str, key: str) -> Any:
    wanted, article = _SCALARS[type(kind)]
    if wanted is str and isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    if wanted is float and type(value) is int:
        return value
    if type(value) is not wanted:
        raise _wrong(file, key, article, value)
    return value


def _check_plain(value: Any, file: str, key: str) -> Any:
    if isinstance(value, dict):
        return {name: _check_plain(each, file, _below(key, name)) for name, each in value.items()}
    if isinstance(value, list):
        return [_check_plain(each, file, f"{key}[{index}]") for index, each in enumerate(value)]
    if isinstance(value, (datetime.date, datetime.time)):
        return value.isoformat()
    return value


def _wrong(file: str, key: str, wanted: str, value: Any) -> ConfigurationError:
    return ConfigurationError(f"{file}: `{key}` must be {wanted}, not {_shown(value)}.")


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    return f"`{value}`"


def _below(key: str, name: str) -> str:
    return f"{key}.{name}" if key else name
