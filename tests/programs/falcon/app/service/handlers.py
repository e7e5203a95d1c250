import falcon


def checked(request, response, resource, params):
    resource.count()


class Quotes:
    def __init__(self, store):
        self.store = store
        self.n = 0

    @falcon.before(checked)
    def on_get(self, request, response):
        response.media = self.all()

    def on_post(self, request, response):
        response.status = falcon.HTTP_201

    def on_get_special(self, request, response):
        response.media = self.special()

    def all(self):
        return self.store.items

    def special(self):
        return "special"

    def count(self):
        self.n += 1


class Quote:
    def __init__(self, quotes):
        self._store = quotes.store

    def on_get(self, request, response, number):
        response.media = self._store.get(number)


def sink(request, response, **kwargs):
    response.text = "old"
