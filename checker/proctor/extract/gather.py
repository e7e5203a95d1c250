"""All files of a tree: what is known from before, and the rest read now."""

from __future__ import annotations

import ast
import hashlib
import pkgutil
import sys
from collections.abc import Callable, Iterator, Mapping
from functools import cache

import msgspec

from proctor import __version__
from proctor.extract.facts import read_units
from proctor.extract.reading import is_unread, looks_packed, read_file, unpack
from proctor.extract.source import too_large
from proctor.model.fact import Facts, FileFacts, Unread
from proctor.model.tree import SourceTree
from proctor.store import Store

#: the modules that decide what a file yields
_DECIDING = {
    "proctor.extract": (
        "expressions", "facts", "ignores", "newer", "patterns", "reading", "scopes", "signatures", "source",
    ),
    "proctor.model": ("fact", "ignore", "tree"),
}  # fmt: skip


def facts(
    tree: SourceTree,
    store: Store | None = None,
    workers: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> Facts:
    """The facts of every Python file of a tree.

    A `store` (opened by the caller) spares reading what was read before; `workers` is how many processes may read
    at once (None: as many as there are processors). `progress` is told how many of how many files are done. The
    result is the same whatever these are. Files that cannot be read are values, in `unread`; nothing is raised.
    """
    contents, digests, unread = _load(tree)
    n_files = len(tree.python)
    known = _known(store, contents)
    wanted = {digest: data for digest, data in contents.items() if digest not in known}
    done = n_files - len(wanted)

    def report(n_more: int) -> None:
        nonlocal done
        done += n_more
        if progress:
            progress(done, n_files)

    report(0)
    new: dict[str, bytes] = {}
    if wanted:
        # the machinery of pools is slow to load, and most runs read nothing anew
        from proctor.extract.workers import read_all

        new = read_all(wanted, workers, report)
    if store is not None:
        store.put({_key(digest): packed for digest, packed in new.items()})
    packed_files: dict[str, bytes] = {}
    for path, digest in digests.items():
        if path in unread:
            continue
        packed = new.get(digest) or known[digest]
        if is_unread(packed):
            found = unpack(packed)
            assert isinstance(found, Unread)
            unread[path] = found
        else:
            packed_files[path] = packed
    writers = tuple(path for path in packed_files if b"sys.path." in contents[digests[path]])
    return Facts(_PackedFiles(packed_files, tree), dict(sorted(unread.items())), digests, writers)


def digest_of(data: bytes) -> str:
    """The content hash under which a file's facts are known."""
    return hashlib.blake2b(data, digest_size=20).hexdigest()


def _load(tree: SourceTree) -> tuple[dict[str, bytes], dict[str, str], dict[str, Unread]]:
    contents: dict[str, bytes] = {}
    digests: dict[str, str] = {}
    unread: dict[str, Unread] = {}
    for path in tree.python:
        try:
            data = tree.read(path)
        except OSError as error:
            unread[path] = Unread(f"it cannot be opened ({error.strerror or type(error).__name__})")
            continue
        digest = digests[path] = digest_of(data)
        if refused := too_large(data):
            unread[path] = refused
            continue
        contents[digest] = data
    return contents, digests, unread


def _known(store: Store | None, contents: Mapping[str, bytes]) -> dict[str, bytes]:
    if store is None:
        return {}
    found = store.get(_key(digest) for digest in contents)
    known = {digest: found.get(_key(digest), b"") for digest in contents}
    return {digest: packed for digest, packed in known.items() if looks_packed(packed)}


def _key(digest: str) -> str:
    return f"facts/{_version()}/{digest}"


@cache
def _version() -> str:
    """Changes with whatever changes a file's facts: our own code, and the Python that parses."""
    hashed = hashlib.blake2b(digest_size=8)
    hashed.update(f"{__version__} {sys.version_info[:2]} {msgspec.__version__}".encode())
    for package, names in _DECIDING.items():
        for name in names:
            try:
                hashed.update(pkgutil.get_data(package, f"{name}.py") or b"")
            except OSError:
                # Installed without sources: the version number has to do.
                continue
    return hashed.hexdigest()


class _PackedFiles(Mapping[str, FileFacts]):
    """Facts by path, each unpacked when first asked for."""

    def __init__(self, packed: dict[str, bytes], tree: SourceTree) -> None:
        self._packed = packed
        self._unpacked: dict[str, FileFacts] = {}
        self._paths = tuple(packed)
        self._tree = tree

    def __getitem__(self, path: str) -> FileFacts:
        found = self._unpacked.get(path)
        if found is None:
            found = self._unpacked[path] = self._unpack(path, self._packed[path])
            self._packed[path] = b""
        return found

    def __iter__(self) -> Iterator[str]:
        return iter(self._paths)

    def __len__(self) -> int:
        return len(self._paths)

    def __contains__(self, path: object) -> bool:
        return path in self._packed

    def _unpack(self, path: str, packed: bytes) -> FileFacts:
        try:
            found = unpack(packed)
        except (msgspec.DecodeError, RecursionError):
            # The store vouched for something that is no facts: only the file itself is left to ask.
            found = self._read_again(path)
        return found if isinstance(found, FileFacts) else FileFacts(0, read_units(ast.parse(""), 0), ())

    def _read_again(self, path: str) -> FileFacts | Unread:
        try:
            return read_file(self._tree.read(path))
        except OSError as error:
            return Unread(str(error))
