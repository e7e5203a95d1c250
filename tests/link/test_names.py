"""What names, attributes, containers and calls stand for: functions called `runs…` run, those called `idle…` do not."""

from __future__ import annotations

import pytest
from small_apps import functions, link

CASES: dict[str, dict[str, str]] = {
    "import and alias": {
        "main.py": "import jobs as j\nfrom jobs import runs_b as b\nj.runs_a()\nb()\n",
        "jobs.py": "def runs_a(): pass\ndef runs_b(): pass\ndef idle(): pass\n",
    },
    "re-export": {
        "main.py": "from pkg import go\ngo()\n",
        "pkg/__init__.py": "from .inner import runs as go\nfrom .inner import idle\n",
        "pkg/inner.py": "def runs(): pass\ndef idle(): pass\n",
    },
    "star import through two modules": {
        "main.py": "from a import *\nruns()\n",
        "a.py": "from b import *\n",
        "b.py": "def runs(): pass\ndef idle(): pass\n",
    },
    "relative imports": {
        "main.py": "from pkg.sub.deep import call\ncall()\n",
        "pkg/__init__.py": "",
        "pkg/near.py": "def runs_up(): pass\n",
        "pkg/sub/__init__.py": "",
        "pkg/sub/side.py": "def runs_side(): pass\n",
        "pkg/sub/deep.py": "from . import side\nfrom ..near import runs_up\ndef call():\n    side.runs_side()\n    runs_up()\n",
    },
    "namespace package": {
        "main.py": "import space.part.mod\nspace.part.mod.runs()\n",
        "space/part/mod.py": "def runs(): pass\ndef idle(): pass\n",
    },
    "a local name hides the module's": {
        "main.py": "from jobs import idle\ndef runs(): pass\ndef go(idle=runs):\n    idle()\ngo()\n",
        "jobs.py": "def idle(): pass\n",
    },
    "global": {
        "main.py": "f = None\ndef setup():\n    global f\n    f = runs\ndef runs(): pass\nsetup()\nf()\n",
    },
    "an arm that no caller chooses": {
        "main.py": (
            "def send(text, later=False):\n    if later:\n        idle_a()\n    else:\n        runs_a()\n"
            "def log(name=None, turn=False):\n    if name is None:\n        runs_b()\n    elif not turn:\n        idle_b()\n"
            "    else:\n        runs_c()\n"
            "def idle_a(): pass\ndef idle_b(): pass\ndef runs_a(): pass\ndef runs_b(): pass\ndef runs_c(): pass\n"
            "send('x')\nlog()\nlog(str(1), turn=True)\n"
        ),
    },
    "an arm chosen further up": {
        "main.py": (
            "class Mail:\n    def send(self, kind, *, deep):\n        if deep and kind in ('a', 'b'):\n            runs_a()\n"
            "        if kind == 'c' or not deep:\n            idle()\n"
            "def outer(kind):\n    inner(kind, True)\ndef inner(kind, deep):\n    Mail().send(kind, deep=deep)\n"
            "def runs_a(): pass\ndef idle(): pass\nouter('a')\nouter('b')\n"
        ),
    },
    "what stands behind an arm that ends": {
        "main.py": (
            "def a(flag):\n    for each in 'xy':\n        if flag:\n            continue\n        idle()\n    runs_a()\n"
            "def b(flag):\n    try:\n        if not flag:\n            pass\n        else:\n            raise OSError\n"
            "        idle()\n    except OSError:\n        runs_b()\n    runs_c()\n"
            "def c(flag, other):\n    if flag:\n        if other:\n            return\n    runs_d()\n"
            "def runs_a(): pass\ndef runs_b(): pass\ndef runs_c(): pass\ndef runs_d(): pass\ndef idle(): pass\n"
            "a(True)\nb(1)\nc(True, str())\n"
        ),
    },
    "a mark that is set while the program runs": {
        "main.py": (
            "import sys\n"
            "class View:\n    live = True\n    def __init__(self):\n        self.value = None\n        self.fixed = None\n"
            "    def stop(self):\n        self.live = False\n"
            "def press(view):\n    view.value = True\n"
            "view = View()\npress(view)\nview.stop()\n"
            "if view.value is True:\n    runs_a()\nif view.live:\n    pass\nelse:\n    runs_b()\n"
            "if view.fixed:\n    idle()\n"
            "def runs_a(): pass\ndef runs_b(): pass\ndef idle(): pass\n"
        ),
    },
    "an arm that some caller may choose": {
        "main.py": (
            "import sys, threading\n"
            "def computed(flag=False):\n    if flag: runs_a()\ncomputed()\ncomputed(len(sys.argv) > 1)\n"
            "def starred(flag=False):\n    if flag: runs_b()\nstarred(*sys.argv)\n"
            "def threaded(flag=False):\n    if flag: runs_c()\nthreaded()\nthreading.Thread(target=threaded, args=(1,)).start()\n"
            "def changed(flag=False):\n    flag = flag or len(sys.argv)\n    if flag: runs_d()\nchanged()\n"
            "def deeper(flag=False):\n    if flag: runs_e()\n    else: deeper(True)\ndeeper()\n"
            "def inner(flag=False):\n    def set_flag():\n        nonlocal flag\n        flag = True\n    set_flag()\n"
            "    if flag: runs_f()\ninner()\n"
            "def giving(function):\n    return lambda *args: function(None, *args)\n"
            "@giving\ndef given(session, flag=False):\n    if flag: runs_h()\ngiven(True)\n"
            "def table(flag=False):\n    if flag: runs_g()\ntable()\nlist(map(table, sys.argv))\n"
            + "".join(f"def runs_{each}(): pass\n" for each in "abcdefgh")
        ),
    },
    "a class body is no enclosing scope": {
        "main.py": (
            "def f(): runs()\ndef runs(): pass\nclass A:\n    def f(self): idle()\n"
            "    def g(self): f()\ndef idle(): pass\nA().g()\n"
        ),
    },
    "lazy import": {
        "main.py": "def go():\n    from jobs import runs\n    runs()\ngo()\n",
        "jobs.py": "def runs(): pass\n",
    },
    "import_module of a constant": {
        "main.py": "from importlib import import_module\nimport_module('jobs.mail').runs()\n",
        "jobs/__init__.py": "",
        "jobs/mail.py": "def runs(): pass\ndef runs_at_import(): pass\nruns_at_import()\n",
    },
    "import_module with a fixed prefix": {
        "main.py": "import importlib, sys\nimportlib.import_module(f'jobs.{sys.argv[1]}')\n",
        "jobs/__init__.py": "",
        "jobs/a.py": "def runs_a(): pass\nruns_a()\n",
        "jobs/b.py": "def runs_b(): pass\nruns_b()\n",
        "other.py": "def idle(): pass\nidle()\n",
    },
    "project decorator": {
        "main.py": (
            "import functools\ndef logged(f):\n    runs_when_decorated()\n    @functools.wraps(f)\n"
            "    def runs_wrapper(*a):\n        return f(*a)\n    return runs_wrapper\n"
            "def runs_when_decorated(): pass\n@logged\ndef runs_inside(): pass\nruns_inside()\n"
        ),
    },
    "decorator with arguments": {
        "main.py": (
            "def retry(n):\n    def runs_decorate(f):\n        def runs_wrapper():\n            return f()\n"
            "        return runs_wrapper\n    return runs_decorate\n"
            "@retry(3)\ndef runs_job(): pass\ndef idle(): pass\nruns_job()\n"
        ),
    },
    "class instance as decorator": {
        "main.py": (
            "class Registry:\n    def __init__(self): self.known = []\n    def __call__(self, f):\n        self.runs_note(f)\n"
            "        self.known.append(f)\n        return f\n    def runs_note(self, f): pass\n"
            "    def fire(self):\n        for f in self.known: f()\n"
            "on = Registry()\n@on\ndef runs_handler(): pass\ndef idle(): pass\non.fire()\n"
        ),
    },
    "partial": {
        "main.py": "from functools import partial\ndef runs(a): pass\ndef idle(a): pass\np = partial(runs, 1)\np()\n",
    },
    "super and method resolution": {
        "main.py": (
            "class A:\n    def go(self): self.runs_a()\n    def runs_a(self): pass\n"
            "class B(A):\n    def go(self):\n        super().go()\n        self.runs_b()\n    def runs_b(self): pass\n"
            "class C(A):\n    def idle(self): pass\nB().go()\n"
        ),
    },
    "an override of a called base method": {
        "main.py": (
            "class Base:\n    def run(self): self.runs_step()\n    def runs_step(self): raise NotImplementedError\n"
            "class One(Base):\n    def runs_step(self): self.runs_inner()\n    def runs_inner(self): pass\n"
            "def start(job: Base): job.run()\nstart(One())\n"
        ),
    },
    "property, setter and cached_property": {
        "main.py": (
            "from functools import cached_property\nclass A:\n    @property\n    def runs_p(self): return 1\n"
            "    @property\n    def value(self): return 1\n    @value.setter\n    def value(self, new): runs_setter()\n"
            "    @cached_property\n    def runs_c(self): return B()\n    @property\n    def idle_p(self): return 1\n"
            "class B:\n    def runs_m(self): pass\n"
            "def runs_setter(): pass\na = A()\na.runs_p\na.value = 3\na.runs_c.runs_m()\n"
        ),
    },
    "context managers": {
        "main.py": (
            "from contextlib import contextmanager\nclass Lock:\n    def __enter__(self):\n        runs_enter()\n        return Held()\n"
            "    def __exit__(self, *e): runs_exit()\nclass Held:\n    def runs_use(self): pass\n"
            "class Session:\n    def runs_query(self): pass\n"
            "@contextmanager\ndef runs_session():\n    yield Session()\n"
            "def runs_enter(): pass\ndef runs_exit(): pass\n"
            "with Lock() as held:\n    held.runs_use()\nwith runs_session() as s:\n    s.runs_query()\n"
        ),
    },
    "instances in attributes, from helpers, as parameters": {
        "main.py": (
            "from parts import make\nclass App:\n    def __init__(self, db):\n        self.db = db\n"
            "    def go(self): self.db.runs_query()\ndef use(app): app.go()\nuse(App(make()))\n"
        ),
        "parts.py": "class Db:\n    def runs_query(self): pass\n    def idle(self): pass\ndef make():\n    db = Db()\n    return db\n",
    },
    "classmethod constructors and class registries": {
        "main.py": (
            "class Base:\n    kinds = {}\n    def __init_subclass__(cls, **k):\n        super().__init_subclass__(**k)\n"
            "        Base.kinds[cls.__name__] = cls\n    @classmethod\n    def make(cls, name):\n"
            "        return cls.kinds.get(name, cls)()\n    def go(self): pass\n"
            "class A(Base):\n    def go(self): self.runs_a()\n    def runs_a(self): pass\n"
            "Base.make('A').go()\n"
        ),
    },
    "dispatch tables": {
        "main.py": (
            "import sys\ndef runs_a(): pass\ndef runs_b(): pass\ndef runs_c(): pass\ndef idle(): pass\n"
            "TABLE = {'a': runs_a}\nTABLE['b'] = runs_b\nLIST = [runs_c]\n"
            "TABLE[sys.argv[1]]()\nfor f in LIST: f()\nTABLE.get('x', runs_a)()\n"
        ),
    },
    "a container passed on": {
        "main.py": (
            "class Plugin:\n    def runs_start(self): pass\n"
            "def each(plugins):\n    for name, plugin in plugins.items():\n        plugin.runs_start()\n"
            "def several(*all):\n    for one in all: one()\ndef runs_x(): pass\n"
            "each({'a': Plugin()})\nseveral(runs_x)\n"
        ),
    },
    "getattr with a constant and with a fixed beginning": {
        "main.py": (
            "import sys\nclass Bot:\n    def go(self, name):\n        getattr(self, 'runs_hello')()\n"
            "        getattr(self, f'runs_on_{name}')()\n    def runs_hello(self): pass\n    def runs_on_a(self): pass\n"
            "    def idle(self): pass\nBot().go(sys.argv[1])\n"
        ),
    },
    "lambda, comprehension and built-ins that call": {
        "main.py": (
            "def runs_key(x): return x\ndef runs_map(x): return x\ndef runs_item(): pass\ndef idle(x): pass\n"
            "sorted([1], key=runs_key)\nlist(map(lambda x: runs_map(x), [1]))\n[f() for f in (runs_item,)]\n"
        ),
    },
    "what built-ins ask of an object": {
        "main.py": (
            "class A:\n    def __len__(self): return runs_len()\n    def __str__(self): return runs_str()\n"
            "    def __iter__(self): yield runs_iter()\n    def __call__(self): runs_call()\n"
            "    def __repr__(self): return idle_repr()\n"
            "def runs_len(): return 1\ndef runs_str(): return ''\ndef runs_iter(): pass\ndef runs_call(): pass\n"
            "def idle_repr(): return ''\na = A()\nlen(a)\nstr(a)\nfor x in a: pass\na()\n"
        ),
    },
    "dataclass": {
        "main.py": (
            "from dataclasses import dataclass, field\ndef runs_factory(): return []\ndef idle(): return []\n"
            "@dataclass\nclass Row:\n    items: list = field(default_factory=runs_factory)\n"
            "    def __post_init__(self): self.runs_check()\n    def runs_check(self): pass\n"
            "@dataclass\nclass Other:\n    items: list = field(default_factory=idle)\nRow()\n"
        ),
    },
    "annotations tell instances": {
        "main.py": (
            "from __future__ import annotations\nfrom typing import Optional\nclass Db:\n    def runs_a(self): pass\n"
            "    def runs_b(self): pass\n    def idle(self): pass\ndef get() -> Db: return find()\ndef use(db: Optional[Db]): db.runs_a()\n"
            "def find(): return eval('x')\nuse(None)\nget().runs_b()\n"
        ),
    },
    "the main block of another module does not run": {
        "main.py": "import tool\ntool.runs()\nif __name__ == '__main__':\n    runs_main = 1\n    def runs_here(): pass\n    runs_here()\n",
        "tool.py": "def runs(): pass\ndef idle(): pass\nif __name__ == '__main__':\n    idle()\n",
    },
    "a type-checking block does not run": {
        "main.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import types_only\ndef runs(): pass\nruns()\n",
        "types_only.py": "def idle(): pass\nidle()\n",
    },
    "a context manager's generator is iterated with its name": {
        "main.py": (
            "class Message:\n    def runs_ack(self): pass\nclass Queue:\n    def open(self): return Reader()\n"
            "class Reader:\n    def __enter__(self): return self\n    def __exit__(self, *e): pass\n"
            "    def __iter__(self):\n        yield Message()\n"
            "with Queue().open() as reader:\n    for message in reader:\n        message.runs_ack()\n"
        ),
    },
}  # fmt: skip


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_only_what_is_reached_runs(files: dict[str, str]) -> None:
    program = link(files)
    reached = set(program.units())
    assert functions(program, "runs")
    assert [name for name, key in functions(program, "runs").items() if key not in reached] == []
    assert [name for name, key in functions(program, "idle").items() if key in reached] == []


def test_a_source_layout_is_searched() -> None:
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1"\n',
        "src/shop/__init__.py": "",
        "src/shop/__main__.py": "from shop.jobs import runs\nruns()\n",
        "src/shop/jobs.py": "def runs(): pass\n",
    }
    program = link(files, "python -m shop")
    assert set(functions(program, "runs").values()) <= set(program.units())


def test_plug_ins_named_in_settings_are_loaded() -> None:
    files = {
        "manage.py": (
            "import os, sys\nos.environ.setdefault('DJANGO_SETTINGS_MODULE', 'site_.settings')\n"
            "from django.core.management import execute_from_command_line\nexecute_from_command_line(sys.argv)\n"
        ),
        "site_/__init__.py": "",
        "site_/settings.py": (
            "import os\nBASE = ['shop']\nINSTALLED_APPS = BASE + ['extra.apps.ExtraConfig']\nROOT_URLCONF = 'site_.urls'\n"
            "MIDDLEWARE = ['shop.middleware.Timing']\n"
        ),
        "site_/urls.py": "urlpatterns = []\n",
        "shop/__init__.py": "",
        "shop/models.py": "def runs_models(): pass\nruns_models()\n",
        "shop/middleware.py": "class Timing:\n    def __init__(self, get): pass\n    def __call__(self, request): self.runs_timing()\n    def runs_timing(self): pass\n",
        "extra/__init__.py": "",
        "extra/apps.py": "from django.apps import AppConfig\nclass ExtraConfig(AppConfig):\n    name = 'extra'\n    def ready(self): runs_ready()\ndef runs_ready(): pass\n",
        "unused/__init__.py": "",
        "unused/models.py": "def idle(): pass\nidle()\n",
    }  # fmt: skip
    program = link(files, "python manage.py runserver")
    reached = set(program.units())
    assert set(functions(program, "runs").values()) <= reached
    assert not set(functions(program, "idle").values()) & reached
