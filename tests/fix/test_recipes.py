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


def test_a_set_stands_apart_from_what_follows_the_imports() -> None:
    files = coroutine("import asyncio", "    asyncio.create_task(index())")
    tight = {
        **files,
        "app.py": files["app.py"].replace(b"app = FastAPI()", b"app = FastAPI()  # next to the imports"),
    }
    new = fixed(tight, "TC21")["app.py"].decode()
    assert "background_tasks = set()\n\napp = FastAPI()  # next" in new


# --- SIGTERM -----------------------------------------------------------------------------------------------------


def worker(text: str) -> dict[str, bytes]:
    return {"Procfile": b"worker: python w.py\n", "w.py": text.encode()}


LOOP = "import time\nimport requests\n{head}while True:\n    requests.post('x', timeout=9)\n{body}"


@pytest.mark.parametrize(
    ("head", "body", "reason"),
    [
        ("", "    while True:\n        time.sleep(1)\n", "another endless loop stands in it"),
        ("", "    time.sleep(1)\nelse:\n    print(1)\n", "the loop has an `else`"),
        ("", "    time.sleep(1)\nprint('never')\n", ""),
        ("stop = stopping = stop_requested = shutdown = 1\n", "    time.sleep(1)\n", "every fitting name means something already"),
        ("signal = 1\n", "    time.sleep(1)\n", "`signal` is the name of something else in this file"),
    ],
)  # fmt: skip
def test_a_loop_is_not_stopped_where_a_flag_at_its_head_would_not_do(
    head: str, body: str, reason: str
) -> None:
    assert reasons(worker(LOOP.format(head=head, body=body)), "TF941") == {reason}


def test_a_loop_that_others_go_round_in_threads_is_left_alone() -> None:
    text = (
        "import threading, time\nimport requests\ndef work():\n    while True:\n        requests.post('x', timeout=9)\n"
        "        time.sleep(1)\nthreading.Thread(target=work).start()\n"
    )
    assert reasons(worker(text), "TF941") == {"the loop runs in a thread, which no signal reaches"}


def test_what_a_handler_does_last_may_be_a_block() -> None:
    text = (
        "import signal\nimport time\nimport requests\n\ndef on_term(number, frame):\n    if number:\n        print(number)\n\n"
        "signal.signal(signal.SIGTERM, on_term)\nwhile True:\n    requests.post('x', timeout=9)\n    time.sleep(1)\n"
    )
    new = fixed(worker(text), "TF951")["w.py"].decode()
    assert "        print(number)\n    stop.set()\n\nsignal.signal" in new
    assert "while not stop.is_set():\n    requests.post('x', timeout=9)\n    stop.wait(1)\n" in new


@pytest.mark.parametrize(
    ("wait", "expected"),
    [
        ("job = jobs.get()", "    try:\n        job = jobs.get(timeout=1)\n    except queue.Empty:\n        continue\n"),
        ("job = jobs.get(block=True)", "    try:\n        job = jobs.get(block=True, timeout=1)\n    except queue.Empty:\n        continue\n"),
    ],
)  # fmt: skip
def test_a_wait_for_a_queue_gets_a_bound(wait: str, expected: str) -> None:
    text = (
        "import queue\nimport signal\nimport threading\nimport requests\nfrom feed import fill\njobs = queue.Queue()\n"
        "stop = threading.Event()\nsignal.signal(signal.SIGTERM, lambda *_: stop.set())\n"
        "threading.Thread(target=fill, args=(jobs,), daemon=True).start()\n"
        f"while not stop.is_set():\n    {wait}\n    requests.post('x', data=job, timeout=9)\n"
    )
    files = {
        **worker(text),
        "feed.py": b"import sys\ndef fill(jobs):\n    for x in sys.stdin:\n        jobs.put(x)\n",
    }
    assert expected in fixed(files, "TF961")["w.py"].decode()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    print('waiting')\n    job = jobs.get()\n", "what stands in front of the wait in the loop would run every second"),
        ("    job = str(jobs.get())\n", "the result of the wait is used in the same statement"),
        ("    for _ in range(3):\n        job = jobs.get()\n", "the wait does not stand in the loop itself"),
    ],
)  # fmt: skip
def test_a_wait_is_not_bounded_where_going_round_would_do_more(body: str, reason: str) -> None:
    text = (
        "import queue\nimport signal\nimport threading\nimport requests\nfrom feed import fill\njobs = queue.Queue()\n"
        "stop = threading.Event()\nsignal.signal(signal.SIGTERM, lambda *_: stop.set())\n"
        "threading.Thread(target=fill, args=(jobs,), daemon=True).start()\n"
        f"while not stop.is_set():\n{body}    requests.post('x', data=job, timeout=9)\n"
    )
    files = {
        **worker(text),
        "feed.py": b"import sys\ndef fill(jobs):\n    for x in sys.stdin:\n        jobs.put(x)\n",
    }
    assert reasons(files, "TF961") == {reason}


# --- messages and programs ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("    if not body:\n        return\n    requests.post('x', data=body, timeout=9)\n", "the work has several ends, and which of them acknowledge is to be decided"),
        ("    method = requests.post('x', data=body, timeout=9)\n", "the work binds anew what the acknowledgement needs"),
    ],
)  # fmt: skip
def test_an_acknowledgement_does_not_move_behind_work_with_several_ends(body: str, reason: str) -> None:
    text = (
        "import pika\nimport requests\ndef handle(channel, method, properties, body):\n"
        f"    channel.basic_ack(delivery_tag=method.delivery_tag)\n{body}"
        "channel = pika.BlockingConnection(pika.ConnectionParameters('mq')).channel()\n"
        "channel.basic_consume(queue='orders', on_message_callback=handle)\nchannel.start_consuming()\n"
    )
    assert reasons(worker(text), "TF981") == {reason}


@pytest.mark.parametrize(
    ("command", "reason"),
    [
        ("streamlit run page.py & gunicorn app:app & celery -A jobs worker", "what a process type for `streamlit run page.py` should be called is to be decided"),
        ("gunicorn app:app & (celery -A jobs worker)", "the line is written in a way that is not understood"),
        ("gunicorn app:app & celery -A jobs worker & rq worker", "two of the programs would have the same name"),
    ],
)  # fmt: skip
def test_programs_are_not_parted_on_a_guess(command: str, reason: str) -> None:
    files = {
        "Procfile": f"web: {command}\n".encode(),
        "app.py": FLASK,
        "jobs.py": CELERY,
        "page.py": b"import streamlit\n",
    }
    plans, _ = plans_of(files, "TF821")
    assert not fix.choose(plans, unsafe=True)
    assert {each.reason for each in plans} == {reason}
