"""The report of the fixture app in a real browser (slow; see `in_browser.py` for what it needs)."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from proctor import cli

HERE = Path(__file__).parent
#: a Python with playwright and axe-playwright-python
PYTHON = os.environ.get("PROCTOR_BROWSER_PYTHON", sys.executable)


@pytest.mark.slow
def test_the_page_reads_well_in_a_browser(tmp_path: Path) -> None:
    page = tmp_path / "report.html"
    app = HERE.parents[1] / "fixtures" / "apps" / "photos"
    assert cli.run(["report", str(app), "--no-cache", "--output", str(page)]) == 0
    done = subprocess.run(
        [PYTHON, str(HERE / "in_browser.py"), str(page), str(tmp_path / "seen")],
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "0 complaints" in done.stdout
