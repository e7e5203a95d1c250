from fastapi import APIRouter, Depends, WebSocket

from ..deps import current_user

router = APIRouter()


@router.get("/me")
async def me(user=Depends(current_user)):
    return user


class Rooms:
    def __init__(self):
        self.sockets = []

    async def join(self, socket):
        await socket.accept()
        self.sockets.append(socket)

    async def tell(self, text):
        for socket in self.sockets:
            await socket.send_text(text)


rooms = Rooms()


@router.websocket("/ws")
async def chat(socket: WebSocket):
    await rooms.join(socket)
    await rooms.tell(await socket.receive_text())
    await socket.close()
