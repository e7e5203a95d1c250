import atexit
import os
import signal
import time


def worker(run):
    sleep = time.sleep
    numbers = iter([None, signal.SIGHUP, signal.SIGUSR1, signal.SIGTERM])

    def send(seconds):
        number = next(numbers)
        if number:
            with run.during("signal"):
                os.kill(os.getpid(), number)
                sleep(0.01)

    time.sleep = send
    run.script("worker.py")
    with run.during("shutdown"):
        atexit._run_exitfuncs()
