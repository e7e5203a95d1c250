from huey import crontab

from config import huey
from lib import Counter, retry

counter = Counter()


@huey.task()
def count(n):
    counter.add(n)
    return pair(n)


def pair(n):
    return (n, n)


@huey.task(retries=1)
@retry
def fragile():
    return counter.value


@huey.periodic_task(crontab(minute="*"))
def every_minute():
    tidy()


def tidy():
    counter.clear()


@huey.pre_execute()
def before(task):
    seen(task)


def seen(task):
    pass


@huey.on_startup()
def boot():
    counter.clear()
