"""What a repository needs to be watched: settings, a hook and a job, proposed for what it holds, shown before written."""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib import metadata
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

import msgspec
import tomli

from proctor import __version__
from proctor.errors import UsageError
from proctor.history import read_origin, read_revision, top_folder
from proctor.model.finding import Judgement
from proctor.settings import PLATFORMS, SETTINGS_FILES

SERVICES = ("github", "gitlab")
HOOK_FILE = ".pre-commit-config.yaml"
WORKFLOW = ".github/workflows/proctor.yml"
PIPELINE = ".gitlab-ci.yml"
_GITHUB_OUTPUTS = '--output github:- --output "markdown:$GITHUB_STEP_SUMMARY"'
#: files that only one platform reads
_PLATFORM_FILES: Mapping[str, str] = {
    "app.json": "heroku",
    "heroku.yml": "heroku",
    "fly.toml": "fly",
    "render.yaml": "render",
    "render.yml": "render",
    "DOKKU_SCALE": "dokku",
}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Where this program came from: the `address` of its repository and the `revision` there; both "" where it came from a
    package index."""

    address: str = ""
    revision: str = ""

    @property
    def requirement(self) -> str:
        """What pip installs the same program by."""
        if not self.address:
            return f"proctor=={__version__}"
        scheme = "file://" if self.is_local else ""
        # not "proctor @ git+…": older versions of pip take no folder of this machine there
        return f"git+{scheme}{self.address}@{self.revision}"

    @property
    def is_local(self) -> bool:
        """Whether the repository is a folder of this machine."""
        return self.address.startswith("/")


class Proposal(msgspec.Struct, frozen=True, kw_only=True):
    """A file to write: its `path`, its bytes before (None: it is not there yet) and after."""

    path: Path
    before: bytes | None
    after: bytes


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """What is asked for beyond what the repository holds: a `service` (one of SERVICES, "" for those that it has), a `hook`
    though it has none, a `baseline` (the file's text, "" for none)."""

    service: str = ""
    hook: bool = False
    baseline: str = ""
    baseline_name: str = "proctor-baseline.json"


class Adoption(NamedTuple):
    """The files to write, and sentences about what is left as it is."""

    proposals: tuple[Proposal, ...]
    notes: tuple[str, ...]


class _Left(Exception):
    """A file is left as it is; the message is a sentence about it."""


def source_of_this() -> Source:
    """Where the running program was installed from, as its installer noted it (PEP 610)."""
    try:
        noted = metadata.distribution("proctor").read_text("direct_url.json")
        told = json.loads(noted) if noted else {}
    except (metadata.PackageNotFoundError, ValueError, OSError):
        return Source()
    url = str(told.get("url", ""))
    version = told.get("vcs_info")
    if isinstance(version, dict) and version.get("vcs") == "git":
        return Source(
            address=_reachable(url) or unquote(urlsplit(url).path), revision=str(version.get("commit_id", ""))
        )
    if url.startswith("file:"):
        folder = Path(unquote(urlsplit(url).path))
        found = read_revision(folder)
        if found and top_folder(folder) == folder:
            return Source(address=_reachable(read_origin(folder)) or str(folder), revision=found.commit)
    return Source()


def _reachable(address: str) -> str:
    """An address that others can use: without anybody's password, and with its scheme; "" where it is none."""
    parts = urlsplit(address)
    if parts.scheme in ("https", "http"):
        return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
    if parts.scheme == "ssh":
        return address
    # `git@host:owner/name`, as Git itself allows to write it
    found = re.fullmatch(r"([\w.-]+@[\w.-]+):(?!//)(.+)", address)
    return f"ssh://{found[1]}/{found[2].lstrip('/')}" if found else ""


def propose(root: Path, judgement: Judgement, source: Source, wish: Wish) -> Adoption:
    """What to write for the app in `root`, which `judgement` is about. Files of the repository around it are looked at, too.
    Nothing is written."""
    top = top_folder(root) or root
    folder = root.resolve().relative_to(top.resolve()).as_posix()
    tries: list[Callable[[], Proposal]] = [lambda: _settings(root, wish)]
    if wish.baseline:
        tries.append(lambda: _baseline(root, wish))
    if wish.hook or (top / HOOK_FILE).is_file():
        tries.append(lambda: _hook(top, folder, source))
    if wish.service == "github" or (not wish.service and (top / ".github").is_dir()):
        tries.append(lambda: _workflow(top, folder, source))
    if wish.service == "gitlab" or (not wish.service and (top / PIPELINE).is_file()):
        tries.append(lambda: _pipeline(top, folder, source))
    proposals, notes = [], []
    for each in tries:
        try:
            proposals.append(each())
        except _Left as left:
            notes.append(str(left))
        except OSError as error:
            raise UsageError(f"`{error.filename}` cannot be read ({error.strerror}).") from error
    if source.is_local and proposals:
        notes.append(
            f"hook and job get proctor from {source.address}, which other machines may lack; "
            "`--source ADDRESS@REV` names another place."
        )
    return Adoption(tuple(proposals), (*notes, *_missing(top, wish)))


def _missing(top: Path, wish: Wish) -> Iterable[str]:
    if not wish.hook and not (top / HOOK_FILE).is_file():
        yield f"there is no {HOOK_FILE}; `--pre-commit` writes one."
    if not wish.service and not (top / ".github").is_dir() and not (top / PIPELINE).is_file():
        yield f"there is neither .github nor {PIPELINE}; `--ci github` or `--ci gitlab` writes a job."


def difference(proposal: Proposal, start: Path) -> str:
    """A proposal as a unified difference; paths are shown from `start` on."""
    path = proposal.path
    name = path.relative_to(start).as_posix() if path.is_relative_to(start) else str(path)
    old = (proposal.before or b"").decode("utf-8", "replace").splitlines()
    new = proposal.after.decode("utf-8", "replace").splitlines()
    before = f"a/{name}" if proposal.before is not None else "/dev/null"
    lines = difflib.unified_diff(old, new, before, f"b/{name}", lineterm="")
    return "".join(f"{line}\n" for line in lines)


def write(proposals: Sequence[Proposal]) -> None:
    """Write the files. Raises UsageError where one cannot be written or changed since it was looked at."""
    for each in proposals:
        if _bytes(each.path) != each.before:
            raise UsageError(f"`{each.path}` has changed; it was left as it is.")
        try:
            each.path.parent.mkdir(parents=True, exist_ok=True)
            each.path.write_bytes(each.after)
        except OSError as error:
            raise UsageError(f"`{each.path}` cannot be written ({error.strerror}).") from error


def _bytes(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None


# --- settings and baseline ---------------------------------------------------------------------------------


def _settings(root: Path, wish: Wish) -> Proposal:
    path = root / "proctor.toml"
    for name in SETTINGS_FILES:
        data = _bytes(root / name)
        if data is None:
            continue
        told = tomli.loads(data.decode("utf-8-sig").replace("\r\n", "\n"))
        if name == "proctor.toml" or "proctor" in told.get("tool", {}):
            raise _Left(f"{name} has settings already{_with_baseline(told, name, wish)}.")
        path = root / name
        break
    before = _bytes(path)
    lines = _platform_lines(root)
    if wish.baseline:
        lines.append(f'baseline = "{wish.baseline_name}"')
    text = "".join(f"{line}\n" for line in lines)
    if path.name == "pyproject.toml":
        text = "[tool.proctor]\n" + text
    return Proposal(path=path, before=before, after=_appended(before, text))


def _with_baseline(told: dict[str, Any], name: str, wish: Wish) -> str:
    own = told if name == "proctor.toml" else told["tool"]["proctor"]
    if not wish.baseline or (isinstance(own, dict) and own.get("baseline") == wish.baseline_name):
        return ""
    return f'; add `baseline = "{wish.baseline_name}"` to them'


def _platform_lines(root: Path) -> list[str]:
    found = {platform: name for name, platform in _PLATFORM_FILES.items() if (root / name).is_file()}
    if len(found) == 1:
        ((platform, name),) = found.items()
        return [
            f'platform = "{platform}"  # because of {name}: how long it waits, which processes it signals'
        ]
    others = ", ".join(name for name in PLATFORMS if name != "container")
    return [
        "# what stops the processes: how long it waits, which processes it signals",
        f'platform = "container"  # or {others}',
    ]


def _baseline(root: Path, wish: Wish) -> Proposal:
    path = root / wish.baseline_name
    before = _bytes(path)
    if before is not None:
        raise _Left(f"{wish.baseline_name} is there already; `proctor baseline` writes it anew.")
    return Proposal(path=path, before=before, after=wish.baseline.encode())


def _appended(before: bytes | None, text: str) -> bytes:
    if before is None:
        return text.encode()
    newline = b"\r\n" if b"\r\n" in before else b"\n"
    gap = b"" if not before.strip() else newline if before.endswith(newline) else newline * 2
    return before + gap + text.encode().replace(b"\n", newline)


# --- the hook ----------------------------------------------------------------------------------------------


def _hook(top: Path, folder: str, source: Source) -> Proposal:
    path = top / HOOK_FILE
    before = _bytes(path)
    hook: dict[str, Any] = {"id": "proctor"}
    if folder != ".":
        hook["args"] = [folder]
    if source.address:
        entry: dict[str, Any] = {"repo": source.address, "rev": source.revision, "hooks": [hook]}
    else:
        # an index has no hook file, so that the hook is described here
        hook |= {
            "name": "proctor", "entry": "proctor check", "language": "python", "pass_filenames": False,
            "additional_dependencies": [source.requirement],
        }  # fmt: skip
        entry = {"repo": "local", "hooks": [hook]}
    text = _yaml([entry])
    if before is None:
        return Proposal(path=path, before=None, after=f"repos:\n{_indented(text, 2)}".encode())
    old = _document(before, HOOK_FILE)
    repos = old.get("repos")
    if any(
        isinstance(each, dict) and each.get("id") == "proctor"
        for repo in (repos if isinstance(repos, list) else [])
        for each in (repo.get("hooks") or [] if isinstance(repo, dict) else [])
    ):
        raise _Left(f"{HOOK_FILE} has the hook already.")
    after = _with_item(before, "repos", text)
    wanted = {**old, "repos": [*(repos or []), entry]}
    if after is None or _document(after, HOOK_FILE) != wanted:
        raise _Left(f"{HOOK_FILE} is written in a way that is not understood; add to `repos`:\n{text}")
    return Proposal(path=path, before=before, after=after)


def _with_item(before: bytes, key: str, item: str) -> bytes | None:
    """The file with `item` (YAML) at the end of the list `key`; None where that is not a list in lines of its own."""
    import yaml

    root = yaml.compose(before, Loader=yaml.SafeLoader)
    if not isinstance(root, yaml.MappingNode):
        return None
    node = next((value for name, value in root.value if name.value == key), None)
    if not isinstance(node, yaml.SequenceNode) or node.flow_style or not node.value:
        return None
    lines = before.decode("utf-8").splitlines(keepends=True)
    newline = "\r\n" if lines[0].endswith("\r\n") else "\n"
    end = node.end_mark.line if node.end_mark.line > node.start_mark.line else len(lines)
    if node.end_mark.column:
        end = len(lines)
    while end and (not lines[end - 1].strip() or lines[end - 1].lstrip().startswith("#")):
        end -= 1
    head = "".join(lines[:end])
    head += "" if head.endswith("\n") else newline
    return (
        head + _indented(item, node.start_mark.column).replace("\n", newline) + "".join(lines[end:])
    ).encode()


# --- the job -----------------------------------------------------------------------------------------------


def _workflow(top: Path, folder: str, source: Source) -> Proposal:
    path = top / WORKFLOW
    before = _bytes(path)
    if before is not None:
        raise _Left(f"{WORKFLOW} is there already.")
    found = re.fullmatch(r"(?:git\+)?https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?", source.address)
    if found:
        use = [f"      - uses: {found[1]}@{source.revision}"]
        use += ["        with:", f"          path: {_scalar(folder)}"] if folder != "." else []
    else:
        use = [
            "      - uses: actions/setup-python@v5",
            "        with:",
            '          python-version: "3.12"',
            f"      - run: {_scalar(f'python -m pip install {_shell(source.requirement)}')}",
            f"      - run: {_scalar(f'proctor check {_shell(folder)} {_GITHUB_OUTPUTS}')}",
        ]
    lines = [
        "name: proctor",
        "on: [push, pull_request]",
        "permissions:",
        "  contents: read",
        "jobs:",
        "  proctor:",
        "    runs-on: ubuntu-latest",
        "    timeout-minutes: 10",
        "    steps:",
        "      - uses: actions/checkout@v4",
        *use,
    ]
    return Proposal(path=path, before=None, after="".join(f"{line}\n" for line in lines).encode())


def _pipeline(top: Path, folder: str, source: Source) -> Proposal:
    path = top / PIPELINE
    before = _bytes(path)
    old = _document(before or b"{}", PIPELINE)
    if "proctor" in old:
        raise _Left(f"{PIPELINE} has the job already.")
    stages = old.get("stages")
    stage = "test"
    if isinstance(stages, list) and stages and "test" not in stages:
        stage = str(stages[0])
    job: dict[str, Any] = {
        "stage": stage,
        "image": "python:3.12-slim",
        "script": [
            f"python -m pip install --quiet {_shell(source.requirement)}",
            f"proctor check {_shell(folder)} --output gitlab:gl-code-quality-report.json --output junit:proctor.xml",
        ],
        "artifacts": {
            "when": "always",
            "reports": {"codequality": "gl-code-quality-report.json", "junit": "proctor.xml"},
        },
    }
    if source.address:
        # the slim image has no Git, which pip needs here
        job["image"] = "python:3.12"
    after = _appended(before, _yaml({"proctor": job}))
    if _document(after, PIPELINE) != {**old, "proctor": job}:
        raise _Left(f"{PIPELINE} is written in a way that is not understood; add:\n{_yaml({'proctor': job})}")
    return Proposal(path=path, before=before, after=after)


# --- YAML --------------------------------------------------------------------------------------------------


def _document(data: bytes, name: str) -> dict[Any, Any]:
    import yaml

    class Loader(yaml.SafeLoader):
        """One that keeps what tags of the file's own stand before."""

    def keep(loader: Any, suffix: str, node: yaml.Node) -> tuple[str, object]:
        build = {yaml.ScalarNode: loader.construct_scalar, yaml.SequenceNode: loader.construct_sequence}
        return suffix, build.get(type(node), loader.construct_mapping)(node)

    Loader.add_multi_constructor("!", keep)
    try:
        found = yaml.load(data, Loader=Loader)
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise _Left(f"{name} cannot be read as YAML, and is left as it is.") from error
    if not isinstance(found, dict):
        raise _Left(f"{name} holds no mapping, and is left as it is.")
    return found


def _yaml(value: object) -> str:
    import yaml

    return yaml.safe_dump(value, sort_keys=False, width=1000, allow_unicode=True)


def _scalar(text: str) -> str:
    return _yaml([text])[2:].rstrip("\n")


def _shell(text: str) -> str:
    return text if re.fullmatch(r"[\w./=-]+", text) else "'" + text.replace("'", "'\\''") + "'"


def _indented(text: str, width: int) -> str:
    return "".join(f"{' ' * width}{line}" for line in text.splitlines(keepends=True))
