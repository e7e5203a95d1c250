from starlette.endpoints import HTTPEndpoint, WebSocketEndpoint
from starlette.responses import PlainTextResponse


class Store:
    async def __aenter__(self):
        self.items = await self.load()
        return self

    async def __aexit__(self, *exc):
        await self.flush()

    async def load(self):
        return []

    async def flush(self):
        pass

    async def put(self, item):
        self.items.append(item)


store = Store()


class Thing(HTTPEndpoint):
    async def get(self, request):
        return PlainTextResponse(self.name())

    async def post(self, request):
        raise ValueError

    def name(self):
        return "thing"


class Echo(WebSocketEndpoint):
    encoding = "text"

    async def on_connect(self, websocket):
        await websocket.accept()

    async def on_receive(self, websocket, data):
        await websocket.send_text(self.answer(data))

    async def on_disconnect(self, websocket, close_code):
        pass

    def answer(self, data):
        return data
