"""Files that are no plain UTF-8 Python of today: read, or refused with the reason and the line."""

from __future__ import annotations

import warnings
from pathlib import Path

import pytest
from fact_text import event_text

from proctor.extract import read_file
from proctor.model.fact import Call, FileFacts, Unread
from proctor.model.tree import MAX_SOURCE_BYTES

HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"
#: fixture -> line and beginning of the reason
REFUSED = {
    "binary": (1, "Python 3."),
    "byte-order-mark-and-cookie": (0, "its encoding cannot be read (encoding problem: iso-8859-1 with BOM)"),
    "conflict-markers": (2, "it holds the markers of an unresolved merge conflict"),
    "mixed-tabs": (3, "Python 3."),
    "null-bytes": (2, "it contains null bytes"),
    "python2-backquotes": (1, "it is written for Python 2: backquotes"),
    "python2-except": (3, "it is written for Python 2: `except Error, name`"),
    "python2-exec": (2, "it is written for Python 2: an `exec` statement"),
    "python2-numbers": (1, "it is written for Python 2: an old number literal"),
    "python2-operator": (1, "it is written for Python 2: the operator `<>`"),
    "python2-print": (4, "it is written for Python 2: a `print` statement"),
    "python2-raise": (3, "it is written for Python 2: `raise Error, value`"),
    "template": (1, "it is a template that becomes Python only when filled in"),
    "text-codec-that-is-none": (0, "its encoding cannot be read ('hex' is not a text encoding)"),
    "too-many-digits": (1, "Python 3."),
    "unclosed": (1, "Python 3."),
    "unknown-encoding": (0, "its encoding cannot be read (unknown encoding: klingon)"),
    "utf-16": (0, "it is encoded as UTF-16, which Python does not read"),
    "wrong-encoding": (3, "its encoding cannot be read ('utf-8' codec can't decode byte 0xe9"),
}
#: fixture -> lines, and the last unit's calls
READ: dict[str, tuple[int, list[str]]] = {
    "byte-order-mark": (2, ["statement run(os)"]),
    "carriage-returns": (3, ["statement run(os)"]),
    "crlf-without-end": (3, ["statement run(os)"]),
    "empty": (0, []),
    "form-feeds": (4, ["statement run(os)"]),
    "huge-numbers": (5, ["statement run(a, b, c, d)"]),
    "invalid-escapes": (2, [r"statement run('\\d\\w', re)"]),
    "latin-1": (2, ["statement run(name)"]),
    "not-allowed-but-parsed": (10, ["return run()"]),
    "odd-names": (2, ["statement run(x)"]),
    "only-a-mark": (0, []),
    "only-comments": (3, []),
    "surrogates": (2, ["statement run(x, '•')"]),
}


def test_each_fixture_is_expected() -> None:
    assert {*REFUSED, *READ} == {path.parent.name for path in HOSTILE.glob("*/app.py")}


@pytest.mark.parametrize("slug", sorted(REFUSED))
def test_refused_with_reason_and_line(slug: str) -> None:
    found = read_file((HOSTILE / slug / "app.py").read_bytes())
    assert isinstance(found, Unread)
    line, reason = REFUSED[slug]
    assert found.line == line
    assert found.reason.startswith(reason)
    assert not found.reason.endswith(".")


@pytest.mark.parametrize("slug", sorted(READ))
def test_read_all_the_same(slug: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = read_file((HOSTILE / slug / "app.py").read_bytes())
    assert isinstance(found, FileFacts)
    calls = [event_text(event) for event in found.units[-1].events if isinstance(event, Call)]
    assert (found.n_lines, calls) == READ[slug]


def test_columns_count_the_bytes_of_utf8() -> None:
    for source in (
        "# coding: latin-1\nname = 'é'; run()\n".encode("latin-1"),
        "\nname = 'é'; run()\n".encode(),
    ):
        found = read_file(source)
        assert isinstance(found, FileFacts)
        (call,) = (event for event in found.units[0].events if isinstance(event, Call))
        assert (call.line, call.column, call.end_line, call.end_column) == (2, 13, 2, 18)


def test_a_larger_file_is_not_read() -> None:
    line = b"#" * 99 + b"\n"
    source = line * (MAX_SOURCE_BYTES // len(line))
    assert isinstance(read_file(source), FileFacts)
    assert read_file(source + line) == Unread("it is larger than 2 MB")


DEEP = {
    "sum": b"x = " + b" + ".join([b"f()"] * 8000),
    "texts": b"x = " + b" + ".join([b"'a'"] * 8000) + b" + f()",
    "attributes": b"x = f()" + b".a" * 8000,
    "items": b"x = f()" + b"[0]" * 8000,
    "calls": b"x = f" + b".a()" * 3000,
    "elif": b"if f(): pass\n" + b"elif f(): pass\n" * 2000,
    "else-if": b"x = " + b"f() if a else " * 2000 + b"b",
    "not": b"x = " + b"not " * 1500 + b"f()",
    "power": b"x = " + b"f() ** " * 1500 + b"1",
    "lambdas": b"x = " + b"lambda: " * 1500 + b"f()",
    "lists": b"x = " + b"[" * 150 + b"f()" + b"]" * 150,
    "unions": b"x: " + b" | ".join([b"a"] * 4000) + b" = f()",
    "blocks": b"".join(b" " * depth + b"while f():\n" for depth in range(99)) + b" " * 99 + b"f()",
    "functions": b"".join(b" " * depth + b"def g():\n" for depth in range(99)) + b" " * 99 + b"f()",
    "patterns": b"match f():\n case " + b"[" * 150 + b"a" + b"]" * 150 + b": pass",
    "decorators": b"@f()\n" * 5000 + b"def g(): pass",
}
N_CALLS = {
    "sum": 8000,
    "calls": 3000,
    "elif": 2001,
    "else-if": 2000,
    "power": 1500,
    "blocks": 100,
    "decorators": 5000,
}


@pytest.mark.parametrize("shape", sorted(DEEP))
def test_deep_source_is_read_and_its_expressions_are_not_deep(shape: str) -> None:
    found = read_file(DEEP[shape])
    assert isinstance(found, FileFacts)
    calls = [event for unit in found.units for event in unit.events if isinstance(event, Call)]
    assert len(calls) == N_CALLS.get(shape, 1)
    for unit in found.units:
        for event in unit.events:
            assert len(event_text(event)) < 200_000


@pytest.mark.parametrize(
    "source",
    [
        b"x = " + b"(" * 5000 + b"1" + b")" * 5000,
        b"x = " + b"-" * 200_000 + b"y",
        b"x = y" + b".a" * 200_000,
        b"x = y" + b"()" * 200_000,
        b"x = " + b" + ".join([b"y"] * 200_000),
        b"x = " + b"lambda: " * 200_000 + b"1",
        b"if a: pass\n" + b"elif b: pass\n" * 60_000,
    ],
    ids=["parentheses", "signs", "attributes", "calls", "sum", "lambdas", "elif"],
)
def test_deeper_than_any_stack_is_refused(source: bytes) -> None:
    found = read_file(source)
    assert isinstance(found, Unread)
    assert found.reason == "it is nested too deeply to be read"


def test_reading_leaves_the_interpreter_as_it_was() -> None:
    import gc
    import sys
    import threading

    before = sys.getrecursionlimit(), threading.stack_size(), gc.isenabled(), threading.active_count()
    read_file(DEEP["sum"])
    assert before == (
        sys.getrecursionlimit(),
        threading.stack_size(),
        gc.isenabled(),
        threading.active_count(),
    )


def test_long_texts_are_shortened() -> None:
    found = read_file(b"f('" + b"a" * 10_000 + b"', b'" + b"b" * 10_000 + b"')")
    assert isinstance(found, FileFacts)
    (call,) = found.units[0].events
    assert event_text(call) == f"statement f({'a' * 4000!r}, {'b' * 200!r})"
