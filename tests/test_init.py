"""What `proctor init` proposes and writes, and that it never touches what somebody else wrote."""

from __future__ import annotations

import difflib
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
import tomli
import yaml

from proctor import adoption, cli
from proctor.adoption import Source
from proctor.errors import UsageError
from proctor.settings import read_settings

APP = {
    "Procfile": "web: gunicorn app:app\n",
    "app.py": (
        "from apscheduler.schedulers.background import BackgroundScheduler\n"
        "from flask import Flask\n\napp = Flask(__name__)\nBackgroundScheduler().start()\n"
    ),
}
SOURCE = ("--source", "https://code.example/tools/proctor.git@v1")
HOOKS = "# ours\nrepos:\n  # style\n  - repo: https://code.example/style\n    rev: '1'\n    hooks:\n      - id: style\n"


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "shop"
    (root / ".git").mkdir(parents=True)
    write(root, APP)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path / "cache"))
    return root


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8", newline="")


Captured = pytest.CaptureFixture[str]


def init(capsys: Captured, *options: str) -> tuple[str, str]:
    assert cli.run(["init", *options]) == 0
    out, err = capsys.readouterr()
    return out, err


def loaded(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def names(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


def test_it_shows_and_writes_nothing_unless_told(app: Path, capsys: Captured) -> None:
    (app / ".github").mkdir()
    out, err = init(capsys, *SOURCE)
    assert "+++ b/proctor.toml" in out and "+++ b/.github/workflows/proctor.yml" in out
    assert "TF822" in out
    assert "nothing was written; `--yes` writes it." in err
    assert names(app) == set(APP)


def test_it_asks_on_a_terminal(app: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin.isatty", lambda: True)
    answers = iter([False, True])
    monkeypatch.setattr("typer.confirm", lambda text: next(answers))
    init(capsys, *SOURCE)
    assert names(app) == set(APP)
    init(capsys, *SOURCE)
    assert names(app) == {*APP, "proctor.toml"}


def test_what_it_writes_is_read(app: Path, capsys: Captured) -> None:
    write(app, {"app.json": "{}"})
    _, err = init(capsys, "--yes", "--baseline", *SOURCE)
    assert "2 files written." in err
    found = read_settings(app)
    assert (found.settings.platform, found.settings.baseline) == ("heroku", "proctor-baseline.json")
    assert cli.run(["check"]) == 0
    assert "No new findings; 1 known" in capsys.readouterr().out
    write(app, {"more.py": "import time\n", "app.py": APP["app.py"] + "BackgroundScheduler().start()\n"})
    assert cli.run(["check"]) == 1


def test_a_project_file_gets_a_table_and_keeps_the_rest(app: Path, capsys: Captured) -> None:
    text = '[project]\r\nname = "shop"\r\n\r\n[tool.other] # x\r\na = 1'
    write(app, {"pyproject.toml": text})
    init(capsys, "--yes", *SOURCE)
    data = (app / "pyproject.toml").read_bytes().decode()
    assert data.startswith(text + "\r\n\r\n[tool.proctor]\r\n") and data.count("\n") == data.count("\r\n")
    assert tomli.loads(data.replace("\r\n", "\n"))["tool"]["other"] == {"a": 1}
    assert read_settings(app).settings.platform == "container"
    assert not (app / "proctor.toml").exists()


def test_settings_that_are_there_stay(app: Path, capsys: Captured) -> None:
    write(app, {"proctor.toml": 'fail-on = "error"\n'})
    _, err = init(capsys, "--yes", "--baseline", *SOURCE)
    assert (app / "proctor.toml").read_text() == 'fail-on = "error"\n'
    assert 'proctor.toml has settings already; add `baseline = "proctor-baseline.json"` to them.' in err


# --- the hook ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        HOOKS,
        HOOKS.rstrip(),
        HOOKS + "\n\n# the end\n",
        HOOKS + "\nci:\n  skip: [style]\n",
        HOOKS.replace("\n", "\r\n"),
        HOOKS.replace("  - repo", "- repo").replace("    ", "  ").replace("  # style", "# style"),
    ],
)
def test_the_hook_is_added(app: Path, capsys: Captured, before: str) -> None:
    write(app, {adoption.HOOK_FILE: before})
    init(capsys, "--yes", *SOURCE)
    data = (app / adoption.HOOK_FILE).read_bytes().decode()
    changes = difflib.ndiff(before.splitlines(), data.splitlines())
    assert [line for line in changes if line.startswith("- ")] == []
    told = yaml.safe_load(data)
    assert told["repos"][0] == yaml.safe_load(before)["repos"][0]
    assert told["repos"][1:] == [
        {"repo": "https://code.example/tools/proctor.git", "rev": "v1", "hooks": [{"id": "proctor"}]}
    ]
    assert told.get("ci") == yaml.safe_load(before).get("ci")
    assert ("\r\n" in before) == ("\r\n" in data) and data.count("\r\n") in (0, data.count("\n"))
    _, err = init(capsys, "--yes", *SOURCE)
    assert ".pre-commit-config.yaml has the hook already." in err
    assert (app / adoption.HOOK_FILE).read_bytes().decode() == data


@pytest.mark.parametrize(
    ("before", "said"),
    [
        ("repos: []\n", "is written in a way that is not understood; add to `repos`"),
        ("repos: [{repo: a, hooks: []}]\n", "is written in a way that is not understood"),
        ("repos:\n  - x: [\n", "cannot be read as YAML"),
        ("- a\n", "holds no mapping"),
    ],
)
def test_a_hook_file_that_is_not_understood_stays(
    app: Path, capsys: Captured, before: str, said: str
) -> None:
    write(app, {adoption.HOOK_FILE: before})
    _, err = init(capsys, "--yes", *SOURCE)
    assert said in err
    assert (app / adoption.HOOK_FILE).read_text() == before


def test_a_hook_file_is_made_on_request(app: Path, capsys: Captured) -> None:
    _, err = init(capsys, "--yes", *SOURCE)
    assert "there is no .pre-commit-config.yaml; `--pre-commit` writes one." in err
    init(capsys, "--yes", "--pre-commit", *SOURCE)
    assert loaded(app / adoption.HOOK_FILE)["repos"][0]["hooks"] == [{"id": "proctor"}]


def test_a_program_from_an_index_is_a_hook_of_its_own(app: Path) -> None:
    judgement = cli._judge(app, read_settings(app), cli._How(True, 1))[0]
    found = adoption.propose(app, judgement, Source(), adoption.Wish(hook=True, service="github"))
    texts = {each.path.name: each.after.decode() for each in found.proposals}
    hook = yaml.safe_load(texts[adoption.HOOK_FILE])["repos"][0]
    assert hook["repo"] == "local" and hook["hooks"][0]["additional_dependencies"][0].startswith("proctor==")
    assert "python -m pip install proctor==" in texts["proctor.yml"]


# --- jobs --------------------------------------------------------------------------------------------------


def test_a_workflow_of_github(app: Path, capsys: Captured) -> None:
    init(capsys, "--yes", "--ci", "github", *SOURCE)
    told = loaded(app / adoption.WORKFLOW)
    (job,) = told["jobs"].values()
    runs = [step["run"] for step in job["steps"] if "run" in step]
    assert runs == [
        "python -m pip install 'git+https://code.example/tools/proctor.git@v1'",
        'proctor check . --output github:- --output "markdown:$GITHUB_STEP_SUMMARY"',
    ]
    assert told["permissions"] == {"contents": "read"}


def test_a_workflow_uses_the_action_where_it_can(app: Path, capsys: Captured) -> None:
    init(capsys, "--yes", "--ci", "github", "--source", "https://github.com/tools/proctor.git@v1")
    (job,) = loaded(app / adoption.WORKFLOW)["jobs"].values()
    assert job["steps"][-1] == {"uses": "tools/proctor@v1"}


def test_a_workflow_that_is_there_stays(app: Path, capsys: Captured) -> None:
    write(app, {adoption.WORKFLOW: "name: ours\n"})
    _, err = init(capsys, "--yes", *SOURCE)
    assert (app / adoption.WORKFLOW).read_text() == "name: ours\n"
    assert ".github/workflows/proctor.yml is there already." in err


@pytest.mark.parametrize(
    ("before", "stage"),
    [
        ("build:\n  script: [make]\n", "test"),
        ("stages: [lint, deploy]\nx:\n  stage: lint\n  script: !reference [.a, script]\n", "lint"),
        ("stages:\n  - build\n  - test", "test"),
    ],
)
def test_a_job_of_gitlab(app: Path, capsys: Captured, before: str, stage: str) -> None:
    write(app, {adoption.PIPELINE: before})
    init(capsys, "--yes", *SOURCE)
    text = (app / adoption.PIPELINE).read_text()
    assert text.startswith(before)
    job = yaml.safe_load(text.replace("!reference ", ""))["proctor"]
    assert job["stage"] == stage
    assert job["script"][0].endswith("'git+https://code.example/tools/proctor.git@v1'")
    _, err = init(capsys, "--yes", *SOURCE)
    assert ".gitlab-ci.yml has the job already." in err and (app / adoption.PIPELINE).read_text() == text


def test_an_app_in_a_folder_of_its_repository(app: Path, capsys: Captured) -> None:
    write(app, {f"services/the shop/{name}": text for name, text in APP.items()})
    write(app, {adoption.HOOK_FILE: HOOKS})
    init(capsys, "--yes", "--ci", "github", *SOURCE, "services/the shop")
    assert (app / "services/the shop/proctor.toml").is_file() and not (app / "proctor.toml").exists()
    assert loaded(app / adoption.HOOK_FILE)["repos"][1]["hooks"][0]["args"] == ["services/the shop"]
    assert "proctor check 'services/the shop' " in (app / adoption.WORKFLOW).read_text()


def test_a_file_that_changed_meanwhile_stays(app: Path) -> None:
    proposal = adoption.Proposal(path=app / "proctor.toml", before=None, after=b"x")
    (app / "proctor.toml").write_text("mine")
    with pytest.raises(UsageError, match="has changed; it was left as it is"):
        adoption.write([proposal])
    assert (app / "proctor.toml").read_text() == "mine"


@pytest.mark.parametrize(
    "options", [("--ci", "jenkins"), ("--source", "https://code.example/x"), ("--source", "@v1")]
)
def test_wrong_options(app: Path, capsys: Captured, options: tuple[str, str]) -> None:
    assert cli.run(["init", *options]) == 2


# --- where this program came from --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("https://code.example/x.git", "https://code.example/x.git"),
        ("https://me:secret@code.example/x.git", "https://code.example/x.git"),
        ("ssh://git@code.example/x.git", "ssh://git@code.example/x.git"),
        ("file:///srv/x.git", "/srv/x.git"),
    ],
)
def test_an_installation_from_git(monkeypatch: pytest.MonkeyPatch, url: str, address: str) -> None:
    noted(monkeypatch, {"url": url, "vcs_info": {"vcs": "git", "commit_id": "a" * 40}})
    assert adoption.source_of_this() == Source(address=address, revision="a" * 40)


@pytest.mark.parametrize(
    ("origin", "address"),
    [
        ("git@code.example:tools/proctor.git", "ssh://git@code.example/tools/proctor.git"),
        ("https://t:0ken@code.example/x", "https://code.example/x"),
        ("", "{clone}"),
        ("../elsewhere", "{clone}"),
    ],
)
def test_an_installation_from_a_clone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, origin: str, address: str
) -> None:
    def git(*arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=tmp_path, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    git("init", "--quiet")
    identity = ("-c", "user.name=t", "-c", "user.email=t@example.org")
    git(*identity, "commit", "--quiet", "--allow-empty", "-m", "x")
    if origin:
        git("remote", "add", "origin", origin)
    noted(monkeypatch, {"url": tmp_path.as_uri(), "dir_info": {}})
    expected = Source(address=address.replace("{clone}", str(tmp_path)), revision=git("rev-parse", "HEAD"))
    assert adoption.source_of_this() == expected


def test_an_installation_from_an_index(monkeypatch: pytest.MonkeyPatch) -> None:
    noted(monkeypatch, None)
    assert adoption.source_of_this() == Source()


def test_a_source_of_this_machine_is_said(app: Path) -> None:
    judgement = cli._judge(app, read_settings(app), cli._How(True, 1))[0]
    found = adoption.propose(app, judgement, Source(address="/srv/proctor", revision="1"), adoption.Wish())
    assert any("which other machines may lack" in note for note in found.notes)


def noted(monkeypatch: pytest.MonkeyPatch, told: object) -> None:
    class Distribution:
        def read_text(self, name: str) -> str | None:
            assert name == "direct_url.json"
            return None if told is None else json.dumps(told)

    monkeypatch.setattr("importlib.metadata.distribution", lambda name: Distribution())
