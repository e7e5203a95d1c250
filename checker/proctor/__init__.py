"""proctor: a 12-factor concurrency linter and conformance checker."""

__version__ = "0.1.0"
