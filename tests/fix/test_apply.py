"""Edits on files: all of a file or none, every other byte as it was."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor import fix
from proctor.fix.source import Declined, Source
from proctor.model.finding import Edit


def test_edits_of_several_files_are_written_and_permissions_kept(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_bytes(b"#!/bin/sh\npython a.py\n")
    (tmp_path / "run.sh").chmod(0o751)
    (tmp_path / "a.py").write_bytes(b"x = 1")

    applied = fix.apply(tmp_path, [Edit("run.sh", 10, 10, "exec "), Edit("a.py", 4, 5, "23")])

    assert applied == fix.Applied(("a.py", "run.sh"))
    assert (tmp_path / "run.sh").read_bytes() == b"#!/bin/sh\nexec python a.py\n"
    assert (tmp_path / "a.py").read_bytes() == b"x = 23"
    assert stat.S_IMODE((tmp_path / "run.sh").stat().st_mode) == 0o751
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.py", "run.sh"]


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ([Edit("a.py", 0, 3, "u"), Edit("a.py", 2, 5, "v")], "two edits overlap"),
        ([Edit("a.py", 0, 1, "u"), Edit("a.py", 4, 99, "v")], "an edit lies outside the file"),
        ([Edit("a.py", 0, 1, "u"), Edit("a.py", 4, 3, "v")], "an edit lies outside the file"),
        ([Edit("a.py", 0, 1, "u"), Edit("a.py", 4, 5, "é")], "the new text cannot be written in ascii"),
    ],
)
def test_nothing_of_a_file_is_written_where_one_edit_fails(
    tmp_path: Path, edits: list[Edit], reason: str
) -> None:
    before = b"# -*- coding: ascii -*-\nx = 1\n"
    (tmp_path / "a.py").write_bytes(before)
    (tmp_path / "b.py").write_bytes(b"y = 1\n")

    applied = fix.apply(tmp_path, [*edits, Edit("b.py", 4, 5, "2")])

    assert applied.failed == (("a.py", reason),)
    assert applied.written == ("b.py",)
    assert (tmp_path / "a.py").read_bytes() == before
    assert sorted(each.name for each in tmp_path.iterdir()) == ["a.py", "b.py"]


def test_equal_edits_count_once_and_insertions_at_one_place_stand_side_by_side() -> None:
    edits = [
        Edit("a.py", 0, 0, "import a\n"),
        Edit("a.py", 0, 0, "import a\n"),
        Edit("a.py", 0, 0, "import b\n"),
    ]
    assert fix.rewritten("a.py", b"x\n", edits) == b"import a\nimport b\nx\n"


def test_a_link_stays_a_link_and_one_that_leads_out_is_not_followed(tmp_path: Path) -> None:
    root = tmp_path / "app"
    root.mkdir()
    (tmp_path / "outside.py").write_bytes(b"x\n")
    (root / "inside.py").write_bytes(b"x\n")
    (root / "in.py").symlink_to("inside.py")
    (root / "out.py").symlink_to("../outside.py")

    applied = fix.apply(root, [Edit("in.py", 0, 1, "y"), Edit("out.py", 0, 1, "y")])

    assert applied.written == ("in.py",)
    assert applied.failed == (("out.py", "the file lies outside the root"),)
    assert (root / "in.py").is_symlink()
    assert (root / "inside.py").read_bytes() == b"y\n"
    assert (tmp_path / "outside.py").read_bytes() == b"x\n"


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    applied = fix.apply(tmp_path, [Edit("gone.py", 0, 0, "x")])
    assert applied == fix.Applied(
        (), (("gone.py", "the file cannot be written (No such file or directory)"),)
    )


def test_a_write_protected_file_is_left_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_bytes(b"x\n")
    monkeypatch.setattr("os.access", lambda *unused: False)  # a superuser may write everything
    applied = fix.apply(tmp_path, [Edit("a.py", 0, 1, "y")])
    assert applied.failed == (("a.py", "the file is write-protected"),)
    assert (tmp_path / "a.py").read_bytes() == b"x\n"


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a.py").write_bytes(b"x\n")

    def refuse(*unused: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", refuse)
    applied = fix.apply(tmp_path, [Edit("a.py", 0, 1, "y")])
    assert applied.failed == (("a.py", "the file cannot be written (No space left on device)"),)
    assert [each.name for each in tmp_path.iterdir()] == ["a.py"]
    assert (tmp_path / "a.py").read_bytes() == b"x\n"


@given(st.binary(max_size=80), st.data())
def test_bytes_outside_the_edits_are_never_touched(data: bytes, draw: st.DataObject) -> None:
    cuts = sorted(draw.draw(st.lists(st.integers(0, len(data)), max_size=8, unique=True)))
    edits = [Edit("run.sh", *pair, "<>") for pair in zip(cuts[::2], cuts[1::2], strict=False)]
    try:
        new = fix.rewritten("run.sh", data, edits)
    except Declined:
        assert data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return
    kept = b"<>".join(
        data[start:end]
        for start, end in zip(
            [0, *(e.end for e in edits)], [*(e.start for e in edits), len(data)], strict=True
        )
    )
    assert new == kept


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60),
    st.booleans(),
    st.data(),
)
def test_places_in_utf8_bytes_become_offsets_of_the_same_text(
    text: str, mark: bool, draw: st.DataObject
) -> None:
    data = (b"\xef\xbb\xbf" if mark else b"") + text.encode()
    source = Source("run.sh", data)
    if source.text.startswith("\ufeff") or (not mark and text.startswith("\ufeff")):
        return
    at = draw.draw(st.integers(0, len(source.text)))
    line = source.line_of(at)
    column = len(source.text[source.line_start(at) : at].encode())
    assert source.offset(line, column) == at
    assert (
        fix.rewritten("run.sh", data, [source.edit(at, at, "#")])
        == data[: source.mark] + (source.text[:at] + "#" + source.text[at:]).encode()
    )
