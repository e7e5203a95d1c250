import signal


class State:
    def __init__(self):
        self.n = 0

    def work(self):
        self.n += self.step()

    def step(self):
        return 1

    def reload(self):
        self.n = 0

    def say(self, text):
        pass

    def close(self):
        pass


class Killer:
    stopped = False

    def __init__(self):
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, self.stop)

    def stop(self, number, frame):
        self.stopped = True
