"""Who runs a function, and when: apps with several process types, each function marked `# want: web:request …`."""

from __future__ import annotations

import re

import pytest
from small_apps import BOOK, functions, link, phases, view

from proctor import pipeline
from proctor.model.program import Program, UnitKey
from proctor.trial import example_tree

_MARK = re.compile(r"def (?P<name>\w+).*# want: (?P<contexts>.+)$")

CASES: dict[str, dict[str, str]] = {
    "a thread that serves": {
        "Procfile": "worker: python work.py\n",
        "work.py": """
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer
class Health(BaseHTTPRequestHandler):
    def do_GET(self):  # want: worker:request
        pass
class Other(BaseHTTPRequestHandler):
    def answer(self):  # want: nobody
        pass
server = HTTPServer(("", 8000), Health)
threading.Thread(target=server.serve_forever, daemon=True).start()
""",
    },
    "handlers in a registry that one process type asks": {
        "Procfile": "web: gunicorn app:app\nworker: python work.py\n",
        "app.py": """
from flask import Flask
from registry import dispatch
app = Flask(__name__)
@app.route("/")
def index():  # want: web:request
    return dispatch("mail")
""",
        "registry.py": """
HANDLERS = {}
def register(name):  # want: web:import worker:import
    def keep(f):  # want: web:import worker:import
        HANDLERS[name] = f
        return f
    return keep
def dispatch(name):  # want: web:request
    return HANDLERS[name]()
import handlers
""",
        "handlers.py": """
from registry import register
@register("mail")
def mail():  # want: web:request
    pass
""",
        "work.py": """
import registry
def main():  # want: worker:startup
    pass
main()
""",
    },
    "a script without an ending": {
        "Procfile": "worker: bin/work\n",
        "bin/work": """#!/usr/bin/env python
from jobs import run
run()
""",
        "jobs.py": """
def run():  # want: worker:startup
    pass
""",
    },
    "names of jobs in an app's settings": {
        "Procfile": "web: gunicorn app:app\nworker: python work.py\n",
        "app.py": """
from flask import Flask
from redis import Redis
from rq import Queue, Worker
app = Flask(__name__)
app.config["SCHEDULE"] = {"jobs.sweep": {"seconds": 1}}
class Jobs:
    def __init__(self, app):
        self.config = {"schedule": app.config["SCHEDULE"]}
    def push(self, name):  # want: web:request
        Queue(connection=Redis()).enqueue_call(name)
    def push_all(self):  # want: web:request
        for name, settings in self.config["schedule"].items():
            self.push(name)
jobs = Jobs(app)
@app.route("/")
def index():  # want: web:request
    jobs.push_all()
""",
        "jobs.py": """
def sweep():  # want: worker:job
    pass
def other():  # want: nobody
    pass
""",
        "work.py": """
from redis import Redis
from rq import Worker
Worker(["default"], connection=Redis()).work()
""",
    },
    "a request's context carried into a thread": {
        "Procfile": "web: gunicorn app:app\n",
        "app.py": """
import threading
from flask import Flask, copy_current_request_context
app = Flask(__name__)
@app.route("/")
def index():  # want: web:request
    threading.Thread(target=copy_current_request_context(fetch)).start()
def fetch():  # want: web:thread
    pass
""",
    },
    "receivers of a model's signals": {
        "Procfile": "worker: celery -A shop.jobs worker\nbot: python manage.py poll\n",
        "manage.py": """
import os
import sys
from django.core.management import execute_from_command_line
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
""",
        "settings.py": 'INSTALLED_APPS = ["shop"]',
        "shop/__init__.py": "",
        "shop/jobs.py": """
import os
from celery import Celery
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
@app.task
def fill(number):  # want: worker:job
    from shop.models import Line
    line, made = Line.objects.get_or_create(number=number)
    line.save()
""",
        "shop/management/__init__.py": "",
        "shop/management/commands/__init__.py": "",
        "shop/management/commands/poll.py": """
from django.core.management.base import BaseCommand
from shop.models import Order
class Command(BaseCommand):
    def handle(self, *args, **options):  # want: bot:startup
        while True:
            for order in Order.objects.filter(open=True):
                order.save()
                order.touch()
            Order.objects.order_by("number").first().count()
""",
        "shop/models.py": """
from django.db import models
from django.db.models.signals import post_delete, post_save
from django.dispatch import receiver
class Order(models.Model):
    def save(self, *args, **kwargs):  # want: bot:loop
        super().save(*args, **kwargs)
    def touch(self):  # want: bot:loop
        pass
    def count(self):  # want: bot:loop
        pass
    def __str__(self):  # want: nobody
        return "order"
class Line(models.Model):
    def total(self):  # want: worker:job
        return 1
@receiver(post_save, sender=Order)
def order_saved(sender, instance, **kwargs):  # want: bot:loop
    pass
@receiver(post_save, sender=Line)
def line_saved(sender, instance, **kwargs):  # want: worker:job
    instance.total()
@receiver(post_save)
def saved(sender, **kwargs):  # want: bot:loop worker:job
    pass
@receiver(post_delete, sender=Line)
def gone(sender, **kwargs):  # want: nobody
    pass
""",
    },
}


def _contexts(program: Program, key: UnitKey) -> set[str]:
    return {f"{view.process.name}:{phase}" for view in program.views for phase in view.phases(key)}


@pytest.mark.parametrize("files", CASES.values(), ids=CASES)
def test_marked_functions_run_where_they_say(files: dict[str, str]) -> None:
    program = pipeline.link_tree(example_tree(files), workers=1, book=BOOK).program
    found: dict[str, set[str]] = {}
    wanted: dict[str, set[str]] = {}
    for path, text in files.items():
        units = {unit.line: unit for unit in program.files[path].units} if path in program.files else {}
        lines = text.splitlines()
        for number, line in enumerate(lines, start=1):
            mark = _MARK.search(line)
            if mark is None:
                continue
            place = f"{path}:{mark['name']}"
            words = mark["contexts"].split()
            wanted[place] = set() if words == ["nobody"] else set(words)
            first = number
            while first not in units or units[first].name != mark["name"]:
                first -= 1
            found[place] = _contexts(program, UnitKey(path, units[first].index))
    assert wanted and found == wanted


RECEIVER = """
from sqlalchemy import Column, Integer, create_engine, event
from sqlalchemy.orm import declarative_base, sessionmaker
Base = declarative_base()
Session = sessionmaker(create_engine("postgresql://db/x"))
class Order(Base):
    __tablename__ = "orders"
    id = Column(Integer, primary_key=True)
@event.listens_for(Order, "before_insert")
def stamp(mapper, connection, target):
    pass
def store():
    with Session() as session:
        session.add(Order())
"""
WORKER = "import os\nfrom redis import Redis\nfrom rq import Worker\nimport models\nWorker(['default'], connection=Redis()).work()\n"


@pytest.mark.parametrize(
    ("main", "phase"),
    [
        ("import models\nmodels.store()\n", "startup"),
        (
            "import time\nimport models\nwhile True:\n    models.Session().add(models.Order())\n    time.sleep(5)\n",
            "loop",
        ),
        (WORKER, "job"),
    ],
    ids=["a script", "a loop", "a worker whose jobs others hand over"],
)
def test_a_receiver_runs_when_the_program_is_at_work(main: str, phase: str) -> None:
    files = {
        "main.py": main,
        "models.py": RECEIVER,
        "web.py": (
            "from flask import Flask\nfrom redis import Redis\nfrom rq import Queue\nimport jobs\napp = Flask('x')\n"
            "@app.get('/')\ndef index():\n    Queue(connection=Redis()).enqueue(jobs.job)\n    return ''\n"
        ),
        "jobs.py": "import models\ndef job():\n    models.store()\n",
        "Procfile": "worker: python main.py\nweb: gunicorn web:app\n",
    }
    program = link(files)
    own = next(each for each in program.views if each.process.name == "worker")
    key = next(key for symbol, key in functions(program, "stamp").items())
    assert own.phases(key) == {phase}


@pytest.mark.parametrize(
    "routes",
    [
        'urlpatterns = [path("", include(("shop.api.urls", "api"), namespace="api"))]',
        'ROUTES = ("shop.api.urls", "api")\nurlpatterns = [path("", include(ROUTES))]',
        'urlpatterns = [path("", include(([path("", include("shop.api.urls"))], "api"), namespace="api"))]',
        'HERE = [path("", include("shop.api.urls"))]\nurlpatterns = [path("", include((HERE, "api"), namespace="api"))]',
    ],
)
def test_a_namespace_beside_included_routes_is_no_module(routes: str) -> None:
    files = {
        "shop/__init__.py": "",
        # what no requirement names may be a module of the tree
        "requirements.txt": "django\ngunicorn\n",
        "shop/settings.py": 'ROOT_URLCONF = "shop.urls"\n',
        "shop/urls.py": f"from django.urls import include, path\n\n{routes}\n",
        "shop/api/__init__.py": "",
        "shop/api/urls.py": 'from django.urls import path\n\n\ndef show(request):\n    return None\n\n\nurlpatterns = [path("", show)]\n',
        "shop/wsgi.py": 'import os\n\nfrom django.core.wsgi import get_wsgi_application\n\nos.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings"\napplication = get_wsgi_application()\n',
    }
    program = link(files, "gunicorn shop.wsgi")
    assert phases(program, "show") == {"request"}
    assert not [gap for gap in view(program).gaps if "import path" in gap.reason]
