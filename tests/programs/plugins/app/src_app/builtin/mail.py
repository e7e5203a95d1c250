from functools import cached_property, lru_cache, partial

from src_app import Plugin


class Mail(Plugin):
    def activate(self):
        self.client.send("a")
        send = partial(deliver, "b")
        send()
        settings()
        self.subject = "s"

    @cached_property
    def client(self):
        return Client()

    @property
    def subject(self):
        return self._subject

    @subject.setter
    def subject(self, text):
        self._subject = clean(text)

    def __str__(self):
        return self.subject


class Client:
    def __getattr__(self, name):
        return partial(call, name)


def call(name, *args):
    pass


def deliver(name):
    pass


@lru_cache
def settings():
    return read()


def read():
    return {}


def clean(text):
    return text
