"""From the words of a launcher to the code in the tree."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from resolved import launch, launches, process, resolved

from proctor.model.process import EntryPoint

TREE = {
    "app.py": "", "wsgi.py": "", "worker.py": "", "manage.py": "from django.core.management import execute_from_command_line\n",
    "pkg/__init__.py": "", "pkg/wsgi.py": "", "pkg/celery.py": "", "pkg/tasks.py": "", "pkg/__main__.py": "",
    "src/lib/__init__.py": "", "src/lib/web.py": "", "site/core/__init__.py": "", "site/core/wsgi.py": "",
    "solo/__init__.py": "", "shop/management/commands/__init__.py": "", "shop/management/commands/poll.py": "",
    "bare/mod.py": "", "start.sh": "", "requirements.txt": "django\nFlask\nawesome_lib==1\n",
}  # fmt: skip


def entry(command: str, files: dict[str, str] | None = None) -> EntryPoint:
    found = launch(command, {**TREE, **(files or {})})
    assert found.entry is not None, found.unresolved
    assert not found.missing
    return found.entry


@pytest.mark.parametrize(
    ("command", "kind", "path", "symbol"),
    [
        ("gunicorn app:app", "callable", "app.py", "app"),
        ("gunicorn pkg.wsgi", "callable", "pkg/wsgi.py", "application"),
        ("gunicorn pkg.wsgi: -w 2", "callable", "pkg/wsgi.py", "application"),
        ("gunicorn pkg:obj.attr", "callable", "pkg/__init__.py", "obj.attr"),
        ("gunicorn 'pkg:create(\"x\")'", "callable", "pkg/__init__.py", "create"),
        ("gunicorn pkg:create\\(\\)", "callable", "pkg/__init__.py", "create"),
        ("gunicorn --chdir site core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("gunicorn --chdir=site core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("gunicorn --pythonpath site core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("cd site && gunicorn core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("PYTHONPATH=site gunicorn core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("PYTHONPATH=$PYTHONPATH:$PWD/site gunicorn core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("env PYTHONPATH=site gunicorn core.wsgi", "callable", "site/core/wsgi.py", "application"),
        ("gunicorn lib.web:app", "callable", "src/lib/web.py", "app"),
        ("gunicorn ${APP_MODULE:-app:app}", "callable", "app.py", "app"),
        ("python -m gunicorn app:app", "callable", "app.py", "app"),
        ("python3.11 -m gunicorn.app.wsgiapp app:app", "callable", "app.py", "app"),
        ("/app/.heroku/python/bin/gunicorn app:app", "callable", "app.py", "app"),
        ("python /venv/bin/gunicorn app:app", "callable", "app.py", "app"),
        ("uvicorn app:app --factory", "callable", "app.py", "app"),
        ("uvicorn --app-dir src lib.web:app", "callable", "src/lib/web.py", "app"),
        ("hypercorn app.py", "callable", "app.py", "app"),
        ("waitress-serve --call pkg:create", "callable", "pkg/__init__.py", "create"),
        ("uwsgi --module app:app --http :80", "callable", "app.py", "app"),
        ("uwsgi --wsgi-file site/core/wsgi.py", "callable", "site/core/wsgi.py", "application"),
        ("mod_wsgi-express start-server wsgi.py", "callable", "wsgi.py", "application"),
        ("celery -A pkg worker", "jobs-app", "pkg/celery.py", ""),
        ("celery worker -A pkg", "jobs-app", "pkg/celery.py", ""),
        ("celery -A pkg.celery:app beat", "jobs-app", "pkg/celery.py", "app"),
        ("celery -A pkg.tasks.app worker", "jobs-app", "pkg/tasks.py", "app"),
        ("celery --app=solo worker", "jobs-app", "solo/__init__.py", ""),
        ("python -m celery -A pkg worker", "jobs-app", "pkg/celery.py", ""),
        ("huey_consumer.py pkg.tasks.huey -w 2", "jobs-app", "pkg/tasks.py", "huey"),
        ("arq pkg.tasks.WorkerSettings", "jobs-app", "pkg/tasks.py", "WorkerSettings"),
        ("procrastinate --app=pkg.tasks.app worker", "jobs-app", "pkg/tasks.py", "app"),
        ("python worker.py --once", "script", "worker.py", ""),
        ("python -u ./worker.py", "script", "worker.py", ""),
        ("./worker.py", "script", "worker.py", ""),
        ("python pkg", "script", "pkg/__main__.py", ""),
        ("python -m pkg", "module", "pkg/__main__.py", ""),
        ("python -m pkg.tasks", "module", "pkg/tasks.py", ""),
        ("python -c 'import pkg.tasks; pkg.tasks.run()'", "module", "pkg/tasks.py", ""),
        ("python manage.py poll", "management-command", "shop/management/commands/poll.py", "Command"),
        ("./manage.py poll", "management-command", "shop/management/commands/poll.py", "Command"),
        ("python -m django poll", "management-command", "shop/management/commands/poll.py", "Command"),
        ("python manage.py migrate", "library", None, ""),
        ("python manage.py rqworker high", "library", None, ""),
        ("rq worker high", "library", None, ""),
        ("python -m awesome_lib", "library", None, ""),
        ("python -m json.tool", "library", None, ""),
        ("FLASK_APP=pkg/wsgi.py flask run", "callable", "pkg/wsgi.py", ""),
        ("flask --app pkg:create_app run", "callable", "pkg/__init__.py", "create_app"),
        ("flask run", "callable", "wsgi.py", ""),
        ("streamlit run app.py", "script", "app.py", ""),
        ("solara run app.py", "script", "app.py", ""),
        ("solara run pkg.tasks", "module", "pkg/tasks.py", ""),
        ("fastapi run app.py", "callable", "app.py", ""),
        ("invoke -c pkg.tasks x", "callable", "pkg/tasks.py", ""),
        ("poetry run gunicorn app:app", "callable", "app.py", "app"),
        ("uv run worker.py", "script", "worker.py", ""),
        ("uv run -m pkg", "module", "pkg/__main__.py", ""),
        ("coverage run -m pkg", "module", "pkg/__main__.py", ""),
        ("coverage run worker.py", "script", "worker.py", ""),
    ],
)  # fmt: skip
def test_where_names_lead(command: str, kind: str, path: str | None, symbol: str) -> None:
    found = entry(command)
    assert (found.kind, found.path, found.symbol) == (kind, path, symbol)


def test_factories_are_called() -> None:
    assert entry("gunicorn 'pkg:create()'").called
    assert not entry("gunicorn pkg:create").called


def test_candidates_where_no_attribute_is_written() -> None:
    assert entry("flask run").candidates == ("app", "application", "create_app", "make_app")
    assert entry("celery -A pkg worker").candidates == ("app", "celery")
    assert entry("gunicorn pkg.wsgi").candidates == ("application",)


def test_import_paths() -> None:
    assert entry("gunicorn --chdir site core.wsgi").python_path == ("site", "", "src")
    assert entry("python bare/mod.py").python_path[0] == "bare"
    assert entry("python manage.py poll").python_path[0] == ""


def test_a_management_command_loads_its_script() -> None:
    assert entry("python manage.py poll").modules == ("manage.py",)
    assert entry("python manage.py rqworker").modules == ("manage.py",)
    assert launch("python manage.py rqworker", TREE).wrappers == ("django",)


@pytest.mark.parametrize(
    "command", ["python -m awesome_lib", "gunicorn awesome_lib.wsgi", "python -m zipfile"]
)
def test_a_librarys_code_that_no_model_knows_stays_unsure(command: str) -> None:
    found = launch(command, TREE)
    assert found.entry is not None and found.entry.kind == "library"
    assert found.unresolved is not None and found.unresolved.endswith("nothing says what it does when run")
    assert not found.missing


def test_modules_that_options_load() -> None:
    assert entry("celery -A pkg worker -I pkg.tasks,app").modules == ("pkg/tasks.py", "app.py")
    assert entry("rq worker -c app").modules == ("app.py",)


def test_several_modules_of_a_worker() -> None:
    found = entry("dramatiq pkg.tasks app --processes 2")
    assert (found.path, found.modules) == ("pkg/tasks.py", ("app.py",))


def test_a_script_that_is_another_programs_manager() -> None:
    found = launch("python manage.py run_worker", {"manage.py": "from flask_script import Manager\n"})
    assert (found.launcher, found.command, found.entry and found.entry.path) == (
        "flask-script",
        "run_worker",
        "manage.py",
    )
    plain = launch("python manage.py go", {"manage.py": "import click\n"})
    assert (plain.launcher, plain.entry and plain.entry.path) == ("python", "manage.py")


def test_console_scripts_of_the_project() -> None:
    files = {"pyproject.toml": '[project.scripts]\nserve = "lib.web:main"\n'}
    found = launch("poetry run serve --x", {**TREE, **files})
    assert found.entry is not None
    assert (found.entry.kind, found.entry.path, found.entry.symbol, found.entry.arguments) == (
        "console-script", "src/lib/web.py", "main", ("--x",),
    )  # fmt: skip
    for path, text in (
        ("setup.cfg", "[options.entry_points]\nconsole_scripts =\n    serve = pkg.tasks:main\n"),
        ("setup.py", "setup(entry_points={'console_scripts': ['serve = pkg.tasks:main']})\n"),
        ("pyproject.toml", '[tool.poetry.scripts]\nserve = "pkg.tasks:main"\n'),
    ):
        assert entry("serve", {path: text}).path == "pkg/tasks.py"


def test_library_versions_of_a_command_come_behind_the_apps_own() -> None:
    files = {"shop/management/commands/rqworker.py": ""}
    assert entry("python manage.py rqworker", files).kind == "management-command"


@pytest.mark.parametrize(
    ("command", "missing", "reason"),
    [
        ("gunicorn nowhere:app", True, "the module `nowhere` is neither in the tree nor among the required distributions"),
        ("gunicorn pkg.nowhere:app", True, "the module `pkg.nowhere` is not in the tree, though `pkg/__init__.py` is"),
        ("gunicorn core.wsgi", True, "the module `core.wsgi` lies below `site/`, which is not on the import path"),
        ("gunicorn site/core/wsgi.py", True, "`site/core/wsgi.py` is a path where a module name is needed; write `site.core.wsgi`"),
        ("gunicorn bare:app", True, "`bare/` is a folder without `__init__.py`, so `bare:app` has no object"),
        ("gunicorn $APP", False, "`$APP` is decided by the environment"),
        ("gunicorn {{ name }}.wsgi", False, "`{{ name }}.wsgi` is the placeholder of a template"),
        ("gunicorn — worker", True, "`—` is not the name of a module"),
        ("gunicorn", False, "the command names no entry point"),
        ("python nowhere.py", True, "the file `nowhere.py` is not in the tree"),
        ("python jobs/worker.py", True, "the file `jobs/worker.py` is not in the tree (there is `worker.py`)"),
        ("python -m solo", True, "the package `solo` has no `__main__.py`"),
        ("python manage.py nowhere", False, "the management command `nowhere` is not in the tree and not known from a library"),
        ("python x/manage.py migrate", True, "the file `x/manage.py` is not in the tree"),
        ("./nowhere.sh", True, "the program `./nowhere.sh` is not in the tree"),
        ("bin/nowhere", False, "the program `bin/nowhere` is not in the tree"),
        ("start.sh", True, "`start.sh` is not on the search path of a shell; write `./start.sh`"),
        ("bash nowhere.sh", True, "the script `nowhere.sh` is not in the tree"),
        ("bash $X", False, "the script `$X` is decided by the environment"),
        ("some-program --x", False, "the program `some-program` is not known"),
        ("$COMMAND", False, "the program `$COMMAND` is decided by the environment"),
        ("uwsgi nowhere.ini", True, "the configuration file `nowhere.ini` is not in the tree"),
        ("make serve", True, "the file `Makefile` is not in the tree"),
    ],
)  # fmt: skip
def test_reasons(command: str, missing: bool, reason: str) -> None:
    found = launch(command, TREE)
    assert found.entry is None
    assert (found.unresolved, found.missing) == (reason, missing)


def test_an_app_that_only_the_environment_names() -> None:
    found = launch("flask run", {"pkg/__init__.py": ""})
    assert (
        found.unresolved
        == "the environment variable FLASK_APP names the entry point, and nothing here sets it"
    )
    declared = {"pkg/__init__.py": "", "app.json": '{"env": {"FLASK_APP": "pkg"}}'}
    assert launch("flask run", declared).entry is not None
    assert launch("flask run", {"pkg/__init__.py": "", ".flaskenv": "FLASK_APP=pkg\n"}).entry is not None


def test_settings_modules_named_by_options() -> None:
    found = launch("python manage.py runserver --settings=pkg.settings", TREE)
    assert dict(found.environment)["DJANGO_SETTINGS_MODULE"] == "pkg.settings"


@given(st.text(max_size=80))
@settings(max_examples=60)
def test_no_command_raises(command: str) -> None:
    resolved({"Procfile": f"web: {command}\n", "app.py": ""})


WORDS = st.sampled_from(
    ["gunicorn", "celery", "python", "-m", "-c", "manage.py", "flask", "run", "worker", "beat", "-A", "app", "app:app", "&&", ";", "&",
     "|", "sh", "exec", "./a.sh", "bash", "honcho", "start", "-f", "Procfile", "make", "npm", "poetry", "uv", "env", "A=1", "$X", "${X:-a}",
     "$@", '"', "'", "--", "-", "--bind", "0.0.0.0:$PORT", "uwsgi", "x.ini", "supervisord", "timeout", "10", "(", ")", "cd", "..", "/", "eval",
     "source", "set", "--chdir", "if", "then", "fi", "while", "do", "done", "case", "in", "esac", "f()", "{", "}", "shift", "trap", "TERM"]
)  # fmt: skip


@given(st.lists(WORDS, max_size=10), st.lists(WORDS, max_size=14))
@settings(max_examples=150, deadline=None)
def test_no_words_raise(words: list[str], script: list[str]) -> None:
    files = {
        "a.sh": "#!/bin/bash\n" + " ".join(script), "x.ini": "[uwsgi]\nmodule = app:app\n", "app.py": "", "manage.py": "execute_manager",
        "Makefile": "a: b\n\t" + " ".join(script) + "\nb: a\n", "package.json": '{"scripts": {"start": "./a.sh"}}',
    }  # fmt: skip
    for found in resolved({"Procfile": f"web: {' '.join(words)}\n", **files}):
        for each in found.launches:
            assert each.entry is not None or each.unresolved or not each.is_python
            assert each.chain
    process(" ".join(words) or "x", files)
    launches(" ".join(words) or "x", files)
