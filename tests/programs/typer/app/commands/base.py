from abc import ABC, abstractmethod


class Runner(ABC):
    verbose = False

    @classmethod
    def create(cls, name):
        return _runners()[name[0] == "A"](name)

    def __init__(self, name):
        self.name = name

    def start(self):
        self.before()
        self.run()

    def before(self):
        pass

    @abstractmethod
    def run(self):
        raise NotImplementedError


class Fast(Runner):
    def run(self):
        self.quick()

    def quick(self):
        pass


class Slow(Runner):
    def unused_run(self):
        pass


def _runners():
    return {True: Fast, False: Slow}
