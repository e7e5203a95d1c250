import asyncio

from aiohttp import web

routes = web.RouteTableDef()


@web.middleware
async def errors(request, handler):
    try:
        return await handler(request)
    except ValueError as error:
        return web.json_response({"error": text(error)}, status=400)


def text(error):
    return str(error)


@routes.get("/")
async def home(request):
    task = asyncio.create_task(side())
    await task
    return web.Response(text=await asyncio.to_thread(slow))


async def side():
    return more()


def more():
    return 1


def slow():
    return "slow"


@routes.view("/thing")
class Thing(web.View):
    async def get(self):
        return web.json_response(await self.load())

    async def post(self):
        raise ValueError("no")

    async def load(self):
        return {}


class Api:
    def __init__(self, name):
        self.name = name

    async def show(self, request):
        return web.Response(text=self.title())

    def title(self):
        return self.name


async def ws(request):
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        await socket.send_str(answer(message.data))
    return socket


def answer(data):
    return data


def setup(app):
    api = Api("api")
    app.add_routes(routes)
    app.add_routes([web.get("/ws", ws)])
    app.router.add_get("/api", api.show)
