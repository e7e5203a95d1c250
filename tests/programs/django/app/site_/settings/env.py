import os


def flag(name, default):
    return os.environ.get(name, str(default)) == "True"
