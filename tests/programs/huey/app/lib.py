import functools


class Counter:
    def __init__(self):
        self._value = 0

    @property
    def value(self):
        return self._read()

    def _read(self):
        return self._value

    def add(self, n):
        self._value += n

    def clear(self):
        self._value = 0


def retry(function):
    @functools.wraps(function)
    def again():
        return function()

    return again
