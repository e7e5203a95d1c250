"""Findings and gaps become verdicts: one per clause and process type."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from proctor.judge import commands, effects, formation, pairs, paths, signals, values
from proctor.judge.children import stays_for
from proctor.judge.clauses import DECLARED, HIDEABLE, not_applicable
from proctor.judge.drafts import Doubt, Judge, Outcome, Platform
from proctor.judge.programs import shown
from proctor.judge.summary import process_reports
from proctor.model.finding import ClauseVerdict, Coverage, Finding, Judgement
from proctor.model.process import ResolvedProcess
from proctor.model.program import ProcessView, Program
from proctor.model.rule import Rule
from proctor.model.tree import SourceTree
from proctor.model.words import CLAUSES, EFFECTS, Severity
from proctor.settings import Settings

DEFAULTS = Settings()

#: Every judge, by the word that a rule's `[when]` names it with.
JUDGES: Mapping[str, Judge] = {
    "effects": effects.judge,
    "pairs": pairs.judge,
    "values": values.judge,
    "commands": commands.judge,
    "formation": formation.judge,
    "paths": paths.judge,
    "signals": signals.judge,
}

#: What happens to work when a program is stopped.
_STOPPED = ("IX.3", "IX.4", "IX.5", "IX.6", "IX.8")

#: What a judge asks about beyond the effects that its rules name.
_JUDGES_ASK: Mapping[str, tuple[str, ...]] = {
    "pairs": ("keeps-memory",),
    "signals": (
        "sets-signal",
        "ends-process",
        "registers-exit",
        "joins",
        "waits",
        "starts-thread",
        "starts-process",
    ),
}


def outcomes(
    program: Program,
    rules: Sequence[Rule],
    platform: Platform,
    settings: Settings = DEFAULTS,
) -> tuple[list[Finding], list[Doubt]]:
    """All findings (one per cause, in order of place) and doubts of the rules. The severity that `settings` decide
    holds whatever a judge says of a single finding."""
    found: list[Outcome] = []
    for name, judge in JUDGES.items():
        own = [rule for rule in rules if rule.judge == name]
        if own:
            found.extend(judge(own, program, platform))
    lenient = _for_development(program)
    findings = merge(
        _with(item, severity="note" if _is_within(item, lenient) else _severity(item, settings))
        for item in found
        if isinstance(item, Finding)
    )
    kept = one_per_cause(findings, rules)
    doubts = [item for item in found if isinstance(item, Doubt)]
    doubts.extend(_same_cause(findings, kept, rules))
    return kept, list(dict.fromkeys(doubts))


def _severity(finding: Finding, settings: Settings) -> Severity:
    decided = settings.decided_severity(finding.code, finding.place.path, finding.processes)
    return decided or finding.severity


def _for_development(program: Program) -> frozenset[str]:
    """Process types that only a developer's machine runs."""
    return frozenset(view.process.name for view in program.views if view.process.development)


def _is_within(finding: Finding, processes: frozenset[str]) -> bool:
    return bool(finding.processes) and processes.issuperset(finding.processes)


def _same_cause(
    findings: Sequence[Finding], kept: Sequence[Finding], rules: Sequence[Rule]
) -> Iterable[Doubt]:
    """A finding that another one stands for breaks its own clause all the same."""
    names = frozenset(map(id, kept))
    losers, calls = _losers(rules), _about_calls(rules)
    for finding in findings:
        if id(finding) in names or finding.severity == "note":
            continue
        winners = (
            each
            for each in kept
            if each.code in losers.get(finding.code, ()) and _stands_for(each, finding, calls)
        )
        codes = ", ".join(dict.fromkeys(each.code for each in winners)) or finding.code
        for process in finding.processes or (None,):
            yield Doubt(
                rule=finding.code,
                clause=finding.clause,
                process=process,
                reason=codes,
                place=finding.place,
                broken=True,
            )


def _losers(rules: Sequence[Rule]) -> Mapping[str, set[str]]:
    """Code -> the codes of the rules that win over it."""
    losers: dict[str, set[str]] = {}
    for rule in rules:
        for code in rule.wins_over:
            losers.setdefault(code, set()).add(rule.code)
    return losers


def merge(findings: Iterable[Finding]) -> list[Finding]:
    """The same finding in several process types becomes one that names them all."""
    kept: dict[tuple[str, str, int, int, str], Finding] = {}
    for finding in findings:
        place = finding.place
        mark = (finding.code, place.path, place.line, place.column, finding.subject)
        known = kept.get(mark)
        if known is None:
            kept[mark] = finding
            continue
        names = tuple(dict.fromkeys((*known.processes, *finding.processes)))
        worst = min(known, finding, key=lambda f: ("error", "warning", "note").index(f.severity))
        kept[mark] = _with(worst, processes=names)
    order = sorted(
        kept.values(), key=lambda f: (f.place.path, f.place.line, f.place.column, f.code, f.subject)
    )
    return order


def _with(finding: Finding, **changes: object) -> Finding:
    import msgspec

    return msgspec.structs.replace(finding, **changes)


def one_per_cause(findings: list[Finding], rules: Sequence[Rule]) -> list[Finding]:
    """Where two rules see the same cause, the one that names what the user would change stays."""
    losers, calls = _losers(rules), _about_calls(rules)
    by_code: dict[str, list[Finding]] = {}
    for finding in findings:
        by_code.setdefault(finding.code, []).append(finding)
    return [
        finding
        for finding in findings
        if not any(
            _stands_for(winner, finding, calls)
            for code in losers.get(finding.code, ())
            for winner in by_code.get(code, ())
        )
    ]


def _about_calls(rules: Sequence[Rule]) -> frozenset[str]:
    """The rules whose findings are called after what is called: the same name elsewhere is another cause."""
    return frozenset(rule.code for rule in rules if rule.judge == "paths")


def _stands_for(winner: Finding, finding: Finding, calls: frozenset[str]) -> bool:
    if not set(winner.processes) & set(finding.processes) and winner.processes and finding.processes:
        return False
    same_line = (winner.place.path, winner.place.line) == (finding.place.path, finding.place.line)
    named = bool(winner.subject) and winner.code not in calls
    return same_line or (named and winner.subject == finding.subject)


def verdicts(
    program: Program,
    findings: Sequence[Finding],
    doubts: Sequence[Doubt],
    resolved: Sequence[ResolvedProcess],
    rules: Sequence[Rule],
) -> tuple[ClauseVerdict, ...]:
    """A verdict for every clause and process type, and for the app as a whole where something concerns it. A clause
    that none of `rules` judges conforms nowhere."""
    made: list[ClauseVerdict] = []
    judged = frozenset(rule.clause for rule in rules)
    launched = frozenset(rule.clause for rule in rules if rule.judge in ("commands", "formation"))
    asked = asked_effects(rules)
    for item in resolved:
        views = tuple(view for view in program.views if view.process.name == item.process.name)
        for clause in CLAUSES:
            hidden = _hidden(clause, item, views, asked.get(clause, frozenset()))
            verdict = _verdict(clause, item, views, findings, doubts, hidden, program)
            if verdict.verdict == "conforms" and clause not in judged:
                verdict = ClauseVerdict(
                    clause=clause, process=verdict.process, verdict="not verified", reason="no rule judges it"
                )
            softened = item.process.development and (clause in launched or _speak_of(findings, verdict))
            if verdict.verdict == "conforms" and softened:
                verdict = _for_a_developer(verdict, item)
            made.append(verdict)
    made.extend(_app_verdicts(program, findings, doubts))
    return tuple(made)


def _speak_of(findings: Sequence[Finding], verdict: ClauseVerdict) -> bool:
    return any(each.clause == verdict.clause and verdict.process in each.processes for each in findings)


def _for_a_developer(verdict: ClauseVerdict, item: ResolvedProcess) -> ClauseVerdict:
    """What the manifest of a developer's machine says of launching and of copies is not judged, and findings are notes."""
    name, path = item.process.name, item.process.place.path
    reason = (
        f"`{path}` is meant for a developer's machine, and nothing says how `{name}` is started elsewhere"
    )
    return ClauseVerdict(clause=verdict.clause, process=name, verdict="not verified", reason=reason)


def _verdict(
    clause: str,
    item: ResolvedProcess,
    views: tuple[ProcessView, ...],
    findings: Sequence[Finding],
    doubts: Sequence[Doubt],
    hidden: str,
    program: Program,
) -> ClauseVerdict:
    name = item.process.name
    broken = [f.code for f in findings if f.clause == clause and name in f.processes and f.severity != "note"]
    broken.extend(d.reason for d in doubts if d.broken and d.clause == clause and d.process == name)
    if broken:
        codes = ", ".join(dict.fromkeys(broken))
        return ClauseVerdict(clause=clause, process=name, verdict="violates", reason=codes)
    if hidden and not any(view.launch.entry for view in views):
        return ClauseVerdict(clause=clause, process=name, verdict="not verified", reason=hidden)
    idle = not_applicable(clause, views)
    started = _started(views, program) if clause in _STOPPED else ""
    if started:
        return ClauseVerdict(clause=clause, process=name, verdict="not verified", reason=started)
    if idle and not (hidden and _is_replaced(views)):
        return ClauseVerdict(clause=clause, process=name, verdict="not applicable", reason=idle)
    doubt = next((d.reason for d in doubts if d.clause == clause and d.process == name), "")
    if doubt or hidden:
        return ClauseVerdict(clause=clause, process=name, verdict="not verified", reason=doubt or hidden)
    files = {path for view in views for path in view.files} | {item.process.place.path}
    return ClauseVerdict(
        clause=clause, process=name, verdict="conforms", reason=f"{len(files)} files read", files=len(files)
    )


def _started(views: Sequence[ProcessView], program: Program) -> str:
    """What a program that does not stay by its own code starts, and may stay for: a Python program, or one that is known to
    stay."""
    for view in views:
        for context, hit in view.hits("subprocess"):
            if context.phase != "startup" or context.lane == "thread" or view.launch.ends:
                continue
            if stays_for(program, hit):
                return f"what `{hit.symbol}` starts is not followed ({hit.place.path}:{hit.place.line})"
    return ""


def _is_replaced(views: Sequence[ProcessView]) -> bool:
    """Whether the program may go on as another one, of which nothing is known."""
    return any(
        hit.details.get("how") == "exec" and hit.details.get("what") != "self"
        for view in views
        for _, hit in view.hits("ends-process")
    )


def asked_effects(rules: Sequence[Rule]) -> Mapping[str, frozenset[str]]:
    """Clause -> the effects that its rules ask about: code that has none of them cannot break it."""
    asked: dict[str, set[str]] = {}
    for rule in rules:
        words = asked.setdefault(rule.clause, set(_JUDGES_ASK.get(rule.judge, ())))
        words.update(word for table in (rule.when, rule.unless) for word in _words(table) if word in EFFECTS)
    return {clause: frozenset(words) for clause, words in asked.items()}


def _words(value: object) -> Iterable[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _words(item)
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _words(item)


def _hidden(clause: str, item: ResolvedProcess, views: tuple[ProcessView, ...], asked: frozenset[str]) -> str:
    """What keeps a clause from being decided for a process type, or ""."""
    if item.unresolved:
        return item.unresolved
    if not views:
        return "its command starts no program that is known"
    for view in views:
        if clause in DECLARED:
            # how a signal gets to a known program can be told whatever code it runs
            if view.launch.unresolved and (clause == "VIII.1" or not view.launch.launcher):
                return view.launch.unresolved
            continue
        language = view.details.get("language") if view.stays else None
        if language:
            return f"the code of `{shown(view.launch)}` is written in {language}, which is not read"
        for gap in view.gaps:
            harmless = gap.effects is not None and asked.isdisjoint(gap.effects)
            if clause in (gap.clauses or HIDEABLE) and not harmless:
                return f"{gap.reason} ({gap.place.path}:{gap.place.line})"
    return ""


def _app_verdicts(
    program: Program, findings: Sequence[Finding], doubts: Sequence[Doubt]
) -> Iterable[ClauseVerdict]:
    sources = len(program.declaration.sources)
    for clause in CLAUSES:
        broken = [f.code for f in findings if f.clause == clause and not f.processes and f.severity != "note"]
        broken.extend(d.reason for d in doubts if d.broken and d.clause == clause and d.process is None)
        doubt = next((d.reason for d in doubts if d.clause == clause and d.process is None), "")
        if broken:
            codes = ", ".join(dict.fromkeys(broken))
            yield ClauseVerdict(clause=clause, process=None, verdict="violates", reason=codes)
        elif doubt:
            yield ClauseVerdict(clause=clause, process=None, verdict="not verified", reason=doubt)
        elif clause == "VIII.1" and sources:
            yield ClauseVerdict(
                clause=clause, process=None, verdict="conforms", reason="every line was read", files=sources
            )


def judgement(
    program: Program,
    resolved: Sequence[ResolvedProcess],
    rules: Sequence[Rule],
    platform: Platform,
    tree: SourceTree,
    root: str,
    settings: Settings = DEFAULTS,
) -> Judgement:
    """The whole answer, before suppression."""
    findings, doubts = outcomes(program, rules, platform, settings)
    return Judgement(
        root=root,
        processes=process_reports(program, resolved),
        findings=tuple(findings),
        suppressed=(),
        verdicts=verdicts(program, findings, doubts, resolved, rules),
        coverage=coverage(program, tree),
    )


def coverage(program: Program, tree: SourceTree) -> Coverage:
    """What was read, reached, and left out."""
    reached = {path for view in program.views for path in view.files}
    not_read = [*tree.skipped, *program.declaration.not_read, *program.unread.items()]
    return Coverage(
        python_files=len(tree.python),
        read=len(tree.python) - len(program.unread),
        reached=len(reached),
        not_read=tuple(sorted(dict.fromkeys(not_read))),
    )
