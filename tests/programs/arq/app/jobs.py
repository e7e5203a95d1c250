from arq import cron, func

from service import Service


async def fetch(ctx, name):
    return await ctx["service"].get(name)


async def fetch_all(ctx):
    return [await fetch(ctx, name) for name in names()]


def names():
    return ["a", "b"]


async def nightly(ctx):
    await sweep()


async def sweep():
    pass


async def startup(ctx):
    ctx["service"] = Service()


async def shutdown(ctx):
    await ctx["service"].close()


async def before(ctx):
    note()


def note():
    pass


class WorkerSettings:
    functions = [fetch, func(fetch_all, name="all")]
    cron_jobs = [cron(nightly, second=set(range(60)))]
    on_startup = startup
    on_shutdown = shutdown
    on_job_start = before
    handle_signals = False
