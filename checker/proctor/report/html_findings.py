"""Findings with their code and evidence, acceptances, and the answers to each clause, for the HTML report."""

from __future__ import annotations

from collections.abc import Iterator

from proctor.model.finding import Finding, Judgement, Offered, Step
from proctor.model.place import Place
from proctor.model.words import CLAUSES, PHASE_PHRASES, SEVERITIES, Severity
from proctor.report.circumstances import Circumstances
from proctor.report.lines import SourceLines
from proctor.report.markup import Names, count, link, paragraphs, plain, prose
from proctor.report.matrix import FACTORS, SYMBOLS, WHOLE_APP, Group, groups

_CONTEXT = 2
SEVERITY_SYMBOLS: dict[Severity, str] = {"error": "✕", "warning": "▲", "note": "●"}


class Anchors:
    """The identifiers that parts of the page link to."""

    def __init__(self, judgement: Judgement) -> None:
        names = Names()
        self.groups = groups(judgement)
        self._findings: dict[int, str] = {}
        self._answers: dict[tuple[str, str], str] = {}
        self._groups: dict[int, str] = {}
        self._types = {each.name: names.take("type", each.name) for each in judgement.processes}
        for finding in [*judgement.findings, *judgement.known, *judgement.suppressed]:
            self._findings[id(finding)] = names.take("f", finding.fingerprint[:12] or finding.code)
        for clause, answers in self.groups.items():
            for number, group in enumerate(answers, start=1):
                name = names.take("v", clause, str(number))
                self._groups[id(group)] = name
                self._answers.update({(clause, process): name for process in group.processes})

    def finding(self, finding: Finding) -> str:
        """Where a finding is shown."""
        return self._findings[id(finding)]

    def type(self, process: str) -> str | None:
        """Where a process type is described."""
        return self._types.get(process)

    def clause(self, clause: str) -> str:
        """Where the answers to a clause are shown."""
        return f"clause-{clause.replace('.', '-')}"

    def group(self, group: Group) -> str:
        """Where equal answers to a clause are shown."""
        return self._groups[id(group)]

    def answer(self, clause: str, process: str) -> str:
        """Where the answer to a clause for a process type is shown."""
        return self._answers[clause, process]


def place_text(place: Place) -> str:
    """A place as people write it."""
    return f"<code>{plain(place.path)}:{place.line}</code>"


# --- findings ----------------------------------------------------------------------------------------------


def findings_part(
    judgement: Judgement, lines: SourceLines, circumstances: Circumstances, anchors: Anchors
) -> str:
    """The findings, by rule: the most severe first, then in the order of the clauses."""
    if not judgement.findings:
        return "<p>There are none.</p>"
    by_rule: dict[str, list[Finding]] = {}
    for finding in judgement.findings:
        by_rule.setdefault(finding.code, []).append(finding)
    clauses = list(CLAUSES)
    ordered = sorted(
        by_rule.items(),
        key=lambda item: (
            min(SEVERITIES.index(each.severity) for each in item[1]),
            clauses.index(item[1][0].clause),
            item[0],
        ),
    )
    index = "".join(
        f'<tr><td>{_severity(found[0].severity)}</td><th scope="row"><a href="#rule-{code}">{code} {plain(found[0].name)}</a></th>'
        f"<td>{found[0].clause}</td><td class=number>{len(found)}</td></tr>"
        for code, found in ordered
    )
    return "\n".join(
        [
            '<div class="scroll" tabindex="0" role="region" aria-label="Findings by rule"><table class="index">'
            '<thead><tr><th scope="col">Severity</th><th scope="col">Rule</th><th scope="col">Clause</th>'
            f'<th scope="col" class="number">Findings</th></tr></thead><tbody>{index}</tbody></table></div>',
            *(_rule(code, found, circumstances, lines, anchors) for code, found in ordered),
        ]
    )


def _rule(
    code: str, found: list[Finding], circumstances: Circumstances, lines: SourceLines, anchors: Anchors
) -> str:
    clause = found[0].clause
    rule = circumstances.rules.get(code)
    parts = [
        f'<section class="rule"><h3 id="rule-{code}">{code} {plain(found[0].name)}</h3>',
        f'<p class="clause">Clause {_clause_link(clause, anchors)}: {plain(CLAUSES[clause])}.'
        + (f" Source: {link(rule.source)}." if rule else "")
        + "</p>",
    ]
    if rule:
        parts.append(paragraphs(rule.why))
    remedies = list(dict.fromkeys(each.remedy for each in found if each.remedy))
    if len(remedies) == 1:
        parts.append(_remedy(remedies[0]))
    if rule and rule.references:
        references = ", ".join(link(each) for each in rule.references)
        parts.append(f'<p class="references">See also {references}.</p>')
    for each in found:
        fix = circumstances.fixes.get((each.code, each.place))
        parts.append(_finding(each, lines, anchors, len(remedies) > 1, fix))
    return "\n".join([*parts, "</section>"])


def _clause_link(clause: str, anchors: Anchors) -> str:
    return f'<a href="#{anchors.clause(clause)}">{clause}</a>' if clause in anchors.groups else clause


def _remedy(text: str) -> str:
    return f'<p class="remedy"><b>How to mend it</b> {prose(" ".join(text.split()))}</p>' if text else ""


def _severity(severity: Severity) -> str:
    return (
        f'<span class="severity {severity}"><span class="symbol" aria-hidden="true">{SEVERITY_SYMBOLS[severity]}</span> '
        f"{severity}</span>"
    )


def _finding(
    finding: Finding, lines: SourceLines, anchors: Anchors, with_remedy: bool, fix: Offered | None
) -> str:
    who = ", ".join(finding.processes) or WHOLE_APP
    when = f" {PHASE_PHRASES[finding.phase]}" if finding.phase else ""
    return "\n".join(
        [
            f'<article class="finding {finding.severity}" id="{anchors.finding(finding)}">',
            f"<h4>{_severity(finding.severity)} {place_text(finding.place)}</h4>",
            f"<p>{prose(finding.message)}</p>",
            f'<p class="who"><b>{plain(who)}</b>{when}</p>',
            _frame(finding.place, lines),
            _evidence(finding.evidence),
            _remedy(finding.remedy) if with_remedy else "",
            _fix(fix) if fix else "",
            "</article>",
        ]
    )


def _fix(fix: Offered) -> str:
    """What `--fix` would change, as a difference."""
    how = "<code>--fix</code> would change" if fix.safe else "<code>--fix --unsafe</code> would change"
    rows = []
    for line in fix.difference.splitlines():
        role = {"+": "come", "-": "gone", "@": "hunk"}.get(line[:1], "")
        if line.startswith(("+++ ", "--- ")):
            role = "hunk"
        rows.append(f"<span{f' class={role}' if role else ''}>{plain(line)}</span>")
    text = "\n".join(rows)
    return (
        f'<details class="fix"><summary>{how}</summary><p>{prose(fix.because[:1].upper() + fix.because[1:])}.</p>'
        f'<pre tabindex="0" role="group" aria-label="What a fix would change"><code>{text}</code></pre></details>'
    )


def _frame(place: Place, lines: SourceLines) -> str:
    text = lines.line(place.path, place.line)
    if text is None:
        return '<p class="gone">The source cannot be shown.</p>'
    last = min(place.line + _CONTEXT, len(lines.lines(place.path)))
    rows = []
    for number in range(max(1, place.line - _CONTEXT), last + 1):
        shown = lines.line(place.path, number) or ""
        content = _marked(place, shown, lines) if number == place.line else plain(shown)
        role = ' class="here"' if number == place.line else ""
        rows.append(f'<span{role}><i aria-hidden="true">{number:>4}</i> {content}</span>')
    label = plain(f"{place.path}, line {place.line}")
    return f'<pre tabindex="0" role="group" aria-label="{label}"><code>' + "\n".join(rows) + "</code></pre>"


def _marked(place: Place, text: str, lines: SourceLines) -> str:
    start = lines.column(place.path, place.line, place.column) - 1
    end = len(text.rstrip())
    if place.end_line in (0, place.line) and place.end_column > place.column:
        end = lines.column(place.path, place.line, place.end_column) - 1
    before, here, after = text[:start], text[start : max(end, start + 1)], text[max(end, start + 1) :]
    return f"{plain(before)}<mark>{plain(here)}</mark>{plain(after)}"


def _evidence(steps: tuple[Step, ...]) -> str:
    items = "".join(f"<li>{place_text(step.place)} <span>{prose(step.text)}</span></li>" for step in steps)
    return f'<p class="label">How it gets there</p><ol class="evidence">{items}</ol>'


# --- acceptances -------------------------------------------------------------------------------------------


def accepted_part(judgement: Judgement, anchors: Anchors) -> str:
    """Findings that the app's developers accepted, each with their reason; "" where there are none."""
    if not judgement.suppressed:
        return ""
    rows = "".join(_accepted_row(each, anchors) for each in judgement.suppressed)
    return (
        "<p>Accepted findings are still counted, and their clauses stay violated.</p>"
        '<div class="scroll" tabindex="0" role="region" aria-label="Accepted findings"><table class="accepted"><thead><tr>'
        '<th scope="col">Rule</th><th scope="col">Place</th><th scope="col">Finding</th>'
        f'<th scope="col">Reason given</th></tr></thead><tbody>{rows}</tbody></table></div>'
    )


def _accepted_row(finding: Finding, anchors: Anchors) -> str:
    return (
        f'<tr id="{anchors.finding(finding)}"><th scope="row">{finding.code} {plain(finding.name)}</th>'
        f"<td>{place_text(finding.place)}</td>"
        f"<td>{prose(finding.message)}</td><td>{prose(finding.suppressed or '')}</td></tr>"
    )


def known_part(judgement: Judgement, anchors: Anchors) -> str:
    """Findings that an earlier run has, too, and those that only it has; "" where there was no comparison."""
    if not judgement.compared:
        return ""
    rows = "".join(
        f'<tr id="{anchors.finding(each)}"><td>{_severity(each.severity)}</td>'
        f'<th scope="row">{each.code} {plain(each.name)}</th><td>{place_text(each.place)}</td>'
        f"<td>{prose(each.message)}</td></tr>"
        for each in judgement.known
    )
    table = (
        '<div class="scroll" tabindex="0" role="region" aria-label="Known findings"><table class="accepted"><thead><tr>'
        '<th scope="col">Severity</th><th scope="col">Rule</th><th scope="col">Place</th><th scope="col">Finding</th>'
        f"</tr></thead><tbody>{rows}</tbody></table></div>"
    )
    gone = "".join(
        f"<li>{each.code} <code>{plain(each.path)}</code>: {prose(each.message)}</li>"
        for each in judgement.fixed
    )
    return (
        f"<p>Compared with <code>{plain(judgement.compared)}</code>: {count(len(judgement.known), 'finding')} known, "
        f"{len(judgement.fixed)} no longer found. The findings above are the new ones.</p>"
        + (table if rows else "")
        + (f"<h3>No longer found</h3><ul>{gone}</ul>" if gone else "")
    )


# --- clause by clause --------------------------------------------------------------------------------------


def verdicts_part(judgement: Judgement, anchors: Anchors) -> str:
    """Each clause with its answers; equal answers together."""
    parts: list[str] = []
    for factor, heading in FACTORS.items():
        clauses = [clause for clause in anchors.groups if clause.split(".")[0] == factor]
        if clauses:
            parts.append(f"<h3>{plain(heading)}</h3>")
            parts.extend(_clause(clause, anchors) for clause in clauses)
    return "\n".join(parts)


def _clause(clause: str, anchors: Anchors) -> str:
    items = "".join(_answer(group, anchors) for group in anchors.groups[clause])
    return (
        f'<section class="clause"><h4 id="{anchors.clause(clause)}"><b>{clause}</b> {plain(CLAUSES[clause])}</h4>'
        f"<ul>{items}</ul></section>"
    )


def _answer(group: Group, anchors: Anchors) -> str:
    role = group.verdict.replace(" ", "-")
    who = ", ".join(plain("the app as a whole" if each == WHOLE_APP else each) for each in group.processes)
    return (
        f'<li id="{anchors.group(group)}"><span class="verdict {role}"><span class="symbol" aria-hidden="true">'
        f"{SYMBOLS[group.verdict]}</span> {group.verdict}</span> <div><b>{who}</b>{''.join(_because(group, anchors))}</div></li>"
    )


def _because(group: Group, anchors: Anchors) -> Iterator[str]:
    if not group.findings:
        yield f": {prose(group.reason)}"
        return
    yield f", {count(len(group.findings), 'finding')}:<ul>"
    for each in group.findings:
        accepted = f" <small>accepted: {prose(each.suppressed)}</small>" if each.suppressed else ""
        yield (
            f'<li><a href="#{anchors.finding(each)}">{each.code} {plain(each.place.path)}:{each.place.line}</a> '
            f"{prose(each.message)}{accepted}</li>"
        )
    yield "</ul>"
