from __future__ import annotations

import ast

import msgspec
import pytest

from proctor import report
from proctor.model.finding import Coverage, Finding, Judgement, Step
from proctor.model.place import Place
from proctor.report import SourceLines


def lines_of(content: bytes, path: str = "a.py") -> SourceLines:
    return SourceLines({path: content}.__getitem__)


@pytest.mark.parametrize(
    "content",
    [
        "a = 1\nfünf = 'ä'; sechs()\n".encode(),
        "a = 1\r\nfünf = 'ä'; sechs()\r\n".encode(),
        "a = 1\rfünf = 'ä'; sechs()".encode(),
        b"\xef\xbb\xbf" + "a = 1\nfünf = 'ä'; sechs()\n".encode(),
        "# -*- coding: latin-1 -*-\nfünf = 'ä'; sechs()\n".encode("latin-1"),
    ],
)
def test_columns_of_ast_become_columns_of_people(content: bytes) -> None:
    call = next(node for node in ast.walk(ast.parse(content)) if isinstance(node, ast.Call))
    lines = lines_of(content)
    text = lines.line("a.py", call.lineno)
    assert text == "fünf = 'ä'; sechs()"
    assert lines.column("a.py", call.lineno, call.col_offset) == text.index("sechs") + 1


def test_there_is_no_line_outside() -> None:
    lines = lines_of(b"a\nb")
    assert [lines.line("a.py", number) for number in (0, 1, 2, 3)] == [None, "a", "b", None]


@pytest.mark.parametrize("content", [b"# coding: klingon\nx", b"\xff\xfe\x00", b""])
def test_what_cannot_be_decoded_has_no_lines(content: bytes) -> None:
    lines = lines_of(content)
    assert lines.line("a.py", 1) is None
    assert lines.column("a.py", 1, 4) == 5


def test_other_files_are_decoded_leniently() -> None:
    assert lines_of(b"\xef\xbb\xbfweb: caf\xc3\xa9", "Procfile").line("Procfile", 1) == "web: café"
    assert lines_of(b"web: caf\xe9", "Procfile").line("Procfile", 1) == "web: café"
    assert lines_of("web: é".encode("utf-16"), "Procfile").line("Procfile", 1) == "web: é"


# --- fingerprints ------------------------------------------------------------------------------------------

SOURCE = "x = {}\ndef f():\n    x[1] = 2\n    x[1] = 2\n"


def signed(source: str, *places: tuple[int, str], path: str = "a.py", code: str = "TF611") -> list[str]:
    findings = tuple(
        Finding(
            code=code,
            name="n",
            clause="VI.1",
            severity="error",
            message="m",
            remedy="r",
            place=Place(path, line),
            processes=("web",),
            phase=None,
            evidence=(Step(Place(path, line), ""),),
            subject=subject,
        )
        for line, subject in places
    )
    judgement = Judgement(
        root=".",
        processes=(),
        findings=findings,
        suppressed=(),
        verdicts=(),
        coverage=Coverage(python_files=1, read=1, reached=1),
    )
    return [each.fingerprint for each in report.sign(judgement, lines_of(source.encode(), path)).findings]


def test_fingerprints_survive_moved_lines_spacing_and_acceptances() -> None:
    before = signed(SOURCE, (3, "x"), (4, "x"))
    assert len(set(before)) == 2
    moved = "import os\n\n" + SOURCE.replace("    x[1] = 2\n", "\tx[1]=2  # proctor: ignore[TF611] known\n")
    assert signed(moved, (5, "x"), (6, "x")) == before


def test_fingerprints_tell_findings_apart() -> None:
    (one,) = signed(SOURCE, (3, "x"))
    assert signed(SOURCE, (3, "y")) != [one]
    assert signed(SOURCE, (3, "x"), path="b.py") != [one]
    assert signed(SOURCE, (3, "x"), code="TF621") != [one]
    assert signed(SOURCE, (1, "x")) != [one]


def test_an_accepted_finding_keeps_its_fingerprint() -> None:
    (one,) = signed(SOURCE, (3, "x"))
    finding = Finding(
        code="TF611", name="n", clause="VI.1", severity="error", message="m", remedy="r",
        place=Place("a.py", 3), processes=("web",), phase=None, evidence=(Step(Place("a.py", 3), ""),),
        subject="x", suppressed="known",
    )  # fmt: skip
    judgement = Judgement(
        root=".", processes=(), findings=(), suppressed=(finding,), verdicts=(),
        coverage=Coverage(python_files=1, read=1, reached=1),
    )  # fmt: skip
    (accepted,) = report.sign(judgement, lines_of(SOURCE.encode())).suppressed
    assert accepted == msgspec.structs.replace(finding, fingerprint=one)
