def _marks(run):
    from django.apps.registry import Apps
    from django.core.handlers.base import BaseHandler

    run.mark("startup", Apps.populate, BaseHandler.load_middleware)


def release(run):
    _marks(run)
    run.script("manage.py", "migrate", "-v", "0")


def sync(run):
    _marks(run)
    run.script("manage.py", "sync_stock", "--all")


def web(run):
    _marks(run)
    with run.during("import"):
        from site_.wsgi import application  # noqa: F401
    from django.core.management import call_command
    from django.test import Client

    import sys

    sys.setprofile(None)  # the tables are made by another process type
    call_command("migrate", verbosity=0)
    run.start()
    client = Client(raise_request_exception=True)
    with run.during("request"):
        for path in ("/stock/", "/stock/plain/7", "/stock/page", "/billing/"):
            assert client.get(path).status_code == 200, path
        for path in ("/stock/add", "/stock/form", "/billing/3"):
            assert client.post(path, {"code": "X"}).status_code == 200, path
