"""Kubernetes manifests: workloads that name a command, and what their deployment says."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from proctor.declare.documents import Value, read_yaml
from proctor.declare.manifest import Manifest, is_development
from proctor.model.place import Place
from proctor.model.process import ProcessType

_WORKLOADS = frozenset(
    {"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod", "Rollout"}
)
_AFFINITY = ("affinity", "sticky", "stickiness", "session-cookie")


def looks_like_kubernetes(content: bytes) -> bool:
    """Whether a YAML file may hold Kubernetes objects, without reading it whole."""
    return b"apiVersion:" in content and b"kind:" in content


def read_kubernetes(path: str, content: bytes) -> Manifest:
    """The manifest of a Kubernetes file. Raises UnreadableDocument."""
    manifest = Manifest("Kubernetes", path, is_development(path))
    objects = [each for document in read_yaml(content) for each in _flat(document)]
    claims = {
        each.get("metadata", "name").text: each.get("spec", "accessModes").texts()
        for each in objects
        if each.get("kind").text == "PersistentVolumeClaim"
    }
    for each in objects:
        kind = each.get("kind").text
        name = each.get("metadata", "name").text
        if kind in _WORKLOADS:
            _take_workload(manifest, kind, name, each, claims)
        elif kind == "HorizontalPodAutoscaler":
            spec = each.get("spec")
            least, most = spec.get("minReplicas").text or "1", spec.get("maxReplicas").text
            manifest.set("autoscaler", each.line, spec.get("scaleTargetRef", "name").text, f"{least}-{most}")
        elif kind == "Service" and each.get("spec", "sessionAffinity").text == "ClientIP":
            affinity = each.get("spec", "sessionAffinity")
            manifest.set("sticky-sessions", affinity.line, None, "sessionAffinity: ClientIP")
        elif kind in ("Ingress", "IngressRoute", "Service", "DestinationRule"):
            _take_routing(manifest, each)
        elif kind == "ConfigMap":
            for key, value in each.get("data").items():
                if key.isidentifier() and len(value.text) < 1000:
                    manifest.declare(key, value.text)
    return manifest


def _flat(document: Value) -> Sequence[Value]:
    if document.get("kind").text == "List":
        return list(document.get("items").list())
    return [document] if document.is_mapping else []


def _take_workload(
    manifest: Manifest, kind: str, name: str, workload: Value, claims: dict[str, tuple[str, ...]]
) -> None:
    spec = workload.get("spec")
    if kind == "CronJob":
        spec = spec.get("jobTemplate", "spec")
    pod = workload.get("spec") if kind == "Pod" else spec.get("template", "spec")
    replicas = spec.get("replicas")
    if replicas:
        manifest.set("replicas", replicas.line, name, replicas.text)
    grace = pod.get("terminationGracePeriodSeconds")
    if grace:
        manifest.set("grace-period", grace.line, name, grace.text)
    if spec.get("strategy", "type").text == "Recreate":
        manifest.set("strategy", spec.get("strategy").line, name, "Recreate")
    if pod.get("hostNetwork").is_true:
        manifest.set("host-network", pod.get("hostNetwork").line, name, "true")
    _take_volumes(manifest, name, pod, claims)
    containers = [each for each in pod.get("containers").list() if each.is_mapping]
    for container in containers:
        process = name if len(containers) == 1 else f"{name}/{container.get('name').text}"
        _take_container(manifest, process, container, replicas.number, grace.number)


def _take_volumes(manifest: Manifest, name: str, pod: Value, claims: dict[str, tuple[str, ...]]) -> None:
    for volume in pod.get("volumes").list():
        path = volume.get("hostPath", "path")
        if path:
            manifest.set("local-mount", path.line, name, f"hostPath {path.text}")
        claim = volume.get("persistentVolumeClaim", "claimName")
        modes = claims.get(claim.text, ())
        if claim and any(mode in ("ReadWriteOnce", "ReadWriteOncePod") for mode in modes):
            manifest.set("read-write-once", claim.line, name, claim.text)


def _take_container(
    manifest: Manifest, process: str, container: Value, replicas: int | None, grace: int | None
) -> None:
    for port in container.get("ports").list():
        if port.get("hostPort"):
            manifest.set("host-port", port.get("hostPort").line, process, port.get("hostPort").text)
    stop = container.get("lifecycle", "preStop")
    if stop:
        manifest.set(
            "pre-stop", stop.line, process, " ".join(stop.get("exec", "command").texts()) or "httpGet"
        )
    if container.get("livenessProbe"):
        manifest.set("liveness", container.get("livenessProbe").line, process, "livenessProbe")
    environment: dict[str, str] = {}
    for variable in container.get("env").list():
        name, value = variable.get("name").text, variable.get("value")
        manifest.declare(name, value.text if value else None)
        if value and "$(" not in value.text:
            environment[name] = value.text
    words = [*container.get("command").texts(), *container.get("args").texts()]
    if not words:
        return
    first = container.get("command") or container.get("args")
    manifest.process_types.append(
        ProcessType(
            name=process, command=shlex.join(words), place=Place(manifest.path, first.line), declared_in="Kubernetes",
            shell="none", environment=tuple(sorted(environment.items())), replicas=replicas,
            grace_seconds=None if grace is None else float(grace), development=manifest.development,
        )
    )  # fmt: skip


def _take_routing(manifest: Manifest, each: Value) -> None:
    for key, value in each.get("metadata", "annotations").items():
        named = key.rpartition("/")[2].lower()
        if (
            any(word in named for word in _AFFINITY) and value.text.lower() not in ("", "false", "none")
        ) or "stickiness.enabled=true" in value.text.replace(" ", ""):
            manifest.set("sticky-sessions", value.line, None, f"{key}: {value.text}")
    for route in each.get("spec", "routes").list():
        for service in route.get("services").list():
            if service.get("sticky"):
                manifest.set("sticky-sessions", service.get("sticky").line, None, "sticky")
    hashing = each.get("spec", "trafficPolicy", "loadBalancer", "consistentHash")
    if hashing:
        manifest.set("sticky-sessions", hashing.line, None, "consistentHash")
