from celery import Task, chain, shared_task

from proj.mail.sender import Sender


class Logged(Task):
    abstract = True

    def on_success(self, retval, task_id, args, kwargs):
        self.note(task_id)

    def note(self, task_id):
        pass


@shared_task(base=Logged, bind=True)
def send(self, name):
    return Sender.for_name(name).deliver()


@shared_task(name="mail.done")
def done(result):
    finish(result)


def finish(result):
    pass


def send_all(names):
    for name in names:
        chain(send.s(name), done.s()).delay()
