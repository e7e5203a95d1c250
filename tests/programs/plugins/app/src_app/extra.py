from dataclasses import dataclass, field

from .registry import Plugin


def fresh():
    return [1]


@dataclass
class Row:
    values: list = field(default_factory=fresh)

    def __post_init__(self):
        self.total = count(self.values)

    def __len__(self):
        return self.total


def count(values):
    return len(values)


class Extra(Plugin):
    def activate(self):
        rows = sorted([Row(), Row()], key=weight)
        for a, b in zip(rows, map(same, rows)):
            assert a is b
        for n in numbers():
            self.seen = n
        return len(rows[0])


def weight(row):
    return row.total


def same(row):
    return row


def numbers():
    yield one()


def one():
    return 1
