import cherrypy

from site_tools import Api, register


class Root:
    def __init__(self):
        self.api = Api()

    @cherrypy.expose
    def index(self):
        return self.page("index")

    @cherrypy.expose
    @cherrypy.tools.json_out()
    def data(self, n="1"):
        return double(int(n))

    def page(self, name):
        return name


def double(n):
    return 2 * n


def on_start():
    prepare()


def prepare():
    pass


if __name__ == "__main__":
    register()
    cherrypy.engine.subscribe("start", on_start)
    cherrypy.quickstart(Root(), "/", {"/api": {"request.dispatch": cherrypy.dispatch.MethodDispatcher()}})
