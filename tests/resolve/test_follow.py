"""Which programs a command starts, how they stand to each other, and what becomes of the shells in front."""

from __future__ import annotations

import pytest
from resolved import launch, launches, process, resolved

App = {"app.py": "", "worker.py": "", "x/y.py": ""}


def relations(command: str, files: dict[str, str] | None = None) -> list[tuple[str, str]]:
    return [(each.words[0], each.relation) for each in launches(command, files)]


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        ("gunicorn app:app", [("gunicorn", "main")]),
        ("python manage.py migrate && gunicorn app:app", [("manage.py", "before"), ("gunicorn", "main")]),
        ("flask db upgrade; flask translate compile; gunicorn a:b",
         [("flask", "before"), ("flask", "before"), ("gunicorn", "main")]),
        ("gunicorn a:b; mkdir x", [("gunicorn", "main"), ("mkdir", "after")]),
        ("celery -A a worker & gunicorn a:b", [("celery", "background"), ("gunicorn", "main")]),
        ("celery -A a worker & celery -A a beat & wait -n", [("celery", "background"), ("celery", "background")]),
        ("python worker.py &", [("python", "background")]),
        ("gunicorn a:b | tee log", [("gunicorn", "piped"), ("tee", "after")]),
        ("yes | python manage.py migrate", [("yes", "piped"), ("manage.py", "main")]),
        ("alembic upgrade head || mkdir x; uvicorn a:b", [("alembic", "before"), ("mkdir", "fallback"), ("uvicorn", "main")]),
        ("python a.py && python b.py", [("python", "before"), ("python", "main")]),
        ("python a.py; while true; do sleep 60; done", [("python", "main"), ("sleep", "after")]),
        ("cd x && export A=1 && gunicorn a:b", [("gunicorn", "main")]),
        ("if test -f x; then gunicorn a:b; else uvicorn a:b; fi", [("gunicorn", "main"), ("uvicorn", "main")]),
        ("test -f x || gunicorn a:b", [("gunicorn", "main")]),
    ],
)  # fmt: skip
def test_relations(command: str, expected: list[tuple[str, str]]) -> None:
    assert relations(command) == expected


def test_the_main_program_is_the_one_that_stays() -> None:
    def main(command: str) -> str:
        found = process(command).main
        assert found is not None
        return found.launcher

    assert main("python manage.py migrate; gunicorn a:b; echo x") == "gunicorn"
    assert main("mkdir x & gunicorn a:b & wait") == "gunicorn"
    assert main("python manage.py migrate && python manage.py collectstatic") == "django"


def test_a_program_of_unknown_length_in_front_of_others_ends() -> None:
    first, second = launches("python a.py && python b.py")
    assert (first.long_running, second.long_running) == (False, True)


def test_a_command_that_starts_nothing_says_so() -> None:
    assert process("echo hello").unresolved == "the command starts no program"


@pytest.mark.parametrize(
    ("command", "replaces"),
    [
        ("gunicorn a:b", True),
        ("A=1 gunicorn a:b", True),
        ("exec gunicorn a:b", True),
        ("cd x && gunicorn a:b", "bash"),
        ("cd x && exec gunicorn a:b", True),
        ("mkdir x; gunicorn a:b", "bash"),
        ("gunicorn a:b > log", False),
        ("gunicorn a:b &", False),
        ("gunicorn a:b | tee log", False),
        ("gunicorn a:b; echo done", False),
        ("(gunicorn a:b)", False),
        ("if true; then gunicorn a:b; fi", False),
        ("if true; then exec gunicorn a:b; fi", True),
        ("while true; do gunicorn a:b; done", False),
        ("sh -c 'gunicorn a:b'", "bash"),
        ("sh -c 'exec gunicorn a:b'", True),
        ("bash -c 'mkdir x; gunicorn a:b'", True),
        ("bash -c 'gunicorn a:b; echo'", False),
        ("cd x && bash -c 'exec gunicorn a:b'", "bash"),
        ("./start.sh", False),
        ("./start-exec.sh", True),
        ("cd . && ./start-exec.sh", "bash"),
        ("bash start-exec.sh", True),
        ("./start.sh; echo", False),
        ("./functions.sh", True),
    ],
)
def test_whether_every_shell_is_replaced(command: str, replaces: bool | str) -> None:
    files = {
        "start.sh": "#!/bin/bash\nmkdir x\ngunicorn a:b\n",
        "start-exec.sh": "#!/bin/bash\nset -e\nexec gunicorn a:b\n",
        "functions.sh": "#!/bin/sh\nmain() {\n  exec gunicorn a:b\n}\nmain\n",
    }
    (found,) = [each for each in launches(command, files) if each.launcher == "gunicorn"]
    assert found.replaces_shell is replaces or found.replaces_shell == replaces


def test_a_script_is_followed_with_its_place_and_chain() -> None:
    files = {
        "bin/web.sh": '#!/bin/sh\nset -e\npython manage.py migrate\nexec gunicorn app:app "$@"\n',
        "app.py": "",
    }
    migrate, server = launches("bin/web.sh --workers 3", files)
    assert (migrate.launcher, migrate.command, migrate.in_script) == ("django", "migrate", "bin/web.sh")
    assert (server.place.path, server.place.line, server.place.column) == ("bin/web.sh", 4, 0)
    assert server.option("workers") == "3"
    assert [(step.place.path, step.place.line) for step in server.chain] == [("Procfile", 1), ("Procfile", 1)]
    assert server.chain[1].text == "runs the script `bin/web.sh`"


def test_arguments_decide_the_arm_of_a_case() -> None:
    files = {
        "run": '#!/bin/bash\ncase "$1" in\n web) exec gunicorn a:b ;;\n worker) exec rq worker ;;\n *) exec "$@" ;;\nesac\n'
    }
    assert [each.launcher for each in launches("./run web", files)] == ["gunicorn"]
    assert [each.launcher for each in launches("bash run worker", files)] == ["rq"]
    assert [each.words for each in launches("./run celery -A x worker", files)] == [
        ("celery", "-A", "x", "worker")
    ]
    assert not launch("./run web", files).conditional


@pytest.mark.parametrize(
    "before",
    [
        "[ $# -lt 1 ] && exit 1",
        '[ -n "$TOKEN" ] || exit 1',
        "usage() {\n  echo usage\n  exit 1\n}\n[ $# -lt 1 ] && usage",
        'die() { echo "$1"; exit 1; }\n[ -n "$TOKEN" ] || die "no token"',
        "ready() {\n  while true; do\n    [ -f x ] && return\n    sleep 1\n  done\n  return 1\n}\nready",
        "skip() { return 0; }\nskip && skip",
    ],
)
def test_what_may_end_the_shell_does_not_end_the_reading(before: str) -> None:
    files = {"run": f"#!/bin/bash\n{before}\nexec gunicorn a:b\n"}
    (found,) = (each for each in launches("./run web", files) if each.launcher == "gunicorn")
    assert (found.relation, found.conditional) == ("main", False)


@pytest.mark.parametrize("before", ["exit 1", "exit 1 && true", "[ -f x ] && exit 1 || exit 2"])
def test_nothing_is_read_behind_the_end(before: str) -> None:
    assert not launches("./run", {"run": f"#!/bin/bash\n{before}\nexec gunicorn a:b\n"})


@pytest.mark.parametrize(
    "script",
    [
        'if [ "$MODE" = worker ]; then\n  exec rq worker\nfi\nexec gunicorn a:b\n',
        '[ "$MODE" = worker ] && exec rq worker\nexec gunicorn a:b\n',
        "case $MODE in\n  worker) exec rq worker ;;\nesac\nexec gunicorn a:b\n",
        'main() {\n  if [ "$MODE" = worker ]; then\n    rq worker\n    return\n  fi\n  gunicorn a:b\n}\nmain\n',
    ],
)
def test_programs_that_exclude_each_other_are_alternatives(script: str) -> None:
    found = launches("./run", {"run": f"#!/bin/bash\n{script}"})
    assert [(each.launcher, each.conditional) for each in found if each.relation == "main"] == [
        ("rq", True), ("gunicorn", True),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "expected"),
    [
        ('[ "$1" = web ] && flask db upgrade', [("flask", False)]),
        ('[ "$1" = web ] || flask db upgrade', []),
        ('[ "$1" = worker ] && flask db upgrade', []),
        ('[ "$1" = worker ] && true || flask db upgrade', [("flask", False)]),
        ('[ -n "$UPGRADE" ] && flask db upgrade', [("flask", True)]),
        ('[ -n "$SKIP" ] || flask db upgrade', [("flask", True)]),
        ('[ "$1" = web ] && [ -n "$UPGRADE" ] && flask db upgrade', [("flask", True)]),
        ('if ! [ "$1" = web ]; then flask db upgrade; fi', []),
        ("cd . && flask db upgrade", [("flask", False)]),
    ],
)
def test_tests_in_front_of_a_program_decide(before: str, expected: list[tuple[str, bool]]) -> None:
    found = launches("./run web", {"run": f"#!/bin/bash\n{before}\nexec gunicorn a:b\n"})
    assert [(each.words[0], each.conditional) for each in found[:-1]] == expected
    assert (found[-1].launcher, found[-1].conditional) == ("gunicorn", False)


def test_unknown_arms_are_alternatives() -> None:
    files = {
        "run": '#!/bin/sh\nif [ "$MODE" = web ]; then\n  exec gunicorn a:b\nelse\n  exec rq worker\nfi\n'
    }
    found = launches("./run", files)
    assert [(each.launcher, each.relation, each.conditional) for each in found] == [
        ("gunicorn", "main", True), ("rq", "main", True),
    ]  # fmt: skip
    assert [each.launcher for each in launches("MODE=worker ./run", files)] == ["rq"]


def test_variables_of_a_script_are_put_in() -> None:
    files = {
        "run.sh": 'APP="app:app"\nexport BIND=0.0.0.0:$PORT\nOPTS="--workers 2"\nexec gunicorn $OPTS -b $BIND "$APP"\n',
        "app.py": "",
    }
    found = launch("sh run.sh", files)
    assert found.entry is not None and found.entry.target == "app:app"
    assert (found.option("workers"), found.option("bind")) == ("2", "0.0.0.0:$PORT")
    assert dict(found.environment)["BIND"] == "0.0.0.0:$PORT"


@pytest.mark.parametrize("python", ["$(which python3)", "$(command -v python3)", "`which python3`"])
def test_a_program_that_is_looked_up(python: str) -> None:
    assert launch(f"{python} worker.py", App).launcher == "python"
    assert launch("sh run", {**App, "run": f"PY={python}\n$PY worker.py\n"}).launcher == "python"


def test_wrappers_in_the_repository_run_their_arguments() -> None:
    files = {"bin/start-nginx": "#!/bin/bash\nCOMMAND=${@:1}\n(\n  $COMMAND\n) &\nnginx &\nread x\n"}
    found = launches("bin/start-nginx gunicorn app:app", files)
    assert [(each.launcher, each.relation) for each in found] == [
        ("gunicorn", "background"),
        ("nginx", "background"),
    ]


def test_own_folder_of_a_script() -> None:
    files = {"bin/run": '#!/bin/sh\ncd "$(dirname "$0")/.."\nexec python worker.py\n', "worker.py": ""}
    found = launch("bin/run", files)
    assert found.entry is not None and found.entry.path == "worker.py"


def test_a_trap_is_seen() -> None:
    files = {"run": "#!/bin/bash\ngunicorn a:b &\nPID=$!\ntrap 'kill -TERM $PID' TERM INT\nwait $PID\n"}
    assert launch("./run", files).trap == "kill -TERM $PID"


def test_loops_are_marked() -> None:
    assert launch("while true; do python worker.py; sleep_nothing=1; done").in_loop
    waiting = launches("until nc -z db 5432; do sleep 1; done; gunicorn a:b")
    assert [(each.launcher, each.in_loop) for each in waiting] == [
        ("network-tools", True), ("sleep", True), ("gunicorn", False),
    ]  # fmt: skip


def test_scripts_that_call_each_other_end() -> None:
    files = {"a.sh": "#!/bin/sh\n./b.sh\n", "b.sh": "#!/bin/sh\n./a.sh\n"}
    assert process("./a.sh", files).unresolved


def test_nested_procfiles() -> None:
    files = {
        "ProcfileX": "api: uvicorn main:app --port $PORT\nmail: python mail.py\n",
        "main.py": "",
        "mail.py": "",
    }
    found = launches("honcho start -f ProcfileX", files)
    assert [(each.launcher, each.relation, each.supervised_by) for each in found] == [
        ("honcho", "main", ""), ("uvicorn", "background", "honcho"), ("python", "background", "honcho"),
    ]  # fmt: skip
    assert found[1].place.path == "ProcfileX" and found[1].place.line == 1 and found[1].place.column == 5
    assert found[2].entry is not None and found[2].entry.path == "mail.py"
    assert found[2].chain[-1].text == "starts `mail` of `ProcfileX`"


@pytest.mark.parametrize(
    ("command", "copies"),
    [
        ("honcho start -f P -c worker=3", ["", "3"]),
        ("honcho start -f P -c worker=$N", ["", "$N"]),
        ("honcho start -f P", ["", ""]),
        ("foreman start -f P -m all=2,worker=4", ["2", "4"]),
        ("foreman start -f P -m all=0,worker=4", ["4"]),
        ("nf start -f P worker=2", ["", "2"]),
        ("supervisord -c s.conf", ["", "4", "$N"]),
        ("circusd c.ini", ["2", "$n"]),
    ],
)
def test_copies_of_a_supervisor(command: str, copies: list[str]) -> None:
    files = {
        "P": "web: gunicorn app:app\nworker: rq worker\n",
        "s.conf": "[program:a]\ncommand=rq worker a\n[program:b]\ncommand=rq worker b\nnumprocs=4\n"
        "[program:c]\ncommand=rq worker c\nnumprocs=%(ENV_N)s\n",
        "c.ini": "[watcher:a]\ncmd=rq worker a\nnumprocesses = 2\n"
        "[watcher:b]\ncmd=rq worker b\nnumprocesses = $(circus.env.n)\n",
        **App,
    }
    assert [each.copies for each in launches(command, files)[1:]] == copies


@pytest.mark.parametrize(
    ("head", "copies"),
    [
        ("for i in 1 2 3", "3"),
        ("for i in {1..4}", "4"),
        ("for i in $(seq 5)", "5"),
        ("for i in `seq 2 5`", "4"),
        ("for i in $(seq $N)", ""),
        ("for i in a* b", ""),
        ("for ((i = 0; i < 4; i++))", "4"),
        ("for ((i=1;i<=$N;i++))", ""),
        ("i=0; while [ $i -lt 3 ]", "3"),
        ("i=1; while [ $i -le 3 ]", "3"),
        ("while [ $i -le 3 ]", ""),
        ("while true", ""),
    ],
)
def test_copies_of_a_loop(head: str, copies: str) -> None:
    (found,) = launches(f"{head}; do rq worker & done; wait", App)
    assert (found.launcher, found.copies) == ("rq", copies)


def test_a_nested_procfile_that_is_missing() -> None:
    found = launch("honcho start -f Nowhere")
    assert found.missing and found.unresolved == "the file `Nowhere` is not in the tree"


def test_a_procfile_that_starts_itself() -> None:
    found = resolved({"Procfile": "web: honcho start\nworker: python worker.py\n", **App})
    assert found[0].unresolved == "`web` of `Procfile` starts itself again"
    assert [each.launcher for each in found[0].launches] == ["honcho", "python"]


def test_supervisor_programs() -> None:
    files = {
        "etc/sv.conf": "[supervisord]\nnodaemon=true\n[program:web]\ncommand=gunicorn app:app\ndirectory=x\n[include]\nfiles = *.more\n",
        "etc/a.more": "[program:w]\ncommand = rq worker %(ENV_Q)s\n",
        "x/app.py": "",
    }
    found = launches("supervisord -c etc/sv.conf", files)
    assert [(each.launcher, each.supervised_by) for each in found] == [
        ("supervisord", ""), ("gunicorn", "supervisord"), ("rq", "supervisord"),
    ]  # fmt: skip
    assert found[1].entry is not None and found[1].entry.path == "x/app.py"
    assert found[1].replaces_shell is True
    assert found[2].words == ("rq", "worker", "$Q")


def test_make_targets_with_prerequisites_and_variables() -> None:
    makefile = "PORT = 80\nserve: migrate\n\t@gunicorn app:app -b :$(PORT) \\\n\t  --workers 2\nmigrate:\n\tpython manage.py migrate\n"
    found = launches("make serve", {"Makefile": makefile, "app.py": ""})
    assert [(each.launcher, each.relation, each.wrappers) for each in found] == [
        ("django", "before", ("make",)), ("gunicorn", "main", ("make",)),
    ]  # fmt: skip
    assert (found[1].option("bind"), found[1].option("workers"), found[1].place.line) == (":80", "2", 3)


def test_named_scripts_of_project_files() -> None:
    files = {
        "package.json": '{"scripts": {"start": "npm run serve", "serve": "gunicorn app:app"}}',
        "Pipfile": '[scripts]\nserve = "gunicorn app:app"\n',
        "pyproject.toml": '[tool.pdm.scripts]\nserve = {cmd = ["gunicorn", "app:app"]}\nall = {composite = ["python a.py", "gunicorn app:app"]}\n',
        "app.py": "",
    }
    assert launch("npm start", files).wrappers == ("npm", "npm")
    assert launch("pipenv run serve --workers 2", files).option("workers") == "2"
    assert launch("pdm run serve", files).launcher == "gunicorn"
    assert [each.launcher for each in launches("pdm run all", files)] == ["python", "gunicorn"]


def test_platform_shells() -> None:
    files = {"Dockerfile": "FROM python\nCMD gunicorn a:b\n"}
    assert resolved(files)[0].launches[0].replaces_shell == "bash"
    files = {"Dockerfile": 'FROM python\nCMD ["gunicorn", "a:b"]\n'}
    assert resolved(files)[0].launches[0].replaces_shell is True


def test_copied_files_of_an_image() -> None:
    files = {
        "Dockerfile": 'FROM python\nWORKDIR /srv/site\nCOPY backend .\nCOPY docker/entry.sh /entry.sh\nENTRYPOINT ["/entry.sh"]\nCMD ["gunicorn", "main:app"]\n',
        "backend/main.py": "",
        "docker/entry.sh": '#!/bin/sh\npython manage.py migrate\nexec "$@"\n',
    }
    migrate, server = resolved(files)[0].launches
    assert migrate.command == "migrate"
    assert server.entry is not None and server.entry.path == "backend/main.py"
    assert server.replaces_shell is True


@pytest.mark.parametrize(
    ("command", "replaces"),
    [
        ("dumb-init ./start.sh", True),
        ("dumb-init sh -c 'mkdir x; gunicorn a:b | cat'", True),
        ("mkdir x; dumb-init ./start.sh", "bash"),
        ("tini -- ./start.sh", False),
    ],
)
def test_shells_behind_a_wrapper_that_signals_its_group(command: str, replaces: bool | str) -> None:
    found = launches(command, {"start.sh": "#!/bin/sh\nmkdir x\ngunicorn a:b\n"})
    assert [each.replaces_shell for each in found if each.launcher == "gunicorn"] == [replaces]


@pytest.mark.parametrize(
    ("command", "kept"),
    [
        ("celery worker & celery beat & wait -n", [True, True]),
        ("celery worker & wait; celery beat &", [True, False]),
        ("celery worker & gunicorn a:b", [False, False]),
        ("gunicorn a:b & fg", [True]),
    ],
)
def test_shells_that_wait_for_background_programs(command: str, kept: list[bool]) -> None:
    assert [each.kept for each in launches(command)] == kept


def test_what_is_run_once_before_a_deployment_ends() -> None:
    release, worker = resolved(
        {"Procfile": "release: ./manage.py prepare\nworker: ./manage.py prepare\n", "manage.py": ""}
    )
    assert [each.launches[0].long_running for each in (release, worker)] == [False, True]
    assert [each.launches[0].ends for each in (release, worker)] == [True, False]
    assert [each.ends for each in launches("sleep 5; python a.py & gunicorn a:b")] == [True, False, False]


def test_a_further_manifest_with_a_development_server_is_for_developers() -> None:
    compose = "services:\n  a: {build: ., command: flask run}\n  b: {build: ., command: rq worker, restart: always}\n"
    files = {"compose.yml": compose, "app.py": ""}
    assert [each.process.name for each in resolved({**files, "Procfile": "web: gunicorn a:b"})] == ["web"]
    assert [each.process.name for each in resolved({**files, "Procfile": "web: flask run"})] == [
        "web", "a (compose)", "b (compose)",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        "RUN mkdir -p /src\nCOPY pyproject.toml /src\nCOPY . /src\nWORKDIR /src",
        "WORKDIR /src\nCOPY . /src\nCOPY pyproject.toml /src",
        "COPY . /src\nCOPY pyproject.toml /src\nWORKDIR /src",
    ],
)
def test_a_file_that_is_copied_into_a_folder_does_not_become_it(lines: str) -> None:
    files = {
        "Dockerfile": f'FROM python:3.12\n{lines}\nCMD ["python", "jobs/run.py"]\n',
        "pyproject.toml": "", "jobs/run.py": "",
    }  # fmt: skip
    (found,) = resolved(files)
    assert [(each.words[1], each.missing) for each in found.launches] == [("jobs/run.py", False)]
    assert found.process.folder == ""


def test_a_folder_with_a_project_of_its_own_is_built_from_there() -> None:
    files = {
        "package.json": '{"scripts": {"start": "webpack"}}', "app.py": "",
        "mock/Dockerfile": "FROM node:20\nCOPY . /app\nWORKDIR /app\nCMD yarn run start\n",
        "mock/package.json": '{"scripts": {"start": "node index.js"}}', "mock/index.js": "",
        "docker/Dockerfile": 'FROM python:3.12\nCOPY . /app\nWORKDIR /app\nCMD ["python", "app.py"]\n',
    }  # fmt: skip
    launched = {each.process.name: each.launches[0].words for each in resolved(files)}
    assert launched == {"mock": ("node", "index.js"), "container": ("python", "app.py")}


def test_a_developers_manifest_counts_where_nothing_else_runs_the_apps_code() -> None:
    compose = "services:\n  web:\n    build: .\n    command: gunicorn app:app\n    volumes: ['./:/app']\n"
    mock = {"mock/Dockerfile": 'FROM node:20\nCMD ["node", "index.js"]\n', "mock/index.js": ""}
    files = {"app.py": "", "docker-compose.yml": compose, **mock}
    assert [each.process.name for each in resolved(files)] == ["mock", "web (compose)"]
    assert [each.process.name for each in resolved({**files, "Procfile": "web: gunicorn app:app\n"})] == [
        "web", "mock (Dockerfile)",
    ]  # fmt: skip
