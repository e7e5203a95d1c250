import asyncio


async def _serve(run, made):
    from aiohttp import ClientSession, web

    run.phase = run.threads = "startup"
    app = await made
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    run.phase = run.threads = "request"
    async with ClientSession(f"http://{host}:{port}") as session:
        for path, status in (("/", 200), ("/thing", 200), ("/api", 200)):
            async with session.get(path) as response:
                assert response.status == status, path
        async with session.post("/thing") as response:
            assert response.status == 400
        async with session.ws_connect("/ws") as socket:
            await socket.send_str("a")
            assert (await socket.receive()).data == "a"
    run.phase = run.threads = "shutdown"
    await runner.cleanup()


def web(run):
    from aiohttp import web

    web.run_app = lambda made, **options: asyncio.run(_serve(run, made))
    run.script("main.py")
