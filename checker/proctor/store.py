"""What was worked out before, in one SQLite file of the user's cache folder."""

from __future__ import annotations

import contextlib
import hashlib
import os
import sqlite3
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import TypeAlias, TypeVar

_T = TypeVar("_T")
#: key, day of last use, checksum, value
_Row: TypeAlias = tuple[str, int, bytes, bytes]
#: the number changes with the table's shape
_FILE = "store-1.sqlite"
_TABLE = "CREATE TABLE IF NOT EXISTS blobs (key TEXT PRIMARY KEY, day INTEGER NOT NULL, mark BLOB, data BLOB)"
_INDEX = "CREATE INDEX IF NOT EXISTS blobs_by_day ON blobs (day)"
_PAGE = 500
_KEPT_DAYS = 30
_MOST_BYTES = 1_000_000_000


def default_folder() -> Path | None:
    """Where the store lies: `PROCTOR_CACHE`, else the user's cache folder; None where there is none."""
    named = os.environ.get("PROCTOR_CACHE")
    if named:
        return Path(named)
    cache = os.environ.get("XDG_CACHE_HOME")
    if not cache and sys.platform == "win32":
        cache = os.environ.get("LOCALAPPDATA")
    if cache:
        return Path(cache) / "proctor"
    try:
        return Path.home() / ".cache" / "proctor"
    except RuntimeError:
        return None


class Store:
    """Byte strings by key, kept between runs.

    It never raises: a folder that cannot be written, a file that is damaged, locked or someone else's means
    that less is remembered, and every value that is given back is the one that was put (a checksum over key and
    value sees to it). Entries that were not used for 30 days go. Use it in one thread at a time, as a context manager.
    """

    def __init__(self, folder: Path | None = None, timeout: float = 3.0) -> None:
        """`folder` is created when needed (default: `default_folder()`); `timeout` is how many seconds to wait for
        another process that is writing."""
        self.folder = folder if folder is not None else default_folder()
        self.timeout = timeout
        self._connection: sqlite3.Connection | None = None
        self._today = int(time.time() // 86400)

    def __enter__(self) -> Store:
        self._open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Forget what is old, and close the file."""
        self._run(self._prune, None)
        self._close()

    def get(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The values of those keys that are known and whole."""
        wanted = list(dict.fromkeys(keys))
        found: dict[str, bytes] = {}
        stale: list[str] = []
        for start in range(0, len(wanted), _PAGE):
            page = wanted[start : start + _PAGE]
            rows: list[_Row] = self._run(partial(_select, keys=page), [])
            for key, day, mark, data in rows:
                if isinstance(data, bytes) and mark == _mark(key, data):
                    found[key] = data
                    if day != self._today:
                        stale.append(key)
        if stale:
            self._run(lambda connection: _touch(connection, stale, self._today), None)
        return found

    def put(self, values: Mapping[str, bytes]) -> None:
        """Remember values under their keys."""
        rows = [(key, self._today, _mark(key, data), data) for key, data in values.items()]
        if rows:
            self._run(lambda connection: _insert(connection, rows), None)

    def get_blob(self, key: str) -> bytes | None:
        """The value of one key, or None. Keys of different kinds of values begin differently (`rules/…`)."""
        return self.get([key]).get(key)

    def put_blob(self, key: str, data: bytes) -> None:
        """Remember one value."""
        self.put({key: data})

    # --- the file ----------------------------------------------------------------------------------------

    def _run(self, action: Callable[[sqlite3.Connection], _T], otherwise: _T) -> _T:
        if self._connection is None:
            return otherwise
        try:
            return action(self._connection)
        except (sqlite3.Error, OverflowError) as error:
            # Others (locked, read-only, disk full) may do better next time.
            if _tells_of_damage(error):
                self._start_anew()
            return otherwise

    def _open(self) -> None:
        if self.folder is None or self._connection is not None:
            return
        with contextlib.suppress(OSError):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.folder / _FILE
        try:
            self._connection = _create(path, self.timeout)
        except sqlite3.Error as error:
            if _tells_of_damage(error):
                self._start_anew()
            else:
                self._connection = _open_to_read(path)

    def _start_anew(self) -> None:
        """Put an empty file in the place of a damaged one."""
        self._close()
        assert self.folder is not None
        path = self.folder / _FILE
        try:
            path.unlink(missing_ok=True)
            path.with_name(path.name + "-journal").unlink(missing_ok=True)
            self._connection = _create(path, self.timeout)
        except (OSError, sqlite3.Error):
            self._connection = None

    def _close(self) -> None:
        if self._connection is not None:
            with contextlib.suppress(sqlite3.Error):
                self._connection.close()
            self._connection = None

    def _prune(self, connection: sqlite3.Connection) -> None:
        # The file's own version field holds the day of the last pruning: one a day is enough.
        if _pragma(connection, "user_version") == self._today:
            return
        with connection:
            connection.execute("DELETE FROM blobs WHERE day < ?", (self._today - _KEPT_DAYS,))
            pages = _pragma(connection, "page_count") - _pragma(connection, "freelist_count")
            if pages * _pragma(connection, "page_size") > _MOST_BYTES:
                connection.execute(
                    "DELETE FROM blobs WHERE rowid IN"
                    " (SELECT rowid FROM blobs ORDER BY day, rowid LIMIT (SELECT count(*) / 2 FROM blobs))"
                )
        connection.execute("PRAGMA incremental_vacuum").fetchall()
        connection.execute(f"PRAGMA user_version = {self._today}")


def _tells_of_damage(error: Exception) -> bool:
    # Only "malformed" and "not a database" are raised as the class itself.
    return type(error) is sqlite3.DatabaseError


def _create(path: Path, timeout: float) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=timeout, check_same_thread=False)
    try:
        # A cache need not survive a power cut: damage is noticed, and then it starts empty.
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        # Where another process creates it at the same moment, one waits for the other.
        connection.execute(_TABLE)
        connection.execute(_INDEX)
        connection.commit()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def _open_to_read(path: Path) -> sqlite3.Connection | None:
    try:
        connection = sqlite3.connect(  # proctor: ignore[TF623] a cache: what is lost is worked out again
            f"{path.resolve().as_uri()}?mode=ro", uri=True, timeout=0, check_same_thread=False
        )
        connection.execute("SELECT 1 FROM blobs LIMIT 1").fetchall()
    except (OSError, sqlite3.Error):
        return None
    return connection


def _select(connection: sqlite3.Connection, keys: list[str]) -> list[_Row]:
    marks = ",".join("?" * len(keys))
    return connection.execute(
        f"SELECT key, day, mark, data FROM blobs WHERE key IN ({marks})", keys
    ).fetchall()


def _touch(connection: sqlite3.Connection, keys: list[str], day: int) -> None:
    with connection:
        connection.executemany("UPDATE blobs SET day = ? WHERE key = ?", [(day, key) for key in keys])


def _insert(connection: sqlite3.Connection, rows: list[_Row]) -> None:
    with connection:
        connection.executemany("INSERT OR REPLACE INTO blobs VALUES (?, ?, ?, ?)", rows)


def _pragma(connection: sqlite3.Connection, name: str) -> int:
    value: int = connection.execute(f"PRAGMA {name}").fetchone()[0]
    return value


def _mark(key: str, data: bytes) -> bytes:
    return hashlib.blake2b(
        data, digest_size=16, key=hashlib.blake2b(key.encode(), digest_size=32).digest()
    ).digest()
