"""Acceptance comments that are written: where they go, what they leave alone, and that they hold."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from proctor import cli, fix
from proctor.model.finding import Finding, Plan, Step
from proctor.model.ignore import PLACEHOLDER, read_line_ignores
from proctor.model.place import Place
from proctor.model.tree import SourceTree

COMMENT = f"# proctor: ignore[TC11] {PLACEHOLDER}"


def finding(path: str, line: int, end: int = 0, code: str = "TC11") -> Finding:
    place = Place(path, line, 0, end or line, 1)
    return Finding(
        code=code, name="n", clause="C.1", severity="warning", message="m", remedy="r", place=place,
        processes=("web",), phase=None, evidence=(Step(place, "here"),),
    )  # fmt: skip


def plans_for(path: str, data: bytes, *findings: Finding) -> tuple[Plan, ...]:
    tree = SourceTree(Path("/nonexistent"), (), (), {path: data})
    return fix.acceptances(findings, tree)


def written(path: str, text: str, line: int, end: int = 0) -> str:
    """The file after the finding on `line` was accepted; the reason in angle brackets where it was not."""
    data = text.encode()
    (plan,) = plans_for(path, data, finding(path, line, end))
    return fix.rewritten(path, data, plan.edits).decode() if plan.edits else f"<{plan.reason}>"


# --- Python ------------------------------------------------------------------------------------------------


def test_above_the_line_with_its_indentation() -> None:
    assert written("a.py", "def f():\n\tsleep(1)\n", 2) == f"def f():\n\t{COMMENT}\n\tsleep(1)\n"


def test_windows_line_ends_and_a_byte_order_mark_stay() -> None:
    data = b"\xef\xbb\xbfif x:\r\n    sleep(1)"
    (plan,) = plans_for("a.py", data, finding("a.py", 2))
    expected = b"\xef\xbb\xbfif x:\r\n    " + COMMENT.encode() + b"\r\n    sleep(1)"
    assert fix.rewritten("a.py", data, plan.edits) == expected


def test_other_encodings_stay() -> None:
    data = "# coding: latin-1\nname = 'Grüße'\nsleep(1)\n".encode("latin-1")
    (plan,) = plans_for("a.py", data, finding("a.py", 3))
    assert fix.rewritten("a.py", data, plan.edits).count("ü".encode("latin-1")) == 1


@pytest.mark.parametrize(
    "text",
    [
        "try:\n    f()\nexcept ValueError:\n    pass\n",
        "@cached\n@timed\ndef f(): pass\n",
        "f(\n    1,\n    sleep(1),\n)\n",
        "if a:\n    pass\nelif b:\n    pass\n",
        "x = [\n  # other\n  sleep(1)]\n",
        "with (\n    a,\n    b,\n): pass\n",
    ],
)
def test_in_every_kind_of_statement(text: str) -> None:
    after = written("a.py", text, 3)
    assert after.splitlines()[2].strip() == COMMENT
    assert ast.dump(ast.parse(after)) == ast.dump(ast.parse(text))


def test_within_a_text_behind_its_statement() -> None:
    text = 'run("""\nselect\n""", 1)\n'
    assert written("a.py", text, 2, 3) == 'run("""\nselect\n""", 1)  ' + COMMENT + "\n"


def test_after_a_backslash_behind_the_statement() -> None:
    assert written("a.py", "x = 1 + \\\n    sleep(1)\n", 2) == f"x = 1 + \\\n    sleep(1)  {COMMENT}\n"


def test_within_a_text_that_goes_on_nowhere() -> None:
    assert written("a.py", 'x = """\na\nb\n"""\n', 2) == "<a comment cannot stand beside the line>"


def test_what_is_no_python_is_left() -> None:
    assert written("a.py", "print 'x'\n", 1) == "<the file cannot be read as Python>"


def test_findings_of_a_line_share_a_comment() -> None:
    data = b"x = 1\nsleep(1)\n"
    found = [finding("a.py", 2), finding("a.py", 2, code="TC81"), finding("a.py", 1)]
    plans = plans_for("a.py", data, *found)
    assert len(plans) == 3 and len({plan.edits for plan in plans}) == 2
    after = fix.rewritten("a.py", data, [edit for plan in plans for edit in plan.edits]).decode()
    assert after == f"{COMMENT}\nx = 1\n# proctor: ignore[TC11,TC81] {PLACEHOLDER}\nsleep(1)\n"


# --- other files -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "text", "line", "indent"),
    [
        ("Procfile", "web: a\nworker: b\n", 2, ""),
        ("deploy/Procfile.prod", "web: a\nworker: b\n", 1, ""),
        ("Dockerfile", "FROM x\nRUN a \\\n    b\n", 3, "    "),
        ("start.sh", "#!/bin/sh\nif x; then\n  sleep 5\nfi\n", 3, "  "),
        ("bin/start", "#!/usr/bin/env bash\ncat <<EOF\nx\nEOF\npython a.py\n", 5, ""),
        ("compose.yml", "services:\n  web:\n    command: a\n", 3, "    "),
        ("k8s/web.yaml", "kind: A\n---\nspec:\n  - x: !Ref y\n    z: 1\n", 4, "  "),
        ("fly.toml", "[a]\nb = 1\n", 2, ""),
        ("supervisord.conf", "[program:a]\ncommand=b\n", 2, ""),
        ("web.service", "[Service]\nExecStart=a\n", 2, ""),
    ],
)
def test_above_the_line_of_other_files(path: str, text: str, line: int, indent: str) -> None:
    lines = text.splitlines()
    expected = "\n".join([*lines[: line - 1], indent + COMMENT, *lines[line - 1 :]]) + "\n"
    assert written(path, text, line) == expected
    (ignore,) = read_line_ignores(expected.encode())
    assert ignore.line == line + 1


@pytest.mark.parametrize(
    ("path", "text", "line", "reason"),
    [
        ("app.json", '{\n"a": 1}\n', 2, "how a comment is written in `app.json` is not known"),
        ("start.sh", "python \\\n  a.py\n", 2, "the line continues the one above, where no comment can stand"),
        ("start.sh", "cat <<EOF\na\nEOF\n", 2, "the line is part of a text, where no comment can stand"),
        ("start.sh", "echo 'a\nb'\n", 2, "the line is part of a text, where no comment can stand"),
        ("a.yml", "x: |\n  a\n  b\n", 3, "the line is part of a text, where no comment can stand"),
        ("a.yml", "x: {{ .Values }}\ny: [\n", 2, "the file cannot be read as YAML"),
        ("a.toml", 'x = """\na\n"""\n', 2, "the line is part of a text, where no comment can stand"),
        ("a.toml", "x = \n", 1, "the file cannot be read as TOML"),
        ("a.cfg", "[x]\ny = a\n  b\n", 3, "the line continues the one above, where no comment can stand"),
        ("Procfile", "web: a\n", 9, "the file has changed"),
        ("notes.txt", "a\n", 1, "how a comment is written in `notes.txt` is not known"),
    ],
)  # fmt: skip
def test_where_no_comment_can_stand(path: str, text: str, line: int, reason: str) -> None:
    assert written(path, text, line) == f"<{reason}>"


def test_a_quote_in_a_comment_of_a_script_opens_nothing() -> None:
    text = "# don't\necho \"it's\" \\'\npython a.py\n"
    assert COMMENT in written("start.sh", text, 3)


def test_a_finding_about_the_root_has_no_place() -> None:
    (plan,) = plans_for("a.py", b"", finding(".", 1))
    assert plan.reason == "it stands in no file"


# --- the command line --------------------------------------------------------------------------------------

APP = {
    "Procfile": "web: flask db upgrade; gunicorn app:app --workers 4\n",
    "app.py": (
        "import requests\nfrom flask import Flask\n\napp = Flask(__name__)\n\n\n"
        '@app.route("/")\ndef index():\n    return requests.get(\n        "https://a.test"\n    ).text\n'
    ),
    "app.json": '{"formation": {"web": {"quantity": 2}}}\n',
}


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name, text in APP.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def test_a_run_accepts_what_it_finds(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "--no-cache"]) == 1
    capsys.readouterr()
    assert cli.run(["check", "--no-cache", "--add-ignores"]) == 0
    out, err = capsys.readouterr()
    assert "accepted (" in err and "Procfile, app.py" in err
    assert "No findings" in out and "still has to give a reason" in out
    (app / "app.py").write_text(
        (app / "app.py").read_text().replace(PLACEHOLDER, "one attempt, behind a proxy")
    )
    assert cli.run(["check", "--no-cache"]) == 0
    assert "app.py" not in capsys.readouterr().out
    # a second run finds nothing to accept
    before = (app / "app.py").read_bytes(), (app / "Procfile").read_bytes()
    cli.run(["check", "--no-cache", "--add-ignores"])
    assert "0 findings accepted." in capsys.readouterr().err
    assert ((app / "app.py").read_bytes(), (app / "Procfile").read_bytes()) == before


def test_only_what_is_asked_for_is_accepted(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["check", "--no-cache", "--add-ignores", "--select", "TC"])
    assert (app / "Procfile").read_text() == APP["Procfile"]
    assert "ignore[TC81]" in (app / "app.py").read_text()


def test_what_is_known_is_not_accepted(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cli.run(["baseline", "--no-cache"])
    cli.run(["check", "--no-cache", "--baseline", "proctor-baseline.json", "--add-ignores"])
    assert (app / "app.py").read_text() == APP["app.py"]


def test_a_line_that_no_reader_takes_is_accepted(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (app / "Procfile").write_text("web gunicorn app:app\nworker: python app.py\n")
    cli.run(["check", "--no-cache", "--add-ignores", "--select", "TF812", "--fail-on", "note"])
    assert "1 finding accepted (TF812 1)" in capsys.readouterr().err


def test_a_finding_without_a_comment_is_named_with_its_entry(
    app: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # a superuser may write everything, so that the answer is made up
    refused = fix.Applied(failed=(("app.py", "the file is write-protected"),))
    monkeypatch.setattr(fix, "apply", lambda *unused: refused)
    assert cli.run(["check", "--no-cache", "--add-ignores", "--select", "TC81"]) == 1
    out, err = capsys.readouterr()
    assert "0 findings accepted." in err
    assert "TC81 app.py:9 got no comment: the file is write-protected." in err
    assert 'accept = [{ code = "TC81", path = "app.py", reason = "…" }]' in err
    assert "error TC81" in out or "warning TC81" in out


def test_it_goes_with_no_fix(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["check", "--add-ignores", "--fix"]) == 2
