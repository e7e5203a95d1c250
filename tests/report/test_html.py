"""The HTML report, held against what must always be true of it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import msgspec
import pytest
from judged import LINES, make
from test_formats import HOSTILE, RULES, compared, hostile, signed

from proctor import report
from proctor.model.finding import Coverage, Judgement
from proctor.report import Circumstances
from proctor.report.matrix import columns
from proctor.settings import Settings, SettingsFile

VOID = {"meta", "link", "br", "img", "input", "hr"}
JUDGEMENTS = {"signed": signed(), "hostile": hostile(), "compared": compared()}


class Page(HTMLParser):
    """What a page holds; closing tags must match."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.cells: list[str] = []
        self.text = ""
        self.in_matrix = False
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)
        if tag == "table":
            self.in_matrix = "matrix" in (dict(attrs).get("class") or "").split()
        if tag == "td" and self.in_matrix:
            self.cells.append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag, self.getpos()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data
            if self.in_matrix and "td" in self.open:
                self.cells[-1] += data

    def values(self, attribute: str) -> list[str]:
        return [
            value
            for _, attributes in self.tags
            for name, value in attributes.items()
            if name == attribute and value
        ]


def page(judgement: Judgement, circumstances: Circumstances | None = None) -> str:
    return report.render(judgement, "html", LINES, circumstances=circumstances or Circumstances(rules=RULES))


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_it_is_whole(name: str) -> None:
    parsed = Page(page(JUDGEMENTS[name]))
    identifiers = parsed.values("id")
    assert len(set(identifiers)) == len(identifiers)
    targets = {value[1:] for value in parsed.values("href") if value.startswith("#")}
    assert targets <= set(identifiers)
    labels = {each for value in parsed.values("aria-labelledby") for each in value.split()}
    assert labels <= set(identifiers)


@pytest.mark.parametrize("name", JUDGEMENTS)
def test_it_loads_nothing_and_runs_nothing(name: str) -> None:
    text = page(JUDGEMENTS[name])
    parsed = Page(text)
    assert not {tag for tag, _ in parsed.tags} & {
        "script", "img", "link", "iframe", "object", "embed", "form", "base", "audio", "video", "source", "use",
    }  # fmt: skip
    assert not [
        each
        for each in (name for _, attributes in parsed.tags for name in attributes)
        if each.startswith("on")
    ]
    style = text[text.index("<style>") : text.index("</style>")]
    assert not re.search(r"url\(|@import|https?:", style)
    assert all(value.startswith(("#", "https://", "http://")) for value in parsed.values("href"))
    assert "default-src 'none'" in text


def test_each_cell_of_the_matrix_says_its_verdict() -> None:
    made = signed()
    parsed = Page(page(made))
    shown = columns(made)
    verdicts = [each for each in parsed.cells if re.search(r"[a-z]", each)]
    said = sum(len(column.verdicts) for column in shown)
    assert sum("not asked" not in each for each in verdicts) == said
    assert all(each.strip() for each in parsed.cells)


def test_cells_lead_to_evidence_or_reason() -> None:
    text = page(signed())
    target = re.search(r'<td class="violates"><a href="#([^"]+)"', text)
    assert target
    item = text[text.index(f'<li id="{target[1]}"') :]
    item = item[: item.index("</section>")]
    finding = re.search(r'href="#(f-[0-9a-f]+)"', item)
    assert finding and f'<article class="finding error" id="{finding[1]}"' in text
    reason = re.search(r'<td class="not-verified"><a href="#([^"]+)"', text)
    assert reason and "the module <code>tasks</code> is not there" in text[text.index(f'id="{reason[1]}"') :]


def test_findings_show_code_evidence_remedy_and_source() -> None:
    text = page(signed())
    article = text[text.index('<article class="finding error"') :]
    article = article[: article.index("</article>")]
    assert "<mark>UPLOADS[name] = 1</mark>" in article
    assert article.index("Procfile:1") < article.index("writes <code>UPLOADS</code>")
    assert "Keep it in a backing service." in text
    assert 'href="https://12factor.net/processes"' in text


def test_what_an_app_says_stays_text() -> None:
    parsed = Page(page(hostile()))
    assert "<script>alert('x')</script>" in parsed.text
    assert "\x1b" not in parsed.text and HOSTILE not in parsed.text


def test_acceptances_and_what_is_known_are_shown() -> None:
    text = Page(page(compared())).text
    assert "one copy only" in text
    assert "It is gone." in text
    assert "Known from base" in text


def test_it_says_what_was_not_read_and_with_what_it_was_made() -> None:
    circumstances = Circumstances(
        title="shop",
        date="2031-05-01",
        commit="a" * 40,
        branch="main",
        found=SettingsFile(settings=Settings(platform="heroku", ignore=("TF861",)), path="proctor.toml"),
        rules=RULES,
    )
    text = Page(page(signed(), circumstances)).text
    for part in (
        "old.py",
        "it is not Python 3 (line 2)",
        "shop",
        "2031-05-01",
        "a" * 40,
        "every process",
        "TF861",
    ):
        assert part in text
    assert report.digest(signed()) in text


def test_a_page_of_nothing() -> None:
    empty = Judgement(
        root=".", processes=(), findings=(), suppressed=(), verdicts=(),
        coverage=Coverage(python_files=0, read=0, reached=0),
    )  # fmt: skip
    text = Page(page(empty)).text
    assert "No process types are declared" in text


def test_it_is_the_same_each_time() -> None:
    assert page(make()) == page(make())


# --- the digest --------------------------------------------------------------------------------------------


def test_the_digest_tells_judgements_apart() -> None:
    made = signed()
    assert report.digest(msgspec.structs.replace(made, root="elsewhere")) == report.digest(made)
    moved = msgspec.structs.replace(
        made.findings[0], place=msgspec.structs.replace(made.findings[0].place, line=99)
    )
    assert report.digest(
        msgspec.structs.replace(made, findings=(moved, *made.findings[1:]))
    ) == report.digest(made)
    for change in (
        {"findings": made.findings[1:]},
        {"verdicts": made.verdicts[1:]},
        {"processes": made.processes[1:]},
        {"suppressed": ()},
    ):
        assert report.digest(msgspec.structs.replace(made, **change)) != report.digest(made)
