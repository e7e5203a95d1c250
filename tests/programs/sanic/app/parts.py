from sanic import Blueprint, json

bp = Blueprint("api", url_prefix="/api")


class Meter:
    def __init__(self):
        self.n = 0

    def tick_once(self):
        self.n += 1

    def stop(self):
        self.n = 0


@bp.middleware("request")
async def guard(request):
    check(request)


def check(request):
    pass


@bp.route("/<n:int>")
async def number(request, n):
    return json(twice(n))


def twice(n):
    return 2 * n
