"""Whether the code of a program goes on until the program is stopped."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.model.program import Context, Hit


def code_stays(hits: Sequence[tuple[Context, Hit]], *, loops: bool) -> bool:
    """Whether a program that does this goes on for ever. Its own loops, also those in threads, count with `loops` only."""
    phases = {"loop"} if loops else set()
    for context, hit in hits:
        if context.phase in phases or (hit.forever and context.phase in ("startup", "import")):
            return True
    return loops and _stays_in_threads(hits)


def _stays_in_threads(hits: Sequence[tuple[Context, Hit]]) -> bool:
    """Whether a thread for which the interpreter waits goes round for ever, or a timer sets itself again."""
    threads = [
        (context, hit)
        for context, hit in hits
        if hit.effect == "starts-thread" and hit.details.get("kind") != "pool"
    ]
    if any(context.phase == "thread" and hit.details.get("kind") == "timer" for context, hit in threads):
        return True
    held = any(hit.details.get("daemon") == "no" for _, hit in threads)
    return held and any(context.phase == "thread" and hit.in_main_loop for context, hit in hits)
