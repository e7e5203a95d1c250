def worker(run):
    with run.during("import"):
        import proj
    from celery.app.base import Celery
    from celery.app.task import Task
    from celery.contrib.testing.worker import start_worker
    import celery.contrib.testing.tasks  # noqa: F401

    run.mark("job", Task.__call__)
    run.mark("startup", Celery.finalize, Celery._load_config)
    app = proj.celery_app
    with run.during("startup", threads="startup"):
        app.loader.import_default_modules()
        app.finalize()
        app.conf.task_default_queue
        from proj.mail.tasks import send_all
    run.phase = "startup"
    run.threads = "job"
    from celery.signals import worker_ready

    worker_ready.send(sender=None)
    with start_worker(app, perform_ping_check=False, pool="solo", loglevel="ERROR"):
        import sys

        results = [app.send_task("proj.reports.class_report", [2]), app.send_task("proj.reports.report")]
        results += [app.send_task("proj.celery.clean")]
        sys.setprofile(None)  # what follows belongs to the process that enqueues
        send_all(["Html", "other"])
        run.start()
        for result in results:
            result.get(timeout=20)
        import time

        time.sleep(1)


def web(run):
    with run.during("import"):
        from proj.web import app
    from celery.app.base import Celery

    run.mark("startup", Celery.finalize, Celery._load_config)
    with run.during("request"):
        assert app.test_client().post("/send").status_code == 200
