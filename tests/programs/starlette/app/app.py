import contextlib

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.responses import JSONResponse, PlainTextResponse, StreamingResponse
from starlette.routing import Mount, Route, WebSocketRoute

import endpoints


class Tag(BaseHTTPMiddleware):
    async def dispatch(self, request, call_next):
        response = await call_next(request)
        self.tag(response)
        return response

    def tag(self, response):
        response.headers["x-tag"] = "1"


class Plain:
    def __init__(self, app, prefix):
        self.app = app
        self.prefix = prefix

    async def __call__(self, scope, receive, send):
        await self.before(scope)
        await self.app(scope, receive, send)

    async def before(self, scope):
        pass


def home(request):
    return PlainTextResponse(text())


def text():
    return "home"


async def later(request):
    return JSONResponse({}, background=BackgroundTask(work, 3))


async def work(n):
    await endpoints.store.put(n)


async def stream(request):
    return StreamingResponse(parts())


async def parts():
    for n in range(2):
        yield piece(n)


def piece(n):
    return str(n)


async def failed(request, exc):
    return PlainTextResponse("failed", status_code=400)


@contextlib.asynccontextmanager
async def lifespan(app):
    async with endpoints.store:
        yield


routes = [
    Route("/", home),
    Route("/later", later),
    Route("/stream", stream),
    Mount("/api", routes=[Route("/thing", endpoints.Thing), WebSocketRoute("/echo", endpoints.Echo)]),
]
app = Starlette(
    routes=routes,
    lifespan=lifespan,
    middleware=[Middleware(Tag), Middleware(Plain, prefix="x")],
    exception_handlers={ValueError: failed},
)
