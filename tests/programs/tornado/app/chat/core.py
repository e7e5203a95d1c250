class Core:
    n = 0

    def count(self):
        self.n += 1

    async def load(self):
        return self.text()

    def text(self):
        return str(self.n)
