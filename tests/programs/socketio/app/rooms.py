import socketio


class Game(socketio.AsyncNamespace):
    def on_connect(self, sid, environ):
        self.join(sid)

    async def on_move(self, sid, data):
        return await self.moved(data)

    async def moved(self, data):
        return data

    def join(self, sid):
        pass
