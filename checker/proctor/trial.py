"""A rule's examples, run through the whole pipeline and compared with what they expect."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from proctor.errors import ConfigurationError
from proctor.model.finding import ClauseVerdict, Finding, Judgement
from proctor.model.rule import Example, Rule, Rulebook, RuleExamples
from proctor.model.tree import SourceTree
from proctor.pipeline import check_rulebook, judge_tree
from proctor.rule_files import read_sources
from proctor.rulebook import load_examples, load_rulebook, marked_lines
from proctor.settings import Settings, SettingsFile, check_settings
from proctor.shape import fill

KINDS = ("bad", "good", "unsure", "not_applicable")
_HIDES = re.compile(r"#\s*hides:\s*(?P<clauses>[A-Z0-9., ]+)")
_AT_PLACE = re.compile(r"\((?P<path>\S+):(?P<line>\d+)\)$")


def try_rules(folder: Path | None = None, mutate: bool = False) -> tuple[int, tuple[str, ...]]:
    """Run the examples of all rules in `folder` (None: the built-in ones).

    Returns how many were run and, for each that is not as expected, a sentence that says how; with `mutate` also
    one for each condition of a rule that no example needs.
    Raises ConfigurationError where a rule file cannot be used.
    """
    sources = read_sources([folder] if folder else [])
    book = load_rulebook(sources, check=check_rulebook)
    own = {file.name for file in sources.files if file.folder == (1 if folder else 0)}
    n_examples = 0
    complaints: list[str] = []
    for rule in book.rules:
        if rule.path not in own:
            continue
        examples = load_examples(rule, sources)
        for kind in KINDS:
            for number, example in enumerate(getattr(examples, kind), start=1):
                n_examples += 1
                name = f"{rule.code}-{kind.replace('_', '-')}-{number}"
                complaints.extend(f"{name}: {text}" for text in try_example(rule, kind, example, book))
        if mutate:
            complaints.extend(
                f"{rule.code}: no example needs `{name}`."
                for name, is_needed in needed_conditions(rule, examples, book)
                if not is_needed
            )
    return n_examples, tuple(complaints)


def try_example(rule: Rule, kind: str, example: Example, book: Rulebook) -> tuple[str, ...]:
    """How the answer for one example differs from what it expects; nothing if it does not. An example with a `gap`
    pins an answer that is known to be wrong, and differs as soon as the answer is right."""
    judgement = judge_example(example, book, rule.path)
    found = tuple(_differences(rule, kind, example, judgement))
    if kind == "bad" and not example.gap:
        found += tuple(_check_fix(rule, example, judgement, book))
    if example.gap:
        return () if found else ("the gap is mended: take `gap` away.",)
    return found


def needed_conditions(rule: Rule, examples: RuleExamples, book: Rulebook) -> Iterator[tuple[str, bool]]:
    """Each condition of `rule`, and whether its examples need it: taken away alone (from a list, a word at a time;
    true and false exchanged), some example no longer gets the answer that it expects."""
    changes = [
        *((f"when.{name}", changed, rule.unless) for name, changed in _mutations(rule.when)),
        *((f"unless.{name}", rule.when, changed) for name, changed in _mutations(rule.unless)),
    ]
    for name, when, unless in changes:
        mutant = msgspec.structs.replace(rule, when=when, unless=unless)
        rules = tuple(mutant if each.code == rule.code else each for each in book.rules)
        yield name, _is_noticed(mutant, examples, msgspec.structs.replace(book, rules=rules))


def _mutations(table: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    for key, value in table.items():
        yield key, {name: each for name, each in table.items() if name != key}
        if isinstance(value, bool):
            yield f"{key} = {str(not value).lower()}", {**table, key: not value}
        elif isinstance(value, list) and len(value) > 1:
            for index, item in enumerate(value):
                yield f"{key} without {item}", {**table, key: value[:index] + value[index + 1 :]}
        elif isinstance(value, dict):
            for name, changed in _mutations(value):
                yield f"{key}.{name}", {**table, key: changed}


def _is_noticed(mutant: Rule, examples: RuleExamples, book: Rulebook) -> bool:
    try:
        return any(
            try_example(mutant, kind, example, book) for kind in KINDS for example in getattr(examples, kind)
        )
    except (ConfigurationError, LookupError):
        return True  # the judge itself cannot do without


def judge_example(example: Example, book: Rulebook, file: str = "") -> Judgement:
    """The whole answer for the app of an example. Raises ConfigurationError where its `options` are wrong."""
    settings = fill(example.options, Settings, file, "options")
    check_settings(settings, file, "options")
    return judge_tree(example_tree(example.files), SettingsFile(settings=settings), book=book)


def example_tree(files: dict[str, str]) -> SourceTree:
    """A tree that lies in memory only."""
    overlay = {path: text.encode("utf-8", "surrogateescape") for path, text in files.items()}
    return SourceTree(Path("/nonexistent"), (), (), overlay)


def _differences(rule: Rule, kind: str, example: Example, judgement: Judgement) -> Iterator[str]:
    own = [each for each in judgement.findings if each.code == rule.code]
    if kind == "bad":
        yield from _check_lines(rule, example, judgement)
        yield from _check_evidence(example, own)
        yield from _check_words(example, own)
    elif own and not (kind == "unsure" and all(each.severity == "note" for each in own)):
        # what is not verified may be noted
        yield f"{_shown(own)} should not be found."
    clauses = example.clauses or (rule.clause,)
    for clause in clauses:
        verdicts = [each for each in judgement.verdicts if each.clause == clause]
        yield from _check_verdicts(kind, clause, verdicts, own, example)
    yield from _check_hidden(example, judgement)


def _check_lines(rule: Rule, example: Example, judgement: Judgement) -> Iterator[str]:
    marked = {
        (path, line, code or rule.code) for path, line, code in marked_lines(example.files, example.marks)
    }
    codes = {code for _, _, code in marked}
    found = {
        (each.place.path, each.place.line, each.code) for each in judgement.findings if each.code in codes
    }
    for path, line, code in sorted(marked - found):
        yield f"{code} is not found at {path}:{line}."
    for path, line, code in sorted(found - marked):
        yield f"{code} is found at {path}:{line}, which is not marked."


def _check_evidence(example: Example, own: Sequence[Finding]) -> Iterator[str]:
    if not example.evidence:
        return
    paths = [[f"{step.place.path}:{step.place.line}" for step in finding.evidence] for finding in own]
    if not any(_is_subsequence(example.evidence, path) for path in paths):
        shown = "; ".join(" ".join(path) for path in paths) or "nothing"
        yield f"the evidence should hold {' '.join(example.evidence)}, but is {shown}."


def _check_words(example: Example, own: Sequence[Finding]) -> Iterator[str]:
    for finding in own:
        if example.severity and finding.severity != example.severity:
            yield f"{_shown([finding])} should be of severity {example.severity}, but is {finding.severity}."
    for text in example.says:
        if not any(text in finding.message for finding in own):
            yield f"a message should hold {text!r}, but they are {'; '.join(each.message for each in own)}."
    named = sorted({name for finding in own for name in finding.processes})
    if example.processes and named != sorted(example.processes):
        yield f"the findings should name {', '.join(example.processes)}, but name {', '.join(named)}."


def _check_fix(rule: Rule, example: Example, judgement: Judgement, book: Rulebook) -> Iterator[str]:
    """With the rule's fix the files are as `after` says, the finding is gone and nothing new appears, and a second
    run changes nothing."""
    if rule.fix is None:
        if example.after:
            yield "it has `after`, but the rule has no `[fix]`."
        return
    from proctor import fix

    if rule.fix.recipe not in fix.RECIPES:
        yield f"there is no recipe `{rule.fix.recipe}`; valid are {', '.join(sorted(fix.RECIPES))}."
        return
    fixed = _fixed(rule, example.files, judgement, book)
    changed = {path: _unmarked(text) for path, text in fixed.items() if text != example.files[path]}
    for path in sorted({*changed, *example.after}):
        if changed.get(path) != example.after.get(path):
            yield f"the fix should give {path} as {example.after.get(path)!r}, but gives {changed.get(path)!r}."
    if not changed:
        return
    after = judge_example(msgspec.structs.replace(example, files=fixed), book, rule.path)
    more = Counter(each.code for each in after.findings) - Counter(each.code for each in judgement.findings)
    # what the rule's finding stood in front of was there before
    more = Counter({code: count for code, count in more.items() if code not in rule.wins_over})
    if more:
        yield f"the fix brings {', '.join(sorted(more))}."
    if any(each.code == rule.code for each in after.findings):
        yield "the fix does not make the finding go away."
    if _fixed(rule, fixed, after, book) != fixed:
        yield "the fix changes the files again when it is run twice."


def _fixed(rule: Rule, files: dict[str, str], judgement: Judgement, book: Rulebook) -> dict[str, str]:
    from proctor import fix

    tree = example_tree(files)
    own = msgspec.structs.replace(
        judgement, findings=tuple(each for each in judgement.findings if each.code == rule.code)
    )
    changed = fix.changed(fix.choose(fix.plan(own, book.rules, tree), unsafe=True), tree)
    return {**files, **{path: new.decode("utf-8", "surrogateescape") for path, (_, new) in changed.items()}}


def _unmarked(text: str) -> str:
    return re.sub(r"[ \t]*# finding:.*", "", text)


def _is_subsequence(wanted: Sequence[str], path: Iterable[str]) -> bool:
    rest = iter(path)
    return all(any(step == each for each in rest) for step in wanted)


def _check_verdicts(
    kind: str, clause: str, verdicts: Sequence[ClauseVerdict], own: Sequence[Finding], example: Example
) -> Iterator[str]:
    said = {each.verdict for each in verdicts}
    shown = "; ".join(f"{each.process or 'the app'}: {each.verdict} ({each.reason})" for each in verdicts)
    if kind == "bad":
        # a note breaks no clause
        if any(each.severity != "note" for each in own) and "violates" not in said:
            yield f"{clause} should be violated, but is {shown}."
    elif kind == "unsure":
        if not any(each.verdict == "not verified" and example.reason in each.reason for each in verdicts):
            yield f"{clause} should be not verified because of {example.reason}, but is {shown}."
    elif kind == "good":
        if not verdicts or not said <= {"conforms", "not applicable"} or "conforms" not in said:
            yield f"{clause} should conform, but is {shown}."
    elif not verdicts or any(each.verdict != "not applicable" for each in verdicts if each.process):
        yield f"{clause} should not apply, but is {shown}."


def _check_hidden(example: Example, judgement: Judgement) -> Iterator[str]:
    """Where a reason names a place, it is a line marked `# hides: CLAUSE`."""
    marked = {
        (path, number, clause.strip())
        for path, text in example.files.items()
        for number, line in enumerate(text.split("\n"), start=1)
        for mark in _HIDES.finditer(line)
        for clause in mark["clauses"].split(",")
    }
    for clause in sorted({clause for _, _, clause in marked}):
        reasons = [
            each for each in judgement.verdicts if each.clause == clause and each.verdict == "not verified"
        ]
        if not reasons:
            yield f"{clause} should be hidden, but is verified."
        for each in reasons:
            place = _AT_PLACE.search(each.reason)
            if place and (place["path"], int(place["line"]), clause) not in marked:
                yield f"{clause} is hidden at {place['path']}:{place['line']}, which is not marked."


def _shown(findings: Sequence[Finding]) -> str:
    places = ", ".join(f"{each.place.path}:{each.place.line}" for each in findings)
    return f"{findings[0].code} at {places}"
