"""Applies launcher models to the words of one program: wrappers, delegation, options, entry point."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.process import EntryPoint, Launch
from proctor.resolve import nested
from proctor.resolve.configs import read_config
from proctor.resolve.follow import MAX_DEPTH, Follower
from proctor.resolve.options import Parsed, read_words
from proctor.resolve.project import Project
from proctor.resolve.situation import Situation, Started, Text, is_known
from proctor.resolve.spec import Catalogue, Config, Duration, Launcher, Parse, Target
from proctor.resolve.targets import Answer, Search, python_roots, resolve_target

_SHEBANG = re.compile(r"#!\s*(\S+)[ \t]*([^\n]*)")
_TEXT_BYTES = 2_000


class Starter:
    """Collects the programs that a process type starts in `started`."""

    def __init__(
        self, project: Project, catalogue: Catalogue, declared: Mapping[str, str | None] | None = None
    ) -> None:
        self.project = project
        #: variables that manifests declare for the app
        self.declared = declared or {}
        self.catalogue = catalogue
        self.started: list[Started] = []
        self.follower = Follower(project, self.start)
        self.groups = 0
        #: why something could not be followed
        self.problems: list[str] = []

    def run(self, situation: Situation) -> None:
        """Walk the situation's text."""
        problem = self.follower.run(situation)
        if problem:
            self.problems.append(
                f"the shell text of `{situation.text.path}` cannot be read to its end: {problem}"
            )

    def start(self, words: list[str], situation: Situation, place: Place) -> None:
        """Start the program that `words` name."""
        if situation.depth > MAX_DEPTH:
            return
        word = situation.resolve(words[0], defaults=True)
        if len(words) > 1 and (not word or re.fullmatch(r"\$\w+|\$\{\w+\}", word)):
            # an optional wrapper in a variable, most often empty: `$PREFIX ./manage.py migrate`
            self.start(words[1:], situation, place)
            return
        if not is_known(word):
            self._unknown(words, situation, place, f"the program `{word}` is decided by the environment")
            return
        words = [word, *words[1:]]
        path = self.project.find_file(word, situation.folder, situation.copied) if "/" in word else None
        if path is not None and self._run_file(path, words, situation, place):
            return
        launcher = self.catalogue.program(word)
        if launcher is not None:
            self.apply(launcher, words, situation, place)
            return
        script = self.project.console_scripts.get(posixpath.basename(word))
        if script:
            self._console_script(script, words, situation, place)
            return
        if "/" in word or word.endswith((".sh", ".py")):
            hint = f"the program `{word}` is not in the tree"
            self._unknown(words, situation, place, hint, missing=not word.startswith("/"))
            return
        self._unknown(words, situation, place, f"the program `{word}` is not known")

    def _unknown(
        self, words: Sequence[str], situation: Situation, place: Place, reason: str, missing: bool = False
    ) -> None:
        launch = _launch(words, situation, place, unresolved=reason, missing=missing)
        self._record(launch, "open", situation)

    def _record(self, launch: Launch, duration: Duration, situation: Situation) -> None:
        self.started.append(
            Started(
                launch, duration, situation.background, situation.piped, situation.fallback, situation.arms,
                situation.group,
            )
        )  # fmt: skip

    def _run_file(self, path: str, words: Sequence[str], situation: Situation, place: Place) -> bool:
        head = self.project.text(path)[:_TEXT_BYTES]
        shebang = _SHEBANG.match(head)
        if shebang:
            interpreter = f"{shebang[1]} {shebang[2]}".split()
            if posixpath.basename(interpreter[0]) == "env":
                interpreter = [word for word in interpreter[1:] if not word.startswith("-")]
            launcher = self.catalogue.program(interpreter[0]) if interpreter else None
            given = interpreter[1:]
        else:
            launcher, given = self.catalogue.suffix(path), []
        if launcher is None:
            if shebang or "\0" in head:
                return False
            self._run_script(path, words[1:], situation, place)
            return True
        self.apply(launcher, [launcher.model.name, *given, *words], situation, place)
        return True

    def _run_script(self, path: str, arguments: Sequence[str], situation: Situation, place: Place) -> None:
        step = Step(place, f"runs the script `{path}`")
        self.run(
            situation.changed(
                text=Text(path, self.project.text(path)), chain=(*situation.chain, step), kind="script", script=path,
                arguments=tuple(arguments), variables={}, depth=situation.depth + 1, functions={}, trap="",
            )
        )  # fmt: skip

    def _console_script(self, script: str, words: Sequence[str], situation: Situation, place: Place) -> None:
        search = self._search(situation, Parse(), Parsed(), frozenset())
        answer = resolve_target(Target(kind="object", entry="console-script"), script, words[1:], search)
        launch = _launch(
            words, situation, place, launcher="console-script", entry=answer.entry, unresolved=answer.reason,
            missing=answer.missing, is_python=True,
        )  # fmt: skip
        self._record(launch, "open", situation)

    def apply(
        self,
        launcher: Launcher,
        words: Sequence[str],
        situation: Situation,
        place: Place,
        given: Sequence[str] = (),
    ) -> None:
        """Start `words` as this launcher reads them. `given` are words that the program's name stands for."""
        name = posixpath.basename(words[0])
        implied = [*launcher.parse.stands_for.get(name, ()), *given]
        parsed = read_words(launcher, [*implied, *words[1:]])
        parsed.program = words[0]
        parse = launcher.parse_for(parsed.command)
        situation = self._with_options(parse, parsed, situation)
        if parse.shell:
            self._shell(launcher, parse.shell, parsed, words, situation, place)
        elif not (
            self._hosted(launcher, parsed, words, situation, place)
            or self._wrapped(launcher, parse, parsed, situation, place)
            or self._delegated(launcher, parse, parsed, words, situation, place)
        ):
            self._launch(launcher, parse, parsed, words, situation, place)

    def _with_options(self, parse: Parse, parsed: Parsed, situation: Situation) -> Situation:
        environment = dict(situation.environment)
        for option, variable in parse.environment.items():
            value = parsed.option(option)
            if value is not None:
                environment[variable] = situation.expand(value)
        for name, value in parsed.options:
            if name == "assign":
                key, _, assigned = value.partition("=")
                environment[key] = assigned
        folder = situation.folder
        for option in parse.chdir:
            value = parsed.option(option)
            if value is not None:
                target = situation.resolve(value, defaults=True)
                found = self.project.find_folder(re.sub(r"^\$\w+", "/app", target), folder, situation.copied)
                folder = found if found is not None else folder
        return situation.changed(environment=environment, folder=folder)

    def _shell(
        self,
        launcher: Launcher,
        kind: str,
        parsed: Parsed,
        words: Sequence[str],
        situation: Situation,
        place: Place,
    ) -> None:
        text = parsed.option("text")
        if text is not None:
            self.run(
                situation.changed(
                    text=Text(place.path, text, place.line, exact=False), kind="bash" if kind == "bash" else "command",
                    chain=(*situation.chain, Step(place, f"runs `{_short(text)}` in {launcher.model.name}")),
                    arguments=tuple(parsed.arguments[1:]), depth=situation.depth + 1, functions={}, variables={},
                )
            )  # fmt: skip
            return
        if not parsed.arguments:
            self._launch(launcher, launcher.parse, parsed, words, situation, place)
            return
        name = situation.resolve(parsed.arguments[0], defaults=True)
        path = self.project.find_file(name, situation.folder, situation.copied)
        if path is not None:
            self._run_script(path, parsed.arguments[1:], situation, place)
        elif self.catalogue.program(name) is not None and "/" in name:
            self.start([name, *parsed.arguments[1:]], situation, place)
        else:
            reason = f"the script `{name}` is not in the tree"
            if not is_known(name):
                reason = f"the script `{name}` is decided by the environment"
            launch = _launch(
                words,
                situation,
                place,
                launcher=launcher.model.name,
                unresolved=reason,
                missing=is_known(name),
            )
            self._record(launch, "open", situation)

    def _hosted(
        self, launcher: Launcher, parsed: Parsed, words: Sequence[str], situation: Situation, place: Place
    ) -> bool:
        found = self.catalogue.hosted(launcher.model.name, parsed.command) if parsed.command else None
        if found is None or (parsed.command in self.project.commands and launcher.parse.contains):
            return False
        guest, given = found
        rest = list(words[1:])
        if parsed.command in rest:
            rest.remove(parsed.command)
        inner = situation.changed(
            hosted=True, wrappers=(*situation.wrappers, launcher.model.name), modules=(*situation.modules, *self._host_code(launcher, parsed, words, situation)),
        )  # fmt: skip
        self.apply(guest, [parsed.command, *rest], inner, place, given)
        return True

    def _host_code(
        self, launcher: Launcher, parsed: Parsed, words: Sequence[str], situation: Situation
    ) -> tuple[str, ...]:
        # the host's own script (`manage.py`) or app is loaded, whatever command it then runs
        if launcher.parse.contains:
            path = self.project.find_file(
                situation.resolve(words[0], defaults=True), situation.folder, situation.copied
            )
            return (path,) if path else ()
        answer = self._entry(launcher, launcher.parse, parsed, situation, frozenset())
        return (answer.entry.path,) if answer.entry and answer.entry.path else ()

    def _wrapped(
        self, launcher: Launcher, parse: Parse, parsed: Parsed, situation: Situation, place: Place
    ) -> bool:
        runs = parse.runs
        if runs is None or (runs.commands and parsed.command not in runs.commands):
            return False
        rest = list(parsed.rest)
        option = parsed.option(runs.option) if runs.option else None
        inner = situation.changed(
            wrappers=(*situation.wrappers, launcher.model.name), depth=situation.depth + 1
        )
        if option is not None or (runs.text and rest):
            text = option if option is not None else " ".join(rest)
            self.run(inner.changed(text=Text(place.path, text, place.line, exact=False), kind="command"))
            return True
        if not rest and not (runs.module and parsed.option(runs.module)):
            return False
        named = nested.named_script(runs.scripts, rest[0], inner.folder, self.project) if rest else None
        if named is not None:
            step = Step(named[1], f"`{rest[0]}` is `{_short(named[0])}`")
            text = " ".join([named[0], *rest[1:]])
            self.run(
                inner.changed(
                    text=Text(named[1].path, text, named[1].line, exact=False),
                    kind="command",
                    chain=(*inner.chain, step),
                )
            )
            return True
        module = parsed.option(runs.module) if runs.module else None
        runner = self.catalogue.suffix(rest[0]) if rest and not runs.prefix else None
        if module is not None:
            rest = [*runs.module_words, module, *rest]
        elif runner is not None and self.project.find_file(rest[0], inner.folder, inner.copied):
            rest = [runner.model.name, *rest]
        else:
            rest = [*runs.prefix, *rest]
        self.start(rest, inner, place)
        return True

    def _delegated(
        self,
        launcher: Launcher,
        parse: Parse,
        parsed: Parsed,
        words: Sequence[str],
        situation: Situation,
        place: Place,
    ) -> bool:
        if parse.nested and nested.applies(parse.nested, parsed):
            return self._nested(launcher, parse, parsed, words, situation, place)
        target, name, arguments = self._named(parse, parsed, situation)
        if target is None or not is_known(name):
            return False
        if target.kind == "module":
            known = self.catalogue.module(name)
            if known is not None and self.project.find_module(name, (situation.folder,)) is None:
                self.apply(known, [name, *arguments], situation, place)
                return True
        if target.kind == "script":
            path = self.project.find_file(name, situation.folder, situation.copied)
            known = (
                self.catalogue.program(name)
                if path is None
                else self.catalogue.content(self.project.text(path))
            )
            if known is not None and known is not launcher:
                self.apply(known, [name, *arguments], situation, place)
                return True
        return False

    def _nested(
        self,
        launcher: Launcher,
        parse: Parse,
        parsed: Parsed,
        words: Sequence[str],
        situation: Situation,
        place: Place,
    ) -> bool:
        assert parse.nested is not None
        found = nested.read(parse.nested, parsed, situation, self.project)
        if parse.nested.format in ("makefile", "scripts"):
            if found.problem:
                self._record(
                    _launch(
                        words,
                        situation,
                        place,
                        launcher=launcher.model.name,
                        unresolved=found.problem,
                        missing=True,
                    ),
                    "open",
                    situation,
                )
                return True
            for child in found.children:
                step = Step(place, f"runs `{child.name}` of `{child.text.path}`")
                self.run(
                    situation.changed(
                        text=child.text, folder=child.folder, kind="command", depth=situation.depth + 1, variables={},
                        wrappers=(*situation.wrappers, launcher.model.name), chain=(*situation.chain, step),
                        arguments=(), functions={},
                    )
                )  # fmt: skip
            return True
        self._launch(launcher, parse, parsed, words, situation, place, found.problem)
        for child in found.children:
            here = (child.text.path, child.text.line)
            if here in situation.seen:
                self.problems.append(f"`{child.name}` of `{child.text.path}` starts itself again")
                continue
            self.groups += 1
            step = Step(place, f"starts `{child.name}` of `{child.text.path}`")
            self.run(
                situation.changed(
                    text=child.text, folder=child.folder, kind="line" if parse.nested.format == "procfile" else "none",
                    front=True, group=self.groups, depth=situation.depth + 1, supervised_by=launcher.model.name,
                    wrappers=(*situation.wrappers, launcher.model.name), chain=(*situation.chain, step), variables={},
                    arguments=(), functions={}, background=False, piped=False, fallback=False,
                    seen=situation.seen | {here},
                )
            )  # fmt: skip
        return True

    def _named(
        self, parse: Parse, parsed: Parsed, situation: Situation, settings: Mapping[str, str] | None = None
    ) -> tuple[Target | None, str, list[str]]:
        for target in parse.targets:
            name: str | None = parsed.program if target.program else target.value or None
            arguments = list(parsed.arguments)
            if target.argument is not None and target.argument < len(arguments):
                if target.kind == "modules":
                    name, arguments = " ".join(arguments[target.argument :]), []
                else:
                    name, arguments = arguments[target.argument], arguments[target.argument + 1 :]
            elif target.option:
                name = parsed.option(target.option) or (settings or {}).get(target.option)
            elif target.variable:
                name = situation.environment.get(target.variable) or self._from_files(
                    parse, target.variable, situation
                )
            elif target.kind == "management" and parsed.command:
                name = parsed.command
            if name is None:
                continue
            name = situation.resolve(target.pattern.replace("{name}", name), defaults=True)
            if target.if_exists and self.project.find_file(name, situation.folder, situation.copied) is None:
                continue
            return target, name, arguments
        return None, "", []

    def _from_files(self, parse: Parse, variable: str, situation: Situation) -> str | None:
        for name in parse.environment_files:
            path = self.project.find_file(name, situation.folder)
            if path:
                found = re.search(
                    rf"^\s*(?:export\s+)?{variable}\s*=\s*[\"']?([^\s\"'#]+)", self.project.text(path), re.M
                )
                if found:
                    return found[1]
        return None

    def _launch(
        self,
        launcher: Launcher,
        parse: Parse,
        parsed: Parsed,
        words: Sequence[str],
        situation: Situation,
        place: Place,
        problem: str | None = None,
    ) -> None:
        model = launcher.model
        options = [(name, situation.expand(value)) for name, value in parsed.options if name != "assign"]
        # the last one of a repeated option is the one in force
        options.reverse()
        places, modules, searched = self._configured(parse, parsed, options, situation)
        facts = _facts(launcher, parsed.command, options)
        drives = frozenset(facts["drives"])
        answer = self._entry(launcher, parse, parsed, searched, drives, dict(reversed(options)))
        answer = _with_modules(answer, (*searched.modules, *modules))
        if parse.targets and any(target.kind == "management" for target in parse.targets):
            answer = self._management(launcher, parsed, words, searched, drives)
        launch = _launch(
            words, searched, place, launcher=model.name, entry=answer.entry, unresolved=problem or answer.reason,
            missing=answer.missing or bool(problem), is_python=model.is_python, command=parsed.command, kind=facts["kind"],
            does=facts["does"], drives=facts["drives"], details=facts["details"], signals=facts["signals"],
            options=tuple(options), option_places=tuple(places),
        )  # fmt: skip
        self._record(launch, facts["duration"], situation)

    def _configured(
        self, parse: Parse, parsed: Parsed, options: list[tuple[str, str]], situation: Situation
    ) -> tuple[list[tuple[str, Place]], list[str], Situation]:
        places: list[tuple[str, Place]] = []
        modules: list[str] = []
        for config in parse.configs:
            path = self._config_path(config, parsed, situation)
            if path is None:
                continue
            if config.loads:
                modules.append(path)
            for name, value, place in read_config(config, path, self.project.text(path)):
                options.append((name, value))
                places.append((name, place))
                if name in parse.chdir and parsed.option(name) is None:
                    folder = self.project.find_folder(value, situation.folder, situation.copied)
                    situation = situation if folder is None else situation.changed(folder=folder)
            break
        return places, modules, situation

    def _config_path(self, config: Config, parsed: Parsed, situation: Situation) -> str | None:
        names: list[str] = []
        named = parsed.option(config.option) if config.option else None
        if named is not None:
            names = [situation.resolve(named, defaults=True)]
        elif config.argument is not None:
            names = [word for word in parsed.arguments[config.argument :] if word.endswith(config.suffixes)][
                :1
            ]
        names = names or list(config.default)
        for name in names:
            prefix, colon, rest = name.partition(":")
            if colon and config.module_prefix and prefix + colon == config.module_prefix:
                return self.project.find_module(rest, (situation.folder,))
            name = rest if colon and prefix == "file" else name
            if named is not None and config.suffixes and not name.endswith(config.suffixes):
                continue
            path = self.project.find_file(name, situation.folder, situation.copied)
            if path is None and situation.folder:
                # the file is looked up before the folder is changed
                path = self.project.find_file(name, "", situation.copied)
            if path is not None:
                return path
        return None

    def _missing_config(self, parse: Parse, parsed: Parsed, situation: Situation) -> str | None:
        for config in parse.configs:
            name = parsed.option(config.option) if config.option else None
            if name is None and config.argument is not None:
                name = next((each for each in parsed.arguments if each.endswith(config.suffixes)), None)
            if name is not None and self._config_path(config, parsed, situation) is None:
                return name
        return None

    def _search(
        self,
        situation: Situation,
        parse: Parse,
        parsed: Parsed,
        drives: frozenset[str],
        given: Mapping[str, str] | None = None,
    ) -> Search:
        roots = [] if parse.search == "none" else [situation.folder]
        for option in parse.python_path:
            value = parsed.option(option) or (given or {}).get(option)
            if value:
                roots += python_roots(
                    situation.folder, situation.resolve(value, defaults=True), self.project, situation.copied
                )
        value = situation.environment.get("PYTHONPATH")
        if value:
            roots += python_roots(situation.folder, value, self.project, situation.copied)
        roots += situation.roots
        return Search(
            self.project,
            self.catalogue,
            situation.folder,
            tuple(dict.fromkeys(roots)),
            situation.copied,
            drives,
        )

    def _entry(
        self,
        launcher: Launcher,
        parse: Parse,
        parsed: Parsed,
        situation: Situation,
        drives: frozenset[str],
        settings: Mapping[str, str] | None = None,
    ) -> Answer:
        search = self._search(situation, parse, parsed, drives, settings)
        target, name, arguments = self._named(parse, parsed, situation, settings)
        if target is not None and target.kind != "management":
            if parsed.command and target.argument is None:
                arguments = [parsed.command, *arguments]
            return resolve_target(target, name, arguments, search)
        if not parse.targets or situation.hosted or any(each.kind == "library" for each in parse.targets):
            if not launcher.model.is_python:
                return Answer()
            name = " ".join(filter(None, [launcher.model.name, parsed.command]))
            return resolve_target(Target(kind="library"), name, parsed.arguments, search)
        file = self._missing_config(parse, parsed, situation)
        if file is not None:
            return Answer(reason=f"the configuration file `{file}` is not in the tree", missing=True)
        variable = next((each.variable for each in parse.targets if each.variable), None)
        if variable is not None:
            return Answer(
                reason=f"the entry point is named by the environment variable {variable}, which nothing here sets"
            )
        wanted = " or ".join(filter(None, (each.option or each.variable for each in parse.targets)))
        return Answer(reason=f"the command names no entry point{f' (nor does {wanted})' if wanted else ''}")

    def _management(
        self,
        launcher: Launcher,
        parsed: Parsed,
        words: Sequence[str],
        situation: Situation,
        drives: frozenset[str],
    ) -> Answer:
        script = self.project.find_file(
            situation.resolve(words[0], defaults=True), situation.folder, situation.copied
        )
        folder = posixpath.dirname(script) if script else situation.folder
        search = self._search(situation, launcher.parse, parsed, drives)
        modules = (*situation.modules, *((script,) if script else ()))
        if words[0].endswith(".py") and script is None and "/" in words[0].lstrip("./"):
            return Answer(reason=f"the file `{words[0]}` is not in the tree", missing=True)
        if not parsed.command:
            return Answer(reason="no management command is named")
        if not is_known(situation.resolve(parsed.command, defaults=True)):
            return Answer(reason=f"the management command `{parsed.command}` is decided by the environment")
        path = self.project.commands.get(parsed.command)
        known = any(parsed.command in variant.command for variant in launcher.variants)
        entry = EntryPoint(
            kind="management-command" if path else "library", target=parsed.command, path=path, modules=modules,
            python_path=search.path(folder), drives=drives, arguments=tuple(parsed.arguments),
            symbol="Command" if path else "",
        )  # fmt: skip
        if path is None and not known:
            return Answer(
                reason=f"the management command `{parsed.command}` is not in the tree and not known"
            )
        return Answer(entry)


def _with_modules(answer: Answer, modules: Sequence[str]) -> Answer:
    if answer.entry is None or not modules:
        return answer
    merged = tuple(dict.fromkeys([*answer.entry.modules, *modules]))
    return Answer(msgspec.structs.replace(answer.entry, modules=merged), answer.reason, answer.missing)


def _facts(launcher: Launcher, command: str, options: Sequence[tuple[str, str]]) -> dict[str, Any]:
    model = launcher.model
    duration = launcher.parse.duration or ("long" if model.long_running else "short")
    facts: dict[str, Any] = {
        "kind": model.kind, "does": list(model.does), "drives": list(model.drives), "details": dict(model.details),
        "signals": dict(model.signals), "duration": duration,
    }  # fmt: skip
    for variant in launcher.variants:
        if not variant.holds(command, options):
            continue
        facts["kind"] = variant.kind or facts["kind"]
        facts["does"] = [each for each in facts["does"] if each not in variant.without] + list(variant.does)
        facts["drives"] += variant.drives
        facts["details"].update(variant.details)
        facts["signals"].update(variant.signals)
        facts["duration"] = variant.duration or facts["duration"]
    facts["does"] = tuple(dict.fromkeys(facts["does"]))
    facts["drives"] = tuple(dict.fromkeys(facts["drives"]))
    return facts


def _launch(words: Sequence[str], situation: Situation, place: Place, **fields: Any) -> Launch:
    fields.setdefault("launcher", "")
    return Launch(
        words=tuple(words), relation="main", place=place, chain=situation.chain, wrappers=situation.wrappers,
        replaces_shell=situation.front, in_script=situation.script, in_loop=situation.in_loop,
        environment=tuple(sorted(situation.environment.items())), conditional=bool(situation.arms),
        trap=situation.trap, supervised_by=situation.supervised_by, **fields,
    )  # fmt: skip


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "…"
