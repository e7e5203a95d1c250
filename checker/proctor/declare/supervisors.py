"""systemd units and supervisor configurations, and sticky routing in proxy configurations."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Iterator

from proctor.declare.manifest import Manifest, is_development, seconds
from proctor.model.place import Place
from proctor.model.process import ProcessType
from proctor.model.tree import SourceTree

_PROXY_NAME = re.compile(r"(nginx|haproxy|default|site|upstream|proxy|traefik)", re.IGNORECASE)
_STICKY_LINES = (
    re.compile(r"^\s*ip_hash\s*;"),
    re.compile(r"^\s*sticky\s+(cookie|route|learn|name)?\b[^;]*;"),
    re.compile(r"^\s*hash\s+\$(cookie_|remote_addr|binary_remote_addr|http_cookie|sticky)[^;]*;"),
    re.compile(r"^\s*balance\s+source\b"),
    re.compile(r"^\s*cookie\s+\S+\s+(insert|prefix|rewrite)\b"),
    re.compile(r"^\s*stick\s+(on|match|store-request)\b"),
)
_TERRAFORM_STICKY = re.compile(
    r"^\s*resource\s+\"aws_(app|lb)_cookie_stickiness_policy\"|^\s*session_affinity\s*=\s*\"(?!NONE)\w+\""
)
#: folders of container images that hold the whole app
_APP_ROOTS = frozenset({"app", "code", "workspace"})
_SECTION = re.compile(r"\s*\[([^\]]+)\]\s*")

Rows = dict[str, tuple[str, int]]


def is_unit(path: str) -> bool:
    """Whether the file's name is that of a systemd service."""
    return path.endswith((".service", ".service.example", ".service.template"))


def is_supervisor(path: str, content: bytes) -> bool:
    """Whether the file is a supervisor configuration with programs."""
    return path.endswith((".conf", ".ini", ".cfg")) and b"[program:" in content


def is_proxy(path: str) -> bool:
    """Whether the file may configure a proxy."""
    name = posixpath.basename(path)
    if name.endswith(".tf"):
        return True
    return name.endswith((".conf", ".cfg", ".conf.template", ".conf.erb", ".conf.j2")) and bool(
        _PROXY_NAME.search(path)
    )


def read_unit(path: str, content: bytes, tree: SourceTree) -> Manifest:
    """The manifest of a systemd service."""
    manifest = Manifest("systemd", path, is_development(path))
    rows = dict(_sections(content)).get("Service", {})
    name = posixpath.basename(path).split(".service")[0].replace("@", "")
    for key, topic in (
        ("KillSignal", "stop-signal"), ("TimeoutStopSec", "grace-period"), ("Restart", "restart"),
        ("PIDFile", "pid-file"), ("KillMode", "kill-mode"),
    ):  # fmt: skip
        if key in rows:
            manifest.set(topic, rows[key][1], name, rows[key][0])
    if rows.get("Type", ("", 0))[0] == "forking":
        manifest.set("forking", rows["Type"][1], name, "forking")
    command, line = rows.get("ExecStart", ("", 0))
    if command:
        grace = seconds(rows.get("TimeoutStopSec", ("", 0))[0].replace("sec", "s").replace("min", "m"))
        manifest.process_types.append(
            _process(
                manifest, name, command.lstrip("-@:+!"), line, environment=_unit_environment(rows), grace=grace,
                stop_signal=rows.get("KillSignal", ("", 0))[0],
                folder=_folder(tree, rows.get("WorkingDirectory", ("", 0))[0], command),
            )
        )  # fmt: skip
    return manifest


def read_supervisor(path: str, content: bytes, tree: SourceTree) -> Manifest:
    """The manifest of a supervisor configuration."""
    manifest = Manifest("supervisord", path, is_development(path))
    for section, rows in _sections(content):
        kind, _, name = section.partition(":")
        command, line = rows.get("command", ("", 0))
        if kind != "program" or not command:
            continue
        for key, topic in (
            ("stopsignal", "stop-signal"), ("stopwaitsecs", "grace-period"), ("numprocs", "replicas"),
            ("stopasgroup", "stop-as-group"), ("autorestart", "restart"),
        ):  # fmt: skip
            if key in rows:
                manifest.set(topic, rows[key][1], name, rows[key][0])
        environment = dict(re.findall(r"(\w+)=\"?([^\",]*)\"?", rows.get("environment", ("", 0))[0]))
        grace = seconds(rows.get("stopwaitsecs", ("", 0))[0])
        command = re.sub(r"%\(ENV_(\w+)\)s", r"$\1", command)
        manifest.process_types.append(
            _process(
                manifest, name, command, line, environment=environment, grace=grace,
                stop_signal=rows.get("stopsignal", ("", 0))[0],
                folder=_folder(tree, rows.get("directory", ("", 0))[0], command),
            )
        )  # fmt: skip
    return manifest


def read_proxy(path: str, content: bytes) -> Manifest:
    """The sticky routing that a proxy's or load balancer's configuration sets up."""
    manifest = Manifest("proxy", path, is_development(path))
    patterns = (_TERRAFORM_STICKY,) if path.endswith(".tf") else _STICKY_LINES
    lines = content.decode("utf-8", "replace").splitlines()
    for number, line in enumerate(lines, 1):
        if any(pattern.search(line) for pattern in patterns):
            manifest.set("sticky-sessions", number, None, line.strip())
        elif path.endswith(".tf") and re.match(r"\s*stickiness\s*\{", line):
            block = " ".join(lines[number : number + 6]).split("}")[0]
            if not re.search(r"enabled\s*=\s*false", block):
                manifest.set("sticky-sessions", number, None, "stickiness")
    return manifest


def _process(
    manifest: Manifest,
    name: str,
    command: str,
    line: int,
    *,
    environment: dict[str, str],
    grace: float | None,
    stop_signal: str,
    folder: str,
) -> ProcessType:
    return ProcessType(
        name=name, command=command, place=Place(manifest.path, line), declared_in=manifest.kind, shell="none",
        environment=tuple(sorted(environment.items())), grace_seconds=grace, development=manifest.development,
        stop_signal=stop_signal, folder=folder,
    )  # fmt: skip


def _folder(tree: SourceTree, where: str, command: str) -> str:
    """The tree's folder of a machine's working folder, which may have any name there: what the command names by a
    relative path has to lie in it."""
    if not where:
        return ""
    parts = where.strip("/").split("/")
    ends = ["/".join(parts[at:]) for at in range(len(parts))]
    named = [word for word in re.findall(r"[\w./-]+", command) if "/" in word and not word.startswith("/")]
    for word in named:
        name = posixpath.normpath(word)
        if name in tree:
            return ""
        found = [each for each in tree.files if each.endswith(f"/{name}")]
        below = [each[: -len(name) - 1] for each in found]
        placed = next((end for end in ends if end in below), None)
        if placed is not None or len(below) == 1:
            return placed if placed is not None else below[0]
    below_root = "/".join(parts[1:])
    return below_root if parts[0] in _APP_ROOTS and below_root and tree.is_folder(below_root) else ""


def _unit_environment(rows: Rows) -> dict[str, str]:
    try:
        words = shlex.split(rows.get("Environment", ("", 0))[0])
    except ValueError:
        return {}
    return dict(word.split("=", 1) for word in words if "=" in word)


def _sections(content: bytes) -> Iterator[tuple[str, Rows]]:
    section, rows, last = "", Rows(), ""
    waiting = False
    for number, line in enumerate(content.decode("utf-8-sig", "replace").splitlines(), 1):
        found = _SECTION.fullmatch(line)
        stripped = line.strip()
        if found:
            if section:
                yield section, rows
            section, rows, last = found[1], Rows(), ""
        elif not stripped or stripped.startswith(("#", ";")):
            continue
        elif last and (waiting or line[:1].isspace()):
            rows[last] = (f"{rows[last][0]} {stripped.removesuffix(chr(92)).strip()}", rows[last][1])
            waiting = stripped.endswith("\\")
        else:
            key, equals, value = stripped.partition("=")
            last = key.strip() if equals else ""
            if last:
                value = re.sub(r"\s;.*$", "", value).strip()
                waiting = value.endswith("\\")
                before = rows.get(last, ("", number))[0] if last == "Environment" else ""
                rows[last] = (f"{before} {value.removesuffix(chr(92))}".strip(), number)
    if section:
        yield section, rows
