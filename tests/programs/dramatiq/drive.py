def worker(run):
    with run.during("import"):
        import actors
    from dramatiq.broker import Broker
    from dramatiq.worker import Worker, _WorkerThread

    run.mark("job", _WorkerThread.process_message)
    run.mark("shutdown", Worker.stop)
    broker = actors.broker.broker
    import sys

    sys.setprofile(None)
    actors.process.send("a")
    actors.Export.send("b")
    run.start()
    run.threads = "startup"
    running = Worker(broker, worker_threads=1)
    running.start()
    broker.join("default")
    running.join()
    running.stop()
