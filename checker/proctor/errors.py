"""What ends a run before it can answer, each with its exit code."""

from __future__ import annotations


class ProctorError(Exception):
    """Base: the run itself failed. The message is for the user; `exit_code` is the process status."""

    exit_code = 2


class UsageError(ProctorError):
    """A wrong option or argument."""


class ConfigurationError(ProctorError):
    """A configuration or rule file that cannot be used; the message names file, key and the nearest valid one."""


class RootError(ProctorError):
    """The root cannot be read."""
