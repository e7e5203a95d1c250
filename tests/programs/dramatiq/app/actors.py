import dramatiq

import broker  # noqa: F401
from pipeline import STEPS, Step


@dramatiq.actor(max_retries=0)
def process(name):
    for step in STEPS:
        step.apply(name)
    follow.send(name)


@dramatiq.actor
def follow(name):
    Step.named("last").apply(name)


class Export(dramatiq.GenericActor):
    class Meta:
        queue_name = "default"

    def perform(self, name):
        return self.export(name)

    def export(self, name):
        return name
