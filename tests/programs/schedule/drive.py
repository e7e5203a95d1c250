import runpy
import time


def clock(run):
    import schedule

    from __main__ import Stop

    run.mark("tick", schedule.Job.run)
    run_job = schedule.Job.run
    sleep = time.sleep
    rounds = iter(range(6))

    def shorter(seconds):
        if next(rounds, None) is None:
            raise Stop
        sleep(0.3)

    time.sleep = shorter
    try:
        runpy.run_module("plan", run_name="__main__")
    except Stop:
        pass
