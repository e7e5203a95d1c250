SECRET_KEY = "x"
ROOT_URLCONF = "api.urls"
ALLOWED_HOSTS = ["*"]
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "rest_framework", "notes"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}}
MIDDLEWARE = []
USE_TZ = True
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["api.auth.Everybody"],
    "DEFAULT_PERMISSION_CLASSES": ["api.auth.MayRead"],
    "EXCEPTION_HANDLER": "api.errors.handle",
    "DEFAULT_PAGINATION_CLASS": "notes.paging.Pages",
    "UNAUTHENTICATED_USER": None,
}
