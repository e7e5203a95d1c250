from wsgiref.simple_server import make_server

from answers import now


class Application:
    def __call__(self, environ, start_response):
        start_response("200 OK", [])
        return self.body()

    def body(self):
        yield now().encode()


def logged(app):
    def wrapper(environ, start_response):
        note(environ)
        return app(environ, start_response)

    return wrapper


def note(environ):
    pass


if __name__ == "__main__":
    make_server("127.0.0.1", 0, logged(Application())).serve_forever()
