import multiprocessing


class Worker(multiprocessing.Process):
    def __init__(self, queue):
        super().__init__()
        self.queue = queue

    def run(self):
        self.queue.put(self.first())

    def first(self):
        return 1


class Sink:
    def accept(self, n):
        self.last = n


def loop(queue, sink):
    sink.accept(queue.get())


def init():
    pass


def square(n):
    return power(n, 2)


def cube(n):
    return power(n, 3)


def power(n, e):
    return n**e
