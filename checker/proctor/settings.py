"""`[tool.proctor]` of pyproject.toml, or proctor.toml, as frozen settings."""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec

from proctor.errors import ConfigurationError
from proctor.model.words import SEVERITIES, Severity
from proctor.shape import fill

PlatformName = Literal[
    "container", "kubernetes", "heroku", "cloudfoundry", "systemd", "dokku", "render", "fly"
]
FailOn = Literal["error", "warning", "note", "never"]
SETTINGS_FILES = ("proctor.toml", "pyproject.toml")
_CODE_PREFIX = re.compile(r"T([FC]\d*)?")


class Platform(msgspec.Struct, frozen=True, kw_only=True):
    """What a platform does to a process that shall stop: it sends `signal` to the "main" process only or to
    "all" processes, waits `grace_seconds` and kills. `restarts_daily` says that it stops every process each day."""

    grace_seconds: float
    signal: str = "SIGTERM"
    signals: Literal["main", "all"] = "main"
    restarts_daily: bool = False
    source: str


#: Defaults as the platforms document them; a manifest of the app may set others.
PLATFORMS: Mapping[str, Platform] = {
    "container": Platform(
        grace_seconds=10, source="https://docs.docker.com/reference/cli/docker/container/stop/"
    ),
    "kubernetes": Platform(
        grace_seconds=30, source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/"
    ),
    "heroku": Platform(
        grace_seconds=30,
        signals="all",
        restarts_daily=True,
        source="https://devcenter.heroku.com/articles/dyno-shutdown-behavior",
    ),
    "cloudfoundry": Platform(
        grace_seconds=10, source="https://docs.cloudfoundry.org/devguide/deploy-apps/app-lifecycle.html"
    ),
    # `KillMode=mixed`; the default, control-group, signals every process of the unit
    "systemd": Platform(
        grace_seconds=90,
        source="https://www.freedesktop.org/software/systemd/man/latest/systemd.kill.html",
    ),
    "dokku": Platform(grace_seconds=30, source="https://dokku.com/docs/deployment/zero-downtime-deploys/"),
    "render": Platform(grace_seconds=30, source="https://render.com/docs/deploys"),
    "fly": Platform(grace_seconds=5, signal="SIGINT", source="https://fly.io/docs/reference/configuration/"),
}


class Accept(msgspec.Struct, frozen=True, kw_only=True):
    """Findings accepted by configuration: those of `code` (or all codes it is a prefix of) in files that match the
    pattern `path` (`fnmatch`, relative to the root), until the end of the day `until` ("" is for good)."""

    code: str
    reason: str
    path: str = "*"
    until: str = ""


class PartSettings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """What is decided otherwise for a part of the app: `ignore` are prefixes of rule codes, `severity` is by rule code."""

    ignore: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}

    def ignores(self, code: str) -> bool:
        """Whether the rule `code` is not asked for in this part."""
        return any(code.startswith(prefix) for prefix in self.ignore)


class Settings(msgspec.Struct, frozen=True, kw_only=True, rename="kebab"):
    """All that a user may decide. `select` and `ignore` are prefixes of rule codes; `exclude` path patterns
    (`fnmatch`, relative to the root); `procfile` a path relative to the root; `formation` process counts by process
    type; `rules` folders with further rule files, relative to the root; `severity` the severity by rule code; `paths`
    decides otherwise for files by path pattern (of several that fit, the last one in the file wins), `processes` for
    process types by name; `baseline` the file of known findings, relative to the root ("" for none)."""

    select: tuple[str, ...] = ("T",)
    ignore: tuple[str, ...] = ()
    fail_on: FailOn = "warning"
    exclude: tuple[str, ...] = ()
    procfile: str = "Procfile"
    platform: PlatformName = "container"
    formation: dict[str, int] = {}
    rules: tuple[str, ...] = ()
    severity: dict[str, Severity] = {}
    paths: dict[str, PartSettings] = {}
    processes: dict[str, PartSettings] = {}
    accept: tuple[Accept, ...] = ()
    baseline: str = ""

    def selects(self, code: str) -> bool:
        """Whether findings of the rule `code` are asked for: the longest matching prefix decides."""
        chosen = max((len(prefix) for prefix in self.select if code.startswith(prefix)), default=-1)
        dropped = max((len(prefix) for prefix in self.ignore if code.startswith(prefix)), default=-1)
        return chosen > dropped

    def asks(self, code: str, path: str, process: str | None) -> bool:
        """Whether findings of the rule `code` in the file `path` are asked for in `process` (None: the app as a whole)."""
        if not self.selects(code) or any(part.ignores(code) for part in self._of_path(path)):
            return False
        part = self.processes.get(process) if process is not None else None
        return part is None or not part.ignores(code)

    def decided_severity(self, code: str, path: str, processes: Sequence[str]) -> Severity | None:
        """The severity that the settings give to a finding, None where they say nothing. A process type decides before a
        path, a path before the whole; of several process types the most severe word holds."""
        fallback = self.severity.get(code)
        for part in self._of_path(path):
            fallback = part.severity.get(code, fallback)
        own = [self.processes[name].severity.get(code) for name in processes if name in self.processes]
        said = [each for each in own if each is not None]
        if not said or (len(said) < len(processes) and fallback is None):
            return fallback
        if len(said) < len(processes) and fallback is not None:
            said.append(fallback)
        return min(said, key=SEVERITIES.index)

    def _of_path(self, path: str) -> list[PartSettings]:
        return [part for pattern, part in self.paths.items() if fnmatchcase(path, pattern)]


class SettingsFile(msgspec.Struct, frozen=True, kw_only=True):
    """The settings of a root, with the `path` of the file that says so ("" where none does) and `notices` about
    files that were passed over."""

    settings: Settings = Settings()
    path: str = ""
    notices: tuple[str, ...] = ()


def read_settings(root: Path) -> SettingsFile:
    """The settings of the app in `root`: proctor.toml, else `[tool.proctor]` of pyproject.toml, else the defaults.

    Raises ConfigurationError naming file, key and the nearest valid one.
    """
    found: list[tuple[str, dict[str, Any]]] = []
    for name in SETTINGS_FILES:
        table = _table(root / name, name)
        if table is not None:
            found.append((name, table))
    if not found:
        return SettingsFile()
    name, table = found[0]
    notices = tuple(
        f"{other}: `[tool.proctor]` is not used, because {name} is there, too." for other, _ in found[1:]
    )
    key = "" if name == "proctor.toml" else "tool.proctor"
    settings = fill(table, Settings, name, key)
    check_settings(settings, name, key)
    return SettingsFile(settings=settings, path=name, notices=notices)


def check_settings(settings: Settings, file: str, key: str = "") -> None:
    """Check what the types alone do not say. Raises ConfigurationError naming `file` and the key below `key`."""
    stem = f"{key}." if key else ""

    def refuse(name: str, text: str) -> ConfigurationError:
        return ConfigurationError(f"{file}: `{stem}{name}` {text}.")

    listed = [("select", settings.select), ("ignore", settings.ignore)]
    for kind in ("paths", "processes"):
        parts: dict[str, PartSettings] = getattr(settings, kind)
        listed += [(f"{kind}.{name}.ignore", part.ignore) for name, part in parts.items()]
    for name, prefixes in listed:
        for prefix in prefixes:
            if not _CODE_PREFIX.fullmatch(prefix):
                raise refuse(name, f"must hold codes such as `TF611` or their beginnings, not `{prefix}`")
    for process, count in settings.formation.items():
        if count < 0:
            raise refuse(f"formation.{process}", f"cannot be {count}")
    for index, accept in enumerate(settings.accept):
        if not _CODE_PREFIX.fullmatch(accept.code):
            raise refuse(f"accept[{index}].code", f"must be a code such as `TF611`, not `{accept.code}`")
        if not accept.reason.strip():
            raise refuse(f"accept[{index}].reason", "must give a reason")
        if accept.until and not _is_date(accept.until):
            raise refuse(f"accept[{index}].until", f"must be a date such as 2031-05-01, not `{accept.until}`")


def _is_date(text: str) -> bool:
    try:
        datetime.date.fromisoformat(text)
    except ValueError:
        return False
    return True


def _table(path: Path, name: str) -> dict[str, Any] | None:
    try:
        content = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise ConfigurationError(f"{name}: the file cannot be read ({error.strerror}).") from error
    if name == "pyproject.toml" and b"proctor" not in content:
        return None  # most of these files speak of other tools, and need not be parsed
    import tomli

    try:
        table = tomli.loads(content.decode("utf-8-sig").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{name}: the file is not UTF-8.") from error
    except tomli.TOMLDecodeError as error:
        raise ConfigurationError(f"{name}: {error}.") from error
    if name == "proctor.toml":
        return table
    tool = table.get("tool")
    own = tool.get("proctor") if isinstance(tool, dict) else None
    if own is None:
        return None
    if not isinstance(own, dict):
        raise ConfigurationError(f"{name}: `tool.proctor` must be a table.")
    return own
