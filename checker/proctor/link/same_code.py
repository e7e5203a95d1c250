"""What makes two programs the same code, and what chooses among its commands."""

from __future__ import annotations

from proctor.model.process import EntryPoint, Launch, ProcessType
from proctor.model.program import UnitKey


def code_key(process: ProcessType, launch: Launch) -> object:
    """Programs with the same key run the same code under the same settings."""
    entry = launch.entry
    if entry is None:
        return (launch.drives, launch.details.get("concurrency"), launch.details.get("script-phase"))
    return (
        (entry.kind, entry.path, entry.symbol, entry.called, entry.modules, entry.python_path, entry.drives),
        (entry.script, entry.arguments),
        (launch.drives, launch.details.get("concurrency"), launch.details.get("script-phase")),
        frozenset({**dict(process.environment), **dict(launch.environment)}.items()),
        command_words(launch),
    )


def command_words(launch: Launch) -> tuple[str, ...] | None:
    """The words that choose one of the app's own commands; servers, workers, schedulers and what
    a library does for a release run none of them."""
    return None if launch.kind in ("web", "worker", "scheduler", "release") else launch.words


def script_of(entry: EntryPoint) -> UnitKey | None:
    """The script at the top of which a program begins; None where it begins with something that modules define."""
    path = entry.path if entry.kind in ("script", "module") else entry.script
    return UnitKey(path, 0) if path else None
