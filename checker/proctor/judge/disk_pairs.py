"""Pairs through the local disk: a request or job writes a file that other code reads later.

Words of `[when]`:
- `left`: what is left on the disk: "file" (any file), "upload" (what a request brought), "temporary" (a temporary file that
  nobody removes).
- `local_storage`: classes of storages (settings' values) that keep uploads on the local disk.
- `several`: as for memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from proctor.judge.asking import ProcessWords, asks_process, read_words
from proctor.judge.disk_files import Files, Use, Written
from proctor.judge.drafts import Outcome, make_doubt, make_finding
from proctor.judge.expressions import subexpressions
from proctor.judge.memory import WORK, Memory
from proctor.judge.roots import Roots
from proctor.model.fact import Attr, Expr, Name
from proctor.model.finding import Step
from proctor.model.program import Context, FromEnv, Hit, Known, ProcessView, Setting, UnitKey, Value
from proctor.model.rule import Rule
from proctor.model.words import Severity


class _When(ProcessWords, frozen=True, kw_only=True, forbid_unknown_fields=True):
    between: str
    left: tuple[str, ...]
    local_storage: tuple[str, ...] = ()
    several: tuple[str, ...] = ()


class _Left(NamedTuple):
    """A file that is left, and who relies on it: a later reader, or something that carries its path on."""

    written: Written
    context: Context
    use: Use
    reader: ProcessView
    at: Context | None


def judge(rules: Sequence[Rule], memory: Memory) -> Sequence[Outcome]:
    """Findings and doubts of the rules about the disk."""
    conditions = [(rule, read_words(rule, rule.when, _When, "[when]")) for rule in rules]
    files = Files(memory, Roots(memory))
    outcomes: list[Outcome] = []
    for view in memory.views:
        asked = [(rule, when) for rule, when in conditions if asks_process(when, view)]
        found = list(_left(files, memory, view)) if asked else []
        for rule, when in asked:
            for left in found:
                if left.written.kind in when.left:
                    outcomes.append(_finding(rule, when, left, memory, view))
            if when.local_storage:
                outcomes.extend(_stored(rule, when, memory, view))
    return outcomes


def _left(files: Files, memory: Memory, view: ProcessView) -> Iterator[_Left]:
    seen: set[tuple[str, str, UnitKey]] = set()
    for written in files.written():
        context = next((c for c in memory.contexts(view, written.unit) if c.phase in WORK), None)
        if context is None:
            if "startup" not in memory.phases(written.unit):
                continue
            context = _in_loop(memory, view, written)
            if context is None:
                continue
        for use in files.uses(written):
            reader, at = _reading(memory, view, use)
            mark = (written.kind, written.trail.label, use.unit)
            if reader is not None and mark not in seen:
                seen.add(mark)
                yield _Left(written, context, use, reader, at)
            if reader is not None:
                break


def _in_loop(memory: Memory, view: ProcessView, written: Written) -> Context | None:
    block = written.block
    for context in memory.contexts(view, written.unit):
        if context.phase == "startup" and block in memory.loop_blocks(written.unit):
            return context._replace(phase="loop")
    return None


def _reading(memory: Memory, view: ProcessView, use: Use) -> tuple[ProcessView | None, Context | None]:
    """The program that makes the use, this one if it does, and when."""
    for each in (view, *(other for other in memory.views if other is not view)):
        contexts = memory.contexts(each, use.unit)
        if contexts:
            working = next((c for c in contexts if c.phase in WORK), contexts[0])
            return each, working
    return None, None


def _finding(rule: Rule, when: _When, left: _Left, memory: Memory, view: ProcessView) -> Outcome:
    program = memory.program
    written, use = left.written, left.use
    name = written.trail.label or program.symbol(written.unit)
    variable = written.trail.variable
    if variable:
        reason = f"`{variable}` decides where `{program.symbol(written.unit)}` writes, on the local disk or on one that is shared"
        return make_doubt(rule, view, reason, written.place)
    if written.guard:
        return make_doubt(rule, view, f"`{written.guard}` decides whether `{name}` is written", written.place)
    steps = list(view.path(left.context, written.place, f"`{name}` is written"))
    if left.at is not None:
        steps.extend(s for s in left.reader.path(left.at, use.place, use.text) if s not in steps)
    steps.append(Step(written.place, f"`{name}` is left on the local disk"))
    return make_finding(
        rule,
        view,
        place=written.place,
        context=left.context,
        names={
            "symbol": name,
            "writer": program.symbol(written.unit),
            "reader": program.symbol(use.unit),
            "use": use.text.replace("it", f"`{name}`", 1),
        },
        subject=name,
        severity=_severity(rule, when, view),
        evidence=tuple(steps),
    )


def _severity(rule: Rule, when: _When, view: ProcessView) -> Severity:
    several = not when.several or any(effect in view.does for effect in when.several)
    return rule.severity if several or rule.severity != "error" else "warning"


# --- storages that settings name -------------------------------------------------------------------------------


def _stored(rule: Rule, when: _When, memory: Memory, view: ProcessView) -> Iterator[Outcome]:
    """Uploads that go to the storage that a setting names (`decided_by`, or its older name `decided_before`)."""
    done: set[str] = set()
    for context, hit in view.hits("stores-upload"):
        decided_by = hit.details.get("decided_by", "")
        if (
            not decided_by
            or decided_by in done
            or (context.phase not in WORK and hit.details.get("what") != "field")
        ):
            continue
        before = _setting(view, hit.details.get("decided_before", ""))
        setting = before if before is not None and before.place is not None else _setting(view, decided_by)
        if setting is not None:
            outcome = _by_setting(rule, when, memory, view, context, hit, setting)
            if outcome is not None:
                done.add(decided_by)
                yield outcome


def _setting(view: ProcessView, name: str) -> Setting | None:
    system, _, key = name.partition(":")
    return view.setting(system, key) if key else None


def _by_setting(
    rule: Rule, when: _When, memory: Memory, view: ProcessView, context: Context, hit: Hit, setting: Setting
) -> Outcome | None:
    value = _decided(setting.value)
    if isinstance(value, FromEnv):
        if not _may_be_local(value, when.local_storage):
            return None
        reason = f"`{value.variable}` decides whether `{setting.key}` keeps uploads on the local disk"
        return make_doubt(rule, view, reason, setting.place or hit.place)
    if not isinstance(value, Known) or value.value not in when.local_storage:
        return None
    condition = _condition(memory, setting)
    if condition is not None:
        reason = f"`{condition}` decides whether `{setting.key}` keeps uploads on the local disk"
        return make_doubt(rule, view, reason, setting.place or hit.place)
    place = setting.place if setting.place is not None and not setting.is_default else hit.place
    steps = list(view.path(context, hit.place, f"`{hit.symbol}` takes uploads"))
    steps.append(Step(place, f"`{setting.key}` is `{value.value}`"))
    names = {
        "symbol": str(value.value).rpartition(".")[2],
        "writer": memory.program.symbol(hit.unit),
        "reader": setting.key,
        "use": f"`{setting.key}` keeps it there",
    }
    return make_finding(
        rule,
        view,
        place=place,
        context=context,
        names=names,
        subject=setting.key,
        severity=_severity(rule, when, view),
        evidence=tuple(steps),
    )


def _condition(memory: Memory, setting: Setting) -> str | None:
    """What decides whether a setting is set where it stands, if its value cannot be known."""
    place = setting.place
    if place is None or place.path not in memory.program.files:
        return None
    key = UnitKey(place.path, 0)
    unit = memory.program.unit(key)
    for event in unit.events:
        if event.line <= place.line <= event.end_line and event.block:
            block = event.block
            while block > 0:
                test = unit.blocks[block].test or next(
                    (b.test for b in unit.blocks if b.group == unit.blocks[block].group and b.kind == "if"),
                    None,
                )
                if unit.blocks[block].kind in ("if", "else") and test is not None:
                    value = memory.program.evaluate(key, test)
                    if not isinstance(value, Known):
                        return value.variable if isinstance(value, FromEnv) else _shown(test)
                block = unit.blocks[block].parent
    return None


def _shown(test: Expr) -> str:
    names = [
        part.id if isinstance(part, Name) else part.name
        for part in subexpressions(test)
        if isinstance(part, Name | Attr)
    ]
    return names[0] if names else "a condition"


def _decided(value: Value) -> Value:
    if isinstance(value, FromEnv) and value.declared is not None:
        return Known(value.declared)
    return value


def _may_be_local(value: FromEnv, local: Sequence[str]) -> bool:
    fallback = value.fallback
    while isinstance(fallback, FromEnv):
        fallback = fallback.fallback
    return not isinstance(fallback, Known) or fallback.value in local or fallback.value is None
