import dramatiq
from dramatiq.brokers.stub import StubBroker
from dramatiq.middleware import Middleware


class Timing(Middleware):
    def after_worker_boot(self, broker, worker):
        self.begin()

    def before_process_message(self, broker, message):
        self.count(message)

    def before_worker_shutdown(self, broker, worker):
        self.report()

    def begin(self):
        self.n = 0

    def count(self, message):
        self.n += 1

    def report(self):
        pass


broker = StubBroker()
broker.add_middleware(Timing())
dramatiq.set_broker(broker)
