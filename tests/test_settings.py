from __future__ import annotations

from pathlib import Path

import pytest

from proctor.errors import ConfigurationError
from proctor.settings import PLATFORMS, PlatformName, Settings, read_settings


def write(root: Path, name: str, text: str) -> None:
    (root / name).write_text(text, encoding="utf-8")


def test_nothing_configured(tmp_path: Path) -> None:
    found = read_settings(tmp_path)
    assert found.settings == Settings()
    assert (found.path, found.notices) == ("", ())


def test_all_keys_of_pyproject(tmp_path: Path) -> None:
    write(
        tmp_path,
        "pyproject.toml",
        """
        [project]
        name = "shop"
        [tool.proctor]
        select = ["TF6", "TF8"]
        ignore = "TF861"
        fail-on = "error"
        exclude = ["legacy/*"]
        procfile = "deploy/Procfile"
        platform = "heroku"
        formation = { web = 3, worker = 5 }
        rules = "ops/rules"
        severity = { TF611 = "warning" }
        [[tool.proctor.accept]]
        code = "TF623"
        path = "demo/*"
        reason = "The demo runs once."
        until = 2031-05-01
        """,
    )
    found = read_settings(tmp_path)
    settings = found.settings
    assert found.path == "pyproject.toml"
    assert settings.select == ("TF6", "TF8")
    assert settings.ignore == ("TF861",)
    assert settings.fail_on == "error"
    assert settings.exclude == ("legacy/*",)
    assert settings.procfile == "deploy/Procfile"
    assert settings.platform == "heroku"
    assert settings.formation == {"web": 3, "worker": 5}
    assert settings.rules == ("ops/rules",)
    assert settings.severity == {"TF611": "warning"}
    (accept,) = settings.accept
    assert (accept.code, accept.path, accept.reason, accept.until) == (
        "TF623", "demo/*", "The demo runs once.", "2031-05-01",
    )  # fmt: skip


def test_own_file_wins_and_says_so(tmp_path: Path) -> None:
    write(tmp_path, "proctor.toml", 'fail-on = "note"\n')
    write(tmp_path, "pyproject.toml", '[tool.proctor]\nfail-on = "error"\n')
    found = read_settings(tmp_path)
    assert found.settings.fail_on == "note"
    assert found.path == "proctor.toml"
    assert found.notices == (
        "pyproject.toml: `[tool.proctor]` is not used, because proctor.toml is there, too.",
    )


def test_pyproject_without_own_table_is_passed_over(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", '[project]\nname = "proctor-demo"\n')
    assert read_settings(tmp_path).path == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('fail_on = "error"', "proctor.toml: unknown key `fail_on`; the nearest valid one is `fail-on`."),
        ('slect = ["TF6"]', "proctor.toml: unknown key `slect`; the nearest valid one is `select`."),
        ("select = 6", "proctor.toml: `select` must be a text, not `6`."),
        ('select = ["TF6", true]', "proctor.toml: `select[1]` must be a text, not true."),
        ('fail-on = "warn"', "proctor.toml: `fail-on` cannot be `warn`; the nearest valid one is `warning`."),
        (
            'platform = "herku"',
            "proctor.toml: `platform` cannot be `herku`; the nearest valid one is `heroku`.",
        ),
        ('formation = { web = "3" }', "proctor.toml: `formation.web` must be a whole number, not `3`."),
        ("formation = { web = true }", "proctor.toml: `formation.web` must be a whole number, not true."),
        ("formation = { web = -1 }", "proctor.toml: `formation.web` cannot be -1."),
        ("formation = 3", "proctor.toml: `formation` must be a table, not `3`."),
        (
            'severity = { TF611 = "fatal" }',
            "proctor.toml: `severity.TF611` cannot be `fatal`; valid are `error`, `note`, `warning`.",
        ),
        (
            'select = ["F401"]',
            "proctor.toml: `select` must hold codes such as `TF611` or their beginnings, not `F401`.",
        ),
        ('[[accept]]\ncode = "TF611"', "proctor.toml: the key `accept[0].reason` is missing."),
        ('[[accept]]\ncode = "TF611"\nreason = " "', "proctor.toml: `accept[0].reason` must give a reason."),
        (
            '[[accept]]\ncode = "TF611"\nreason = "x"\nuntil = "soon"',
            "proctor.toml: `accept[0].until` must be a date such as 2031-05-01, not `soon`.",
        ),
        (
            '[[accept]]\ncode = "TF611"\nreason = "x"\npaths = "y"',
            "proctor.toml: unknown key `accept[0].paths`; the nearest valid one is `path`.",
        ),
        ("accept = [3]", "proctor.toml: `accept[0]` must be a table, not `3`."),
    ],
)
def test_wrong_settings_name_file_key_and_nearest(tmp_path: Path, text: str, message: str) -> None:
    write(tmp_path, "proctor.toml", text)
    with pytest.raises(ConfigurationError) as caught:
        read_settings(tmp_path)
    assert str(caught.value) == message


def test_key_of_pyproject_is_named_in_full(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", "[tool.proctor]\nselct = []\n")
    with pytest.raises(
        ConfigurationError, match=r"^pyproject\.toml: unknown key `tool\.proctor\.selct`; .*`select`"
    ):
        read_settings(tmp_path)


@pytest.mark.parametrize("content", [b"select = [", b'select = "\xff"', b"a = 1\na = 2\n"])
def test_unreadable_file_is_a_configuration_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "proctor.toml").write_bytes(content)
    with pytest.raises(ConfigurationError, match=r"^proctor\.toml: "):
        read_settings(tmp_path)


def test_tool_proctor_that_is_no_table(tmp_path: Path) -> None:
    write(tmp_path, "pyproject.toml", '[tool]\nproctor = "yes"\n')
    with pytest.raises(ConfigurationError, match=r"`tool\.proctor` must be a table"):
        read_settings(tmp_path)


@pytest.mark.parametrize(
    ("select", "ignore", "code", "selected"),
    [
        (("T",), (), "TF611", True),
        (("TF6",), (), "TF611", True),
        (("TF8",), (), "TF611", False),
        (("T",), ("TF61",), "TF611", False),
        (("TF611",), ("TF61",), "TF611", True),
        (("TF6",), ("TF611",), "TF612", True),
        (("TF611",), ("TF611",), "TF611", False),
    ],
)
def test_the_longest_prefix_decides(
    select: tuple[str, ...], ignore: tuple[str, ...], code: str, selected: bool
) -> None:
    assert Settings(select=select, ignore=ignore).selects(code) is selected


def test_every_platform_has_facts() -> None:
    from typing import get_args

    assert set(get_args(PlatformName)) == set(PLATFORMS)
    assert PLATFORMS["heroku"].signals == "all"
    assert PLATFORMS[Settings().platform].signals == "main"
