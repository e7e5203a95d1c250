from contextlib import asynccontextmanager

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse

from . import deps
from .routers import items, users


@asynccontextmanager
async def lifespan(app):
    app.state.pool = await open_pool()
    yield
    await close_pool(app.state.pool)


async def open_pool():
    return {}


async def close_pool(pool):
    pool.clear()


class Missing(Exception):
    pass


async def on_missing(request: Request, exc: Missing):
    return JSONResponse({"detail": say(exc)}, status_code=404)


def say(exc):
    return str(exc)


def build():
    app = FastAPI(lifespan=lifespan, dependencies=[deps.everywhere])
    for module in (items, users):
        app.include_router(module.router)
    app.add_exception_handler(Missing, on_missing)

    @app.middleware("http")
    async def timing(request, call_next):
        response = await call_next(request)
        response.headers["x"] = stamp()
        return response

    @app.get("/missing")
    def missing():
        raise Missing("none")

    return app


def stamp():
    return "1"
