"""Acceptance comments: where they apply."""

from __future__ import annotations

import pytest
from fact_text import read

from proctor.model.fact import Ignore


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        pytest.param(
            "x = f()  # proctor: ignore[TF611] why not", (1, 1, ("TF611",), "why not"), id="own-line"
        ),
        pytest.param(
            "# proctor: ignore[TF611,TC14] why\nx = 1", (2, 1, ("TF611", "TC14"), "why"), id="next-line"
        ),
        pytest.param(
            "# proctor: ignore[TC11] a\n# more words\n\n\nx = 1", (5, 1, ("TC11",), "a"), id="over-comments"
        ),
        pytest.param(
            "# proctor: ignore[TC11] a\n@deco\ndef f(): pass", (2, 1, ("TC11",), "a"), id="decorator-line"
        ),
        pytest.param("if a:\n    # proctor: ignore[TC11] a\n    b()", (3, 2, ("TC11",), "a"), id="indented"),
        pytest.param(
            "if a:\n    b()\n    # proctor: ignore[TC11] a\nc()", (4, 3, ("TC11",), "a"), id="after-a-block"
        ),
        pytest.param(
            "f(\n    a,\n    # proctor: ignore[TC11] x\n    b,\n)", (4, 3, ("TC11",), "x"), id="inside-a-call"
        ),
        pytest.param(
            "f(\n    a,  # proctor: ignore[TC11] x\n    b,\n)", (2, 2, ("TC11",), "x"), id="line-of-a-call"
        ),
        pytest.param("x = '''\n'''  # proctor: ignore[TC11] x", (2, 2, ("TC11",), "x"), id="after-a-text"),
        pytest.param("x = 1\n# proctor: ignore[TC11] x\n", (2, 2, ("TC11",), "x"), id="at-the-end"),
        pytest.param(
            "x = 1  # noqa # proctor: ignore[TC11] x", (1, 1, ("TC11",), "x"), id="after-another-comment"
        ),
        pytest.param("x = 1  # proctor: ignore", (1, 1, (), ""), id="no-codes"),
        pytest.param("x = 1  # proctor: ignore[] why", (1, 1, (), "why"), id="empty-codes"),
        pytest.param("x = 1  # proctor: ignore[all] why", (1, 1, (), "why"), id="no-code-at-all"),
        pytest.param(
            "x = 1\r\n# proctor: ignore[TC11] x\r\ny = 2\r\n", (3, 2, ("TC11",), "x"), id="windows-lines"
        ),
        pytest.param("x = 1\r# proctor: ignore[TC11] x\ry = 2\r", (3, 2, ("TC11",), "x"), id="old-mac-lines"),
    ],
)
def test_where_it_applies(source: str, expected: tuple[int, int, tuple[str, ...], str]) -> None:
    line, at, codes, reason = expected
    assert read(source).ignores == (Ignore(line, at, codes, reason),)


def test_expiry() -> None:
    (found,) = read("f()  # proctor: ignore[TC11] until=2031-05-01 the library is replaced then").ignores
    assert (found.until, found.reason) == ("2031-05-01", "the library is replaced then")


def test_several_stand_in_order() -> None:
    source = "# proctor: ignore[TC11] a\n# proctor: ignore[TC12] b\nf()  # proctor: ignore[TC13] c\n"
    assert [(i.line, i.at, i.codes) for i in read(source).ignores] == [
        (3, 1, ("TC11",)),
        (3, 2, ("TC12",)),
        (3, 3, ("TC13",)),
    ]


def test_texts_are_no_comments() -> None:
    assert read('x = "# proctor: ignore[TC11] no"\ny = """\n# proctor: ignore[TC11] no\n"""\n').ignores == ()


def test_in_a_declared_encoding() -> None:
    from proctor.extract import read_file

    found = read_file("# coding: latin-1\nf()  # proctor: ignore[TC11] café\n".encode("latin-1"))
    assert getattr(found, "ignores", None) == (Ignore(2, 2, ("TC11",), "café"),)
