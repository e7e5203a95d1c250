"""Small apps that keep every clause, for the tests of verdicts."""

from __future__ import annotations

#: a server with threads, a session, a lock and a store of its own kind
WEB = {
    "Procfile": "web: gunicorn --threads 4 -b 0.0.0.0:$PORT app:app\n",
    "app.py": """
import os
import threading

import redis
from flask import Flask, session

app = Flask(__name__)
app.secret_key = os.environ["SECRET_KEY"]
store = redis.Redis.from_url(os.environ["REDIS_URL"])
lock = threading.Lock()


@app.post("/<name>")
def index(name):
    session["name"] = name
    with lock:
        store.incr(name)
    return name
""",
}
#: a server that forks after it has loaded the app
PRELOADED = {
    "Procfile": "web: gunicorn --preload -b 0.0.0.0:$PORT app:app\n",
    "app.py": """
from flask import Flask

app = Flask(__name__)


@app.get("/")
def index():
    return "shop"
""",
}
#: coroutines on an event loop
LOOP = {
    "Procfile": "web: uvicorn app:app --host 0.0.0.0 --port $PORT\n",
    "app.py": """
import asyncio

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    await asyncio.sleep(1)
    return {}
""",
}
#: jobs that a broker hands out again
WORKER = {
    "Procfile": "worker: celery -A jobs worker\n",
    "jobs.py": """
import os

import requests
from celery import Celery

app = Celery("jobs", broker=os.environ["BROKER_URL"])
app.conf.task_acks_late = True


@app.task
def draw(number):
    return requests.get("https://example.org/" + str(number), timeout=5).text
""",
}
#: a program that ends by itself
RELEASE = {
    "Procfile": "release: python prepare.py\n",
    "prepare.py": """
print("prepared")
""",
}
#: a resource that the app is attached to, and no code of the app
BACKING = {"Procfile": "cache: redis-server --port 6379\n"}
#: one thread, no loop of events, no locks
PLAIN = {
    "Procfile": "watch: python watch.py\n",
    "watch.py": """
import time

while True:
    print(time.time())
    time.sleep(60)
""",
}
