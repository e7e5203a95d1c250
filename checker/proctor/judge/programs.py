"""The programs of each process type, and how SIGTERM finds its way to them: what several judges ask."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, NamedTuple

from proctor.judge.drafts import Platform
from proctor.model.process import DeploySetting, Launch, ProcessType
from proctor.model.program import ProcessView, Program
from proctor.model.words import Effect

#: How SIGTERM gets to a program: it "reaches" it; "bash" only under a shell that replaces itself by its last command; a
#: "shell", a "script", a "pipe", the "background" or a "wrapper" is in between; a "trap" decides, or passes the signal on and "leaves" the program at work.
Way = Literal["reaches", "bash", "shell", "script", "pipe", "background", "wrapper", "trap", "leaves"]

_LONGEST = 60
_YES = re.compile(r"(?i)(true|yes|on|1)$")


class Group(NamedTuple):
    """A process type with its programs, in the order of its command."""

    process: ProcessType
    views: tuple[ProcessView, ...]

    @property
    def staying(self) -> tuple[ProcessView, ...]:
        """The programs that go on until they are stopped."""
        return tuple(view for view in self.views if view.stays)


class Delivery(NamedTuple):
    """How SIGTERM gets to a program, and what is in between ("" where nothing is)."""

    way: Way
    by: str = ""


def groups(program: Program) -> tuple[Group, ...]:
    """Every process type that is meant for production, in the order of declaration."""
    found: dict[str, list[ProcessView]] = {}
    for view in program.views:
        if not view.process.development:
            found.setdefault(view.process.name, []).append(view)
    return tuple(Group(views[0].process, tuple(views)) for views in found.values())


def settings_of(program: Program, process: ProcessType, *topics: str) -> tuple[DeploySetting, ...]:
    """The deploy settings of some topics that concern a process type."""
    return tuple(
        each
        for each in program.declaration.settings
        if (not topics or each.topic in topics) and not each.development and concerns(each, process)
    )


def concerns(setting: DeploySetting, process: ProcessType) -> bool:
    """Whether a setting is about a process type: it names it, the workload that holds its container, or all of its
    file."""
    if setting.process is None:
        return setting.place.path == process.place.path
    if setting.process == process.name:
        return True
    workload = process.name.partition("/")[0]
    return workload == setting.process and workload != process.name


def replicas_of(
    program: Program, process: ProcessType, platform: Platform
) -> tuple[int, DeploySetting | None]:
    """The largest number of processes that anything declares for a process type, with the setting that says so (None
    where the configuration does or nothing does); 0 where nothing says how many."""
    most, where = platform.formation.get(process.name, 0), None
    for setting in settings_of(program, process, "replicas", "autoscaler"):
        text = setting.value.rpartition("-")[2]
        if text.isdigit() and int(text) > most:
            most, where = int(text), setting
    return max(most, process.replicas or 0), where


def may_hide(views: Iterable[ProcessView], *effects: Effect) -> str:
    """Why code that could not be followed may have one of the effects in one of the programs, or ""."""
    for view in views:
        for gap in view.gaps:
            if gap.effects is None or not frozenset(effects).isdisjoint(gap.effects):
                return f"{gap.reason} ({gap.place.path}:{gap.place.line})"
    return ""


def shown(launch: Launch) -> str:
    """A program's command as shown to people, without folders and cut where it is long."""
    first = launch.words[0] if launch.words else ""
    # a word with a space in it is a whole command, written as one
    first = first if " " in first else posixpath.basename(first)
    text = " ".join([first, *launch.words[1:]])
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1].rstrip()}…"


def delivery(view: ProcessView, group: Group, program: Program, platform: Platform) -> Delivery:
    """How SIGTERM gets from the process manager to a program."""
    launch = view.launch
    if platform.signals_all or _signals_group(program, group.process):
        return Delivery("reaches")
    if launch.supervised_by and _supervisor(launch, group.views).get("to_group"):
        return Delivery("reaches")
    swallowing = _swallowing(launch)
    if swallowing and launch.replaces_shell is not False:
        return Delivery("wrapper", swallowing)
    if launch.replaces_shell is True:
        return Delivery("reaches")
    if launch.trap and launch.relation == "background":
        # a program in front holds the trap back until it has ended
        return _trapped(launch)
    if launch.replaces_shell == "bash":
        return Delivery("bash", launch.in_script or "")
    if launch.relation == "background" and not launch.supervised_by:
        return Delivery("background", launch.in_script or "")
    if launch.relation == "piped":
        return Delivery("pipe", launch.in_script or "")
    if swallowing and launch.in_script is None:
        return Delivery("wrapper", swallowing)
    return Delivery("script", launch.in_script) if launch.in_script else Delivery("shell")


def _trapped(launch: Launch) -> Delivery:
    if launch.passing == "passed":
        return Delivery("reaches")
    if launch.passing == "left":
        return Delivery("leaves", launch.trap)
    return (
        Delivery("background", launch.in_script or "")
        if launch.passing == "kept"
        else Delivery("trap", launch.trap)
    )


def _signals_group(program: Program, process: ProcessType) -> bool:
    """Whether this manifest's process manager signals every process, and not the main one only."""
    values = {each.topic: each.value for each in settings_of(program, process, "kill-mode", "stop-as-group")}
    if process.declared_in == "systemd":
        # its default is the whole control group
        return values.get("kill-mode", "control-group") == "control-group"
    return bool(_YES.match(values.get("stop-as-group", "")))


def _supervisor(launch: Launch, views: Sequence[ProcessView]) -> Mapping[str, object]:
    return next((each.launch.signals for each in views if each.launch.launcher == launch.supervised_by), {})


def _swallowing(launch: Launch) -> str:
    """The wrapper that stays in front of a program and does not pass SIGTERM on."""
    for name, signals in zip(launch.wrappers, launch.wrapper_signals, strict=False):
        if signals.get("platform_signals") == "all":
            # it comes with a platform that signals every process
            return ""
        if signals.get("forwards") is False and not signals.get("replaces"):
            return name
    return ""
