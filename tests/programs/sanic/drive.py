import asyncio


async def _serve(run, app):
    from sanic.application.constants import ServerStage
    from sanic.application.state import ApplicationServerInfo
    import httpx

    run.phase = "startup"
    server = await app.create_server(host="127.0.0.1", port=0, return_asyncio_server=True, access_log=False)
    await server.startup()
    await server.before_start()
    await server.start_serving()
    app.state.server_info.append(ApplicationServerInfo(settings={}, stage=ServerStage.SERVING))
    await server.after_start()
    port = server.server.sockets[0].getsockname()[1]
    run.phase = "request"
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        for path in ("/", "/thing", "/api/3"):
            assert (await client.get(path)).status_code == 200, path
        assert (await client.post("/thing")).status_code == 404
    run.phase = "shutdown"
    await server.before_stop()
    await server.close()
    await server.after_stop()


def web(run):
    with run.during("import"):
        from server import app
    asyncio.run(_serve(run, app))
