def web(run):
    with run.during("import"):
        from wiki.app import make_app
    with run.during("startup"):
        app = make_app()
    from webob import Request

    with run.during("request"):
        for path in ("/", "/about", "/item/3"):
            assert Request.blank(path).get_response(app).status_code == 200, path
        assert Request.blank("/fails").get_response(app).status_code == 400
