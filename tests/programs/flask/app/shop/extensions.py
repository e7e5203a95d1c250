class Audit:
    def __init__(self):
        self.lines = []

    def init_app(self, app):
        app.before_request(self.begin)
        app.after_request(self.finish)
        app.teardown_appcontext(forget)

    def begin(self):
        self.lines.append("begin")

    def finish(self, response):
        self.lines.append(describe(response))
        return response


def describe(response):
    return str(response.status_code)


def forget(error):
    pass
