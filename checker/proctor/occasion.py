"""When and on what a run is made, and which earlier answer it is compared with."""

from __future__ import annotations

import datetime
import os
from collections.abc import Callable, Sequence
from pathlib import Path

from proctor.errors import UsageError
from proctor.model.finding import Judgement, Recorded
from proctor.model.rule import Rule
from proctor.model.tree import SourceTree
from proctor.report import Circumstances, SourceLines, read_baseline, record
from proctor.settings import SettingsFile


def day_of(given: str | None) -> datetime.date:
    """The day of a run: `given` (an ISO date), else that of SOURCE_DATE_EPOCH (https://reproducible-builds.org), else
    today. Raises UsageError."""
    if given is not None:
        try:
            return datetime.date.fromisoformat(given)
        except ValueError:
            raise UsageError(f"`--date` must be a date such as 2031-05-01, not `{given}`.") from None
    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    if epoch:
        try:
            return datetime.datetime.fromtimestamp(int(epoch), datetime.timezone.utc).date()
        except (ValueError, OverflowError, OSError):
            raise UsageError(f"`SOURCE_DATE_EPOCH` must be a number of seconds, not `{epoch}`.") from None
    return datetime.date.today()


def circumstances_of(
    path: Path, found: SettingsFile, rules: Sequence[Rule], day: datetime.date, verdicts: bool = False
) -> Circumstances:
    """What the app in `path` is judged with, for reports that are kept."""
    from proctor.history import read_revision  # the runs of every day need no Git

    revision = read_revision(path)
    return Circumstances(
        title=path.absolute().resolve().name,
        date=day.isoformat(),
        commit=revision.commit if revision else "",
        branch=revision.branch if revision else "",
        found=found,
        rules={rule.code: rule for rule in rules},
        verdicts=verdicts,
    )


def baseline_file(path: Path, found: SettingsFile, given: str | None) -> Path | None:
    """The baseline to compare with: `given` ("" for none), else the one that the settings name, relative to `path`."""
    if given is not None:
        return Path(given) if given else None
    return path / found.settings.baseline if found.settings.baseline else None


def recorded_in(file: Path) -> tuple[Recorded, ...]:
    """The findings of a baseline file. Raises UsageError where it is not there, ConfigurationError where it is none."""
    try:
        return read_baseline(file.read_bytes(), str(file))
    except OSError as error:
        raise UsageError(f"The baseline `{file}` cannot be read ({error.strerror}).") from error


def recorded_at(
    path: Path,
    revision: str,
    open_tree: Callable[[Path], SourceTree],
    judge: Callable[[SourceTree], Judgement],
) -> tuple[Recorded, ...]:
    """The findings of the app in `path` as it was at `revision`, judged with the rules and settings of today.
    Raises UsageError."""
    from proctor.history import checked_out

    with checked_out(path, revision) as folder:
        if folder is None:
            return ()
        tree = open_tree(folder)
        return record(judge(tree), SourceLines(tree.read))
