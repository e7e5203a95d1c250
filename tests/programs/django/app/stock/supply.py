class Source:
    def fetch(self):
        return self.parse(self.read())

    def read(self):
        raise NotImplementedError

    def parse(self, text):
        return text.split()


class Files(Source):
    def read(self):
        return "a b"


class Web(Source):
    def read(self):
        return "c"

    def parse(self, text):
        return [*super().parse(text), last()]


def last():
    return "d"


SOURCES = {"files": Files, "web": Web}
