import time

from app import sources


class Poller:
    def __init__(self, source):
        self.source = sources.create(source)

    def run(self):
        while True:
            for item in self.source:
                self.handle(item)
            time.sleep(0.1)

    def handle(self, item):
        getattr(self, f"on_{item}")()

    def on_a(self):
        pass
