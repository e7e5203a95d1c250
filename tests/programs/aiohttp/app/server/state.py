async def make_context(app):
    app["cache"] = Cache()
    yield
    await app["cache"].drop()


class Cache:
    def __init__(self):
        self.items = {}

    async def drop(self):
        self.items.clear()
