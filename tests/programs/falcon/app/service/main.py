import falcon

from service.handlers import Quote, Quotes, sink
from service.middleware import Auth


def create():
    app = falcon.App(middleware=[Auth()])
    quotes = Quotes(open_store())
    app.add_route("/quotes", quotes)
    app.add_route("/quotes/{number:int}", Quote(quotes))
    app.add_route("/special", quotes, suffix="special")
    app.add_sink(sink, "/old")
    app.add_error_handler(ZeroDivisionError, failed)
    return app


def open_store():
    from service.store import Store

    return Store()


def failed(request, response, error, params):
    raise falcon.HTTPBadRequest(title=reason(error))


def reason(error):
    return str(error)


api = create()
