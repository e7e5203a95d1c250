import time


def worker(run):
    from __main__ import Stop

    def stop(seconds):
        raise Stop

    time.sleep = stop
    run.script("run.py", "poll", "--every", "1")


def migrate(run):
    run.script("run.py", "migrate")
