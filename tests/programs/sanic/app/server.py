from sanic import Sanic, text
from sanic.views import HTTPMethodView

from parts import Meter, bp

app = Sanic("shop")
app.blueprint(bp)


@app.before_server_start
async def begin(app, loop):
    app.ctx.meter = Meter()


@app.listener("after_server_stop")
async def finish(app, loop):
    app.ctx.meter.stop()


@app.on_request
async def measure(request):
    request.app.ctx.meter.tick_once()


@app.middleware("response")
async def mark(request, response):
    response.headers["x"] = sign()


def sign():
    return "1"


@app.get("/")
async def home(request):
    request.app.add_task(tell(1))
    return text(greeting())


def greeting():
    return "hello"


async def tell(n):
    shown(n)


def shown(n):
    pass


class Thing(HTTPMethodView):
    async def get(self, request):
        return text(self.name())

    def post(self, request):
        raise KeyError("none")

    def name(self):
        return "thing"


app.add_route(Thing.as_view(), "/thing")


@app.exception(KeyError)
async def missing(request, error):
    return text("missing", status=404)
