import asyncio


def web(run):
    from django.apps.registry import Apps

    run.mark("startup", Apps.populate)
    with run.during("import"):
        from chat.asgi import application
    from channels.testing import HttpCommunicator, WebsocketCommunicator

    async def talk():
        run.phase = run.threads = "request"
        http = HttpCommunicator(application, "GET", "/")
        assert (await http.get_response())["status"] == 200
        room = WebsocketCommunicator(application, "/room/a")
        assert (await room.connect())[0]
        await room.send_json_to({})
        assert await room.receive_json_from() == []
        await room.disconnect()
        echo = WebsocketCommunicator(application, "/echo")
        assert (await echo.connect())[0]
        await echo.send_to(text_data="a")
        assert await echo.receive_from() == "a"
        await echo.disconnect()

    asyncio.run(talk())
