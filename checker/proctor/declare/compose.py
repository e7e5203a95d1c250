"""A compose file: the services that are built from this tree, and what their deployment says."""

from __future__ import annotations

import posixpath
import re
import shlex
from collections.abc import Sequence

from proctor.declare.dockerfile import Image, Start, joined, read_image, runs_arguments
from proctor.declare.documents import UnreadableDocument, Value, read_yaml
from proctor.declare.manifest import Manifest, is_development, seconds, starts_for_development
from proctor.model.place import Place
from proctor.model.process import ProcessType
from proctor.model.tree import SourceTree

_NAME = re.compile(r"(docker-)?compose[\w.-]*\.ya?ml", re.IGNORECASE)
_SERVICES = re.compile(rb"^services:\s*(#.*)?$", re.MULTILINE)
_DEFAULT_NAME = re.compile(r"(docker-)?compose\.ya?ml", re.IGNORECASE)
_OVERRIDES = (
    "docker-compose.override.yml", "docker-compose.override.yaml", "compose.override.yml", "compose.override.yaml",
)  # fmt: skip
_STAYING = frozenset({"always", "unless-stopped"})
#: services that extend services that extend services …
_MAX_EXTENDS = 5
#: what is taken over from another file: the rest would be shown at lines of that file
_FROM_ELSEWHERE = frozenset({"build", "image", "entrypoint", "command", "environment", "working_dir"})
_STICKY = re.compile(r"(sticky|stickiness)", re.IGNORECASE)


def is_compose(path: str) -> bool:
    """Whether the file's name is that of a compose file."""
    return bool(_NAME.fullmatch(posixpath.basename(path)))


def looks_like_compose(content: bytes) -> bool:
    """Whether a YAML file of another name may be a compose file, without reading it whole."""
    return bool(_SERVICES.search(content)) and (b"build:" in content or b"image:" in content)


def read_compose(path: str, content: bytes, tree: SourceTree) -> Manifest:
    """The manifest of a compose file. Raises UnreadableDocument."""
    manifest = Manifest("compose", path, is_development(path))
    for document in read_yaml(content):
        services = document.get("services")
        reader = _Reader(manifest, services, tree)
        for name, service in services.items():
            reader.take(name, reader.extended(service))
    return manifest


def _is_kept_running(service: Value) -> bool:
    return bool(service.get("restart").text in _STAYING or service.get("deploy"))


class _Reader:
    def __init__(self, manifest: Manifest, services: Value, tree: SourceTree) -> None:
        self.manifest = manifest
        self.tree = tree
        self.folder = posixpath.dirname(manifest.path)
        self.services = services
        #: a file that keeps services of the app running is used for a deployment, also where it mounts the source; a
        #: database that is kept running says nothing of the kind
        self.deployed = any(
            _is_kept_running(service) and service.get("build") for _, service in services.items()
        )
        #: an override file beside it is laid over it unless somebody says otherwise, and is made for developers
        beside = {_join(self.folder, each) or "" for each in _OVERRIDES}
        default = _DEFAULT_NAME.fullmatch(posixpath.basename(manifest.path))
        self.overridden = default is not None and any(each in tree for each in beside)
        #: the source is laid over the image of some service, so that it can be edited
        self.edited = any(
            self._is_source(outside)
            for _, service in services.items()
            for _, outside, _, _ in self._mounts(service)
        )
        #: image names that this file builds, or whose source it mounts
        self.built = {
            service.get("image").text
            for _, service in services.items()
            if service.get("build")
            or any(self._is_source(outside) for _, outside, _, _ in self._mounts(service))
        } - {""}

    def take(self, name: str, service: Value) -> None:
        mounts = list(self._mounts(service))
        source = [(inside, outside) for inside, outside, _, _ in mounts if self._is_source(outside)]
        build = service.get("build")
        image_name = service.get("image").text
        if not build and image_name not in self.built and not source:
            return
        development = self.manifest.development or ((self.edited or self.overridden) and not self.deployed)
        image = self._image(build or self._build_of(image_name), source or self._source_of(image_name))
        self._settings(name, service, development)
        for inside, outside, text, line in mounts:
            if (inside, outside) not in source:
                self.manifest.set("local-mount", line, name, text, development)
        process = self._process(name, service, image, source, development)
        if process is not None:
            self.manifest.process_types.append(process)
        if not development:
            for variable, value in process.environment if process else ():
                self.manifest.declare(variable, value)

    def extended(self, service: Value, depth: int = 0) -> Value:
        """A service with what it takes over from the one that it extends, here or in a file beside this one."""
        extends = service.get("extends")
        name = extends.text or extends.get("service").text
        if not name or depth > _MAX_EXTENDS:
            return service
        file = extends.get("file").text
        if not file:
            return service.over(self.extended(self.services.get(name), depth + 1))
        path = _join(self.folder, file)
        if path is None or path not in self.tree or posixpath.dirname(path) != self.folder:
            return service
        try:
            documents = read_yaml(self.tree.read(path))
        except (OSError, UnreadableDocument):
            return service
        found = next(
            (each.get("services", name) for each in documents if each.get("services", name)), Value()
        )
        return service.over(found, only=_FROM_ELSEWHERE)

    def _build_of(self, image_name: str) -> Value:
        for _, service in self.services.items():
            if image_name and service.get("image").text == image_name and service.get("build"):
                return service.get("build")
        return Value()

    def _source_of(self, image_name: str) -> list[tuple[str, str]]:
        """The source that services mount over an image: what it holds itself is the same."""
        return [
            (inside, outside)
            for _, service in self.services.items()
            if image_name and service.get("image").text == image_name
            for inside, outside, _, _ in self._mounts(service)
            if self._is_source(outside)
        ]

    def _image(self, build: Value, source: Sequence[tuple[str, str]]) -> Image:
        if not build:
            # an image from elsewhere is started where its source lies
            only = sorted(set(source))
            return Image(folder=only[0][0], copied=only) if len(only) == 1 else Image()
        context = build.text or build.get("context").text or "."
        folder = _join(self.folder, context)
        if folder is None:
            return Image()
        path = _join(folder, build.get("dockerfile").text or "Dockerfile")
        if path is None or path not in self.tree:
            return Image()
        try:
            content = self.tree.read(path)
        except OSError:
            return Image()
        return read_image(path, content, self.tree, folder, build.get("target").text) or Image()

    def _process(
        self, name: str, service: Value, image: Image, source: list[tuple[str, str]], development: bool
    ) -> ProcessType | None:
        entry, command = _start(service.get("entrypoint")), _start(service.get("command"))
        if entry is None:
            entry = image.entrypoint
            command = command or image.command
            if command is None and entry is not None and runs_arguments(image, entry, self.tree):
                # what it runs is said elsewhere
                return None
            text, shell, start = joined(image, entry, command)
        else:
            # a service's own entry point takes back the image's CMD
            text, shell, start = joined(image, entry, command)
        if start is None or text.startswith("-"):
            return None
        # what stands in another file has no line here
        own = start in (entry, command) and bool(service.own("entrypoint") or service.own("command"))
        line = start.line if own and start not in (image.entrypoint, image.command) else service.line
        environment = {**image.environment, **self._environment(service)}
        copied = [*image.copied, *source]
        folder = service.get("working_dir").text or image.folder
        base, image_signal = image.base, image.stop_signal
        image = Image(folder=folder, copied=copied)
        development = development or starts_for_development(text)
        replicas = service.get("deploy", "replicas").number
        return ProcessType(
            name=name, command=text, place=Place(self.manifest.path, line), declared_in="compose", shell=shell,
            environment=tuple(sorted((key, value) for key, value in environment.items() if value is not None)),
            replicas=replicas if replicas is not None else service.get("scale").number,
            grace_seconds=seconds(service.get("stop_grace_period").text), folder=image.inside(),
            development=development, init=service.get("init").is_true, copied=tuple(copied), base_image=base,
            stop_signal=service.get("stop_signal").text or (image_signal[0] if image_signal else ""),
        )  # fmt: skip

    def _environment(self, service: Value) -> dict[str, str | None]:
        found: dict[str, str | None] = {}
        for value in (
            service.get("env_file").list() if service.get("env_file").is_list else [service.get("env_file")]
        ):
            path = _join(self.folder, value.text or value.get("path").text)
            if path and path in self.tree:
                try:
                    found.update(read_environment_file(self.tree.read(path)))
                except OSError:
                    continue
        environment = service.get("environment")
        for item in environment.list():
            name, equals, text = item.text.partition("=")
            found[name] = text if equals else None
        for name, value in environment.items():
            found[name] = value.text if value else None
        return {
            name: None if text is not None and re.search(r"\$\{?\w", text) else text
            for name, text in found.items()
        }

    def _settings(self, name: str, service: Value, development: bool) -> None:
        def note(topic: str, value: Value, text: str | None = None) -> None:
            if value:
                self.manifest.set(topic, value.line, name, value.text if text is None else text, development)

        note("container-name", service.get("container_name"))
        note("replicas", service.get("deploy", "replicas") or service.get("scale"))
        note("stop-signal", service.get("stop_signal"))
        note("grace-period", service.get("stop_grace_period"))
        note("init", service.get("init"))
        note("restart", service.get("restart"))
        if service.get("network_mode").text == "host":
            note("host-network", service.get("network_mode"))
        ports = service.get("ports")
        for port in ports.list():
            fixed = _fixed_port(port)
            if fixed:
                note("host-port", port, fixed)
        labels = [*service.get("labels").items(), *service.get("deploy", "labels").items()]
        for label in [*service.get("labels").list(), *service.get("deploy", "labels").list()]:
            key, _, text = label.text.partition("=")
            if _STICKY.search(key) and text.lower() not in ("false", ""):
                note("sticky-sessions", label, label.text)
        for key, value in labels:
            if _STICKY.search(key) and value.text.lower() not in ("false", ""):
                note("sticky-sessions", value, f"{key}={value.text}")

    def _mounts(self, service: Value) -> list[tuple[str, str, str, int]]:
        found: list[tuple[str, str, str, int]] = []
        for volume in service.get("volumes").list():
            outside, inside = volume.get("source").text, volume.get("target").text
            bind, read_only = volume.get("type").text == "bind", volume.get("read_only").is_true
            if volume.text:
                parts = volume.text.split(":")
                outside, inside = (parts[0], parts[1]) if len(parts) > 1 else ("", parts[0])
                bind = outside.startswith((".", "/", "~", "$"))
                read_only = "ro" in ",".join(parts[2:]).split(",")
            if bind and inside:
                text = f"{outside}:{inside}:ro" if read_only else f"{outside}:{inside}"
                found.append((inside, outside, text, volume.line))
        return [(i, self._outside(o), text, line) for i, o, text, line in found]

    def _outside(self, outside: str) -> str:
        if outside.startswith(("${PWD}", "$PWD")):
            outside = "." + outside.partition("PWD")[2].lstrip("}")
        if not outside.startswith("."):
            return outside
        path = _join(self.folder, outside)
        return outside if path is None else path

    def _is_source(self, outside: str) -> bool:
        if outside.startswith(("/", "~", "$", "..")):
            return False
        prefix = f"{outside}/" if outside else ""
        return any(path.startswith(prefix) for path in self.tree.python) or outside in self.tree.python


def _start(value: Value) -> Start | None:
    if not value:
        return None
    if value.is_list:
        return Start(tuple(each.replace("$$", "$") for each in value.texts()), "", value.line)
    # compose splits a text into words by itself: no shell stands in front
    text = value.text.replace("$$", "$")
    try:
        words = tuple(shlex.split(text))
    except ValueError:
        words = tuple(text.split())
    return Start(words, "", value.line)


def _fixed_port(port: Value) -> str:
    published = port.get("published").text
    if published:
        return published if published.isdigit() else ""
    parts = port.text.split("/")[0].rsplit(":", 2)
    host = parts[-2] if len(parts) > 1 else ""
    return host if host.isdigit() else ""


def read_environment_file(content: bytes) -> dict[str, str | None]:
    """The variables of a `.env` file; one without a value is None."""
    found: dict[str, str | None] = {}
    for line in content.decode("utf-8-sig", "replace").splitlines():
        match = re.fullmatch(r"\s*(?:export\s+)?([A-Za-z_]\w*)\s*=\s*(.*?)\s*", line)
        if match:
            found[match[1]] = match[2].strip("\"'") or None
    return found


def _join(folder: str, path: str) -> str | None:
    joined_path = posixpath.normpath(posixpath.join(folder, path))
    if joined_path.startswith(("..", "/")):
        return None
    return "" if joined_path == "." else joined_path
