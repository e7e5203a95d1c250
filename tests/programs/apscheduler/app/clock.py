from apscheduler.events import EVENT_JOB_EXECUTED
from apscheduler.schedulers.blocking import BlockingScheduler

import jobs

scheduler = BlockingScheduler()


@scheduler.scheduled_job("interval", seconds=0.2)
def beat():
    jobs.Report("daily").write()


def listen(event):
    heard(event)


def heard(event):
    pass


for name, job in jobs.JOBS.items():
    scheduler.add_job(job, "interval", seconds=0.2, id=name)
scheduler.add_job("jobs:by_text", "interval", seconds=0.2)
scheduler.add_job(jobs.Report("hourly").write, "interval", seconds=0.2)
scheduler.add_listener(listen, EVENT_JOB_EXECUTED)

if __name__ == "__main__":
    scheduler.start()
