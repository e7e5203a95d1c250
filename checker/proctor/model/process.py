"""What the app says it runs: process types, their launch commands, and the entry points behind them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from proctor.model.fact import Ignore
from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.words import Effect, Kind

Relation = Literal["main", "before", "after", "background", "piped", "fallback"]
EntryKind = Literal[
    "callable", "script", "module", "management-command", "jobs-app", "console-script", "library"
]
Shell = Literal["none", "sh", "bash"]
#: what a shell's trap makes of SIGTERM for its background programs: it is "passed" on and their end waited for, passed on and they
#: are "left", or it is "kept"; "" where that is not known
Passing = Literal["", "passed", "left", "kept"]


class Diagnostic(msgspec.Struct, frozen=True):
    """Something wrong with a declaration itself. `topic` is a closed word the command judge knows:
    "unreadable-line", "duplicate-name", "dialect", "empty"."""

    place: Place
    topic: str
    message: str
    name: str | None = None


class Launch(msgspec.Struct, frozen=True, kw_only=True):
    """One program that a launch command starts.

    `words` are its words after quoting and wrappers are taken away (variables stay as `$NAME`);
    `relation` says how it stands to the long-running one: "main" itself, "before" (`migrate && server`),
    "after" (what follows a `;`/`&&` behind the main one), "background" (`&`), "piped", "fallback" (`||`).
    `replaces_shell` is True where the program takes the place of every shell in front of it under any shell
    (`exec`, no shell at all, or the only command of a process type, which platforms start with `exec` or by its
    process group), "bash" where only bash does so (last command of a list), False otherwise. Shells behind a wrapper
    that signals its whole process group do not count.
    `wrappers` are the launcher-model names in front of it, outermost first, `wrapper_signals` what each of them does
    with a signal (a program that only hosts this one as a sub-command has `{"replaces": True}`). `chain` are the evidence steps
    from the declaration through scripts and nested Procfiles to this program. `entry` is its entry point, or
    None with the reason in `unresolved` (which also says where an entry point is known but its code is not); `missing` says that the code it names is certainly not there.
    `launcher` is the launcher model's name, or "" where unknown; `command` is the sub-command given to it
    ("worker", "runserver"). `kind`, `does`, `drives`, `details` and `signals` are the launcher model's, with the
    variants that hold for these options and this sub-command applied. `options` are the recognised options by the
    model's names, the command line before configuration files; an option may occur several times, a flag has the
    value "true", a value that the environment decides keeps its `$NAME`. `option_places` says where an option
    that stands in a configuration file was read. `conditional` programs stand in one arm of an `if` or `case`, so
    that they may not run and two of them are alternatives. `trap` is the action of a `trap … TERM` in the same
    shell text, `passing` what it makes of the signal. `supervised_by` is the launcher that starts it as one of several (a nested Procfile, supervisord).
    `kept` says of a background program that the shell waits for it (`wait`). `ends` says that the launcher, or the
    process type that it is for, ends by itself, whatever the code in it does. `copies` is how many of it a supervisor or a
    loop of the shell starts, as written ("" where nothing says so), and `copies_place` where that stands. `wrapper_does` are the effects of
    the wrappers in front of it, with their options. `literal` is the first word with a variable in it that no shell reads.
    """

    words: tuple[str, ...]
    relation: Relation
    launcher: str
    place: Place
    chain: tuple[Step, ...]
    entry: EntryPoint | None = None
    unresolved: str | None = None
    missing: bool = False
    wrappers: tuple[str, ...] = ()
    wrapper_signals: tuple[Mapping[str, Any], ...] = ()
    replaces_shell: bool | Literal["bash"] = True
    in_script: str | None = None
    in_loop: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    long_running: bool = True
    is_python: bool = False
    options: tuple[tuple[str, str], ...] = ()
    option_places: tuple[tuple[str, Place], ...] = ()
    command: str = ""
    kind: Kind = "unknown"
    does: tuple[Effect, ...] = ()
    drives: tuple[str, ...] = ()
    details: Mapping[str, str] = {}
    signals: Mapping[str, Any] = {}
    conditional: bool = False
    trap: str = ""
    passing: Passing = ""
    supervised_by: str = ""
    kept: bool = False
    ends: bool = False
    copies: str = ""
    copies_place: Place | None = None
    wrapper_does: tuple[Effect, ...] = ()
    literal: str = ""

    def option(self, name: str) -> str | None:
        """The value of option `name` that is in force (the command line wins over files), or None."""
        return next((value for key, value in self.options if key == name), None)


class EntryPoint(msgspec.Struct, frozen=True, kw_only=True):
    """The code that a program really starts.

    `target` is as written (`pkg.wsgi:application`, `bot.py`); `path` the file in the tree, or None for an
    installed library's own entry point (kind "library"). `symbol` is the dotted attribute that is served or run
    ("" for the module body); `called` means it is a factory. `modules` are further files loaded at start-up
    (config files, `-A` packages, `--include`). `python_path` are the folders searched for imports, in order,
    relative to the root ("" is the root). `drives` are the trigger families that this program fires
    ("http", "celery", "rq", …: see `RunsRow.trigger`). `candidates` are the attribute names that are tried in order
    where none is written. `script` is the file that is run as a script on the way there (`manage.py`), also among the
    `modules`. `installed` are the folders whose packages may be installed from other projects of the tree.
    """

    kind: EntryKind
    target: str
    path: str | None
    symbol: str = ""
    called: bool = False
    modules: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ("",)
    drives: frozenset[str] = frozenset()
    arguments: tuple[str, ...] = ()
    candidates: tuple[str, ...] = ()
    script: str | None = None
    installed: tuple[str, ...] = ()


class ProcessType(msgspec.Struct, frozen=True, kw_only=True):
    """A named kind of work with a launch command. `shell` is what the platform puts in front ("sh" or "bash"
    for Procfile lines; "none" for exec-form). `declared_in` names the kind of manifest ("Procfile", "compose", …).
    `environment` is what the manifest sets for it. `replicas` is a declared count, None where nothing says.
    `place` is the span of the command itself (of its key in a structured manifest). `folder` is the working folder
    relative to the root ("" is the root). `development` marks a manifest meant for a developer's machine.
    `init` says that the manifest puts an init program in front as PID 1. `exact` says that `command` stands in the
    file as written, so that columns count from the start of `place`. `copied` pairs absolute paths inside a container
    image with the tree's paths that were copied there. `once`: the platform runs it once with a deployment, and waits for it. `base_image` is the image that its container
    starts from ("" where nothing says), `stop_signal` the signal that the manifest sends in place of SIGTERM."""

    name: str
    command: str
    place: Place
    declared_in: str = "Procfile"
    shell: Shell = "sh"
    environment: tuple[tuple[str, str], ...] = ()
    replicas: int | None = None
    grace_seconds: float | None = None
    folder: str = ""
    development: bool = False
    init: bool = False
    exact: bool = False
    once: bool = False
    copied: tuple[tuple[str, str], ...] = ()
    base_image: str = ""
    stop_signal: str = ""


class DeploySetting(msgspec.Struct, frozen=True, kw_only=True):
    """One setting of a deployment manifest that a formation rule can judge. `process` is the process type that it
    is about, None where it holds for all of the file. `value` is as written. `topic` is a closed word:
    how many and where: "replicas", "autoscaler" ("least-most"), "container-name", "host-port" (a fixed port of the
    host), "host-network", "strategy" ("Recreate"), "read-write-once" (a volume that one machine holds),
    "local-mount" (a folder of the host: "outside:inside", ":ro" behind it where it is read-only, or "hostPath …"), "image-volume"; routing:
    "sticky-sessions", "router-port" (the platform's proxy asks at a port of its own choice); launch: "shell-form-cmd" ("CMD …", "ENTRYPOINT …"), "init" ("true"), "restart", "forking",
    "pid-file"; stopping: "stop-signal", "grace-period" (seconds or a duration such as "1m30s"), "pre-stop",
    "kill-mode", "stop-as-group"; "liveness"."""

    topic: str
    place: Place
    process: str | None
    value: str
    #: the manifest is meant for a developer's machine
    development: bool = False


class Declaration(msgspec.Struct, frozen=True, kw_only=True):
    """All that the tree declares about processes and the platform. `sources` are the files read;
    `variables` the environment variables a manifest declares (None: declared without a value);
    `requirements` maps normalised distribution names to a pinned version, or "" where not pinned.
    `process_types` come from one manifest, the Procfile where there is one; `other_process_types` are what further
    manifests declare (the same app started another way), their names followed by the manifest: "web (compose)". `ignores` are the acceptance comments of Procfiles,
    each with its path."""

    process_types: tuple[ProcessType, ...]
    other_process_types: tuple[ProcessType, ...] = ()
    diagnostics: tuple[Diagnostic, ...] = ()
    sources: tuple[str, ...] = ()
    settings: tuple[DeploySetting, ...] = ()
    variables: Mapping[str, str | None] = {}
    requirements: Mapping[str, str] = {}
    not_read: tuple[tuple[str, str], ...] = ()
    ignores: tuple[tuple[str, Ignore], ...] = ()


class ResolvedProcess(msgspec.Struct, frozen=True, kw_only=True):
    """A process type with the programs that its command starts (in order) and what could not be followed."""

    process: ProcessType
    launches: tuple[Launch, ...]
    unresolved: str | None = None

    @property
    def main(self) -> Launch | None:
        """The program that the process type is about: the one in the foreground that stays, else the first that
        stays at all, else the last one; None where the command is empty."""
        mains = [launch for launch in self.launches if launch.relation == "main"]
        if mains:
            return mains[0]
        staying = [launch for launch in self.launches if launch.long_running] or list(self.launches[-1:])
        return staying[0] if staying else None
