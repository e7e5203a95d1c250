from __future__ import annotations

from pathlib import Path

import pytest

from proctor.errors import ConfigurationError
from proctor.model.rule import ArgumentTest
from proctor.rule_files import read_sources
from proctor.rulebook import (
    load_examples,
    load_model_examples,
    load_rulebook,
    marked_lines,
)
from proctor.store import Store

RULE = """
code = "TF829"
name = "disco-in-web"
clause = "VIII.2"
severity = "warning"
since = "1.0"
source = "https://12factor.net/concurrency"
summary = "A web process also dances."
why = "Because."
remedy = "Stop."
message = "`{symbol}` dances."

[when]
judge = "effects"
effect = "schedules"
phase = ["import", "request"]

[[bad]]
files."app.py" = '''
dance()  # finding: TF829
'''
evidence = "app.py:1"

[[good]]
files."app.py" = "rest()"
"""


def folder_with(tmp_path: Path, rule: str = RULE, **others: str) -> Path:
    folder = tmp_path / "ops"
    folder.mkdir(exist_ok=True)
    (folder / "TF829-disco-in-web.toml").write_text(rule, encoding="utf-8")
    for name, text in others.items():
        path = folder / (name.replace("__", "/") + ".toml")
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


def test_built_in_rules_load() -> None:
    book = load_rulebook()
    assert {"TF811", "TF822"} <= {rule.code for rule in book.rules}
    assert book.libraries
    assert book.launchers
    assert book.digest == read_sources().digest


def test_an_organisations_rule_joins_the_built_in_ones(tmp_path: Path) -> None:
    sources = read_sources([folder_with(tmp_path)])
    book = load_rulebook(sources)
    (rule,) = [each for each in book.rules if each.code == "TF829"]
    assert rule.judge == "effects"
    assert rule.when == {"effect": "schedules", "phase": ["import", "request"]}
    examples = load_examples(rule, sources)
    assert examples.bad[0].evidence == ("app.py:1",)
    assert examples.good[0].files == {"app.py": "rest()"}
    assert book.digest != read_sources().digest


def test_scalars_stand_for_lists_of_one(tmp_path: Path) -> None:
    model = """
    distribution = "disco"
    modules = "disco"
    [[effect]]
    call = "disco.dance"
    does = "schedules"
    where = [{ argument = "loud", equals = true }]
    [[base]]
    class = "disco.Dancer"
    methods = "run"
    phase = "job"
    [[example]]
    files."a.py" = "import disco"
    """
    sources = read_sources([folder_with(tmp_path, models__disco=model)])
    (library,) = [each for each in load_rulebook(sources).libraries if each.distribution == "disco"]
    assert library.effect[0].call == ("disco.dance",)
    assert library.effect[0].where == (ArgumentTest(argument="loud", equals=(True,)),)
    assert library.base[0].class_ == ("disco.Dancer",)
    assert [each.files for each in load_model_examples(library, sources)] == [{"a.py": "import disco"}]


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("severity", "severty", "unknown key `severty`; the nearest valid one is `severity`"),
        ('severity = "warning"', 'severity = "warn"', "`severity` cannot be `warn`; the nearest valid one is `warning`"),
        ('since = "1.0"', "since = 1.0", "`since` must be a text, not `1.0`"),
        ('why = "Because."\n', "", "the key `why` is missing"),
        ('clause = "VIII.2"', 'clause = "VIII.7"', "`clause` cannot be `VIII.7`; the nearest valid one is `VIII."),
        ('code = "TF829"', 'code = "TF929"', "the code `TF929` does not say the clause VIII.2; `TF82` and a number does"),
        ('code = "TF829"', 'code = "X1"', "the code `X1` does not say the clause VIII.2"),
        ("disco-in-web", "Disco", "`name` must be lower-case words joined by `-`, not `Disco`"),
        ('judge = "effects"', 'judge = "effect"', "`when.judge` cannot be `effect`; the nearest valid one is `effects`"),
        ('judge = "effects"\n', "", "`when.judge` cannot be `None`"),
        ('"schedules"', '"shedules"', "`when.effect` cannot be `shedules`; the nearest valid one is `schedules`"),
        ('"import", "request"', '"request", "imports"', "`when.phase` cannot be `imports`; the nearest valid one is `import`"),
        ("`{symbol}` dances", "`{symbol` dances", "`message` is not a template"),
        ("  # finding: TF829", "", "`bad[0]` marks no line with `# finding: TF829`"),
        ("[[good]]", "[[unsure]]", "the rule has no example `[[good]]`"),
        ('"rest()"', '"rest()  # finding: TF829"', "`good[0]` marks a finding, but is a good example"),
        ('evidence = "app.py:1"', 'evidence = "app.py:9"', "`bad[0].evidence` names `app.py:9`, which is no line of the example"),
        ('evidence = "app.py:1"', 'marks = "web.py:1"', "`bad[0].marks` names `web.py:1`, which is no line of the example"),
        ("[[good]]", '[[unsure]]\nfiles."a.py" = ""\n[[good]]', "the key `unsure[0].reason` is missing"),
        ("[when]", 'wins_over = "TF831x"\n[when]', "`wins_over` names `TF831x`"),
        ('"disco-in-web"', '"scheduler-in-web"', "`name` is `scheduler-in-web`, which rules/concurrency/TF822"),
        ("[when]", "[when", ""),
    ],
)  # fmt: skip
def test_a_wrong_rule_is_named_where_it_stands(tmp_path: Path, old: str, new: str, message: str) -> None:
    assert RULE.count(old) >= 1
    folder = folder_with(tmp_path, RULE.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(read_sources([folder]))
    assert str(caught.value).startswith(f"{folder}/TF829-disco-in-web.toml: ")
    assert message in str(caught.value)


def test_a_code_is_used_once(tmp_path: Path) -> None:
    folder = folder_with(tmp_path, RULE.replace("TF829", "TF822"))
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(read_sources([folder]))
    assert str(caught.value) == (
        f"{folder}/TF829-disco-in-web.toml: `code` is `TF822`, which "
        "rules/concurrency/TF822-scheduler-in-web.toml has already."
    )


MODEL = """
distribution = "disco"
modules = ["disco"]
[[effect]]
call = "disco.dance"
does = "schedules"
"""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('"schedules"', '"dances"', "`effect[0].does` cannot be `dances`; "),
        ("call =", "cal =", "unknown key `effect[0].cal`; the nearest valid one is `call`"),
        ('call = "disco.dance"', "", "`effect[0]` has no `call` or `read` or `write` or `setting`"),
        ("does", 'versions = "three"\ndoes', "`effect[0].versions` must be a version specifier"),
        ("does", "where = { equals = 3 }\ndoes", "`effect[0].where` has no `argument` or `position`"),
        ("does", 'where = { position = 0, matches = "(" }\ndoes', "is no regular expression"),
        (
            'modules = ["disco"]',
            'moduls = ["disco"]',
            "unknown key `moduls`; the nearest valid one is `modules`",
        ),
    ],
)
def test_a_wrong_model_is_named_where_it_stands(tmp_path: Path, old: str, new: str, message: str) -> None:
    folder = folder_with(tmp_path, models__disco=MODEL.replace(old, new, 1))
    with pytest.raises(ConfigurationError) as caught:
        load_rulebook(read_sources([folder]))
    assert str(caught.value).startswith(f"{folder}/models/disco.toml: ")
    assert message.replace("[0].where`", "[0].where") in str(caught.value).replace(
        "[0].where[0]`", "[0].where"
    )


def test_a_missing_folder_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is not there"):
        read_sources([tmp_path / "nowhere"])


def test_the_compiled_form_is_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with Store(tmp_path) as store:
        first = load_rulebook(cache=store)
        monkeypatch.setattr("tomli.loads", None)
        assert load_rulebook(cache=store) == first


def test_damage_in_the_compiled_form_is_mended(tmp_path: Path) -> None:
    class Broken:
        def get_blob(self, key: str) -> bytes | None:
            return b"\x00\x01"

        def put_blob(self, key: str, blob: bytes) -> None:
            self.kept = blob

    cache = Broken()
    assert load_rulebook(cache=cache) == load_rulebook()
    assert cache.kept


def test_marks() -> None:
    files = {"a.py": "x\ny  # finding: TF611, TC11\n", "b.py": "z  # finding: TF822"}
    assert marked_lines(files, ["Procfile:1", "c.py:3 TF811"]) == (
        ("Procfile", 1, ""),
        ("a.py", 2, "TC11"),
        ("a.py", 2, "TF611"),
        ("b.py", 1, "TF822"),
        ("c.py", 3, "TF811"),
    )
