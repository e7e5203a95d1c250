"""What version control knows of an app: the commit it is at, and its files at an earlier one."""

from __future__ import annotations

import contextlib
import os
import re
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import msgspec

from proctor.errors import UsageError

_ORIGIN = re.compile(r'^\[remote "origin"\][^\[]*?^\s*url\s*=\s*(\S+)', re.MULTILINE)
_COMMIT = re.compile(r"[0-9a-f]{40}([0-9a-f]{24})?")


class Revision(msgspec.Struct, frozen=True, kw_only=True):
    """A commit id in full and the branch that leads there ("" where HEAD is detached)."""

    commit: str
    branch: str = ""


def read_revision(root: Path) -> Revision | None:
    """The commit that the repository around `root` is at, read from its files (no program is started); None where
    there is no repository or no commit."""
    folder = _git_folder(root)
    if folder is None:
        return None
    head = _text(folder / "HEAD")
    if not head.startswith("ref: "):
        return Revision(commit=head) if _COMMIT.fullmatch(head) else None
    name = head[len("ref: ") :].strip()
    shared = folder / _text(folder / "commondir") if (folder / "commondir").is_file() else folder
    commit = _text(folder / name) or _text(shared / name) or _packed(shared, name)
    branch = name[len("refs/heads/") :] if name.startswith("refs/heads/") else name
    return Revision(commit=commit, branch=branch) if _COMMIT.fullmatch(commit) else None


def read_origin(root: Path) -> str:
    """Where the repository around `root` was cloned from, "" where it says nothing of it."""
    folder = _git_folder(root)
    shared = folder / _text(folder / "commondir") if folder and (folder / "commondir").is_file() else folder
    found = _ORIGIN.search(_text(shared / "config")) if shared else None
    return found[1].strip() if found else ""


def top_folder(root: Path) -> Path | None:
    """The folder of the repository around `root` in which its `.git` stands; None where there is none."""
    start = root.absolute()
    return next((folder for folder in (start, *start.parents) if (folder / ".git").exists()), None)


def _git_folder(root: Path) -> Path | None:
    start = root.absolute()
    for folder in (start, *start.parents):
        found = folder / ".git"
        if found.is_dir():
            return found
        pointer = _text(found)  # a worktree or submodule
        if pointer.startswith("gitdir: "):
            return folder / pointer[len("gitdir: ") :].strip()
    return None


def _packed(folder: Path, name: str) -> str:
    for line in _text(folder / "packed-refs").splitlines():
        commit, _, ref = line.partition(" ")
        if ref == name:
            return commit
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        return ""


@contextlib.contextmanager
def checked_out(root: Path, revision: str) -> Iterator[Path | None]:
    """A temporary folder with what `root` held at `revision` (a commit, branch or tag), or None where it was not there
    yet. The repository, its index and its work tree stay as they are.

    Raises UsageError where Git is missing, `root` is in no repository or `revision` names nothing.
    """
    prefix = _git(root, "rev-parse", "--show-prefix").rstrip("\n")
    commit = _git(
        root, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}"
    ).strip()
    if not commit:
        raise UsageError(f"`{revision}` is no commit of the repository around `{root}`.")
    with tempfile.TemporaryDirectory(prefix="proctor-") as scratch:
        tree = f"{commit}:{prefix.rstrip('/')}" if prefix else commit
        if not _git(root, "rev-parse", "--verify", "--quiet", "--end-of-options", tree).strip():
            yield None
            return
        folder = Path(scratch) / "tree"
        folder.mkdir()
        environment = {
            **os.environ,
            "GIT_INDEX_FILE": str(Path(scratch) / "index"),
            "GIT_LFS_SKIP_SMUDGE": "1",  # large files are not needed, and would be fetched
        }
        _git(root, "read-tree", tree, environment=environment, must=True)
        # from the top: below it only the files of the subfolder would be written
        top = Path(_git(root, "rev-parse", "--show-toplevel").rstrip("\n"))
        _git(
            top,
            "checkout-index",
            "--all",
            "--quiet",
            f"--prefix={folder}/",
            environment=environment,
            must=True,
        )
        yield folder


def _git(folder: Path, *arguments: str, environment: dict[str, str] | None = None, must: bool = False) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=folder, env=environment, capture_output=True, text=True, check=False
        )
    except FileNotFoundError:
        raise UsageError("Git is not there; a comparison with a commit needs it.") from None
    except OSError as error:
        raise UsageError(f"`{folder}` cannot be read ({error.strerror}).") from error
    said = done.stderr.strip()
    if "not a git repository" in said:
        raise UsageError(f"`{folder}` is in no Git repository.")
    if done.returncode and (must or said):
        raise UsageError(
            f"Git cannot `{arguments[0]}`: {said.splitlines()[-1] if said else 'no reason given'}."
        )
    return done.stdout
