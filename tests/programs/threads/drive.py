def worker(run):
    run.script("worker.py")
