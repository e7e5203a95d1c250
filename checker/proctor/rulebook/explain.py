"""A rule as a page: in Markdown for the documentation, as plain text for a terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence

from proctor.errors import UsageError
from proctor.model.rule import Example, Rule
from proctor.model.words import CLAUSES
from proctor.rule_files import RuleSources, read_sources
from proctor.rulebook.load import load_examples, load_rulebook
from proctor.shape import nearest

_WIDTH = 100
_LANGUAGES = {".py": "python", ".toml": "toml", ".yml": "yaml", ".yaml": "yaml", ".sh": "sh", ".json": "json"}
_KINDS = {
    "bad": "Found",
    "good": "Not found",
    "unsure": "Not verified",
    "not_applicable": "Not applicable",
}


def find_rule(name: str, rules: Sequence[Rule]) -> Rule:
    """The rule with this code or name. Raises UsageError naming the nearest one."""
    wanted = name.strip()
    for rule in rules:
        if wanted.upper() == rule.code or wanted.lower() == rule.name:
            return rule
    raise UsageError(
        f"No rule is called `{name}`; {nearest(wanted, [*(r.code for r in rules), *(r.name for r in rules)])}."
    )


def list_rules(rules: Sequence[Rule]) -> str:
    """All rules, by clause, one per line."""
    rows: list[str] = []
    for clause, title in CLAUSES.items():
        own = [rule for rule in rules if rule.clause == clause]
        if own:
            rows.append(f"{clause}  {title}")
            rows += [f"  {rule.code:<6} {rule.severity:<8} {rule.name:<32} {rule.summary}" for rule in own]
    return "\n".join(rows) + "\n"


def explain_rule(rule: Rule, sources: RuleSources | None = None) -> str:
    """The rule as text for a terminal, with its first examples."""
    examples = load_examples(rule, sources)
    parts = [
        f"{rule.code}  {rule.name}  ({rule.severity}, since {rule.since})",
        f"{rule.clause}  {CLAUSES[rule.clause]}",
        rule.summary,
        _wrapped(rule.why),
        "To mend it:\n" + _wrapped(rule.remedy, "  "),
    ]
    if rule.not_reported:
        parts.append("Not reported:\n" + _wrapped(rule.not_reported, "  "))
    for kind in ("bad", "good"):
        example = next((each for each in getattr(examples, kind) if not each.gap), None)
        if example:
            parts.append(f"{_KINDS[kind]}:\n" + "\n".join(_indented_files(example)))
    parts.append("\n".join([rule.source, *rule.references]))
    return "\n\n".join(parts) + "\n"


def rule_page(rule: Rule, sources: RuleSources | None = None) -> str:
    """The rule as a Markdown page with all its examples."""
    examples = load_examples(rule, sources)
    parts = [
        f"# {rule.code} {rule.name}",
        f"*{rule.severity}, since {rule.since}.* Clause **{rule.clause}**: {CLAUSES[rule.clause]} "
        f"([source]({rule.source})).",
        rule.summary,
        "## Why",
        rule.why.strip(),
        "## How to mend it",
        rule.remedy.strip(),
    ]
    if rule.fix:
        safe = "safe" if rule.fix.safe else "not safe"
        option = "--fix" if rule.fix.safe else "--fix --unsafe"
        parts.append(f"`proctor check {option}` can do it ({safe}: {rule.fix.because.strip().rstrip('.')}).")
    if rule.not_reported:
        parts += ["## What is not reported", rule.not_reported.strip()]
    parts.append("## Examples")
    for kind, title in _KINDS.items():
        for number, example in enumerate(getattr(examples, kind), start=1):
            parts.append(f"### {title} ({number})")
            parts += list(_markdown_example(example))
    if rule.references:
        parts += ["## See also", "\n".join(f"- {_linked(each)}" for each in rule.references)]
    parts += ["## Accept it", f"`# proctor: ignore[{rule.code}] reason` at the end of the line."]
    return "\n\n".join(parts) + "\n"


def rule_pages(sources: RuleSources | None = None) -> dict[str, str]:
    """The pages of all rules and an index, by file name."""
    sources = sources or read_sources()
    rules = load_rulebook(sources).rules
    pages = {f"{rule.code}.md": rule_page(rule, sources) for rule in rules}
    rows = ["# Rules", "", "Generated from the rule files by `proctor rules docs docs/rules`.", ""]
    for clause, title in CLAUSES.items():
        own = [rule for rule in rules if rule.clause == clause]
        rows += [f"## {clause} {title}", ""]
        rows += (
            ["| Code | Name | Severity | |", "|---|---|---|---|"]
            if own
            else ["No rule judges this clause yet."]
        )
        rows += [
            f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.severity} | {rule.summary} |"
            for rule in own
        ]
        rows.append("")
    pages["README.md"] = "\n".join(rows)
    return pages


def _markdown_example(example: Example) -> Iterator[str]:
    if example.gap:
        yield f"*A known gap, so the answer is still wrong: {example.gap}*"
    if example.reason:
        yield f"The reason holds: {example.reason}."
    if example.marks:
        yield "Findings at " + ", ".join(f"`{mark}`" for mark in example.marks) + "."
    yield from _fenced_files(example.files)
    if example.after:
        yield "The fix makes of it:"
        yield from _fenced_files(example.after)


def _fenced_files(files: dict[str, str]) -> Iterator[str]:
    for path, text in files.items():
        fence = "````" if "```" in text else "```"
        lines = "\n".join(line.rstrip() for line in text.rstrip().split("\n"))
        yield f"`{path}`\n{fence}{_language(path)}\n{lines}\n{fence}"


def _indented_files(example: Example) -> Iterator[str]:
    for path, text in example.files.items():
        if text.strip():
            yield f"  {path}"
            yield from (f"    {line}".rstrip() for line in text.rstrip().split("\n"))


def _language(path: str) -> str:
    return next((name for suffix, name in _LANGUAGES.items() if path.endswith(suffix)), "")


def _linked(reference: str) -> str:
    return f"<{reference}>" if reference.startswith("http") else reference


def _wrapped(text: str, indent: str = "") -> str:
    paragraphs = [" ".join(each.split()) for each in text.strip().split("\n\n")]
    return "\n\n".join(
        textwrap.fill(each, _WIDTH, initial_indent=indent, subsequent_indent=indent, break_long_words=False)
        for each in paragraphs
    )
