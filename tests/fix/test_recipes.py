"""What recipes offer beside the examples of the rules, and above all what they do not."""

from __future__ import annotations

import pytest
from rewriting import BOOK, fixed, plans_of, reasons

from proctor import fix

FLASK = b"from flask import Flask\n\napp = Flask(__name__)\n"
CELERY = b'from celery import Celery\n\napp = Celery("a", broker="redis://h")\n'


def script(text: str) -> dict[str, bytes]:
    return {"Procfile": b"web: bin/web.sh\n", "bin/web.sh": text.encode(), "app.py": FLASK}


def test_every_recipe_that_a_rule_names_is_there() -> None:
    named = {rule.code: rule.fix.recipe for rule in BOOK.rules if rule.fix}
    assert named
    assert set(named.values()) <= set(fix.RECIPES)


def test_each_reason_why_a_fix_is_safe_or_not_is_a_clause() -> None:
    for rule in BOOK.rules:
        if rule.fix:
            assert rule.fix.because == rule.fix.because.strip().rstrip("."), rule.code
            assert len(rule.fix.because) > 20, rule.code


# --- exec --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "#!/bin/sh\nif [ -n \"$A\" ]; then\n  gunicorn app:app\nelse\n  B=1 gunicorn app:app >&2 # x\nfi\n\n# end\n",
            "#!/bin/sh\nif [ -n \"$A\" ]; then\n  exec gunicorn app:app\nelse\n  B=1 exec gunicorn app:app >&2 # x\nfi\n\n# end\n",
        ),
        (
            "#!/bin/sh\ncase $MODE in\n  a) gunicorn app:app ;;\n  b)\n    if x; then y; fi\n    gunicorn app:app\n    ;;\nesac\n",
            "#!/bin/sh\ncase $MODE in\n  a) exec gunicorn app:app ;;\n  b)\n    if x; then y; fi\n    exec gunicorn app:app\n    ;;\nesac\n",
        ),
        (
            "#!/bin/sh\nset -e\ncd . && gunicorn \\\n  --workers 1 \\\n  app:app",
            "#!/bin/sh\nset -e\ncd . && exec gunicorn \\\n  --workers 1 \\\n  app:app",
        ),
    ],
)  # fmt: skip
def test_exec_goes_where_nothing_follows(text: str, expected: str) -> None:
    assert fixed(script(text), "TF921") == {"bin/web.sh": expected.encode()}


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("#!/bin/sh\ngunicorn app:app\necho over\n", "the shell does something after the program"),
        ("#!/bin/sh\nif gunicorn app:app; then\n  :\nfi\n", "the program is part of a larger command"),
        ("#!/bin/sh\ncd . || gunicorn app:app\n", "the program is part of a larger command"),
        ("#!/bin/bash\ntrap 'rm -f x' EXIT\nset -e\ngunicorn app:app\n", "the script sets a trap, which would be lost"),
        ("#!/bin/sh\ngunicorn() { command gunicorn \"$@\"; }\nset -e\ngunicorn app:app\n", "`gunicorn` is a function of the script"),
        ("#!/bin/sh\nwhile true; do\n  gunicorn app:app\ndone\n", "the shell does something after the program"),
    ],
)  # fmt: skip
def test_exec_is_not_offered_where_the_shell_is_needed(text: str, reason: str) -> None:
    plans, _ = plans_of(script(text), "TF921")
    assert not fix.choose(plans, unsafe=True)
    assert {each.reason for each in plans} <= {reason}


def test_exec_is_not_offered_in_other_manifests() -> None:
    files = {
        "compose.yaml": b"services:\n  web:\n    build: .\n    command: sh -c 'cd x && gunicorn app:app; true'\n",
        "x/app.py": FLASK,
    }
    assert reasons(files, "TF921") == {"only commands in Procfiles and shell scripts are edited"}


# --- process types -----------------------------------------------------------------------------------------------


def test_a_platform_with_a_release_phase_makes_it_safe() -> None:
    files = {"Procfile": b"web: flask db upgrade && gunicorn app:app\n", "app.py": FLASK}
    assert [each.safe for each in plans_of(files, "TF912")[0]] == [False]
    assert [each.safe for each in plans_of({**files, "app.json": b"{}"}, "TF912")[0]] == [True]


def test_two_process_types_that_migrate_share_one_release() -> None:
    files = {
        "Procfile": b"web: flask db upgrade && gunicorn app:app\nworker: flask db upgrade && celery -A jobs worker\n",
        "app.py": FLASK,
        "jobs.py": CELERY,
    }
    once = {**files, **fixed(files, "TF912")}
    assert once["Procfile"].count(b"release: flask db upgrade\n") == 1
    assert fixed(once, "TF912") == {
        "Procfile": b"release: flask db upgrade\nweb: gunicorn app:app\nworker: celery -A jobs worker\n"
    }


@pytest.mark.parametrize(
    ("procfile", "reason"),
    [
        ("web: flask db upgrade && gunicorn app:app\nrelease: ./x\n", "there is a process type `release` already, which does something else"),
        ("web: ./x && flask db upgrade && gunicorn app:app\n", "other commands stand in front of it, and it may need them"),
    ],
)  # fmt: skip
def test_a_release_is_not_guessed(procfile: str, reason: str) -> None:
    assert reasons({"Procfile": procfile.encode(), "app.py": FLASK}, "TF912") == {reason}


@pytest.mark.parametrize(
    ("command", "worker", "beat"),
    [
        ("celery worker -A jobs -B -l INFO", "celery worker -A jobs -l INFO", "celery -A jobs beat -l INFO"),
        ("python -m celery --app=jobs worker --beat -c 2", "python -m celery --app=jobs worker -c 2", "python -m celery --app=jobs beat"),
        ("celery -A jobs worker -B -S jobs:Own -Q a,b", "celery -A jobs worker -Q a,b", "celery -A jobs beat -S jobs:Own"),
    ],
)  # fmt: skip
def test_the_scheduler_moves_out_with_its_own_options(command: str, worker: str, beat: str) -> None:
    files = {"Procfile": f"worker: {command}\n".encode(), "jobs.py": CELERY}
    assert fixed(files, "TF824") == {"Procfile": f"worker: {worker}\nbeat: {beat}\n".encode()}


@pytest.mark.parametrize(
    ("procfile", "reason"),
    [
        ("worker: celery -A jobs worker -B\nbeat: celery -A jobs beat\n", "there is a process type `beat` already"),
        ("worker: celery -A jobs worker -BE\n", "the switch is not written as a word of its own"),
        ("worker: ./x; celery -A jobs worker -B\n", "other commands stand in front of it, and the new process type may need them"),
    ],
)  # fmt: skip
def test_a_scheduler_is_not_moved_on_a_guess(procfile: str, reason: str) -> None:
    plans, _ = plans_of({"Procfile": procfile.encode(), "jobs.py": CELERY}, "TF824")
    assert {each.reason for each in plans} <= {reason}
    assert not fix.choose(plans, unsafe=True)


# --- Python ------------------------------------------------------------------------------------------------------


def coroutine(head: str, *body: str) -> dict[str, bytes]:
    lines = [
        head,
        "from fastapi import FastAPI",
        "app = FastAPI()",
        '@app.get("/")',
        "async def index():",
        *body,
    ]
    return {
        "Procfile": b"web: uvicorn app:app --host 0.0.0.0 --port $PORT\n",
        "app.py": ("\n".join(lines) + "\n").encode(),
    }


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        ("import time", "import asyncio"),
        ("import os, time\n", "import asyncio\nimport os, time\n"),
        ('"""Doc."""\nfrom __future__ import annotations\n\nimport abc\nimport time\nimport zlib\n\nimport fastapi',
         '"""Doc."""\nfrom __future__ import annotations\n\nimport abc\nimport asyncio\nimport zlib\n\nimport fastapi'),
        ("import asyncio as aio\nimport time", "import asyncio as aio"),
        ("import time  # noqa: F401", "import asyncio\nimport time  # noqa: F401"),
    ],
)  # fmt: skip
def test_imports_go_where_such_imports_stand(head: str, expected: str) -> None:
    files = coroutine(head, "    time.sleep(1)")
    new = fixed(files, "TC11")["app.py"].decode()
    assert new.startswith(f"{expected}\nfrom fastapi")
    assert ("await aio.sleep(1)" if " as aio" in head else "await asyncio.sleep(1)") in new


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        ("import time", ["    with LOCK:", "        time.sleep(1)"], "the call stands in a `with` block, which other tasks would then interrupt"),
        ("import time\nasyncio = None", ["    time.sleep(1)"], "`asyncio` is the name of something else in this file"),
        ("import time", ["    x = [time.sleep(1)]"], "the result of the call is used"),
    ],
)  # fmt: skip
def test_a_sleep_is_not_awaited_where_that_could_change_more(head: str, body: list[str], reason: str) -> None:
    assert reasons(coroutine(head, *body), "TC11") == {reason}


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        ("requests.get(URL)", "requests.get(URL, timeout=10)"),
        ("requests.get(URL,)", "requests.get(URL, timeout=10,)"),
        ("requests.get(\n        URL,\n        json={},\n    )", "requests.get(\n        URL,\n        json={},\n        timeout=10,\n    )"),
        ("requests.get(\n        URL,  # why\n        json={}\n    )", "requests.get(\n        URL,  # why\n        json={},\n        timeout=10\n    )"),
        ("requests.get((URL))", "requests.get((URL), timeout=10)"),
    ],
)  # fmt: skip
def test_an_argument_is_added_as_the_others_are_written(call: str, expected: str) -> None:
    files = {
        "Procfile": b"worker: python w.py\n",
        "w.py": f"import requests\nURL = 'x'\n\ndef go():\n    {call}\n\nwhile True:\n    go()\n".encode(),
    }
    assert fixed(files, "TC81")["w.py"].decode() == files["w.py"].decode().replace(call, expected)


def test_a_lock_that_is_let_go_elsewhere_too_is_left_alone() -> None:
    files = {
        "Procfile": b"worker: python w.py\n",
        "w.py": b"import threading, urllib.request\nlock = threading.Lock()\ndef go(x):\n    lock.acquire()\n"
        b"    if x:\n        lock.release()\n        return\n    urllib.request.urlopen('x', timeout=1)\n"
        b"    lock.release()\nthreading.Thread(target=go).start()\ngo(1)\n",
    }
    assert reasons(files, "TC42") == {"the lock is let go or taken again in between"}
