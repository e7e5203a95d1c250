"""Fingerprints: the same for the same finding after lines above it have moved."""

from __future__ import annotations

import hashlib
from collections import Counter

import msgspec

from proctor.model.finding import Finding, Judgement
from proctor.report.lines import SourceLines


def sign(judgement: Judgement, lines: SourceLines) -> Judgement:
    """`judgement` with a fingerprint (32 hex digits) on every finding, made of its code, path, the text of its line
    without spacing, its subject and its number among equals in the file."""
    seen: Counter[tuple[str, ...]] = Counter()
    signed: dict[int, Finding] = {}
    everything = [*judgement.findings, *judgement.suppressed]
    for finding in sorted(everything, key=lambda each: (each.place, each.code, each.message)):
        key = (finding.code, finding.place.path, _line(finding, lines), finding.subject)
        fingerprint = _digest(*key, str(seen[key]), size=16)
        seen[key] += 1
        signed[id(finding)] = msgspec.structs.replace(finding, fingerprint=fingerprint)
    return msgspec.structs.replace(
        judgement,
        findings=tuple(signed[id(finding)] for finding in judgement.findings),
        suppressed=tuple(signed[id(finding)] for finding in judgement.suppressed),
    )


def alike(finding: Finding, lines: SourceLines) -> str:
    """16 hex digits that findings share which have the same code, text of the line and subject, in whatever file."""
    return _digest(finding.code, _line(finding, lines), finding.subject, size=8)


def _line(finding: Finding, lines: SourceLines) -> str:
    """The line's text without spacing and acceptance."""
    text = lines.line(finding.place.path, finding.place.line) or ""
    return "".join(text.split("# proctor:")[0].split())


def _digest(*parts: str, size: int) -> str:
    return hashlib.blake2b("\0".join(parts).encode("utf-8", "surrogatepass"), digest_size=size).hexdigest()
