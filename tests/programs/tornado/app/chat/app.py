import tornado.web
import tornado.websocket

from .core import Core


class Base(tornado.web.RequestHandler):
    def initialize(self, core):
        self.core = core

    def prepare(self):
        self.core.count()

    def on_finish(self):
        self.done()

    def done(self):
        pass


class Main(Base):
    async def get(self):
        self.write(await self.core.load())

    def post(self):
        raise tornado.web.HTTPError(400)

    def write_error(self, status_code, **kwargs):
        self.finish(explain(status_code))


def explain(status):
    return str(status)


class Socket(tornado.websocket.WebSocketHandler):
    def open(self):
        members.add(self)

    def on_message(self, message):
        for member in members:
            member.tell(message)

    def tell(self, text):
        self.write_message(text)

    def on_close(self):
        members.discard(self)


members = set()


def make_app():
    core = Core()
    return tornado.web.Application([(r"/", Main, {"core": core}), tornado.web.url(r"/ws", Socket)])
