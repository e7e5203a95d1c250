def read_secret(default):
    return default


class Base:
    SECRET_KEY = read_secret("x")


class Production(Base):
    DEBUG = False
