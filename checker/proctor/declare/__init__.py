"""What the app says it runs: process types, deploy settings, variables and requirements."""

from __future__ import annotations

from proctor.declare.procfile import read_procfile
from proctor.declare.requirements import read_requirements
from proctor.model.fact import Ignore
from proctor.model.place import Place
from proctor.model.process import Declaration, Diagnostic, ProcessType
from proctor.model.tree import SourceTree

__all__ = ["read", "read_procfile"]


def read(tree: SourceTree, procfile: str = "Procfile") -> Declaration:
    """Read all declarations of `tree`. `procfile` is the Procfile's path relative to the root. Never raises:
    what cannot be read is a diagnostic or stands in `not_read`."""
    requirements, sources, not_read = read_requirements(tree)
    types: tuple[ProcessType, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    ignores: tuple[tuple[str, Ignore], ...] = ()
    if procfile in tree:
        try:
            reading = read_procfile(procfile, tree.read(procfile))
        except OSError as error:
            not_read += ((procfile, f"it cannot be read ({error.strerror})"),)
        else:
            types, diagnostics, ignores = reading.process_types, reading.diagnostics, reading.ignores
            sources += (procfile,)
    elif tree.is_folder(procfile):
        diagnostics = (
            Diagnostic(Place(procfile, 1), "unreadable-line", f"`{procfile}` is a folder, not a file."),
        )
    return Declaration(
        process_types=types,
        diagnostics=diagnostics,
        sources=tuple(sorted(sources)),
        requirements=requirements,
        not_read=not_read,
        ignores=ignores,
    )
