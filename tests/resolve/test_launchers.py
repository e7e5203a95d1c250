"""The shipped launcher models: that they are well formed, and what they say of command lines."""

from __future__ import annotations

import pytest
from resolved import launch, launchers, launches

from proctor.model.rule import LauncherModel
from proctor.resolve.spec import Catalogue, Launcher


@pytest.mark.parametrize("model", launchers(), ids=lambda model: model.name)
def test_every_model_is_well_formed(model: LauncherModel) -> None:
    launcher = Launcher(model)
    assert model.source.startswith("https://") or model.source.startswith("observed:")
    assert model.programs or model.modules or model.hosted or model.parse.get("contains")
    commands = {command for variant in launcher.variants for command in variant.command}
    for command in commands:
        launcher.parse_for(command)
    assert not commands or launcher.parse.command
    names = {
        *launcher.parse.options,
        *launcher.parse.flags,
        *(c for p in launcher.parse.configs for c in p.rename.values()),
    }
    for command in commands:
        names |= {*launcher.parse_for(command).options, *launcher.parse_for(command).flags}
    for variant in launcher.variants:
        assert not variant.option or variant.option in names, variant.option
        assert variant.command or variant.option


def test_no_two_models_claim_one_program() -> None:
    seen: dict[str, str] = {}
    for model in launchers():
        for program in (*model.programs, *model.modules):
            assert seen.setdefault(program, model.name) == model.name, program


def test_a_model_that_cannot_be_read_is_named_and_harmless() -> None:
    catalogue = Catalogue([LauncherModel(name="x", programs=("x",), parse={"optoins": {}}, path="x.toml")])
    assert catalogue.program("x") is not None
    assert catalogue.errors and catalogue.errors[0].startswith("x.toml: ")


@pytest.mark.parametrize(
    ("command", "launcher", "kind", "options"),
    [
        ("gunicorn a:b -w 4 -b 0.0.0.0:$PORT -k gevent --preload", "gunicorn", "web",
         {"workers": "4", "bind": "0.0.0.0:$PORT", "worker-class": "gevent", "preload": "true"}),
        ("gunicorn --workers=4 --log-file=- a:b", "gunicorn", "web", {"workers": "4", "log-file": "-"}),
        ("gunicorn -w4 a:b", "gunicorn", "web", {"workers": "4"}),
        ("gunicorn --work 4 a:b", "gunicorn", "web", {}),
        ("gunicorn --worker-cl gevent a:b", "gunicorn", "web", {"worker-class": "gevent"}),
        ("gunicorn a:b ${PRELOAD:+--preload}", "gunicorn", "web", {"preload": "$PRELOAD"}),
        ("gunicorn a:b -b :1 -b :2", "gunicorn", "web", {"bind": ":2"}),
        ("gunicorn -DR a:b", "gunicorn", "web", {"daemon": "true", "enable-stdio-inheritance": "true"}),
        ("uvicorn a:b --host 0.0.0.0 --port $PORT --reload", "uvicorn", "web",
         {"host": "0.0.0.0", "port": "$PORT", "reload": "true"}),
        ("daphne -b 0.0.0.0 -p $PORT -v2 a.asgi:app", "daphne", "web", {"host": "0.0.0.0", "port": "$PORT"}),
        ("waitress-serve --port=$PORT a:b", "waitress", "web", {"port": "$PORT"}),
        ("celery -A a worker -l INFO -B -Ofair -c 2", "celery", "worker",
         {"app": "a", "beat": "true", "concurrency": "2", "loglevel": "INFO"}),
        ("celery beat -A a --pidfile=/tmp/x", "celery", "scheduler", {"pidfile": "/tmp/x"}),
        ("celery -A a worker -BE", "celery", "worker", {"beat": "true", "events": "true"}),
        ("celery -A a flower --port=5555", "celery", "web", {}),
        ("rqworker -u $REDIS_URL default", "rq", "worker", {"url": "$REDIS_URL"}),
        ("rq worker-pool -n 3", "rq", "worker", {}),
        ("flask rq worker", "rq", "worker", {}),
        ("python manage.py rqscheduler", "rqscheduler", "scheduler", {}),
        ("huey_consumer a.huey -k process -w 4", "huey", "worker", {"pool": "process", "workers": "4"}),
        ("python manage.py runserver 0.0.0.0:8000 --noreload", "django", "web", {"noreload": "true"}),
        ("python manage.py migrate --no-input", "django", "release", {"no-input": "true"}),
        ("flask run -p 80", "flask", "web", {"port": "80"}),
        ("flask db upgrade", "flask", "release", {}),
        ("streamlit run a.py --server.port $PORT", "streamlit", "web", {"port": "$PORT"}),
        ("honcho start -f P", "honcho", "unknown", {"procfile": "P"}),
        ("alembic -c x.ini upgrade head", "alembic", "release", {"config": "x.ini"}),
        ("supervisord -n -c x", "supervisord", "unknown", {"foreground": "true"}),
    ],
)  # fmt: skip
def test_options_and_kinds(command: str, launcher: str, kind: str, options: dict[str, str]) -> None:
    found = launches(command)[0]
    assert (found.launcher, found.kind) == (launcher, kind)
    assert {name: found.option(name) for name in options} == options


@pytest.mark.parametrize(
    ("command", "does"),
    [
        ("gunicorn a:b", {"serves-http", "handles-sigterm"}),
        (
            "gunicorn a:b --daemon -p x.pid",
            {"serves-http", "handles-sigterm", "daemonises", "writes-pidfile"},
        ),
        ("uvicorn a:b --reload", {"serves-http", "handles-sigterm", "serves-dev"}),
        ("waitress-serve a:b", {"serves-http"}),
        ("celery -A a worker", {"consumes-jobs", "handles-sigterm"}),
        ("celery -A a worker -B", {"consumes-jobs", "handles-sigterm", "schedules"}),
        ("celery -A a beat", {"schedules", "handles-sigterm"}),
        ("python manage.py runserver", {"serves-http", "serves-dev"}),
        ("flask run", {"serves-http", "serves-dev"}),
        ("python manage.py migrate", {"migrates"}),
        ("python manage.py collectstatic", {"builds-assets"}),
        ("pip install x", {"installs"}),
        ("python -m pip install x", {"installs"}),
        ("npm install", {"installs"}),
        ("sleep 5", {"sleeps"}),
        ("python worker.py", set()),
    ],
)
def test_effects(command: str, does: set[str]) -> None:
    assert set(launch(command).does) == does


@pytest.mark.parametrize(
    ("command", "details"),
    [
        ("gunicorn a:b", {"concurrency": "single", "default-bind": "0.0.0.0:$PORT"}),
        ("gunicorn a:b --threads 4", {"concurrency": "threads"}),
        ("gunicorn a:b --threads 1", {"concurrency": "single"}),
        ("gunicorn a:b -k gevent", {"concurrency": "greenlets"}),
        ("gunicorn a:b -k uvicorn.workers.UvicornWorker", {"concurrency": "loop", "interface": "asgi"}),
        ("celery -A a worker --pool=threads", {"concurrency": "threads"}),
        ("celery -A a beat -S redbeat.RedBeatScheduler", {"lock": "distributed"}),
        ("celery -A a beat", {"lock": "none"}),
    ],
)
def test_details(command: str, details: dict[str, str]) -> None:
    found = launch(command).details
    assert {key: found.get(key) for key in details} == details


@pytest.mark.parametrize(
    ("command", "wrappers", "launcher"),
    [
        ("newrelic-admin run-program gunicorn a:b", ("newrelic-admin",), "gunicorn"),
        ("ddtrace-run python -m gunicorn.app.wsgiapp a:b", ("ddtrace-run",), "gunicorn"),
        ("env A=1 ddtrace-run celery -A a worker", ("env", "ddtrace-run"), "celery"),
        (
            "opentelemetry-instrument --traces_exporter otlp uvicorn a:b",
            ("opentelemetry-instrument",),
            "uvicorn",
        ),
        ("poetry run gunicorn a:b", ("poetry",), "gunicorn"),
        ("pipenv run python manage.py migrate", ("pipenv",), "django"),
        ("uv run --frozen --no-dev gunicorn a:b", ("uv",), "gunicorn"),
        ("tini -- gunicorn a:b", ("tini",), "gunicorn"),
        ("tini -g -- gunicorn a:b", ("tini",), "gunicorn"),
        ("dumb-init gunicorn a:b", ("dumb-init",), "gunicorn"),
        ("gosu app:app gunicorn a:b", ("gosu",), "gunicorn"),
        ("sudo -E -u app gunicorn a:b", ("sudo",), "gunicorn"),
        ("nice -n 10 gunicorn a:b", ("nice",), "gunicorn"),
        ("nohup gunicorn a:b &", ("nohup",), "gunicorn"),
        ("timeout -k 5 30 gunicorn a:b", ("timeout",), "gunicorn"),
        ("chamber exec site -- gunicorn a:b", ("chamber",), "gunicorn"),
        ("doppler run -- gunicorn a:b", ("doppler",), "gunicorn"),
        ("doppler run --command='gunicorn a:b'", ("doppler",), "gunicorn"),
        ("honcho run gunicorn a:b", ("honcho",), "gunicorn"),
        ("xvfb-run -a python x.py", ("xvfb-run",), "python"),
        ("watchmedo auto-restart -d . -p '*.py' -- celery -A a worker", ("watchmedo",), "celery"),
        ("bin/start-nginx bin/start-pgbouncer uwsgi x.ini", ("start-nginx", "start-pgbouncer"), "uwsgi"),
        ("dotenv run -- gunicorn a:b", ("dotenv",), "gunicorn"),
        ("conda run -n x gunicorn a:b", ("conda",), "gunicorn"),
        ("wait-for-it.sh db:5432 -t 30 -- gunicorn a:b", ("wait-for-it",), "gunicorn"),
        ("python -m debugpy --listen 0.0.0.0:1 -m uvicorn a:b", ("debugpy",), "uvicorn"),
        ("python -m cProfile -o x worker.py", ("profilers",), "python"),
        ("$PREFIX gunicorn a:b", (), "gunicorn"),
        ("env $(cat .env | xargs) gunicorn a:b", ("env",), "gunicorn"),
    ],
)
def test_wrappers(command: str, wrappers: tuple[str, ...], launcher: str) -> None:
    (found,) = launches(command)
    assert (found.wrappers, found.launcher) == (wrappers, launcher)


def test_what_wrappers_do_with_a_signal() -> None:
    def front(command: str, files: dict[str, str] | None = None) -> list[object]:
        found = launches(command, files)[-1]
        return [each.get("forwards", each.get("replaces")) for each in found.wrapper_signals]

    assert front("poetry run uv run gunicorn a:b") == [True, True]
    assert front("honcho run gunicorn a:b") == [False]
    assert front("honcho start -f P", {"P": "web: gunicorn a:b\n"}) == [True]
    assert front("python manage.py rqworker") == [True]
    assert front("chamber exec x -- hatch run gunicorn a:b") == [True, False]


@pytest.mark.parametrize("model", launchers(), ids=lambda model: model.name)
def test_what_is_said_of_signals_has_a_source(model: LauncherModel) -> None:
    for signals in (model.signals, *(variant.signals for variant in Launcher(model).variants)):
        assert not signals or signals["source"].startswith(("https://", "observed: "))


def test_configuration_files_are_merged_behind_the_command_line() -> None:
    config = """
        import os
        bind = "0.0.0.0:" + os.environ.get("PORT", "8000")
        workers = int(os.getenv("WEB_CONCURRENCY", 2))
        threads = 4
        timeout = 30
        preload_app = True
        daemon = False
        worker_class = "gthread"
        pidfile = "/tmp/x.pid"
        keepalive = 2 * 3
        def post_fork(server, worker): pass
        """
    found = launch("gunicorn a:b --timeout 60", {"gunicorn.conf.py": config, "a.py": ""})
    names = (
        "bind",
        "workers",
        "threads",
        "timeout",
        "preload",
        "daemon",
        "worker-class",
        "pid",
        "keep-alive",
        "post-fork",
    )
    assert [found.option(name) for name in names] == [
        "0.0.0.0:${PORT:-8000}", "${WEB_CONCURRENCY:-2}", "4", "60", "true", None, "gthread", "/tmp/x.pid", "$(2 * 3)", "$(def)",
    ]  # fmt: skip
    assert "writes-pidfile" in found.does
    assert found.details["concurrency"] == "threads"
    assert found.entry is not None and found.entry.modules == ("gunicorn.conf.py",)
    assert dict(found.option_places)["pid"].line == 9


def test_what_a_configuration_file_sets_under_a_condition_is_not_certain() -> None:
    config = """
        import os
        workers = 4
        preload_app = True
        reload = True
        reload = False
        if os.environ.get("DEV"):
            workers = 1
            preload_app = False
            reload = True
        elif FAST:
            worker_class = "gevent"
        else:
            pidfile = "/tmp/x.pid"
        if "PORT" in os.environ:
            bind = f"0.0.0.0:{os.environ['PORT']}"
        if os.environ.get("AWAY") and FAST:
            daemon = True
        """
    found = launch("gunicorn a:b", {"gunicorn.conf.py": config, "a.py": ""})
    names = ("workers", "preload", "reload", "worker-class", "pid", "bind", "daemon")
    assert [found.option(name) for name in names] == [
        "$(1 if $DEV)", "$(False if $DEV)", "$DEV", "$(gevent if not $DEV and FAST)",
        "$(/tmp/x.pid if not $DEV and not FAST)", "0.0.0.0:$PORT", "$(true if os.environ.get('AWAY') and FAST)",
    ]  # fmt: skip
    assert set(found.does) == {"serves-http", "handles-sigterm"}
    certain = launch("gunicorn a:b", {"gunicorn.conf.py": "reload = True\ndaemon = True\n", "a.py": ""})
    assert {"serves-dev", "daemonises"} <= set(certain.does)


@pytest.mark.parametrize(
    ("command", "path"),
    [
        ("gunicorn -c conf/live.py a:b", "conf/live.py"),
        ("gunicorn --config=python:conf.live a:b", "conf/live.py"),
        ("gunicorn -c file:conf/live.py a:b", "conf/live.py"),
        ("gunicorn --chdir sub -c conf/live.py a:b", "conf/live.py"),
    ],
)
def test_where_configuration_files_are_looked_for(command: str, path: str) -> None:
    files = {
        path: "workers = 7\n",
        "conf/__init__.py": "",
        "a.py": "",
        "sub/a.py": "",
        "gunicorn.conf.py": "workers = 1\n",
    }
    assert launch(command, files).option("workers") == "7"


def test_uwsgi_files() -> None:
    ini = "[other]\nmodule = no\n[uwsgi]\nmodule = app:app ; here\nhttp-socket = :$(PORT)\nmaster = true\nprocesses = 4\nlazy = false\n"
    found = launch("uwsgi uwsgi.ini", {"uwsgi.ini": ini, "app.py": ""})
    assert found.entry is not None and found.entry.path == "app.py"
    assert [found.option(name) for name in ("http", "master", "workers", "lazy-apps")] == [
        ":$PORT",
        "true",
        "4",
        None,
    ]
    yaml = "uwsgi:\n  wsgi-file: app.py\n  die-on-term: true\n"
    found = launch("uwsgi --yaml u.yml", {"u.yml": yaml, "app.py": ""})
    assert found.entry is not None and found.signals["term"] == "drops"


def test_hypercorn_toml() -> None:
    found = launch(
        "hypercorn -c h.toml app:app",
        {"h.toml": 'bind = ["0.0.0.0:80", "[::]:80"]\nworkers = 3\n', "app.py": ""},
    )
    assert (found.option("bind"), found.option("workers")) == ("0.0.0.0:80,[::]:80", "3")


@pytest.mark.parametrize(
    "text", ["workers = (", "x = 1\n" * 3 + "\x00", "workers: int\n", "workers, bind = 1, 2\n"]
)
def test_configuration_files_that_cannot_be_read(text: str) -> None:
    assert launch("gunicorn a:b", {"gunicorn.conf.py": text, "a.py": ""}).option("workers") is None
