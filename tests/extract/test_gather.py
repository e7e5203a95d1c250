"""A whole tree: the same facts from one process or several, from the files or from the store."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import msgspec
import pytest

from proctor.extract import digest_of, facts, read_file
from proctor.model.fact import Facts, FileFacts, Unread
from proctor.model.tree import SourceTree, read_tree
from proctor.store import Store

HOSTILE = Path(__file__).parents[2] / "fixtures" / "hostile"


def as_bytes(found: Facts) -> bytes:
    return msgspec.msgpack.encode(
        (list(found.files.items()), list(found.unread.items()), list(found.digests.items()))
    )


def big_tree(folder: Path) -> SourceTree:
    """Enough source that a pool of processes is worth it."""
    for number in range(30):
        body = "".join(
            f"def f{n}(a, b={number}):\n    return g(a)[{n}].run(b, 'text')\n\n" for n in range(400)
        )
        (folder / f"module_{number:02}.py").write_text(f"import a{number}\n{body}" + "# padding\n" * 2500)
    (folder / "broken.py").write_text("print 'x'\n")
    (folder / "empty.py").write_text("")
    return read_tree(folder)


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> SourceTree:
    return big_tree(tmp_path_factory.mktemp("big"))


@pytest.fixture(scope="module")
def alone(tree: SourceTree) -> bytes:
    return as_bytes(facts(tree, workers=1))


def test_every_file_is_read_or_named() -> None:
    tree = read_tree(HOSTILE)
    found = facts(tree)
    assert {*found.files, *found.unread} == set(tree.python)
    assert not {*found.files} & {*found.unread}
    for path in tree.python:
        single = read_file(tree.read(path))
        assert (found.unread[path] if path in found.unread else found.files[path]) == single
        assert found.digests[path] == digest_of(tree.read(path))


def test_files_is_a_mapping_in_order(tree: SourceTree) -> None:
    files = facts(tree, workers=1).files
    assert list(files) == sorted(files) == [path for path in tree.python if path != "broken.py"]
    assert len(files) == 31
    assert "empty.py" in files
    assert "broken.py" not in files
    assert files["empty.py"] is files["empty.py"]
    with pytest.raises(KeyError):
        files["broken.py"]


@pytest.mark.parametrize("workers", [2, 3, None])
def test_several_processes_give_the_same(tree: SourceTree, alone: bytes, workers: int | None) -> None:
    assert as_bytes(facts(tree, workers=workers)) == alone


def test_threads_do_not_keep_from_several_processes(tree: SourceTree, alone: bytes) -> None:
    import threading

    done = threading.Event()
    other = threading.Thread(target=done.wait)
    other.start()
    try:
        assert as_bytes(facts(tree, workers=2)) == alone
    finally:
        done.set()
        other.join()


def test_warm_gives_the_same_and_reads_nothing(
    tree: SourceTree, alone: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Store(tmp_path) as store:
        assert as_bytes(facts(tree, store)) == alone
    with monkeypatch.context() as patch, Store(tmp_path) as store:
        patch.setattr("proctor.extract.workers.read_file", lambda data: pytest.fail("read again"))
        patch.setattr("proctor.extract.gather.read_file", lambda data: pytest.fail("read again"))
        assert as_bytes(facts(tree, store)) == alone


def test_only_what_changed_is_read_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.py").write_text("a()")
    (tmp_path / "b.py").write_text("b()")
    read: list[bytes] = []

    def counted(data: bytes) -> FileFacts | Unread:
        read.append(data)
        return read_file(data)

    monkeypatch.setattr("proctor.extract.workers.read_file", counted)
    with Store(tmp_path / "cache") as store:
        facts(read_tree(tmp_path), store)
        (tmp_path / "b.py").write_text("c()")
        # The same content elsewhere, and a new date, are nothing new.
        (tmp_path / "d.py").write_text("a()")
        os.utime(tmp_path / "a.py", (0, 0))
        found = facts(read_tree(tmp_path), store)
    assert sorted(read) == [b"a()", b"b()", b"c()"]
    assert found.files["a.py"] == found.files["d.py"] != found.files["b.py"]


def test_a_damaged_entry_is_read_again(tree: SourceTree, alone: bytes, tmp_path: Path) -> None:
    with Store(tmp_path) as store:
        facts(tree, store)
    connection = sqlite3.connect(tmp_path / "store-1.sqlite")
    with connection:
        connection.execute("UPDATE blobs SET data = substr(data, 1, length(data) / 2) WHERE rowid % 3 = 0")
        connection.execute("UPDATE blobs SET data = zeroblob(length(data)) WHERE rowid % 3 = 1")
    connection.close()
    with Store(tmp_path) as store:
        assert as_bytes(facts(tree, store)) == alone


def test_an_entry_that_is_no_facts_is_read_again(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a()\n")
    tree = read_tree(tmp_path)
    with Store(tmp_path / "cache") as store:
        expected = as_bytes(facts(tree, store))
        connection = sqlite3.connect(tmp_path / "cache" / "store-1.sqlite")
        ((key,),) = connection.execute("SELECT key FROM blobs").fetchall()
        connection.close()
        for wrong in (b"", b"F", b"F\x93\xc0", b"U", b"Fnonsense", b"?" * 100):
            store.put_blob(key, wrong)
            assert as_bytes(facts(tree, store)) == expected, wrong


@pytest.mark.parametrize("workers", [1, 2])
def test_progress_is_told(tree: SourceTree, workers: int) -> None:
    told: list[tuple[int, int]] = []
    facts(tree, workers=workers, progress=lambda done, total: told.append((done, total)))
    assert told[0] == (0, 32)
    assert told[-1] == (32, 32)
    assert told == sorted(told)


def test_progress_counts_what_was_known(tree: SourceTree, tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    with Store(tmp_path) as store:
        facts(tree, store)
        facts(tree, store, progress=lambda done, total: told.append((done, total)))
    assert told == [(32, 32)]


def test_unsaved_texts_count(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a()")
    found = facts(read_tree(tmp_path, overlay={"a.py": b"b()", "new.py": b"print 1"}))
    assert list(found.files) == ["a.py"]
    assert list(found.unread) == ["new.py"]
    assert found.files["a.py"] == read_file(b"b()")


def test_a_file_that_vanished_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("a()")
    (tmp_path / "b.py").write_text("b()")
    tree = read_tree(tmp_path)
    (tmp_path / "b.py").unlink()
    found = facts(tree)
    assert list(found.files) == list(found.digests) == ["a.py"]
    assert found.unread == {"b.py": Unread("it cannot be opened (No such file or directory)")}


def test_a_file_that_ends_its_reader_is_named(
    tree: SourceTree, monkeypatch: pytest.MonkeyPatch, alone: bytes
) -> None:
    fatal = tree.read("module_07.py")

    def deadly(data: bytes) -> FileFacts | Unread:
        if data == fatal:
            os._exit(11)
        return read_file(data)

    monkeypatch.setattr("proctor.extract.workers.read_file", deadly)
    # Forked workers see the replacement.
    monkeypatch.setattr("proctor.extract.workers.threading.active_count", lambda: 1)
    found = facts(tree, workers=2)
    assert found.unread["module_07.py"] == Unread("Python itself crashed while reading it")
    assert set(found.unread) == {"module_07.py", "broken.py"}
    monkeypatch.undo()
    whole = facts(tree, workers=1)
    assert {path: found.files[path] for path in found.files} == {
        path: whole.files[path] for path in whole.files if path != "module_07.py"
    }


def test_without_processes_it_is_read_here(
    tree: SourceTree, monkeypatch: pytest.MonkeyPatch, alone: bytes
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise OSError("no semaphores here")

    monkeypatch.setattr("proctor.extract.workers.ProcessPoolExecutor", refuse)
    assert as_bytes(facts(tree, workers=2)) == alone


def test_where_no_worker_starts_no_file_is_blamed(
    tree: SourceTree, monkeypatch: pytest.MonkeyPatch, alone: bytes
) -> None:
    monkeypatch.setattr("proctor.extract.workers.threading.active_count", lambda: 1)
    monkeypatch.setattr("proctor.extract.workers._ignore_interrupt", lambda: os._exit(1))
    assert as_bytes(facts(tree, workers=2)) == alone
