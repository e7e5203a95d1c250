import tasks


def app(environ, start_response):
    start_response("200 OK", [])
    return [answer()]


def answer():
    tasks.count(3)
    tasks.fragile()
    return b"ok"
