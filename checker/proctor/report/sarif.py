"""SARIF 2.1.0, as code scanning services read it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import quote

from proctor import __version__
from proctor.model.finding import ClauseVerdict, Finding, Judgement, Offered, Recorded
from proctor.model.place import Place
from proctor.model.rule import Rule
from proctor.model.words import CLAUSES, PHASE_PHRASES
from proctor.report.circumstances import Circumstances, digest
from proctor.report.lines import SourceLines
from proctor.report.places import from_here, span

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_URL = "https://12factor.net/"
#: what a verdict is called there; what is violated is said by the findings
_KINDS = {"conforms": "pass", "not verified": "open", "not applicable": "notApplicable"}
#: how a code scanning service ranks a rule
_RANKS = {"error": "error", "warning": "warning", "note": "recommendation"}


def render_sarif(judgement: Judgement, lines: SourceLines, circumstances: Circumstances) -> str:
    """A log of one run. Findings are results of kind "fail"; verdicts come on top only where they are asked for
    (`circumstances.verdicts`), as several readers count every result as a finding."""
    log = _Log(judgement, lines, circumstances)
    document = {"$schema": SCHEMA, "version": "2.1.0", "runs": [log.run()]}
    return json.dumps(document, indent=2) + "\n"


class _Log:
    def __init__(self, judgement: Judgement, lines: SourceLines, circumstances: Circumstances) -> None:
        self._judgement = judgement
        self._lines = lines
        self._circumstances = circumstances
        self._rules: dict[str, int] = {}
        self._descriptors: list[dict[str, Any]] = []

    def run(self) -> dict[str, Any]:
        results = list(self._results())
        properties = {"digest": digest(self._judgement), "commit": self._circumstances.commit}
        return {
            "tool": {
                "driver": {
                    "name": "proctor",
                    "version": __version__,
                    "semanticVersion": __version__,
                    "shortDescription": {
                        "text": "A 12-factor concurrency linter and conformance checker for Python apps."
                    },
                    "rules": self._descriptors,
                }
            },
            "automationDetails": {"id": "proctor/"},
            "columnKind": "unicodeCodePoints",
            "originalUriBaseIds": {
                "%SRCROOT%": {"description": {"text": "The folder that proctor was started in."}}
            },
            "invocations": [
                {"executionSuccessful": True, "toolExecutionNotifications": list(self._notifications())}
            ],
            "results": results,
            "properties": {key: value for key, value in properties.items() if value},
        }

    def _results(self) -> Iterator[dict[str, Any]]:
        judgement = self._judgement
        state = "new" if judgement.compared else None
        for finding in judgement.findings:
            yield self._result(finding, state)
        for finding in judgement.known:
            yield self._result(finding, "unchanged")
        for finding in judgement.suppressed:
            yield {**self._result(finding, None), "suppressions": [self._suppression(finding)]}
        for recorded in judgement.fixed:
            yield self._absent(recorded)
        if self._circumstances.verdicts:
            for verdict in judgement.verdicts:
                if verdict.verdict in _KINDS:
                    yield self._verdict(verdict)

    def _result(self, finding: Finding, state: str | None) -> dict[str, Any]:
        message = finding.message if not finding.remedy else f"{finding.message} {finding.remedy}"
        result: dict[str, Any] = {
            "ruleId": finding.code,
            "ruleIndex": self._rule(finding.code, finding.name, finding.clause, finding.severity),
            "level": finding.severity,
            "kind": "fail",
            "message": {"text": message},
            "locations": [self._location(finding.place, finding)],
            "codeFlows": [
                {
                    "threadFlows": [
                        {
                            "locations": [
                                {
                                    "location": {
                                        **self._location(step.place),
                                        "message": {"text": step.text or "here"},
                                    },
                                    "importance": "essential",
                                }
                                for step in finding.evidence
                            ]
                        }
                    ]
                }
            ],
            "partialFingerprints": _fingerprints(finding.fingerprint),
            "properties": {
                "clause": finding.clause,
                "processes": list(finding.processes),
                "phase": PHASE_PHRASES[finding.phase] if finding.phase else "",
            },
        }
        if state:
            result["baselineState"] = state
        offered = self._circumstances.fixes.get((finding.code, finding.place))
        if offered:
            result["fixes"] = [self._fix(offered)]
        return result

    def _fix(self, offered: Offered) -> dict[str, Any]:
        files: dict[str, list[dict[str, Any]]] = {}
        for each in offered.replacements:
            region = {
                "startLine": each.line,
                "startColumn": each.column,
                "endLine": each.end_line,
                "endColumn": each.end_column,
            }
            replacement = {"deletedRegion": region, "insertedContent": {"text": each.text}}
            files.setdefault(each.path, []).append(replacement)
        word = "Safe" if offered.safe else "To be read first"
        return {
            "description": {"text": f"{word}: {offered.because}."},
            "artifactChanges": [
                {"artifactLocation": self._artifact(path), "replacements": replacements}
                for path, replacements in files.items()
            ],
        }

    def _absent(self, recorded: Recorded) -> dict[str, Any]:
        name = self._circumstances.rules.get(recorded.code)
        clause = name.clause if name else ""
        return {
            "ruleId": recorded.code,
            "ruleIndex": self._rule(
                recorded.code, name.name if name else "", clause, name.severity if name else "warning"
            ),
            "kind": "fail",
            "message": {"text": recorded.message},
            "locations": [{"physicalLocation": {"artifactLocation": self._artifact(recorded.path)}}],
            "partialFingerprints": _fingerprints(recorded.fingerprint),
            "baselineState": "absent",
        }

    def _verdict(self, verdict: ClauseVerdict) -> dict[str, Any]:
        places = {each.name: each.place for each in self._judgement.processes}
        who = verdict.process or "the app"
        result: dict[str, Any] = {
            "ruleId": verdict.clause,
            "ruleIndex": self._clause(verdict.clause),
            "level": "none",
            "kind": _KINDS[verdict.verdict],
            "message": {
                "text": f"{verdict.clause} for {who}: {verdict.verdict}. {verdict.reason or 'It was judged'}."
            },
        }
        if verdict.process in places:
            result["locations"] = [self._location(places[verdict.process])]
        return result

    # --- rules ---------------------------------------------------------------------------------------------

    def _rule(self, code: str, name: str, clause: str, severity: str) -> int:
        if code not in self._rules:
            self._rules[code] = len(self._descriptors)
            rule = self._circumstances.rules.get(code)
            descriptor: dict[str, Any] = {
                "id": code,
                "name": "".join(word.capitalize() for word in name.split("-")) or code,
                "shortDescription": {"text": rule.summary if rule else name.replace("-", " ") or code},
                "defaultConfiguration": {"level": rule.severity if rule else severity},
                "properties": {
                    "tags": ["twelve-factor", "concurrency", *([f"clause/{clause}"] if clause else [])],
                    "precision": "high",
                    "problem.severity": _RANKS[rule.severity if rule else severity],
                },
            }
            if rule:
                descriptor |= _described(rule)
            self._descriptors.append(descriptor)
        return self._rules[code]

    def _clause(self, clause: str) -> int:
        if clause not in self._rules:
            self._rules[clause] = len(self._descriptors)
            self._descriptors.append(
                {
                    "id": clause,
                    "shortDescription": {"text": f"{CLAUSES[clause]}."},
                    "helpUri": _URL,
                    "properties": {"tags": ["twelve-factor", "clause"]},
                }
            )
        return self._rules[clause]

    # --- places --------------------------------------------------------------------------------------------

    def _artifact(self, path: str) -> dict[str, str]:
        shown = from_here(self._judgement.root, path)
        return {"uri": quote(shown.encode("utf-8", "surrogateescape")), "uriBaseId": "%SRCROOT%"}

    def _location(self, place: Place, finding: Finding | None = None) -> dict[str, Any]:
        at = span(place, self._lines)
        region: dict[str, Any] = {"startLine": at.line, "startColumn": at.column}
        if (at.end_line, at.end_column) > (at.line, at.column):
            region |= {"endLine": at.end_line, "endColumn": at.end_column}
        location: dict[str, Any] = {
            "physicalLocation": {"artifactLocation": self._artifact(place.path), "region": region}
        }
        if finding and finding.processes:
            location["logicalLocations"] = [
                {"name": name, "kind": "processType"} for name in finding.processes
            ]
        return location

    def _suppression(self, finding: Finding) -> dict[str, str]:
        listed = any(
            finding.code.startswith(entry.code)
            and fnmatchcase(finding.place.path, entry.path)
            and entry.reason == finding.suppressed
            for entry in self._circumstances.found.settings.accept
        )
        return {
            "kind": "external" if listed else "inSource",
            "status": "accepted",
            "justification": finding.suppressed or "",
        }

    def _notifications(self) -> Iterator[dict[str, Any]]:
        for path, reason in self._judgement.coverage.not_read:
            yield {
                "level": "warning",
                "message": {"text": f"The file was not read: {reason}."},
                "locations": [{"physicalLocation": {"artifactLocation": self._artifact(path)}}],
            }
        for notice in self._judgement.notices:
            location = [self._location(notice.place)] if notice.place.path else []
            yield {"level": "note", "message": {"text": notice.text}, "locations": location}


def _described(rule: Rule) -> dict[str, Any]:
    text = f"{rule.why}\n\n{rule.remedy}"
    also = "".join(f"- <{each}>\n" for each in rule.references if each.startswith("http"))
    markdown = (
        f"{rule.why}\n\n**How to mend it.** {rule.remedy}\n\n"
        f"Clause {rule.clause}: {CLAUSES[rule.clause]}. Source: <{rule.source}>.\n"
    )
    return {
        "fullDescription": {"text": " ".join(rule.why.split())[:1000]},
        "help": {"text": text, "markdown": markdown + (f"\n{also}" if also else "")},
        "helpUri": rule.source,
    }


def _fingerprints(fingerprint: str) -> dict[str, str]:
    # the first is what code scanning services compare by
    return {"primaryLocationLineHash": f"{fingerprint[:16]}:1", "proctor/v1": fingerprint}
