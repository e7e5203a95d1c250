class Store:
    def __init__(self):
        self.names = []

    async def put(self, name):
        self.names.append(self.clean(name))

    def clean(self, name):
        return name.strip()

    async def close(self):
        self.names.clear()


async def get_store():
    return Store()
