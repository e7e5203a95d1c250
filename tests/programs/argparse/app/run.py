import argparse
import importlib
import os
import sys

from app.core import COMMANDS, command


@command("migrate")
def migrate(args):
    importlib.import_module("app.migrations").upgrade()


def positive(text):
    return int(text)


def parser():
    made = argparse.ArgumentParser()
    inner = made.add_subparsers(required=True)
    poll = inner.add_parser("poll")
    poll.add_argument("--every", type=positive)
    poll.set_defaults(func=start_poll)
    for name, function in COMMANDS.items():
        inner.add_parser(name).set_defaults(func=function)
    return made


def start_poll(args):
    from app.poller import Poller

    Poller(source=os.environ.get("SOURCE", "memory")).run()


def main(argv=None):
    args = parser().parse_args(argv)
    return args.func(args)


if __name__ == "__main__":
    sys.exit(main())
