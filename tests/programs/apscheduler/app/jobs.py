class Report:
    def __init__(self, name):
        self.name = name

    def write(self):
        return Writer.open(self).put(self.name)


class Writer:
    @staticmethod
    def open(report):
        return Writer()

    def put(self, text):
        return text


def clean():
    sweep()


def sweep():
    pass


def by_text():
    return "text"


JOBS = {"clean": clean, "other": lambda: other()}


def other():
    pass
