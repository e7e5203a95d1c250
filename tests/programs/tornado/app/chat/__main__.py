from tornado.ioloop import IOLoop, PeriodicCallback

from chat.app import make_app
from chat.jobs import clean


def main():
    app = make_app()
    app.listen(0)
    PeriodicCallback(clean, 20).start()
    IOLoop.current().add_callback(ready)
    IOLoop.current().start()


async def ready():
    pass


if __name__ == "__main__":
    main()
