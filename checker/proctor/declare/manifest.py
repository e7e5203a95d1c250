"""What one manifest declares, whichever kind it is."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, field

from proctor.model.place import Place
from proctor.model.process import DeploySetting, Diagnostic, ProcessType

_DEVELOPMENT = re.compile(
    r"(^|[._/-])(dev|devel|development|local|override|test|tests|testing|ci|debug|devcontainer|example|sample|e2e|selenium)"
    r"([._/-]|$)",
    re.IGNORECASE,
)
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*(h|ms|us|m|s)?")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 0.000001, "": 1.0}


@dataclass
class Manifest:
    """The reading of one file. `kind` is the word for `ProcessType.declared_in`. `development` says that it is meant
    for a developer's machine."""

    kind: str
    path: str
    development: bool = False
    process_types: list[ProcessType] = field(default_factory=list)
    settings: list[DeploySetting] = field(default_factory=list)
    variables: dict[str, str | None] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def set(
        self, topic: str, line: int, process: str | None, value: str, development: bool | None = None
    ) -> None:
        """Note one deploy setting."""
        development = self.development if development is None else development
        self.settings.append(
            DeploySetting(
                topic=topic,
                place=Place(self.path, line),
                process=process,
                value=value,
                development=development,
            )
        )

    def declare(self, name: str, value: str | None) -> None:
        """Note one environment variable; a value that is itself taken from the environment is none."""
        if value is not None and ("$" in value or "{{" in value):
            value = None
        if self.variables.get(name) is None:
            self.variables[name] = value


def is_development(path: str) -> bool:
    """Whether the name of a file or folder says that it is meant for a developer's machine or a test."""
    return bool(_DEVELOPMENT.search(posixpath.basename(path)) or _DEVELOPMENT.search(posixpath.dirname(path)))


def starts_for_development(command: str) -> bool:
    """Whether a command runs a script or file whose name says that it is meant for a developer's machine."""
    words = [word.strip("'\"") for word in command.split()]
    files = [word for word in words if "/" in word or word.endswith((".sh", ".py", ".ini", ".toml"))]
    return any(_DEVELOPMENT.search(posixpath.basename(word)) for word in files)


def seconds(text: str) -> float | None:
    """A duration such as `1m30s`, `10s`, `90` in seconds, or None."""
    found = _DURATION.findall(text.strip())
    if not found or "".join(number + unit for number, unit in found) != re.sub(r"\s", "", text):
        return None
    return sum(float(number) * _SECONDS[unit] for number, unit in found)
