"""Findings become plans: the edits that mend them, or the reason why none are offered."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from proctor.fix.apply import by_file, overlap, rewritten
from proctor.fix.asked import Asked, Files
from proctor.fix.imports import merged
from proctor.fix.python_code import parses
from proctor.fix.recipes import RECIPES
from proctor.fix.source import Declined
from proctor.model.finding import Edit, Finding, Judgement, Plan, Replacement
from proctor.model.rule import FixSpec, Rule
from proctor.model.tree import SourceTree

_NO_RECIPE = "the rule has no fix; its remedy says what to decide"


def plan(judgement: Judgement, rules: Iterable[Rule], tree: SourceTree) -> tuple[Plan, ...]:
    """A plan for each finding of a judgement about `tree`, in its order. Never raises on what the files hold."""
    specs = {rule.code: rule.fix for rule in rules}
    files = Files(tree)
    names = frozenset(process.name for process in judgement.processes)
    return tuple(
        _plan(finding, specs.get(finding.code), _options(finding.code, specs), files, names)
        for finding in judgement.findings
    )


def _options(code: str, specs: Mapping[str, FixSpec | None]) -> Mapping[str, Any]:
    """The options of a rule's recipe, with those of the rule that they name as `like` behind them."""
    spec = specs.get(code)
    own = spec.options if spec else {}
    like = specs.get(own.get("like", ""))
    return {**like.options, **own} if like else own


def _plan(
    finding: Finding, spec: FixSpec | None, options: Mapping[str, Any], files: Files, names: frozenset[str]
) -> Plan:
    recipe = RECIPES.get(spec.recipe) if spec else None
    if spec is None or recipe is None:
        return Plan(finding=finding, reason=_NO_RECIPE)
    try:
        offer = recipe(Asked(finding, options, files, names))
        if not offer.edits:
            raise Declined("there is nothing to change at the place")
        edits = merged(offer.edits)
        _check(edits, files)
    except Declined as reason:
        return Plan(finding=finding, reason=str(reason))
    return Plan(
        finding=finding,
        edits=edits,
        safe=spec.safe and not offer.doubt,
        because=offer.doubt or spec.because.strip(),
        claims=offer.claims,
    )


def _check(edits: Sequence[Edit], files: Files) -> None:
    """Python source stays Python source."""
    for path, own in by_file(edits).items():
        new = rewritten(path, files.tree.read(path), own)
        if path.endswith(".py") and not parses(new):
            raise Declined("the edited file would not be Python any more")


def choose(plans: Iterable[Plan], *, unsafe: bool = False) -> tuple[Plan, ...]:
    """Those plans that can be carried out together: with edits, safe unless `unsafe` is given, and none in the way of an earlier
    one. What is left out for that comes with the next run."""
    chosen: list[Plan] = []
    taken: dict[str, list[Edit]] = {}
    claims: set[str] = set()
    for each in plans:
        if not each.edits or not (each.safe or unsafe) or claims & set(each.claims):
            continue
        if any(overlap(edit, other) for edit in each.edits for other in taken.get(edit.path, ())):
            continue
        chosen.append(each)
        claims.update(each.claims)
        for edit in each.edits:
            taken.setdefault(edit.path, []).append(edit)
    return tuple(chosen)


def changed(plans: Iterable[Plan], tree: SourceTree) -> Mapping[str, tuple[bytes, bytes]]:
    """The bytes before and after of each file that chosen plans edit. A file whose edits do not go together, or would leave
    something that is not Python, is left out."""
    files: dict[str, tuple[bytes, bytes]] = {}
    for path, edits in by_file(edit for each in plans for edit in each.edits).items():
        try:
            old = tree.read(path)
            new = rewritten(path, old, edits)
        except (Declined, OSError):
            continue
        if new != old and (not path.endswith(".py") or parses(new)):
            files[path] = (old, new)
    return files


def replacements(plan: Plan, tree: SourceTree) -> tuple[Replacement, ...]:
    """The edits of a plan as people see them. Raises Declined where a file has changed so that it cannot be read."""
    files = Files(tree)
    found = []
    for edit in plan.edits:
        source = files.source(edit.path)
        line, column = source.place_of(edit.start)
        end_line, end_column = source.place_of(edit.end)
        found.append(
            Replacement(
                path=edit.path,
                line=line,
                column=column,
                end_line=end_line,
                end_column=end_column,
                text=edit.text,
            )
        )
    return tuple(found)
