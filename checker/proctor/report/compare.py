"""What is new since an earlier answer: a baseline file, or the answer for another commit."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from proctor.errors import ConfigurationError
from proctor.model.finding import Finding, Judgement, Recorded
from proctor.report.fingerprint import alike
from proctor.report.lines import SourceLines

SCHEMA = "proctor-baseline/1"
#: ways to know a finding again, the surest first: the same line; the same line in another file (it was moved or
#: renamed); another line that says the same in the same file (it was edited)
_KEYS: tuple[Callable[[Recorded], tuple[str, ...]], ...] = (
    lambda each: (each.fingerprint,),
    lambda each: (each.code, each.path, each.alike),
    lambda each: (each.code, each.alike),
    lambda each: (each.code, each.path, each.message),
)


class BaselineError(ConfigurationError):
    """A baseline file that cannot be used."""


class _Baseline(msgspec.Struct, frozen=True):
    schema: str
    findings: tuple[Recorded, ...]


def record(judgement: Judgement, lines: SourceLines) -> tuple[Recorded, ...]:
    """The findings of `judgement` (known ones, too, accepted ones not) as a baseline keeps them, sorted."""
    found = [_recorded(each, lines) for each in [*judgement.findings, *judgement.known]]
    return tuple(sorted(found, key=lambda each: (each.path, each.code, each.message, each.fingerprint)))


def render_baseline(judgement: Judgement, lines: SourceLines) -> str:
    """A baseline file: JSON, a line per finding, so that a version control system shows what comes and goes."""
    import json  # every run knows this module, few write a baseline

    rows = [json.dumps(msgspec.to_builtins(each)) for each in record(judgement, lines)]
    body = ",\n".join(f"    {row}" for row in rows)
    findings = f"[\n{body}\n  ]" if rows else "[]"
    return f'{{\n  "schema": "{SCHEMA}",\n  "findings": {findings}\n}}\n'


def read_baseline(content: bytes, name: str) -> tuple[Recorded, ...]:
    """The findings of the baseline file `name`. Raises BaselineError where it is none."""
    try:
        found = msgspec.json.decode(content, type=_Baseline)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise BaselineError(f"`{name}` is no baseline: {error}.") from error
    if found.schema != SCHEMA:
        raise BaselineError(f"`{name}` is no baseline: its schema is `{found.schema}`, not `{SCHEMA}`.")
    return found.findings


def compare(judgement: Judgement, earlier: Iterable[Recorded], name: str, lines: SourceLines) -> Judgement:
    """`judgement` with its findings divided into new and known ones, and with those of `earlier` that are gone.

    A finding is known if one of `earlier` is the same; each of those counts once. What was accepted since is neither
    new nor fixed. `name` says what `earlier` is.
    """
    found = [*judgement.findings, *judgement.known]
    left = [(each, _recorded(each, lines)) for each in [*found, *judgement.suppressed]]
    waiting = list(earlier)
    known: set[int] = set()
    for key in _KEYS:
        left, waiting = _pair(left, waiting, key, known)
    return msgspec.structs.replace(
        judgement,
        findings=tuple(each for each in found if id(each) not in known),
        known=tuple(each for each in found if id(each) in known),
        fixed=tuple(sorted(waiting, key=lambda each: (each.path, each.code, each.message))),
        compared=name,
    )


def _pair(
    left: Sequence[tuple[Finding, Recorded]],
    waiting: Sequence[Recorded],
    key: Callable[[Recorded], tuple[str, ...]],
    known: set[int],
) -> tuple[list[tuple[Finding, Recorded]], list[Recorded]]:
    by_key: dict[tuple[str, ...], list[Recorded]] = defaultdict(list)
    for each in waiting:
        by_key[key(each)].append(each)
    rest = []
    taken: set[int] = set()
    for finding, recorded in left:
        same = by_key.get(key(recorded))
        if same:
            taken.add(id(same.pop(0)))
            known.add(id(finding))
        else:
            rest.append((finding, recorded))
    return rest, [each for each in waiting if id(each) not in taken]


def _recorded(finding: Finding, lines: SourceLines) -> Recorded:
    return Recorded(
        code=finding.code,
        path=finding.place.path,
        message=finding.message,
        fingerprint=finding.fingerprint,
        alike=alike(finding, lines),
    )
