from twisted.internet import threads
from twisted.web import resource, server


class Root(resource.Resource):
    def getChild(self, path, request):
        return Page(path) if path else self

    def render_GET(self, request):
        return self.text()

    def text(self):
        return b"root"


class Page(resource.Resource):
    isLeaf = True

    def __init__(self, path):
        super().__init__()
        self.path = path

    def render_GET(self, request):
        deferred = threads.deferToThread(load, self.path)
        deferred.addCallback(self.done, request)
        return server.NOT_DONE_YET

    def done(self, text, request):
        request.write(text)
        request.finish()


def load(path):
    return path
