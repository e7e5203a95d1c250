import asyncio
import runpy


def web(run):
    from tornado import web as tornado_web
    from tornado.httpclient import AsyncHTTPClient
    from tornado.ioloop import IOLoop, PeriodicCallback
    from tornado.websocket import websocket_connect

    run.mark("tick", PeriodicCallback._run)
    servers = []
    listen = tornado_web.Application.listen
    tornado_web.Application.listen = lambda self, port: servers.append(listen(self, port, "127.0.0.1"))

    async def ask():
        await asyncio.sleep(0.05)
        run.phase = "request"
        port = next(iter(servers[0]._sockets.values())).getsockname()[1]
        client = AsyncHTTPClient()
        assert (await client.fetch(f"http://127.0.0.1:{port}/")).code == 200
        answer = await client.fetch(f"http://127.0.0.1:{port}/", method="POST", body="", raise_error=False)
        assert answer.code == 400
        socket = await websocket_connect(f"ws://127.0.0.1:{port}/ws")
        await socket.write_message("a")
        assert await socket.read_message() == "a"
        socket.close()
        await asyncio.sleep(0.1)

    def start(self):
        asyncio.get_event_loop().run_until_complete(ask())

    IOLoop.start = IOLoop.current().__class__.start = start
    runpy.run_module("chat", run_name="__main__")
