"""What a judgement was made with, for reports that are kept and compared."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import msgspec

from proctor.model.finding import Finding, Judgement, Offered
from proctor.model.place import Place
from proctor.settings import SettingsFile

if TYPE_CHECKING:
    from proctor.model.rule import Rule

DIGEST_SCHEME = 1


class Circumstances(msgspec.Struct, frozen=True, kw_only=True):
    """What a judgement was made with. `title` names the app, `date` is an ISO date, `commit` a full commit id and
    `branch` its branch ("" where not known), `rules` the rules in force by code, `rules_digest` their texts' digest. `verdicts` asks formats of
    findings to say the other verdicts, too. `fixes` are those that are known, by the code and place of their finding."""

    title: str = ""
    date: str = ""
    commit: str = ""
    branch: str = ""
    found: SettingsFile = SettingsFile()
    rules: Mapping[str, Rule] = {}
    rules_digest: str = ""
    verdicts: bool = False
    fixes: Mapping[tuple[str, Place], Offered] = {}


UNKNOWN = Circumstances()


def digest(judgement: Judgement) -> str:
    """32 hex digits that are equal where two judgements say the same: of the process types and what they do, of the
    findings (by fingerprint, so that moved lines change nothing), of verdicts and of what was not read."""

    def key(finding: Finding) -> list[object]:
        return [finding.fingerprint, finding.code, finding.severity, list(finding.processes)]

    said = {
        "scheme": DIGEST_SCHEME,
        "processes": [
            [each.name, each.command, each.launcher, each.kind, each.entry_target, sorted(each.effects)]
            for each in judgement.processes
        ],
        "findings": sorted(key(each) for each in judgement.findings),
        "accepted": sorted([*key(each), each.suppressed or ""] for each in judgement.suppressed),
        "verdicts": [[each.clause, each.process or "", each.verdict] for each in judgement.verdicts],
        "not_read": [path for path, _ in judgement.coverage.not_read],
    }
    return hashlib.blake2b(repr(said).encode(), digest_size=16).hexdigest()
