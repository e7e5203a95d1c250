class Service:
    def __init__(self):
        self.open = True

    async def get(self, name):
        return await self._call(name)

    async def _call(self, name):
        return name

    async def close(self):
        self.open = False
