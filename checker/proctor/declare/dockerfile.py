"""A Dockerfile: what its last stage starts, from which files of the tree, and how it is stopped."""

from __future__ import annotations

import json
import posixpath
import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from proctor.declare.manifest import Manifest, is_development, starts_for_development
from proctor.model.place import Place
from proctor.model.process import ProcessType, Shell
from proctor.model.tree import SourceTree

_INSTRUCTION = re.compile(r"\s*([A-Za-z]+)\s+(.*)", re.DOTALL)
_FROM = re.compile(r"(?:--\S+\s+)*(\S+)(?:\s+[Aa][Ss]\s+(\S+))?")
_HEREDOC = re.compile(r"<<-?\s*[\"']?(\w+)[\"']?")
_MKDIR = re.compile(r"\bmkdir((?:\s+[\w./-]+)+)")
#: files that stand at the root of a project
_PROJECT_FILES = (
    "package.json", "pyproject.toml", "setup.py", "requirements.txt", "Pipfile", "manage.py", "Gemfile", "go.mod",
)  # fmt: skip
_NAMED = re.compile(
    r"(?:^|[./_-])Dockerfile[._-]?(?P<after>[\w-]*)$|(?P<before>[\w.-]+)\.Dockerfile$", re.IGNORECASE
)
#: how a script says that it runs what it is given
_ARGUMENTS = re.compile(rb"\$[@*]|\bos\.exec[lv]p?e?\(")
#: … and how it only runs itself again, as another user for example
_ITSELF = re.compile(rb"""["']?\$\{?(?:0|BASH_SOURCE(?:\[0\])?)\}?["']?\s+["']?\$[@*]["']?""")
#: folder names that say nothing about what the image runs
_PLAIN = frozenset(
    {
        "",
        "docker",
        "deploy",
        "deployment",
        "container",
        "containers",
        "build",
        "compose",
        "production",
        "prod",
    }
)


@dataclass(frozen=True)
class Start:
    """A CMD or ENTRYPOINT: `words` of the exec form, or the `text` of the shell form; `line` where it stands."""

    words: tuple[str, ...]
    text: str
    line: int


@dataclass
class Image:
    """One stage. `copied` pairs absolute paths with the tree's; `folder` is the working folder inside, `folders` are paths
    of which the file shows that they are folders."""

    base: str = ""
    folder: str = "/"
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    entrypoint: Start | None = None
    command: Start | None = None
    shell: Shell = "sh"
    stop_signal: tuple[str, int] | None = None
    volumes: list[tuple[str, int]] = field(default_factory=list)
    copied: list[tuple[str, str]] = field(default_factory=list)
    folders: frozenset[str] = frozenset()

    def inside(self) -> str:
        """The working folder in the tree ("" where it is not known): where it was copied as a whole, else where most of
        what was copied into it lies under the same names."""
        whole = tree_path(self.folder, self.copied)
        if whole is not None:
            return whole
        prefix = self.folder.rstrip("/") + "/"
        votes: dict[str, int] = {}
        for inside, outside in self.copied:
            name = inside.removeprefix(prefix)
            if inside.startswith(prefix) and (outside == name or outside.endswith(f"/{name}")):
                above = outside[: -len(name)].rstrip("/")
                votes[above] = votes.get(above, 0) + 1
        return max(votes, key=lambda each: (votes[each], -len(each)), default="")


def is_dockerfile(path: str) -> bool:
    """Whether the file's name is that of a Dockerfile."""
    name = posixpath.basename(path)
    return bool(_NAMED.search(name)) and not name.endswith(
        (".md", ".dockerignore", ".py", ".txt", ".j2", ".tmpl")
    )


def read_dockerfile(path: str, content: bytes, tree: SourceTree, context: str | None = None) -> Manifest:
    """The manifest of the Dockerfile `path`; `context` is its build context in the tree where that is known."""
    manifest = Manifest("Dockerfile", path, is_development(path))
    image = read_image(path, content, tree, context)
    if image is None:
        return manifest
    name = _process_name(path)
    for name_, value in image.environment.items():
        manifest.declare(name_, value)
    for start, what in ((image.entrypoint, "ENTRYPOINT"), (image.command, "CMD")):
        if start and start.text and not (what == "CMD" and image.entrypoint and image.entrypoint.text):
            manifest.set("shell-form-cmd", start.line, name, f"{what} {start.text}")
    if image.stop_signal:
        manifest.set("stop-signal", image.stop_signal[1], name, image.stop_signal[0])
    for volume, line in image.volumes:
        manifest.set("image-volume", line, name, volume)
    if (
        image.command is None
        and image.entrypoint is not None
        and runs_arguments(image, image.entrypoint, tree)
    ):
        # what it runs is said elsewhere
        return manifest
    process = image_process(image, name, path, manifest.development)
    if process is not None:
        manifest.process_types.append(process)
    return manifest


def runs_arguments(image: Image, start: Start, tree: SourceTree) -> bool:
    """Whether an ENTRYPOINT is a script of the tree that runs what it is given."""
    words = start.words or tuple(start.text.split())
    for word in words:
        inside = posixpath.normpath(posixpath.join(image.folder, word))
        path = tree_path(inside, image.copied)
        if path is not None and path in tree:
            try:
                return bool(_ARGUMENTS.search(_ITSELF.sub(b"", tree.read(path))))
            except OSError:
                return False
    return False


def image_process(image: Image, name: str, path: str, development: bool) -> ProcessType | None:
    """What the image starts by itself, or None where it has neither ENTRYPOINT nor CMD."""
    command, shell, start = joined(image, image.entrypoint, image.command)
    if start is None or command.startswith("-"):
        # the program is the base image's, and so no part of the tree
        return None
    development = development or starts_for_development(command)
    return ProcessType(
        name=name, command=command, place=Place(path, start.line), declared_in="Dockerfile", shell=shell,
        environment=tuple(sorted(image.environment.items())), folder=image.inside(), development=development,
        copied=tuple(image.copied), base_image=image.base, stop_signal=image.stop_signal[0] if image.stop_signal else "",
    )  # fmt: skip


def joined(image: Image, entrypoint: Start | None, command: Start | None) -> tuple[str, Shell, Start | None]:
    """ENTRYPOINT and CMD as one command: its text, the shell in front, and the part that decides its place."""
    if entrypoint is None:
        if command is None:
            return "", "none", None
        return (
            (command.text, image.shell, command)
            if command.text
            else (shlex.join(command.words), "none", command)
        )
    if entrypoint.text:
        return entrypoint.text, image.shell, entrypoint
    more: tuple[str, ...] = ()
    if command is not None:
        more = ("/bin/sh", "-c", command.text) if command.text else command.words
    return shlex.join([*entrypoint.words, *more]), "none", command if more else entrypoint


def read_image(
    path: str, content: bytes, tree: SourceTree, context: str | None = None, target: str = ""
) -> Image | None:
    """The stage that a build of the Dockerfile gives (`target`, else the last), or None where it has none."""
    steps = list(_instructions(content.decode("utf-8-sig", "replace")))
    context = context if context is not None else _context(path, steps, tree)
    stages: dict[str, Image] = {}
    image: Image | None = None
    # what stands before the first FROM
    outer = Image()
    number = 0
    folders = frozenset(_folders(steps))
    for line, word, rest in steps:
        if word == "FROM":
            found = _FROM.match(rest)
            base = _expand(found[1], outer) if found else ""
            image = _derived(stages.get(base.lower()), base)
            image.folders = folders
            stages[str(number)] = image
            number += 1
            if found and found[2]:
                stages[found[2].lower()] = image
        elif image is None:
            if word == "ARG" and "=" in rest:
                outer.arguments.update(_environment(rest, outer))
        elif word == "ARG" and rest in outer.arguments:
            image.arguments[rest] = outer.arguments[rest]
        else:
            _apply(image, word, rest, line, stages, context, tree)
    image = stages.get(target.lower(), image) if target else image
    if image is not None and not image.copied and image.folder != "/":
        # the source is mounted there when a container runs
        image.copied.append((image.folder, context))
    return image


def tree_path(inside: str, copied: Sequence[tuple[str, str]]) -> str | None:
    """The tree's path of an absolute path inside an image, or None."""
    for start, outside in sorted(copied, key=lambda pair: -len(pair[0])):
        prefix = start.rstrip("/")
        if inside.rstrip("/") == prefix:
            return outside
        if inside.startswith(prefix + "/"):
            return posixpath.normpath(posixpath.join(outside, inside[len(prefix) + 1 :])).removeprefix("./")
    return None


def _process_name(path: str) -> str:
    found = _NAMED.search(posixpath.basename(path))
    named = (found["after"] or found["before"] or "") if found else ""
    if named and not is_development(named) and named.lower() not in _PLAIN:
        return named
    folder = posixpath.basename(posixpath.dirname(path))
    return folder if folder.lower() not in _PLAIN else "container"


def _derived(parent: Image | None, base: str) -> Image:
    if parent is None:
        return Image(base)
    return Image(
        parent.base, parent.folder, dict(parent.environment), {}, parent.entrypoint, parent.command, parent.shell,
        parent.stop_signal, list(parent.volumes), list(parent.copied),
    )  # fmt: skip


def _folders(steps: Sequence[tuple[int, str, str]]) -> Iterator[str]:
    for _, word, rest in steps:
        if word == "WORKDIR":
            yield posixpath.normpath(rest.strip("\"'"))
        elif word == "RUN":
            for made in _MKDIR.findall(rest):
                yield from (posixpath.normpath(each) for each in made.split() if each.startswith("/"))


def _instructions(text: str) -> list[tuple[int, str, str]]:
    steps: list[tuple[int, str, str]] = []
    lines = text.splitlines()
    at = 0
    while at < len(lines):
        start = at
        parts: list[str] = []
        while at < len(lines):
            line = lines[at]
            at += 1
            if line.lstrip().startswith("#") or (parts and not line.strip()):
                if not parts:
                    break
                continue
            parts.append(line.rstrip().removesuffix("\\"))
            if not line.rstrip().endswith("\\"):
                break
        found = _INSTRUCTION.fullmatch(" ".join(parts).strip()) if parts else None
        if not found:
            continue
        steps.append((start + 1, found[1].upper(), found[2].strip()))
        heredoc = _HEREDOC.search(found[2]) if found[1].upper() in ("RUN", "COPY", "ADD") else None
        while heredoc and at < len(lines) and lines[at].strip() != heredoc[1]:
            at += 1
    return steps


def _apply(
    image: Image, word: str, rest: str, line: int, stages: dict[str, Image], context: str, tree: SourceTree
) -> None:
    if word == "WORKDIR":
        image.folder = posixpath.normpath(posixpath.join(image.folder, _expand(rest.strip("\"'"), image)))
    elif word == "ENV":
        image.environment.update(_environment(rest, image))
    elif word == "ARG" and "=" in rest:
        image.arguments.update(_environment(rest, image))
    elif word in ("CMD", "ENTRYPOINT"):
        start = _start(rest, line)
        if word == "CMD":
            image.command = start
        else:
            # a new ENTRYPOINT takes back the CMD of the base image, not one of this file; both stand
            image.entrypoint = start
    elif word == "SHELL":
        image.shell = "bash" if "bash" in rest else "sh"
    elif word == "STOPSIGNAL":
        image.stop_signal = (rest, line)
    elif word == "VOLUME":
        image.volumes += [(each, line) for each in _words(rest)]
    elif word in ("COPY", "ADD"):
        _copy(image, rest, stages, context, tree)


def _start(rest: str, line: int) -> Start:
    words = _exec_form(rest)
    return Start(words, "", line) if words is not None else Start((), rest, line)


def _exec_form(rest: str) -> tuple[str, ...] | None:
    if not rest.startswith("["):
        return None
    try:
        words = json.loads(rest)
    except ValueError:
        return None
    return tuple(words) if isinstance(words, list) and all(isinstance(each, str) for each in words) else None


def _words(rest: str) -> list[str]:
    words = _exec_form(rest)
    return list(words) if words is not None else rest.split()


def _environment(rest: str, image: Image) -> dict[str, str]:
    if not re.match(r"[\w.]+=", rest):
        name, _, value = rest.partition(" ")
        return {name: _expand(value.strip().strip("\"'"), image)}
    try:
        words = shlex.split(rest)
    except ValueError:
        words = rest.split()
    pairs = [word.partition("=") for word in words if "=" in word]
    return {name: _expand(value, image) for name, _, value in pairs}


def _expand(text: str, image: Image) -> str:
    known = image.arguments | image.environment
    return re.sub(r"\$\{?(\w+)\}?", lambda found: known.get(found[1], found[0]), text)


def _copy(image: Image, rest: str, stages: dict[str, Image], context: str, tree: SourceTree) -> None:
    source_stage = re.search(r"--from=(\S+)", rest)
    words = _words(re.sub(r"--\w+(=\S+)?\s*", "", rest))
    if len(words) < 2:
        return
    *sources, target = words
    target_is_folder = target.endswith("/") or target in (".", "..") or len(sources) > 1
    where = posixpath.normpath(posixpath.join(image.folder, _expand(target, image)))
    target_is_folder = target_is_folder or _is_folder(where, image, tree)
    if source_stage:
        stage = stages.get(source_stage[1].lower())
        for source in sources if stage else ():
            assert stage is not None
            _copy_stage(image, posixpath.join("/", _expand(source, stage)), where, stage)
        return
    for source in sources:
        path = posixpath.normpath(posixpath.join(context, _expand(source, image).lstrip("/"))).removeprefix(
            "./"
        )
        path = "" if path == "." else path
        if path in tree and target_is_folder:
            image.copied.append((posixpath.join(where, posixpath.basename(path)), path))
        elif path in tree or tree.is_folder(path):
            image.copied.append((where, path))
        elif "*" in source:
            folder = posixpath.dirname(path)
            image.copied += [
                (posixpath.join(where, posixpath.basename(each)), each)
                for each in tree.files
                if posixpath.dirname(each) == folder and _matches(each, path)
            ]


def _is_folder(inside: str, image: Image, tree: SourceTree) -> bool:
    return inside in image.folders or any(
        start.startswith(inside.rstrip("/") + "/") or (start == inside and tree.is_folder(outside))
        for start, outside in image.copied
    )


def _copy_stage(image: Image, source: str, where: str, stage: Image) -> None:
    found = tree_path(source, stage.copied)
    if found is not None:
        image.copied.append((where, found))
    for inside, outside in stage.copied:
        if inside.startswith(source.rstrip("/") + "/"):
            image.copied.append((posixpath.join(where, inside[len(source.rstrip("/")) + 1 :]), outside))


def _matches(path: str, pattern: str) -> bool:
    from fnmatch import fnmatchcase

    return fnmatchcase(path, pattern)


def _context(path: str, steps: Sequence[tuple[int, str, str]], tree: SourceTree) -> str:
    own = posixpath.dirname(path)
    if not own:
        return ""
    own_hits = root_hits = 0
    for _, word, rest in steps:
        if word in ("COPY", "ADD") and "--from=" not in rest:
            for source in _words(re.sub(r"--\w+(=\S+)?\s*", "", rest))[:-1]:
                clean = source.strip("./")
                below = f"{own}/{clean}".rstrip("/")
                own_hits += below in tree or tree.is_folder(below)
                root_hits += clean in tree or tree.is_folder(clean)
    if own_hits == root_hits and own_hits:
        # `COPY . .` fits both: a folder that holds a project of its own is built from there
        return own if any(f"{own}/{each}" in tree for each in _PROJECT_FILES) else ""
    return own if own_hits > root_hits else ""
