"""What the documentation shows is so: links lead somewhere, examples are read, commands run."""

from __future__ import annotations

import ast
import json
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import tomli
import yaml

from proctor import cli, pipeline
from proctor.rulebook import load_rulebook
from proctor.settings import read_settings

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    path
    for path in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    # written from the rules, and compared with them elsewhere
    if path.parent.name != "rules" or path.name == "README.md"
)
_LINK = re.compile(r"(?<!!)\[[^\]]*\]\(([^)\s]+)\)")
_BLOCK = re.compile(r"^( *)```(\w+)\n(.*?)^\1```", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`(proctor [^`]+)`")
#: how commands begin that continuous integration or a person runs, not these tests
_ELSEWHERE = ("python3 -m venv ", ".ci/", "PROCTOR_", "python tests/", "python -m pytest ")


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def blocks(path: Path, *languages: str) -> Iterator[str]:
    for indent, language, text in _BLOCK.findall(path.read_text(encoding="utf-8")):
        if language in languages:
            yield re.sub(rf"^{indent}", "", text, flags=re.MULTILINE)


def anchors(path: Path) -> set[str]:
    """The names that GitHub gives to the headings of a page."""
    text = _BLOCK.sub("", path.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", each.lower()).strip().replace(" ", "-") for each in headings}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    text = re.sub(r"`[^`\n]*`", "", _BLOCK.sub("", page.read_text(encoding="utf-8")))
    dead = []
    for target in _LINK.findall(text):
        file, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target):
            continue
        aim = (page.parent / file).resolve() if file else page
        if not aim.exists() or (anchor and anchor not in anchors(aim)):
            dead.append(target)
    assert dead == []


def test_every_page_is_in_the_index() -> None:
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    pages = {path.name for path in (ROOT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= set(_LINK.findall(index))
    assert "docs/README.md" in (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_examples_are_valid(page: Path, tmp_path: Path) -> None:
    rules = load_rulebook().rules
    for number, text in enumerate(blocks(page, "toml")):
        table = tomli.loads(text)
        if "tool" in table:
            folder = tmp_path / str(number)
            folder.mkdir()
            (folder / "pyproject.toml").write_text(text, encoding="utf-8")
            pipeline.check_codes(read_settings(folder).settings, rules)
    for text in blocks(page, "yaml"):
        assert isinstance(yaml.safe_load(text), (dict, list))
    for text in blocks(page, "json"):
        json.loads(text)
    for text in blocks(page, "python"):
        ast.parse(text)


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The fixture app in a repository of its own, with the rule of the page about rules."""
    root = tmp_path / "photos"
    shutil.copytree(ROOT / "fixtures" / "apps" / "photos", root)
    (rule,) = (each for each in blocks(ROOT / "docs" / "writing-rules.md", "toml") if each.startswith("code"))
    (root / "ops" / "rules").mkdir(parents=True)
    (root / "ops" / "rules" / "TF829-scheduler-in-web-of-ours.toml").write_text(rule, encoding="utf-8")
    identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"]
    for command in (["init", "--quiet"], ["add", "."], [*identity, "commit", "--quiet", "--message", "x"]):
        subprocess.run(["git", *command], cwd=root, check=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("PROCTOR_CACHE", str(tmp_path / "cache"))
    return root


def commands(page: Path) -> list[str]:
    lines = (line for text in blocks(page, "sh") for line in text.splitlines())
    return [line for line in lines if line.strip() and not line.startswith("#")]


@pytest.mark.parametrize("page", [page for page in PAGES if commands(page)], ids=name_of)
def test_commands_run(page: Path, photos: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for command in commands(page):
        if command.startswith(_ELSEWHERE):
            continue
        program, *arguments = shlex.split(command)
        assert program == "proctor", command
        # findings are an answer; what cannot be done is none
        assert cli.run(arguments) in (0, 1), (command, capsys.readouterr().err)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_commands_that_are_named_exist(page: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for span in _SPAN.findall(_BLOCK.sub("", page.read_text(encoding="utf-8"))):
        words = span.split()[1:]
        named = [word for word in words[:2] if re.fullmatch(r"[a-z]+", word)]
        named = named if named[:1] == ["rules"] else named[:1]
        assert cli.run([*named, "--help"]) == 0, span
        shown = capsys.readouterr().out
        for option in re.findall(r"--[a-z-]+", span):
            assert option in shown, span
