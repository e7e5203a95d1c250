from twisted.internet import reactor, task
from twisted.web.server import Site

from pages import Root
from lines import EchoFactory


def pulse():
    beat()


def beat():
    pass


def stopped():
    pass


def main():
    task.LoopingCall(pulse).start(0.05)
    reactor.listenTCP(0, Site(Root()))
    reactor.listenTCP(0, EchoFactory())
    reactor.addSystemEventTrigger("before", "shutdown", stopped)
    reactor.callWhenRunning(started)
    reactor.run()


def started():
    pass


if __name__ == "__main__":
    main()
