from typing import Annotated

from taskiq import InMemoryBroker, TaskiqDepends, TaskiqEvents, TaskiqMiddleware

from store import Store, get_store

broker = InMemoryBroker()


class Count(TaskiqMiddleware):
    async def pre_execute(self, message):
        self.add()
        return message

    def add(self):
        self.n = getattr(self, "n", 0) + 1


broker.add_middlewares(Count())


@broker.on_event(TaskiqEvents.WORKER_STARTUP)
async def begin(state):
    state.store = Store()


@broker.on_event(TaskiqEvents.WORKER_SHUTDOWN)
async def finish(state):
    await state.store.close()


@broker.task
async def save(name: str, store: Annotated[Store, TaskiqDepends(get_store)]):
    await store.put(name)


@broker.task(task_name="plain")
def plain(n: int):
    return square(n)


def square(n):
    return n * n
