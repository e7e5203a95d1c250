"""Launch commands and manifests: how signals find their way, where programs listen, who is meant, and what rules may say."""

from __future__ import annotations

import msgspec
import pytest

from proctor.errors import ConfigurationError
from proctor.model.finding import Judgement
from proctor.pipeline import judge_tree
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.settings import Settings, SettingsFile
from proctor.trial import example_tree

BOOK = load_rulebook(read_sources())
FLASK = "from flask import Flask\n\napp = Flask(__name__)\n"
TASKS = 'from celery import Celery\n\napp = Celery("tasks", broker="redis://localhost")\n'
LOOP = "import time\n\nwhile True:\n    time.sleep(1)\n"


def judged(files: dict[str, str], **options: object) -> Judgement:
    tree = example_tree({"app.py": FLASK, "tasks.py": TASKS, "loop.py": LOOP, **files})
    settings = SettingsFile(settings=msgspec.convert(options, Settings))
    return judge_tree(tree, settings, workers=1, book=BOOK)


def codes(judgement: Judgement, *wanted: str) -> list[str]:
    found = [(each.code, each.severity) for each in judgement.findings]
    return sorted(f"{code} {severity}" for code, severity in found if code in wanted or not wanted)


# --- how SIGTERM gets to a program ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "script", "found"),
    [
        ("gunicorn app:app", "", []),
        ("cd . && gunicorn app:app", "", ["TF921 warning"]),
        ("cd . && exec gunicorn app:app", "", []),
        ("bash -c 'cd .; gunicorn app:app'", "", []),
        ("gunicorn app:app; echo done", "", ["TF921 error"]),
        ("(gunicorn app:app)", "", ["TF921 error"]),
        ("gunicorn app:app | cat", "", ["TF921 error"]),
        ("gunicorn app:app & wait", "", ["TF921 error"]),
        ("./run.sh", "gunicorn app:app", ["TF921 error"]),
        ("./run.sh", "exec gunicorn app:app", []),
        ("./run.sh", "trap 'kill $!; wait' TERM\ngunicorn app:app &\nwait", []),
        ("./run.sh", "trap 'kill $!' TERM\ngunicorn app:app &\nwait\nwait", []),
        ("./run.sh", "trap 'kill $!' TERM\ngunicorn app:app &\nwhile true; do wait && break; done", []),
        ("./run.sh", "stop() { kill $!; wait; }\ntrap stop TERM\ngunicorn app:app &\nwait", []),
        ("./run.sh", "trap 'kill $!' TERM\ngunicorn app:app &\nwait", ["TF921 error"]),
        ("./run.sh", "trap 'echo bye' TERM\ngunicorn app:app &\nwait", ["TF921 error"]),
        ("./run.sh", "trap './stop' TERM\ngunicorn app:app &\nwait", []),
        ("./run.sh", "trap stop TERM\ngunicorn app:app", ["TF921 error"]),
        ("flock lock gunicorn app:app", "", ["TF923 error"]),
        ("bin/start-nginx gunicorn -b unix:/tmp/x app:app", "", []),
        ("cd . && some-server --now", "", []),
        ("honcho run gunicorn app:app", "", ["TF923 error"]),
    ],
)
def test_ways_of_a_signal(command: str, script: str, found: list[str]) -> None:
    judgement = judged({"Procfile": f"web: {command}", "run.sh": f"#!/bin/sh\n{script}\n"})
    assert codes(judgement, "TF921", "TF922", "TF923") == found


@pytest.mark.parametrize("platform", ["heroku", "container"])
def test_platforms_that_signal_every_process(platform: str) -> None:
    files = {"Procfile": "web: ./run.sh", "run.sh": "#!/bin/sh\ngunicorn app:app\n"}
    found = codes(judged(files, platform=platform), "TF921")
    assert found == ([] if platform == "heroku" else ["TF921 error"])


@pytest.mark.parametrize(
    ("unit", "found"),
    [("", []), ("KillMode=control-group\n", []), ("KillMode=mixed\n", ["TF921 error"])],
)
def test_a_unit_signals_its_whole_group_unless_told_otherwise(unit: str, found: list[str]) -> None:
    files = {
        "web.service": f"[Service]\nExecStart=/bin/sh run.sh\n{unit}",
        "run.sh": "#!/bin/sh\ngunicorn app:app\n",
    }
    assert codes(judged(files), "TF921") == found


# --- where a web process listens ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("command", "verdict"),
    [
        ("gunicorn app:app", "conforms"),
        ("gunicorn -b :$PORT app:app", "conforms"),
        ("gunicorn -b 0.0.0.0:${PORT:-5000} app:app", "conforms"),
        ("gunicorn -b [::]:$PORT app:app", "conforms"),
        ("gunicorn -b 127.0.0.1:$PORT app:app", "violates"),
        ("gunicorn -b :8000 app:app", "violates"),
        ("gunicorn -b 127.0.0.1:9000 -b :$PORT app:app", "conforms"),
        ("gunicorn -b unix:/tmp/x.sock app:app", "not verified"),
        ("gunicorn -b $ADDRESS app:app", "not verified"),
        ("uvicorn app:app --port $PORT", "violates"),
        ("UVICORN_HOST=0.0.0.0 uvicorn app:app --port $PORT", "conforms"),
        ("flask run -h 0.0.0.0 -p $PORT", "conforms"),
        ("waitress-serve --listen=*:$PORT app:app", "conforms"),
        ("daphne -e tcp:port=$PORT:interface=0.0.0.0 app:app", "conforms"),
        ("daphne -e tcp:port=$PORT:interface=127.0.0.1 app:app", "violates"),
        ("uwsgi --http :$PORT --module app:app", "conforms"),
        ("uwsgi --module app:app", "violates"),
        ("sh set-up.sh && streamlit run app.py", "not verified"),
        ("python -m http.server $PORT", "conforms"),
        ("celery -A tasks worker", "violates"),
        ("python loop.py", "violates"),
    ],
)
def test_where_web_listens(command: str, verdict: str) -> None:
    judgement = judged({"Procfile": f"web: {command}", "set-up.sh": "#!/bin/sh\nmkdir -p ~/.streamlit\n"})
    found = {each.verdict for each in judgement.verdicts if (each.clause, each.process) == ("VIII.1", "web")}
    assert found == {verdict}


@pytest.mark.parametrize("name", ["api", "worker"])
def test_only_web_is_given_requests(name: str) -> None:
    assert codes(judged({"Procfile": f"{name}: uvicorn app:app"}), "TF814") == []


# --- what is meant for whom ---------------------------------------------------------------------------------------


def test_development_never_gives_errors_or_warnings() -> None:
    service = (
        "services:\n  web:\n    build: .\n    command: sh -c 'sleep 5; flask run'\n    container_name: x\n"
    )
    judgement = judged({"docker-compose.dev.yml": service})
    assert [each.name for each in judgement.processes] == ["web"]
    assert {each.severity for each in judgement.findings} <= {"note"}


def test_a_developers_process_type_is_no_part_of_the_formation() -> None:
    judgement = judged({"Procfile": "web: gunicorn app:app\ndev: flask run & celery -A tasks worker -B\n"})
    assert [each for each in judgement.findings if each.severity != "note"] == []


def test_process_types_of_several_manifests_have_names_of_their_own() -> None:
    service = "services:\n  web: {build: ., command: gunicorn app:app, restart: always, container_name: x}\n"
    judgement = judged(
        {"Procfile": "web: gunicorn app:app", "compose.yml": service, "b/compose.yml": service}
    )
    names = [each.name for each in judgement.processes]
    assert names == ["web", "web (compose)", "web (b/compose.yml)"]
    assert {each.process for each in judgement.verdicts} == {*names, None}
    assert [each.processes for each in judgement.findings if each.code == "TF833"] == [
        ("web (b/compose.yml)",), ("web (compose)",),
    ]  # fmt: skip


# --- counts ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("files", "options", "found"),
    [
        ({}, {}, ["TF831 note"]),
        ({"app.json": '{"formation": {"beat": {"quantity": 1}}}'}, {}, ["TF831 note"]),
        ({"app.json": '{"formation": {"beat": {"quantity": 3}}}'}, {}, ["TF831 error"]),
        ({}, {"formation": {"beat": 2}}, ["TF831 error"]),
        ({}, {"formation": {"web": 2}}, ["TF831 note"]),
    ],
)
def test_how_many_schedulers(files: dict[str, str], options: dict[str, object], found: list[str]) -> None:
    assert codes(judged({"Procfile": "beat: celery -A tasks beat", **files}, **options), "TF831") == found


# --- one cause, one finding --------------------------------------------------------------------------------------


def test_what_another_finding_stands_for_is_violated() -> None:
    nested = "api: gunicorn app:app\nloop: python loop.py\n"
    judgement = judged({"Procfile": "web: honcho start -f All", "All": nested})
    assert codes(judgement, "TF821", "TF854") == ["TF821 error"]
    (verdict,) = [each for each in judgement.verdicts if (each.clause, each.process) == ("VIII.5", "web")]
    assert (verdict.verdict, verdict.reason) == ("violates", "TF821")


# --- words of rules -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "when", "named"),
    [
        ("TF921", {"any": [{"delivrey": "shell"}]}, "delivrey"),
        ("TF921", {"any": [{"first": "yes"}]}, "first"),
        ("TF833", {"any": [{"topic": "restart", "twice": True}]}, "twice"),
        ("TF833", {}, "any"),
    ],
)
def test_unknown_words_are_named(code: str, when: dict[str, object], named: str) -> None:
    (rule,) = [each for each in BOOK.rules if each.code == code]
    wrong = msgspec.structs.replace(rule, when={"judge": rule.judge, **when})
    book = msgspec.structs.replace(BOOK, rules=(wrong,))
    with pytest.raises(ConfigurationError) as raised:
        judge_tree(example_tree({"Procfile": "web: x", "app.py": FLASK}), workers=1, book=book)
    assert rule.path in str(raised.value) and named in str(raised.value)
