"""One small app for every false or missed alarm ever seen: its errors and warnings are exactly those that are expected.

`fixtures/lessons/<slug>/expected.toml` holds `why`, `findings` ("CODE path:line" of every error and warning), and where it
matters `notes` (of the codes named there), `verdicts` ("CLAUSE process" = "verdict") and `[options]` (settings).
"""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
import tomli

from proctor.model.finding import Finding
from proctor.model.tree import read_tree
from proctor.pipeline import judge_tree
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.settings import Settings, SettingsFile

LESSONS = Path(__file__).parents[1] / "fixtures" / "lessons"
BOOK = load_rulebook(read_sources())


class Expected(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What an app is expected to be told."""

    why: str
    findings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    verdicts: dict[str, str] = msgspec.field(default_factory=dict)
    options: dict[str, object] = msgspec.field(default_factory=dict)


@pytest.mark.parametrize("folder", sorted(LESSONS.iterdir()), ids=lambda folder: folder.name)
def test_lesson(folder: Path) -> None:
    told = tomli.loads((folder / "expected.toml").read_text(encoding="utf-8"))
    expected = msgspec.convert(told, Expected)
    settings = msgspec.convert(expected.options, Settings)
    judgement = judge_tree(
        read_tree(folder, ["expected.toml"]), SettingsFile(settings=settings), workers=1, book=BOOK
    )
    assert len(expected.why) > 30
    shown = sorted({_shown(each) for each in judgement.findings if each.severity != "note"})
    assert shown == sorted(expected.findings)
    noted = {each.split()[0] for each in expected.notes}
    notes = {_shown(each) for each in judgement.findings if each.severity == "note" and each.code in noted}
    assert notes == set(expected.notes)
    verdicts = {f"{each.clause} {each.process or 'app'}": each.verdict for each in judgement.verdicts}
    assert {key: verdicts.get(key) for key in expected.verdicts} == expected.verdicts


def test_every_lesson_says_what_it_teaches() -> None:
    assert [folder.name for folder in LESSONS.iterdir() if not (folder / "expected.toml").is_file()] == []


def _shown(finding: Finding) -> str:
    return f"{finding.code} {finding.place.path}:{finding.place.line}"
