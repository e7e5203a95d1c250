from channels.db import database_sync_to_async
from channels.generic.websocket import AsyncJsonWebsocketConsumer, WebsocketConsumer


class Room(AsyncJsonWebsocketConsumer):
    async def connect(self):
        self.name = self.scope["url_route"]["kwargs"]["name"]
        await self.channel_layer.group_add(self.name, self.channel_name)
        await self.accept()

    async def receive_json(self, content):
        await self.channel_layer.group_send(self.name, {"type": "room.message", "text": await load()})

    async def room_message(self, event):
        await self.send_json(self.shown(event))

    async def disconnect(self, code):
        await self.leave()

    async def leave(self):
        pass

    def shown(self, event):
        return event["text"]


@database_sync_to_async
def load():
    return rows()


def rows():
    return []


class Echo(WebsocketConsumer):
    def receive(self, text_data=None, bytes_data=None):
        self.send(text_data=self.answer(text_data))

    def answer(self, text):
        return text
