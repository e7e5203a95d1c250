"""Many files at once: a pool of processes for large trees, this process for small ones."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import TypeAlias

from proctor.collector import collector_paused
from proctor.extract.reading import pack, read_file
from proctor.model.fact import Unread

Report: TypeAlias = Callable[[int], None]

#: Below this many bytes of source (some tenths of a second) a pool costs more than it saves.
_POOL_BYTES = 600_000
_CHUNK_BYTES = 150_000
_MOST_WORKERS = 8
_CRASHED = "Python itself crashed while reading it"


def read_all(contents: Mapping[str, bytes], workers: int | None, report: Report) -> dict[str, bytes]:
    """The packed facts of each content, under its key. `report` is told how many more are done, now and then.

    The result does not depend on `workers` (None: one for each processor, at most eight).
    """
    n_workers = workers if workers is not None else min(_n_processors(), _MOST_WORKERS)
    chunks = list(_chunks(contents))
    n_workers = min(n_workers, len(chunks))
    if n_workers < 2 or sum(map(len, contents.values())) < _POOL_BYTES:
        return _read_here(contents, contents, report)
    return _read_in_pool(contents, chunks, n_workers, report)


def _read_here(contents: Mapping[str, bytes], keys: Iterable[str], report: Report) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    with collector_paused():
        for key in keys:
            found[key] = pack(read_file(contents[key]))
            report(1)
    return found


def _read_in_pool(
    contents: Mapping[str, bytes], chunks: Sequence[Sequence[str]], n_workers: int, report: Report
) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    try:
        pool = _open_pool(n_workers)
        try:
            tasks: dict[Future[list[bytes]], Sequence[str]] = {
                pool.submit(_read_chunk, [contents[key] for key in chunk]): chunk for chunk in chunks
            }
            for task in as_completed(tasks):
                found.update(zip(tasks[task], task.result(), strict=True))
                report(len(tasks[task]))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
        pool.shutdown()
    except BrokenProcessPool:
        # A worker died: one of the files it held may be why.
        rest = [key for chunk in chunks for key in chunk if key not in found]
        found.update(_read_one_by_one(contents, rest, report))
    except OSError:
        # The platform has no semaphores or no more processes.
        rest = [key for chunk in chunks for key in chunk if key not in found]
        found.update(_read_here(contents, rest, report))
    return found


def _read_one_by_one(contents: Mapping[str, bytes], keys: Sequence[str], report: Report) -> dict[str, bytes]:
    """Read files that are under suspicion, each so that only itself is lost if it ends its reader."""
    found: dict[str, bytes] = {}
    pool: ProcessPoolExecutor | None = None
    for number, key in enumerate(keys):
        if pool is None:
            pool = _open_pool(1)
            try:
                pool.submit(_read_chunk, []).result()
            except BrokenProcessPool:
                # No worker runs at all here, so no file is to blame.
                found.update(_read_here(contents, keys[number:], report))
                return found
        try:
            found[key] = pool.submit(_read_chunk, [contents[key]]).result()[0]
        except BrokenProcessPool:
            found[key] = pack(Unread(_CRASHED))
            pool = None
        report(1)
    if pool is not None:
        pool.shutdown()
    return found


def _open_pool(n_workers: int) -> ProcessPoolExecutor:
    # Forking is quick, and safe only while there is no other thread.
    forks = sys.platform == "linux" and threading.active_count() == 1
    context = get_context("fork" if forks else "spawn")
    return ProcessPoolExecutor(n_workers, mp_context=context, initializer=_ignore_interrupt)


def _ignore_interrupt() -> None:
    # Ctrl-C reaches the whole group; the parent ends the pool.
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _read_chunk(contents: list[bytes]) -> list[bytes]:
    with collector_paused():
        return [pack(read_file(data)) for data in contents]


def _chunks(contents: Mapping[str, bytes]) -> Iterable[list[str]]:
    """Keys in groups of about equal work, the largest files first."""
    chunk: list[str] = []
    size = 0
    for key in sorted(contents, key=lambda key: (-len(contents[key]), key)):
        chunk.append(key)
        size += len(contents[key])
        if size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _n_processors() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
