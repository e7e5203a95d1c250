"""What Python itself runs for a construct: each program is really run, and what was seen running is in the model.

Functions called `runs…` run when the program does, those called `idle…` do not.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from small_apps import functions, link, phases

WATCH = """
import json, os, runpy, sys, threading
seen = set()
def watch(frame, event, argument):
    if event == "call" and frame.f_code.co_filename.startswith(os.getcwd()):
        seen.add(frame.f_code.co_name)
sys.path.insert(0, os.getcwd())
threading.setprofile(watch)
sys.setprofile(watch)
runpy.run_path(os.path.join(os.getcwd(), "main.py"), run_name="__main__")
sys.setprofile(None)
print(json.dumps(sorted(seen)))
"""

CASES: dict[str, dict[str, str]] = {
    "metaclass registration": {
        "main.py": """
registry = {}
class Meta(type):
    def __new__(mcs, name, bases, body):
        made = super().__new__(mcs, name, bases, body)
        runs_new(made)
        return made
    def __init__(cls, name, bases, body):
        super().__init__(name, bases, body)
        registry[name] = cls
        runs_init()
def runs_new(made): pass
def runs_init(): pass
class Base(metaclass=Meta):
    def idle_base(self): pass
class Mail(Base):
    def runs_do(self): pass
registry["Mail"]().runs_do()
"""
    },
    "a metaclass's call and inherited metaclass": {
        "main.py": """
class Single(type):
    made = {}
    def __call__(cls, *args):
        runs_call()
        if cls not in cls.made:
            cls.made[cls] = super().__call__(*args)
        return cls.made[cls]
def runs_call(): pass
class Base(metaclass=Single):
    pass
class Store(Base):
    def __init__(self): self.runs_setup()
    def runs_setup(self): pass
    def runs_put(self): pass
Store().runs_put()
"""
    },
    "operators": {
        "main.py": """
class Money:
    def __init__(self, n): self.n = n
    def __add__(self, other): return runs_add(self)
    def __radd__(self, other): return runs_radd(self)
    def __iadd__(self, other): runs_iadd(); return self
    def __eq__(self, other): runs_eq(); return True
    def __lt__(self, other): runs_lt(); return True
    def __neg__(self): runs_neg(); return self
    def __or__(self, other): runs_or(); return self
    def __bool__(self): runs_bool(); return True
    def __contains__(self, item): runs_contains(); return True
    def __mul__(self, other): idle_mul(); return self
    def __hash__(self): return 1
def runs_add(m): return m
def runs_radd(m): return m
def runs_iadd(): pass
def runs_eq(): pass
def runs_lt(): pass
def runs_neg(): pass
def runs_or(): pass
def runs_bool(): pass
def runs_contains(): pass
def idle_mul(): pass
a, b = Money(1), Money(2)
x = a + b
y = 1 + a
a += b
print(a == b, a < b)
z = -a
x = a | b
if a:
    pass
if 3 in b:
    pass
"""
    },
    "items": {
        "main.py": """
class Box:
    def __getitem__(self, key): return runs_get()
    def __setitem__(self, key, value): runs_set()
    def __delitem__(self, key): runs_del()
    def __len__(self): runs_len(); return 1
def runs_get(): pass
def runs_set(): pass
def runs_del(): pass
def runs_len(): pass
box = Box()
box["a"]
box["a"] = 1
del box["a"]
len(box)
"""
    },
    "what an operator gives": {
        "main.py": """
class Stage:
    def __init__(self, step): self.step = step
    def __or__(self, other): return Pipeline(self, other)
class Pipeline:
    def __init__(self, *stages): self.stages = stages
    def __getitem__(self, index): return self.stages[index]
    def runs_all(self):
        for stage in self.stages:
            stage.step()
def runs_one(): pass
def runs_two(): pass
(Stage(runs_one) | Stage(runs_two)).runs_all()
"""
    },
    "an item's result": {
        "main.py": """
class Client:
    def runs_send(self): pass
    def idle_send(self): pass
class Pool:
    def __getitem__(self, name): return Client()
pool = Pool()
pool["mail"].runs_send()
"""
    },
    "called objects and getattr": {
        "main.py": """
class Handler:
    def __call__(self): self.runs_handle()
    def runs_handle(self): pass
class Proxy:
    def __init__(self, target): self.target = target
    def __getattr__(self, name): return getattr(self.target, name)
class Target:
    def runs_go(self): pass
class Lazy:
    def __getattr__(self, name):
        runs_ask(name)
        return None
def runs_ask(name): pass
Handler()()
Proxy(Target()).runs_go()
Lazy().anything
"""
    },
    "setattr and delattr": {
        "main.py": """
class Watched:
    def __setattr__(self, name, value):
        runs_set()
        super().__setattr__(name, value)
    def __delattr__(self, name): runs_delete()
def runs_set(): pass
def runs_delete(): pass
w = Watched()
w.x = 1
del w.x
"""
    },
    "iteration protocols": {
        "main.py": """
class Source:
    def __iter__(self):
        return Steps()
class Steps:
    def __next__(self):
        runs_next()
        raise StopIteration
    def __iter__(self): return self
class Old:
    def __getitem__(self, index):
        runs_old()
        raise IndexError
class Rows:
    def __iter__(self):
        yield runs_row()
class Pair:
    def __iter__(self):
        runs_pair()
        return iter((1, 2))
def runs_next(): pass
def runs_old(): pass
def runs_row(): pass
def runs_pair(): pass
for step in Source():
    pass
for item in Old():
    pass
names = [row for row in Rows()]
first, second = Pair()
"""
    },
    "delegated and star iteration": {
        "main.py": """
class Rows:
    def __iter__(self):
        yield runs_row()
class Words:
    def __iter__(self):
        yield runs_word()
    def __len__(self): return 1
class Keys:
    def keys(self): return runs_keys()
    def __getitem__(self, key): return runs_value()
def runs_row(): pass
def runs_word(): pass
def runs_keys(): return ["a"]
def runs_value(): return 1
def both():
    yield from Rows()
def take(*args, **kwargs): pass
for each in both():
    pass
take(*Words())
take(**Keys())
"""
    },
    "generators consumed elsewhere": {
        "main.py": """
def produce():
    runs_before()
    yield Job()
    runs_after()
def runs_before(): pass
def runs_after(): pass
class Job:
    def runs_job(self): pass
def consume(jobs):
    for job in jobs:
        job.runs_job()
stream = produce()
consume(stream)
"""
    },
    "async generators": {
        "main.py": """
import asyncio
class Job:
    def runs_job(self): pass
async def produce():
    yield Job()
async def consume(jobs):
    async for job in jobs:
        job.runs_job()
    names = [runs_name(job) async for job in produce()]
def runs_name(job): pass
class Feed:
    def __aiter__(self): return self
    async def __anext__(self):
        runs_anext()
        raise StopAsyncIteration
def runs_anext(): pass
async def main():
    await consume(produce())
    async for x in Feed():
        pass
    async with Session() as session:
        await session.runs_get()
class Session:
    async def __aenter__(self):
        runs_enter()
        return self
    async def __aexit__(self, *e): runs_exit()
    async def runs_get(self): pass
def runs_enter(): pass
def runs_exit(): pass
asyncio.run(main())
"""
    },
    "an awaitable object": {
        "main.py": """
import asyncio
class Reply:
    def __await__(self):
        runs_await()
        yield from asyncio.sleep(0).__await__()
        return Body()
class Body:
    def runs_read(self): pass
def runs_await(): pass
async def main():
    body = await Reply()
    body.runs_read()
asyncio.run(main())
"""
    },
    "contextmanager": {
        "main.py": """
from contextlib import contextmanager, asynccontextmanager, ExitStack, closing, nullcontext
import asyncio
class Session:
    def runs_commit(self): pass
    def close(self): runs_close()
def runs_close(): pass
@contextmanager
def session():
    made = Session()
    try:
        yield made
    finally:
        runs_end()
def runs_end(): pass
@asynccontextmanager
async def pool():
    yield Pool()
class Pool:
    async def runs_take(self): pass
class Unit:
    @contextmanager
    def begin(self):
        yield self
    def runs_unit(self): pass
with session() as s:
    s.runs_commit()
with Unit().begin() as unit:
    unit.runs_unit()
async def main():
    async with pool() as p:
        await p.runs_take()
asyncio.run(main())
def runs_callback(): pass
with closing(Session()) as c:
    c.runs_commit()
with ExitStack() as stack:
    s = stack.enter_context(session())
    stack.callback(runs_callback)
    s.runs_commit()
def unused(): idle_a()
def idle_a(): pass
"""
    },
    "decorators that wrap at call time": {
        "main.py": """
import functools
def logged(f):
    @functools.wraps(f)
    def wrapper(*args, **kwargs):
        runs_before()
        return f(*args, **kwargs)
    return wrapper
def retry(times):
    def outer(f):
        @functools.wraps(f)
        def wrapper(*args, **kwargs):
            runs_retry()
            return f(*args, **kwargs)
        return wrapper
    return outer
def runs_before(): pass
def runs_retry(): pass
@logged
def runs_a(): return Thing()
@retry(times=3)
def runs_b(): pass
class Thing:
    def runs_thing(self): pass
class Service:
    @logged
    def runs_method(self): self.runs_inner()
    def runs_inner(self): pass
runs_a().runs_thing()
runs_b()
Service().runs_method()
@logged
def idle_job(): idle_inner()
def idle_inner(): pass
"""
    },
    "a decorator with and without arguments": {
        "main.py": """
import functools
def task(func=None, *, name=None):
    if func is None:
        return functools.partial(task, name=name)
    @functools.wraps(func)
    def wrapper(*args):
        runs_wrapper()
        return func(*args)
    return wrapper
def runs_wrapper(): pass
@task
def runs_plain(): pass
@task(name="x")
def runs_named(): pass
runs_plain()
runs_named()
"""
    },
    "class decorators": {
        "main.py": """
handlers = {}
def register(name):
    def outer(cls):
        handlers[name] = cls
        return cls
    return outer
@register("mail")
class Mail:
    def runs_send(self): pass
@register("sms")
class Sms:
    def runs_send_sms(self): pass
    def idle(self): pass
for name, cls in handlers.items():
    if name == "mail":
        cls().runs_send()
    else:
        cls().runs_send_sms()
"""
    },
    "init_subclass": {
        "main.py": """
class Plugin:
    registry = []
    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        cls.registry.append(cls)
        runs_hook()
    def start(self): raise NotImplementedError
def runs_hook(): pass
class Mail(Plugin):
    def start(self): runs_mail()
class Sms(Plugin):
    def start(self): runs_sms()
def runs_mail(): pass
def runs_sms(): pass
for plugin in Plugin.registry:
    plugin().start()
"""
    },
    "subclasses of a class": {
        "main.py": """
class Step:
    def run(self): pass
class One(Step):
    def run(self): runs_one()
class Two(Step):
    def run(self): runs_two()
def runs_one(): pass
def runs_two(): pass
for cls in Step.__subclasses__():
    cls().run()
"""
    },
    "dataclass factories": {
        "main.py": """
from dataclasses import dataclass, field
def runs_made(): return Client()
class Client:
    def runs_call(self): pass
@dataclass
class Config:
    client: Client = field(default_factory=runs_made)
    items: list = field(default_factory=lambda: runs_items())
    def __post_init__(self): self.runs_post()
    def runs_post(self): pass
    def idle(self): pass
def runs_items(): return []
Config().client.runs_call()
"""
    },
    "class registries": {
        "main.py": """
import sys
class Mail:
    def go(self): runs_mail()
class Sms:
    def go(self): runs_sms()
class Fax:
    def go(self): idle_fax()
def runs_mail(): pass
def runs_sms(): pass
def idle_fax(): pass
KINDS = {"mail": Mail, "sms": Sms}
def make(kind):
    cls = KINDS.get(kind)
    return cls()
for kind in ("mail", "sms"):
    make(kind).go()
"""
    },
    "registered by a call": {
        "main.py": """
class Router:
    def __init__(self):
        self._routes = {}
        self.hooks = []
    def register(self, name, handler):
        self._routes[name] = handler
    def on(self, name):
        def outer(f):
            self.hooks.append(f)
            return f
        return outer
    def dispatch(self, name):
        handler = self._routes[name]
        handler()
        for hook in self.hooks:
            hook()
router = Router()
def runs_a(): pass
def idle_b(): pass
router.register("a", runs_a)
@router.on("start")
def runs_hook(): pass
router.dispatch("a")
"""
    },
    "names of a module from a fixed set": {
        "main.py": """
import jobs
for name in ("runs_one", "runs_two"):
    getattr(jobs, name)()
NAMES = ["runs_three"]
for name in NAMES:
    getattr(jobs, name)()
""",
        "jobs.py": "def runs_one(): pass\ndef runs_two(): pass\ndef runs_three(): pass\ndef idle(): pass\n",
    },
    "methods by name": {
        "main.py": """
class Runner:
    STEPS = ("runs_load", "runs_save")
    def go(self):
        for step in self.STEPS:
            getattr(self, step)()
    def handle(self, method):
        handler = getattr(self, method.lower(), self.fallback)
        handler()
    def runs_load(self): pass
    def runs_save(self): pass
    def get(self): self.runs_get()
    def runs_get(self): pass
    def fallback(self): self.runs_fallback()
    def runs_fallback(self): pass
Runner().go()
Runner().handle("GET")
Runner().handle("NONE")
"""
    },
    "a function by its name among the globals": {
        "main.py": """
def runs_a(): pass
globals()["runs_a"]()
"""
    },
    "singledispatch": {
        "main.py": """
from functools import singledispatch, singledispatchmethod
@singledispatch
def show(value): runs_default()
@show.register
def _(value: int): runs_int()
@show.register(str)
def _text(value): runs_str()
def runs_default(): pass
def runs_int(): pass
def runs_str(): pass
show(1.0)
show(1)
show("x")
class Printer:
    @singledispatchmethod
    def put(self, value): runs_put()
    @put.register
    def _put_int(self, value: int): runs_put_int()
def runs_put(): pass
def runs_put_int(): pass
Printer().put(1.0)
Printer().put(1)
"""
    },
    "properties, setters and deleters": {
        "main.py": """
class Account:
    def __init__(self): self._n = 0
    @property
    def n(self): return runs_get()
    @n.setter
    def n(self, value): runs_set()
    @n.deleter
    def n(self): runs_delete()
    def _get_m(self): return runs_get_m()
    def _set_m(self, value): runs_set_m()
    m = property(_get_m, _set_m)
    @property
    def idle(self): return 1
def runs_get(): pass
def runs_set(): pass
def runs_delete(): pass
def runs_get_m(): pass
def runs_set_m(): pass
a = Account()
a.n
a.n = 1
del a.n
a.m
a.m = 2
"""
    },
    "descriptors": {
        "main.py": """
class Field:
    def __set_name__(self, owner, name): runs_name()
    def __get__(self, obj, owner=None): return runs_get()
    def __set__(self, obj, value): runs_set()
def runs_name(): pass
def runs_get(): pass
def runs_set(): pass
class Row:
    name = Field()
row = Row()
row.name
row.name = 1
"""
    },
    "a descriptor as decorator": {
        "main.py": """
class lazy:
    def __init__(self, f): self.f = f
    def __get__(self, obj, owner=None):
        return self.f(obj)
class Service:
    @lazy
    def client(self): return runs_client()
def runs_client(): return Client()
class Client:
    def runs_call(self): pass
Service().client.runs_call()
"""
    },
    "lambdas kept in a mapping": {
        "main.py": """
ACTIONS = {"a": lambda: runs_a(), "b": lambda n: runs_b(n)}
def runs_a(): pass
def runs_b(n): pass
ACTIONS["a"]()
ACTIONS.get("b")(1)
class Menu:
    def __init__(self):
        self.actions = {"x": self.runs_x, "y": lambda: self.runs_y()}
    def runs_x(self): pass
    def runs_y(self): pass
    def pick(self, name):
        self.actions[name]()
m = Menu()
m.pick("x")
m.pick("y")
"""
    },
    "modules of a list": {
        "main.py": """
import importlib
PLUGINS = ["plugins.mail", "plugins.sms"]
for name in PLUGINS:
    module = importlib.import_module(name)
    module.setup()
""",
        "plugins/__init__.py": "",
        "plugins/mail.py": "def setup(): runs_mail()\ndef runs_mail(): pass\n",
        "plugins/sms.py": "def setup(): runs_sms()\ndef runs_sms(): pass\n",
        "plugins/fax.py": "def setup(): idle()\ndef idle(): pass\n",
    },
    "modules of the own package": {
        "main.py": "import plugins\nplugins.load()\n",
        "plugins/__init__.py": """
import importlib, pkgutil
def load():
    for info in pkgutil.iter_modules(__path__):
        module = importlib.import_module(f"{__name__}.{info.name}")
        module.setup()
""",
        "plugins/mail.py": "def setup(): runs_mail()\ndef runs_mail(): pass\n",
        "plugins/sms.py": "def setup(): runs_sms()\ndef runs_sms(): pass\ndef idle(): pass\n",
    },
    "modules of a package, found in its folder": {
        "main.py": """
import importlib, os, pkgutil
import commands, handlers
for finder, name, is_package in pkgutil.walk_packages(commands.__path__, commands.__name__ + "."):
    importlib.import_module(name)
for file in os.listdir("handlers"):
    if file.endswith(".py") and file != "__init__.py":
        importlib.import_module("handlers." + file[:-3])
for file in os.listdir("cogs"):
    if file.endswith(".py"):
        __import__(f"cogs.{file[:-3]}")
""",
        "commands/__init__.py": "",
        "commands/a.py": "def runs_a(): pass\nruns_a()\n",
        "handlers/__init__.py": "",
        "handlers/b.py": "def runs_b(): pass\nruns_b()\n",
        "cogs/c.py": "def runs_c(): pass\nruns_c()\n",
    },
    "a class by its dotted name": {
        "main.py": """
import importlib
def load(path):
    module, _, name = path.rpartition(".")
    return getattr(importlib.import_module(module), name)
BACKEND = "backends.mail.Mail"
load(BACKEND)().send()
""",
        "backends/__init__.py": "",
        "backends/mail.py": "class Mail:\n    def send(self): runs_send()\ndef runs_send(): pass\n",
    },
    "closures and callbacks in instances": {
        "main.py": """
class Timer:
    def __init__(self, callback, on_error=None):
        self.callback = callback
        self._on_error = on_error or (lambda e: None)
    def fire(self):
        try:
            self.callback()
        except ValueError as e:
            self._on_error(e)
def make():
    def runs_inner():
        raise ValueError
    return Timer(runs_inner, on_error=runs_error)
def runs_error(e): pass
make().fire()
"""
    },
    "mixins and cooperative calls": {
        "main.py": """
class Base:
    def run(self): self.runs_prepare(); self.work()
    def runs_prepare(self): pass
    def work(self): pass
class Mixin:
    def work(self):
        runs_mixin()
        super().work()
class Core(Base):
    def work(self): runs_core()
class Job(Mixin, Core):
    pass
def runs_mixin(): pass
def runs_core(): pass
Job().run()
"""
    },
    "abstract bases": {
        "main.py": """
from abc import ABC, abstractmethod
class Repo(ABC):
    @abstractmethod
    def save(self): ...
    @property
    @abstractmethod
    def name(self): ...
class SqlRepo(Repo):
    def save(self): runs_sql()
    @property
    def name(self): return runs_name()
def runs_sql(): pass
def runs_name(): pass
class Service:
    def __init__(self, repo: Repo):
        self.repo = repo
    def go(self):
        self.repo.save()
        self.repo.name
Service(SqlRepo()).go()
"""
    },
    "enum members and named tuples": {
        "main.py": """
from enum import Enum
from typing import NamedTuple
class Color(Enum):
    RED = 1
    def runs_hex(self): pass
    @classmethod
    def runs_parse(cls, x): return cls(x)
    @property
    def runs_label(self): return 1
class Task(NamedTuple):
    run: object
    def runs_go(self): self.run()
def runs_task(): pass
Color.RED.runs_hex()
Color.runs_parse(1).runs_hex()
Color.RED.runs_label
for color in Color:
    color.runs_hex()
Task(runs_task).runs_go()
TASKS = [Task(lambda: runs_second())]
def runs_second(): pass
for task in TASKS:
    task.run()
"""
    },
    "keyword callbacks and stars": {
        "main.py": """
def runs_a(): pass
def runs_b(): pass
def runs_c(): pass
def call(*functions, **named):
    for f in functions:
        f()
    for name, f in named.items():
        f()
def forward(*args, **kwargs):
    call(*args, **kwargs)
forward(runs_a, runs_b, third=runs_c)
"""
    },
    "threads and subclasses of Thread": {
        "main.py": """
import threading
class Poller(threading.Thread):
    def run(self): self.runs_poll()
    def runs_poll(self): pass
    def idle(self): pass
t = Poller()
t.start()
t.join()
def start(target, *args):
    thread = threading.Thread(target=target, args=args)
    thread.start()
    thread.join()
class Work:
    def runs_bound(self): pass
start(Work().runs_bound)
"""
    },
    "weakref, atexit and finalizers": {
        "main.py": """
class Temp:
    def __del__(self): runs_del()
def runs_del(): pass
Temp()
class Show:
    def __repr__(self): return runs_repr()
    def __str__(self): return runs_str()
    def __format__(self, spec): return runs_format()
def runs_repr(): return ""
def runs_str(): return ""
def runs_format(): return ""
z = f"{Show()}"
x = "%s" % Show()
y = repr(Show())
"""
    },
    "comprehension scopes and sort keys": {
        "main.py": """
def runs_key(x): return x
def runs_filter(x): return True
def runs_map(x): return x
sorted([2, 1], key=runs_key)
list(filter(runs_filter, map(runs_map, [1])))
def runs_max(x): return x
max([1, 2], key=lambda x: runs_max(x))
def runs_one(): pass
def runs_two(): pass
handlers = [f for f in (runs_one, runs_two)]
for h in handlers: h()
def runs_three(): pass
table = {f.__name__: f for f in (runs_three,)}
table["runs_three"]()
"""
    },
    "match on classes": {
        "main.py": """
class A:
    def runs_a(self): pass
class B:
    def runs_b(self): pass
def handle(x):
    match x:
        case A() as a:
            a.runs_a()
        case B() as b:
            b.runs_b()
handle(A())
handle(B())
"""
    },
    "isinstance narrows": {
        "main.py": """
class A:
    def runs_a(self): pass
def handle(x):
    if isinstance(x, A):
        x.runs_a()
def pick(items):
    return items[0]
handle(pick([A()]))
"""
    },
    "objects in module state": {
        "main.py": """
import state
state.init()
state.get().runs_query()
state.client.runs_query()
""",
        "state.py": """
client = None
class Client:
    def runs_query(self): pass
def init():
    global client
    client = Client()
def get():
    if client is None:
        init()
    return client
""",
    },
    "a list of pairs unpacked": {
        "main.py": """
def runs_a(): pass
def runs_b(): pass
class C:
    def runs_c(self): pass
for name, func, obj in [("a", runs_a, C()), ("b", runs_b, C())]:
    func()
    obj.runs_c()
def runs_one(): pass
def runs_two(): pass
def runs_three(): pass
f, g = (runs_one, runs_two)
f()
g()
def make():
    return runs_three, C()
h, c = make()
h()
c.runs_c()
"""
    },
    "class attributes as factories": {
        "main.py": """
class Serializer:
    def runs_dump(self): pass
class View:
    serializer_class = None
    def get_serializer(self):
        return self.serializer_class()
    def run(self):
        self.get_serializer().runs_dump()
class Page(View):
    serializer_class = Serializer
Page().run()
"""
    },
    "staticmethod and classmethod registries": {
        "main.py": """
class Registry:
    _items = {}
    @classmethod
    def add(cls, name):
        def outer(item):
            cls._items[name] = item
            return item
        return outer
    @staticmethod
    def runs_static(): pass
    @classmethod
    def run(cls, name):
        cls._items[name]()
@Registry.add("x")
def runs_x(): pass
Registry.runs_static()
Registry.run("x")
"""
    },
    "exceptions with behaviour": {
        "main.py": """
class AppError(Exception):
    def __init__(self, n):
        super().__init__(n)
        runs_made()
    def runs_report(self): pass
def runs_made(): pass
try:
    raise AppError(1)
except AppError as e:
    e.runs_report()
"""
    },
    "functions on functions": {
        "main.py": """
def job(): pass
def runs_extra(): pass
job.extra = runs_extra
job.extra()
"""
    },
    "recursion of factories": {
        "main.py": """
class Node:
    def __init__(self, parent=None):
        self.parent = parent
    def child(self):
        return Node(self)
    def runs_up(self):
        if self.parent:
            self.parent.runs_up()
Node().child().child().runs_up()
"""
    },
    "a decorator that has a library run its inner function": {
        "main.py": """
import functools
import threading


def in_background(function):
    @functools.wraps(function)
    def runs_around():
        function()

    thread = threading.Thread(target=runs_around)
    thread.start()
    thread.join()
    return runs_around


@in_background
def runs_inside():
    pass
"""
    },
    "a name that becomes the class that it names": {
        "main.py": """
import importlib

BACKENDS = {"mail": ("Mail", "backends.mail.Mail"), "sms": ("SMS", "backends.sms.Sms")}


def backend(kind):
    label, found = BACKENDS[kind]
    if isinstance(found, str):
        module, name = found.rsplit(".", maxsplit=1)
        found = getattr(importlib.import_module(module), name)
    return found()


for kind in BACKENDS:
    backend(kind).send()
""",
        "backends/__init__.py": "",
        "backends/mail.py": "class Mail:\n    def send(self):\n        runs_mail()\n\n\ndef runs_mail():\n    pass\n",
        "backends/sms.py": "class Sms:\n    def send(self):\n        runs_sms()\n\n\ndef runs_sms():\n    pass\n",
    },
    "modules named relative to a package": {
        "main.py": """
import importlib
import os

for file in sorted(os.listdir("plugins")):
    if not file.startswith("_"):
        importlib.import_module("." + file.removesuffix(".py"), package="plugins").setup()
""",
        "plugins/__init__.py": "",
        "plugins/mail.py": "def setup():\n    runs_setup()\n\n\ndef runs_setup():\n    pass\n",
    },
    "builder chains": {
        "main.py": """
class Query:
    def where(self, f):
        self.f = f
        return self
    def limit(self, n): return self
    def all(self):
        self.runs_all()
        return [Row()]
    def runs_all(self): self.f()
class Row:
    def runs_row(self): pass
def runs_where(): pass
for row in Query().where(runs_where).limit(3).all():
    row.runs_row()
Query().where(runs_where).all()[0].runs_row()
"""
    },
    "nested containers": {
        "main.py": """
def runs_a(): pass
def runs_b(): pass
TREE = {"group": {"a": runs_a, "b": [runs_b]}}
TREE["group"]["a"]()
for f in TREE["group"]["b"]:
    f()
class Bus:
    def __init__(self):
        self.handlers = {}
    def on(self, name, handler):
        self.handlers.setdefault(name, []).append(handler)
    def emit(self, name):
        for handler in self.handlers.get(name, []):
            handler()
def runs_event(): pass
bus = Bus()
bus.on("x", runs_event)
bus.emit("x")
"""
    },
    "defaultdict and deque": {
        "main.py": """
from collections import defaultdict, deque
def runs_a(): pass
def runs_b(): pass
handlers = defaultdict(list)
handlers["x"].append(runs_a)
for h in handlers["x"]:
    h()
queue = deque()
queue.append(runs_b)
queue.popleft()()
made = defaultdict(lambda: runs_made())
def runs_made(): return 1
made["k"]
"""
    },
    "queue of functions": {
        "main.py": """
import queue
def runs_job(): pass
q = queue.Queue()
q.put(runs_job)
def work():
    job = q.get()
    job()
work()
def runs_pair(): pass
q.put((runs_pair, 1))
func, n = q.get()
func()
"""
    },
    "new and slots": {
        "main.py": """
class Single:
    _it = None
    def __new__(cls):
        if cls._it is None:
            cls._it = super().__new__(cls)
            cls._it.runs_setup()
        return cls._it
    def runs_setup(self): pass
    def runs_go(self): pass
Single().runs_go()
"""
    },
    "reduce, partialmethod and methodcaller": {
        "main.py": """
from functools import partialmethod, reduce, cached_property, lru_cache
from operator import methodcaller, attrgetter
class A:
    def run(self, n): runs_run()
    run_two = partialmethod(run, 2)
    @cached_property
    def value(self): return runs_value()
    @lru_cache
    def cached(self): return runs_cached()
def runs_run(): pass
def runs_value(): pass
def runs_cached(): pass
def runs_sum(a, b): return a
reduce(runs_sum, [1, 2])
A().run_two()
A().value
A().cached()
"""
    },
    "generic classes": {
        "main.py": """
from typing import Generic, TypeVar
T = TypeVar("T")
class Repo(Generic[T]):
    def __init__(self, model): self.model = model
    def first(self) -> T: return self.model()
class User:
    def runs_user(self): pass
class UserRepo(Repo[User]):
    def runs_find(self): return self.first()
UserRepo(User).runs_find().runs_user()
"""
    },
    "signal-like hooks": {
        "main.py": """
class Signal:
    def __init__(self): self._receivers = []
    def connect(self, f):
        self._receivers.append(f)
        return f
    def send(self, **kw):
        return [f(**kw) for f in self._receivers]
created = Signal()
@created.connect
def runs_created(**kw): pass
created.send(x=1)
"""
    },
    "get with tuple": {
        "main.py": """
def runs_a(): pass
def runs_d(): pass
TABLE = {"a": ("A", runs_a)}
label, f = TABLE.get("a", ("D", runs_d))
f()
label, f = TABLE.get("zz", ("D", runs_d))
f()
""",
    },
    "nested dict row": {
        "main.py": """
def runs_a(): pass
def runs_b(): pass
TABLE = {"a": {"func": runs_a, "n": 1}}
def pick(k):
    spec = TABLE[k]
    spec["func"]()
pick("a")
class K:
    OPS = {"b": {"f": runs_b}}
    def go(self, k):
        self.OPS[k]["f"]()
K().go("b")
""",
    },
    "getattr literal param": {
        "main.py": """
from typing import Literal
class H:
    def runs_start(self): pass
    def idle_other(self): pass
def go(h, name: Literal["runs_start"]):
    getattr(h, name)()
go(H(), "runs_start")
""",
    },
    "getattr enum": {
        "main.py": """
import enum
class Action(enum.Enum):
    START = "runs_start"
    STOP = "runs_stop"
class H:
    def runs_start(self): pass
    def runs_stop(self): pass
    def idle_other(self): pass
for a in Action:
    getattr(H(), a.value)()
""",
    },
    "getattr module from constants": {
        "main.py": """
import work
for name in ["runs_a", "runs_b"]:
    getattr(work, name)()
""",
        "work.py": """
def runs_a(): pass
def runs_b(): pass
def idle_c(): pass
""",
    },
    "class attr of dataclass default factory": {
        "main.py": """
from dataclasses import dataclass, field
class Engine:
    def runs_e(self): pass
@dataclass
class Car:
    engine: "Engine" = field(default_factory=Engine)
    hooks: list = field(default_factory=list)
    def go(self):
        self.engine.runs_e()
        for h in self.hooks: h()
def runs_h(): pass
c = Car(hooks=[runs_h])
c.go()
""",
    },
    "unpacked positions are told apart": {
        "main.py": """
class A:
    def go(self): runs_a()
class B:
    def go(self): idle_b()
    def runs_b(self): pass
def runs_a(): pass
def idle_b(): pass
def make(): return A(), B()
a, b = make()
a.go()
b.runs_b()
""",
    },
    "visitor": {
        "main.py": """
class V:
    def visit(self, n):
        m = getattr(self, "visit_" + n.__class__.__name__, self.runs_generic)
        return m(n)
    def visit_A(self, n): runs_a()
    def runs_generic(self, n): pass
def runs_a(): pass
class A: pass
class B: pass
V().visit(A()); V().visit(B())
""",
    },
    "tuple rows in dict": {
        "main.py": """
class Mail:
    def __init__(self): self.runs_init()
    def runs_init(self): pass
    def runs_go(self): pass
class Sms:
    def runs_go2(self): pass
TABLE = {"mail": ("Mail", Mail), "sms": ("Sms", Sms)}
def make(kind):
    label, cls = TABLE[kind]
    return cls()
make("mail").runs_go()
label, cls = TABLE["sms"]
cls().runs_go2()
""",
    },
    "return tuple of objects": {
        "main.py": """
class A:
    def runs_a(self): pass
class B:
    def runs_b(self): pass
def make(): return A(), B()
a, b = make()
a.runs_a(); b.runs_b()
def pair(): return {"a": A()}, [B()]
d, l = pair()
d["a"].runs_a()
l[0].runs_b()
""",
    },
    "a list that a function fills": {
        "main.py": """
import shelf
from shelf import DAILY
class Registry:
    hourly = []
    @staticmethod
    def _put(into, jobs):
        for job in jobs:
            into.append(job)
    @staticmethod
    def register(*jobs):
        Registry._put(Registry.hourly, jobs)
def add(into, job): into.append(job)
def runs_hourly(): pass
def runs_daily(): pass
def runs_named(): pass
Registry.register(runs_hourly)
add(DAILY, runs_daily)
add(job=runs_named, into=shelf.NAMED)
for job in Registry.hourly:
    job()
shelf.run()
""",
        "shelf.py": """
DAILY = []
NAMED = []
def run():
    for job in DAILY + NAMED:
        job()
""",
    },
    "a function in the place of a library's": {
        "main.py": """
import json
class Point: pass
def runs_default(self, value): return runs_text(value)
def runs_text(value): return str(value)
json.JSONEncoder.default = runs_default
json.dumps(Point())
"""
    },
    "fields that an instance is given": {
        "main.py": """
from dataclasses import dataclass, replace
@dataclass
class Order:
    number: int = 0
    paid: bool = False
    kind: str = "shop"
    urgent: bool = False
    never: bool = False
def work(order):
    if order.paid: runs_paid()
    if order.kind == "mail": runs_mail()
    if order.urgent: runs_urgent()
    if order.never: idle_never()
def runs_paid(): pass
def runs_mail(): pass
def runs_urgent(): pass
def idle_never(): pass
work(Order(1, True))
work(Order(kind="mail"))
work(replace(Order(), urgent=True))
"""
    },
    "texts that classes below have otherwise": {
        "main.py": """
class Job:
    queue = ""
    def run(self):
        if self.queue == "mail": self.runs_mail()
    def runs_mail(self): pass
class Mail(Job):
    queue = "mail"
Mail().run()
"""
    },
    "a container's subclass": {
        "main.py": """
class Job:
    def runs_go(self): pass
class Other:
    def runs_other(self): pass
class Registry(dict):
    def add(self, name, job): self[name] = job
class Typed(dict[str, Other]):
    pass
class Rows(list):
    def put(self, job): self.append(job)
R = Registry()
R.add("a", Job())
R["a"].runs_go()
T = Typed()
T["x"] = Other()
T["x"].runs_other()
rows = Rows()
rows.put(Job())
for row in rows: row.runs_go()
for name, job in R.items(): job.runs_go()
R.get("a").runs_go()
""",
    },
    "generic bases": {
        "main.py": """
from typing import Generic, TypeVar
T = TypeVar("T")
class Base(Generic[T]):
    def __init__(self, model): self.model = model
    def get(self): return self.runs_in()
    def runs_in(self): pass
class Users(Base[int]):
    pass
class Deep(Users): pass
users = Deep(int)
users.get()
""",
    },
}


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_what_ran_is_in_the_model(files: dict[str, str], tmp_path: Path) -> None:
    for path, text in files.items():
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text, encoding="utf-8")
    done = subprocess.run([sys.executable, "-c", WATCH], cwd=tmp_path, capture_output=True, check=True)
    ran = set(json.loads(done.stdout.splitlines()[-1]))
    program = link(files)
    reached = set(program.units())
    wanted = {name.rpartition(".")[2] for name in functions(program, "runs")}
    assert wanted and wanted <= ran, wanted - ran
    assert [name for name, key in functions(program, "runs").items() if key not in reached] == []
    idle = functions(program, "idle")
    assert {name.rpartition(".")[2] for name in idle}.isdisjoint(ran)
    assert [name for name, key in idle.items() if key in reached] == []


def test_a_job_that_may_be_run_at_once_is_only_handed_over() -> None:
    """The call that hands a function over is not the one that a condition on a parameter keeps from running it."""
    files = {
        "main.py": """
import signal
def hand(job, now=False):
    if now:
        job()
    signal.signal(signal.SIGUSR1, job)
def work(*args): pass
hand(work)
"""
    }
    assert phases(link(files), "work") == {"signal"}


def test_a_worker_works_whatever_an_unknown_argument_says() -> None:
    """Two rows that ask opposite things of an argument have in common what the call does in any case."""
    files = {
        "main.py": """
import sys
from redis import Redis
from rq import Queue, Worker
def job(): pass
Queue(connection=Redis()).enqueue(job)
Worker(["default"], connection=Redis()).work(burst=len(sys.argv) > 2)
"""
    }
    program = link(files)
    assert phases(program, "job") == {"job"}
    assert "consumes-jobs" in program.views[0].does


def test_a_loop_without_a_limit_unless_one_is_asked_for() -> None:
    files = {
        "main.py": """
import time
def repeat(work, limit=None):
    done = 0
    while limit is None or done < limit:
        work()
        done += 1
        time.sleep(60)
def job(): pass
repeat(job)
"""
    }
    assert phases(link(files), "job") == {"loop"}


def test_a_library_calls_what_a_class_below_its_own_says() -> None:
    """`run` of an unknown library's class is there to call the app's methods that are named so; `close` is not."""
    files = {
        "main.py": """
from stream_library import Listener
class Updates(Listener):
    def on_update(self, event): work()
    async def handle_error(self, error): pass
    async def download_all(self): pass
    def _helper(self): pass
class Other(Listener):
    def on_other(self, event): pass
def work(): pass
while True:
    Updates("redis://").run()
    Other("redis://").close()
"""
    }
    program = link(files)
    assert phases(program, "on_update") == phases(program, "work") == {"loop"}
    assert phases(program, "handle_error") == {"loop"}
    assert phases(program, "_helper") == phases(program, "on_other") == set()
    assert phases(program, "download_all") == set()
    reasons = {gap.reason for gap in program.views[0].gaps}
    assert (
        "`stream_library.Listener` is not modelled: what its `run` runs of `Updates` is not known" in reasons
    )


def test_a_call_makes_an_instance_of_the_class_that_it_is_given() -> None:
    """`click.group(cls=FlaskGroup)` does what making a `FlaskGroup` does: its commands run, and it asks for the app."""
    files = {
        "main.py": """
import click
from flask import Flask
from flask.cli import AppGroup, FlaskGroup
queue = AppGroup()
@queue.command()
def worker(): work()
@queue.command()
def status(): pass
def work(): pass
def create():
    return Flask(__name__)
@click.group(cls=FlaskGroup, create_app=create)
def manager(): pass
manager.add_command(queue, "queue")
if __name__ == "__main__":
    manager()
"""
    }
    program = link(files, "python main.py queue worker")
    assert phases(program, "create") == phases(program, "work") == {"startup"}
    assert phases(program, "status") == set()


def test_the_own_kind_of_a_library_s_decorator_registers_too() -> None:
    files = {
        "main.py": """
from functools import partial
from redis import Redis
from rq import Worker
from rq.decorators import job as rq_job
class Counted(rq_job):
    pass
job = partial(Counted, connection=Redis())
@job("mail")
def send(): pass
Worker(["mail"], connection=Redis()).work()
"""
    }
    assert phases(link(files), "send") == {"job"}


def test_a_method_that_only_its_name_tells_is_one_of_what_the_program_loads() -> None:
    """Another program's class may have a method of that name: this one does not load it for that."""
    files = {
        "Procfile": "one: python one.py\ntwo: python two.py",
        "one.py": "def read(book):\n    return list(book['a'].iter_rows())\nread(input())\n",
        "two.py": """
class Table:
    def iter_rows(self):
        return iter([])
Table()
def show(table):
    table.iter_rows()
show(input())
""",
    }
    program = link(files)
    one, two = program.views
    assert {context.unit.path for context in one.contexts} == {"one.py"}
    assert {context.unit.path for context in two.contexts} == {"two.py"}
    (method,) = functions(program, "iter_rows").values()
    assert two.phases(method) == {"startup"}
