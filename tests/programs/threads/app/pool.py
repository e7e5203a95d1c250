import threading


class Base(threading.Thread):
    def __init__(self, items):
        super().__init__(daemon=True)
        self.items = items

    def run(self):
        for item in self.work():
            self.handle(item)

    def work(self):
        raise NotImplementedError

    def handle(self, item):
        pass


class Producer(Base):
    def work(self):
        yield 1
        self.items.put(None)


class Consumer(Base):
    def work(self):
        return iter(self.items.get, None)


def start_all(threads):
    for thread in threads:
        thread.start()
    return threads
