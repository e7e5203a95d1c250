"""Edits become bytes, and bytes files: all edits of a file or none."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from proctor.fix.source import Declined, encoding_of
from proctor.model.finding import Edit


@dataclass(frozen=True)
class Applied:
    """What became of edits: the paths of the files `written`, and each that was left as it is with the reason (a
    clause that begins with a small letter)."""

    written: tuple[str, ...] = ()
    failed: tuple[tuple[str, str], ...] = ()


def by_file(edits: Iterable[Edit]) -> Mapping[str, tuple[Edit, ...]]:
    """The edits of each file, in the order of their places; equal ones count once."""
    files: dict[str, list[Edit]] = {}
    for edit in dict.fromkeys(edits):
        files.setdefault(edit.path, []).append(edit)
    return {
        path: tuple(sorted(files[path], key=lambda edit: (edit.start, edit.end))) for path in sorted(files)
    }


def overlap(first: Edit, second: Edit) -> bool:
    """Whether two different edits of one file touch the same bytes; insertions at one place do not."""
    if first == second:
        return False
    first, second = sorted((first, second), key=lambda edit: (edit.start, edit.end))
    return second.start < first.end


def rewritten(path: str, data: bytes, edits: Iterable[Edit]) -> bytes:
    """The bytes of a file after its edits. Raises Declined where they overlap, lie outside the file or cannot be
    written in its encoding."""
    encoding = encoding_of(path, data)
    parts: list[bytes] = []
    at = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda each: (each.start, each.end)):
        if edit.path != path or not 0 <= edit.start <= edit.end <= len(data):
            raise Declined("an edit lies outside the file")
        if edit.start < at:
            raise Declined("two edits overlap")
        try:
            text = edit.text.encode(encoding)
        except UnicodeError as error:
            raise Declined(f"the new text cannot be written in {encoding}") from error
        parts += [data[at : edit.start], text]
        at = edit.end
    return b"".join([*parts, data[at:]])


def apply(root: Path, edits: Iterable[Edit]) -> Applied:
    """Write the edits to the files below `root`, each file whole and at once (its permissions are kept), or not at all
    where one of its edits fails. Never raises OSError."""
    files = by_file(edits)
    return _each(files, lambda path: _write(root, path, lambda old: rewritten(path, old, files[path])))


def replace(root: Path, files: Mapping[str, tuple[bytes, bytes]]) -> Applied:
    """Write new bytes in place of the old ones of the files below `root`, each whole and at once, or not at all where it
    holds other bytes by now. Never raises OSError."""

    def new_of(path: str, old: bytes) -> bytes:
        if old != files[path][0]:
            raise Declined("the file has changed meanwhile")
        return files[path][1]

    return _each(files, lambda path: _write(root, path, lambda old: new_of(path, old)))


def _each(paths: Iterable[str], write: Callable[[str], None]) -> Applied:
    written: list[str] = []
    failed: list[tuple[str, str]] = []
    for path in paths:
        try:
            write(path)
        except Declined as reason:
            failed.append((path, str(reason)))
        except OSError as error:
            failed.append((path, f"the file cannot be written ({error.strerror})"))
        else:
            written.append(path)
    return Applied(tuple(written), tuple(failed))


def _write(root: Path, path: str, new_of: Callable[[bytes], bytes]) -> None:
    # behind a link stands the file to write; the link itself stays
    file = (root / path).resolve()
    if not file.is_relative_to(root.resolve()):
        raise Declined("the file lies outside the root")
    new = new_of(file.read_bytes())
    status = file.stat()
    if not os.access(file, os.W_OK):
        raise Declined("the file is write-protected")
    handle, name = tempfile.mkstemp(prefix=f".{file.name}.", dir=file.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(new)
            stream.flush()
            os.fsync(stream.fileno())
        with contextlib.suppress(
            OSError, AttributeError
        ):  # only a superuser may, and only where there are owners
            os.chown(name, status.st_uid, status.st_gid)
        Path(name).chmod(status.st_mode & 0o7777)
        Path(name).replace(file)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
