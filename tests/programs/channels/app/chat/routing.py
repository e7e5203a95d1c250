from django.urls import path

from chat.consumers import Echo, Room

websocket_urlpatterns = [path("room/<str:name>", Room.as_asgi()), path("echo", Echo.as_asgi())]
