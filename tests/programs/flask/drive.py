def web(run):
    with run.during("import"):
        import shop
    with run.during("startup"):
        app = shop.create_app()
    client = app.test_client()
    with run.during("request"):
        for number in (1, 2):
            assert client.post(f"/orders/{number}").status_code == 201
            assert client.get(f"/orders/{number}").status_code == 200
        for path in ("/", "/health", "/orders/", "/orders/page"):
            assert client.get(path).status_code == 200, path
        assert client.get("/orders/fails").status_code == 404
