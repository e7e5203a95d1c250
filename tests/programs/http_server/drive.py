import socket
import socketserver
import threading
import urllib.request


def _serve(run, path, ask):
    serve = socketserver.BaseServer.serve_forever

    def forever(self, *arguments):
        run.phase = run.threads = "request"

        def talk():
            try:
                ask(self.server_address)
            finally:
                self.shutdown()

        threading.Thread(target=talk).start()
        serve(self, 0.05)

    socketserver.BaseServer.serve_forever = forever
    run.script(path)


def web(run):
    def ask(address):
        for path in ("/", "/time"):
            urllib.request.urlopen(f"http://{address[0]}:{address[1]}{path}", timeout=10).read()

    _serve(run, "serve.py", ask)


def lines(run):
    def ask(address):
        with socket.create_connection(address) as connection:
            connection.sendall(b"a\n")
            assert connection.recv(10) == b"a\n"

    _serve(run, "lines.py", ask)


def wsgi(run):
    def ask(address):
        urllib.request.urlopen(f"http://{address[0]}:{address[1]}/", timeout=10).read()

    _serve(run, "wsgi.py", ask)
