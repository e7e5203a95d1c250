"""How programs are stopped: by which signal, and how much time they take and are given."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from proctor.judge.drafts import Platform
from proctor.judge.programs import may_hide, settings_of, shown
from proctor.model.fact import Seq, last_name
from proctor.model.place import Place
from proctor.model.process import ProcessType
from proctor.model.program import ProcessView, Program

_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(h|ms|us|min|m|sec|s)?")
_SECONDS = {"h": 3600.0, "m": 60.0, "min": 60.0, "s": 1.0, "sec": 1.0, "ms": 0.001, "us": 0.000001, "": 1.0}
_SLEEP = re.compile(r"\bsleep\s+(\d+(?:\.\d+)?)")
_NUMBERS = {"1": "HUP", "2": "INT", "3": "QUIT", "10": "USR1", "12": "USR2", "15": "TERM"}
#: What container engines and orchestrators wait before SIGKILL where a manifest does not say
_ENGINE_GRACE = {
    "compose": 10.0,
    "Dockerfile": 10.0,
    "Kubernetes": 30.0,
    "systemd": 90.0,
    "supervisord": 10.0,
    "Cloud Foundry": 10.0,
}
#: where no platform is named, a Procfile's is taken for one of those that read Procfiles
_PROCFILE_GRACE = 30.0
#: What a signal does to the work in hand, the better first
_OUTCOMES = (
    ("drains", "finishes-job", "returns-job", "stops-children"),
    ("drops", "cancels-job", "interrupts-job", "reloads"),
    ("dies",),
)


class Drain(NamedTuple):
    """The time that a program takes at most to stop; None where the environment decides (`reason`). `declared` says that
    the app sets it, and not the launcher's default."""

    seconds: float | None
    symbol: str
    place: Place
    declared: bool
    reason: str = ""


class Grace(NamedTuple):
    """The time until SIGKILL, who says so, and where a manifest of the app does."""

    seconds: float
    said_by: str
    place: Place | None = None

    @property
    def declared(self) -> bool:
        """Whether a manifest of the app sets it."""
        return self.place is not None


def drain_of(view: ProcessView, process: ProcessType, program: Program) -> Drain | None:
    """How long a program may take to stop, with what a hook before the signal takes; None where nothing bounds it, or where
    it finishes nothing anyway."""
    launch = view.launch
    signals = launch.signals
    if signals.get("term") not in _OUTCOMES[0]:
        return None
    before = _sleep_before(process, program)
    option = str(signals.get("grace_option", ""))
    value = launch.option(option) if option else None
    if value is not None:
        place = next((each for name, each in launch.option_places if name == option), launch.place)
        seconds = parse_seconds(value)
        if seconds is None:
            return Drain(
                None, option, place, True, f"`{value}` decides how long `{shown(launch)}` takes to stop"
            )
        scale = 0.001 if signals.get("grace_unit") == "ms" else 1.0
        return Drain(seconds * scale + before, option, place, True)
    own = signals.get("grace_seconds")
    if isinstance(own, int | float):
        return Drain(float(own) + before, shown(launch), launch.place, bool(before))
    return Drain(before, "preStop", launch.place, True) if before else None


def _sleep_before(process: ProcessType, program: Program) -> float:
    for setting in settings_of(program, process, "pre-stop"):
        found = _SLEEP.search(setting.value)
        if found:
            return float(found[1])
    return 0.0


def grace_of(process: ProcessType, program: Program, platform: Platform) -> Grace:
    """How much time a process type is given."""
    for setting in settings_of(program, process, "grace-period"):
        seconds = parse_seconds(setting.value)
        if seconds is not None:
            return Grace(seconds, setting.place.path, setting.place)
    if process.grace_seconds is not None:
        return Grace(process.grace_seconds, process.place.path, process.place)
    engine = _ENGINE_GRACE.get(process.declared_in)
    if engine is not None:
        return Grace(engine, f"{process.declared_in} by default")
    if platform.name == Platform().name and process.declared_in == "Procfile":
        return Grace(max(platform.grace_seconds, _PROCFILE_GRACE), "a platform that reads Procfiles")
    return Grace(platform.grace_seconds, f"the platform ({platform.name})")


def parse_seconds(text: str) -> float | None:
    """A duration such as `1m30s`, `10s`, `90` in seconds, or None."""
    text = re.sub(r"[\s\"']", "", text)
    found = _DURATION.findall(text)
    if not found or "".join(number + unit for number, unit in found) != text:
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in found)


def signal_effect(
    view: ProcessView, signal: str, program: Program
) -> Literal["same", "worse", "unhandled", "unknown"]:
    """What a stop signal does to a program, compared with SIGTERM."""
    name = signal.strip("\"' ").upper().removeprefix("SIG")
    name = _NUMBERS.get(name, name).partition("+")[0]
    signals = view.launch.signals
    if name == "TERM" or name == signals.get("graceful"):
        return "same"
    known, term = signals.get(name.lower()), signals.get("term")
    if known is not None and term is not None:
        return "worse" if _rank(str(known)) > _rank(str(term)) else "same"
    if not view.launch.is_python or view.launch.entry is None:
        return "unknown"
    return _in_code(view, name, program)


def _rank(outcome: str) -> int:
    return next((number for number, words in enumerate(_OUTCOMES) if outcome in words), len(_OUTCOMES))


def _in_code(
    view: ProcessView, name: str, program: Program
) -> Literal["same", "worse", "unhandled", "unknown"]:
    handled = False
    for _, hit in view.hits("sets-signal", "handles-sigterm"):
        if hit.details.get("signal", "").removeprefix("SIG") == name:
            return "same"
        if hit.effect == "sets-signal" and "signal" not in hit.details:
            # another signal, whose name the effect does not say
            return "unknown"
        handled = handled or hit.effect == "handles-sigterm"
    if not handled or may_hide((view,), "sets-signal"):
        return "unknown"
    if name == "INT":
        # Python turns it into an exception, which comes out of the middle of the job
        return "unknown" if _waits_for_interrupt(view, program) else "worse"
    return "unhandled"


def _waits_for_interrupt(view: ProcessView, program: Program) -> bool:
    """Whether the code catches KeyboardInterrupt somewhere, or everything."""
    for context in view.contexts:
        for block in program.unit(context.unit).blocks:
            if block.kind != "except":
                continue
            items = block.test.items if isinstance(block.test, Seq) else ()
            if not items or any(last_name(item) in ("KeyboardInterrupt", "BaseException") for item in items):
                return True
    return False
