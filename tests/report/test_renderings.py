"""Snapshots of rendering; `PROCTOR_UPDATE_SNAPSHOTS=1` writes them anew, to be read in review."""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import get_args

import jsonschema
import pytest
from judged import FILES, LINES, make

from proctor import report
from proctor.model.finding import Coverage, Judgement
from proctor.model.process import EntryKind
from proctor.model.words import CLAUSES, KINDS, PHASES, SEVERITIES, VERDICTS
from proctor.report import SourceLines, Style

HERE = Path(__file__).parent
SCHEMA = json.loads((HERE.parents[1] / "docs/schema/proctor-1.schema.json").read_text(encoding="utf-8"))


def compare(name: str, text: str) -> None:
    file = HERE / "snapshots" / name
    if os.environ.get("PROCTOR_UPDATE_SNAPSHOTS") == "1":
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
    assert text == file.read_text(encoding="utf-8")


def test_text() -> None:
    compare("check.txt", report.render(report.sign(make(), LINES), "text", LINES))


def test_text_is_the_same_below_its_colours() -> None:
    judgement = make()
    colored = report.render(judgement, "text", LINES, Style(color=True))
    assert "\x1b[1;31merror\x1b[0m" in colored
    assert re.sub(r"\x1b\[[0-9;]*m", "", colored) == report.render(judgement, "text", LINES)


def test_ascii_decoration() -> None:
    text = report.render(make(), "text", LINES, Style(ascii=True))
    assert not re.search(r"[│─·]", text)


def test_no_control_character_of_a_source_reaches_a_terminal() -> None:
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", report.render(make(), "text", LINES))


def test_nothing_found() -> None:
    empty = Judgement(
        root=".",
        processes=(),
        findings=(),
        suppressed=(),
        verdicts=(),
        coverage=Coverage(python_files=0, read=0, reached=0),
    )
    assert report.render(empty, "text", LINES) == (
        "No findings.\n0 of 0 Python files read, 0 reached from 0 process types.\n"
    )
    assert report.render_processes(empty, "text") == "No process types are declared.\n"
    jsonschema.validate(json.loads(report.render(empty, "json", LINES)), SCHEMA)


def test_json() -> None:
    text = report.render(report.sign(make(), LINES), "json", LINES)
    compare("check.json", text)
    jsonschema.validate(json.loads(text), SCHEMA)


def test_json_columns_count_characters_from_one() -> None:
    (first, second, third) = json.loads(report.render(make(), "json", LINES))["findings"]
    line = FILES["app.py"].split("\n")[2]
    assert line[first["column"] - 1 : first["end_column"] - 1] == "UPLOADS[name] = 1"
    assert (second["line"], second["column"], second["end_column"]) == (6, 306, 314)
    assert (third["end_line"], third["end_column"]) == (3, 23)


def test_schema_refuses_what_the_contract_does_not_say() -> None:
    document = json.loads(report.render(report.sign(make(), LINES), "json", LINES))
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    for path, value in [
        (("findings", 0, "line"), 0),
        (("findings", 0, "severity"), "fatal"),
        (("verdicts", 0, "clause"), "VII.1"),
        (("processes", 0, "kind"), "bot"),
        (("coverage", "read"), -1),
    ]:
        broken = json.loads(json.dumps(document))
        at = broken
        for key in path[:-1]:
            at = at[key]
        at[path[-1]] = value
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(broken, SCHEMA)
    for section in ("processes", "findings", "verdicts"):
        for key in list(document[section][0]):
            broken = json.loads(json.dumps(document))
            del broken[section][0][key]
            with pytest.raises(jsonschema.ValidationError):
                jsonschema.validate(broken, SCHEMA)


def test_schema_has_the_words_of_the_model() -> None:
    definitions = SCHEMA["$defs"]
    process, finding = definitions["process"]["properties"], definitions["finding"]["properties"]
    assert set(process["kind"]["enum"]) == set(KINDS)
    assert set(process["entry_point"]["oneOf"][1]["properties"]["kind"]["enum"]) == set(get_args(EntryKind))
    assert set(definitions["phase"]["enum"]) == {*PHASES, None}
    assert set(finding["severity"]["enum"]) == set(SEVERITIES)
    assert set(definitions["verdict"]["properties"]["verdict"]["enum"]) == set(VERDICTS)
    assert all(re.search(definitions["clause"]["pattern"], clause) for clause in CLAUSES)


def test_processes() -> None:
    judgement = make()
    compare("processes.txt", report.render_processes(judgement, "text", effects=True))
    whole = json.loads(report.render(judgement, "json", LINES))
    assert json.loads(report.render_processes(judgement, "json"))["processes"] == whole["processes"]


def test_graphs() -> None:
    compare("graph.mmd", report.render_graph(make(), "mermaid"))
    compare("graph.dot", report.render_graph(make(), "dot"))


def test_a_source_that_went_away_costs_only_its_frame() -> None:
    def read(path: str) -> bytes:
        raise OSError

    text = report.render(make(), "text", SourceLines(read))
    assert "error TF611 memory-between-requests  app.py:3:19" in text
    assert "UPLOADS[name] = 1" not in text
