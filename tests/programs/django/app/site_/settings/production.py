from .base import *  # noqa: F403

INSTALLED_APPS += ["billing"]  # noqa: F405
