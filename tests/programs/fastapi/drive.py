def web(run):
    with run.during("import"):
        from service.main import build
    with run.during("startup"):
        app = build()
    from fastapi.testclient import TestClient

    client = TestClient(app)
    with run.during("startup", threads="startup"):
        client.__enter__()
    with run.during("request", threads="request"):
        assert client.get("/items/").status_code == 200
        assert client.post("/items/", json={"name": "a"}).status_code == 201
        assert client.get("/me").status_code == 200
        assert client.get("/missing").status_code == 404
        with client.websocket_connect("/ws") as socket:
            socket.send_text("hello")
            assert socket.receive_text() == "hello"
    with run.during("shutdown", threads="shutdown"):
        client.__exit__(None, None, None)
