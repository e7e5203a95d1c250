"""The formats for other programs, held against their own schemas and rules."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
import xmlschema
from judged import FILES, LINES, make

from proctor import pipeline, report
from proctor.model.finding import Judgement
from proctor.model.rule import Rule
from proctor.model.tree import read_tree
from proctor.report import Circumstances, Format, SourceLines
from proctor.rulebook import load_rulebook
from proctor.settings import Accept, Settings, SettingsFile

HERE = Path(__file__).parent
FIXTURES = HERE.parents[1] / "fixtures"
SARIF = jsonschema.Draft4Validator(
    json.loads((HERE / "schemas" / "sarif-2.1.0.json").read_text(encoding="utf-8")),
    format_checker=jsonschema.FormatChecker(),
)
GITLAB = jsonschema.Draft202012Validator(
    json.loads((HERE / "schemas" / "gitlab-code-quality.json").read_text(encoding="utf-8"))
)
JUNIT = xmlschema.XMLSchema(str(HERE / "schemas" / "junit-10.xsd"))
CHECKSTYLE = xmlschema.XMLSchema(str(HERE / "schemas" / "checkstyle.xsd"))
BOOK = load_rulebook()
RULES: dict[str, Rule] = {rule.code: rule for rule in BOOK.rules}
HOSTILE = "a%0A::error::b\r\n<script>alert('x')</script> & \"q\" \x1b[31m | `c` ]]> 日本 -->"


def signed() -> Judgement:
    return report.sign(make(), LINES)


def hostile() -> Judgement:
    """One whose texts try to be more than text."""
    made = signed()
    finding = msgspec.structs.replace(
        made.findings[0],
        message=HOSTILE,
        remedy=HOSTILE,
        processes=(HOSTILE,),
        evidence=tuple(msgspec.structs.replace(step, text=HOSTILE) for step in made.findings[0].evidence),
    )
    process = msgspec.structs.replace(made.processes[0], name=HOSTILE, command=HOSTILE, entry_target=HOSTILE)
    verdicts = tuple(msgspec.structs.replace(each, process=HOSTILE, reason=HOSTILE) for each in made.verdicts)
    return msgspec.structs.replace(
        made,
        findings=(finding,),
        processes=(process,),
        verdicts=verdicts,
        suppressed=(msgspec.structs.replace(made.suppressed[0], suppressed=HOSTILE),),
    )


def compared() -> Judgement:
    """One of whose findings the last is known, and one of an earlier run is gone."""
    made = signed()
    earlier = report.record(made, LINES)
    gone = msgspec.structs.replace(earlier[0], fingerprint="0" * 32, alike="0" * 16, message="It is gone.")
    return report.compare(made, [each for each in earlier if each.code == "TF621"] + [gone], "base", LINES)


def render(judgement: Judgement, form: Format, **circumstances: Any) -> str:
    return report.render(judgement, form, LINES, circumstances=Circumstances(rules=RULES, **circumstances))


# --- SARIF -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "judgement", [signed(), hostile(), compared()], ids=["signed", "hostile", "compared"]
)
@pytest.mark.parametrize("verdicts", [False, True])
def test_sarif_is_valid(judgement: Judgement, verdicts: bool) -> None:
    log = json.loads(render(judgement, "sarif", verdicts=verdicts))
    assert list(SARIF.iter_errors(log)) == []


def test_sarif_schema_would_refuse() -> None:
    log = json.loads(render(signed(), "sarif"))
    log["runs"][0]["results"][0]["level"] = "fatal"
    assert list(SARIF.iter_errors(log))


def results(judgement: Judgement, **circumstances: Any) -> list[dict[str, Any]]:
    log = json.loads(render(judgement, "sarif", **circumstances))
    found: list[dict[str, Any]] = log["runs"][0]["results"]
    return found


def test_sarif_shows_the_path_and_the_place() -> None:
    first = results(signed())[0]
    location = first["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "app.py"
    line = FILES["app.py"].split("\n")[2]
    region = location["region"]
    assert line[region["startColumn"] - 1 : region["endColumn"] - 1] == "UPLOADS[name] = 1"
    (flow,) = first["codeFlows"]
    (thread,) = flow["threadFlows"]
    assert [
        each["location"]["physicalLocation"]["artifactLocation"]["uri"] for each in thread["locations"]
    ] == ["Procfile", "app.py"]
    assert first["partialFingerprints"]["proctor/v1"] == signed().findings[0].fingerprint


def test_sarif_rules_are_described() -> None:
    log = json.loads(render(signed(), "sarif"))
    driver = log["runs"][0]["tool"]["driver"]
    for result in log["runs"][0]["results"]:
        rule = driver["rules"][result["ruleIndex"]]
        assert rule["id"] == result["ruleId"]
        assert RULES[rule["id"]].remedy in rule["help"]["markdown"]
        assert rule["helpUri"] == RULES[rule["id"]].source
        assert len(rule["properties"]["tags"]) <= 20


def test_sarif_says_acceptances_and_what_is_new() -> None:
    assert [each["suppressions"][0] for each in results(signed()) if "suppressions" in each] == [
        {"kind": "inSource", "status": "accepted", "justification": "one copy only"}
    ]
    entry = Accept(code="TF62", reason="one copy only", path="shop/*")
    listed = results(signed(), found=SettingsFile(settings=Settings(accept=(entry,))))
    assert [each["suppressions"][0]["kind"] for each in listed if "suppressions" in each] == ["external"]
    states = [(each["ruleId"], each.get("baselineState")) for each in results(compared())]
    assert states == [
        ("TF611", "new"), ("TC11", "new"), ("TF621", "unchanged"), ("TF621", None), ("TF611", "absent"),
    ]  # fmt: skip


def test_sarif_says_other_verdicts_on_request_only() -> None:
    assert {each["kind"] for each in results(signed())} == {"fail"}
    kinds = [each["kind"] for each in results(signed(), verdicts=True)]
    assert kinds.count("pass") == 2 and kinds.count("open") == 1 and kinds.count("notApplicable") == 1


def test_sarif_paths_lead_from_where_the_run_was_started() -> None:
    def uri(root: str) -> str:
        moved = msgspec.structs.replace(signed(), root=root)
        found: str = results(moved)[1]["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        return found

    assert [uri("."), uri("services/a b"), uri("/srv/app"), uri("../app")] == [
        "shop/views.py", "services/a%20b/shop/views.py", "shop/views.py", "shop/views.py",
    ]  # fmt: skip


APPS = sorted(
    str(each.relative_to(FIXTURES))
    for kind in ("apps", "lessons", "hostile")
    for each in (FIXTURES / kind).iterdir()
    if each.is_dir()
)


@pytest.mark.parametrize("folder", APPS)
def test_every_fixture_is_valid_in_every_format(folder: str) -> None:
    tree = read_tree(FIXTURES / folder)
    judgement = pipeline.judge_tree(tree, book=BOOK)
    lines = SourceLines(tree.read)
    for verdicts in (False, True):
        circumstances = Circumstances(rules=RULES, verdicts=verdicts)
        log = json.loads(report.render(judgement, "sarif", lines, circumstances=circumstances))
        assert list(SARIF.iter_errors(log)) == []
        others = [each for each in log["runs"][0]["results"] if each["kind"] != "fail"]
        decided = [each for each in judgement.verdicts if each.verdict != "violates"]
        assert len(others) == (len(decided) if verdicts else 0)
    check_junit(report.render(judgement, "junit", lines), judgement)
    check_checkstyle(report.render(judgement, "checkstyle", lines), judgement)
    check_gitlab(report.render(judgement, "gitlab", lines), judgement)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (JUNIT, '<testsuites><testsuite name="a"><testcase name="b"/><other/></testsuite></testsuites>'),
        (CHECKSTYLE, '<checkstyle version="1"><file name="a"><error line="0"/></file></checkstyle>'),
    ],
)
def test_the_schemas_would_refuse(schema: xmlschema.XMLSchema, text: str) -> None:
    assert list(schema.iter_errors(text))


# --- XML and JSON for continuous integration ----------------------------------------------------------------


def check_junit(text: str, judgement: Judgement) -> None:
    """What readers of JUnit's XML ask for (Jenkins' and GitLab's schemas agree on it)."""
    assert [str(error) for error in JUNIT.iter_errors(text)] == []
    root = ElementTree.fromstring(text)
    assert root.tag == "testsuites" and set(root.keys()) == {"name", "tests", "failures", "errors", "time"}
    cases = 0
    for suite in root:
        assert suite.tag == "testsuite"
        assert set(suite.keys()) == {"name", "tests", "failures", "errors", "skipped", "time"}
        assert int(suite.get("tests", "")) == len(suite)
        for kind, count in (("failure", "failures"), ("skipped", "skipped"), ("error", "errors")):
            assert int(suite.get(count, "")) == len(suite.findall(f"testcase/{kind}"))
        for case in suite:
            assert case.tag == "testcase" and set(case.keys()) == {"classname", "name", "time"}
            assert [each.tag for each in case] in ([], ["failure"], ["skipped"])
            cases += 1
    assert cases == len(judgement.verdicts) == int(root.get("tests", ""))


def check_checkstyle(text: str, judgement: Judgement) -> None:
    assert [str(error) for error in CHECKSTYLE.iter_errors(text)] == []
    assert len(ElementTree.fromstring(text).findall("file/error")) == len(judgement.findings)


def check_gitlab(text: str, judgement: Judgement) -> None:
    found = json.loads(text)
    assert list(GITLAB.iter_errors(found)) == []
    assert len(found) == len(judgement.findings) + len(judgement.known)
    assert len({each["fingerprint"] for each in found}) == len(found)


@pytest.mark.parametrize(
    "judgement", [signed(), hostile(), compared()], ids=["signed", "hostile", "compared"]
)
def test_formats_of_continuous_integration(judgement: Judgement) -> None:
    check_junit(render(judgement, "junit"), judgement)
    check_checkstyle(render(judgement, "checkstyle"), judgement)
    check_gitlab(render(judgement, "gitlab"), judgement)


def test_junit_fails_only_for_what_is_neither_accepted_nor_known() -> None:
    made = signed()
    root = ElementTree.fromstring(render(made, "junit"))
    assert [each.get("type") for each in root.iter("failure")] == ["TF611"]
    first = made.findings[0]
    for quiet in (
        msgspec.structs.replace(made, findings=made.findings[1:], suppressed=(first,)),
        msgspec.structs.replace(made, findings=made.findings[1:], known=(first,)),
    ):
        assert not list(ElementTree.fromstring(render(quiet, "junit")).iter("failure"))


# https://docs.github.com/actions/reference/workflow-commands-for-github-actions
_COMMAND = re.compile(
    r"::(error|warning|notice) file=[^,:]+,line=\d+,col=\d+(,endLine=\d+|,endColumn=\d+)?,title=[^,:]+::.*"
)


@pytest.mark.parametrize("judgement", [signed(), hostile()], ids=["signed", "hostile"])
def test_github_commands_are_one_line_each(judgement: Judgement) -> None:
    lines = render(judgement, "github").splitlines()
    assert len(lines) == len(judgement.findings)
    assert all(_COMMAND.fullmatch(line) for line in lines)


def test_github_shows_the_severe_ones_first() -> None:
    assert [line.split(" ")[0] for line in render(signed(), "github").splitlines()] == [
        "::error", "::warning", "::notice",
    ]  # fmt: skip


# --- for people --------------------------------------------------------------------------------------------


def test_markdown_of_hostile_texts_has_no_markup_of_theirs() -> None:
    text = render(hostile(), "markdown")
    outside = re.sub(r"(`+)[^`]*\1", "", re.sub(r"(?s)```.*?```", "", text))
    assert "<script" not in outside
    assert set(re.findall(r"</?([a-z]+)", outside)) <= {"details", "summary", "sub"}
    rows = [line for line in text.splitlines() if line.startswith("|")]
    assert {len(re.findall(r"(?<!\\)\|", row)) for row in rows} == {6}


def test_markdown_fits_a_comment() -> None:
    made = signed()
    many = msgspec.structs.replace(made, findings=made.findings * 400)
    text = render(many, "markdown")
    assert len(text) < 65_536
    assert "… and 1160 more findings." in text


def test_markdown_says_what_is_fixed() -> None:
    text = render(compared(), "markdown")
    assert "Compared with `base`: 1 finding known, 1 no longer found." in text
    assert "It is gone." in text
    assert "2 new" not in text and "1 new error, 1 new warning" in text


def badges() -> Iterator[tuple[str, Judgement]]:
    made = signed()

    def only(*verdicts: str) -> Judgement:
        chosen = tuple(each for each in made.verdicts if each.verdict in verdicts)
        return msgspec.structs.replace(made, verdicts=chosen)

    yield "1 clause violated", made
    yield "none violated, 1 not verified", only("not verified", "conforms", "not applicable")
    yield "conforms", only("conforms", "not applicable")
    yield "nothing judged", only("not applicable")


@pytest.mark.parametrize(("text", "judgement"), list(badges()))
def test_badge_claims_no_more_than_was_seen(text: str, judgement: Judgement) -> None:
    root = ElementTree.fromstring(render(judgement, "badge"))
    assert root.get("aria-label") == f"12-factor: {text}"
