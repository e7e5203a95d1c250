from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
import zipfile
from pathlib import Path

import jsonschema
import pytest

from proctor import __version__, cli

APP = {
    "Procfile": "web: gunicorn app:app\n",
    "app.py": (
        "from apscheduler.schedulers.background import BackgroundScheduler\n"
        "from flask import Flask\n\napp = Flask(__name__)\nBackgroundScheduler().start()\n"
    ),
}
SCHEMA = Path(__file__).parents[1] / "docs" / "schema" / "proctor-1.schema.json"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("store")


@pytest.fixture
def app(tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROCTOR_CACHE", str(store))
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("FORCE_COLOR", raising=False)
    root = tmp_path / "app"
    root.mkdir()
    for name, text in APP.items():
        (root / name).write_text(text, encoding="utf-8")
    monkeypatch.chdir(root)
    return root


Captured = pytest.CaptureFixture[str]


def run(capsys: Captured, *arguments: str) -> tuple[int, str, str]:
    status = cli.run(arguments)
    out, err = capsys.readouterr()
    return status, out, err


# --- check -------------------------------------------------------------------------------------------------


def test_findings_give_status_one(app: Path, capsys: Captured) -> None:
    status, out, err = run(capsys, "check")
    assert (status, err) == (1, "")
    assert "error TF822 scheduler-in-web  app.py:5:1" in out
    assert "Procfile:1" in out
    assert "\x1b" not in out


def test_no_findings_give_status_zero(app: Path, capsys: Captured) -> None:
    (app / "app.py").write_text("from flask import Flask\napp = Flask(__name__)\n")
    status, out, _ = run(capsys, "check")
    assert status == 0
    assert "No findings." in out


@pytest.mark.parametrize(
    ("severity", "fail_on", "status"),
    [
        ("error", "error", 1),
        ("warning", "error", 0),
        ("warning", "warning", 1),
        ("note", "warning", 0),
        ("note", "note", 1),
        ("error", "never", 0),
    ],
)
def test_the_threshold(app: Path, capsys: Captured, severity: str, fail_on: str, status: int) -> None:
    (app / "proctor.toml").write_text(f'severity = {{ TF822 = "{severity}" }}\n')
    assert run(capsys, "check", "--fail-on", fail_on)[0] == status


def test_json_is_the_contract(app: Path, capsys: Captured) -> None:
    status, out, _ = run(capsys, "check", "--format", "json")
    document = json.loads(out)
    assert status == 1
    jsonschema.validate(document, json.loads(SCHEMA.read_text()))
    assert document["root"] == "."
    assert document["tool"] == {"name": "proctor", "version": __version__}
    clauses = {verdict["clause"] for verdict in document["verdicts"] if verdict["process"] == "web"}
    assert len(clauses) == 27


def test_output_files(app: Path, capsys: Captured) -> None:
    _, plain, _ = run(capsys, "check")
    status, out, _ = run(capsys, "check", "--output", "json:out.json", "-o", "text:out.txt")
    assert (status, out) == (1, plain)
    assert (app / "out.txt").read_text(encoding="utf-8") == plain
    assert json.loads((app / "out.json").read_text())["schema"] == "proctor/1"
    _, out, _ = run(capsys, "check", "--format", "json", "--output", "only.json")
    assert out == ""
    assert (app / "only.json").read_bytes() == (app / "out.json").read_bytes()


def test_selection(app: Path, capsys: Captured) -> None:
    assert run(capsys, "check", "--select", "TF811")[0] == 0
    assert run(capsys, "check", "--select", "tf82,TF811")[0] == 1
    assert run(capsys, "check", "--ignore", "TF822", "--ignore", "TF811")[0] == 0


def test_the_command_line_wins_over_the_file(app: Path, capsys: Captured) -> None:
    (app / "proctor.toml").write_text('fail-on = "never"\nignore = ["TF822"]\n')
    assert run(capsys, "check")[0] == 0
    assert run(capsys, "check", "--fail-on", "error", "--ignore", "TF811")[0] == 1


def test_another_procfile(app: Path, capsys: Captured) -> None:
    (app / "Procfile.dev").write_text("other: python app.py\n")
    _, out, _ = run(capsys, "processes", "--procfile", "Procfile.dev")
    assert out.startswith("other ")


def test_acceptances_are_counted_and_idle_ones_named(app: Path, capsys: Captured) -> None:
    source = APP["app.py"].replace(".start()\n", ".start()  # proctor: ignore[TF822] one process\n")
    (app / "app.py").write_text(source + "x = 1  # proctor: ignore[TF811] x\n")
    status, out, _ = run(capsys, "check")
    assert status == 0
    assert "1 accepted with a reason" in out
    assert "app.py:6: The acceptance of `TF811` silences nothing." in out
    _, out, err = run(capsys, "check", "--format", "json")
    assert json.loads(out)["findings"] == []
    assert err == "proctor: app.py:6: The acceptance of `TF811` silences nothing.\n"


# --- errors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["check", "nowhere"], "`nowhere` is not there."),
        (["check", "app.py"], "`app.py` is a file; give the folder of the app."),
        (["check", "--format", "jsn"], "`--format` cannot be `jsn`; the nearest valid one is `json`."),
        (["check", "--fail-on", "warn"], "`--fail-on` cannot be `warn`; the nearest valid one is `warning`."),
        (["check", "--platform", "herku"], "`--platform` cannot be `herku`; the nearest valid one is `heroku`."),
        (["check", "--select", "E501"], "`--select` must hold codes such as `TF611` or their beginnings, not `E501`."),
        (["check", "--select", "TF7"], "`select`: no rule has the code `TF7`; "),
        (["check", "--procfile", "Procfile.dev"], "The Procfile `Procfile.dev` is not there."),
        (["check", "--color", "red"], "`--color` cannot be `red`; valid are `auto`, `always`, `never`."),
        (["check", "--output", "no/such/folder.json"], "`no/such/folder.json` cannot be written ("),
        (["check", "--output", "json:"], "`--output` names no file."),
        (["check", "--bogus"], "No such option"),
        (["check", "--workers", "0"], ""),
        (["chek"], "No such command"),
        (["explain", "scheduler-in-wbe"], "No rule is called `scheduler-in-wbe`; the nearest valid one is `scheduler-in-web`."),
        (["explain"], "Missing"),
        (["why", "app.py"], "`app.py` is no `FILE:LINE`, such as `app.py:12`."),
        (["why", "no.py:3"], "`no.py` is not among the files of `.`."),
        (["graph", "--format", "png"], "`--format` cannot be `png`; valid are `dot`, `mermaid`."),
        (["rules", "test", "nowhere"], "The rule folder `nowhere` is not there."),
    ],
)  # fmt: skip
def test_usage_errors_are_one_message(
    app: Path, capsys: Captured, arguments: list[str], message: str
) -> None:
    status, out, err = run(capsys, *arguments)
    assert (status, out) == (2, "")
    assert err.startswith("proctor: ")
    assert message in err
    assert "Traceback" not in err


def test_a_wrong_configuration_is_named(app: Path, capsys: Captured) -> None:
    (app / "proctor.toml").write_text("slect = []\n")
    for command in (["check"], ["processes"], ["graph"], ["why", "app.py:1"], ["explain", "TF822"]):
        status, out, err = run(capsys, *command)
        assert (status, out) == (2, "")
        assert err == "proctor: proctor.toml: unknown key `slect`; the nearest valid one is `select`.\n"


def test_two_configurations_are_said(app: Path, capsys: Captured) -> None:
    (app / "proctor.toml").write_text('fail-on = "never"\n')
    (app / "pyproject.toml").write_text('[tool.proctor]\nfail-on = "error"\n')
    status, _, err = run(capsys, "check")
    assert status == 0
    assert (
        err == "proctor: pyproject.toml: `[tool.proctor]` is not used, because proctor.toml is there, too.\n"
    )


def test_an_internal_error_is_short_unless_asked(
    app: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*unused: object, **named: object) -> None:
        raise ZeroDivisionError("of all things")

    monkeypatch.setattr("proctor.pipeline.judge_tree", fail)
    status, out, err = run(capsys, "check")
    assert (status, out) == (2, "")
    assert err.startswith("proctor: internal error: ZeroDivisionError: of all things\n")
    assert "PROCTOR_DEBUG=1" in err
    monkeypatch.setenv("PROCTOR_DEBUG", "1")
    with pytest.raises(ZeroDivisionError):
        cli.run(["check"])


def test_an_interrupt_is_no_traceback(app: Path, capsys: Captured, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*unused: object, **named: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("proctor.pipeline.judge_tree", interrupt)
    status, out, err = run(capsys, "check")
    assert (status, out) == (130, "")
    assert err in ("", "proctor: interrupted\n")


def test_an_interrupt_while_loading_is_no_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    from proctor.__main__ import main

    def interrupt(arguments: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("proctor.cli.run", interrupt)
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 130


# --- the other commands ------------------------------------------------------------------------------------


def test_version_and_help(capsys: Captured) -> None:
    assert run(capsys, "--version") == (0, f"proctor {__version__}\n", "")
    status, out, _ = run(capsys, "--help")
    assert status == 0
    for command in ("check", "processes", "rules", "explain", "why", "graph"):
        assert command in out
    status, out, err = run(capsys)
    assert (status, out) == (2, "")
    assert "Usage" in err


def test_processes(app: Path, capsys: Captured) -> None:
    status, out, _ = run(capsys, "processes", "--effects")
    assert status == 0
    assert "gunicorn app:app" in out
    assert "app.py:5" in out
    _, out, _ = run(capsys, "processes", "--format", "json")
    (process,) = json.loads(out)["processes"]
    assert process["entry_point"] == {"kind": "callable", "target": "app:app", "path": "app.py"}
    assert "schedules" in process["effects"]


def test_rules_and_explain(app: Path, capsys: Captured) -> None:
    status, out, _ = run(capsys, "rules")
    assert status == 0
    assert "TF822" in out
    by_code, by_name = run(capsys, "explain", "tf822"), run(capsys, "explain", "scheduler-in-web")
    assert by_code == by_name
    assert by_code[0] == 0
    assert "VIII.2" in by_code[1]


def test_rules_test_runs_the_examples_of_a_folder(app: Path, capsys: Captured) -> None:
    rules = Path(__file__).parents[1] / "rules" / "concurrency" / "TF822-scheduler-in-web.toml"
    text = (
        rules.read_text(encoding="utf-8")
        .replace("TF822", "TF8290")
        .replace("scheduler-in-web", "disco-in-web")
    )
    (app / "own").mkdir()
    (app / "own" / "TF8290-disco-in-web.toml").write_text(text, encoding="utf-8")
    status, out, _ = run(capsys, "rules", "test", "own")
    assert (status, out.splitlines()[-1].endswith("examples, 0 not as expected.")) == (0, True)
    broken = text.replace('"schedules"', '"daemonises"')
    (app / "own" / "TF8290-disco-in-web.toml").write_text(broken, encoding="utf-8")
    status, out, _ = run(capsys, "rules", "test", "own")
    assert status == 1
    assert "TF8290-bad-1: TF8290 is not found at app.py:6." in out


def test_an_own_rule_is_explained(app: Path, capsys: Captured) -> None:
    test_rules_test_runs_the_examples_of_a_folder(app, capsys)
    (app / "proctor.toml").write_text('rules = ["own"]\n')
    status, out, _ = run(capsys, "explain", "TF8290")
    assert status == 0
    assert "disco-in-web" in out


def test_why(app: Path, capsys: Captured) -> None:
    status, out, _ = run(capsys, "why", "app.py:5")
    assert status == 0
    assert "web runs it at import" in out
    (app / "dead.py").write_text("def f():\n    return 1\n")
    assert run(capsys, "why", "dead.py:2") == (
        0, "dead.py:2 is in `dead.f`.\n\nNo process type runs it.\n", "",
    )  # fmt: skip
    assert "has 2 lines" in run(capsys, "why", "dead.py:9")[1]


def test_graph(app: Path, capsys: Captured) -> None:
    assert run(capsys, "graph")[1].startswith("flowchart LR\n")
    assert run(capsys, "graph", "--format", "dot")[1].startswith("digraph formation {\n")


# --- real processes ----------------------------------------------------------------------------------------


def start(*arguments: str, **options: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "proctor", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, **options)  # type: ignore[call-overload,no-any-return]


def test_a_reader_that_leaves_is_no_traceback(app: Path) -> None:
    command = f"{sys.executable} -m proctor check | true"
    result = subprocess.run(["sh", "-c", command], capture_output=True, text=True, timeout=60)
    assert result.stderr == ""


def test_a_terminal_gets_colour_and_a_file_does_not(app: Path) -> None:
    def shown(**environment: str) -> str:
        master, slave = pty.openpty()
        process = subprocess.Popen(
            [sys.executable, "-m", "proctor", "check"],
            stdout=slave,
            stderr=subprocess.PIPE,
            env={**os.environ, "TERM": "xterm", **environment},
        )
        os.close(slave)
        chunks = []
        while True:
            try:
                chunk = os.read(master, 65536)
            except OSError:
                break
            if not chunk:
                break
            chunks.append(chunk)
        process.communicate(timeout=60)
        os.close(master)
        return b"".join(chunks).decode()

    assert "\x1b[1;31merror\x1b[0m" in shown()
    assert "\x1b" not in shown(NO_COLOR="1")
    assert "\x1b" not in shown(TERM="dumb")
    assert "\x1b" not in start("check").stdout
    assert "\x1b[1;31m" in start("check", env={**os.environ, "FORCE_COLOR": "1"}).stdout
    assert "\x1b[1;31m" in start("check", "--color", "always").stdout
    assert "\x1b" not in start("check", "--color", "never", env={**os.environ, "FORCE_COLOR": "1"}).stdout


def test_a_stream_that_knows_no_such_characters(app: Path) -> None:
    (app / "app.py").write_text(APP["app.py"] + "# \u65e5\u672c\n", encoding="utf-8")
    result = start("check", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert result.returncode == 1
    assert "TF822" in result.stdout
    assert result.stdout.isascii()
    (app / "Procfile").write_text("web: gunicorn app:app --name \u65e5\U0001f600\n", encoding="utf-8")
    result = start("check", "--format", "json", env={**os.environ, "PYTHONIOENCODING": "ascii"})
    assert json.loads(result.stdout)["processes"][0]["command"].endswith("\u65e5\U0001f600")


def test_no_memory_is_used_or_made_if_not_wanted(app: Path, tmp_path: Path) -> None:
    store = tmp_path / "fresh"
    environment = {**os.environ, "PROCTOR_CACHE": str(store)}
    remembered = start("check", env=environment).stdout
    assert store.exists()
    unremembered = tmp_path / "unused"
    result = start("check", "--no-cache", env={**os.environ, "PROCTOR_CACHE": str(unremembered)})
    assert result.stdout == remembered
    assert not unremembered.exists()


def test_progress_is_for_terminals() -> None:
    class Terminal:
        def __init__(self) -> None:
            self.text = ""

        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> None:
            self.text += text

        def flush(self) -> None:
            pass

    import time

    from proctor.terminal import Progress

    quick, slow = Terminal(), Terminal()
    with Progress(quick) as progress:
        progress("reading", 1, 2)
    assert quick.text == ""
    with Progress(slow) as progress:
        progress("reading", 1, 2)
        time.sleep(1.15)
    assert "\rreading 1/2 (1 s)" in slow.text
    assert slow.text.endswith("\r")


def test_the_package_runs_from_a_zip(app: Path, tmp_path: Path) -> None:
    import proctor

    package = Path(proctor.__file__).parent
    archive = tmp_path / "packed.zip"
    rules = next(folder for folder in (package / "_rules", package.parents[1] / "rules") if folder.is_dir())
    with zipfile.ZipFile(archive, "w") as packed:
        for file in package.rglob("*.py"):
            packed.write(file, f"proctor/{file.relative_to(package)}")
        for file in rules.rglob("*.toml"):
            packed.write(file, f"proctor/_rules/{file.relative_to(rules)}")
    environment = {**os.environ, "PYTHONPATH": str(archive), "PROCTOR_CACHE": str(tmp_path / "zip-store")}
    cold, warm = start("check", env=environment), start("check", env=environment)
    assert cold.stdout == warm.stdout == start("check").stdout
    assert (cold.returncode, cold.stderr) == (1, "")
