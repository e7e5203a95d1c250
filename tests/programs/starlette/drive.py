def web(run):
    with run.during("import"):
        from app import app
    from starlette.applications import Starlette
    from starlette.testclient import TestClient

    run.mark("startup", Starlette.build_middleware_stack)
    client = TestClient(app)
    with run.during("startup", threads="startup"):
        client.__enter__()
    with run.during("request", threads="request"):
        for path in ("/", "/later", "/stream", "/api/thing"):
            assert client.get(path).status_code == 200, path
        assert client.post("/api/thing").status_code == 400
        with client.websocket_connect("/api/echo") as socket:
            socket.send_text("a")
            assert socket.receive_text() == "a"
    with run.during("shutdown", threads="shutdown"):
        client.__exit__(None, None, None)
