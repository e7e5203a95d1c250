import io


def _get(app, path, method="GET"):
    status = []
    environ = {"REQUEST_METHOD": method, "PATH_INFO": path, "wsgi.input": io.BytesIO(), "wsgi.errors": io.StringIO(),
               "SERVER_NAME": "x", "SERVER_PORT": "80", "wsgi.url_scheme": "http", "SCRIPT_NAME": ""}
    list(app(environ, lambda line, headers, info=None: status.append(line)))
    return int(status[0].split()[0])


def web(run):
    import bottle

    def serve(app, **options):
        with run.during("request"):
            assert _get(app, "/") == 200
            assert _get(app, "/save", "POST") == 200
            assert _get(app, "/none") == 404
            assert _get(app, "/admin/") == 200

    bottle.run = serve
    run.script("app.py")
