"""Settings for a part of the app, and acceptance comments in every kind of file, from the command line on."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from proctor import cli
from proctor.errors import ConfigurationError
from proctor.settings import PartSettings, Settings, read_settings

SLEEPS = """\
import asyncio
import time


async def main():
    while True:
        time.sleep(5)
        await asyncio.sleep(1)


asyncio.run(main())
"""
APP = {
    "Procfile": "first: python jobs/first.py\nsecond: python jobs/second.py\n",
    "jobs/first.py": "from lib.rest import main\nimport asyncio\n\nasyncio.run(main())\n",
    "jobs/second.py": "from lib.rest import main\nimport asyncio\n\nasyncio.run(main())\n",
    "jobs/__init__.py": "",
    "lib/__init__.py": "",
    "lib/rest.py": SLEEPS.rpartition("\n\n\n")[0] + "\n",
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    write(tmp_path, APP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(root: Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, encoding="utf-8")


def checked(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, Any]:
    cli.run(["check", "--format", "json", "--no-cache", *options])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def told(found: dict[str, Any], code: str) -> list[tuple[str, str, list[str]]]:
    return [
        (each["path"], each["severity"], each["processes"])
        for each in found["findings"]
        if each["code"] == code
    ]


def verdict(found: dict[str, Any], clause: str, process: str) -> tuple[str, str]:
    return next(
        (each["verdict"], each["reason"])
        for each in found["verdicts"]
        if (each["clause"], each["process"]) == (clause, process)
    )


Captured = pytest.CaptureFixture[str]


def test_nothing_decided(app: Path, capsys: Captured) -> None:
    found = checked(capsys)
    assert told(found, "TC11") == [("lib/rest.py", "warning", ["first", "second"])]
    assert verdict(found, "C.1", "first") == ("violates", "TC11")


def test_a_path_is_not_asked(app: Path, capsys: Captured) -> None:
    write(app, {"proctor.toml": '[paths."lib/*"]\nignore = ["TC1"]\n'})
    found = checked(capsys)
    assert told(found, "TC11") == []
    assert verdict(found, "C.1", "first") == ("not verified", "TC11 is not selected")


def test_another_path_is(app: Path, capsys: Captured) -> None:
    write(app, {"proctor.toml": '[paths."jobs/*"]\nignore = ["TC1"]\n'})
    assert len(told(checked(capsys), "TC11")) == 1


def test_a_path_has_a_severity_of_its_own(app: Path, capsys: Captured) -> None:
    write(
        app,
        {"proctor.toml": 'severity = { TC11 = "error" }\n[paths."lib/*"]\nseverity = { TC11 = "note" }\n'},
    )
    found = checked(capsys)
    assert told(found, "TC11") == [("lib/rest.py", "note", ["first", "second"])]
    assert verdict(found, "C.1", "first")[0] != "violates"


def test_a_process_type_is_not_asked(app: Path, capsys: Captured) -> None:
    write(app, {"proctor.toml": '[processes.first]\nignore = ["TC11"]\n'})
    found = checked(capsys)
    assert told(found, "TC11") == [("lib/rest.py", "warning", ["second"])]
    assert verdict(found, "C.1", "first") == ("not verified", "TC11 is not selected")
    assert verdict(found, "C.1", "second") == ("violates", "TC11")


def test_a_process_type_has_a_severity_of_its_own(app: Path, capsys: Captured) -> None:
    write(
        app,
        {"proctor.toml": "[processes]\nfirst = { severity = { TC11 = 'note' } }\nsecond = { severity = { TC11 = 'error' } }\n"},
    )  # fmt: skip
    assert told(checked(capsys), "TC11") == [("lib/rest.py", "error", ["first", "second"])]


def test_a_process_type_that_is_not_there_is_named(app: Path, capsys: Captured) -> None:
    write(app, {"pyproject.toml": '[tool.proctor.processes.frist]\nignore = ["TC11"]\n'})
    cli.run(["check", "--no-cache"])
    assert (
        "`processes.frist` decides nothing: the app has no process type of this name."
        in capsys.readouterr().out
    )


def test_codes_of_parts_are_checked(app: Path, capsys: Captured) -> None:
    write(app, {"proctor.toml": '[paths."lib/*"]\nseverity = { TC19 = "note" }\n'})
    assert cli.run(["check", "--no-cache"]) == 2
    assert "`paths.lib/*.severity`: no rule has the code `TC19`" in capsys.readouterr().err
    write(app, {"proctor.toml": '[processes.first]\nignore = ["E501"]\n'})
    with pytest.raises(ConfigurationError, match=r"`processes\.first\.ignore` must hold codes"):
        read_settings(app)
    write(app, {"proctor.toml": "[processes.first]\nselect = []\n"})
    with pytest.raises(ConfigurationError, match=r"unknown key `processes\.first\.select`"):
        read_settings(app)


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        (("a",), "note"),
        (("a", "b"), "error"),
        (("c",), "warning"),
        (("a", "c"), "warning"),
        ((), "warning"),
    ],
)
def test_who_decides_a_severity(processes: tuple[str, ...], expected: str) -> None:
    settings = Settings(
        severity={"TC11": "error"},
        paths={
            "x/*": PartSettings(severity={"TC11": "note"}),
            "x/y*": PartSettings(severity={"TC11": "warning"}),
        },
        processes={
            "a": PartSettings(severity={"TC11": "note"}),
            "b": PartSettings(severity={"TC11": "error"}),
        },
    )
    assert settings.decided_severity("TC11", "x/y.py", processes) == expected
    assert settings.decided_severity("TC12", "x/y.py", processes) is None


def test_statistics_count_by_rule(app: Path, capsys: Captured) -> None:
    cli.run(["check", "--no-cache", "--statistics", "--select", "TC11"])
    out = capsys.readouterr().out
    line = next(each for each in out.splitlines() if "TC11" in each)
    assert "1" in line and "lib/rest.py" not in out


# --- acceptance comments beside what is no Python ------------------------------------------------------------


MANIFESTS = {
    "Dockerfile": "FROM python:3.12-slim\nCOPY . .\n{}CMD python jobs/first.py\n",
    "start.sh": "#!/bin/sh\n{}python jobs/first.py\n",
    "docker-compose.yml": (
        "services:\n  web:\n    build: .\n    restart: always\n    command: python jobs/first.py\n"
        "    {}container_name: web\n    deploy:\n      replicas: 2\n"
    ),
}


@pytest.mark.parametrize(
    ("name", "code"), [("Dockerfile", "TF922"), ("start.sh", "TF921"), ("docker-compose.yml", "TF833")]
)
def test_a_comment_accepts_in_manifests_and_scripts(
    app: Path, capsys: Captured, name: str, code: str
) -> None:
    (app / "Procfile").unlink()
    if name == "start.sh":
        write(app, {"Dockerfile": 'FROM python:3.12-slim\nCOPY . .\nCMD ["sh", "start.sh"]\n'})
    write(app, {name: MANIFESTS[name].format("")})
    assert [path for path, _, _ in told(checked(capsys), code)] == [name]
    indent = "    " if name.endswith("yml") else ""
    write(app, {name: MANIFESTS[name].format(f"# proctor: ignore[{code}] known\n{indent}")})
    found = checked(capsys)
    assert told(found, code) == []
    assert [(each["code"], each["reason"]) for each in found["accepted"]] == [(code, "known")]


def test_an_idle_comment_in_a_manifest_is_named(app: Path, capsys: Captured) -> None:
    write(app, {"Dockerfile": MANIFESTS["Dockerfile"].format("# proctor: ignore[TF611] known\n")})
    cli.run(["check", "--no-cache"])
    assert "The acceptance of `TF611` silences nothing." in capsys.readouterr().out


def test_a_comment_accepts_in_a_nested_procfile(app: Path, capsys: Captured) -> None:
    nested = "a: python jobs/first.py\n{}b: celery -A tasks worker -B\n"
    write(
        app,
        {
            "Procfile": "web: honcho start -f Procfile.all\n",
            "tasks.py": "from celery import Celery\napp = Celery()\n",
        },
    )
    write(app, {"Procfile.all": nested.format("")})
    assert [path for path, _, _ in told(checked(capsys), "TF824")] == ["Procfile.all"]
    write(app, {"Procfile.all": nested.format("# proctor: ignore[TF824] known\n")})
    assert told(checked(capsys), "TF824") == []
