import os

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "chat.settings")
from django.core.asgi import get_asgi_application  # noqa: E402

django_application = get_asgi_application()

from channels.routing import ProtocolTypeRouter, URLRouter  # noqa: E402

from chat import routing  # noqa: E402
from chat.middleware import TokenMiddleware  # noqa: E402

application = ProtocolTypeRouter(
    {"http": django_application, "websocket": TokenMiddleware(URLRouter(routing.websocket_urlpatterns))}
)
