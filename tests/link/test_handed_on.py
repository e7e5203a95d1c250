"""Work that is handed on: a library's function given to a thread or process, groups of commands, an app of a private
library that a launcher names."""

from __future__ import annotations

import pytest
from small_apps import link, phases, view

BOT = """
import threading
from functools import partial
from multiprocessing import Process
import telebot

bot = telebot.TeleBot("x")

@bot.message_handler(commands=["start"])
def answer(message):
    pass
"""
STARTS = {
    "a thread": "threading.Thread(target=bot.infinity_polling, daemon=True).start()",
    "a process": "Process(target=bot.infinity_polling).start()",
    "a thread that is given arguments": "threading.Thread(target=bot.polling, kwargs={'none_stop': True}).start()",
    "either of two": "run = bot.polling if bot.token else bot.infinity_polling\nthreading.Thread(target=run).start()",
    "a wrapped function": "threading.Thread(target=partial(bot.polling, non_stop=True)).start()",
}


@pytest.mark.parametrize("start", STARTS.values(), ids=STARTS)
def test_a_loop_of_a_library_that_is_handed_on_runs(start: str) -> None:
    program = link({"main.py": BOT + start})
    assert phases(program, "answer") == {"job"}
    assert "runs-bot" in view(program).does


def test_a_loop_that_is_never_started_runs_nothing() -> None:
    assert phases(link({"main.py": BOT + "loop = bot.infinity_polling"}), "answer") == set()


def test_a_server_in_a_child_process_serves() -> None:
    main = """
import multiprocessing
import uvicorn

def main():
    server = uvicorn.Server(uvicorn.Config("web:app"))
    run = server.run
    process = multiprocessing.Process(target=run)
    process.start()
    process.join()

main()
"""
    web = "from fastapi import FastAPI\napp = FastAPI()\n@app.get('/')\nasync def index():\n    return {}\n"
    program = link({"main.py": main, "web.py": web})
    assert phases(program, "index") == {"request"}
    found = [context for context, hit in view(program).hits("serves-http")]
    assert {context.phase for context in found} == {"thread"}
    steps = [(step.place.path, step.place.line) for step in view(program).path(found[0])]
    assert ("main.py", 12) in steps  # the path goes through the function that starts the process


GROUPS = {
    "main.py": """
import click
from admin import used

@click.group()
@click.pass_context
def cli(ctx):
    used()

@cli.command()
@click.pass_context
def work(ctx):
    pass

@cli.group()
def below():
    pass

@below.command("deeper")
def deeper():
    pass

cli()
""",
    "admin.py": """
import click
import more

def used():
    more.start()

@click.group()
def admin():
    pass

@admin.command()
@click.pass_context
def purge(ctx):
    pass

@click.command()
@click.pass_context
def alone(ctx):
    pass
""",
    "more.py": """
import click

@click.group()
def more():
    pass

@more.command()
def through_main():
    pass

def start():
    more.main(standalone_mode=False)
""",
}


def test_commands_run_with_their_group_only() -> None:
    program = link(GROUPS)
    runs = {name for name in ("cli", "work", "below", "deeper", "through_main") if phases(program, name)}
    assert runs == {"cli", "work", "below", "deeper", "through_main"}
    assert not phases(program, "admin") | phases(program, "purge") | phases(program, "alone")


def test_an_app_of_a_private_library_is_what_its_launcher_runs() -> None:
    files = {
        "run.py": "from shop import jobs\nimport shop.tasks\n",
        "shop/__init__.py": "from firm_tools.queue import FirmApp\njobs = FirmApp()\nother = FirmApp.Other()\n",
        "shop/tasks.py": """
from shop import jobs, other

@jobs.task(name="work")
def work():
    pass

@other.task
def idle():
    pass
""",
    }
    program = link(files, "celery -A run.jobs worker")
    assert phases(program, "work") == {"job"}
    assert phases(program, "idle") == set()


@pytest.mark.parametrize("tells", ["jobs.config_from_object(app.config['CELERY'])", ""], ids=["read", "kept"])
def test_modules_that_a_flask_app_names_are_loaded(tells: str) -> None:
    files = {
        "run.py": f"""
from celery import Celery
from flask import Flask

jobs = Celery("x")
app = Flask("x")
app.config.from_mapping(CELERY=dict(broker_url="redis://x", imports=["nightly"]))
{tells}
""",
        "nightly.py": "from celery import shared_task\n@shared_task\ndef work():\n    pass\n",
    }
    assert phases(link(files, "celery -A run.jobs worker"), "work") == {"job"}


def test_methods_of_a_view_class_itself_do_not_run_in_requests() -> None:
    files = {
        "site.py": """
from flask import Flask
from flask.views import MethodView

class Page(MethodView):
    @classmethod
    def mount(cls):
        return cls.as_view("page")

    @staticmethod
    def unused():
        pass

    def get(self):
        return self.helper()

    @staticmethod
    def helper():
        return "x"

app = Flask("x")
app.add_url_rule("/", view_func=Page.mount())
""",
    }
    program = link(files, "gunicorn site:app")
    assert phases(program, "mount") == {"import"}
    assert phases(program, "unused") == set()
    assert phases(program, "helper") == phases(program, "get") == {"request"}


def test_what_is_wrapped_for_a_scheduler_runs_in_its_ticks_only() -> None:
    source = """
from functools import partial
from telegram.ext import Updater, CommandHandler

updater = Updater("x")

def later(number, context):
    pass

def kept(number):
    pass

def start(update, context):
    context.job_queue.run_once(partial(later, 1), 120)
    update.keep(partial(kept, 1))

updater.dispatcher.add_handler(CommandHandler("start", start))
updater.start_polling()
"""
    program = link({"main.py": source})
    assert phases(program, "start") == {"job"}
    assert phases(program, "later") == {"tick"}
    assert phases(program, "kept") == {"job"}


def test_each_of_many_plug_ins_is_asked() -> None:
    files = {
        "main.py": """
import glob
import importlib
from os.path import basename
import telebot

bot = telebot.TeleBot("x")
loaded = []
for path in glob.glob("plugs/*.py"):
    module = importlib.import_module("plugs." + basename(path)[:-3])
    if hasattr(module, "report"):
        loaded.append(module)

@bot.message_handler(commands=["stats"])
def stats(message):
    for module in loaded:
        module.report()

bot.infinity_polling()
""",
        "plugs/__init__.py": "",
        **{f"plugs/p{number:02}.py": f"def idle_{number}():\n    pass\n" for number in range(60)},
        "plugs/zzz.py": "def report():\n    pass\n",
    }
    assert phases(link(files), "report") == {"job"}


def test_settings_are_checked_where_they_are_made() -> None:
    files = {
        "app.py": """
from fastapi import FastAPI
from pydantic import BaseModel, field_validator
from conf import settings

class Item(BaseModel):
    name: str

    @field_validator("name")
    def of_request(cls, value):
        return value

class Row(BaseModel):
    name: str

    @field_validator("name")
    def of_both(cls, value):
        return value

app = FastAPI()
Row.model_validate({"name": "x"})
""",
        "conf.py": """
from pydantic import field_validator
from pydantic_settings import BaseSettings

class Settings(BaseSettings):
    url: str = "x"

    @field_validator("url")
    def of_start(cls, value):
        return value

settings = Settings()
""",
    }
    program = link(files, "uvicorn app:app")
    assert phases(program, "of_start") == {"import"}
    assert phases(program, "of_request") == {"request"}
    assert phases(program, "of_both") == {"import", "request"}


HOLDS = {
    "__dict__": "for name, step in list(steps.__dict__.items()):",
    "vars": "for name, step in vars(steps).items():",
    "getmembers": "for name, step in inspect.getmembers(steps, inspect.isfunction):",
}


@pytest.mark.parametrize("loop", HOLDS.values(), ids=HOLDS)
def test_what_a_module_holds_is_run(loop: str) -> None:
    main = f"""
import inspect
import steps
import others

def run_all(steps):
    {loop}
        if name.startswith("m"):
            step(1)

run_all(steps)
"""
    files = {
        "main.py": main,
        "steps.py": "def m001(db):\n    pass\n",
        "others.py": "def idle(db):\n    pass\n",
    }
    program = link(files)
    assert phases(program, "m001") == {"startup"}
    assert phases(program, "idle") == set()


COMMANDS = """
import argparse
import sys

def serve(args): pass
def work(args): pass
def asked_serve(): pass
def asked_work(): pass
def matched_serve(): pass
def matched_other(): pass
def said_serve(): pass
def said_work(): pass

def add_work(commands):
    parser = commands.add_parser("work", aliases=["w"])
    parser.set_defaults(KEYWORD=work)

def branch(args):
    if args.command == "serve":
        asked_serve()
    elif args.command in ("work", "w"):
        asked_work()
    match args.command:
        case "serve":
            matched_serve()
        case _:
            matched_other()

def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command")
    commands.add_parser("serve").set_defaults(KEYWORD=serve)
    add_work(commands)
    args = parser.parse_args()
    if "serve" in sys.argv:
        said_serve()
    elif sys.argv[1] == "work":
        said_work()
    branch(args)
    args.KEYWORD(args)

if __name__ == "__main__":
    main()
"""
OF_SERVE = {"serve", "asked_serve", "matched_serve", "said_serve"}
OF_WORK = {"work", "asked_work", "matched_other", "said_work"}


@pytest.mark.parametrize("keyword", ["func", "handler"])
@pytest.mark.parametrize(
    ("command", "wanted"),
    [
        ("python -m app serve", OF_SERVE),
        ("python -m app work --fast", OF_WORK),
        ("python -m app w", OF_WORK - {"said_work"}),
        ("python -m app $COMMAND", OF_SERVE | OF_WORK),
        ("python -m app --quiet", (OF_SERVE | OF_WORK) - {"said_serve", "said_work"}),
    ],
)
def test_the_launch_command_chooses_a_sub_command(keyword: str, command: str, wanted: set[str]) -> None:
    program = link(
        {"app/__init__.py": "", "app/__main__.py": COMMANDS.replace("KEYWORD", keyword)}, command=command
    )
    assert {name for name in OF_SERVE | OF_WORK if phases(program, name)} == wanted


def test_an_option_before_it_may_have_the_word_as_its_value() -> None:
    """`--mode work`: the parser alone knows whether that is the command or what `--mode` is given."""
    program = link({"main.py": COMMANDS.replace("KEYWORD", "func")}, command="python main.py --mode work")
    assert phases(program, "asked_serve") and phases(program, "asked_work")


def test_a_program_registers_its_own_jobs_whoever_else_does() -> None:
    """The first program comes to the job before the worker has loaded the modules that it is told to include."""
    files = {
        "Procfile": "init: python seed.py\nworker: celery -A queues worker\n",
        "queues.py": "from celery import Celery\napp = Celery('queues', include=['first'])\n",
        "first.py": "from importlib import import_module\nimport_module('second')\n",
        "second.py": "from queues import app\napp.conf.update(imports=['jobs'])\napp.autodiscover_tasks(['jobs'])\n",
        "jobs/__init__.py": "",
        "jobs/tasks.py": "from queues import app\n\n@app.task\ndef send(): pass\n",
        "seed.py": "from jobs import tasks\ntasks.send.delay()\n",
    }
    program = link(files)
    (worker,) = (each for each in program.views if each.process.name == "worker")
    (job,) = (each for each in worker.contexts if program.unit(each.unit).name == "send")
    assert worker.contexts[job] is not None and not worker.handed_over
