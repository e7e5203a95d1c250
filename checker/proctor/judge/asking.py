"""Words that the conditions of several judges share, and how they are read from a rule."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import msgspec

from proctor.errors import ConfigurationError
from proctor.judge.summary import kind_of
from proctor.model.program import Hit, ProcessView
from proctor.model.rule import Rule

Words = TypeVar("Words", bound=msgspec.Struct)
Details = dict[str, str | tuple[str, ...]]
_TAKING = ("serves-http", "serves-dev", "consumes-jobs", "runs-bot", "schedules", "receives", "pops")
_WORK = frozenset({"request", "job", "tick", "loop", "thread"})


class ProcessWords(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which programs a rule asks about: `process_does` effects of which the program has at least one (`process_does_not`:
    none), `process_kind` its kinds, `process_drives` trigger families it fires, `long_running` whether it stays, `takes_work` whether requests or
    jobs come to it, or it goes round a loop, as far as can be told: a batch that goes through its own work once does not."""

    process_does: tuple[str, ...] = ()
    process_does_not: tuple[str, ...] = ()
    process_kind: tuple[str, ...] = ()
    process_drives: tuple[str, ...] = ()
    long_running: bool | None = None
    takes_work: bool | None = None


class Wanted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which effects are meant: any of `effect`, with the row's `details` (and without `details_not`), each a word or
    several, done by a library symbol that fits one of the patterns `symbol`."""

    effect: tuple[str, ...] = ()
    details: Details = {}
    details_not: Details = {}
    symbol: tuple[str, ...] = ()


class WantedIn(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The words of `Wanted` beside those of `ProcessWords`."""

    effect: tuple[str, ...] = ()
    details: Details = {}
    details_not: Details = {}
    symbol: tuple[str, ...] = ()


def fits(words: Wanted | WantedIn, hit: Hit) -> bool:
    """Whether a hit is one of those meant."""
    if words.effect and hit.effect not in words.effect:
        return False
    if words.details and not details_fit(words.details, hit.details):
        return False
    if any(details_fit({key: value}, hit.details) for key, value in words.details_not.items()):
        return False
    return not words.symbol or any(fnmatchcase(hit.symbol, pattern) for pattern in words.symbol)


def details_fit(wanted: Details, details: Mapping[str, str]) -> bool:
    """Whether a row's details carry each wanted word (or one of several)."""
    for key, value in wanted.items():
        options = (value,) if isinstance(value, str) else value
        if details.get(key) not in options:
            return False
    return True


def asks_process(words: ProcessWords, view: ProcessView) -> bool:
    """Whether a rule asks about this program at all."""
    if words.long_running is not None and view.stays != words.long_running:
        return False
    if words.takes_work is not None and takes_work(view) != words.takes_work:
        return False
    if words.process_does and not any(effect in view.does for effect in words.process_does):
        return False
    if any(effect in view.does for effect in words.process_does_not):
        return False
    if words.process_kind and kind_of((view,)) not in words.process_kind:
        return False
    return not words.process_drives or bool(view.drives.intersection(words.process_drives))


def takes_work(view: ProcessView) -> bool:
    """Whether requests or jobs come to a program, or it goes round a loop, or a library that nobody knows may see to that."""
    if view.may_stay or any(effect in view.does for effect in _TAKING):
        return True
    if any(context.phase in _WORK for context in view.contexts):
        return True
    return any(context.phase == "loop" or hit.in_main_loop for context, hit in view.hits())


def read_words(rule: Rule, table: Mapping[str, Any], shape: type[Words], where: str) -> Words:
    """The conditions in `table` (`where` it stands in the rule's file) as a struct: a single word stands for a list
    of one. Raises ConfigurationError that names file and word."""
    own = {key: value for key, value in table.items() if key != "judge"}
    try:
        words = msgspec.convert(_listed(own, shape), shape)
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{rule.path}: {where} of {rule.code}: {error}") from None
    if any(_names_no_effect(each) for each in _tables(words)):
        raise ConfigurationError(
            f"{rule.path}: {where} of {rule.code}: neither `effect` nor `symbol` says which effects are meant."
        )
    return words


def alternatives(rule: Rule, key: str) -> Sequence[Mapping[str, Any]]:
    """The conditions of a rule with each table of the list `key` laid over them; as they stand without such a list.
    Raises ConfigurationError where it is no list of tables."""
    table = {name: value for name, value in rule.when.items() if name not in (key, "judge")}
    tables = rule.when.get(key, [{}])
    if not isinstance(tables, list | tuple) or not all(isinstance(each, Mapping) for each in tables):
        raise ConfigurationError(f"{rule.path}: `when.{key}` of {rule.code} must be a list of tables.")
    return [{**table, **each} for each in tables]


def chosen(rule: Rule, key: str, word: object, known: Iterable[str]) -> str:
    """The word by which a rule chooses what is asked. Raises ConfigurationError where it is none of those known."""
    names = tuple(known)
    if not isinstance(word, str) or word not in names:
        shown = ", ".join(f'"{name}"' for name in names)
        raise ConfigurationError(f"{rule.path}: `when.{key}` of {rule.code} must be one of {shown}.")
    return word


def _tables(words: Any) -> Iterator[msgspec.Struct]:
    """A struct of words and those within it that a rule gives."""
    if isinstance(words, msgspec.Struct):
        yield words
        for name, default in _defaults(type(words)):
            value = getattr(words, name)
            if value != default:
                yield from _tables(value)
    elif isinstance(words, tuple):
        for each in words:
            yield from _tables(each)


def _names_no_effect(words: msgspec.Struct) -> bool:
    if not isinstance(words, Wanted | WantedIn) or words.effect or words.symbol:
        return False
    return isinstance(words, WantedIn) or not getattr(words, "given", False)


def _listed(value: Any, shape: Any) -> Any:
    """The value with single words in place of lists of one, as the shape asks for."""
    if isinstance(shape, type) and issubclass(shape, msgspec.Struct):
        if isinstance(value, str) and issubclass(shape, Wanted):
            value = {"effect": value}
        if not isinstance(value, Mapping):
            return value
        fields = _fields(shape)
        return {key: _listed(each, fields.get(key)) for key, each in value.items()}
    arguments = get_args(shape)
    if get_origin(shape) is tuple and arguments:
        items = value if isinstance(value, list | tuple) else [value]
        return [_listed(item, arguments[0]) for item in items]
    for option in arguments:
        if isinstance(option, type) and issubclass(option, msgspec.Struct) and value is not None:
            return _listed(value, option)
    return value


@cache
def _defaults(shape: type[msgspec.Struct]) -> tuple[tuple[str, Any], ...]:
    return tuple((field.name, field.default) for field in msgspec.structs.fields(shape))


@cache
def _fields(shape: type[msgspec.Struct]) -> dict[str, Any]:
    hints = get_type_hints(shape)
    return {field.encode_name: hints[field.name] for field in msgspec.structs.fields(shape)}
