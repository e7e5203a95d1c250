import bottle
from bottle import route, run

import pages
from plugins import Timer

app = bottle.default_app()


@route("/")
def index():
    return pages.render("index")


@app.post("/save")
def save():
    return pages.Store.current().put(bottle.request.forms.get("text") or "none")


@app.error(404)
def missing(error):
    return "nothing"


@app.hook("before_request")
def begin():
    pages.Store.current()


app.install(Timer())
app.mount("/admin", pages.admin())

if __name__ == "__main__":
    run(app, port=8080)
