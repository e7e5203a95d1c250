import importlib
import pkgutil

import src_app.builtin

EXTRA = ["src_app.extra"]


def load_all():
    for module in pkgutil.iter_modules(src_app.builtin.__path__):
        importlib.import_module(f"src_app.builtin.{module.name}")
    for name in EXTRA:
        importlib.import_module(name)
