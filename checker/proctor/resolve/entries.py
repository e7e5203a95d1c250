"""Finds the entry point of one program: which word names it, by which configuration and import path."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from proctor.model.place import Place
from proctor.model.process import EntryPoint
from proctor.model.words import Effect, Kind
from proctor.resolve.configs import read_config
from proctor.resolve.options import Parsed
from proctor.resolve.project import Project
from proctor.resolve.situation import Situation, is_known
from proctor.resolve.spec import Catalogue, Config, Duration, Launcher, Parse, Target
from proctor.resolve.targets import Answer, Search, python_roots, resolve_target


@dataclass(frozen=True)
class Command:
    """One program as its launcher reads it, at one point of a launch command."""

    launcher: Launcher
    parse: Parse
    parsed: Parsed
    words: Sequence[str]
    situation: Situation

    def at(self, situation: Situation) -> Command:
        """The same at another point."""
        return replace(self, situation=situation)


@dataclass(frozen=True)
class Facts:
    """What a launcher model says of one command line, its variants applied."""

    kind: Kind
    duration: Duration
    does: tuple[Effect, ...] = ()
    drives: tuple[str, ...] = ()
    details: dict[str, str] = field(default_factory=dict)
    signals: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Configured:
    """The options in force (command line first), where those of files stand, the files that are loaded as code,
    and the situation after the folder was changed."""

    options: tuple[tuple[str, str], ...]
    places: tuple[tuple[str, Place], ...]
    modules: tuple[str, ...]
    situation: Situation

    def option(self, name: str) -> str | None:
        """The value in force, or None."""
        return next((value for key, value in self.options if key == name), None)


class Entries:
    """Looks entry points up. `declared` are the variables that manifests declare for the app."""

    def __init__(self, project: Project, catalogue: Catalogue, declared: Mapping[str, str | None]) -> None:
        self.project = project
        self.catalogue = catalogue
        self.declared = declared

    def configured(self, command: Command) -> Configured:
        """Read the command's configuration file, where it has one."""
        situation = command.situation
        options = [
            (name, situation.expand(value))
            for name, value in reversed(command.parsed.options)
            if name != "assign"
        ]
        for config in command.parse.configs:
            path = self._config_path(config, command)
            if path is None:
                continue
            rows = read_config(config, path, self.project.text(path))
            for name, value, _ in rows:
                if name in command.parse.chdir and command.parsed.option(name) is None:
                    folder = self.project.find_folder(value, situation.folder, situation.copied)
                    situation = situation if folder is None else situation.changed(folder=folder)
            return Configured(
                (*options, *((name, value) for name, value, _ in rows)),
                tuple((name, place) for name, _, place in rows),
                (path,) if config.loads else (),
                situation,
            )
        return Configured(tuple(options), (), (), situation)

    def named(
        self, command: Command, configured: Configured | None = None
    ) -> tuple[Target | None, str, list[str]]:
        """The target that applies, the name that it gives, and the words behind that name."""
        situation = command.situation
        for target in command.parse.targets:
            arguments = list(command.parsed.arguments)
            at = target.argument
            if at is not None and at < len(arguments):
                several = target.kind == "modules"
                name: str | None = " ".join(arguments[at:]) if several else arguments[at]
                arguments = [] if several else arguments[at + 1 :]
            else:
                name = self._name(target, command, configured)
            if name is None:
                continue
            name = name.rpartition(target.behind)[2] if target.behind else name
            name = situation.resolve(target.pattern.replace("{name}", name), defaults=True)
            if not target.if_exists or self._is_there(target, name, command):
                return target, name, arguments
        return None, "", []

    def _is_there(self, target: Target, name: str, command: Command) -> bool:
        if target.kind == "module":
            return self.project.find_module(name, self.search(command).roots) is not None
        situation = command.situation
        return self.project.find_file(name, situation.folder, situation.copied) is not None

    def _name(self, target: Target, command: Command, configured: Configured | None) -> str | None:
        if target.option:
            value = command.parsed.option(target.option)
            return configured.option(target.option) if value is None and configured else value
        if target.variable:
            return (
                command.situation.environment.get(target.variable)
                or self.declared.get(target.variable)
                or self._from_files(target.variable, command)
            )
        if target.search:
            return self.project.search(target.search, command.situation.folder)
        if target.kind == "management":
            return command.parsed.command or None
        return command.parsed.program if target.program else target.value or None

    def _from_files(self, variable: str, command: Command) -> str | None:
        line = re.compile(rf"^\s*(?:export\s+)?{variable}\s*=\s*[\"']?([^\s\"'#]+)", re.MULTILINE)
        for name in command.parse.environment_files:
            path = self.project.find_file(name, command.situation.folder)
            found = line.search(self.project.text(path)) if path else None
            if found:
                return found[1]
        return None

    def _config_path(self, config: Config, command: Command) -> str | None:
        situation = command.situation
        named = self._config_name(config, command)
        for name in (named,) if named is not None else config.default:
            name = situation.resolve(name, defaults=True)
            prefix, colon, rest = name.partition(":")
            if colon and prefix + colon == config.module_prefix:
                return self.project.find_module(
                    rest, (situation.origin or situation.folder, situation.folder)
                )
            name = rest if colon and prefix == "file" else name
            if named is not None and config.suffixes and not name.endswith(config.suffixes):
                continue
            # it is looked for before the program changes its folder
            for folder in (situation.origin, situation.folder):
                path = None if folder is None else self.project.find_file(name, folder, situation.copied)
                if path is not None:
                    return path
            if named is not None and not self.project.owns(name, situation.copied):
                return self.project.only_file(posixpath.basename(name))
        return None

    def _config_name(self, config: Config, command: Command) -> str | None:
        named = command.parsed.option(config.option) if config.option else None
        if named is None and config.argument is not None:
            words = command.parsed.arguments[config.argument :]
            named = next((word for word in words if word.endswith(config.suffixes)), None)
        return named

    def search(
        self, command: Command, drives: Sequence[str] = (), configured: Configured | None = None
    ) -> Search:
        """Where the command's names are looked up."""
        situation = command.situation
        values = [(configured or command.parsed).option(name) for name in command.parse.python_path]
        values.append(situation.environment.get("PYTHONPATH"))
        roots = [] if command.parse.search == "none" else [situation.folder]
        for value in filter(None, values):
            text = situation.resolve(value, defaults=True)
            roots += python_roots(situation.folder, text, self.project, situation.copied)
        if roots and situation.folder:
            # the image installs the project that it is built from
            roots += self.project.roots_of(situation.folder)
        return Search(
            self.project, self.catalogue, situation.folder, tuple(dict.fromkeys([*roots, *situation.roots])),
            situation.copied, frozenset(drives),
        )  # fmt: skip

    def find(self, command: Command, configured: Configured, drives: Sequence[str]) -> Answer:
        """The command's entry point."""
        if any(target.kind == "management" for target in command.parse.targets):
            answer = self._management(command, drives)
        else:
            answer = self._find(command, configured, drives)
        modules = (*command.situation.modules, *configured.modules, *self._loaded(command, configured))
        if answer.entry and answer.entry.symbol and command.parsed.option("factory") is not None:
            answer = replace(answer, entry=msgspec.structs.replace(answer.entry, called=True))
        if answer.entry is None or not modules:
            return answer
        merged = tuple(dict.fromkeys([*answer.entry.modules, *modules]))
        script = answer.entry.script or command.situation.host_script
        return replace(answer, entry=msgspec.structs.replace(answer.entry, modules=merged, script=script))

    def _loaded(self, command: Command, configured: Configured) -> list[str]:
        search = self.search(command, (), configured)
        values = (value for name, value in configured.options if name in command.parse.loads)
        names = (name.strip() for value in values for name in value.split(","))
        paths = (self.project.find_module(name, search.roots) for name in names)
        return [path for path in paths if path and not path.endswith("/")]

    def _find(self, command: Command, configured: Configured, drives: Sequence[str]) -> Answer:
        parse, parsed, model = command.parse, command.parsed, command.launcher.model
        search = self.search(command, drives, configured)
        target, name, arguments = self.named(command, configured)
        if target is not None:
            if parsed.command and target.argument is None:
                arguments = [parsed.command, *arguments]
            return resolve_target(target, name, arguments, search)
        library = any(each.kind == "library" for each in parse.targets)
        if library or not parse.targets or command.situation.hosted:
            name = " ".join(filter(None, [model.name, parsed.command]))
            return (
                resolve_target(Target(kind="library"), name, parsed.arguments, search)
                if model.is_python
                else Answer()
            )
        for config in parse.configs:
            file = self._config_name(config, command)
            if file is not None and self._config_path(config, command) is None:
                return Answer(
                    reason=f"the configuration file `{file}` is not in the tree",
                    missing=self.project.owns(file, command.situation.copied),
                )
        variable = next((each.variable for each in parse.targets if each.variable), None)
        if variable is not None:
            return Answer(
                reason=f"the environment variable {variable} names the entry point, and nothing here sets it"
            )
        return Answer(reason="the command names no entry point")

    def _management(self, command: Command, drives: Sequence[str]) -> Answer:
        situation, parsed = command.situation, command.parsed
        script = self.program_file(command)
        if script is None and "/" in command.words[0].removeprefix("./") and command.words[0].endswith(".py"):
            return Answer(
                reason=f"the file `{command.words[0]}` is not in the tree",
                missing=self.project.owns(command.words[0], situation.copied),
            )
        if not parsed.command:
            return Answer(reason="no management command is named")
        if not is_known(situation.resolve(parsed.command, defaults=True)):
            return Answer(reason=f"the management command `{parsed.command}` is decided by the environment")
        path = self.project.commands.get(parsed.command)
        if path is None and not any(
            parsed.command in variant.command for variant in command.launcher.variants
        ):
            return Answer(
                reason=f"the management command `{parsed.command}` is not in the tree and not known from a library"
            )
        search = self.search(command, drives)
        folder = posixpath.dirname(script) if script else situation.folder
        return Answer(
            EntryPoint(
                kind="management-command" if path else "library", target=parsed.command, path=path,
                symbol="Command" if path else "", modules=(script,) if script else (), python_path=search.path(folder),
                drives=search.drives, installed=self.project.installed, arguments=tuple(parsed.arguments), script=script,
            )
        )  # fmt: skip

    def program_file(self, command: Command) -> str | None:
        """The file in the tree that the command's first word names."""
        situation = command.situation
        word = situation.resolve(command.words[0], defaults=True)
        return self.project.find_file(word, situation.folder, situation.copied)


def facts_of(
    launcher: Launcher, command: str, options: Sequence[tuple[str, str]], environment: Mapping[str, str]
) -> Facts:
    """What the launcher model says for this sub-command, these options and this environment."""
    model = launcher.model
    facts = Facts(
        model.kind, launcher.parse.duration or ("long" if model.long_running else "short"), model.does, model.drives,
        dict(model.details), dict(model.signals),
    )  # fmt: skip
    for variant in launcher.variants:
        if variant.holds(command, options, environment):
            does = [each for each in facts.does if each not in variant.without]
            facts = Facts(
                variant.kind or facts.kind,
                variant.duration or facts.duration,
                tuple(dict.fromkeys([*does, *variant.does])),
                tuple(dict.fromkeys([*facts.drives, *variant.drives])),
                facts.details | variant.details,
                facts.signals | variant.signals,
            )
    return facts
