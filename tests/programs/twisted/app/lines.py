from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver


class Echo(LineReceiver):
    def connectionMade(self):
        self.factory.opened()

    def lineReceived(self, line):
        self.sendLine(self.answer(line))

    def answer(self, line):
        return line

    def connectionLost(self, reason):
        self.factory.closed()


class EchoFactory(Factory):
    protocol = Echo

    def opened(self):
        pass

    def closed(self):
        pass
