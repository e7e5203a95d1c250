"""Who runs a line, and when."""

from __future__ import annotations

from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.program import Context, ProcessView, Program, UnitKey
from proctor.model.words import PHASE_PHRASES, PHASES
from proctor.report.style import printable, width


def render_why(program: Program, path: str, line: int) -> str:
    """For the line `path`:`line` each process type that runs it, in each phase, with a shortest path."""
    if path in program.unread:
        return f"`{path}` was not read: {program.unread[path]}.\n"
    if path not in program.files:
        return f"`{path}` is no Python source.\n"
    if not 1 <= line <= program.files[path].n_lines:
        return f"`{path}` has {program.files[path].n_lines} lines.\n"
    key = _unit_at(program, path, line)
    blocks = [f"{printable(path)}:{line} is in `{program.symbol(key)}`."]
    for view in program.views:
        blocks.extend(_runs(view, key, Place(path, line)))
    if len(blocks) == 1:
        blocks.append(_unreached(program))
    return "\n\n".join(blocks) + "\n"


def _unit_at(program: Program, path: str, line: int) -> UnitKey:
    inside = [
        unit for unit in program.files[path].units if unit.index == 0 or unit.line <= line <= unit.end_line
    ]
    smallest = min(inside, key=lambda unit: (unit.index == 0, unit.end_line - unit.line, -unit.index))
    return UnitKey(path, smallest.index)


def _runs(view: ProcessView, key: UnitKey, place: Place) -> list[str]:
    blocks = []
    for phase in PHASES:
        contexts = [context for context in view.contexts if context.unit == key and context.phase == phase]
        paths = sorted((_path(view, context, place) for context in contexts), key=len)
        if paths:
            title = f"{printable(view.process.name)} runs it {PHASE_PHRASES[phase]}"
            blocks.append("\n".join([title, *_steps(paths[0])]))
    return blocks


def _path(view: ProcessView, context: Context, place: Place) -> tuple[Step, ...]:
    return view.path(context, place, "this line")


def _steps(steps: tuple[Step, ...]) -> list[str]:
    places = [f"{printable(step.place.path)}:{step.place.line}" for step in steps]
    widest = max((width(each) for each in places), default=0)
    return [
        f"  {place}{' ' * (widest - width(place))}  {printable(step.text)}"
        for place, step in zip(places, steps, strict=True)
    ]


def _unreached(program: Program) -> str:
    gaps = sorted({(gap.place, gap.reason) for view in program.views for gap in view.gaps})
    if not gaps:
        return "No process type runs it."
    rows = ["No process type is seen to run it. It may be reached by what could not be followed:"]
    rows += [f"  {printable(place.path)}:{place.line}  {printable(reason)}" for place, reason in gaps]
    return "\n".join(rows)
