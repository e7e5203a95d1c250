"""Procfiles as their readers read them."""

from __future__ import annotations

import pytest
from declared import declared
from hypothesis import given
from hypothesis import strategies as st

from proctor.model.place import Place
from proctor.model.process import Declaration


def read(text: str | bytes) -> Declaration:
    return declared({"Procfile": text if isinstance(text, bytes) else text.encode()})


def commands(text: str | bytes) -> list[tuple[str, str]]:
    return [(each.name, each.command) for each in read(text).process_types]


def topics(text: str | bytes) -> list[tuple[int, str]]:
    return [(each.place.line, each.topic) for each in read(text).diagnostics]


def test_names_commands_and_places() -> None:
    found = read("# start\n\nweb: gunicorn app:app\nworker-2:\tcelery -A x worker\n").process_types
    assert [(each.name, each.command, each.place) for each in found] == [
        ("web", "gunicorn app:app", Place("Procfile", 3, 5, 3, 21)),
        ("worker-2", "celery -A x worker", Place("Procfile", 4, 10, 4, 28)),
    ]


def test_columns_are_bytes() -> None:
    (found,) = read("web: echo ü; gunicorn a:b").process_types
    assert (found.place.column, found.place.end_column) == (5, 26)


@pytest.mark.parametrize(
    "text",
    [
        "web: gunicorn a:b",
        "web: gunicorn a:b\r\n",
        "web:   gunicorn a:b   \n",
        "web:\tgunicorn a:b\n",
        b"\xef\xbb\xbfweb: gunicorn a:b\n",
        "\ufeffweb: gunicorn a:b\n".encode("utf-16"),
        "#x\n  \nweb: gunicorn a:b",
        "  web: gunicorn a:b",
        "web : gunicorn a:b",
        "web:gunicorn a:b",
    ],
)
def test_the_same_type_however_it_is_written(text: str | bytes) -> None:
    assert commands(text) == [("web", "gunicorn a:b")]


def test_a_comment_behind_a_command_stays_with_the_shell() -> None:
    assert commands("web: gunicorn a:b # nice\n") == [("web", "gunicorn a:b # nice")]


@pytest.mark.parametrize("line", ["web: a", "Web_2: a", "WEB: a", "9: a", "web:\ta"])
def test_names_that_all_readers_take(line: str) -> None:
    assert topics(line) == []


@pytest.mark.parametrize(
    ("text", "topic", "droppers"),
    [
        ("  web: a", "dialect", "foreman, honcho, hivemind and Dokku drop"),
        ("web : a", "dialect", "foreman, honcho and hivemind drop"),
        ("web:a", "dialect", "hivemind and classic Heroku drop"),
        ("my.worker: a", "dialect", "goreman only"),
        ("-web: a", "dialect", "Dokku and Heroku's cloud native buildpack refuse"),
        ("w" * 64 + ": a", "dialect", "Dokku and Heroku's cloud native buildpack refuse"),
        ("web: a \\", "dialect", "no Procfile reader joins lines"),
        (b"\xef\xbb\xbfweb: a", "dialect", "foreman and honcho"),
        ("python manage.py migrate", "unreadable-line", "classic Heroku reads a process type `python`"),
        ("heroku ps:scale worker=1", "unreadable-line", "classic Heroku reads a process type `heroku`"),
        ("<<<<<<< HEAD", "unreadable-line", "merge conflict"),
        ("=======", "unreadable-line", "merge conflict"),
        ("web:", "unreadable-line", "has no command"),
        (".listen(process.env.PORT || 5000)", "unreadable-line", "foreman, honcho, hivemind and Heroku drop"),
        ('"web: java -jar x.jar"', "unreadable-line", "node-foreman fails"),
        ("https://example.org", "unreadable-line", "not `name: command`"),
        ("web: caf\xe9".encode("latin-1"), "unreadable-line", "not UTF-8"),
    ],
)
def test_where_readers_differ_the_message_says_who_does_what(
    text: str | bytes, topic: str, droppers: str
) -> None:
    (found,) = read(text).diagnostics
    assert found.topic == topic
    assert droppers in found.message
    assert found.message.endswith(".")


def test_of_a_name_declared_twice_the_last_one_runs() -> None:
    text = "web: a\nworker: b\nweb: c\n"
    assert commands(text) == [("worker", "b"), ("web", "c")]
    (found,) = read(text).diagnostics
    assert (found.topic, found.place.line, found.name) == ("duplicate-name", 3, "web")
    assert "Heroku and node-foreman drop line 1" in found.message
    assert "foreman and goreman start both" in found.message
    assert "honcho, hivemind and Dokku refuse" in found.message


def test_a_continued_line_is_cut_and_its_rest_is_nobodys() -> None:
    text = "web: gunicorn a:b \\\n  --workers 2\nworker: c\n"
    assert commands(text) == [("web", "gunicorn a:b \\"), ("worker", "c")]
    assert topics(text) == [(1, "dialect"), (2, "unreadable-line")]


@pytest.mark.parametrize("text", ["", "\n\n", "# only words\n", "   "])
def test_a_file_without_types_is_empty(text: str) -> None:
    assert topics(text) == [(1, "empty")]


def test_a_folder_named_procfile() -> None:
    found = declared({"Procfile/web": "x"})
    assert [each.topic for each in found.diagnostics] == ["unreadable-line"]
    assert found.process_types == ()


def test_a_procfile_of_another_name_is_told() -> None:
    found = declared({"procfile": "web: x"})
    assert [(each.place.path, each.topic) for each in found.diagnostics] == [("procfile", "dialect")]
    assert found.process_types == ()


def test_no_procfile_is_no_diagnostic() -> None:
    assert declared({"app.py": ""}).diagnostics == ()


def test_an_acceptance_on_its_own_line_holds_for_the_next_type() -> None:
    found = read("# proctor: ignore[TF921] the platform signals all\n\n# more\nweb: a; b\n")
    ((path, ignore),) = found.ignores
    assert (path, ignore.line, ignore.at, ignore.codes, ignore.reason) == (
        "Procfile", 4, 1, ("TF921",), "the platform signals all",
    )  # fmt: skip


def test_an_acceptance_behind_a_command_is_taken_off() -> None:
    found = read("web: a; b  # proctor: ignore[TF921, TF821] known until 2031-05-01\n")
    assert found.process_types[0].command == "a; b"
    ((_, ignore),) = found.ignores
    assert (ignore.line, ignore.codes, ignore.reason, ignore.until) == (
        1,
        ("TF921", "TF821"),
        "known",
        "2031-05-01",
    )


def test_a_malformed_acceptance_is_kept_without_codes() -> None:
    found = read("# proctor: ignore all of it\nweb: a\n")
    ((_, ignore),) = found.ignores
    assert ignore.codes == ()


def test_huge_files_are_cut_and_named() -> None:
    found = read("web: a\n" + "#" * 2_000_000)
    assert [each.name for each in found.process_types] == ["web"]
    assert found.diagnostics[0].topic == "unreadable-line"


@given(
    st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
def test_no_bytes_raise(content: bytes) -> None:
    found = declared({"Procfile": content})
    names = [each.name for each in found.process_types]
    assert len(names) == len(set(names))
    assert found.process_types or found.diagnostics


@given(
    st.lists(
        st.tuples(st.from_regex(r"[a-z0-9][a-z0-9-]{0,20}[a-z0-9]", fullmatch=True), st.text(min_size=1)),
        max_size=6,
    )
)
def test_portable_lines_come_back(rows: list[tuple[str, str]]) -> None:
    rows = [(name, "run" + "".join(c for c in text if c.isalnum())) for name, text in rows]
    text = "".join(f"{name}: {command}\n" for name, command in rows)
    assert dict(commands(text.encode())) == dict(rows)
