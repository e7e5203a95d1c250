import socketio

from rooms import Game

sio = socketio.AsyncServer(async_mode="asgi")
app = socketio.ASGIApp(sio)


@sio.event
async def connect(sid, environ):
    await welcome(sid)


async def welcome(sid):
    await sio.emit("welcome", {}, to=sid)


@sio.on("say")
async def say(sid, data):
    sio.start_background_task(later, sid)
    return shout(data)


def shout(data):
    return data.upper()


async def later(sid):
    record(sid)


def record(sid):
    pass


@sio.event
def disconnect(sid, reason):
    record(sid)


async def wave(sid):
    return farewell()


def farewell():
    return "bye"


sio.on("wave", wave)
sio.register_namespace(Game("/game"))
