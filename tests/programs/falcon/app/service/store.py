class Store:
    def __init__(self):
        self.items = ["a", "b"]

    def get(self, number):
        return self.items[self.index(number)]

    def index(self, number):
        return 1 // number
