"""From launch commands to the programs and the code that they start."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from proctor.model.finding import Step
from proctor.model.process import Declaration, Launch, ProcessType, Relation, ResolvedProcess
from proctor.model.rule import LauncherModel
from proctor.model.tree import SourceTree
from proctor.resolve.launch import Starter
from proctor.resolve.project import Project
from proctor.resolve.situation import Situation, Started, Text
from proctor.resolve.spec import Catalogue, check_launchers

__all__ = ["check_launchers", "entry_points"]

#: what may stand around the name of an image: registry, library, version
_REGISTRY = re.compile(r"^(?:[\w-]+(?:\.[\w-]+)+(?::\d+)?/)?(?:library/)?|:[\w.-]+$")
_WAITING = frozenset({"sleeps", "waits"})
#: The process types that platforms run once with a deployment, and wait for.
_RELEASE = frozenset({"release", "postdeploy"})


def entry_points(
    declaration: Declaration, launchers: Sequence[LauncherModel], tree: SourceTree
) -> tuple[ResolvedProcess, ...]:
    """The programs that each process type starts, in the declaration's order (those of further manifests behind,
    without what is meant for development: what is marked so where anything else runs the app's code, and manifests that
    start a development server where the first one starts none).
    Never raises: what cannot be followed is said in `unresolved`."""
    catalogue = Catalogue(launchers)
    project = Project(tree, declaration.requirements)
    others = declaration.other_process_types
    first, further, developers = (
        [_resolve(each, catalogue, project, declaration.variables) for each in types]
        for types in (
            declaration.process_types,
            [each for each in others if not each.development],
            [each for each in others if each.development],
        )
    )
    # what only a developer's machine starts is no part of the formation, unless nothing else runs the app's code
    if tree.python and not any(map(_may_run_python, (*first, *further))):
        further += developers
    left_out = _for_development(further) if first and not _for_development(first) else frozenset()
    return (*first, *(each for each in further if each.process.place.path not in left_out))


def _may_run_python(resolved: ResolvedProcess) -> bool:
    return bool(resolved.unresolved) or any(
        launch.is_python or launch.entry or not launch.launcher for launch in resolved.launches
    )


def _for_development(resolved: Sequence[ResolvedProcess]) -> frozenset[str]:
    return frozenset(
        each.process.place.path
        for each in resolved
        if any("serves-dev" in launch.does for launch in each.launches)
    )


def _resolve(
    process: ProcessType, catalogue: Catalogue, project: Project, variables: Mapping[str, str | None]
) -> ResolvedProcess:
    starter = Starter(project, catalogue, variables)
    place = process.place
    step = Step(place, f"`{process.name}` is declared in {place.path}")
    text = Text(place.path, process.command, place.line, place.column, process.exact)
    kinds = {"none": "none", "bash": "bash", "sh": "line" if process.declared_in == "Procfile" else "command"}
    starter.run(
        Situation(
            text=text, folder=process.folder, chain=(step,), environment=dict(process.environment),
            kind=kinds[process.shell], copied=process.copied,  # type: ignore[arg-type]  # the values are TextKinds
            # Heroku's and compatible buildpacks put the root on PYTHONPATH
            roots=("",) if process.declared_in == "Procfile" else (), seen=frozenset({(place.path, place.line)}),
        )
    )  # fmt: skip
    launches = tuple(
        _with_stop_signal(each, process)
        for each in _related(starter.started, starter.n_kept, process.once or process.name in _RELEASE)
    )
    problem = next(iter(starter.problems), None)
    if not launches and problem is None:
        problem = "the command starts no program"
    return ResolvedProcess(process=process, launches=launches, unresolved=problem)


def _with_stop_signal(launch: Launch, process: ProcessType) -> Launch:
    """A program that is stopped by the signal on which it drains: set by the manifest, or by the image that it is built
    from."""
    graceful = launch.signals.get("graceful")
    if graceful is None or launch.relation != "main" or launch.supervised_by:
        return launch
    by_image = launch.signals.get("stop_signals", {})
    sent = process.stop_signal or by_image.get(_REGISTRY.sub("", process.base_image.split("@")[0]), "")
    if sent.strip("\"' ").upper().removeprefix("SIG") != graceful:
        return launch
    return msgspec.structs.replace(launch, signals={**launch.signals, "term": "drains"})


def _related(started: Sequence[Started], n_kept: int, ends: bool) -> list[Launch]:
    launches: list[Launch] = []
    groups = list(dict.fromkeys(each.group for each in started))
    relations: dict[int, Relation] = {}
    alternatives: set[int] = set()
    for group in groups:
        members = [index for index, each in enumerate(started) if each.group == group]
        relations.update(_relations(started, members))
        mains = [index for index in members if relations[index] == "main"]
        alternatives.update(mains if len(mains) > 1 else ())
    for index, each in enumerate(started):
        relation = relations[index]
        if each.group and relation == "main":
            relation = "background"
        stays = each.duration == "long" or (
            each.duration == "open" and relation in ("main", "background", "piped") and not ends
        )
        kept = relation == "background" and index < n_kept
        launches.append(
            msgspec.structs.replace(
                each.launch,
                relation=relation,
                long_running=stays,
                kept=kept,
                conditional=each.launch.conditional or index in alternatives,
                ends=each.duration == "short" or (ends and each.duration == "open"),
            )
        )
    return launches


def _relations(started: Sequence[Started], members: Sequence[int]) -> dict[int, Relation]:
    relations: dict[int, Relation] = {}
    for index in members:
        each = started[index]
        relations[index] = "background" if each.background else "piped" if each.piped else "fallback"
    front = [i for i in members if not (started[i].background or started[i].piped or started[i].fallback)]
    if not front:
        front = [i for i in members if not (started[i].background or started[i].piped)]
    mains: list[int] = []
    left = list(front)
    aside = [i for i in members if started[i].background or started[i].piped]
    staying = [i for i in aside if started[i].duration != "short"]
    if staying and all(started[i].duration == "short" for i in front):
        # what stays was put into the background or in front of a pipe; the rest only prepares it, waits or logs
        return relations | {i: "before" if i < staying[0] else "after" for i in front}
    while left:
        mains.append(_main(started, left))
        left = [i for i in left if all(_exclusive(started[i], started[m]) for m in mains)]
    for index in front:
        if index in mains:
            relations[index] = "main"
        else:
            relations[index] = "before" if any(index < main for main in mains) else "after"
    return relations


def _main(started: Sequence[Started], front: Sequence[int]) -> int:
    for index in front:
        if started[index].duration == "long":
            return index
    # commands behind a program of unknown length show that it is meant to end, unless they only wait
    at_work = [index for index in front if not _WAITING.issuperset(started[index].launch.does or ("",))]
    return (at_work or front)[-1]


def _exclusive(one: Started, other: Started) -> bool:
    arms = dict(other.arms)
    return any(number in arms and arms[number] != arm for number, arm in one.arms)
