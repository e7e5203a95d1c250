def resize(name):
    return Resizer().run(name)


def succeeded(job, connection, result, *args):
    note(result)


def note(result):
    pass


class Resizer:
    def run(self, name):
        return self._sizes(name)

    def _sizes(self, name):
        return [scale(name, n) for n in (1, 2)]


def scale(name, n):
    return f"{name}-{n}"
