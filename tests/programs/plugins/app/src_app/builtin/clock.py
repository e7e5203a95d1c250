from contextlib import contextmanager

from ..registry import Plugin


class Clock(Plugin):
    def activate(self):
        with self.running() as n:
            tick_once(n)

    @contextmanager
    def running(self):
        begin()
        yield 1
        end()

    def hooks(self):
        return {"start": self.started}

    def started(self):
        pass


def begin():
    pass


def end():
    pass


def tick_once(n):
    pass
