"""Fixes over a whole run: tried in memory and judged, then shown as a difference, offered or written."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import msgspec

from proctor import fix
from proctor.model.finding import Finding, Judgement, Offered, Plan
from proctor.model.place import Place
from proctor.model.rule import Rule
from proctor.model.tree import SourceTree

#: a fix can make room for another one (two on the same line); more rounds than this would mean that they chase each other
_MOST_ROUNDS = 10
#: how often fixes are tried anew without those that turned out to bring something
_MOST_TRIES = 4

#: what is found in a tree, whatever the user selects
Judge = Callable[[SourceTree], Judgement]


@dataclass
class Mended:
    """What was done: how many findings of each code were fixed, the files written, those left as they are with the
    reason, how many more findings `--unsafe` would fix, and the fixes that were left out, each with what it would bring."""

    fixed: Counter[str] = field(default_factory=Counter)
    failed: dict[str, str] = field(default_factory=dict)
    n_unsafe: int = 0
    refused: Mapping[tuple[str, str, int], str] = field(default_factory=dict)

    def lines(self, done: str) -> tuple[str, ...]:
        """It in sentences; `done` says what was done to the findings ("fixed")."""
        lines: list[str] = []
        if self.fixed:
            codes = ", ".join(f"{code} {count}" for code, count in sorted(self.fixed.items()))
            lines.append(f"{_counted(self.fixed.total(), 'finding')} {done} ({codes}).")
        else:
            lines.append(f"nothing {done}.")
        if self.n_unsafe:
            lines.append(f"{_counted(self.n_unsafe, 'more finding')} can be fixed with `--unsafe`.")
        lines += [f"{path} was left as it is: {reason}." for path, reason in sorted(self.failed.items())]
        lines += [
            f"{path}:{line}: {code} was not fixed: {reason}."
            for (code, path, line), reason in sorted(self.refused.items(), key=lambda item: item[0][1:])
        ]
        return tuple(lines)


@dataclass(frozen=True)
class Tried:
    """Fixes that were made in memory: the files before and after them, the findings fixed, the plans that were carried out as
    they stand and need no other one, and the fixes left out (code, path, line) with what they would bring."""

    files: Mapping[str, tuple[bytes, bytes]]
    fixed: Counter[str]
    plans: tuple[Plan, ...]
    refused: Mapping[tuple[str, str, int], str]
    n_unsafe: int


def attempt(
    judgement: Judgement, rules: Iterable[Rule], tree: SourceTree, judge: Judge, unsafe: bool
) -> Tried:
    """Make the fixes for the findings of `judgement` about `tree` in memory, until nothing more can be fixed. A fix after which
    `judge` finds what it did not find before, or finds the same again, is left out."""
    trial = _Trial(judgement, tuple(rules), tree, judge, unsafe)
    for _ in range(_MOST_TRIES):
        if trial.run():
            break
    else:
        trial.give_up()
    return trial.result()


class _Trial:
    def __init__(
        self, judgement: Judgement, rules: tuple[Rule, ...], tree: SourceTree, judge: Judge, unsafe: bool
    ) -> None:
        self._rules = rules
        self._tree = tree
        self._judge = judge
        self._unsafe = unsafe
        self._judgement = judgement
        self._wins_over = {rule.code: rule.wins_over for rule in rules}
        self._before: Counter[tuple[str, str]] | None = None
        self._refused: dict[tuple[str, str, str], tuple[Finding, str]] = {}
        self._rounds: list[tuple[Plan, ...]] = []
        self._now = tree
        self._plans: tuple[Plan, ...] = ()

    def run(self) -> bool:
        """Make all fixes that are not refused. False if some of them have to be refused, too."""
        self._now, self._rounds = self._tree, []
        judgement = self._judgement
        after: Judgement | None = None
        for _ in range(_MOST_ROUNDS):
            plans = fix.plan(judgement, self._rules, self._now)
            wanted = [each for each in plans if _key(each.finding) not in self._refused]
            chosen = fix.choose(wanted, unsafe=self._unsafe)
            files = fix.changed(chosen, self._now)
            chosen = tuple(each for each in chosen if _paths(each) <= set(files))
            if not self._rounds:
                self._plans = tuple(wanted)
            if not chosen:
                break
            self._rounds.append(chosen)
            overlay = {**self._now.overlay, **{path: new for path, (_, new) in files.items()}}
            self._now = SourceTree(self._tree.root, self._tree.files, self._tree.skipped, overlay)
            after = self._judge(self._now)
            judgement = self._in_question(after)
        return after is None or self._is_well(after)

    def _in_question(self, judgement: Judgement) -> Judgement:
        """Of later rounds, the findings that are to be fixed, and those that a fix brought."""
        asked = {_key(each) for each in self._judgement.findings}
        found = (
            each for each in judgement.findings if _key(each) in asked or _kind(each) not in self._known()
        )
        return msgspec.structs.replace(judgement, findings=tuple(found))

    def _known(self) -> Counter[tuple[str, str]]:
        if self._before is None:
            self._before = Counter(_kind(each) for each in self._judge(self._tree).findings)
        return self._before

    def _is_well(self, after: Judgement) -> bool:
        done = [each for chosen in self._rounds for each in chosen]
        stood_behind = {code for each in done for code in self._wins_over.get(each.finding.code, ())}
        more = Counter(_kind(each) for each in after.findings) - self._known()
        brought = [
            each for each in after.findings
            if _kind(each) in more and each.severity != "note" and each.code not in stood_behind
        ]  # fmt: skip
        n_refused = len(self._refused)
        for finding in brought:
            self._refuse(
                _culprits(finding, done),
                f"{finding.code} ({finding.name}) would come up in {finding.place.path}",
            )
        first = Counter(_key(each.finding) for each in self._rounds[0])
        still = Counter(_key(each) for each in after.findings)
        had = Counter(_key(each) for each in self._judgement.findings)
        for plan in self._rounds[0]:
            key = _key(plan.finding)
            if still[key] > had[key] - first[key]:
                self._refuse([plan], "it would be found again")
        return len(self._refused) == n_refused

    def _refuse(self, plans: Sequence[Plan], reason: str) -> None:
        for plan in plans:
            self._refused.setdefault(_key(plan.finding), (plan.finding, reason))

    def give_up(self) -> None:
        """Make none of the fixes: they bring something however they are put together."""
        for chosen in self._rounds:
            self._refuse(chosen, "together with others it would bring new findings")
        self._now, self._rounds = self._tree, []

    def result(self) -> Tried:
        files = {
            path: (self._tree.read(path), new)
            for path, new in self._now.overlay.items()
            if path not in self._tree.overlay or self._tree.overlay[path] != new
        }
        done = [each for chosen in self._rounds for each in chosen]
        known = {_key(each) for each in self._judgement.findings}
        helped = {path for each in done if _key(each.finding) not in known for path in _paths(each)}
        return Tried(
            files={path: pair for path, pair in sorted(files.items()) if pair[0] != pair[1]},
            fixed=Counter(each.finding.code for each in done if _key(each.finding) in known),
            plans=tuple(each for each in self._rounds[0] if not _paths(each) & helped)
            if self._rounds
            else (),
            refused={
                (each.code, each.place.path, each.place.line): reason
                for each, reason in self._refused.values()
                if _key(each) in known
            },
            n_unsafe=0 if self._unsafe else sum(bool(each.edits) and not each.safe for each in self._plans),
        )


def _kind(finding: Finding) -> tuple[str, str]:
    return finding.code, finding.place.path


def _key(finding: Finding) -> tuple[str, str, str]:
    return finding.code, finding.place.path, finding.message


def _culprits(finding: Finding, done: Sequence[Plan]) -> Sequence[Plan]:
    """The fixes that may have brought a finding: those in its file, else those of its process types, else all."""
    near = [each for each in done if finding.place.path in _paths(each)]
    beside = [each for each in done if set(each.finding.processes) & set(finding.processes)]
    return near or beside or done


def show(
    judgement: Judgement, rules: Iterable[Rule], tree: SourceTree, judge: Judge, unsafe: bool
) -> tuple[bytes, Mended]:
    """What the fixes would change, as a unified difference; nothing is written."""
    tried = attempt(judgement, rules, tree, judge, unsafe)
    shown = b"".join(difference(path, old, new) for path, (old, new) in tried.files.items())
    return shown, Mended(tried.fixed, {}, tried.n_unsafe, tried.refused)


def mend(judgement: Judgement, rules: Iterable[Rule], tree: SourceTree, judge: Judge, unsafe: bool) -> Mended:
    """Write the fixes for the findings of `judgement`. Returns what was done."""
    tried = attempt(judgement, rules, tree, judge, unsafe)
    applied = fix.replace(tree.root, tried.files)
    fixed = tried.fixed
    if applied.failed:
        fixed = Counter(each.finding.code for each in tried.plans if _paths(each) <= set(applied.written))
    return Mended(fixed, dict(applied.failed), tried.n_unsafe, tried.refused)


def offers(
    judgement: Judgement, rules: Iterable[Rule], tree: SourceTree, judge: Judge
) -> Mapping[tuple[str, Place], Offered]:
    """The fixes, safe or not, that a report can show: by the code and place of their finding."""
    rules = tuple(rules)
    mendable = {rule.code for rule in rules if rule.fix}
    if not any(each.code in mendable for each in judgement.findings):
        return {}
    tried = attempt(judgement, rules, tree, judge, unsafe=True)
    found: dict[tuple[str, Place], Offered] = {}
    for plan in tried.plans:
        files = fix.changed([plan], tree)
        text = b"".join(difference(path, old, new) for path, (old, new) in files.items())
        found[plan.finding.code, plan.finding.place] = Offered(
            replacements=fix.replacements(plan, tree),
            difference=text.decode("utf-8", "replace"),
            safe=plan.safe,
            because=plan.because,
        )
    return found


def _paths(plan: Plan) -> set[str]:
    return {edit.path for edit in plan.edits}


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"


def difference(path: str, old: bytes, new: bytes) -> bytes:
    """A file's change as a unified difference, as `patch` and `git apply` read it."""
    name = path.encode("utf-8", "surrogateescape")
    lines = difflib.diff_bytes(
        difflib.unified_diff, _lines(old), _lines(new), b"a/" + name, b"b/" + name, lineterm=b"\n"
    )
    return b"".join(
        line if line.endswith(b"\n") else line + b"\n\\ No newline at end of file\n" for line in lines
    )


def _lines(data: bytes) -> list[bytes]:
    # only "\n" ends a line of a difference
    lines = [line + b"\n" for line in data.split(b"\n")]
    last = lines.pop()[:-1]
    return [*lines, last] if last else lines
