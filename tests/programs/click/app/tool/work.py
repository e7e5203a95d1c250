class Work:
    def __init__(self, name):
        self.name = name
        self._steps = []

    def step(self):
        self._steps.append(self.make())

    def make(self):
        return self.name * 2
