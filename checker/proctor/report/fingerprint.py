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
        text = lines.line(finding.place.path, finding.place.line) or ""
        key = (
            finding.code,
            finding.place.path,
            "".join(text.split("# proctor:")[0].split()),
            finding.subject,
        )
        digest = hashlib.blake2b(
            "\0".join((*key, str(seen[key]))).encode("utf-8", "surrogatepass"), digest_size=16
        )
        seen[key] += 1
        signed[id(finding)] = msgspec.structs.replace(finding, fingerprint=digest.hexdigest())
    return msgspec.structs.replace(
        judgement,
        findings=tuple(signed[id(finding)] for finding in judgement.findings),
        suppressed=tuple(signed[id(finding)] for finding in judgement.suppressed),
    )
