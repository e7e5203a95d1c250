"""What cannot be followed is said, with its place; and what is said depends on nothing but the files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_apps import link, view

GAPS = {
    "a module named by the environment": (
        "import importlib, os\nimportlib.import_module(os.environ['PLUGIN'])\n",
        2,
        "PLUGIN",
    ),
    "a computed module": ("import importlib\nimportlib.import_module(input())\n", 2, "dynamic import"),
    "an unknown decorator": (
        "import time\nfrom nowhere import magic\n@magic\ndef job():\n    time.sleep(3)\n",
        4,
        "nowhere.magic",
    ),
    "a computed attribute of a module": (
        "import jobs, sys\ngetattr(jobs, sys.argv[1])()\n",
        2,
        "jobs.py",
    ),
    "code that cannot be parsed": ("import broken\n", 1, "broken.py"),
}


@pytest.mark.parametrize(("source", "line", "word"), GAPS.values(), ids=GAPS)
def test_a_gap_is_said(source: str, line: int, word: str) -> None:
    files = {"main.py": source, "jobs.py": "def idle(): pass\n", "broken.py": "def (:\n"}
    gaps = view(link(files)).gaps
    assert [(gap.place.path, gap.place.line) for gap in gaps] == [("main.py", line)], gaps
    assert word in gaps[0].reason


NO_GAPS = {
    "a known decorator": "import functools\n@functools.lru_cache\ndef job(): pass\njob()\n",
    "a decorator of the app": "def mark(f):\n    return f\n@mark\ndef job(): pass\njob()\n",
    "an unknown decorator of a function that does nothing": "from nowhere import magic\n@magic\ndef job(): pass\n",
    "a constant module": "import importlib\nimportlib.import_module('json')\n",
    "dead code": "import importlib\nif False:\n    importlib.import_module(input())\n",
    "code of nobody": "import importlib\ndef idle():\n    importlib.import_module(input())\n",
}


@pytest.mark.parametrize("source", NO_GAPS.values(), ids=NO_GAPS)
def test_nothing_is_hidden(source: str) -> None:
    assert view(link({"main.py": source})).gaps == ()


def test_a_missing_symbol_is_said() -> None:
    found = view(
        link({"app.py": "from flask import Flask\napplication = Flask(__name__)\n"}, "gunicorn app:app")
    )
    assert found.missing_symbol == "app"


def test_hashing_decides_nothing() -> None:
    app = Path(__file__).parents[1] / "programs" / "django" / "app"
    answers = {
        subprocess.run(
            [
                sys.executable,
                "-m",
                "proctor",
                "check",
                str(app),
                "--format",
                "json",
                "--no-cache",
                "--fail-on",
                "never",
            ],
            capture_output=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2")
    }
    assert len(answers) == 1
