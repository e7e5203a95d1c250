from .registry import *  # noqa: F403
from .registry import registry as plugins
