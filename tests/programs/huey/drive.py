import time


def worker(run):
    with run.during("import"):
        import tasks
    from huey.api import Huey

    run.mark("job", Huey._execute)
    run.mark("startup", *tasks.huey._startup.values())
    import sys

    sys.setprofile(None)
    tasks.count(3)
    tasks.fragile()
    run.start()
    from huey.consumer import Consumer

    consumer = Consumer(tasks.huey, workers=1, periodic=False, worker_type="thread")
    run.threads = "startup"
    consumer.start()
    time.sleep(1)
    run.mark("tick", Huey._execute)
    tasks.huey.enqueue(tasks.every_minute.s())
    time.sleep(0.5)
    consumer.stop(graceful=False)


def web(run):
    with run.during("import"):
        from web import app
    with run.during("request"):
        list(app({}, lambda *args: None))
