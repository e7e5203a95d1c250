import asyncio
import socket


def web(run):
    with run.during("import"):
        from server import app

    async def talk():
        import socketio
        import uvicorn

        listening = socket.socket()
        listening.bind(("127.0.0.1", 0))
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", loop="asyncio"))
        server.install_signal_handlers = lambda: None
        run.phase = "request"
        serving = asyncio.create_task(server.serve(sockets=[listening]))
        while not server.started:
            await asyncio.sleep(0.02)
        client = socketio.AsyncClient()
        await client.connect(f"http://127.0.0.1:{listening.getsockname()[1]}", namespaces=["/", "/game"], transports=["polling"])
        assert await client.call("say", "a") == "A"
        assert await client.call("wave") == "bye"
        assert await client.call("move", "x", namespace="/game") == "x"
        await client.disconnect()
        await asyncio.sleep(0.2)
        server.should_exit = True
        await serving

    asyncio.run(talk())
