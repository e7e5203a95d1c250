"""Commands of containers and machines: where their paths lie in the tree, and what stops them."""

from __future__ import annotations

from resolved import resolved

from proctor.model.process import Launch


def _main(files: dict[str, str], name: str) -> Launch:
    found = next(each.main for each in resolved(files) if each.process.name == name)
    assert found is not None
    return found


def _path(files: dict[str, str], name: str) -> str | None:
    entry = _main(files, name).entry
    return entry.path if entry else None


def test_a_working_folder_is_found_by_what_was_copied_into_it() -> None:
    files = {
        "apps/api/Dockerfile": 'FROM python\nWORKDIR /code\nCOPY bin ./bin/\nCOPY shop shop/\nCMD ["./bin/start.sh"]\n',
        "apps/api/bin/start.sh": "exec gunicorn shop.wsgi\n",
        "apps/api/shop/wsgi.py": "application = None\n",
    }
    assert _path(files, "api") == "apps/api/shop/wsgi.py"


def test_build_arguments_have_their_defaults() -> None:
    files = {
        "Dockerfile": "ARG HOME_=/srv\nFROM python\nARG DIR=./ops\nARG HOME_\nWORKDIR $HOME_/x\nCOPY . /srv/x\n"
        'COPY ${DIR}/start.sh /srv/start.sh\nCMD ["/srv/start.sh"]\n',
        "ops/start.sh": "exec python run.py\n",
        "run.py": "",
    }
    assert _path(files, "container") == "run.py"


def test_an_image_that_copies_nothing_has_the_source_mounted() -> None:
    files = {"Dockerfile": 'FROM python\nWORKDIR /site\nCMD ["python", "/site/run.py"]\n', "run.py": ""}
    assert _path(files, "container") == "run.py"


def test_options_without_a_program_are_for_the_base_image() -> None:
    assert not resolved(
        {"Dockerfile": 'FROM logstash\nCOPY a.conf /a.conf\nCMD ["-f", "/a.conf"]\n', "a.conf": ""}
    )


def test_services_of_an_image_that_is_built_elsewhere() -> None:
    compose = """
        services:
          web:
            image: registry/shop
            command: python manage.py runserver
            volumes: ["./src:/app"]
          beat:
            image: registry/shop
            command: celery -A conf beat
          db:
            image: postgres
            command: postgres -c x
        """
    files = {"compose.yml": compose, "src/manage.py": "", "src/conf.py": "app = 1\n"}
    assert {each.process.name for each in resolved(files)} == {"web", "beat"}
    assert _path(files, "beat") == "src/conf.py"


def test_a_service_extends_one_of_another_file() -> None:
    files = {
        "docker-compose.yml": "services:\n  work:\n    extends: {file: base.yml, service: base}\n"
        "    command: python -m jobs\n  all:\n    extends: {file: base.yml, service: base}\n",
        "base.yml": "services:\n  base:\n    build: .\n    command: python run.py\n",
        "Dockerfile": "FROM python\nWORKDIR /srv\nCOPY . .\n",
        "jobs.py": "",
        "run.py": "",
    }
    assert _path(files, "work") == "jobs.py"
    assert _path(files, "all") == "run.py"
    place = next(each.process.place for each in resolved(files) if each.process.name == "all")
    assert (place.path, place.line) == ("docker-compose.yml", 6)


def test_the_folder_of_a_supervised_program_is_found_by_what_it_runs() -> None:
    conf = "[program:api]\ndirectory=/srv/backend\ncommand=sh -c ./bin/start.sh\nstopsignal=QUIT\n"
    files = {
        "deploy/supervisor.conf": conf,
        "apps/api/bin/start.sh": "exec python run.py\n",
        "apps/api/run.py": "",
    }
    assert _path(files, "api") == "apps/api/run.py"


def test_a_command_of_the_project_that_hands_over_to_a_known_program() -> None:
    files = {
        "Procfile": "work: shop-manage drain --now\n",
        "setup.cfg": "[options.entry_points]\nconsole_scripts =\n    shop-manage = shop:manage\n",
        "shop/__init__.py": "def manage():\n    from django.core.management import execute_from_command_line\n",
        "shop/jobs/management/commands/drain.py": "class Command: ...\n",
    }
    found = _main(files, "work")
    assert (found.launcher, found.command) == ("django", "drain")
    assert found.entry is not None
    assert found.entry.path == "shop/jobs/management/commands/drain.py"
    assert "shop/__init__.py" in found.entry.modules


def test_a_script_that_replaces_itself_by_its_arguments() -> None:
    files = {
        "Procfile": "web: python enter.py gunicorn shop:app\n",
        "enter.py": "import os, sys\n\nargv = sys.argv\nos.execvp(argv[1], argv[1:])\n",
        "shop.py": "app = 1\n",
    }
    assert _path(files, "web") == "shop.py"


def test_files_of_the_machine_may_be_put_there_from_elsewhere() -> None:
    assert not _main({"Procfile": "web: uwsgi /etc/shop/uwsgi.ini\n"}, "web").missing
    assert _main({"Procfile": "web: uwsgi /app/uwsgi.ini\n"}, "web").missing
    files = {
        "Procfile": "web: uwsgi /etc/shop/uwsgi.ini\n",
        "ops/uwsgi.ini": "[uwsgi]\nmount = /=shop.wsgi:application\n",
        "shop/wsgi.py": "application = None\n",
    }
    assert _path(files, "web") == "shop/wsgi.py"


def test_the_app_that_is_named_in_the_project_file() -> None:
    files = {
        "Procfile": "web: fastapi run\n",
        "pyproject.toml": '[tool.fastapi]\nentrypoint = "shop.api:site"\n',
        "shop/api.py": "site = None\n",
    }
    assert _path(files, "web") == "shop/api.py"


def test_the_signal_that_stops_an_image() -> None:
    def term(base: str, more: str = "") -> object:
        text = f'FROM {base}\n{more}CMD ["nginx", "-g", "daemon off;"]\n'
        return _main({"Dockerfile": text}, "container").signals["term"]

    assert term("nginx:1.27-alpine") == "drains"
    assert term("nginx@sha256:0") == "drains"
    assert term("docker.io/library/nginx:1.27") == "drains"
    assert term("nginx/unit") == "drops"
    assert term("debian") == "drops"
    assert term("debian", "STOPSIGNAL SIGQUIT\n") == "drains"
    assert term("nginx", "STOPSIGNAL SIGTERM\n") == "drops"
    compose = "services:\n  front:\n    build: .\n    stop_signal: SIGTERM\n"
    files = {
        "Dockerfile": 'FROM nginx\nCMD ["nginx", "-g", "daemon off;"]\n',
        "ops/compose.yml": compose.replace(": .", ": .."),
    }
    assert _main(files, "front (compose)").signals["term"] == "drops"
