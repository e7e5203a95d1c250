import threading


def clock(run):
    from apscheduler.executors.base import run_job
    from apscheduler.schedulers.base import BaseScheduler
    from apscheduler.schedulers.blocking import BlockingScheduler

    run.mark("tick", run_job, BaseScheduler._dispatch_event)
    start = BlockingScheduler.start

    def timed(self, *args, **kwargs):
        threading.Timer(1.0, lambda: self.shutdown(wait=True)).start()
        start(self, *args, **kwargs)

    BlockingScheduler.start = timed
    run.script("clock.py")
