"""The stages in order, and the memory of whole runs.

Stages are imported where they are used: a run whose answer is remembered needs none of them.
"""

from __future__ import annotations

import datetime
import hashlib
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from proctor import __version__
from proctor.collector import collector_paused
from proctor.errors import ConfigurationError, RootError
from proctor.model.finding import Judgement
from proctor.model.tree import SourceTree, read_tree
from proctor.rule_files import RuleSources, read_sources
from proctor.settings import PLATFORMS, PartSettings, Settings, SettingsFile

if TYPE_CHECKING:
    from proctor.judge import Platform
    from proctor.model.fact import Facts, Ignore
    from proctor.model.process import Declaration, ResolvedProcess
    from proctor.model.program import Program
    from proctor.model.rule import Rule, Rulebook
    from proctor.store import Store

#: told what is being done, and how many of how many parts are done (0 of 0 where that is not known)
Progress: TypeAlias = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Linked:
    """All that was worked out about a tree before it is judged."""

    rulebook: Rulebook
    declaration: Declaration
    resolved: tuple[ResolvedProcess, ...]
    facts: Facts
    program: Program


def open_tree(root: Path, settings: Settings) -> SourceTree:
    """The files of the app in `root`. Raises RootError where there is no folder that can be listed, and
    ConfigurationError where the Procfile that the settings name is not in it."""
    if not root.exists():
        raise RootError(f"`{root}` is not there.")
    if not root.is_dir():
        raise RootError(f"`{root}` is a file; give the folder of the app.")
    try:
        tree = read_tree(root, settings.exclude)
    except OSError as error:
        raise RootError(f"`{root}` cannot be read ({error.strerror}).") from error
    if settings.procfile != Settings().procfile and settings.procfile not in tree:
        raise ConfigurationError(f"The Procfile `{settings.procfile}` is not there.")
    return tree


def judge_tree(
    tree: SourceTree,
    found: SettingsFile | None = None,
    *,
    store: Store | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    root: str = ".",
    today: datetime.date | None = None,
    book: Rulebook | None = None,
) -> Judgement:
    """The whole answer for a tree; `root` is how the answer calls it.

    `store` (opened by the caller) remembers facts and whole answers; the answer is the same with and without it
    and for any number of `workers`. `today` decides which acceptances have ended. `book` are the rules and models to
    use in place of the built-in ones and those that the settings name.
    Raises ConfigurationError where rules or settings cannot be used.
    """
    found = found or SettingsFile()
    day = (today or datetime.date.today()).isoformat()
    sources = None if book else rule_sources(tree, found.settings)
    run = _Run(tree, found, book.digest if book else sources.digest if sources else "", day)
    known = run.remembered(store) if store else None
    if known is None:
        book = book or _load(sources, store)
        known = _judge(run, book, store, workers, progress or _silent)
        if store:
            run.remember(store, known)
    return msgspec.structs.replace(known, root=root)


@collector_paused()
def link_tree(
    tree: SourceTree,
    settings: Settings | None = None,
    *,
    store: Store | None = None,
    workers: int | None = None,
    progress: Progress | None = None,
    book: Rulebook | None = None,
) -> Linked:
    """The linked program of a tree, not judged. `book` as in `judge_tree`."""
    from proctor import declare, extract, link, resolve

    settings = settings or Settings()
    say = progress or _silent
    book = book or book_of(tree, settings, store)
    check_codes(settings, book.rules)
    declaration = declare.read(tree, settings.procfile)
    resolved = resolve.entry_points(declaration, book.launchers, tree)
    facts = extract.facts(tree, store, workers, lambda done, total: say("reading", done, total))
    say("linking", 0, 0)
    program = link.program(facts, declaration, resolved, book.libraries, book.launchers, tree)
    return Linked(book, declaration, resolved, facts, program)


def rule_sources(tree: SourceTree, settings: Settings) -> RuleSources:
    """The built-in rules and those in the folders that the settings name."""
    return read_sources([tree.root / folder for folder in settings.rules])


def book_of(tree: SourceTree, settings: Settings, store: Store | None = None) -> Rulebook:
    """The rules and models that judge a tree. Raises ConfigurationError where they cannot be used."""
    return _load(rule_sources(tree, settings), store)


def _load(sources: RuleSources | None, store: Store | None) -> Rulebook:
    from proctor.rulebook import load_rulebook

    return load_rulebook(sources, store, check_rulebook)


def rules_of(tree: SourceTree, settings: Settings) -> tuple[Rule, ...]:
    """The rules that judge a tree. Raises ConfigurationError where they cannot be used."""
    return book_of(tree, settings).rules


def check_rulebook(book: Rulebook) -> None:
    """Check what only the stages can tell of rules and models. Raises ConfigurationError."""
    from proctor import resolve

    resolve.check_launchers(book.launchers)


def check_codes(settings: Settings, rules: Sequence[Rule]) -> None:
    """Check that every code of the settings is one that a rule has. Raises ConfigurationError."""
    from proctor.shape import nearest

    codes = [rule.code for rule in rules]
    parts = [*_parts("paths", settings.paths), *_parts("processes", settings.processes)]
    exact = [("severity", code) for code in settings.severity]
    exact += [(f"{key}.severity", code) for key, part in parts for code in part.severity]
    prefixes = [
        *((f"{key}.ignore", code) for key, part in parts for code in part.ignore),
        *(("select", code) for code in settings.select if code != "T"),
        *(("ignore", code) for code in settings.ignore),
        *(("accept", entry.code) for entry in settings.accept),
    ]
    wrong = [(key, code) for key, code in exact if code not in codes]
    wrong += [(key, code) for key, code in prefixes if not any(each.startswith(code) for each in codes)]
    for key, code in wrong:
        raise ConfigurationError(f"`{key}`: no rule has the code `{code}`; {nearest(code, codes)}.")


def _parts(kind: str, parts: Mapping[str, PartSettings]) -> list[tuple[str, PartSettings]]:
    return [(f"{kind}.{name}", part) for name, part in parts.items()]


def _silent(what: str, done: int, total: int) -> None:
    pass


@collector_paused()
def _judge(run: _Run, book: Rulebook, store: Store | None, workers: int | None, say: Progress) -> Judgement:
    from proctor import judge, report

    tree, settings = run.tree, run.found.settings
    linked = link_tree(tree, settings, store=store, workers=workers, progress=say, book=book)
    say("judging", 0, 0)
    judgement = judge.judgement(
        linked.program, linked.resolved, book.rules, _platform(settings), tree, ".", settings
    )
    judgement = judge.accept(
        judge.add_services(judgement, linked.program, book.services),
        [*linked.declaration.ignores, *_ignores(linked.facts, tree), *_line_ignores(tree, settings)],
        settings,
        run.found.path,
        [rule.code for rule in book.rules],
        run.day,
    )
    return report.sign(judgement, report.SourceLines(tree.read))


def _platform(settings: Settings) -> Platform:
    from proctor.judge import Platform

    facts = PLATFORMS[settings.platform]
    return Platform(
        name=settings.platform,
        signals_all=facts.signals == "all",
        grace_seconds=facts.grace_seconds,
        formation=settings.formation,
    )


def _ignores(facts: Facts, tree: SourceTree) -> list[tuple[str, Ignore]]:
    found: list[tuple[str, Ignore]] = []
    for path in facts.files:
        # unpacking the facts of every file for the sake of the few that hold a comment would take longer
        try:
            data = tree.read(path)
        except OSError:
            continue
        if _holds_ignore(data):
            found.extend((path, ignore) for ignore in facts.files[path].ignores)
    return found


def _line_ignores(tree: _WatchedTree, settings: Settings) -> list[tuple[str, Ignore]]:
    """The acceptances in manifests and scripts that were read; the Procfile has a reader of its own."""
    from proctor.model.ignore import read_line_ignores

    found: list[tuple[str, Ignore]] = []
    for path in sorted(tree.asked):
        if path.endswith((".py", ".json")) or path == settings.procfile:
            continue
        try:
            data = SourceTree.read(tree, path)
        except OSError:
            continue
        if _holds_ignore(data):
            found.extend((path, ignore) for ignore in read_line_ignores(data))
    return found


def _holds_ignore(data: bytes) -> bool:
    return b"octor:" in data or b"OCTOR:" in data


# --- the memory of whole runs ------------------------------------------------------------------------------


class _WatchedTree(SourceTree):
    """A tree that notes which of its files were read."""

    def __init__(self, tree: SourceTree) -> None:
        super().__init__(tree.root, tree.files, tree.skipped, tree.overlay)
        self.asked: set[str] = set()

    def read(self, path: str) -> bytes:
        self.asked.add(path)
        return super().read(path)


class _Run:
    """One run, and its key: everything that its answer depends on.

    Which files other than Python source a run reads follows from what it reads, so an answer is found in two steps:
    the Python files, the names of all files and the settings say which other files the run read before; with
    their contents the key is whole.
    """

    def __init__(self, tree: SourceTree, found: SettingsFile, rules: str, day: str) -> None:
        self.tree = _WatchedTree(tree)
        self.found = found
        self.rules = rules
        self.day = day
        self._first = ""

    def remembered(self, store: Store) -> Judgement | None:
        """The answer of an earlier equal run."""
        asked = store.get_blob(f"asked/{self._first_key()}")
        if asked is None:
            return None
        answer = store.get_blob(f"answer/{self._whole_key(msgspec.msgpack.decode(asked, type=list[str]))}")
        try:
            return msgspec.msgpack.decode(answer, type=Judgement) if answer is not None else None
        except msgspec.DecodeError:
            return None

    def remember(self, store: Store, judgement: Judgement) -> None:
        """Keep the answer of this run."""
        asked = sorted(path for path in self.tree.asked if not path.endswith(".py"))
        store.put_blob(f"asked/{self._first_key()}", msgspec.msgpack.encode(asked))
        store.put_blob(f"answer/{self._whole_key(asked)}", msgspec.msgpack.encode(judgement))

    def _first_key(self) -> str:
        if not self._first:
            hashed = hashlib.blake2b(digest_size=20)
            hashed.update(_code_mark().encode())
            hashed.update(msgspec.json.encode([self.found, self.rules, self.day]))
            hashed.update(msgspec.json.encode([self.tree.files, self.tree.skipped]))
            for path in self.tree.python:
                hashed.update(self._digest(path))
            self._first = hashed.hexdigest()
        return self._first

    def _whole_key(self, asked: Sequence[str]) -> str:
        hashed = hashlib.blake2b(self._first_key().encode(), digest_size=20)
        for path in asked:
            hashed.update(path.encode() + b"\0" + self._digest(path))
        return hashed.hexdigest()

    def _digest(self, path: str) -> bytes:
        try:
            return hashlib.blake2b(SourceTree.read(self.tree, path), digest_size=20).digest()
        except OSError as error:
            return f"error {error.errno}".encode().ljust(20)


def _code_mark() -> str:
    """Changes with this program and with the Python that parses."""
    marks = [__version__, f"{sys.version_info[:2]}", msgspec.__version__]
    try:
        for file in sorted(Path(__file__).parent.glob("**/*.py")):
            status = file.stat()
            marks.append(f"{file.name} {status.st_size} {status.st_mtime_ns}")
    except OSError:
        pass  # packed in a zip: the version has to do
    return "\0".join(marks)
