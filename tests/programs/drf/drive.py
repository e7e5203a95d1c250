import sys


def web(run):
    from django.apps.registry import Apps
    from django.core.handlers.base import BaseHandler

    run.mark("startup", Apps.populate, BaseHandler.load_middleware)
    with run.during("import"):
        from api.wsgi import application  # noqa: F401
    from django.core.management import call_command
    from django.test import Client

    sys.setprofile(None)
    call_command("migrate", run_syncdb=True, verbosity=0)
    run.start()
    client = Client()
    with run.during("request"):
        assert client.post("/notes/", {"text": "abcd"}).status_code == 201
        for path in ("/notes/", "/notes/1/", "/ping", "/all"):
            assert client.get(path).status_code == 200, path
        assert client.post("/notes/1/publish/").status_code == 200
        assert client.get("/broken").status_code == 400
