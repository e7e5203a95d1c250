"""The programs of one process type, and how they stand beside each other."""

from __future__ import annotations

from proctor.judge.programs import Group
from proctor.judge.summary import kind_of
from proctor.model.program import ProcessView
from proctor.model.words import Effect

#: effects that say what work a program does, for telling programs of one process type apart
_WORK: tuple[Effect, ...] = (
    "serves-http", "serves-dev", "consumes-jobs", "runs-bot", "schedules", "receives", "pops",
)  # fmt: skip


def together(group: Group, view: ProcessView) -> str:
    """How a program stands beside the others of its process type that stay: "copies", "kinds", "perhaps", "behind", "left", or "" (see judge `commands`)."""
    launch = view.launch
    if launch.supervised_by:
        return ""
    if launch.relation == "after":
        before = [each for each in group.staying if each.launch.relation == "main"]
        starts_work = launch.kind in ("web", "worker", "scheduler")
        return "behind" if before and starts_work and not launch.conditional else ""
    if launch.relation == "background" and not launch.kept:
        held = [each for each in group.views if each.launch.relation in ("main", "piped", "after")]
        if not held and view.stays:
            return "left"
    programs = side_by_side(group, view)
    if len(programs) < 2:
        return ""
    if not all(map(_work, programs)):
        return "perhaps"
    return "copies" if len(set(map(_work, programs))) == 1 else "kinds"


def side_by_side(group: Group, view: ProcessView) -> list[ProcessView]:
    """The programs that a supervisor starts, or a program behind all those that were started before it."""
    counting = [each for each in group.staying if _counts(each)]
    if "supervises" in view.launch.does:
        return [each for each in counting if each.launch.supervised_by == view.launch.launcher]
    own = [each for each in counting if not each.launch.supervised_by]
    return own[: own.index(view) + 1] if view in own else []


def _counts(view: ProcessView) -> bool:
    """Whether it is a program that stays and works for itself: no supervisor, no helper of another one, and not one of
    several that may be started."""
    launch = view.launch
    if not view.stays or launch.conditional or "supervises" in launch.does:
        return False
    helps = view.details.get("role") in ("proxy", "helper")
    return launch.relation in ("main", "background", "piped") and not helps


def works(view: ProcessView) -> bool:
    """Whether it is seen to work and stay; what a supervisor starts is started again where it ends."""
    return bool(view.launch.supervised_by or _work(view))


def _work(view: ProcessView) -> frozenset[str]:
    """What work it does, and which program does it; empty where nothing shows that it works at all."""
    if "role" in view.details:
        return frozenset({view.details["role"]})
    does = frozenset[str](effect for effect in _WORK if effect in view.does)
    does = does or frozenset({kind_of((view,))} - {"unknown", "one-off", "release"})
    entry = view.launch.entry
    return does | {f"{view.launch.launcher} {entry.target if entry else ''}"} if does else frozenset()
