import time

import schedule

from plan import tasks
from plan.guard import guarded


@schedule.repeat(schedule.every().second)
def pulse():
    tasks.ping()


@guarded
def careful():
    tasks.raise_later()


def setup():
    schedule.every().second.do(tasks.Runner("a").go)
    schedule.every().second.do(careful)
    schedule.every().second.do(tasks.with_argument, 3)


def main():
    setup()
    while True:
        schedule.run_pending()
        tasks.idle()
        time.sleep(0.01)


if __name__ == "__main__":
    main()
