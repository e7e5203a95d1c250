from .env import flag

SECRET_KEY = "x"
DEBUG = flag("DEBUG", False)
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "site_.urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "stock.apps.StockConfig"]
MIDDLEWARE = ["site_.middleware.Timing", "site_.middleware.tagging"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = True
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {"context_processors": ["stock.context.shop"]},
    }
]
