"""Manifests of hosting platforms: app.json, heroku.yml, fly.toml, render.yaml, Railway, Nixpacks and the like."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Callable, Mapping
from typing import Any

import tomli

from proctor.declare.documents import UnreadableDocument, Value, read_json, read_yaml
from proctor.declare.manifest import Manifest, is_development, seconds
from proctor.model.place import Place
from proctor.model.process import ProcessType, Shell

_APPLICATIONS = re.compile(rb"^applications:\s*(#.*)?$", re.MULTILINE)

Reader = Callable[[Manifest, bytes], None]


def platform_reader(path: str) -> tuple[str, Reader] | None:
    """The kind and reader of a platform manifest at `path`, or None where it is none. Readers raise
    UnreadableDocument."""
    if path in _FILES:
        return _FILES[path]
    if path.startswith(".ebextensions/") and path.endswith(".config"):
        return "Elastic Beanstalk", _read_elastic_beanstalk
    name = posixpath.basename(path)
    return _FILES.get(name) if path.count("/") <= 1 and name in _ANYWHERE else None


def read_platform(path: str, content: bytes, kind: str, reader: Reader) -> Manifest:
    """The manifest of a platform file. Raises UnreadableDocument."""
    manifest = Manifest(kind, path, is_development(path))
    reader(manifest, content)
    return manifest


def _type(
    manifest: Manifest, name: str, command: str, line: int, shell: Shell = "bash", **fields: Any
) -> None:
    if command.strip():
        folder = posixpath.dirname(manifest.path)
        manifest.process_types.append(
            ProcessType(
                name=name, command=command.strip(), place=Place(manifest.path, line), declared_in=manifest.kind,
                shell=shell, development=manifest.development, **{"folder": folder} | fields,
            )
        )  # fmt: skip


def _command(value: Value) -> str:
    return " && ".join(value.texts()) if value.is_list else value.text


def _read_app_json(manifest: Manifest, content: bytes) -> None:
    document = read_json(content)
    for name, value in document.get("env").items():
        wanted = value.get("value") if value.is_mapping else value
        manifest.declare(name, wanted.text if wanted else None)
    for name, formation in document.get("formation").items():
        quantity = formation.get("quantity")
        if quantity:
            manifest.set("replicas", quantity.line, name, quantity.text)


def _read_heroku_yml(manifest: Manifest, content: bytes) -> None:
    for document in read_yaml(content):
        for name, run in document.get("run").items():
            command = run.get("command") if run.is_mapping else run
            _type(manifest, name, _command(command), run.line)
        release = document.get("release", "command")
        _type(manifest, "release", _command(release), release.line, once=True)
        for name, value in document.get("setup", "config").items():
            manifest.declare(name, value.text)


def _toml(content: bytes) -> dict[str, Any]:
    try:
        return tomli.loads(content.decode("utf-8-sig", "replace"))
    except (tomli.TOMLDecodeError, RecursionError) as error:
        raise UnreadableDocument("it is not valid TOML") from error


def _line(content: bytes, key: str) -> int:
    pattern = re.compile(rf"\s*\[*[\"']?{re.escape(key)}[\"']?\s*[\]=:]".encode())
    return next((number for number, line in enumerate(content.splitlines(), 1) if pattern.match(line)), 1)


def _table(data: Any, *keys: str) -> Mapping[str, Any]:
    for key in keys:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def _rows(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    rows = data.get(key)
    return [row for row in (rows if isinstance(rows, list) else [rows]) if isinstance(row, dict)]


def _read_fly(manifest: Manifest, content: bytes) -> None:
    data = _toml(content)
    timeout = seconds(str(data.get("kill_timeout", "")))
    for name, command in _table(data, "processes").items():
        if isinstance(command, str):
            _type(manifest, name, command, _line(content, name), "none", grace_seconds=timeout)
    release = _table(data, "deploy").get("release_command")
    if isinstance(release, str):
        _type(manifest, "release", release, _line(content, "release_command"), "none", once=True)
    for key, topic in (("kill_signal", "stop-signal"), ("kill_timeout", "grace-period")):
        if key in data:
            manifest.set(topic, _line(content, key), None, str(data[key]))
    for mount in _rows(data, "mounts"):
        processes = mount.get("processes")
        for process in processes if isinstance(processes, list) else [None]:
            value = f"{mount.get('source')}:{mount.get('destination')}"
            manifest.set("read-write-once", _line(content, "mounts"), process, value)
    for name, value in _table(data, "env").items():
        manifest.declare(name, str(value))


def _read_render(manifest: Manifest, content: bytes) -> None:
    for document in read_yaml(content):
        for service in document.get("services").list():
            _take_render(manifest, service)
        for group in document.get("envVarGroups").list():
            _take_render_variables(manifest, group)


def _take_render(manifest: Manifest, service: Value) -> None:
    name = service.get("name").text or service.get("type").text
    _take_render_variables(manifest, service)
    if service.get("type").text in ("redis", "keyvalue", "static") or service.get("runtime").text == "static":
        return
    command = service.get("startCommand") or service.get("dockerCommand")
    instances = service.get("numInstances")
    grace = service.get("maxShutdownDelaySeconds")
    folder = posixpath.normpath(service.get("rootDir").text or ".").strip("./")
    _type(
        manifest, name, command.text, command.line, replicas=instances.number, grace_seconds=seconds(grace.text),
        folder=folder,
    )  # fmt: skip
    before = service.get("preDeployCommand")
    _type(manifest, f"{name}-release", before.text, before.line, folder=folder, once=True)
    for value, topic in ((instances, "replicas"), (grace, "grace-period")):
        if value:
            manifest.set(topic, value.line, name, value.text)
    scaling = service.get("scaling")
    if scaling:
        least, most = scaling.get("minInstances").text, scaling.get("maxInstances").text
        manifest.set("autoscaler", scaling.line, name, f"{least}-{most}")
    disk = service.get("disk", "mountPath")
    if disk:
        manifest.set("read-write-once", disk.line, name, disk.text)


def _take_render_variables(manifest: Manifest, holder: Value) -> None:
    for variable in holder.get("envVars").list():
        if variable.get("key"):
            value = variable.get("value")
            manifest.declare(variable.get("key").text, value.text if value else None)


def _read_railway_toml(manifest: Manifest, content: bytes) -> None:
    deploy = _table(_toml(content), "deploy")
    for key, name in (("startCommand", "web"), ("preDeployCommand", "release")):
        command = deploy.get(key)
        text = " && ".join(map(str, command)) if isinstance(command, list) else command
        if isinstance(text, str):
            _type(manifest, name, text, _line(content, key), once=name == "release")
    _take_railway(manifest, content, {key: str(value) for key, value in deploy.items()})


def _read_railway_json(manifest: Manifest, content: bytes) -> None:
    deploy = read_json(content).get("deploy")
    for key, name in (("startCommand", "web"), ("preDeployCommand", "release")):
        _type(manifest, name, _command(deploy.get(key)), deploy.get(key).line, once=name == "release")
    _take_railway(manifest, content, {key: value.text for key, value in deploy.items()})


def _take_railway(manifest: Manifest, content: bytes, deploy: Mapping[str, str]) -> None:
    topics = {"numReplicas": "replicas", "drainingSeconds": "grace-period", "restartPolicyType": "restart"}
    for key, topic in topics.items():
        if key in deploy:
            manifest.set(topic, _line(content, key), "web", deploy[key])


def _read_nixpacks(manifest: Manifest, content: bytes) -> None:
    data = _toml(content)
    command = _table(data, "start").get("cmd")
    if isinstance(command, str):
        _type(manifest, "web", command, _line(content, "cmd"))
    for name, value in _table(data, "variables").items():
        manifest.declare(name, str(value))


def _read_app_engine(manifest: Manifest, content: bytes) -> None:
    for document in read_yaml(content):
        if not document.get("runtime").text.startswith(("python", "custom")):
            continue
        entry = document.get("entrypoint")
        name = document.get("service").text or "web"
        _type(manifest, name, entry.text, entry.line)
        for variable, value in document.get("env_variables").items():
            manifest.declare(variable, value.text)
        instances = document.get("manual_scaling", "instances")
        if instances:
            manifest.set("replicas", instances.line, name, instances.text)
        affinity = document.get("network", "session_affinity")
        if affinity.is_true:
            manifest.set("sticky-sessions", affinity.line, name, "session_affinity")


def _read_digital_ocean(manifest: Manifest, content: bytes) -> None:
    for document in read_yaml(content):
        for kind in ("services", "workers", "jobs"):
            for part in document.get(kind).list():
                name, command = part.get("name").text, part.get("run_command")
                count = part.get("instance_count")
                folder = part.get("source_dir").text.strip("/")
                _type(
                    manifest, name, command.text, command.line, replicas=count.number, folder=folder,
                    once=kind == "jobs",
                )  # fmt: skip
                if count:
                    manifest.set("replicas", count.line, name, count.text)
        for holder in [document, *document.get("services").list(), *document.get("workers").list()]:
            for variable in holder.get("envs").list():
                value = variable.get("value")
                manifest.declare(variable.get("key").text, value.text if value else None)


def _read_platform_sh(manifest: Manifest, content: bytes) -> None:
    for document in read_yaml(content):
        start = document.get("web", "commands", "start")
        _type(manifest, "web", start.text, start.line)
        for name, worker in document.get("workers").items():
            command = worker.get("commands", "start")
            _type(manifest, name, command.text, command.line)
        for name, variable in document.get("variables", "env").items():
            manifest.declare(name, variable.text)


def _read_app_runner(manifest: Manifest, content: bytes) -> None:
    for document in read_yaml(content):
        run = document.get("run")
        _type(manifest, "web", run.get("command").text, run.get("command").line)
        for variable in run.get("env").list():
            manifest.declare(variable.get("name").text, variable.get("value").text)


def looks_like_cloud_foundry(content: bytes) -> bool:
    """Whether a YAML file may be a Cloud Foundry manifest, whose name is free, without reading it whole."""
    return bool(_APPLICATIONS.search(content)) and b"name:" in content


def read_cloud_foundry(path: str, content: bytes) -> Manifest:
    """The manifest of a Cloud Foundry file. Raises UnreadableDocument."""
    # one file per space is usual: what is pushed for staging is the same app again
    trial = is_development(path) or "staging" in posixpath.basename(path).lower()
    manifest = Manifest("Cloud Foundry", path, trial)
    for document in read_yaml(content):
        for app in document.get("applications").list():
            _take_cloud_foundry(manifest, app)
    return manifest


def _take_cloud_foundry(manifest: Manifest, app: Value) -> None:
    name = app.get("name").text or "web"
    for variable, value in app.get("env").items():
        manifest.declare(variable, value.text)
    own = [(name, app)] + [(f"{name}-{each.get('type').text}", each) for each in app.get("processes").list()]
    for called, part in own:
        command, count = part.get("command"), part.get("instances")
        # paths are those of the folder that is pushed, which is most often the root
        _type(manifest, called, command.text, command.line, replicas=count.number, folder="")
        if count:
            manifest.set("replicas", count.line, called, count.text)


def _read_environment(manifest: Manifest, content: bytes) -> None:
    from proctor.declare.compose import read_environment_file

    for name, value in read_environment_file(content).items():
        manifest.declare(name, value)


def _read_elastic_beanstalk(manifest: Manifest, content: bytes) -> None:
    # its proxy on the same machine asks at this port, unless `PORT` is set
    manifest.set("router-port", 1, "web", "8000")
    for document in read_yaml(content):
        environment = document.get("option_settings", "aws:elasticbeanstalk:application:environment")
        for name, value in environment.items():
            manifest.declare(name, value.text)
        for key, value in document.get("option_settings").items():
            if value.get("StickinessEnabled").is_true:
                manifest.set("sticky-sessions", value.line, None, f"{key} StickinessEnabled")


_FILES: dict[str, tuple[str, Reader]] = {
    "app.json": ("app.json", _read_app_json),
    "scalingo.json": ("app.json", _read_app_json),
    "heroku.yml": ("heroku.yml", _read_heroku_yml),
    "fly.toml": ("fly.toml", _read_fly),
    "render.yaml": ("render.yaml", _read_render),
    "render.yml": ("render.yaml", _read_render),
    "railway.toml": ("Railway", _read_railway_toml),
    "railway.json": ("Railway", _read_railway_json),
    "nixpacks.toml": ("Nixpacks", _read_nixpacks),
    "app.yaml": ("App Engine", _read_app_engine),
    ".do/app.yaml": ("App Platform", _read_digital_ocean),
    ".do/deploy.template.yaml": ("App Platform", _read_digital_ocean),
    ".platform.app.yaml": ("Platform.sh", _read_platform_sh),
    "apprunner.yaml": ("App Runner", _read_app_runner),
    ".env.production": ("environment", _read_environment),
    ".env.prod": ("environment", _read_environment),
}
_ANYWHERE = frozenset(
    {"fly.toml", "render.yaml", "railway.toml", "railway.json", "nixpacks.toml", "heroku.yml"}
)
