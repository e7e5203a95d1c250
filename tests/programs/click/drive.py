import runpy
import sys


def _run(*arguments):
    sys.argv = ["tool", *arguments]
    try:
        runpy.run_module("tool", run_name="__main__")
    except SystemExit as end:
        assert not end.code


def worker(run):
    _run("run", "--count", "2")


def other(run):
    _run("db", "init")
