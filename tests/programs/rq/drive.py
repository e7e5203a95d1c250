def web(run):
    with run.during("import"):
        from site_ import app
    with run.during("request"):
        assert app.test_client().post("/a").status_code == 200


def worker(run):
    import sys

    sys.setprofile(None)  # another process enqueues
    import connection
    import queues

    queues.later("a")
    queues.by_name("a")
    for name in ("queues", "work", "mailer"):
        sys.modules.pop(name, None)
    from rq import SimpleWorker
    from rq.timeouts import BaseDeathPenalty

    run.start()
    with run.during("job"):
        SimpleWorker(["default"], connection=connection.redis).work(burst=True, logging_level="ERROR")
