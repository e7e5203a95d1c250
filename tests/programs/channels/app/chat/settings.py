SECRET_KEY = "x"
INSTALLED_APPS = ["channels", "chat"]
ROOT_URLCONF = "chat.urls"
ASGI_APPLICATION = "chat.asgi.application"
CHANNEL_LAYERS = {"default": {"BACKEND": "channels.layers.InMemoryChannelLayer"}}
ALLOWED_HOSTS = ["*"]
USE_TZ = True
