"""YAML and JSON documents with the lines of their values, read without ever expanding them.

Aliases stay shared nodes and are followed only where a reader asks, so a document cannot blow up.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import yaml

MAX_BYTES = 2_000_000
#: more merge keys than this on the way to one value are a circle
_MAX_MERGES = 10


class UnreadableDocument(Exception):
    """A document cannot be read; the message is a reason without a full stop."""


@dataclass(frozen=True)
class Value:
    """One value of a document; an absent one has no node and answers everything with nothing."""

    node: yaml.Node | None = None

    @property
    def line(self) -> int:
        """Where it stands, from 1."""
        return self.node.start_mark.line + 1 if self.node is not None else 1

    @property
    def column(self) -> int:
        """Where it stands in its line, in characters from 0."""
        return self.node.start_mark.column if self.node is not None else 0

    def __bool__(self) -> bool:
        return self.node is not None and not self._is_null()

    def _is_null(self) -> bool:
        return self.node is not None and self.node.tag == "tag:yaml.org,2002:null"

    @property
    def is_mapping(self) -> bool:
        """Whether it has keys."""
        return _kind(self.node) == "mapping"

    @property
    def is_list(self) -> bool:
        """Whether it has items."""
        return _kind(self.node) == "sequence"

    @property
    def text(self) -> str:
        """The text of a scalar as written ("" for anything else)."""
        return str(self.node.value) if self.node is not None and _kind(self.node) == "scalar" and self else ""

    @property
    def number(self) -> int | None:
        """The whole number it is, or None."""
        return int(self.text) if self.text.isdigit() and len(self.text) < 10 else None

    @property
    def is_true(self) -> bool:
        """Whether it is a true boolean."""
        return self.text.lower() in ("true", "yes", "on")

    def items(self, depth: int = 0) -> Iterator[tuple[str, Value]]:
        """The keys of a mapping with their values; merged ones (`<<`) last."""
        if self.node is None or not self.is_mapping or depth > _MAX_MERGES:
            return
        merged: list[Value] = []
        for key, value in self.node.value:
            if key.tag == "tag:yaml.org,2002:merge" or (_kind(key) == "scalar" and key.value == "<<"):
                found = Value(value)
                merged += list(found.list()) if found.is_list else [found]
            elif _kind(key) == "scalar":
                yield str(key.value), Value(value)
        for each in merged:
            yield from each.items(depth + 1)

    def get(self, *path: str) -> Value:
        """The value below these keys."""
        found = self
        for name in path:
            found = next((value for key, value in found.items() if key == name), Value())
        return found

    def own(self, name: str) -> Value:
        """The value below a key that stands in this mapping itself, and is not merged into it."""
        for key, value in self.node.value if self.node is not None and self.is_mapping else ():
            if _kind(key) == "scalar" and key.value == name:
                return Value(value)
        return Value()

    def over(self, below: Value, only: frozenset[str] = frozenset()) -> Value:
        """This mapping with the keys of `below` (`only` these, if given) where it has none of its own."""
        import yaml

        if self.node is None or not self.is_mapping or not below.is_mapping:
            return self
        assert below.node is not None
        pairs = [pair for pair in below.node.value if not only or getattr(pair[0], "value", None) in only]
        rest = yaml.MappingNode(below.node.tag, pairs, below.node.start_mark, below.node.end_mark)
        merge = yaml.ScalarNode("tag:yaml.org,2002:merge", "<<", rest.start_mark, rest.end_mark)
        return Value(
            yaml.MappingNode(
                self.node.tag, [*self.node.value, (merge, rest)], self.node.start_mark, self.node.end_mark
            )
        )

    def list(self) -> Iterator[Value]:
        """The items of a sequence."""
        if self.node is not None and self.is_list:
            for node in self.node.value:
                yield Value(node)

    def texts(self) -> tuple[str, ...]:
        """The texts of a sequence's scalars, or of one scalar."""
        if self.is_list:
            return tuple(value.text for value in self.list() if _kind(value.node) == "scalar")
        return (self.text,) if self.text else ()


def _kind(node: yaml.Node | None) -> str:
    return str(getattr(node, "id", ""))


def read_yaml(content: bytes) -> tuple[Value, ...]:
    """The documents of a YAML file. Raises UnreadableDocument."""
    text = _text(content)
    if "{{" in text and "}}" in text:
        raise UnreadableDocument("it is a template, which has no values before it is rendered")
    return _compose(text)


def read_json(content: bytes) -> Value:
    """The value of a JSON file. Raises UnreadableDocument."""
    # JSON is YAML but for tabs, and so has lines
    documents = _compose(_text(content).replace("\t", " "))
    return documents[0] if documents else Value()


def _text(content: bytes) -> str:
    if len(content) > MAX_BYTES:
        raise UnreadableDocument(f"it has {len(content):,} bytes")
    return content.decode("utf-8-sig", "replace")


def _compose(text: str) -> tuple[Value, ...]:
    import yaml

    loader: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return tuple(Value(node) for node in yaml.compose_all(text, Loader=loader))
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" at line {mark.line + 1}" if mark is not None else ""
        raise UnreadableDocument(f"it is not valid{where}") from error
    except (ValueError, RecursionError) as error:
        raise UnreadableDocument("it is not valid") from error
