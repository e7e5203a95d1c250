def includeme(config):
    for name, pattern in ROUTES:
        config.add_route(name, pattern)
    config.add_route("item", "/item/{n}", factory=Item)


ROUTES = [("home", "/"), ("about", "/about"), ("fails", "/fails")]


class Item:
    def __init__(self, request):
        self.n = request.matchdict["n"]
        self.check()

    def check(self):
        pass
