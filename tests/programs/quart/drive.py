import asyncio


async def _serve(app, run):
    async with _Phases(app, run):
        client = app.test_client()
        assert (await client.get("/")).status_code == 200
        assert (await client.get("/blog/3")).status_code == 200
        assert (await client.get("/sync")).status_code == 404
        async with client.websocket("/ws") as socket:
            await socket.send("a")
            assert await socket.receive() == "A"
        await asyncio.sleep(0.05)


class _Phases:
    def __init__(self, app, run):
        self.app, self.run = app, run

    async def __aenter__(self):
        self.run.phase = self.run.threads = "startup"
        await self.app.startup()
        self.run.phase = self.run.threads = "request"

    async def __aexit__(self, *exc):
        self.run.phase = self.run.threads = "shutdown"
        await self.app.shutdown()


def web(run):
    with run.during("import"):
        from app import app
    asyncio.run(_serve(app, run))
