"""What a run says: findings with evidence, verdicts, and what was and was not read."""

from __future__ import annotations

import msgspec

from proctor.model.place import Place
from proctor.model.words import Effect, Kind, Phase, Severity, Verdict


class Step(msgspec.Struct, frozen=True):
    """One step of an evidence path: what is seen at a place."""

    place: Place
    text: str


class Edit(msgspec.Struct, frozen=True):
    """A replacement in one file: the bytes from `start` to before `end` become `text`, in the file's own encoding."""

    path: str
    start: int
    end: int
    text: str


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A clause broken at a place. `evidence` runs from a declaration (or the root searched) to `place`;
    it is never empty. `fingerprint` is stable against moved lines. `suppressed` carries the accepted reason.
    `subject` is the symbol or setting it is about (part of the fingerprint)."""

    code: str
    name: str
    clause: str
    severity: Severity
    message: str
    remedy: str
    place: Place
    processes: tuple[str, ...]
    phase: Phase | None
    evidence: tuple[Step, ...]
    subject: str = ""
    fingerprint: str = ""
    suppressed: str | None = None

    def __post_init__(self) -> None:
        if not self.evidence:
            raise ValueError(f"{self.code} at {self.place.path}:{self.place.line} has no evidence")


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What can be done about one finding: `edits` (all of them or none), or no edits and the `reason` why none is
    offered, a clause that begins with a small letter. `safe` edits change nothing that the app means to do; `because`
    says why they are, or are not. `claims` are names that the edits bring into the app; two plans never claim the same."""

    finding: Finding
    edits: tuple[Edit, ...] = ()
    safe: bool = False
    because: str = ""
    reason: str = ""
    claims: tuple[str, ...] = ()


class Replacement(msgspec.Struct, frozen=True, kw_only=True):
    """An edit as people see it: from a line and column to before an end (all from 1, columns in characters)."""

    path: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A fix as a report shows it: what it replaces, and its difference in the form of `diff -u`; `safe` and `because` as in
    `Plan`."""

    replacements: tuple[Replacement, ...]
    difference: str
    safe: bool
    because: str


class Gap(msgspec.Struct, frozen=True, kw_only=True):
    """Something that hides the answer for some clauses. `clauses` empty means all that code can hide.
    `process` is None for the whole app. `effects` are those of the code that it may or may not run, where that is
    known (() means that it does nothing that a clause asks about); None means that it can be anything."""

    place: Place
    reason: str
    clauses: tuple[str, ...] = ()
    process: str | None = None
    effects: tuple[Effect, ...] | None = None


class ClauseVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """The verdict of one clause for one process type (None: the app as a whole)."""

    clause: str
    process: str | None
    verdict: Verdict
    reason: str
    method: str = "static"
    #: for `conforms`: how many files were read as its evidence
    files: int = 0

    def __post_init__(self) -> None:
        if self.verdict == "conforms" and self.files < 1:
            raise ValueError(f"{self.clause} conforms for {self.process} without a file read")


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """A backing service that a process type talks to: `name` as people call it, `variable` the environment variable
    that says which one it is ("" where none does or it is not known), and the path to the first place that shows it."""

    name: str
    variable: str = ""
    steps: tuple[Step, ...] = ()


class ProcessReport(msgspec.Struct, frozen=True, kw_only=True):
    """One process type as the report shows it."""

    name: str
    place: Place
    command: str
    launcher: str
    kind: Kind
    entry_kind: str | None
    entry_target: str | None
    entry_path: str | None
    unresolved: str | None
    files: int
    effects: tuple[str, ...]
    #: each effect with the path to the first place that shows it
    profile: tuple[tuple[str, tuple[Step, ...]], ...] = ()
    #: what it talks to, in the order of names
    services: tuple[Service, ...] = ()


class Coverage(msgspec.Struct, frozen=True, kw_only=True):
    """What was read. Counts are of Python files in scope; `not_read` names each file left out, with the reason."""

    python_files: int
    read: int
    reached: int
    not_read: tuple[tuple[str, str], ...] = ()


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """A finding as a baseline keeps it: without its line, which moves. `alike` is the same wherever the same line
    stands, so that it survives a moved file."""

    code: str
    path: str
    message: str
    fingerprint: str
    alike: str


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """The whole answer of a run. Where it was compared with an earlier one (`compared` names it), `findings` are the new
    ones, `known` those that both have, and `fixed` those that only the earlier one has."""

    root: str
    processes: tuple[ProcessReport, ...]
    findings: tuple[Finding, ...]
    suppressed: tuple[Finding, ...]
    verdicts: tuple[ClauseVerdict, ...]
    coverage: Coverage
    #: suppressions that silenced nothing, and malformed ones
    notices: tuple[Step, ...] = ()
    compared: str = ""
    known: tuple[Finding, ...] = ()
    fixed: tuple[Recorded, ...] = ()
