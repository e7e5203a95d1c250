import socket
import threading
import time
import urllib.request


def web(run):
    from twisted.internet import reactor, task
    from twisted.internet.base import ReactorBase

    run.mark("tick", task.LoopingCall.__call__)
    ports = []
    listen = reactor.listenTCP
    reactor.listenTCP = lambda port, factory, **options: ports.append(
        listen(port, factory, interface="127.0.0.1")
    )
    original = reactor.run

    def ask():
        time.sleep(0.2)
        run.phase = run.threads = "request"
        numbers = [port.getHost().port for port in ports]
        for path in ("", "page"):
            urllib.request.urlopen(f"http://127.0.0.1:{numbers[0]}/{path}", timeout=10).read()
        with socket.create_connection(("127.0.0.1", numbers[1])) as connection:
            connection.sendall(b"a\r\n")
            assert connection.recv(10) == b"a\r\n"
        time.sleep(0.2)
        run.phase = run.threads = "shutdown"
        reactor.callFromThread(reactor.stop)

    def serve():
        threading.Thread(target=ask).start()
        original(installSignalHandlers=False)

    reactor.run = serve
    run.script("serve.py")
