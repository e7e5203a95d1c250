"""What the app says it runs: process types, deploy settings, variables and requirements."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Mapping

import msgspec

from proctor.declare.compose import is_compose, looks_like_compose, read_compose
from proctor.declare.dockerfile import is_dockerfile, read_dockerfile
from proctor.declare.documents import UnreadableDocument
from proctor.declare.kubernetes import looks_like_kubernetes, read_kubernetes
from proctor.declare.manifest import Manifest
from proctor.declare.platforms import (
    looks_like_cloud_foundry,
    platform_reader,
    read_cloud_foundry,
    read_platform,
)
from proctor.declare.procfile import ProcfileReading, read_procfile
from proctor.declare.requirements import read_requirements
from proctor.declare.supervisors import (
    is_proxy,
    is_supervisor,
    is_unit,
    read_proxy,
    read_supervisor,
    read_unit,
)
from proctor.model.place import Place
from proctor.model.process import Declaration, DeploySetting, Diagnostic, ProcessType
from proctor.model.tree import SourceTree

__all__ = ["read"]

#: Where there is no Procfile the first kind that declares process types is the one that counts.
_RANKS = (
    "heroku.yml", "fly.toml", "render.yaml", "Railway", "Nixpacks", "App Engine", "App Platform", "Platform.sh",
    "App Runner", "Cloud Foundry", "Dockerfile", "compose", "Kubernetes", "systemd", "supervisord",
)  # fmt: skip
#: Manifests of a deployment lie near the root; deeper ones are other people's charts and examples.
_MAX_DEPTH = 4
_NOT_OURS = frozenset(
    {"node_modules", "vendor", "third_party", "examples", "example", "templates", "fixtures", "tests", "test"}
)
_MAX_MANIFESTS = 400


def read(tree: SourceTree, procfile: str = "Procfile") -> Declaration:
    """Read all declarations of `tree`. `procfile` is the Procfile's path relative to the root. Never raises:
    what cannot be read is a diagnostic or stands in `not_read`."""
    requirements, sources, not_read = read_requirements(tree)
    reading = ProcfileReading((), (), ())
    if procfile in tree:
        try:
            reading = read_procfile(procfile, tree.read(procfile))
            sources += (procfile,)
        except OSError as error:
            not_read += ((procfile, f"it cannot be read ({error.strerror})"),)
    elif tree.is_folder(procfile):
        told = Diagnostic(Place(procfile, 1), "unreadable-line", f"`{procfile}` is a folder, not a file.")
        reading = ProcfileReading((), (told,), ())
    else:
        reading = ProcfileReading((), tuple(_misnamed(tree, procfile)), ())
    manifests, unread = _read_manifests(tree)
    first, others = _ranked(reading.process_types, manifests, procfile in tree)
    names = _names(first, others)
    return Declaration(
        process_types=_with_counts(first, manifests),
        other_process_types=tuple(
            msgspec.structs.replace(each, name=names[each.declared_in, each.place.path, each.name])
            for each in others
        ),
        diagnostics=reading.diagnostics,
        sources=tuple(sorted({*sources, *(each.path for each in manifests if _says_something(each))})),
        settings=_settings(manifests, first, names),
        variables=_variables(manifests),
        requirements=requirements,
        not_read=tuple(sorted({*not_read, *unread})),
        ignores=reading.ignores,
    )


def _misnamed(tree: SourceTree, procfile: str) -> Iterable[Diagnostic]:
    for path in tree.files:
        if path.lower() == procfile.lower() or path.lower() == f"{procfile.lower()}.txt":
            yield Diagnostic(
                Place(path, 1),
                "dialect",
                f"foreman, honcho and Heroku read `{procfile}` only, so nothing of `{path}`.",
            )


def _read_manifests(tree: SourceTree) -> tuple[list[Manifest], list[tuple[str, str]]]:
    found: list[Manifest] = []
    unread: list[tuple[str, str]] = []
    paths = sorted(tree.files, key=lambda path: (path.count("/"), path))
    for path in paths:
        if path.count("/") > _MAX_DEPTH or len(found) > _MAX_MANIFESTS:
            break
        if not _is_candidate(path):
            continue
        try:
            manifest = _read_manifest(path, tree)
        except UnreadableDocument as error:
            unread.append((path, str(error)))
        except OSError as error:
            unread.append((path, f"it cannot be read ({error.strerror})"))
        else:
            if manifest is not None:
                found.append(manifest)
    return found, unread


def _is_candidate(path: str) -> bool:
    if not _NOT_OURS.isdisjoint(path.split("/")[:-1]):
        return False
    name = posixpath.basename(path)
    return (
        name.endswith(
            (".yml", ".yaml", ".toml", ".json", ".conf", ".ini", ".cfg", ".service", ".tf", ".config")
        )
        or name.startswith(".env.")
        or is_dockerfile(path)
        or is_proxy(path)
    )


def _read_manifest(path: str, tree: SourceTree) -> Manifest | None:
    platform = platform_reader(path)
    if platform is not None:
        return read_platform(path, tree.read(path), *platform)
    if is_dockerfile(path):
        return read_dockerfile(path, tree.read(path), tree)
    if is_compose(path):
        return read_compose(path, tree.read(path), tree)
    if is_unit(path):
        return read_unit(path, tree.read(path), tree)
    if path.endswith((".conf", ".ini", ".cfg")) and is_supervisor(path, tree.read(path)):
        return read_supervisor(path, tree.read(path), tree)
    if is_proxy(path):
        return read_proxy(path, tree.read(path))
    if path.endswith((".yml", ".yaml")) and not path.startswith("."):
        content = tree.read(path)
        if looks_like_kubernetes(content):
            return read_kubernetes(path, content)
        if looks_like_cloud_foundry(content):
            return read_cloud_foundry(path, content)
        if looks_like_compose(content):
            return read_compose(path, content, tree)
    return None


def _says_something(manifest: Manifest) -> bool:
    return bool(manifest.process_types or manifest.settings or manifest.variables)


def _ranked(
    from_procfile: tuple[ProcessType, ...], manifests: Iterable[Manifest], has_procfile: bool
) -> tuple[tuple[ProcessType, ...], tuple[ProcessType, ...]]:
    types = [each for manifest in manifests for each in manifest.process_types]
    types.sort(
        key=lambda each: (
            each.development, _RANKS.index(each.declared_in), each.place.path.count("/"), each.place,
        )
    )  # fmt: skip
    if from_procfile or has_procfile or not types:
        return from_procfile, tuple(types)
    best = (types[0].development, types[0].declared_in)
    first = [each for each in types if (each.development, each.declared_in) == best]
    return tuple(_unique(first)), tuple(each for each in types if each not in first)


def _unique(types: Iterable[ProcessType]) -> Iterable[ProcessType]:
    seen: set[str] = set()
    for each in types:
        # the same service in several files is one process type; the file nearest to the root counts
        if each.name not in seen:
            seen.add(each.name)
            yield each


def _names(first: Iterable[ProcessType], others: Iterable[ProcessType]) -> dict[tuple[str, str, str], str]:
    # The same app is declared twice: what stands beside the Procfile is called after its manifest as well.
    names: dict[tuple[str, str, str], str] = {}
    taken = {each.name for each in first}
    for each in others:
        name = f"{each.name} ({each.declared_in})"
        if name in taken:
            name = f"{each.name} ({each.place.path})"
        while name in taken:
            name += "'"
        taken.add(name)
        names[each.declared_in, each.place.path, each.name] = name
    return names


def _settings(
    manifests: Iterable[Manifest], first: Iterable[ProcessType], names: Mapping[tuple[str, str, str], str]
) -> tuple[DeploySetting, ...]:
    own = {(each.declared_in, each.place.path, each.name): each.name for each in first}
    every = {**names, **own}
    # an autoscaler may stand in another file than the workload that it scales
    by_kind = {(kind, name): called for (kind, _, name), called in reversed([*own.items(), *names.items()])}
    found: list[DeploySetting] = []
    for manifest in manifests:
        for setting in manifest.settings:
            name = setting.process or ""
            called = every.get((manifest.kind, manifest.path, name)) or by_kind.get((manifest.kind, name))
            found.append(msgspec.structs.replace(setting, process=called) if called else setting)
    return tuple(sorted(found, key=lambda setting: (setting.place, setting.topic, setting.value)))


def _with_counts(types: tuple[ProcessType, ...], manifests: Iterable[Manifest]) -> tuple[ProcessType, ...]:
    counts = {
        setting.process: int(setting.value)
        for manifest in manifests
        if manifest.kind == "app.json"
        for setting in manifest.settings
        if setting.topic == "replicas" and setting.value.isdigit()
    }
    return tuple(
        msgspec.structs.replace(each, replicas=counts[each.name])
        if each.replicas is None and each.name in counts
        else each
        for each in types
    )


def _variables(manifests: Iterable[Manifest]) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    manifests = [each for each in manifests if not each.development]
    images = [each for each in manifests if each.kind == "Dockerfile"]
    for manifest in manifests:
        # what one image sets holds in its own containers (see `ProcessType.environment`), not in those of another
        if manifest.kind != "Dockerfile" or len(images) == 1:
            for name, value in manifest.variables.items():
                if found.get(name) is None:
                    found[name] = value
    return dict(sorted(found.items()))
