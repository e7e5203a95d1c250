from functools import partial


class Step:
    def __init__(self, function):
        self.function = function

    def apply(self, name):
        return self.function(name)

    @classmethod
    def named(cls, name):
        return cls(partial(join, name))


def join(left, right):
    return left + right


def upper(name):
    return name.upper()


STEPS = [Step(upper), Step(lambda name: reverse(name))]


def reverse(name):
    return name[::-1]
