class Runner:
    def __init__(self, name):
        self.name = name

    def go(self):
        return self.name_of()

    def name_of(self):
        return self.name


def ping():
    pass


def raise_later():
    raise ValueError


def with_argument(n):
    return n


def idle():
    pass
