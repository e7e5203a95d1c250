"""Fixes are tried and judged before they are written, shown or offered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from rewriting import BOOK, write

from proctor import mending, pipeline
from proctor.cli import run
from proctor.model.finding import Judgement
from proctor.model.tree import SourceTree

SCHEMA = Path(__file__).parents[1] / "report" / "schemas" / "sarif-2.1.0.json"
WORKER = b"""\
import time

import requests

while True:
    requests.post("https://example.org/tick", timeout=10)
    time.sleep(5)
"""
#: told to stop, it would wait for the thread
BESIDE_A_THREAD = b"""\
import threading
import time

import requests


def listen():
    while True:
        print("listening")
        time.sleep(1)


threading.Thread(target=listen).start()
while True:
    requests.post("https://example.org/tick", timeout=10)
    time.sleep(5)
"""
#: told to stop, it would wait for the next job all the same
WAITING = b"""\
import queue
import threading

import requests
from feed import fill

jobs = queue.Queue()
threading.Thread(target=fill, args=(jobs,), daemon=True).start()


def take():
    return jobs.get()


while True:
    requests.post("https://example.org/job", data=take(), timeout=10)
"""
FEED = b"import sys\n\n\ndef fill(jobs):\n    for line in sys.stdin:\n        jobs.put(line)\n"


def judged(tree: SourceTree) -> Judgement:
    return pipeline.judge_tree(tree, book=BOOK)


def attempted(files: Mapping[str, bytes]) -> mending.Tried:
    tree = SourceTree(Path("/nonexistent"), (), (), {"Procfile": b"worker: python worker.py\n", **files})
    return mending.attempt(judged(tree), BOOK.rules, tree, judged, unsafe=True)


def test_what_brings_nothing_is_made() -> None:
    tried = attempted({"worker.py": WORKER})
    assert b"while not stop.is_set():" in tried.files["worker.py"][1]
    assert (dict(tried.fixed), dict(tried.refused)) == ({"TF941": 1}, {})


@pytest.mark.parametrize(
    ("files", "place", "brought"),
    [
        ({"worker.py": BESIDE_A_THREAD}, ("TF941", "worker.py", 14), "TF962 (thread-that-never-ends) would come up in worker.py"),
        ({"worker.py": WAITING, "feed.py": FEED}, ("TF941", "worker.py", 15), "TC82 (wait-without-time-out) would come up in worker.py"),
    ],
)  # fmt: skip
def test_what_brings_something_is_left_out(
    files: Mapping[str, bytes], place: tuple[str, str, int], brought: str
) -> None:
    tried = attempted(files)
    assert tried.refused[place] == brought
    assert "TF941" not in tried.fixed
    assert not any(plan.finding.code == "TF941" for plan in tried.plans)


def test_one_fix_that_is_left_out_does_not_hold_up_others() -> None:
    tried = attempted({"worker.py": BESIDE_A_THREAD, "Procfile": b"worker: cd . && python worker.py\n"})
    assert tried.files == {
        "Procfile": (b"worker: cd . && python worker.py\n", b"worker: cd . && exec python worker.py\n")
    }
    assert tried.refused


def test_what_is_left_out_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    write(tmp_path, {"Procfile": b"worker: python worker.py\n", "worker.py": BESIDE_A_THREAD})
    run(["check", str(tmp_path), "--no-cache", "--select", "TF941", "--fix", "--unsafe"])
    errors = capsys.readouterr().err
    assert (
        "proctor: worker.py:14: TF941 was not fixed: TF962 (thread-that-never-ends) would come up" in errors
    )
    assert (tmp_path / "worker.py").read_bytes() == BESIDE_A_THREAD


@pytest.mark.parametrize("newline", [b"\n", b"\r\n"])
def test_sarif_replaces_what_fix_replaces(tmp_path: Path, newline: bytes) -> None:
    content = "# größe 🎈\n".encode() + WORKER.replace(
        b'requests.post("', 'print("é"); requests.post("'.encode()
    )
    files = {"Procfile": b"worker: python worker.py\n", "worker.py": content.replace(b"\n", newline)}
    write(tmp_path, files)
    run(["check", str(tmp_path), "--no-cache", "--format", "sarif", "--output", str(tmp_path / "log.sarif")])
    log = json.loads((tmp_path / "log.sarif").read_text(encoding="utf-8"))
    jsonschema.validate(log, json.loads(SCHEMA.read_text(encoding="utf-8")))
    results = log["runs"][0]["results"]
    (result,) = [each for each in results if each["ruleId"] == "TF941"]
    (change,) = result["fixes"][0]["artifactChanges"]
    assert change["artifactLocation"] == result["locations"][0]["physicalLocation"]["artifactLocation"]
    replaced = _replaced(files["worker.py"].decode(), change["replacements"])
    (tmp_path / "log.sarif").unlink()
    run(["check", str(tmp_path), "--no-cache", "--fix", "--unsafe", "--select", "TF941"])
    assert (tmp_path / "worker.py").read_bytes().decode() == replaced != files["worker.py"].decode()


def _replaced(text: str, replacements: list[dict[str, Any]]) -> str:
    starts = [0]
    for line in text.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def offset(region: dict[str, int], end: str) -> int:
        return starts[region[f"{end}Line"] - 1] + region[f"{end}Column"] - 1

    def span(each: dict[str, Any]) -> tuple[int, int]:
        return offset(each["deletedRegion"], "start"), offset(each["deletedRegion"], "end")

    for each in sorted(replacements, key=span, reverse=True):
        start, end = span(each)
        text = f"{text[:start]}{each['insertedContent']['text']}{text[end:]}"
    return text


def test_the_page_shows_the_difference(tmp_path: Path) -> None:
    write(tmp_path, {"Procfile": b"worker: python worker.py\n", "worker.py": WORKER})
    page = tmp_path / "report.html"
    run(["check", str(tmp_path), "--no-cache", "--format", "html", "--output", str(page)])
    text = page.read_text(encoding="utf-8")
    assert "<code>--fix --unsafe</code> would change" in text
    assert "<span class=gone>-while True:</span>\n<span class=come>+stop = threading.Event()</span>" in text


def test_a_page_without_fixes_says_nothing_of_them(tmp_path: Path) -> None:
    write(tmp_path, {"Procfile": b"worker: python worker.py\n", "worker.py": b"print('done')\n"})
    page = tmp_path / "report.html"
    run(["check", str(tmp_path), "--no-cache", "--format", "html", "--output", str(page)])
    assert "would change" not in page.read_text(encoding="utf-8")
