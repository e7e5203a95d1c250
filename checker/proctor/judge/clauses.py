"""To which process types a clause applies at all, and which clauses unseen code can hide."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from proctor.model.program import ProcessView
from proctor.model.words import CLAUSES, Effect, Phase

#: Decided by declarations and launch commands alone, so that unseen code hides nothing of them.
DECLARED = frozenset({"VIII.1", "IX.2"})
HIDEABLE = tuple(clause for clause in CLAUSES if clause not in DECLARED)

Views = tuple[ProcessView, ...]
_WORK: tuple[Phase, ...] = ("request", "job", "tick", "loop", "thread")


def not_applicable(clause: str, views: Views) -> str | None:
    """Why a clause does not concern a process type, or None where it does. `views` are its programs."""
    test = _TESTS.get(clause)
    return test(views) if test else None


def _does(views: Views, *effects: Effect) -> bool:
    return any(effect in view.does for view in views for effect in effects)


def _phases(views: Views, phases: Iterable[Phase]) -> bool:
    wanted = frozenset(phases)
    return any(context.phase in wanted for view in views for context in view.contexts) or (
        "loop" in wanted and any(c.phase == "loop" for view in views for c, _ in view.hits())
    )


def _is_of_the_app(views: Views) -> str | None:
    """Databases, brokers and helpers that a manifest starts beside the app are resources that it is attached to."""
    beside = bool(views) and all(view.details.get("role") in ("backing-service", "helper") for view in views)
    return "it runs none of the app's code" if beside else None


def _may_stay(views: Views) -> bool:
    """Whether a library that no model speaks of may keep a program going: then it may do anything."""
    return any(view.may_stay for view in views)


def _stays(views: Views) -> str | None:
    return None if any(view.stays or view.may_stay for view in views) else "it ends by itself"


def _works(views: Views) -> str | None:
    if _stays(views):
        return "it ends by itself"
    if _may_stay(views):
        return None
    if _does(views, "serves-http", "serves-dev", "consumes-jobs", "runs-bot", "schedules") or _phases(
        views, _WORK
    ):
        return None
    return "it handles no requests or jobs"


def _serves(views: Views) -> str | None:
    if _may_stay(views):
        return None
    if _does(views, "serves-http", "serves-dev"):
        return None
    # where the environment decides it may serve
    if any(True for view in views for _ in view.hits("serves-http", "serves-dev")):
        return None
    return "it serves no HTTP"


def _consumes(views: Views) -> str | None:
    if _stays(views):
        return "it ends by itself"
    if _may_stay(views):
        return None
    if _does(views, "consumes-jobs", "runs-bot", "schedules", "receives", "pops") or _phases(
        views, ("job", "tick", "loop")
    ):
        return None
    if _serves(views) and _phases(views, ("thread",)):
        return None
    return "it consumes no jobs"


def _runs_jobs(views: Views) -> str | None:
    if _stays(views):
        return "it ends by itself"
    if _may_stay(views):
        return None
    if _does(views, "consumes-jobs", "receives", "pops") or _phases(views, ("job", "tick", "loop")):
        return None
    return "it runs no jobs"


def _has_loop(views: Views) -> str | None:
    if any(context.lane == "loop" for view in views for context in view.contexts):
        return None
    return "it runs no event loop"


def _has_threads(views: Views) -> str | None:
    for view in views:
        if view.details.get("concurrency") in ("threads", "greenlets"):
            return None
        if any(context.lane != "main" for context in view.contexts):
            return None
    return "it runs in one thread"


def _locks(views: Views) -> str | None:
    return None if _does(views, "locks", "unlocks") else "it takes no locks"


def _forks(views: Views) -> str | None:
    if _does(views, "forks", "starts-process"):
        return None
    if any(view.details.get("forks") == "true" or view.launch.option("preload") for view in views):
        return None
    return "it does not fork after start-up"


def _multiplexes(views: Views) -> str | None:
    if _has_loop(views) and _has_threads(views):
        return "it runs in one thread, without an event loop"
    return None


_TESTS: dict[str, Callable[[Views], str | None]] = {
    "VI.1": _works,
    "VI.2": _works,
    "VI.3": _serves,
    "VI.4": _stays,
    "VI.5": _works,
    "VIII.1": _is_of_the_app,
    "VIII.2": _stays,
    "VIII.3": _stays,
    "VIII.4": _serves,
    "VIII.5": _stays,
    "VIII.6": _stays,
    "IX.1": _stays,
    "IX.2": _stays,
    "IX.3": _serves,
    "IX.4": _consumes,
    "IX.5": _stays,
    "IX.6": _stays,
    "IX.7": _runs_jobs,
    "IX.8": _works,
    "C.1": _has_loop,
    "C.2": _has_loop,
    "C.3": _has_threads,
    "C.4": _locks,
    "C.5": _forks,
    "C.6": _multiplexes,
    "C.7": _stays,
    "C.8": _stays,
}
