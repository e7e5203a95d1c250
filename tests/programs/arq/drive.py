import asyncio


def worker(run):
    with run.during("import"):
        import jobs
    from arq.worker import get_kwargs

    async def work():
        from types import SimpleNamespace

        settings = get_kwargs(jobs.WorkerSettings)
        context = {}
        run.phase = "startup"
        await settings["on_startup"](context)
        run.phase = "job"
        await settings["on_job_start"](context)
        for each in settings["functions"]:
            function = getattr(each, "coroutine", each)
            await (function(context, "a") if function is jobs.fetch else function(context))
        run.phase = "tick"
        await settings["cron_jobs"][0].coroutine(context)
        run.phase = "shutdown"
        await settings["on_shutdown"](context)

    asyncio.run(work())
