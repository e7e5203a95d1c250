from __future__ import annotations

import json

import msgspec
import pytest

from proctor import report
from proctor.errors import ConfigurationError
from proctor.model.finding import Coverage, Finding, Judgement, Step
from proctor.model.place import Place
from proctor.report import SourceLines

Marks = tuple[tuple[str, int, str], ...]


def judged(
    files: dict[str, str], *marks: tuple[str, int, str], accepted: Marks = ()
) -> tuple[Judgement, SourceLines]:
    """A judgement with a finding of TC81 per mark (path, line, message)."""

    def finding(path: str, line: int, message: str) -> Finding:
        place = Place(path, line)
        return Finding(
            code="TC81", name="n", clause="C.8", severity="warning", message=message, remedy="", place=place,
            processes=("web",), phase="request", evidence=(Step(place, ""),), subject="get",
        )  # fmt: skip

    lines = SourceLines(lambda path: files[path].encode())
    judgement = Judgement(
        root=".",
        processes=(),
        findings=tuple(finding(*mark) for mark in marks),
        suppressed=tuple(msgspec.structs.replace(finding(*mark), suppressed="known") for mark in accepted),
        verdicts=(),
        coverage=Coverage(python_files=1, read=1, reached=1),
    )
    return report.sign(judgement, lines), lines


BEFORE = {"a.py": "x\nget(url)\nget(other)\n"}
MARKS = (("a.py", 2, "`f` calls `get`."), ("a.py", 3, "`g` calls `get`."))


def compared(files: dict[str, str], *marks: tuple[str, int, str], accepted: Marks = ()) -> Judgement:
    earlier = report.record(*judged(BEFORE, *MARKS))
    judgement, lines = judged(files, *marks, accepted=accepted)
    return report.compare(judgement, earlier, "base", lines)


def counts(judgement: Judgement) -> tuple[int, int, int]:
    return len(judgement.findings), len(judgement.known), len(judgement.fixed)


def test_nothing_changed() -> None:
    assert counts(compared(BEFORE, *MARKS)) == (0, 2, 0)


def test_moved_lines_are_known() -> None:
    after = {"a.py": "import os\n\n\nx\nget(url)\ny\nget(other)\n"}
    assert counts(compared(after, ("a.py", 5, MARKS[0][2]), ("a.py", 7, MARKS[1][2]))) == (0, 2, 0)


def test_a_renamed_file_is_known() -> None:
    after = {"shop/b.py": BEFORE["a.py"]}
    assert counts(
        compared(after, ("shop/b.py", 2, "`b.f` calls `get`."), ("shop/b.py", 3, "`b.g` calls `get`."))
    ) == (0, 2, 0)


def test_an_edited_line_that_says_the_same_is_known() -> None:
    after = {"a.py": "x\nget(url, headers=headers)\nget(other)\n"}
    assert counts(compared(after, *MARKS)) == (0, 2, 0)


def test_a_further_one_is_new_however_equal() -> None:
    after = {"a.py": "x\nget(url)\nget(other)\nget(url)\n"}
    judgement = compared(after, *MARKS, ("a.py", 4, "`h` calls `get`."))
    assert counts(judgement) == (1, 2, 0)


def test_one_mended_and_one_added_are_told() -> None:
    after = {"a.py": "x\nget(url, timeout=1)\nget(other)\nget(third)\n"}
    judgement = compared(after, MARKS[1], ("a.py", 4, "`h` calls `get`."))
    assert counts(judgement) == (1, 1, 1)
    assert judgement.findings[0].place.line == 4
    assert judgement.fixed[0].message == "`f` calls `get`."


def test_what_was_accepted_since_is_neither_new_nor_fixed() -> None:
    assert counts(compared(BEFORE, MARKS[0], accepted=(MARKS[1],))) == (0, 1, 0)


def test_a_baseline_is_read_as_it_was_written() -> None:
    judgement, lines = judged(BEFORE, *MARKS)
    text = report.render_baseline(judgement, lines)
    assert report.read_baseline(text.encode(), "b.json") == report.record(judgement, lines)
    assert json.loads(text)["schema"] == "proctor-baseline/1"
    assert "line" not in json.loads(text)["findings"][0]
    # known findings stay in a baseline that is written anew
    again = report.compare(judgement, report.record(judgement, lines), "b.json", lines)
    assert report.render_baseline(again, lines) == text


def test_an_empty_baseline() -> None:
    text = report.render_baseline(*judged(BEFORE))
    assert report.read_baseline(text.encode(), "b.json") == ()


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"[]",
        b"{}",
        b'{"schema": "proctor/1", "findings": []}',
        b"\xff",
        b'{"schema": "proctor-baseline/1", "findings": [{}]}',
    ],
)
def test_what_is_no_baseline_is_refused(content: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"`b\.json` is no baseline"):
        report.read_baseline(content, "b.json")
