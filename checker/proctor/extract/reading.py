"""One file's bytes to its facts, and facts to and from their packed form."""

from __future__ import annotations

import sys
import threading

import msgspec

from proctor.extract.facts import changed_attributes, made_instances, public_names, read_units
from proctor.extract.ignores import read_ignores
from proctor.extract.source import count_lines, parse, too_deep
from proctor.model.fact import FileFacts, Unread

#: for the rare file that is nested more deeply than an ordinary stack allows
_DEEP_STACK = 256 * 1024 * 1024
_DEEP_RECURSION = 30_000
_READ, _UNREAD = b"F", b"U"
_encoder = msgspec.msgpack.Encoder()
_facts_decoder = msgspec.msgpack.Decoder(FileFacts)
_unread_decoder = msgspec.msgpack.Decoder(Unread)


def read_file(data: bytes) -> FileFacts | Unread:
    """The facts of a Python source file, or why there are none. Never raises."""
    try:
        return _read(data)
    except (RecursionError, MemoryError):
        return _read_on_deep_stack(data)


def pack(facts: FileFacts | Unread) -> bytes:
    """Facts as bytes: the same facts always give the same bytes."""
    return (_READ if isinstance(facts, FileFacts) else _UNREAD) + _encoder.encode(facts)


def unpack(packed: bytes) -> FileFacts | Unread:
    """The facts that were packed. Raises msgspec.DecodeError on anything else."""
    if packed[:1] == _READ:
        return _facts_decoder.decode(memoryview(packed)[1:])
    if packed[:1] == _UNREAD:
        return _unread_decoder.decode(memoryview(packed)[1:])
    raise msgspec.DecodeError("no packed facts")


def is_unread(packed: bytes) -> bool:
    """Whether packed facts say that the file could not be read."""
    return packed[:1] == _UNREAD


def looks_packed(packed: bytes) -> bool:
    """Whether bytes from elsewhere are packed facts, as far as can be said without unpacking them all."""
    if not is_unread(packed):
        return packed[:1] == _READ
    try:
        unpack(packed)
    except msgspec.DecodeError:
        return False
    return True


def _read(data: bytes) -> FileFacts | Unread:
    tree = parse(data)
    if isinstance(tree, Unread):
        return tree
    n_lines = count_lines(data)
    units = read_units(tree, n_lines)
    public, changed = public_names(units[0]), changed_attributes(units)
    return FileFacts(n_lines, units, read_ignores(data), public, changed, made_instances(units))


def _read_on_deep_stack(data: bytes) -> FileFacts | Unread:
    found: list[FileFacts | Unread] = []

    def read() -> None:
        try:
            found.append(_read(data))
        except (RecursionError, MemoryError):
            found.append(too_deep())

    limit, size = sys.getrecursionlimit(), 0
    try:
        size = threading.stack_size(_DEEP_STACK)
        thread = threading.Thread(target=read, name="deep-source")
        sys.setrecursionlimit(max(limit, _DEEP_RECURSION))
        thread.start()
        thread.join()
    except (RuntimeError, ValueError, MemoryError):
        # The platform gives no such stack.
        pass
    finally:
        sys.setrecursionlimit(limit)
        threading.stack_size(size)
    return found[0] if found else too_deep()
