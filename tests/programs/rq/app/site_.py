from flask import Flask

import queues

app = Flask(__name__)


@app.post("/<name>")
def enqueue(name):
    queues.later(name)
    queues.by_name(name)
    return "ok"
