def web(run):
    with run.during("import"):
        from service.main import api
    from falcon import testing

    client = testing.TestClient(api)
    with run.during("request"):
        for path in ("/quotes", "/quotes/1", "/special", "/old/x"):
            assert client.simulate_get(path).status_code == 200, path
        assert client.simulate_get("/quotes/0").status_code == 400
        assert client.simulate_post("/quotes").status_code == 201
