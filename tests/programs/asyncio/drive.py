import asyncio
import os
import signal
import socket
import threading
import time


def worker(run):
    run.threads = "startup"
    start, create = asyncio.start_server, asyncio.SelectorEventLoop.create_server
    ports = []

    async def start_server(*arguments, **options):
        server = await start(*arguments, **options)
        ports.append(server.sockets[0].getsockname()[1])
        return server

    async def create_server(self, *arguments, **options):
        server = await create(self, *arguments, **options)
        if arguments[0].__name__ == "Lines":
            ports.append(server.sockets[0].getsockname()[1])
        return server

    asyncio.start_server = start_server
    asyncio.SelectorEventLoop.create_server = create_server

    def ask():
        while len(ports) < 2:
            time.sleep(0.02)
        time.sleep(0.2)
        run.phase = "request"
        for port in ports:
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(b"a\n")
                assert connection.recv(10) == b"a\n"
        run.phase = "signal"
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=ask, daemon=True).start()
    run.script("main.py")
