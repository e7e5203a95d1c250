import asyncio
import contextlib
import functools
import signal

from net import Server, listen


async def produce(queue):
    for n in range(2):
        await queue.put(n)
    await queue.put(None)


async def consume(queue):
    async for item in items(queue):
        await handle(item)


async def items(queue):
    while True:
        item = await queue.get()
        if item is None:
            return
        yield item


async def handle(item):
    loop = asyncio.get_running_loop()
    await loop.run_in_executor(None, functools.partial(blocking, item))


def blocking(item):
    return weigh(item)


def weigh(item):
    return item


@contextlib.asynccontextmanager
async def session():
    opened()
    yield Session()
    closed()


def opened():
    pass


def closed():
    pass


class Session:
    async def query(self):
        return [row async for row in self.rows()]

    async def rows(self):
        yield self.row()

    def row(self):
        return 1


def on_term(stop):
    stop.set()


def later():
    pass


def done(task):
    pass


async def main():
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGTERM, on_term, stop)
    loop.call_later(0.01, later)
    queue = asyncio.Queue()
    task = asyncio.create_task(produce(queue))
    task.add_done_callback(done)
    async with session() as current:
        await asyncio.gather(consume(queue), current.query())
    await asyncio.wait_for(listen(Server()), timeout=20)
    await asyncio.gather(*[wait(stop)])


async def wait(stop):
    await stop.wait()


if __name__ == "__main__":
    asyncio.run(main())
