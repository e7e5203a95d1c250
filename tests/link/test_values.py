"""What settings and expressions are worth, and who decides them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from small_apps import link, view

from proctor.model.program import FromEnv, Known, Unknown, Value

DJANGO = {
    "wsgi.py": (
        "import os\nfrom django.core.wsgi import get_wsgi_application\n"
        "os.environ.setdefault('DJANGO_SETTINGS_MODULE', 'conf.production')\napplication = get_wsgi_application()\n"
    ),
    "conf/__init__.py": "",
}


def shown(value: Value | None) -> Any:
    """A value as plain Python: ("env", variable, fallback) where the environment decides, "?" where nothing is known."""
    if isinstance(value, FromEnv):
        return ("env", value.variable, shown(value.fallback))
    if isinstance(value, Known):
        if isinstance(value.value, list):
            return [shown(each) for each in value.value]
        if isinstance(value.value, dict):
            return {key: shown(each) for key, each in value.value.items()}
        return value.value
    return "?" if isinstance(value, Unknown) else None


def setting(files: Mapping[str, str], command: str, system: str, key: str) -> Any:
    found = view(link(files, command)).setting(system, key)
    return shown(found.value) if found else None


VALUES = {
    "constant": ("X = 3", 3),
    "annotated": ("X: int = 3", 3),
    "last one wins": ("X = 1\nX = 2", 2),
    "environment with default": ("import os\nX = os.environ.get('V', 'd')", ("env", "V", "d")),
    "environment without default": ("import os\nX = os.environ['V']", ("env", "V", None)),
    "getenv as a number": ("import os\nX = int(os.getenv('V', '4'))", ("env", "V", 4)),
    "environment compared": ("import os\nX = os.environ.get('V', '') == 'yes'", ("env", "V", False)),
    "or": ("import os\nX = os.environ.get('V') or 'd'", ("env", "V", "d")),
    "decouple": ("from decouple import config\nX = config('V', default=False, cast=bool)", ("env", "V", False)),
    "django-environ": ("import environ\nenv = environ.Env()\nX = env.bool('V', default=True)", ("env", "V", True)),
    "helper of the app": ("import os\ndef env(n, d=None):\n    return os.environ.get(n, d)\nX = env('V', 'd')", ("env", "V", "d")),
    "conditional expression": ("DEBUG = False\nX = 1 if DEBUG else 2", 2),
    "if on a constant": ("DEBUG = False\nif DEBUG:\n    X = 1\nelse:\n    X = 2", 2),
    "if on the environment": (
        "import os\nX = 1\nif os.environ.get('PROD'):\n    X = 2",
        ("env", "PROD", 1),
    ),
    "list added to": ("X = ['a']\nX += ['b']\nX.append('c')", ["a", "b", "c"]),
    "tuple of parts": ("A = ('a',)\nX = A + ('b',)", ["a", "b"]),
    "dict update": ("X = {'a': 1}\nX.update(b=2)\nX['c'] = {'d': 3}", {"a": 1, "b": 2, "c": {"d": 3}}),
    "unpacked dict": ("A = {'a': 1}\nX = {**A, 'b': 2}", {"a": 1, "b": 2}),
    "f-string": ("A = 'x'\nX = f'{A}/y'", "x/y"),
    "format": ("A = 'x'\nX = '%s.urls' % A", "x.urls"),
    "arithmetic": ("X = 60 * 5", 300),
    "computed": ("import socket\nX = socket.gethostname()", "?"),
    "deleted": ("X = 1\ndel X", None),
    "import from a module of the app": ("from conf.more import X", "more"),
    "star import": ("from conf.more import *", "more"),
    "star import and change": ("from conf.more import *\nX = X + '!'", "more!"),
}  # fmt: skip


@pytest.mark.parametrize(("source", "value"), VALUES.values(), ids=VALUES)
def test_settings_module(source: str, value: Any) -> None:
    files = {**DJANGO, "conf/production.py": source + "\n", "conf/more.py": "X = 'more'\n"}
    assert setting(files, "gunicorn wsgi", "django", "X") == value


def test_the_procfile_names_the_settings() -> None:
    files = {**DJANGO, "conf/production.py": "X = 1\n", "conf/live.py": "X = 2\n"}
    command = "DJANGO_SETTINGS_MODULE=conf.live gunicorn wsgi"
    assert setting(files, command, "django", "X") == 2


def test_settings_for_development_are_not_what_production_loads() -> None:
    files = {
        **DJANGO,
        "wsgi.py": DJANGO["wsgi.py"].replace("conf.production", "conf.local"),
        "conf/local.py": "X = 1\n",
    }
    assert setting(files, "gunicorn wsgi", "django", "X") == ("env", "DJANGO_SETTINGS_MODULE", 1)


def test_nested_keys() -> None:
    files = {**DJANGO, "conf/production.py": "CACHES = {'default': {'BACKEND': 'b'}}\n"}
    assert setting(files, "gunicorn wsgi", "django", "CACHES.default.BACKEND") == "b"
    assert setting(files, "gunicorn wsgi", "django", "CACHES.other.BACKEND") is None


def test_a_database_url() -> None:
    files = {
        **DJANGO,
        "conf/production.py": "import dj_database_url\nDATABASES = {'default': dj_database_url.config(default='sqlite:///x')}\n",
    }
    found = setting(files, "gunicorn wsgi", "django", "DATABASES.default")
    assert found[:2] == ("env", "DATABASE_URL")


FLASK = {
    "item": ("app.config['K'] = 1", 1),
    "update": ("app.config.update(K=2)", 2),
    "from_mapping": ("app.config.from_mapping({'K': 3})", 3),
    "from_object": ("class C:\n    K = 4\napp.config.from_object(C)", 4),
    "from_object by name": ("app.config.from_object('settings.Live')", 5),
    "an inherited attribute": ("from settings import Live\nclass C(Live):\n    pass\napp.config.from_object(C)", 5),
    "chosen by the environment": (
        "import os\nfrom settings import Live, Dev\nCHOICE = {'live': Live, 'dev': Dev}\n"
        "app.config.from_object(CHOICE[os.environ.get('MODE', 'live')])",
        ("env", "MODE", 5),
    ),
    "later wins": ("app.config['K'] = 1\napp.config['K'] = 2", 2),
}  # fmt: skip


@pytest.mark.parametrize(("source", "value"), FLASK.values(), ids=FLASK)
def test_flask_config(source: str, value: Any) -> None:
    files = {
        "app.py": f"from flask import Flask\napp = Flask(__name__)\n{source}\n",
        "settings.py": "class Live:\n    K = 5\nclass Dev:\n    K = 6\n",
    }
    assert setting(files, "gunicorn app:app", "flask", "K") == value


CELERY = {
    "attribute": ("app.conf.task_acks_late = True", True),
    "update": ("app.conf.update(task_acks_late=True)", True),
    "old name": ("app.conf.update(CELERY_ACKS_LATE=True)", True),
    "module": ("app.config_from_object('conf')", True),
    "nothing": ("", False),
}


@pytest.mark.parametrize(("source", "value"), CELERY.values(), ids=CELERY)
def test_celery_config(source: str, value: Any) -> None:
    files = {
        "tasks.py": f"from celery import Celery\napp = Celery('tasks')\n{source}\n",
        "conf.py": "task_acks_late = True\n",
    }
    assert setting(files, "celery -A tasks worker", "celery", "task_acks_late") == value


def test_celery_reads_a_namespace_of_django() -> None:
    files = {
        "shop/__init__.py": "",
        "shop/celery.py": (
            "import os\nfrom celery import Celery\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'shop.settings')\n"
            "app = Celery('shop')\napp.config_from_object('django.conf:settings', namespace='CELERY')\n"
        ),
        "shop/settings.py": "CELERY_TASK_ACKS_LATE = True\nTASK_ACKS_LATE = False\n",
    }
    assert setting(files, "celery -A shop worker", "celery", "task_acks_late") is True


BLOCKS = {
    "if True:\n    runs()": {"startup"},
    "if False:\n    runs()": set(),
    "if not False:\n    runs()": {"startup"},
    "if __name__ == '__main__':\n    runs()": {"startup"},
    "while True:\n    runs()": {"loop"},
    "for _ in range(3):\n    runs()": {"startup"},
    "while True:\n    try:\n        runs()\n        break\n    except OSError:\n        pass": {"startup"},
    "import itertools\nfor _ in itertools.count():\n    runs()": {"loop"},
    "import threading\nstop = threading.Event()\nwhile not stop.is_set():\n    runs()": {"loop"},
    "n = 3\nwhile n > 0:\n    runs()\n    n -= 1": {"startup"},
    "todo, seen = [1], []\nwhile todo and len(seen) < 9:\n    runs(); seen.append(1)": {"startup"},
    "todo, on = [1], True\nwhile todo and on:\n    runs(); todo.pop()": {"startup"},
    "on, seen = True, 0\nwhile on and not seen:\n    runs()": {"loop"},
    "from concurrent.futures import ThreadPoolExecutor, as_completed\nwith ThreadPoolExecutor() as pool:\n"
    "    for task in as_completed([pool.submit(len, 'a')]):\n        runs()": {"startup"},
    # it only computes, and leaves when it is done
    "todo = [1]\nwhile True:\n    if not todo:\n        break\n    runs(); todo.pop()": {"startup"},
    "import re\nwhile True:\n    if re.match('a', 'b'):\n        break\n    runs()": {"startup"},
    # it waits, itself or in what it calls, or may do so
    "import time\nwhile True:\n    if 1 > len('a'):\n        break\n    runs(); time.sleep(1)": {"loop"},
    "import time\ndef pause(): time.sleep(1)\nwhile True:\n    if 1 > len('a'):\n        break\n"
    "    runs(); pause()": {"loop"},
    "import somewhere\nwhile True:\n    if somewhere.poll() is None:\n        break\n    runs()": {"loop"},
    "def work(queue):\n    while True:\n        if queue.get() is None:\n            return\n        runs()\nwork(0)": {
        "loop"
    },
    "import atexit\natexit.register(runs)": {"shutdown"},
    "import signal\nsignal.signal(signal.SIGTERM, lambda n, f: runs())": {"signal"},
    "import threading\nthreading.Thread(target=runs).start()": {"thread"},
}


@pytest.mark.parametrize(("source", "expected"), BLOCKS.items())
def test_phases_of_blocks(source: str, expected: set[str]) -> None:
    program = link({"main.py": f"def runs(): pass\n{source}\n"})
    key = next(key for key in program.units() if program.symbol(key) == "main.runs") if expected else None
    assert (view(program).phases(key) if key else set()) == expected


def test_the_environment_guards_a_block() -> None:
    program = link({"main.py": "import os, time\nif os.environ.get('SLOW'):\n    time.sleep(9)\n"})
    ((_, hit),) = view(program).hits("sleeps")
    assert hit.guard == "SLOW"


def test_helpers_of_helpers_with_several_answers_end() -> None:
    """Each of 40 helpers asks the next one twice: looking into all of them would take for ever."""
    helpers = "\n".join(
        f"def f{n}(x):\n    if x:\n        return f{n + 1}(x) or f{n + 1}(1)\n    return f{n + 1}(f{n + 1}(x))\n"
        for n in range(40)
    )
    source = f"import os\n{helpers}\ndef f40(x):\n    return os.environ.get('X')\n\nx = 1\nif f0(x):\n    print(x)\n"
    files = {"Procfile": "web: python app.py\n", "app.py": source}
    assert set(view(link(files)).files) == {"app.py"}
