"""What is kept between runs, and that nothing in the cache folder can change a result."""

from __future__ import annotations

import os
import sqlite3
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from proctor.store import Store, default_folder

NAME = "store-1.sqlite"


@contextmanager
def raw(folder: Path) -> Iterator[sqlite3.Connection]:
    connection = sqlite3.connect(folder / NAME)
    yield connection
    connection.commit()
    connection.close()


def without_rights(action: Callable[[], None]) -> None:
    """Run `action` in a child process that file modes bind, as they do not bind the superuser."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            if os.geteuid() == 0:
                os.setuid(65534)
            action()
            status = 0
        finally:
            os._exit(status)
    assert os.waitpid(child, 0)[1] == 0


def test_keeps_values_between_runs(tmp_path: Path) -> None:
    values = {f"key {number}": os.urandom(number) for number in range(1200)}
    with Store(tmp_path) as store:
        store.put(values)
        store.put_blob("other", b"\0 value")
    with Store(tmp_path) as store:
        assert store.get([*values, "missing"]) == values
        assert store.get_blob("other") == b"\0 value"
        assert store.get_blob("missing") is None


def test_a_new_value_replaces_the_old(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put_blob("key", b"old")
        store.put_blob("key", b"new")
        assert store.get_blob("key") == b"new"


def test_is_private_and_created_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "xdg"))
    monkeypatch.delenv("PROCTOR_CACHE", raising=False)
    assert default_folder() == tmp_path / "xdg" / "proctor"
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path / "a" / "b"))
    assert default_folder() == tmp_path / "a" / "b"
    with Store() as store:
        store.put_blob("key", b"value")
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == [NAME]
    assert stat.S_IMODE((tmp_path / "a" / "b").stat().st_mode) == 0o700
    monkeypatch.delenv("PROCTOR_CACHE")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path))
    if sys.platform != "win32":
        assert default_folder() == tmp_path / ".cache" / "proctor"


def test_a_changed_value_or_key_is_no_value(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put({"a": b"one", "b": b"two", "c": b"three", "d": b"four"})
    with raw(tmp_path) as connection:
        connection.execute("UPDATE blobs SET data = ? WHERE key = 'a'", (b"onf",))
        connection.execute("UPDATE blobs SET data = 'two' WHERE key = 'b'")
        connection.execute("UPDATE blobs SET key = 'e' WHERE key = 'c'")
    with Store(tmp_path) as store:
        assert store.get("abcde") == {"d": b"four"}
        store.put({"a": b"one"})
        assert store.get_blob("a") == b"one"


@pytest.mark.parametrize("damage", ["garbage", "empty", "cut", "overwritten", "other-tables", "folder"])
def test_a_damaged_file_is_replaced(tmp_path: Path, damage: str) -> None:
    path = tmp_path / NAME
    with Store(tmp_path) as store:
        store.put({f"key {number}": os.urandom(3000) for number in range(100)})
    whole = path.read_bytes()
    if damage == "garbage":
        path.write_bytes(b"this is no database " * 400)
    elif damage == "empty":
        path.write_bytes(b"")
    elif damage == "cut":
        path.write_bytes(whole[: len(whole) // 3])
    elif damage == "overwritten":
        path.write_bytes(whole[:4096] + b"\xa5" * (len(whole) - 4096))
    elif damage == "other-tables":
        path.unlink()
        with raw(tmp_path) as connection:
            connection.execute("CREATE TABLE blobs (something TEXT)")
    else:
        path.unlink()
        path.mkdir()
    with Store(tmp_path) as store:
        found = store.get(f"key {number}" for number in range(100))
        assert all(len(value) == 3000 for value in found.values())
        store.put_blob("new", b"value")
    if damage not in ("folder", "other-tables"):
        with Store(tmp_path) as store:
            assert store.get_blob("new") == b"value"


def test_a_folder_that_cannot_be_made_means_no_memory(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with Store(tmp_path / "file" / "below") as store:
        store.put_blob("key", b"value")
        assert store.get_blob("key") is None


@pytest.mark.skipif(sys.platform == "win32", reason="needs file modes")
def test_a_read_only_folder_is_still_read() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Store(folder) as store:
            store.put_blob("key", b"value")
        (folder / NAME).chmod(0o444)
        folder.chmod(0o555)

        def use() -> None:
            with Store(folder) as store:
                assert store.get_blob("key") == b"value"
                store.put_blob("other", b"value")
                assert store.get_blob("other") is None

        without_rights(use)
        folder.chmod(0o700)


@pytest.mark.skipif(sys.platform == "win32", reason="needs file modes")
def test_a_folder_without_rights_means_no_memory() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o555)

        def use() -> None:
            for where in (folder, folder / "below"):
                with Store(where) as store:
                    store.put_blob("key", b"value")
                    assert store.get_blob("key") is None

        without_rights(use)
        assert list(folder.iterdir()) == []
        folder.chmod(0o700)


def test_a_locked_file_is_waited_for_and_then_done_without(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put_blob("key", b"value")
    other = sqlite3.connect(tmp_path / NAME, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    with Store(tmp_path, timeout=0.05) as store:
        assert store.get_blob("key") is None
        store.put_blob("key", b"other")
    other.execute("ROLLBACK")
    other.close()
    with Store(tmp_path, timeout=0.05) as store:
        assert store.get_blob("key") == b"value"


def test_what_was_not_used_for_long_goes(tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        store.put({"old": b"1", "used": b"2", "recent": b"3"})
    with raw(tmp_path) as connection:
        connection.execute("UPDATE blobs SET day = day - 31 WHERE key IN ('old', 'used')")
        connection.execute("UPDATE blobs SET day = day - 29 WHERE key = 'recent'")
        connection.execute("PRAGMA user_version = 1")
    with Store(tmp_path) as store:
        assert store.get(["used"]) == {"used": b"2"}
    with Store(tmp_path) as store:
        assert store.get(["old", "used", "recent"]) == {"used": b"2", "recent": b"3"}


WRITER = """
import sys
from pathlib import Path
from proctor.store import Store
for turn in range(20):
    with Store(Path(sys.argv[1])) as store:
        store.put({f"{sys.argv[2]} {turn} {n}": b"x" * 500 for n in range(50)})
        assert len(store.get(f"{sys.argv[2]} {turn} {n}" for n in range(50))) == 50
"""


def test_two_processes_at_once(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(folder), name]) for name in ("a", "b")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    with Store(folder) as store:
        found = store.get(f"{name} {turn} {n}" for name in "ab" for turn in range(20) for n in range(50))
    assert len(found) == 2000
