from rq import Queue, Retry

import connection
import work

queue = Queue(connection=connection.redis)


def later(name):
    queue.enqueue(work.resize, name, retry=Retry(max=2), on_success=work.succeeded)
    queue.enqueue(work.Resizer().run, args=(name,))


def by_name(name):
    queue.enqueue("mailer.send", name)
