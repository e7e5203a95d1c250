import cherrypy


@cherrypy.expose
class Api:
    def GET(self):
        return self.read()

    def POST(self):
        return "posted"

    def read(self):
        return "api"


def stamp():
    cherrypy.response.headers["X-Stamp"] = "1"


def register():
    cherrypy.tools.stamp = cherrypy.Tool("before_finalize", stamp)
    cherrypy.config.update({"tools.stamp.on": True})
