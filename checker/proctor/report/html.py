"""The conformance report: one page that needs nothing else, neither network nor script."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from importlib.resources import files

import msgspec

from proctor import __version__
from proctor.model.finding import Judgement, ProcessReport, Step
from proctor.model.words import CLAUSES, SEVERITIES, Verdict
from proctor.report.circumstances import Circumstances, digest
from proctor.report.html_findings import (
    Anchors,
    accepted_part,
    findings_part,
    known_part,
    place_text,
    verdicts_part,
)
from proctor.report.lines import SourceLines
from proctor.report.markup import count, plain, prose
from proctor.report.matrix import (
    ASKED,
    FACTORS,
    SYMBOLS,
    WHOLE_APP,
    Column,
    columns,
    hiding,
    totals,
)
from proctor.report.picture import merged, render_picture
from proctor.settings import PLATFORMS, Settings

#: with more columns than this, cells show the symbol alone (its word stays for those who listen)
_MOST_WORDED = 5
#: a column of more process types than this names the first ones
_MOST_NAMES = 3
#: words of effects that are names
_NAMES = {
    "http": "HTTP",
    "sigterm": "SIGTERM",
    "db": "database",
    "io": "I/O",
    "cpu": "CPU",
}
#: no script, nothing from elsewhere: what an app's files say cannot do anything
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render_html(judgement: Judgement, lines: SourceLines, circumstances: Circumstances) -> str:
    """The whole report as one HTML page."""
    anchors = Anchors(judgement)
    title = circumstances.title or judgement.root
    parts = [
        ("answer", "The answer", _answer(judgement, anchors)),
        ("formation", "The formation", _formation(judgement, anchors)),
        (
            "findings",
            f"Findings ({len(judgement.findings)})",
            findings_part(judgement, lines, circumstances, anchors),
        ),
        (
            "known",
            f"Known from {judgement.compared} ({len(judgement.known)})",
            known_part(judgement, anchors),
        ),
        ("accepted", f"Accepted ({len(judgement.suppressed)})", accepted_part(judgement, anchors)),
        ("verdicts", "Clause by clause", verdicts_part(judgement, anchors)),
        ("unseen", "What was not seen", _limits(judgement)),
        ("about", "About this report", _about(judgement, circumstances)),
    ]
    shown = [(name, heading, body) for name, heading, body in parts if body]
    style = files("proctor.report").joinpath("page.css").read_text(encoding="utf-8")
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            "<head>",
            '<meta charset="utf-8">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="color-scheme" content="light dark">',
            f'<meta name="generator" content="proctor {__version__}">',
            f"<title>Conformance report: {plain(title)}</title>",
            f"<style>\n{style}</style>",
            "</head>",
            "<body>",
            '<a class="skip" href="#answer">Skip to the answer</a>',
            _header(judgement, title, circumstances),
            _contents(shown),
            "<main>",
            *(
                f'<section class="part" aria-labelledby="{name}"><h2 id="{name}">{plain(heading)}</h2>\n{body}\n</section>'
                for name, heading, body in shown
            ),
            "</main>",
            f"<footer>Written by proctor {__version__}. The app was read, never imported or run.</footer>",
            "</body>",
            "</html>",
            "",
        ]
    )


def _header(judgement: Judgement, title: str, circumstances: Circumstances) -> str:
    facts = [
        f"commit <code>{plain(circumstances.commit[:12])}</code>" if circumstances.commit else "",
        f'<time datetime="{plain(circumstances.date)}">{plain(circumstances.date)}</time>'
        if circumstances.date
        else "",
        f"proctor {__version__}",
        f"digest <code>{digest(judgement)[:12]}</code>",
    ]
    items = "".join(f"<li>{fact}</li>" for fact in facts if fact)
    return (
        '<header class="head"><p class="kicker">Twelve-factor conformance report</p>'
        f'<h1>{plain(title)}</h1><ul class="facts">{items}</ul></header>'
    )


def _contents(shown: list[tuple[str, str, str]]) -> str:
    items = "".join(f'<li><a href="#{name}">{plain(heading)}</a></li>' for name, heading, _ in shown)
    return f'<nav class="contents" aria-label="Contents"><ul>{items}</ul></nav>'


# --- the answer --------------------------------------------------------------------------------------------


def _answer(judgement: Judgement, anchors: Anchors) -> str:
    found = totals(judgement)
    n_all = sum(found.values())
    tiles = "".join(
        f'<li class="tile {_role(verdict)}"><span class="symbol" aria-hidden="true">{SYMBOLS[verdict]}</span> '
        f'<strong>{found[verdict]:,}</strong> <span class="word">{verdict}</span></li>'
        for verdict in ASKED
    )
    bar = "".join(
        f'<span class="{_role(verdict)}" style="flex-grow:{found[verdict]}"></span>'
        for verdict in ASKED
        if found[verdict]
    )
    return "\n".join(
        [
            f'<p class="lead">{_sentence(judgement)}</p>',
            f'<p class="label" id="tiles">{count(n_all, "answer")}, one per clause and process type</p>'
            if n_all
            else "",
            f'<ul class="tiles" aria-labelledby="tiles">{tiles}</ul>' if n_all else "",
            f'<div class="bar" aria-hidden="true">{bar}</div>' if n_all else "",
            _matrix(judgement, anchors),
        ]
    )


def _sentence(judgement: Judgement) -> str:
    broken = {each.clause for each in judgement.verdicts if each.verdict == "violates"}
    severities = Counter(each.severity for each in judgement.findings)
    found = ", ".join(count(severities[each], each) for each in SEVERITIES if severities[each])
    clauses = {each.clause for each in judgement.verdicts}
    if not clauses:
        return "No process types are declared, so nothing was judged."
    types = count(len(judgement.processes), "process type")
    if broken:
        head = f"{len(broken)} of {count(len(clauses), 'clause')} {'is' if len(broken) == 1 else 'are'} violated by at least one of {types}"
    else:
        head = f"No clause of {len(clauses)} is seen to be violated by any of {types}"
    tail = f": {found}." if found else "."
    hidden = sum(each.verdict == "not verified" for each in judgement.verdicts)
    if hidden:
        tail += f' {count(hidden, "answer")} could not be given, each <a href="#unseen">with its reason</a>.'
    return plain(head) + tail


def _role(verdict: Verdict) -> str:
    return verdict.replace(" ", "-")


def _matrix(judgement: Judgement, anchors: Anchors) -> str:
    shown = columns(judgement)
    if not shown:
        return ""
    worded = " worded" if len(shown) <= _MOST_WORDED else ""
    head = "".join(f'<th scope="col">{_column_name(column, anchors)}</th>' for column in shown)
    legend = " ".join(
        f'<span class="{_role(verdict)}"><span class="symbol" aria-hidden="true">{SYMBOLS[verdict]}</span> {verdict}</span>'
        for verdict in ASKED
    )
    return "\n".join(
        [
            '<div class="scroll" tabindex="0" role="region" aria-labelledby="matrix-caption">',
            f'<table class="matrix{worded}">',
            '<caption id="matrix-caption">Clauses by process types. Each cell leads to its evidence or reason. '
            f'<span class="legend">{legend}</span></caption>',
            f'<thead><tr><th scope="col" class="corner">Clause</th>{head}</tr></thead>',
            *_count_rows(shown),
            *_clause_rows(judgement, shown, anchors),
            "</table></div>",
        ]
    )


def _column_name(column: Column, anchors: Anchors) -> str:
    names = [_type_name(name, anchors) for name in column.names]
    if len(names) > _MOST_NAMES:
        rest = column.names[_MOST_NAMES - 1 :]
        hidden = plain(", ".join(rest))
        names[_MOST_NAMES - 1 :] = [
            f'<span title="{hidden}">and {len(rest)} more<span class="hear">: {hidden}</span></span>'
        ]
    return f'<span class="names">{"".join(names)}</span>'


def _type_name(name: str, anchors: Anchors) -> str:
    target = anchors.type(name)
    if target is None:
        return f"<span>{'the app as a whole' if name == WHOLE_APP else plain(name)}</span>"
    return f'<a href="#{target}">{plain(name)}</a>'


def _count_rows(shown: tuple[Column, ...]) -> Iterator[str]:
    yield (
        '<tbody class="counts"><tr><th scope="rowgroup" colspan="'
        + str(len(shown) + 1)
        + '">How many clauses</th></tr>'
    )
    for verdict in ASKED:
        cells = "".join(
            f'<td class="{_role(verdict)}">{column.counts[verdict] or "<span class=none>0</span>"}</td>'
            for column in shown
        )
        yield (
            f'<tr><th scope="row"><span class="symbol {_role(verdict)}" aria-hidden="true">{SYMBOLS[verdict]}</span> '
            f"{verdict}</th>{cells}</tr>"
        )
    yield "</tbody>"


def _clause_rows(judgement: Judgement, shown: tuple[Column, ...], anchors: Anchors) -> Iterator[str]:
    asked = {each.clause for each in judgement.verdicts}
    for factor, heading in FACTORS.items():
        clauses = [clause for clause in CLAUSES if clause in asked and clause.split(".")[0] == factor]
        if not clauses:
            continue
        yield f'<tbody><tr><th scope="rowgroup" colspan="{len(shown) + 1}"><span>{plain(heading)}</span></th></tr>'
        for clause in clauses:
            cells = "".join(_cell(column, clause, anchors) for column in shown)
            yield (
                f'<tr><th scope="row"><a href="#{anchors.clause(clause)}"><b>{clause}</b> '
                f"<span>{plain(CLAUSES[clause])}</span></a></th>{cells}</tr>"
            )
        yield "</tbody>"


def _cell(column: Column, clause: str, anchors: Anchors) -> str:
    found = column.verdicts.get(clause)
    if found is None:
        return '<td class="unasked"><span class="hear">not asked</span></td>'
    target = anchors.answer(clause, column.names[0])
    hint = plain(f"{clause}, {', '.join(column.names)}: {found.verdict}. {found.reason}")
    return (
        f'<td class="{_role(found.verdict)}"><a href="#{target}" title="{hint}">'
        f'<span class="symbol" aria-hidden="true">{SYMBOLS[found.verdict]}</span>'
        f'<span class="word">{found.verdict}</span></a></td>'
    )


# --- the formation -----------------------------------------------------------------------------------------


def _formation(judgement: Judgement, anchors: Anchors) -> str:
    if not judgement.processes:
        return "<p>No process types are declared.</p>"
    rows = [_type_row(group, anchors) for group in merged(judgement.processes)]
    return "\n".join(
        [
            '<figure><div class="scroll" tabindex="0" role="region" aria-label="Picture of the formation">',
            render_picture(judgement),
            "</div><figcaption>From left to right: what drives a process type; the process type with its entry point "
            "and what it does; what it talks to, with the environment variable that attaches it. "
            "The table says the same in words.</figcaption></figure>",
            '<div class="scroll" tabindex="0" role="region" aria-label="Table of process types"><table class="types">',
            "<thead><tr>"
            + "".join(f'<th scope="col">{each}</th>' for each in ("Process type", "Runs", "Does", "Talks to"))
            + "</tr></thead><tbody>",
            *rows,
            "</tbody></table></div>",
        ]
    )


def _type_row(group: tuple[ProcessReport, ...], anchors: Anchors) -> str:
    first = group[0]
    names = "".join(
        f'<div id="{anchors.type(each.name)}"><b>{plain(each.name)}</b> '
        f"<small>{place_text(each.place)}</small></div>"
        for each in group
    )
    runs = f"<div><code>{plain(first.command)}</code></div>"
    if first.entry_target is not None:
        where = f" in <code>{plain(first.entry_path)}</code>" if first.entry_path else ""
        runs += (
            f"<div>starts <code>{plain(first.entry_target)}</code>{where}, {count(first.files, 'file')}</div>"
        )
    if first.unresolved:
        runs += f'<div class="warn">{prose(_sentence_of(first.unresolved))}</div>'
    does = ", ".join(plain(_deed(each)) for each in first.effects) or "nothing that the clauses ask for"
    talks = "".join(
        f"<div>{plain(service.name)}"
        + (f" <small>by <code>{plain(service.variable)}</code></small>" if service.variable else "")
        + "</div>"
        for service in first.services
    )
    return (
        f'<tr><th scope="row">{names}<small class="kind">{first.kind}</small></th><td>{runs}</td>'
        f"<td>{does}</td><td>{talks or 'nothing that was seen'}</td></tr>"
    )


def _deed(effect: str) -> str:
    return " ".join(_NAMES.get(word, word) for word in effect.split("-"))


def _sentence_of(text: str) -> str:
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")


# --- what was not seen -------------------------------------------------------------------------------------


def _limits(judgement: Judgement) -> str:
    coverage = judgement.coverage
    parts = [
        f"<p>{coverage.read:,} of {count(coverage.python_files, 'Python file')} read, {coverage.reached:,} of them "
        f"reached from {count(len(judgement.processes), 'process type')}. Files that no process type reaches are not judged.</p>"
    ]
    reasons = hiding(judgement.verdicts)
    if reasons:
        rows = "".join(
            f"<tr><td>{prose(_sentence_of(reason))}</td><td class=number>{sum(map(len, hidden.values()))}</td>"
            f"<td>{_hidden(hidden)}</td></tr>"
            for reason, hidden in reasons
        )
        parts.append(
            '<h3>Why answers could not be given</h3><div class="scroll" tabindex="0" role="region" '
            'aria-label="Reasons of what is not verified"><table class="reasons"><thead><tr><th scope="col">Reason</th>'
            '<th scope="col" class="number">Answers</th><th scope="col">Hidden</th></tr></thead>'
            f"<tbody>{rows}</tbody></table></div>"
        )
    if coverage.not_read:
        items = "".join(
            f"<li><code>{plain(path)}</code>: {prose(reason)}</li>" for path, reason in coverage.not_read
        )
        parts.append(f"<h3>Files that were not read ({len(coverage.not_read)})</h3><ul>{items}</ul>")
    if judgement.notices:
        parts.append(f"<h3>Acceptances to look at</h3><ul>{''.join(map(_notice, judgement.notices))}</ul>")
    return "\n".join(parts)


def _hidden(by_process: dict[str, list[str]]) -> str:
    by_clauses: dict[tuple[str, ...], list[str]] = {}
    for name, clauses in by_process.items():
        by_clauses.setdefault(tuple(clauses), []).append(name)
    return "".join(
        f"<div><b>{plain(', '.join(names))}</b>: {', '.join(clauses)}</div>"
        for clauses, names in by_clauses.items()
    )


def _notice(step: Step) -> str:
    return f"<li>{place_text(step.place)} {prose(step.text)}</li>"


# --- about -------------------------------------------------------------------------------------------------


def _about(judgement: Judgement, circumstances: Circumstances) -> str:
    settings = circumstances.found.settings
    platform = PLATFORMS[settings.platform]
    who = "every process" if platform.signals == "all" else "the main process"
    n_rules = sum(settings.selects(code) for code in circumstances.rules)
    rows = [
        ("App", plain(circumstances.title or judgement.root)),
        ("Commit", _commit(circumstances)),
        ("Date", plain(circumstances.date or "not given")),
        ("Program", f"proctor {__version__}, static: the app was read, never imported or run"),
        (
            "Rules",
            f"{n_rules} asked of {count(len(circumstances.rules), 'rule')}" if circumstances.rules else "",
        ),
        (
            "Platform assumed",
            f"{plain(settings.platform)}: sends {platform.signal} to {who}, waits {platform.grace_seconds:g} s "
            f'(<a href="{plain(platform.source)}" rel="noreferrer">source</a>)',
        ),
        ("Settings", _settings(circumstances)),
        ("Digest of this judgement", f"<code>{digest(judgement)}</code>"),
    ]
    items = "".join(f"<div><dt>{name}</dt><dd>{value}</dd></div>" for name, value in rows if value)
    return (
        f"<dl>{items}</dl><p>Two reports with the same digest say the same about process types, findings, acceptances and "
        "verdicts, even where lines have moved. <b>conforms</b> is said only where the entry point was found, every "
        "file behind it was read and nothing hid the answer; <b>not verified</b> always comes with what hid it. "
        "What depends on the environment, on installed libraries without a model, or on what other "
        "systems do, is outside of what a reader of code can see.</p>"
    )


def _commit(circumstances: Circumstances) -> str:
    if not circumstances.commit:
        return "not known (no Git repository was found)"
    on = f" on <code>{plain(circumstances.branch)}</code>" if circumstances.branch else ""
    return f"<code>{plain(circumstances.commit)}</code>{on}; changes that were not committed are part of what was read"


def _settings(circumstances: Circumstances) -> str:
    found = circumstances.found
    given = msgspec.to_builtins(found.settings)
    usual = msgspec.to_builtins(Settings())
    changed = [
        f"<li><code>{plain(key)} = {plain(_toml(value))}</code></li>"
        for key, value in given.items()
        if value != usual[key]
    ]
    if not changed:
        return "the defaults"
    where = (
        f"from <code>{plain(found.path)}</code> and the command line"
        if found.path
        else "from the command line"
    )
    return f"{where}:<ul>{''.join(changed)}</ul>"


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key) else msgspec.json.encode(key).decode()


def _toml(value: object) -> str:
    if isinstance(value, dict):
        return "{ " + ", ".join(f"{_key(key)} = {_toml(each)}" for key, each in value.items()) + " }"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(_toml, value)) + "]"
    if isinstance(value, bool):
        return "true" if value else "false"
    return msgspec.json.encode(value).decode()
