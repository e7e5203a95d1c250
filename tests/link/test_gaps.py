"""What cannot be followed is said, with its place; and what is said depends on nothing but the files."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from small_apps import link, phases, view

GAPS = {
    "a module named by the environment": (
        "import importlib, os\nimportlib.import_module(os.environ['PLUGIN'])\n",
        2,
        "PLUGIN",
    ),
    "a computed module": ("import importlib\nimportlib.import_module(input())\n", 2, "dynamic import"),
    "plug-ins of other packages": (
        "import pkg_resources\nfor each in pkg_resources.iter_entry_points('app.plugins'):\n    each.load()()\n",
        2,
        "dynamic import",
    ),
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


UNKNOWN = """
import nowhere

class Mine(nowhere.Server):
    seen = {}
    def on_message(self, text):
        self.seen[text] = 1

def main():
    server = Mine()
    server.serve()
"""


def test_a_library_that_may_run_the_program_hides_what_it_runs() -> None:
    found = view(link({"main.py": UNKNOWN + "main()\n"}))
    assert [(gap.place.line, gap.effects) for gap in found.gaps] == [(11, None)]
    assert "nowhere.Server" in found.gaps[0].reason and "`Mine`" in found.gaps[0].reason
    assert found.may_stay


STAYING = {
    "a loop of its own": UNKNOWN + "main()\nimport time\nwhile True:\n    time.sleep(1)\n",
    "a method of the app": UNKNOWN.replace("serve", "on_message") + "main()\n",
    "a method of the app on what may be a library's": UNKNOWN.replace(
        "server.serve()", "server = nowhere.load() or server\n    server.on_message('x')"
    )
    + "main()\n",
    "code that never runs": UNKNOWN,
    "a class without methods": "import nowhere\nclass Mine(nowhere.Server):\n    x = 1\nMine().serve()\n",
    "a class of the standard library": UNKNOWN.replace("nowhere", "socketserver") + "main()\n",
}


@pytest.mark.parametrize("source", STAYING.values(), ids=STAYING)
def test_only_what_may_keep_a_program_going_hides(source: str) -> None:
    found = view(link({"main.py": source}))
    assert found.gaps == () and not found.may_stay


def test_a_server_is_not_kept_going_by_its_libraries() -> None:
    source = f"from flask import Flask\n{UNKNOWN}main()\napp = Flask('x')\n"
    assert not view(link({"app.py": source}, "gunicorn app:app")).may_stay


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


def test_a_program_that_goes_on_as_another_one_hides_all() -> None:
    source = "import os\nos.execlp('server', 'server', 'app:app')\n"
    (gap,) = view(link({"main.py": source})).gaps
    assert gap.reason == "`os.execlp` replaces the program by another one, which is not followed"
    assert gap.effects is None


def test_a_program_that_starts_itself_again_hides_nothing() -> None:
    source = "import os\nimport sys\nos.execv(sys.executable, [sys.executable, *sys.argv])\n"
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


GIVEN = {
    "a list": "search = nowhere.Search()\nsearch.functions = [score]\nsearch.run()\n",
    "an attribute": "search = nowhere.Search()\nsearch.on_step = score\n",
    "a dict": "search = nowhere.Search()\nsearch.hooks = {'step': score}\n",
    "an item": "nowhere.hooks['step'] = score\n",
    "an item of an object": "search = nowhere.Search()\nsearch.hooks['step'] = score\n",
    "a list of the library itself": "nowhere.hooks = [score]\n",
}


@pytest.mark.parametrize("source", GIVEN.values(), ids=GIVEN)
def test_an_unknown_library_may_run_what_its_objects_keep(source: str) -> None:
    """While modules load it is not known what becomes of it; a script's own statements have it run."""
    seen = "import nowhere\nseen = {}\ndef score(text):\n    seen[text] = 1\n"
    served = {"app.py": f"from flask import Flask\n{seen}{source}app = Flask('x')\n"}
    (gap,) = view(link(served, "gunicorn app:app")).gaps
    assert "`score`" in gap.reason and "nowhere" in gap.reason
    assert phases(link({"main.py": seen + source}), "score") == {"startup"}


def test_a_known_library_runs_only_what_its_model_says() -> None:
    source = "from flask import Flask\napp = Flask('x')\ndef score(text):\n    app.seen = text\napp.config['F'] = [score]\n"
    assert view(link({"app.py": source}, "gunicorn app:app")).gaps == ()
