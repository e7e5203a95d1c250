"""Baselines and comparisons with commits, in repositories that are made here, from the command line on."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from proctor import cli
from proctor.history import read_origin, read_revision, top_folder

ROUTE = '@app.get("/")\nasync def index():\n    time.sleep(5)\n    return await answer()\n'
ANSWER = "async def answer():\n    return 1\n"
APP = {
    "Procfile": "web: uvicorn app:app --host 0.0.0.0 --port $PORT\n",
    "app.py": f"import time\n\nfrom fastapi import FastAPI\n\napp = FastAPI()\n\n\n{ROUTE}\n\n{ANSWER}",
    # nobody runs it yet
    "shop/later.py": "import time\n\n\nasync def answer():\n    time.sleep(3)\n    return 2\n",
    "shop/__init__.py": "",
}
#: the app where the answer comes from old code
REACHES = (
    APP["app.py"]
    .replace(ANSWER, "")
    .replace("FastAPI\n\napp", "FastAPI\nfrom shop.later import answer\n\napp")
)


class Repository:
    """A repository with an app in it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit(APP)

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@example.org", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.root, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.root / name).parent.mkdir(parents=True, exist_ok=True)
            (self.root / name).write_text(text, encoding="utf-8")

    def commit(self, files: dict[str, str] | None = None) -> str:
        self.write(files or {})
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "x")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    root = tmp_path / "shop"
    root.mkdir()
    monkeypatch.chdir(root)
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path / "cache"))
    return Repository(root)


Captured = pytest.CaptureFixture[str]


def check(capsys: Captured, *options: str) -> tuple[int, dict[str, Any]]:
    capsys.readouterr()
    status = cli.run(["check", "--format", "json", "--select", "TC11", *options])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return status, found


def places(found: dict[str, Any], key: str = "findings") -> list[str]:
    return [f"{each['path']}:{each['line']}" if "line" in each else each["path"] for each in found[key]]


# --- baselines ---------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(shop: Repository, capsys: Captured) -> Repository:
    status, found = check(capsys)
    assert (status, places(found)) == (1, ["app.py:10"])
    assert cli.run(["baseline", "--output", "known.json"]) == 0
    return shop


def test_what_is_recorded_fails_no_more(recorded: Repository, capsys: Captured) -> None:
    status, found = check(capsys, "--baseline", "known.json")
    assert (status, places(found), places(found, "known")) == (0, [], ["app.py:10"])
    assert found["compared_with"] == "known.json"


def test_lines_that_move_are_known(recorded: Repository, capsys: Captured) -> None:
    recorded.write({"app.py": "# a comment\n\n" + APP["app.py"].replace("    time", "\n        \n    time")})
    status, found = check(capsys, "--baseline", "known.json")
    assert (status, places(found, "known")) == (0, ["app.py:14"])


def test_a_function_that_moves_to_another_file_is_known(recorded: Repository, capsys: Captured) -> None:
    recorded.write({"shop/main.py": APP["app.py"]})
    recorded.write({"app.py": "from shop.main import app\n"})
    status, found = check(capsys, "--baseline", "known.json")
    assert (status, places(found, "known"), found["fixed"]) == (0, ["shop/main.py:10"], [])


def test_a_renamed_file_is_known(recorded: Repository, capsys: Captured) -> None:
    recorded.git("mv", "app.py", "main.py")
    recorded.write({"Procfile": APP["Procfile"].replace("app:app", "main:app")})
    status, found = check(capsys, "--baseline", "known.json")
    assert (status, places(found, "known")) == (0, ["main.py:10"])


def test_a_second_one_is_new(recorded: Repository, capsys: Captured) -> None:
    recorded.write(
        {"app.py": APP["app.py"].replace("    return await", "    time.sleep(5)\n    return await")}
    )
    status, found = check(capsys, "--baseline", "known.json")
    assert (status, len(found["findings"]), len(found["known"])) == (1, 1, 1)


def test_what_is_mended_is_said(recorded: Repository, capsys: Captured) -> None:
    recorded.write({"app.py": APP["app.py"].replace("    time.sleep(5)\n", "")})
    status, found = check(capsys, "--baseline", "known.json")
    assert (status, places(found, "fixed")) == (0, ["app.py"])
    assert cli.run(["check", "--select", "TC11", "--baseline", "known.json"]) == 0
    assert "No longer found, but in known.json" in capsys.readouterr().out


def test_the_settings_name_a_baseline_and_the_command_line_another(
    recorded: Repository, capsys: Captured
) -> None:
    recorded.write({"proctor.toml": 'baseline = "known.json"\n'})
    assert check(capsys)[0] == 0
    assert check(capsys, "--baseline", "")[0] == 1
    recorded.write({"empty.json": '{"schema": "proctor-baseline/1", "findings": []}'})
    assert check(capsys, "--baseline", "empty.json")[0] == 1


def test_a_baseline_that_is_not_there(shop: Repository, capsys: Captured) -> None:
    assert cli.run(["check", "--baseline", "nowhere.json"]) == 2
    assert "The baseline `nowhere.json` cannot be read" in capsys.readouterr().err


# --- commits -----------------------------------------------------------------------------------------------


def test_nothing_is_new_since_now(shop: Repository, capsys: Captured) -> None:
    status, found = check(capsys, "--diff-base", "HEAD")
    assert (status, places(found), places(found, "known")) == (0, [], ["app.py:10"])


def test_old_code_that_a_change_newly_reaches_is_new(shop: Repository, capsys: Captured) -> None:
    shop.write({"app.py": REACHES})
    status, found = check(capsys, "--diff-base", "main")
    assert (status, places(found)) == (1, ["shop/later.py:5"])
    assert places(found, "known") == ["app.py:11"]
    assert shop.git("diff", "--name-only") == "app.py"


def test_a_new_process_type_that_reaches_old_code_is_new(shop: Repository, capsys: Captured) -> None:
    base = shop.git("rev-parse", "HEAD")
    shop.commit({"Procfile": APP["Procfile"] + "later: uvicorn later:app --port 8001\n"})
    shop.commit(
        {
            "later.py": "from fastapi import FastAPI\nfrom shop.later import answer\n\napp = FastAPI()\napp.add_api_route('/', answer)\n"
        }
    )
    status, found = check(capsys, "--diff-base", base)
    assert (status, places(found)) == (1, ["shop/later.py:5"])


def test_lines_and_files_that_move_are_known_since_a_commit(shop: Repository, capsys: Captured) -> None:
    shop.git("mv", "app.py", "main.py")
    renamed = APP["Procfile"].replace("app:app", "main:app")
    shop.commit({"Procfile": renamed, "main.py": "#\n#\n" + APP["app.py"]})
    status, found = check(capsys, "--diff-base", "HEAD~1")
    assert (status, places(found, "known"), found["fixed"]) == (0, ["main.py:12"], [])


def test_the_rules_of_today_judge_the_earlier_commit(shop: Repository, capsys: Captured) -> None:
    """A rule that is asked for since makes nothing new of what was there."""
    shop.commit({"proctor.toml": 'severity = { TC11 = "note" }\n'})
    shop.write({"proctor.toml": 'severity = { TC11 = "error" }\n'})
    status, found = check(capsys, "--diff-base", "HEAD")
    assert (status, places(found, "known")) == (0, ["app.py:10"])


def test_an_app_below_the_top_of_its_repository(shop: Repository, capsys: Captured) -> None:
    shop.commit({f"services/b/{name}": text for name, text in APP.items()})
    status, found = check(capsys, "--diff-base", "HEAD", "services/b")
    assert (status, len(found["known"])) == (0, 1)
    # it was not there yet
    status, found = check(capsys, "--diff-base", "HEAD~1", "services/b")
    assert (status, len(found["findings"])) == (1, 1)


def test_the_repository_stays_as_it_is(shop: Repository, capsys: Captured) -> None:
    shop.write({"app.py": APP["app.py"] + "# more\n", "new.py": "x = 1\n"})
    shop.git("add", "new.py")
    before = shop.git("status", "--porcelain"), shop.git("ls-files", "--stage"), shop.git("stash", "list")
    check(capsys, "--diff-base", "HEAD")
    assert (
        shop.git("status", "--porcelain"),
        shop.git("ls-files", "--stage"),
        shop.git("stash", "list"),
    ) == before


@pytest.mark.parametrize("revision", ["nowhere", "--help", "HEAD~99", "HEAD:app.py"])
def test_what_is_no_commit(shop: Repository, capsys: Captured, revision: str) -> None:
    assert cli.run(["check", f"--diff-base={revision}"]) == 2
    err = capsys.readouterr().err
    assert err.startswith("proctor: ") and "Traceback" not in err


def test_outside_of_a_repository(tmp_path: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path.parent))
    (tmp_path / "Procfile").write_text("web: python a.py\n")
    assert cli.run(["check", "--no-cache", "--diff-base", "HEAD", str(tmp_path)]) == 2
    assert "is in no Git repository" in capsys.readouterr().err


# --- what is read of a repository --------------------------------------------------------------------------


def test_the_commit_is_read_without_git(shop: Repository) -> None:
    head = shop.git("rev-parse", "HEAD")
    found = read_revision(shop.root / "shop")
    assert found is not None and (found.commit, found.branch) == (head, "main")
    shop.git("pack-refs", "--all")
    found = read_revision(shop.root)
    assert found is not None and found.commit == head
    shop.git("checkout", "--quiet", "--detach")
    found = read_revision(shop.root)
    assert found is not None and (found.commit, found.branch) == (head, "")


def test_a_work_tree_of_another_repository(shop: Repository, tmp_path: Path) -> None:
    shop.git("remote", "add", "origin", "https://code.example/shop.git")
    shop.git("worktree", "add", "--quiet", "-b", "side", str(tmp_path / "side"))
    found = read_revision(tmp_path / "side")
    assert found is not None and (found.commit, found.branch) == (shop.git("rev-parse", "HEAD"), "side")
    assert read_origin(tmp_path / "side") == "https://code.example/shop.git"
    assert top_folder(tmp_path / "side") == tmp_path / "side"


def test_a_page_names_its_commit(shop: Repository, capsys: Captured) -> None:
    cli.run(["report", "--date", "2031-05-01"])
    text = capsys.readouterr().out
    assert shop.git("rev-parse", "HEAD") in text and "2031-05-01" in text
