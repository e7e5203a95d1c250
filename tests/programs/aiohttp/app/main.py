import logging

from aiohttp import web

from server import views
from server.state import make_context


async def init():
    app = web.Application(middlewares=[views.errors])
    app.on_startup.append(prepare)
    app.on_cleanup.append(dispose)
    app.cleanup_ctx.append(make_context)
    views.setup(app)
    return app


async def prepare(app):
    app["db"] = await connect()


async def connect():
    return {}


async def dispose(app):
    app["db"].clear()


def main():
    logging.basicConfig()
    web.run_app(init(), port=8080)


if __name__ == "__main__":
    main()
