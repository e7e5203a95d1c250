import runpy


def worker(run):
    runpy.run_module("src_app", run_name="__main__")
