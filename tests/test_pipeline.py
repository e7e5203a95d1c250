from __future__ import annotations

import datetime
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from proctor import pipeline, report
from proctor.errors import ConfigurationError, RootError
from proctor.model.finding import Judgement
from proctor.model.rule import Rulebook
from proctor.model.tree import SourceTree, read_tree
from proctor.rule_files import RuleSources
from proctor.rulebook import load_rulebook
from proctor.settings import Accept, Settings, SettingsFile
from proctor.store import Store

BOOKS: dict[str, Rulebook] = {}
APP = {
    "Procfile": "web: gunicorn app:app\n",
    "app.py": (
        "from apscheduler.schedulers.background import BackgroundScheduler\n"
        "from flask import Flask\n\napp = Flask(__name__)\nBackgroundScheduler().start()\n"
    ),
    "notes.txt": "nothing\n",
}


def write(root: Path, files: dict[str, str] = APP) -> Path:
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return root


def codes(judgement: Judgement) -> list[str]:
    return [each.code for each in judgement.findings]


@pytest.fixture(autouse=True)
def compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def load(sources: RuleSources, cache: object, check: Callable[[Rulebook], None]) -> Rulebook:
        if sources.digest not in BOOKS:
            BOOKS[sources.digest] = load_rulebook(sources, check=check)
        return BOOKS[sources.digest]

    monkeypatch.setattr("proctor.rulebook.load_rulebook", load)


@pytest.fixture
def app(tmp_path: Path) -> Path:
    root = tmp_path / "app"
    root.mkdir()
    return write(root)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Which stages ran, in order."""
    from proctor import declare, extract, judge, link, resolve

    ran: list[str] = []
    for module, name in [(declare, "read"), (resolve, "entry_points"), (extract, "facts"), (link, "program"), (judge, "judgement")]:  # fmt: skip

        def watched(
            *args: object, module: object = module, call: object = getattr(module, name), **named: object
        ) -> object:
            ran.append(module.__name__.rpartition(".")[2])  # type: ignore[attr-defined]
            return call(*args, **named)  # type: ignore[operator]

        monkeypatch.setattr(module, name, watched)
    return ran


def test_the_stages_run_in_order(app: Path, stages: list[str]) -> None:
    judgement = pipeline.judge_tree(read_tree(app), root="shop")
    assert stages == ["declare", "resolve", "extract", "link", "judge"]
    assert codes(judgement) == ["TF822"]
    assert judgement.root == "shop"
    assert all(each.fingerprint for each in judgement.findings)


def test_a_second_run_without_changes_runs_no_stage(app: Path, tmp_path: Path, stages: list[str]) -> None:
    with Store(tmp_path / "store") as store:
        first = pipeline.judge_tree(read_tree(app), store=store)
        stages.clear()
        assert pipeline.judge_tree(read_tree(app), store=store) == first
        assert stages == []
        # the answer does not lie in the folder's name
        moved = app.rename(tmp_path / "elsewhere")
        assert pipeline.judge_tree(read_tree(moved), store=store, root="x").findings == first.findings
        assert stages == []


@pytest.mark.parametrize(
    "change",
    [
        {"app.py": "from flask import Flask\napp = Flask(__name__)\n"},
        {"Procfile": "clock: python app.py\n"},
        {"Procfile": "web: gunicorn app:app  # proctor: ignore[TF822] known\n"},
        {"more.py": ""},
        {"gunicorn.conf.py": "workers = 3\n"},
        {"runtime.txt": "python-3.11\n"},
    ],
)
def test_whatever_is_read_is_part_of_the_key(
    app: Path, tmp_path: Path, stages: list[str], change: dict[str, str]
) -> None:
    with Store(tmp_path / "store") as store:
        pipeline.judge_tree(read_tree(app), store=store)
        stages.clear()
        write(app, change)
        remembering = pipeline.judge_tree(read_tree(app), store=store)
        assert stages
        assert remembering == pipeline.judge_tree(read_tree(app))


def test_a_file_that_no_stage_reads_is_not(app: Path, tmp_path: Path, stages: list[str]) -> None:
    with Store(tmp_path / "store") as store:
        pipeline.judge_tree(read_tree(app), store=store)
        stages.clear()
        write(app, {"notes.txt": "something else\n"})
        pipeline.judge_tree(read_tree(app), store=store)
        assert stages == []


@pytest.mark.parametrize(
    "settings",
    [
        Settings(ignore=("TF822",)),
        Settings(platform="heroku"),
        Settings(procfile="notes.txt"),
        Settings(severity={"TF822": "note"}),
        Settings(accept=(Accept(code="TF822", reason="x"),)),
    ],
)
def test_settings_are_part_of_the_key(
    app: Path, tmp_path: Path, stages: list[str], settings: Settings
) -> None:
    found = SettingsFile(settings=settings)
    with Store(tmp_path / "store") as store:
        pipeline.judge_tree(read_tree(app), store=store)
        stages.clear()
        remembering = pipeline.judge_tree(read_tree(app), found, store=store)
        assert stages
        assert remembering == pipeline.judge_tree(read_tree(app), found)


def test_the_day_is_part_of_the_key(app: Path, tmp_path: Path) -> None:
    write(
        app,
        {
            "app.py": APP["app.py"].replace(
                ".start()", ".start()  # proctor: ignore[TF822] until 2030-01-01 x"
            )
        },
    )
    with Store(tmp_path / "store") as store:
        before, after = (
            pipeline.judge_tree(read_tree(app), store=store, today=datetime.date(2030, 1, day))
            for day in (1, 2)
        )
    assert (codes(before), codes(after)) == ([], ["TF822"])


def test_unsaved_texts_lie_over_the_tree(app: Path) -> None:
    saved = read_tree(app)
    unsaved = SourceTree(
        app, saved.files, saved.skipped, {"app.py": b"from flask import Flask\napp = Flask(__name__)\n"}
    )
    assert codes(pipeline.judge_tree(saved)) == ["TF822"]
    assert codes(pipeline.judge_tree(unsaved)) == []


def test_a_clause_that_no_rule_judges_conforms_nowhere(app: Path) -> None:
    book = load_rulebook()
    few = msgspec.structs.replace(book, rules=tuple(rule for rule in book.rules if rule.clause == "VIII.2"))
    verdicts = pipeline.judge_tree(read_tree(app), book=few).verdicts
    said = {each.verdict for each in verdicts if each.process and each.clause != "VIII.2"}
    assert said == {"not verified", "not applicable"}


def test_a_configured_severity_decides_the_verdict(app: Path) -> None:
    def verdict(settings: Settings) -> str:
        judgement = pipeline.judge_tree(read_tree(app), SettingsFile(settings=settings))
        return next(
            each.verdict for each in judgement.verdicts if (each.clause, each.process) == ("VIII.2", "web")
        )

    assert verdict(Settings()) == "violates"
    assert verdict(Settings(severity={"TF822": "note"})) == "conforms"


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            Settings(severity={"TF8229": "note"}),
            "`severity`: no rule has the code `TF8229`; the nearest valid one is `TF822`.",
        ),
        (Settings(select=("TF7",)), "`select`: no rule has the code `TF7`; "),
        (
            Settings(ignore=("TF8229",)),
            "`ignore`: no rule has the code `TF8229`; the nearest valid one is `TF822`.",
        ),
        (Settings(accept=(Accept(code="TC99", reason="x"),)), "`accept`: no rule has the code `TC99`; "),
    ],
)
def test_codes_that_no_rule_has(app: Path, settings: Settings, message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        pipeline.judge_tree(read_tree(app), SettingsFile(settings=settings))
    assert str(caught.value).startswith(message)


def test_roots_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(RootError, match="is not there"):
        pipeline.open_tree(tmp_path / "nowhere", Settings())
    (tmp_path / "file").write_text("")
    with pytest.raises(RootError, match="is a file"):
        pipeline.open_tree(tmp_path / "file", Settings())


def test_excluded_files_are_not_seen(app: Path) -> None:
    tree = pipeline.open_tree(app, Settings(exclude=("app.py",)))
    assert tree.python == ()


def test_an_organisations_rules_count(app: Path) -> None:
    rule = Path(__file__).parent.parent / "rules" / "concurrency" / "TF822-scheduler-in-web.toml"
    text = (
        rule.read_text(encoding="utf-8")
        .replace("TF822", "TF8290")
        .replace("scheduler-in-web", "disco-in-web")
    )
    write(app, {"ops/rules/TF8290.toml": text})
    judgement = pipeline.judge_tree(read_tree(app), SettingsFile(settings=Settings(rules=("ops/rules",))))
    assert codes(judgement) == ["TF822", "TF8290"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('name = "disco"\n[parse]\ntarget = []\n', "unknown key `parse.target`; the nearest valid one is `targets`."),
        ('name = "disco"\n[[variants]]\ncomand = "x"\n', "unknown key `variants[0].comand`; the nearest valid one is `command`."),
        ('name = "disco"\nprogram = "disco"\n', "unknown key `program`; the nearest valid one is `programs`."),
        ('name = "disco"\nkind = "wrker"\n', "`kind` cannot be `wrker`; the nearest valid one is `worker`."),
    ],
)  # fmt: skip
def test_a_wrong_launcher_is_named_where_it_stands(app: Path, text: str, message: str) -> None:
    write(app, {"ops/launchers/disco.toml": text})
    with pytest.raises(ConfigurationError) as caught:
        pipeline.judge_tree(read_tree(app), SettingsFile(settings=Settings(rules=("ops",))))
    assert str(caught.value) == f"{app}/ops/launchers/disco.toml: {message}"


def test_workers_and_memory_change_no_byte(tmp_path: Path) -> None:
    files = {"Procfile": "web: gunicorn app:app\n", "app.py": APP["app.py"]}
    # enough source for a pool of processes
    block = "".join(f"def f{number}(x):\n    return x + {number}\n\n" for number in range(3000))
    for number in range(12):
        files[f"part{number}.py"] = f"# {number}\n{block}"
        files["app.py"] = f"import part{number}\n" + files["app.py"]
    tree = read_tree(write(tmp_path / "app", files))
    answers = []
    for workers in (1, 2, None):
        judgement = pipeline.judge_tree(tree, workers=workers)
        answers.append(report.render(judgement, "json", report.SourceLines(tree.read)))
    assert len(set(answers)) == 1


def test_a_remembered_run_imports_no_stage_and_no_syntax_tree_library(app: Path, tmp_path: Path) -> None:
    script = (
        "import sys; from proctor.cli import run; status = run(['check', sys.argv[1]]);"
        "print(status, *sorted(sys.modules), file=sys.stderr)"
    )
    environment = {**os.environ, "PROCTOR_CACHE": str(tmp_path / "store")}

    def modules() -> set[str]:
        command = [sys.executable, "-c", script, str(app)]
        result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        status, *names = result.stderr.split()
        assert status == "1"
        return set(names)

    cold, warm = modules(), modules()
    assert "libcst" not in cold | warm
    assert {"proctor.judge", "proctor.link", "proctor.resolve"} <= cold
    heavy = {
        "proctor.judge",
        "proctor.link",
        "proctor.resolve",
        "proctor.declare",
        "rich",
        "tomli",
        "yaml",
        "libcst",
    }
    assert not warm & heavy
