"""Process types as a report shows them: what each is, runs and does."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.model.finding import ProcessReport, Step
from proctor.model.process import ResolvedProcess
from proctor.model.program import ProcessView, Program
from proctor.model.words import EFFECTS, Effect, Kind

#: What a program does decides what it is; the first that holds wins.
_KINDS: tuple[tuple[Effect, Kind], ...] = (
    ("serves-http", "web"),
    ("serves-dev", "web"),
    ("consumes-jobs", "worker"),
    ("runs-bot", "worker"),
    ("schedules", "scheduler"),
    ("receives", "worker"),
    ("pops", "worker"),
)


def process_reports(program: Program, resolved: Sequence[ResolvedProcess]) -> tuple[ProcessReport, ...]:
    """One report per process type, in the order of declaration."""
    return tuple(
        _report(item, tuple(view for view in program.views if view.process.name == item.process.name))
        for item in resolved
    )


def kind_of(views: Sequence[ProcessView]) -> Kind:
    """What a process type is, from what its programs do (never from its name)."""
    staying = [view for view in views if view.stays]
    for view in staying or views:
        if view.launch.kind != "unknown" and not (view.stays and view.launch.kind in ("one-off", "release")):
            return view.launch.kind
    for effect, kind in _KINDS:
        if any(effect in view.does for view in views):
            return kind
    for view in views:
        if any(context.phase == "loop" for context, _ in view.hits()):
            return "worker"
    return "unknown"


def _report(item: ResolvedProcess, views: tuple[ProcessView, ...]) -> ProcessReport:
    main = item.main
    view = next((v for v in views if v.launch is main), None)
    entry = main.entry if main else None
    does = _does(views)
    return ProcessReport(
        name=item.process.name,
        place=item.process.place,
        command=item.process.command,
        launcher=main.launcher if main else "",
        kind=kind_of((view,) if view else views),
        entry_kind=entry.kind if entry else None,
        entry_target=entry.target if entry else None,
        entry_path=entry.path if entry else None,
        unresolved=item.unresolved or (main.unresolved if main else None),
        files=len({path for v in views for path in v.files}),
        effects=tuple(does),
        profile=tuple((effect, steps) for effect, steps in does.items()),
    )


def _does(views: Sequence[ProcessView]) -> dict[Effect, tuple[Step, ...]]:
    first: dict[Effect, tuple[Step, ...]] = {}
    for view in views:
        for effect in view.launch.does:
            first.setdefault(effect, view.launch.chain)
        for context, hit in view.hits():
            if hit.effect not in first and not hit.unsure and not hit.guard:
                first[hit.effect] = view.path(context, hit.place, f"`{hit.symbol}`")
    return {effect: first[effect] for effect in EFFECTS if effect in first}
