from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from answers import Answers


class Handler(BaseHTTPRequestHandler):
    answers = Answers()

    def do_GET(self):
        self.reply(self.answers.find(self.path))

    def reply(self, text):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format, *args):
        pass


def main():
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.serve_forever()


if __name__ == "__main__":
    main()
