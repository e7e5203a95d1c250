import asyncio


class Server:
    async def serve(self, reader, writer):
        writer.write(self.answer(await reader.readline()))
        writer.close()

    def answer(self, line):
        return line


class Lines(asyncio.Protocol):
    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write(reply(data))


def reply(data):
    return data


async def listen(server):
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    other = await asyncio.get_running_loop().create_server(Lines, "127.0.0.1", 0)
    await announce([listening.sockets[0], other.sockets[0]])


async def announce(sockets):
    pass
