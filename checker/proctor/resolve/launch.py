"""Starts programs on paper: wrappers are taken off, scripts and nested files followed, launcher models applied."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Mapping, Sequence
from typing import Any

from proctor.model.finding import Step
from proctor.model.place import Place
from proctor.model.process import Launch
from proctor.resolve import nested
from proctor.resolve.entries import Command, Entries, Facts, facts_of
from proctor.resolve.follow import MAX_DEPTH, Follower
from proctor.resolve.options import Parsed, read_words
from proctor.resolve.project import Project
from proctor.resolve.situation import Situation, Started, Text, is_known
from proctor.resolve.spec import Catalogue, Duration, Launcher, Parse, Target
from proctor.resolve.targets import Search, resolve_target

#: what no shell script begins with: sources of other languages, documents
_OTHER_TEXT = re.compile(r"\s*(/\*|//|<[?!\w]|package |import |using |\{\s*\")")
_SHEBANG = re.compile(r"#!\s*(\S+)[ \t]*([^\n]*)")
_HEAD = 2_000
_BUILT = frozenset({"bin", "vendor", "node_modules", "venv", ".venv", "env"})
_NAMED = re.compile(r"\$(?:[A-Za-z_]\w*|\{[A-Za-z_])")
_OPTIONAL = re.compile(r"\$\w+|\$\{\w+\}|\$\(.*\)|`.*`", re.DOTALL)


class Starter:
    """Collects in `started` the programs that a process type starts, in `problems` what could not be followed."""

    def __init__(self, project: Project, catalogue: Catalogue, declared: Mapping[str, str | None]) -> None:
        self.project = project
        self.catalogue = catalogue
        self.entries = Entries(project, catalogue, declared)
        self.follower = Follower(project, self.start, self.wait)
        self.started: list[Started] = []
        #: how many of them had started when a shell last waited for its background programs
        self.n_kept = 0
        self.problems: list[str] = []
        self.groups = 0

    def run(self, situation: Situation) -> None:
        """Walk the situation's text."""
        problem = self.follower.run(situation)
        if problem:
            path = situation.text.path
            self.problems.append(f"the shell text of `{path}` cannot be read to its end: {problem}")

    def wait(self) -> None:
        """The shell waits for the background programs started so far."""
        self.n_kept = len(self.started)

    def start(self, words: list[str], situation: Situation, place: Place) -> None:
        """Start the program that `words` name."""
        if situation.depth > MAX_DEPTH:
            return
        word = situation.resolve(words[0], defaults=True)
        if len(words) > 1 and (not word or _OPTIONAL.fullmatch(word)):
            # an optional wrapper in a variable, most often empty: `$PREFIX ./manage.py migrate`
            self.start(words[1:], situation, place)
            return
        if not is_known(word):
            self._unknown(words, situation, place, f"the program `{word}` is decided by the environment")
            return
        words = [word, *words[1:]]
        path = self.project.find_file(word, situation.folder, situation.copied) if "/" in word else None
        wrapper = self.catalogue.program(word) if path is not None else None
        if wrapper is not None and wrapper.parse.runs is not None and wrapper.parse.runs.separator:
            # a copy of a known wrapper, whose way to its program is a loop over its words
            self.apply(wrapper, words, situation, place)
            return
        if path is not None and self._run_file(path, words, situation, place):
            return
        launcher = self.catalogue.program(word)
        script = self.project.console_scripts.get(posixpath.basename(word))
        if script:
            self._console_script(script, words, situation, place)
        elif launcher is not None:
            self.apply(launcher, words, situation, place)
        elif path is not None:
            is_text = _OTHER_TEXT.match(self.project.text(path)) is not None
            reason = f"`{word}` is no program: it has no `#!` line, and is no text of a shell"
            self._unknown(
                words,
                situation,
                place,
                reason if is_text else f"what `{word}` does is not known",
                missing=is_text,
            )
        elif "/" in word or word.endswith((".sh", ".py")):
            reason = f"the program `{word}` is not in the tree"
            if self.project.find_file(word, situation.folder, situation.copied):
                reason = f"`{word}` is not on the search path of a shell; write `./{word}`"
            # what lies below these folders may be put there by a buildpack
            certain = (
                not word.startswith(("/", ".heroku/")) and word.removeprefix("./").split("/")[0] not in _BUILT
            )
            self._unknown(words, situation, place, reason, missing=certain)
        else:
            self._unknown(words, situation, place, f"the program `{word}` is not known")

    def apply(
        self,
        launcher: Launcher,
        words: Sequence[str],
        situation: Situation,
        place: Place,
        given: Sequence[str] = (),
    ) -> None:
        """Start `words` as this launcher reads them. `given` are words that the program's name stands for."""
        implied = [*launcher.parse.stands_for.get(posixpath.basename(words[0]), ()), *given]
        parsed = read_words(launcher, [*implied, *words[1:]])
        parsed.program = words[0]
        parse = launcher.parse_for(parsed.command)
        command = Command(launcher, parse, parsed, words, self._with_options(parse, parsed, situation))
        if parse.shell:
            self._shell(command, place)
        elif not (
            self._hosted(command, place)
            or self._wrapped(command, place)
            or self._nested(command, place)
            or self._delegated(command, place)
        ):
            self._launch(command, place)

    def _run_file(self, path: str, words: Sequence[str], situation: Situation, place: Place) -> bool:
        head = self.project.text(path)[:_HEAD]
        shebang = _SHEBANG.match(head)
        launcher, given = self.catalogue.suffix(path), [""]
        if shebang:
            given = f"{shebang[1]} {shebang[2]}".split()
            if posixpath.basename(given[0]) == "env":
                given = [word for word in given[1:] if not word.startswith("-")] or [""]
            launcher = self.catalogue.program(given[0])
        if launcher is not None:
            self.apply(launcher, [launcher.model.name, *given[1:], *words], situation, place)
            return True
        if shebang or "\0" in head or _OTHER_TEXT.match(head):
            return False
        self._run_script(path, words[1:], situation, place)
        return True

    def _run_script(self, path: str, arguments: Sequence[str], situation: Situation, place: Place) -> None:
        if path == situation.script and situation.arguments in (None, tuple(arguments)):
            # once more, as another user for example: what it starts is seen behind the condition
            return
        step = Step(place, f"runs the script `{path}`")
        self.run(
            situation.changed(
                text=Text(path, self.project.text(path)), chain=(*situation.chain, step), kind="script", script=path,
                arguments=tuple(arguments), variables={}, depth=situation.depth + 1, functions={}, trap="", passing="",
            )
        )  # fmt: skip

    def _run_text(self, text: str, place: Place, situation: Situation, step: Step, **fields: Any) -> None:
        fields = {"kind": "command", "arguments": (), "variables": {}, "functions": {}} | fields
        self.run(
            situation.changed(
                text=Text(place.path, text, place.line, exact=False), chain=(*situation.chain, step),
                depth=situation.depth + 1, **fields,
            )
        )  # fmt: skip

    def _console_script(self, script: str, words: Sequence[str], situation: Situation, place: Place) -> None:
        search = Search(
            self.project,
            self.catalogue,
            situation.folder,
            (situation.folder, *situation.roots),
            situation.copied,
        )
        answer = resolve_target(Target(kind="object", entry="console-script"), script, words[1:], search)
        path = answer.entry.path if answer.entry else None
        known = self.catalogue.content(self.project.text(path)) if path else None
        if known is not None and path is not None and len(words) > 1:
            # the project's own name for another program (`shop-manage` for `manage.py`)
            self.apply(known, words, situation.changed(modules=(*situation.modules, path)), place)
            return
        launch = _launch(
            words, situation, place, launcher="console-script", entry=answer.entry, unresolved=answer.reason,
            missing=answer.missing, is_python=True,
        )  # fmt: skip
        self._record(launch, "open", situation)

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
                # an unknown variable in front is most likely the app's own folder
                target = re.sub(r"^\$\w+", "/app", situation.resolve(value, defaults=True))
                found = self.project.find_folder(target, folder, situation.copied)
                folder = found if found is not None else folder
        return situation.changed(environment=environment, folder=folder, origin=situation.folder)

    def _shell(self, command: Command, place: Place) -> None:
        parsed, situation, name = command.parsed, command.situation, command.launcher.model.name
        text = parsed.option("text")
        if text is not None:
            kind = "bash" if command.parse.shell == "bash" else "command"
            step = Step(place, f"runs `{_short(text)}` in {name}")
            self._run_text(text, place, situation, step, kind=kind, arguments=tuple(parsed.arguments[1:]))
            return
        if not parsed.arguments:
            self._launch(command, place)
            return
        word = situation.resolve(parsed.arguments[0], defaults=True)
        path = self.project.find_file(word, situation.folder, situation.copied)
        if path is not None:
            self._run_script(path, parsed.arguments[1:], situation, place)
        elif "/" in word and self.catalogue.program(word) is not None:
            self.start([word, *parsed.arguments[1:]], situation, place)
        else:
            known = is_known(word)
            reason = f"the script `{word}` is {'not in the tree' if known else 'decided by the environment'}"
            missing = known and self.project.owns(word, situation.copied)
            launch = _launch(
                command.words, situation, place, launcher=name, unresolved=reason, missing=missing
            )
            self._record(launch, "open", situation)

    def _hosted(self, command: Command, place: Place) -> bool:
        host, name = command.launcher, command.parsed.command
        found = self.catalogue.hosted(host.model.name, name) if name else None
        # the app's own management command of that name comes first
        if found is None or (host.parse.contains and name in self.project.commands):
            return False
        guest, given = found
        rest = list(command.words[1:])
        if name in rest:
            rest.remove(name)
        situation = command.situation.behind(host.model.name, {"replaces": True}).changed(
            hosted=True,
            modules=(*command.situation.modules, *self._host_code(command)),
            host_script=self.entries.program_file(command) if host.parse.contains else None,
        )
        self.apply(guest, [name, *rest], situation, place, given)
        return True

    def _host_code(self, command: Command) -> tuple[str, ...]:
        # the host's own script (`manage.py`) or app is loaded, whatever command it then runs
        if command.launcher.parse.contains:
            path = self.entries.program_file(command)
            return (path,) if path else ()
        entry = self.entries.find(command, self.entries.configured(command), ()).entry
        return (entry.path,) if entry and entry.path else ()

    def _wrapped(self, command: Command, place: Place) -> bool:
        runs, parsed, situation = command.parse.runs, command.parsed, command.situation
        if runs is None or (runs.commands and parsed.command not in runs.commands):
            return False
        name = command.launcher.model.name
        rest = list(parsed.rest)
        module = parsed.option(runs.module) if runs.module else None
        text = parsed.option(runs.option) if runs.option else " ".join(rest) if runs.text and rest else None
        facts = _facts(command)
        inner = situation.behind(name, facts.signals, facts.does).changed(depth=situation.depth + 1)
        if facts.signals.get("to_group") and inner.grouped is None:
            inner = inner.changed(grouped=inner.front)
        if text is not None:
            self._run_text(text, place, inner, Step(place, f"{name} runs `{_short(text)}`"))
            return True
        if module is not None:
            self.start([*runs.module_words, module, *rest], inner, place)
            return True
        if not rest:
            return False
        script = nested.named_script(runs.scripts, rest[0], inner.folder, self.project)
        runner = None if runs.prefix else self.catalogue.suffix(rest[0])
        if script is not None:
            step = Step(script[1], f"`{rest[0]}` is `{_short(script[0])}`")
            self._run_text(" ".join([script[0], *rest[1:]]), script[1], inner, step)
        elif runner is not None and self.project.find_file(rest[0], inner.folder, inner.copied):
            self.apply(runner, [runner.model.name, *rest], inner, place)
        else:
            self.start([*runs.prefix, *rest], inner, place)
        return True

    def _nested(self, command: Command, place: Place) -> bool:
        spec, situation = command.parse.nested, command.situation
        if spec is None or not nested.applies(spec, command.parsed):
            return False
        name = command.launcher.model.name
        found = nested.read(spec, command.parsed, situation, self.project)
        inner = situation.behind(name, _facts(command).signals)
        if spec.format in ("makefile", "scripts"):
            if found.problem:
                launch = _launch(
                    command.words, situation, place, launcher=name, unresolved=found.problem, missing=True
                )
                self._record(launch, "open", situation)
            for child in found.children:
                step = Step(place, f"runs `{child.name}` of `{child.text.path}`")
                where = Place(child.text.path, child.text.line)
                self._run_text(child.text.content, where, inner, step, folder=child.folder)
            return True
        self._launch(command, place, found.problem)
        for child in found.children:
            here = (child.text.path, child.text.line)
            if here in situation.seen:
                self.problems.append(f"`{child.name}` of `{child.text.path}` starts itself again")
                continue
            self.groups += 1
            step = Step(place, f"starts `{child.name}` of `{child.text.path}`")
            self.run(
                inner.changed(
                    text=child.text, folder=child.folder, kind="line" if spec.format == "procfile" else "none",
                    front=True, group=self.groups, depth=situation.depth + 1, supervised_by=name, arguments=(),
                    chain=(*situation.chain, step), variables={}, functions={}, background=False, piped=False,
                    fallback=False, seen=situation.seen | {here}, copies=child.copies,
                    copies_place=Place(child.text.path, child.copies_line) if child.copies_line else place,
                )
            )  # fmt: skip
        return True

    def _delegated(self, command: Command, place: Place) -> bool:
        situation = command.situation
        target, name, arguments = self.entries.named(command)
        if target is None or not is_known(name):
            return False
        known: Launcher | None = None
        if target.kind == "module" and self.project.find_module(name, (situation.folder,)) is None:
            known = self.catalogue.module(name)
        elif target.kind == "script" and not target.program:
            path = self.project.find_file(name, situation.folder, situation.copied)
            text = self.project.text(path) if path is not None else ""
            if arguments and any(re.search(each, text) for each in command.parse.replaced):
                step = Step(place, f"`{path}` replaces itself by `{_short(' '.join(arguments))}`")
                inner = situation.behind(command.launcher.model.name, {"replaces": True})
                self.start(arguments, inner.changed(chain=(*situation.chain, step)), place)
                return True
            known = self.catalogue.program(name) if path is None else self.catalogue.content(text)
        if known is None or known is command.launcher:
            return False
        self.apply(known, [name, *arguments], situation, place)
        return True

    def _launch(self, command: Command, place: Place, problem: str | None = None) -> None:
        model, parsed = command.launcher.model, command.parsed
        configured = self.entries.configured(command)
        command = command.at(configured.situation)
        facts = facts_of(command.launcher, parsed.command, configured.options, command.situation.environment)
        answer = self.entries.find(command, configured, facts.drives)
        launch = _launch(
            command.words, command.situation, place, launcher=model.name, entry=answer.entry,
            unresolved=problem or answer.reason, missing=answer.missing or problem is not None,
            is_python=model.is_python, command=parsed.command, kind=facts.kind, does=facts.does, drives=facts.drives,
            details=facts.details, signals=facts.signals, options=configured.options, option_places=configured.places,
        )  # fmt: skip
        self._record(launch, facts.duration, command.situation)

    def _unknown(
        self, words: Sequence[str], situation: Situation, place: Place, reason: str, missing: bool = False
    ) -> None:
        self._record(_launch(words, situation, place, unresolved=reason, missing=missing), "open", situation)

    def _record(self, launch: Launch, duration: Duration, situation: Situation) -> None:
        self.started.append(
            Started(
                launch, duration, situation.background, situation.piped, situation.fallback, situation.arms,
                situation.group,
            )
        )  # fmt: skip


def _facts(command: Command) -> Facts:
    options = tuple(reversed(command.parsed.options))
    return facts_of(command.launcher, command.parsed.command, options, command.situation.environment)


def _literal(words: Sequence[str], situation: Situation) -> str:
    """The first word that holds a variable where there is no shell to put it in; supervisors have a way of their own."""
    if situation.kind != "none" or situation.supervised_by:
        return ""
    return next((word for word in words if _NAMED.search(word)), "")


def _launch(words: Sequence[str], situation: Situation, place: Place, **fields: Any) -> Launch:
    fields.setdefault("launcher", "")
    return Launch(
        words=tuple(words), relation="main", place=place, chain=situation.chain, wrappers=situation.wrappers,
        wrapper_signals=situation.wrapper_signals,
        replaces_shell=situation.front if situation.grouped is None else situation.grouped, in_script=situation.script, in_loop=situation.in_loop,
        environment=tuple(sorted(situation.environment.items())), conditional=any(arm >= 0 for _, arm in situation.arms),
        trap=situation.trap, passing=situation.passing, supervised_by=situation.supervised_by, copies=situation.copies,
        copies_place=situation.copies_place, wrapper_does=situation.wrapper_does, literal=_literal(words, situation),
        **fields,
    )  # fmt: skip


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "…"
