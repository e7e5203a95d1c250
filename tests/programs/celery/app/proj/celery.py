from celery import Celery
from celery.signals import task_prerun, worker_ready

app = Celery("proj", broker="memory://", backend="cache+memory://", include=["proj.reports"])
app.config_from_object("proj.celeryconfig")
app.autodiscover_tasks(["proj.mail"])


@worker_ready.connect
def ready(**kwargs):
    warm()


def warm():
    pass


@task_prerun.connect
def before(**kwargs):
    pass


@app.on_after_configure.connect
def plan(sender, **kwargs):
    sender.add_periodic_task(60.0, clean.s())


@app.task
def clean():
    sweep()


def sweep():
    pass
