from typing import Annotated

from fastapi import Depends


class Session:
    def __init__(self):
        self.rows = []

    def query(self, name):
        return self.cursor().run(name)

    def cursor(self):
        return Cursor()

    def close(self):
        pass


class Cursor:
    def run(self, name):
        return [name]


def get_session():
    session = Session()
    try:
        yield session
    finally:
        session.close()


SessionDep = Annotated[Session, Depends(get_session)]


def current_user(session: SessionDep):
    return session.query("user")


class Limit:
    def __init__(self, n):
        self.n = n

    def __call__(self):
        return self.allowed()

    def allowed(self):
        return self.n


async def count():
    return 1


everywhere = Depends(count)
