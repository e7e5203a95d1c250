"""Required distributions and their pinned versions."""

from __future__ import annotations

import pytest
from declared import declared
from hypothesis import given
from hypothesis import strategies as st


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("requirements.txt", "Flask==2.0.1\n# c\nredis>=3\n-e .\ncelery[redis]==5.3.1 ; python_version > '3'\n",
         {"flask": "2.0.1", "redis": "", "celery": "5.3.1"}),
        ("requirements.txt", "git+https://example.org/x.git#egg=My_Lib\nrq == 1.0  # why\n", {"my-lib": "", "rq": "1.0"}),
        ("requirements.txt", "gunicorn==20.1.0 \\\n    --hash=sha256:abc\n", {"gunicorn": "20.1.0"}),
        ("requirements/production.txt", "django===4.2\n", {"django": "4.2"}),
        ("requirements.txt", "Flask==2.0\n".encode("utf-16"), {"flask": "2.0"}),
        ("Pipfile", '[packages]\nflask = "*"\nrq = "==1.2.3"\nx = {version = "==2.0", extras = ["y"]}\n',
         {"flask": "", "rq": "1.2.3", "x": "2.0"}),
        ("Pipfile.lock", '{"default": {"flask": {"version": "==2.1"}}, "develop": {"pytest": {}}}',
         {"flask": "2.1", "pytest": ""}),
        ("poetry.lock", '[[package]]\nname = "Django"\nversion = "5.0"\n\n[package.extras]\n', {"django": "5.0"}),
        ("uv.lock", 'version = 1\n\n[[package]]\nname = "rq"\nversion = "2.0"\nsource = { x = "y" }\n', {"rq": "2.0"}),
        ("pyproject.toml", '[project]\ndependencies = ["httpx==0.27", "rich"]\n[dependency-groups]\ndev = ["pytest"]\n',
         {"httpx": "0.27", "rich": "", "pytest": ""}),
        ("pyproject.toml", '[tool.poetry.dependencies]\npython = "^3.10"\nflask = "^2.0"\nrq = "1.1"\n',
         {"flask": "", "rq": "1.1"}),
        ("setup.cfg", "[options]\ninstall_requires =\n    flask==2.2\n    rq\n", {"flask": "2.2", "rq": ""}),
        ("setup.py", "from setuptools import setup\nsetup(install_requires=['arq==0.25', 'redis'])\n",
         {"arq": "0.25", "redis": ""}),
        ("environment.yml", "dependencies:\n  - python=3.11\n  - flask=2.0=py_0\n  - pip:\n    - rq==1.0\n",
         {"python": "3.11", "flask": "2.0", "rq": "1.0"}),
    ],
)  # fmt: skip
def test_every_kind_of_file(path: str, text: str | bytes, expected: dict[str, str]) -> None:
    found = declared({path: text})
    assert dict(found.requirements) == expected
    assert path in found.sources


def test_included_files_are_followed() -> None:
    files: dict[str, str | bytes] = {
        "requirements.txt": "-r deps/base.txt\n-c missing.txt\n",
        "deps/base.txt": "rq==1.0\n-r ../requirements.txt\n",
    }
    assert dict(declared(files).requirements) == {"rq": "1.0"}


def test_a_pin_wins_over_a_mere_name() -> None:
    files: dict[str, str | bytes] = {
        "pyproject.toml": '[project]\ndependencies = ["rq"]\n',
        "requirements.txt": "rq==1.9\n",
    }
    assert dict(declared(files).requirements) == {"rq": "1.9"}


@pytest.mark.parametrize("path", ["pyproject.toml", "Pipfile", "Pipfile.lock", "setup.py", "setup.cfg"])
def test_an_unreadable_file_is_named(path: str) -> None:
    found = declared({path: "[[[ not ( this"})
    assert [unread for unread, _ in found.not_read] == [path]


@given(
    st.sampled_from(
        [
            "requirements.txt",
            "Pipfile",
            "Pipfile.lock",
            "poetry.lock",
            "pyproject.toml",
            "setup.cfg",
            "setup.py",
            "environment.yml",
        ]
    ),
    st.binary(max_size=200),
)
def test_no_bytes_raise(path: str, content: bytes) -> None:
    declared({path: content})


@pytest.mark.parametrize(
    "content", ["[]", '{"default": []}', '{"default": {"x": 1}}', "null", '{"default": {"x": null}}']
)
def test_json_of_another_shape(content: str) -> None:
    assert declared({"Pipfile.lock": content}).requirements == {}
