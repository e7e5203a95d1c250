from dataclasses import dataclass

COUNTS = {}


def count(name):
    COUNTS[name] = COUNTS.get(name, 0) + 1


@dataclass
class Line:
    price: int


class Order:
    def __init__(self, number):
        self.number = number
        self.lines = [Line(1)]

    @property
    def total(self):
        return sum(map(price_of, self.lines))


class GiftOrder(Order):
    @property
    def total(self):
        return super().total + wrapping()


def wrapping():
    return 1


def price_of(line):
    return line.price


KINDS = {True: GiftOrder, False: Order}


def make_order(number):
    return KINDS[number % 2 == 0](number)


class Repository:
    def __init__(self):
        self._orders = {}

    def add(self, order):
        self._orders[order.number] = order

    def find(self, number):
        return self._orders[number]

    def all(self):
        return sorted(self._orders.values(), key=lambda order: order.number)


repository = Repository()
