import urllib.request


def web(run):
    import cherrypy

    cherrypy.config.update({"server.socket_port": 0, "log.screen": False, "engine.autoreload.on": False})

    def serve():
        host, port = cherrypy.server.bound_addr
        with run.during("request", threads="request"):
            for path in ("/", "/data?n=3", "/api/"):
                urllib.request.urlopen(f"http://{host}:{port}{path}", timeout=20).read()
            urllib.request.urlopen(f"http://{host}:{port}/api/", data=b"", timeout=20).read()
        cherrypy.engine.exit()

    cherrypy.engine.block = serve
    run.script("server.py")
