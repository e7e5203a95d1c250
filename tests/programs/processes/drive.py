def worker(run):
    run.script("parent.py")
