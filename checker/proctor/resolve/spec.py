"""The words in which `rules/launchers/*.toml` says how a program's command line is read.

`parse` of a launcher model is a `Parse`, each of its `variants` a `Variant`. Everything that the engine does
with a command line is asked for here; no launcher is known by name.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

import msgspec

from proctor.model.process import EntryKind
from proctor.model.rule import LauncherModel
from proctor.model.words import Effect, Kind
from proctor.shape import fill

TargetKind = Literal[
    "object", "dotted", "app", "modules", "script", "module", "code", "management", "file", "library"
]
Duration = Literal["long", "short", "open"]


class _Spec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base: an unknown key is an error."""


class Target(_Spec, frozen=True, kw_only=True):
    """Where the started code is named. The first target that yields a name is taken.

    The name comes from positional word `argument` (counted behind the sub-command), `option`, environment
    `variable`, is the constant `value`, the program's own path (`program`), or the one file in the working folder that
    holds a text of `search`; `pattern` is put around it. `kind` says how it is read: "object" `module:object`, "dotted"
    `module.object`, "app" a package that is searched by `patterns` for a job application, "modules" one or more
    modules (all words from `argument` on), "script" a file that is run, "module" as `python -m` reads it, "code" program
    text, "management" a management command, "file" a file that is read, "library" no code of the app. The name is
    what stands behind the text `behind`, if that is in it. `objects` are the attribute names tried where none is
    written. With `if_exists` a target whose file or module is not there is passed over. `files` lets an object be named by a path (`app.py`, `src/app.py:create`). `required` is
    False where the program runs without one. `entry` is the kind of entry point where it is not the usual one."""

    kind: TargetKind
    argument: int | None = None
    option: str = ""
    variable: str = ""
    value: str = ""
    program: bool = False
    search: tuple[str, ...] = ()
    pattern: str = "{name}"
    behind: str = ""
    objects: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ("{name}",)
    if_exists: bool = False
    files: bool = False
    entry: EntryKind | Literal[""] = ""


class Runs(_Spec, frozen=True, kw_only=True):
    """The program runs another one: the words that follow its own options, sub-command (one of `commands`; empty:
    it has none) and `skip` positional words, or with `separator` those behind `--`. `assignments` lets `NAME=value` words stand in front. `option` names
    the option that holds the program instead. `text` says that one word holds a whole shell command. `prefix` words
    are put in front (`coverage run x.py` runs `python x.py`); where option `module` is given its value stands behind
    `module_words` instead. `scripts` are named commands of project files,
    each `file`, `table` (dotted), looked up by the first word."""

    commands: tuple[str, ...] = ()
    skip: int = 0
    separator: bool = False
    assignments: bool = False
    option: str = ""
    text: bool = False
    prefix: tuple[str, ...] = ()
    module: str = ""
    module_words: tuple[str, ...] = ()
    scripts: tuple[dict[str, str], ...] = ()


class Config(_Spec, frozen=True, kw_only=True):
    """A configuration file whose settings are options: its path comes from `option`, from positional `argument` if
    it ends in one of `suffixes`, or is one of `default` where it exists. `format` says how it is read; `section` is the
    section or table; `prefix` may stand in front of the path (`python:` names a module). `rename` maps its keys
    to option names. `loads` says that it is Python code that the process runs."""

    format: Literal["python", "ini", "yaml", "toml", "json"]
    option: str = ""
    argument: int | None = None
    suffixes: tuple[str, ...] = ()
    default: tuple[str, ...] = ()
    section: str = ""
    module_prefix: str = ""
    rename: dict[str, str] = {}
    loads: bool = False


class Nested(_Spec, frozen=True, kw_only=True):
    """The program starts the commands of another file, each as a process of its own (`format` "procfile"; "ini"
    with one command per section that starts with `section`, in `key`, its folder in `folder_key`) or in place of
    itself (`format` "makefile" and "scripts": the targets or scripts named by the positional words).
    The file is `option`, else the first of `default` that exists. How many of each it starts stands in `copies_key` of a
    section, or in the option named `formation` as `name=2,other=3`, where `all` stands for every name."""

    format: Literal["procfile", "ini", "makefile", "scripts"]
    commands: tuple[str, ...] = ()
    option: str = ""
    default: tuple[str, ...] = ()
    section: str = ""
    key: str = ""
    arguments_key: str = ""
    folder_key: str = ""
    copies_key: str = ""
    formation: str = ""
    #: "section:key" whose words name further files (`fnmatch` patterns)
    includes: str = ""
    table: str = ""
    #: sub-commands that are themselves the name of the script (`npm start`)
    implied_by: tuple[str, ...] = ()
    #: the positional word that names the file
    argument: int | None = None


class Parse(_Spec, frozen=True, kw_only=True):
    """How the words behind the program are read.

    `options` and `flags` map our name to its spellings; `takes` are further spellings that have a value (as do those that match `takes_matching`) and `optional`
    such that have one only as `--x=y`. `command` says that the first positional word is a sub-command;
    `stops` are option names behind which no more options come; `options_first` says that none come
    behind a positional word. `stands_for` maps a program name to the words that it abbreviates (`rqworker` is
    `rq worker`). `chdir` and `python_path` are options that name folders, `loads` such that name modules to import; `environment` maps options to the variable that
    they set; `environment_files` are read for variables where they exist. `shell` marks a shell. `suffixes` are the
    endings of files that it runs where they name no interpreter. `contains` are texts of which a script in the tree
    holds one if it is this launcher (`manage.py`). `replaced` are patterns of a script that runs its own arguments as a program in place of itself. `search` says what is searched for modules: the working folder, the script's folder or neither.
    `duration` says whether the program stays ("open": its code decides)."""

    options: dict[str, tuple[str, ...]] = {}
    flags: dict[str, tuple[str, ...]] = {}
    takes: tuple[str, ...] = ()
    takes_matching: str = ""
    optional: tuple[str, ...] = ()
    abbreviations: bool = True
    plus_options: bool = False
    command: bool = False
    stops: tuple[str, ...] = ()
    options_first: bool = False
    stands_for: dict[str, tuple[str, ...]] = {}
    targets: tuple[Target, ...] = ()
    runs: Runs | None = None
    nested: Nested | None = None
    configs: tuple[Config, ...] = ()
    chdir: tuple[str, ...] = ()
    python_path: tuple[str, ...] = ()
    loads: tuple[str, ...] = ()
    environment: dict[str, str] = {}
    environment_files: tuple[str, ...] = ()
    shell: Literal["", "sh", "bash"] = ""
    suffixes: tuple[str, ...] = ()
    contains: tuple[str, ...] = ()
    replaced: tuple[str, ...] = ()
    search: Literal["folder", "script", "none"] = "folder"
    duration: Duration | Literal[""] = ""


def with_fallbacks(text: str) -> str:
    """A text of a shell with `fallback` in place of each `${NAME:-fallback}`."""
    return re.sub(r"\$\{\w+:?[-=]([^{}$]*)\}", r"\1", text)


class Variant(_Spec, frozen=True, kw_only=True):
    """What holds for one of the sub-commands `command`, and where `option` (or the environment variable `variable`)
    is present, is one of `equals` or matches the regular expression `matches`. `does`, `drives`, `details` and `signals` are added, the others
    replace."""

    command: tuple[str, ...] = ()
    option: str = ""
    variable: str = ""
    equals: tuple[str, ...] = ()
    matches: str = ""
    present: bool | None = None
    kind: Kind | None = None
    does: tuple[Effect, ...] = ()
    without: tuple[Effect, ...] = ()
    drives: tuple[str, ...] = ()
    details: dict[str, str] = {}
    signals: dict[str, Any] = {}
    duration: Duration | Literal[""] = ""
    parse: dict[str, Any] = {}
    source: str = ""

    def holds(self, command: str, options: Sequence[tuple[str, str]], environment: Mapping[str, str]) -> bool:
        """Whether it holds for this sub-command, these options and this environment."""
        if self.command and command not in self.command:
            return False
        values = [value for name, value in options if name == self.option]
        if self.variable:
            values = [environment[self.variable]] if self.variable in environment else []
        elif not self.option:
            return True
        if self.present is not None and bool(values) is not self.present:
            return False
        if not self.equals and not self.matches:
            return True
        # a value that only the environment says is none of those meant
        value = with_fallbacks(values[0]) if values else "$"
        if "$" in value or (self.equals and value not in self.equals):
            return False
        return not self.matches or re.search(self.matches, value) is not None


class Launcher:
    """A launcher model with its `parse` and `variants` read. Raises msgspec.ValidationError where they are wrong."""

    def __init__(self, model: LauncherModel) -> None:
        self.model = model
        self.parse = msgspec.convert(model.parse, Parse)
        self.variants = tuple(msgspec.convert(each, Variant) for each in model.variants)
        self._for_command: dict[str, Parse] = {}

    def parse_for(self, command: str) -> Parse:
        """`parse` with what the variants of the sub-command `command` add."""
        if command not in self._for_command:
            raw: dict[str, Any] = msgspec.to_builtins(self.parse)
            for variant in self.variants:
                if variant.parse and command in variant.command:
                    raw = _merged(raw, variant.parse)
            self._for_command[command] = msgspec.convert(raw, Parse)
        return self._for_command[command]


def check_launchers(models: Iterable[LauncherModel]) -> None:
    """Check `parse` and `variants` of launcher models. Raises ConfigurationError naming file, key and the nearest
    valid one."""
    for model in models:
        fill(model.parse, Parse, model.path, "parse")
        for index, variant in enumerate(model.variants):
            read = fill(variant, Variant, model.path, f"variants[{index}]")
            fill(read.parse, Parse, model.path, f"variants[{index}].parse")


class Catalogue:
    """All launchers, by the names they are called by. A model that cannot be read is left out and named in `errors`."""

    def __init__(self, models: Iterable[LauncherModel]) -> None:
        self.errors: list[str] = []
        self._programs: dict[str, LauncherModel] = {}
        self._modules: dict[str, LauncherModel] = {}
        self._hosted: dict[tuple[str, str], tuple[LauncherModel, tuple[str, ...]]] = {}
        self._by_name: dict[str, LauncherModel] = {}
        self._read: dict[str, Launcher] = {}
        self._suffixes: dict[str, LauncherModel] = {}
        self._contents: list[LauncherModel] = []
        for model in models:
            self._by_name[model.name] = model
            self._suffixes.update(dict.fromkeys(model.parse.get("suffixes", ()), model))
            if model.parse.get("contains"):
                self._contents.append(model)
            self._programs.update(dict.fromkeys(model.programs, model))
            self._modules.update(dict.fromkeys(model.modules, model))
            for host, commands in model.hosted.items():
                for command, words in commands.items():
                    self._hosted[host, command] = (model, words)

    def program(self, word: str) -> Launcher | None:
        """The launcher called by the path or name `word`; versions at the end of a name are passed over."""
        name = posixpath.basename(word)
        model = self._programs.get(name) or self._programs.get(re.sub(r"[\d.]+$", "", name))
        return self._launcher(model)

    def module(self, dotted: str) -> Launcher | None:
        """The launcher started by `python -m dotted`."""
        return self._launcher(
            self._modules.get(dotted) or self._modules.get(dotted.removesuffix(".__main__"))
        )

    def hosted(self, host: str, command: str) -> tuple[Launcher, tuple[str, ...]] | None:
        """The launcher that provides the sub-command `command` of launcher `host`, with the words it stands for."""
        found = self._hosted.get((host, command))
        launcher = self._launcher(found[0]) if found else None
        return (launcher, found[1]) if found and launcher else None

    def suffix(self, path: str) -> Launcher | None:
        """The launcher that runs a file of this name which names no interpreter."""
        return self._launcher(self._suffixes.get(posixpath.splitext(path)[1]))

    def content(self, text: str) -> Launcher | None:
        """The launcher that a script with this text is."""
        for model in self._contents:
            if any(each in text for each in model.parse["contains"]):
                return self._launcher(model)
        return None

    def named(self, name: str) -> Launcher | None:
        """The launcher model `name`."""
        return self._launcher(self._by_name.get(name))

    def knows_module(self, dotted: str) -> bool:
        """Whether a launcher's own code has this module."""
        return any(dotted == name or dotted.startswith(name + ".") for name in self._modules)

    def _launcher(self, model: LauncherModel | None) -> Launcher | None:
        if model is None:
            return None
        if model.name not in self._read:
            try:
                self._read[model.name] = Launcher(model)
            except (msgspec.ValidationError, TypeError) as error:
                self.errors.append(f"{model.path or model.name}: {error}")
                self._read[model.name] = Launcher(msgspec.structs.replace(model, parse={}, variants=()))
        return self._read[model.name]


def _merged(base: Mapping[str, Any], more: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in more.items():
        old = result.get(key)
        if isinstance(old, dict) and isinstance(value, dict):
            result[key] = {**old, **value}
        elif key == "takes":
            result[key] = [*(old or ()), *value]
        else:
            result[key] = value
    return result
