import socketserver


class Lines(socketserver.StreamRequestHandler):
    def setup(self):
        super().setup()
        self.ready()

    def handle(self):
        self.wfile.write(self.answer(self.rfile.readline()))

    def ready(self):
        pass

    def answer(self, line):
        return line


class Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True

    def verify_request(self, request, address):
        return allowed(address)


def allowed(address):
    return True


if __name__ == "__main__":
    Server(("127.0.0.1", 0), Lines).serve_forever()
