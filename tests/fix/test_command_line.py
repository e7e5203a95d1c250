"""`proctor check --fix`, `--unsafe` and `--diff`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from proctor.cli import run

PROCFILE = b"web: cd site && gunicorn -w 4 app:app\n"
APP = b"from flask import Flask\n\napp = Flask(__name__)\n"


@pytest.fixture
def app(tmp_path: Path) -> Path:
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "app.py").write_bytes(APP)
    (tmp_path / "Procfile").write_bytes(PROCFILE)
    return tmp_path


def check(app: Path, *options: str) -> int:
    return run(["check", str(app), "--no-cache", "--select", "TF921,TF861", *options])


def test_fix_writes_the_safe_ones_and_reports_the_rest(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(app, "--fix", "--fail-on", "note") == 1
    out, err = capsys.readouterr()
    assert (app / "Procfile").read_bytes() == b"web: cd site && exec gunicorn -w 4 app:app\n"
    assert "TF861" in out
    assert "TF921" not in out
    assert err.splitlines() == [
        "proctor: 1 finding fixed (TF921 1).",
        "proctor: 1 more finding can be fixed with `--unsafe`.",
    ]


def test_unsafe_writes_all_and_a_second_run_nothing(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(app, "--fix", "--unsafe", "--fail-on", "note") == 0
    fixed = (app / "Procfile").read_bytes()
    assert fixed == b"web: cd site && exec gunicorn -w ${WEB_CONCURRENCY:-4} app:app\n"
    capsys.readouterr()
    assert check(app, "--fix", "--unsafe", "--fail-on", "note") == 0
    assert (app / "Procfile").read_bytes() == fixed
    assert capsys.readouterr().err == "proctor: nothing fixed.\n"


def test_diff_shows_and_changes_nothing(app: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    assert check(app, "--fix", "--diff") == 1
    out, err = capsysbinary.readouterr()
    assert (app / "Procfile").read_bytes() == PROCFILE
    assert out == (
        b"--- a/Procfile\n+++ b/Procfile\n@@ -1 +1 @@\n-web: cd site && gunicorn -w 4 app:app\n"
        b"+web: cd site && exec gunicorn -w 4 app:app\n"
    )
    assert err.splitlines()[0] == b"proctor: 1 finding would be fixed (TF921 1)."


@pytest.mark.parametrize(
    "content", [PROCFILE.rstrip(), PROCFILE.replace(b"\n", b"\r\n"), b"# caf\xc3\xa9\n" + PROCFILE]
)
def test_a_shown_difference_is_what_patch_and_fix_do(
    app: Path, content: bytes, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    (app / "Procfile").write_bytes(content)
    check(app, "--diff", "--unsafe")
    difference = capsysbinary.readouterr().out
    assert difference
    subprocess.run(["git", "apply", "-"], input=difference, cwd=app, check=True)
    patched = (app / "Procfile").read_bytes()
    (app / "Procfile").write_bytes(content)
    check(app, "--fix", "--unsafe")
    assert (app / "Procfile").read_bytes() == patched != content


def test_a_file_that_cannot_be_written_is_named(
    app: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*unused: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.fsync", refuse)
    assert check(app, "--fix") == 1
    assert (app / "Procfile").read_bytes() == PROCFILE
    assert capsys.readouterr().err.splitlines() == [
        "proctor: nothing fixed.",
        "proctor: 1 more finding can be fixed with `--unsafe`.",
        "proctor: Procfile was left as it is: the file cannot be written (Read-only file system).",
    ]


def test_what_is_accepted_is_not_fixed(app: Path) -> None:
    accepted = b"# proctor: ignore[TF921,TF861] tried out\n" + PROCFILE
    (app / "Procfile").write_bytes(accepted)
    assert check(app, "--fix", "--unsafe") == 0
    assert (app / "Procfile").read_bytes() == accepted


def test_unsafe_alone_is_refused(app: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(app, "--unsafe") == 2
    assert capsys.readouterr().err == "proctor: `--unsafe` goes with `--fix` or `--diff`.\n"


@pytest.mark.parametrize(("option", "loaded"), [((), "False"), (("--diff",), "True")])
def test_a_check_without_fixes_never_loads_what_edits(
    app: Path, option: tuple[str, ...], loaded: str
) -> None:
    code = (
        "import sys; from proctor.cli import run; run(sys.argv[1:]); "
        "print('libcst' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, "check", str(app), "--no-cache", *option],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.splitlines()[-1] == loaded
