import asyncio


def worker(run):
    with run.during("import"):
        import tasks

    async def work():
        tasks.broker.is_worker_process = True
        run.phase = run.threads = "startup"
        await tasks.broker.startup()
        run.phase = run.threads = "job"
        await (await tasks.save.kiq("a")).wait_result(timeout=10)
        await (await tasks.plain.kiq(3)).wait_result(timeout=10)
        run.phase = run.threads = "shutdown"
        await tasks.broker.shutdown()

    asyncio.run(work())
