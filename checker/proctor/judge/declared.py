"""What is wrong with the declarations themselves: lines that readers drop, names declared twice, nothing declared."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from proctor.judge.drafts import Outcome, app_finding
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.process import Diagnostic, ProcessType
from proctor.model.program import Program
from proctor.model.rule import Rule
from proctor.model.words import Severity

#: Names that mean something to platforms; a line that starts with one was meant as a process type.
_MEANT = re.compile(r"`[\"']?(web|worker|release|clock|beat|scheduler)\b")
_CUT = re.compile(r"continues the line above|has no command|joins lines")


def declared(rule: Rule, topics: Sequence[str], program: Program) -> Iterator[Outcome]:
    """The findings of a rule about declarations."""
    declaration = program.declaration
    names = [each.name for each in declaration.process_types]
    found = declaration.process_types or declaration.other_process_types
    if "no-process-types" in topics:
        if not found or any(each.topic == "empty" for each in declaration.diagnostics):
            yield from _nothing(rule, program)
        elif program.files and _only_beside(program, found):
            one = found[0]
            searched = f"what the manifests name stands beside the app (`{one.name}` in {one.place.path})"
            yield _undeclared(rule, searched, Place(_nearest(program), 1))
        return
    for diagnostic in declaration.diagnostics:
        if diagnostic.topic not in topics or (not found and _is_misnamed(diagnostic)):
            continue
        processes = (diagnostic.name,) if diagnostic.name in names else ()
        yield app_finding(
            rule,
            place=diagnostic.place,
            names={"reason": diagnostic.message.rstrip("."), "symbol": diagnostic.name or ""},
            evidence=(Step(diagnostic.place, "declared here"),),
            processes=processes,
            subject=diagnostic.name or diagnostic.topic,
            severity=_severity(diagnostic, program),
        )


def _severity(diagnostic: Diagnostic, program: Program) -> Severity:
    """An error where a process type or a part of its command is lost, a warning where readers differ."""
    if diagnostic.topic == "duplicate-name":
        return "error"
    lost = _CUT.search(diagnostic.message) or _MEANT.match(diagnostic.message)
    return "error" if lost else "warning"


def _is_misnamed(diagnostic: Diagnostic) -> bool:
    return diagnostic.topic == "dialect" and diagnostic.name is None and diagnostic.place.line == 1


def _only_beside(program: Program, found: Sequence[ProcessType]) -> bool:
    """Whether all that is declared are databases, brokers and helpers beside the app."""
    started = {view.process.name for view in program.views}
    return all(each.name in started for each in found) and all(
        view.details.get("role") in ("backing-service", "helper") for view in program.views
    )


def _nothing(rule: Rule, program: Program) -> Iterator[Outcome]:
    declaration = program.declaration
    if any(each.topic == "unreadable-line" for each in declaration.diagnostics):
        return
    told = next((each for each in declaration.diagnostics if each.topic in ("empty", "dialect")), None)
    if told is not None:
        place, searched = told.place, told.message.rstrip(".")
    elif program.files:
        place = Place(_nearest(program), 1)
        searched = "there is no Procfile in the root, and no other manifest names a command"
    else:
        return
    yield _undeclared(rule, searched, place)


def _undeclared(rule: Rule, searched: str, place: Place) -> Outcome:
    return app_finding(
        rule,
        place=place,
        names={"searched": searched},
        evidence=(Step(place, "the root was searched"),),
        subject="process types",
    )


def _nearest(program: Program) -> str:
    """The file that somebody would start: the one nearest to the root, files that are run before others."""
    return min(
        program.files,
        key=lambda path: (
            path.count("/"),
            path.rpartition("/")[2].startswith(("test", "conftest", "setup")),
            path,
        ),
    )
