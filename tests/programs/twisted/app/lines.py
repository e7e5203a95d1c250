from twisted.internet.protocol import Factory
from twisted.protocols.basic import LineReceiver


class Echo(LineReceiver):
    def connectionMade(self):
        self.factory.count_opened()

    def lineReceived(self, line):
        self.sendLine(self.answer(line))

    def answer(self, line):
        return line

    def connectionLost(self, reason):
        self.factory.count_closed()


class EchoFactory(Factory):
    protocol = Echo

    def count_opened(self):
        pass

    def count_closed(self):
        pass
