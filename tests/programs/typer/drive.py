def worker(run):
    run.script("main.py", "work", "a")
