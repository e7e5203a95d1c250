"""The command line: options, streams and exit statuses. The only module that knows typer."""

from __future__ import annotations

import contextlib
import datetime
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NamedTuple

import msgspec
import typer

from proctor import __version__, pipeline, report
from proctor.errors import ProctorError, UsageError
from proctor.model.finding import Judgement
from proctor.model.words import SEVERITIES
from proctor.settings import Settings, SettingsFile, check_settings, read_settings
from proctor.terminal import Progress, style_of

if TYPE_CHECKING:
    from proctor.model.finding import Offered
    from proctor.model.place import Place
    from proctor.model.rule import Rule, Rulebook
    from proctor.model.tree import SourceTree
    from proctor.store import Store

_INTERRUPTED = 130
BASELINE_FILE = "proctor-baseline.json"

app = typer.Typer(
    name="proctor",
    help="A 12-factor concurrency linter and conformance checker for Python apps.",
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)
rules_app = typer.Typer(
    help="List the rules; test their examples; write their pages.",
    rich_markup_mode=None,
    add_completion=False,
)
app.add_typer(rules_app, name="rules", invoke_without_command=True)

Root = Annotated[Path, typer.Argument(metavar="[PATH]", help="The folder of the app.", show_default=False)]
FormatOption = Annotated[
    str, typer.Option("--format", metavar="NAME", help=f"What to write: {', '.join(report.FORMATS)}.")
]
OutputOption = Annotated[
    list[str] | None,
    typer.Option("--output", "-o", metavar="[FORMAT:]FILE", help="Write to a file; may be repeated."),
]
BaselineOption = Annotated[
    str | None,
    typer.Option("--baseline", metavar="FILE", help="Known findings, from `proctor baseline`; '' for none."),
]
DateOption = Annotated[
    str | None, typer.Option("--date", metavar="DATE", help="The day to judge on, such as 2031-05-01.")
]
ColorOption = Annotated[
    str, typer.Option("--color", metavar="auto|always|never", help="Colour: on terminals only, or not.")
]
ProcfileOption = Annotated[
    str | None, typer.Option("--procfile", metavar="FILE", help="Another Procfile, relative to PATH.")
]
PlatformOption = Annotated[
    str | None,
    typer.Option("--platform", metavar="NAME", help="The platform to assume (container, heroku, …)."),
]
NoCacheOption = Annotated[bool, typer.Option("--no-cache", help="Remember nothing, use nothing remembered.")]
WorkersOption = Annotated[
    int | None, typer.Option("--workers", min=1, metavar="N", help="How many files to read at a time.")
]


def run(arguments: Sequence[str]) -> int:
    """Run the command line `arguments` (without the program's name); returns the exit status."""
    try:
        status = app(args=list(arguments), prog_name="proctor", standalone_mode=False)
        return status if isinstance(status, int) else 0
    except ProctorError as error:
        _complain(str(error))
        return error.exit_code
    except BrokenPipeError:  # no defect of ours: `main` ends quietly
        raise
    except (KeyboardInterrupt, typer.Abort):
        _complain("interrupted")
        return _INTERRUPTED
    except Exception as error:
        return _explain_crash(error)


def _explain_crash(error: Exception) -> int:
    # typer brings its own click or uses the installed one, so that the class has no single name
    format_message = getattr(error, "format_message", None)
    if format_message is not None:
        _complain(f"{format_message()} Try `proctor --help`.")
        return UsageError.exit_code
    if os.environ.get("PROCTOR_DEBUG") == "1":
        raise error
    _complain(
        f"internal error: {type(error).__name__}: {error}\n"
        "This is a defect of proctor. Run it again with PROCTOR_DEBUG=1 and report what that shows."
    )
    return ProctorError.exit_code


def _complain(text: str) -> None:
    with contextlib.suppress(OSError):
        print(f"proctor: {text}", file=sys.stderr)


# --- check and processes -----------------------------------------------------------------------------------


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Show the version.", is_eager=True)] = False,
) -> None:
    if version:
        print(f"proctor {__version__}")
        raise typer.Exit
    if context.invoked_subcommand is None:
        print(context.get_help(), file=sys.stderr)
        raise typer.Exit(UsageError.exit_code)


@app.command()
def check(
    path: Root = Path(),
    form: FormatOption = "text",
    output: OutputOption = None,
    select: Annotated[
        list[str] | None,
        typer.Option("--select", metavar="CODES", help="Only these rules (codes or their beginnings)."),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option("--ignore", metavar="CODES", help="Not these rules.")
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option("--fail-on", metavar="error|warning|note|never", help="What makes the exit status 1."),
    ] = None,
    fix: Annotated[
        bool, typer.Option("--fix", help="Mend what can be mended safely, then report the rest.")
    ] = False,
    unsafe: Annotated[
        bool, typer.Option("--unsafe", help="With --fix or --diff: the fixes that someone should read, too.")
    ] = False,
    diff: Annotated[
        bool, typer.Option("--diff", help="Write what --fix would change, and change nothing.")
    ] = False,
    add_ignores: Annotated[
        bool,
        typer.Option("--add-ignores", help="Accept what is found by comments whose reasons are to be given."),
    ] = False,
    baseline: BaselineOption = None,
    diff_base: Annotated[
        str | None,
        typer.Option("--diff-base", metavar="REV", help="Report what is new since this commit (needs Git)."),
    ] = None,
    statistics: Annotated[
        bool, typer.Option("--statistics", help="Count findings by rule in place of the text report.")
    ] = False,
    verdicts: Annotated[
        bool, typer.Option("--with-verdicts", help="In SARIF, say verdicts that are no findings, too.")
    ] = False,
    date: DateOption = None,
    procfile: ProcfileOption = None,
    platform: PlatformOption = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
    color: ColorOption = "auto",
) -> int:
    """Judge the app in PATH and report what breaks the clauses."""
    if unsafe and not (fix or diff):
        raise UsageError("`--unsafe` goes with `--fix` or `--diff`.")
    if add_ignores and (fix or diff):
        raise UsageError("`--add-ignores` goes with neither `--fix` nor `--diff`.")
    targets = _targets(output or [], _format(form))
    how = _How(no_cache, workers, _day(date))
    found = _settings(
        path,
        select=_codes(select),
        ignore=_codes(ignore),
        fail_on=fail_on,
        procfile=procfile,
        platform=platform,
    )
    if fix and not diff:
        judgement, lines = _mend(path, found, how, unsafe)
    else:
        judgement, lines = _judge(path, found, how)
    if diff:
        _show_difference(judgement, path, found, how, unsafe)
        targets = [each for each in targets if each[1] != "-"]
    judgement = _compare(judgement, lines, path, found, how, baseline, diff_base)
    if add_ignores:
        judgement, lines = _add_ignores(judgement, path, found, how)
        judgement = _compare(judgement, lines, path, found, how, baseline, diff_base)
    _write_all(targets, judgement, lines, path, found, how, color, verdicts, statistics)
    if not any(form_of_file == "text" for form_of_file, _ in targets):
        # the other formats have no place for them
        for notice in judgement.notices:
            _complain(f"{notice.place.path}:{notice.place.line}: {notice.text}")
    return int(_fails(judgement, found.settings))


@app.command()
def processes(
    path: Root = Path(),
    effects: Annotated[
        bool, typer.Option("--effects", help="Show the path to each thing that a process type does.")
    ] = False,
    form: FormatOption = "text",
    procfile: ProcfileOption = None,
    platform: PlatformOption = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
    color: ColorOption = "auto",
) -> int:
    """Show the process types as proctor understands them."""
    chosen = _format(form, report.PROCESS_FORMATS)
    found = _settings(path, procfile=procfile, platform=platform)
    judgement, _ = _judge(path, found, _How(no_cache, workers))
    _write(report.render_processes(judgement, chosen, effects, _style(color, "-")), "-")
    return 0


class _How(NamedTuple):
    """How a run is made: with or without memory, by how many workers, and on which day (None: today)."""

    no_cache: bool
    workers: int | None
    day: datetime.date | None = None


def _judge(path: Path, found: SettingsFile, how: _How) -> tuple[Judgement, report.SourceLines]:
    tree = pipeline.open_tree(path, found.settings)
    return _judge_tree(tree, found, how, _shown(path)), report.SourceLines(tree.read)


def _shown(path: Path) -> str:
    return os.path.normpath(path).replace(os.sep, "/")


def _judge_tree(
    tree: SourceTree, found: SettingsFile, how: _How, shown: str = ".", book: Rulebook | None = None
) -> Judgement:
    with _opened_store(how.no_cache) as store, Progress(sys.stderr) as progress:
        return pipeline.judge_tree(
            tree,
            found,
            store=store,
            workers=how.workers,
            progress=progress,
            root=shown,
            today=how.day,
            book=book,
        )


def _mend(path: Path, found: SettingsFile, how: _How, unsafe: bool) -> tuple[Judgement, report.SourceLines]:
    """Fix the app in PATH, and judge what is left."""
    from proctor.mending import mend

    judgement, lines = _judge(path, found, how)
    tree = pipeline.open_tree(path, found.settings)
    mended = mend(judgement, pipeline.rules_of(tree, found.settings), tree, _judging_all(found, how), unsafe)
    for line in mended.lines("fixed"):
        _complain(line)
    return _judge(path, found, how) if mended.fixed else (judgement, lines)


def _offers(
    judgement: Judgement, path: Path, found: SettingsFile, how: _How, rules: Sequence[Rule]
) -> Mapping[tuple[str, Place], Offered]:
    from proctor.mending import offers

    return offers(judgement, rules, pipeline.open_tree(path, found.settings), _judging_all(found, how))


def _judging_all(found: SettingsFile, how: _How) -> Callable[[SourceTree], Judgement]:
    """What judges a tree by all rules, whatever is selected: a fix must not bring anything that others would see."""
    settings = msgspec.structs.replace(found.settings, select=Settings().select, ignore=())
    every = msgspec.structs.replace(found, settings=settings)
    return lambda tree: _judge_tree(tree, every, how)


def _add_ignores(
    judgement: Judgement, path: Path, found: SettingsFile, how: _How
) -> tuple[Judgement, report.SourceLines]:
    """Accept the findings of `judgement` in the files of PATH, and judge them again."""
    from proctor.accepting import add_acceptances

    tree = pipeline.open_tree(path, found.settings)
    shown = _shown(path)
    judgement, done = add_acceptances(
        judgement, tree, lambda changed: _judge_tree(changed, found, how, shown)
    )
    for line in done.lines():
        _complain(line)
    return judgement, report.SourceLines(tree.read)


def _show_difference(judgement: Judgement, path: Path, found: SettingsFile, how: _How, unsafe: bool) -> None:
    from proctor.mending import show

    tree = pipeline.open_tree(path, found.settings)
    rules = pipeline.rules_of(tree, found.settings)
    difference, mended = show(judgement, rules, tree, _judging_all(found, how), unsafe)
    sys.stdout.flush()
    # as bytes, because files may be in any encoding
    sys.stdout.buffer.write(difference)
    for line in mended.lines("would be fixed"):
        _complain(line)


# --- reports that are kept, and comparisons ----------------------------------------------------------------


@app.command("report")
def write_report(
    path: Root = Path(),
    output: OutputOption = None,
    form: FormatOption = "html",
    baseline: BaselineOption = None,
    date: DateOption = None,
    procfile: ProcfileOption = None,
    platform: PlatformOption = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
) -> int:
    """Write the conformance report: one HTML page unless another format is asked for."""
    targets = _targets(output or [], _format(form))
    how = _How(no_cache, workers, _day(date))
    found = _settings(path, procfile=procfile, platform=platform)
    judgement, lines = _judge(path, found, how)
    judgement = _compare(judgement, lines, path, found, how, baseline)
    _write_all(targets, judgement, lines, path, found, how, "never")
    return 0


@app.command("baseline")
def write_baseline(
    path: Root = Path(),
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", metavar="FILE", help="The file; else as the settings say."),
    ] = None,
    procfile: ProcfileOption = None,
    platform: PlatformOption = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
) -> int:
    """Record today's findings, so that later runs fail on new ones only."""
    found = _settings(path, procfile=procfile, platform=platform)
    judgement, lines = _judge(path, found, _How(no_cache, workers))
    file = output or str(path / (found.settings.baseline or BASELINE_FILE))
    _write(report.render_baseline(judgement, lines), file)
    if file != "-":
        _complain(f"{len(judgement.findings)} findings recorded in {file}.")
        if not found.settings.baseline:
            _complain(
                f'use them with `--baseline {file}`, or with `baseline = "{BASELINE_FILE}"` in the settings.'
            )
    return 0


@app.command()
def init(
    path: Root = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Write without asking.")] = False,
    ci: Annotated[
        str, typer.Option("--ci", metavar="github|gitlab", help="A job for this service, found or not.")
    ] = "",
    hook: Annotated[
        bool, typer.Option("--pre-commit", help="A hook, even where there is no configuration for it.")
    ] = False,
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Record today's findings, so that only new ones fail.")
    ] = False,
    source: Annotated[
        str | None,
        typer.Option("--source", metavar="ADDRESS@REV", help="The repository to get proctor from."),
    ] = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
) -> int:
    """Propose settings, a pre-commit hook and a CI job for the app in PATH; write them when told to."""
    from proctor import adoption

    if ci and ci not in adoption.SERVICES:
        raise UsageError(f"`--ci` cannot be `{ci}`; valid are `github`, `gitlab`.")
    address, at, revision = (source or "").rpartition("@")
    if source is not None and not (at and address and revision):
        raise UsageError(
            f"`--source` must be an address and a revision such as `https://…@v1`, not `{source}`."
        )
    found = _settings(path)
    judgement, lines = _judge(path, found, _How(no_cache, workers))
    origin = adoption.Source(address=address, revision=revision) if source else adoption.source_of_this()
    known = report.render_baseline(judgement, lines) if baseline else ""
    wish = adoption.Wish(
        service=ci, hook=hook, baseline=known, baseline_name=found.settings.baseline or BASELINE_FILE
    )
    proposals, notes = adoption.propose(path, judgement, origin, wish)
    _write(report.render_statistics(judgement, style_of(sys.stdout, "auto")) + "\n", "-")
    for each in proposals:
        _write(adoption.difference(each, Path.cwd()), "-")
    for note in notes:
        _complain(note)
    if not proposals:
        _complain("nothing to write.")
    elif yes or (sys.stdin.isatty() and typer.confirm("Write this?")):
        adoption.write(proposals)
        _complain(f"{len(proposals)} file{'s' if len(proposals) > 1 else ''} written.")
    else:
        _complain("nothing was written; `--yes` writes it.")
    return 0


def _day(given: str | None) -> datetime.date:
    from proctor.occasion import day_of

    return day_of(given)


def _compare(
    judgement: Judgement,
    lines: report.SourceLines,
    path: Path,
    found: SettingsFile,
    how: _How,
    baseline: str | None,
    diff_base: str | None = None,
) -> Judgement:
    """`judgement` compared with a baseline or an earlier commit, where one is asked for."""
    from proctor import occasion

    if diff_base is not None:
        # with the rules of today: the earlier commit may lack the organisation's own
        book = _book(path, found, how)
        anyhow = msgspec.structs.replace(found.settings, procfile=Settings().procfile)
        earlier = occasion.recorded_at(
            path,
            diff_base,
            lambda folder: pipeline.open_tree(folder, anyhow),
            lambda tree: _judge_tree(tree, found, how, book=book),
        )
        return report.compare(judgement, earlier, diff_base, lines)
    file = occasion.baseline_file(path, found, baseline)
    if file is None:
        return judgement
    return report.compare(judgement, occasion.recorded_in(file), str(file), lines)


def _book(path: Path, found: SettingsFile, how: _How) -> Rulebook:
    with _opened_store(how.no_cache) as store:
        return pipeline.book_of(pipeline.open_tree(path, found.settings), found.settings, store)


def _write_all(
    targets: Sequence[tuple[report.Format, str]],
    judgement: Judgement,
    lines: report.SourceLines,
    path: Path,
    found: SettingsFile,
    how: _How,
    color: str,
    verdicts: bool = False,
    statistics: bool = False,
) -> None:
    circumstances = report.UNKNOWN
    if any(form in report.WITH_CIRCUMSTANCES for form, _ in targets):
        from proctor.occasion import circumstances_of

        rules = _book(path, found, how).rules
        circumstances = circumstances_of(path, found, rules, how.day or _day(None), verdicts)
    if any(form in report.WITH_FIXES for form, _ in targets):
        fixes = _offers(judgement, path, found, how, rules)
        circumstances = msgspec.structs.replace(circumstances, fixes=fixes)
    for form, file in targets:
        style = _style(color, file)
        if form == "text" and statistics:
            text = report.render_statistics(judgement, style)
        else:
            text = report.render(judgement, form, lines, style, circumstances)
        _write(text, file)


@contextlib.contextmanager
def _opened_store(no_cache: bool) -> Iterator[Store | None]:
    if no_cache:
        yield None
        return
    from proctor.store import Store

    with Store() as store:
        yield store


def _settings(path: Path, **options: object) -> SettingsFile:
    """The settings of PATH with what the command line says laid over them; an absent option is None."""
    found = read_settings(path)
    for notice in found.notices:
        _complain(notice)
    given = {name: value for name, value in options.items() if value is not None}
    if not given:
        return found
    merged = {
        **msgspec.to_builtins(found.settings),
        **{name.replace("_", "-"): given[name] for name in given},
    }
    from proctor.errors import ConfigurationError
    from proctor.shape import fill

    try:
        settings = fill(merged, Settings, "command line")
        check_settings(settings, "command line")
    except ConfigurationError as error:
        raise UsageError(
            str(error).replace("command line: `", "`--").replace("`--fail_on", "`--fail-on")
        ) from None
    return msgspec.structs.replace(found, settings=settings)


def _codes(given: list[str] | None) -> list[str] | None:
    """Codes from a repeatable option whose values may be comma-separated."""
    if given is None:
        return None
    return [code.strip().upper() for text in given for code in text.split(",") if code.strip()]


def _fails(judgement: Judgement, settings: Settings) -> bool:
    if settings.fail_on == "never":
        return False
    counted = SEVERITIES[: SEVERITIES.index(settings.fail_on) + 1]
    return any(finding.severity in counted for finding in judgement.findings)


# --- rules -------------------------------------------------------------------------------------------------


@rules_app.callback()
def rules(
    context: typer.Context,
) -> None:
    """List the rules; test their examples."""
    if context.invoked_subcommand is None:
        from proctor.rulebook import list_rules, load_rulebook

        with _opened_store(False) as store:
            _write(list_rules(load_rulebook(cache=store).rules), "-")


@rules_app.command("test")
def rules_test(
    folder: Annotated[
        Path | None, typer.Argument(metavar="[DIR]", help="A folder of rules; the built-in ones by default.")
    ] = None,
    mutate: Annotated[
        bool, typer.Option("--mutate", help="Also name the conditions that no example needs (slow).")
    ] = False,
) -> int:
    """Run the examples in rule files and compare them with what they expect."""
    from proctor.trial import try_rules

    n_examples, complaints = try_rules(folder, mutate)
    for complaint in complaints:
        _write(f"{complaint}\n", "-")
    what = "complaints" if mutate else "not as expected"
    _write(f"{n_examples} examples, {len(complaints)} {what}.\n", "-")
    return int(bool(complaints))


@rules_app.command("docs", hidden=True)
def rules_docs(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where the pages go.")],
    check_only: Annotated[
        bool, typer.Option("--check", help="Write nothing; say which pages differ.")
    ] = False,
) -> int:
    """Write a page for each rule, and an index."""
    from proctor.rulebook import rule_pages

    stale = []
    for name, text in rule_pages().items():
        page = folder / name
        if not page.is_file() or page.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check_only:
                folder.mkdir(parents=True, exist_ok=True)
                _write(text, str(page))
    stale += sorted({page.name for page in folder.glob("*.md")} - set(rule_pages()))
    for name in stale:
        _write(f"{name} {'differs' if check_only else 'written'}\n", "-")
    return int(check_only and bool(stale))


@app.command()
def explain(
    rule: Annotated[str, typer.Argument(metavar="CODE|NAME", help="A rule's code or name.")],
    path: Annotated[Path, typer.Option("--root", help="The app whose own rules count, too.")] = Path(),
) -> None:
    """Show what a rule says, why, and how to mend what it finds."""
    from proctor.rule_files import read_sources
    from proctor.rulebook import explain_rule, find_rule, load_rulebook

    found = read_settings(path)
    sources = read_sources([path / folder for folder in found.settings.rules])
    with _opened_store(False) as store:
        book = load_rulebook(sources, store)
    _write(explain_rule(find_rule(rule, book.rules), sources), "-")


# --- the program -------------------------------------------------------------------------------------------


@app.command()
def why(
    place: Annotated[str, typer.Argument(metavar="FILE:LINE", help="A line of the app, relative to PATH.")],
    path: Annotated[Path, typer.Argument(metavar="[PATH]", help="The folder of the app.")] = Path(),
    procfile: ProcfileOption = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
) -> int:
    """Show which process types run a line, and when."""
    file, _, line = place.rpartition(":")
    if not file or not line.isdigit():
        raise UsageError(f"`{place}` is no `FILE:LINE`, such as `app.py:12`.")
    found = _settings(path, procfile=procfile)
    tree = pipeline.open_tree(path, found.settings)
    name = os.path.normpath(file).replace(os.sep, "/")
    if name not in tree:
        raise UsageError(f"`{name}` is not among the files of `{path}`.")
    with _opened_store(no_cache) as store, Progress(sys.stderr) as progress:
        linked = pipeline.link_tree(tree, found.settings, store=store, workers=workers, progress=progress)
    _write(report.render_why(linked.program, name, int(line)), "-")
    return 0


@app.command()
def graph(
    path: Root = Path(),
    form: Annotated[str, typer.Option("--format", metavar="mermaid|dot", help="What to write.")] = "mermaid",
    procfile: ProcfileOption = None,
    no_cache: NoCacheOption = False,
    workers: WorkersOption = None,
) -> int:
    """Write process types, entry points and what they do as a picture."""
    if form not in ("mermaid", "dot"):
        raise UsageError(f"`--format` cannot be `{form}`; valid are `dot`, `mermaid`.")
    found = _settings(path, procfile=procfile)
    judgement, _ = _judge(path, found, _How(no_cache, workers))
    _write(report.render_graph(judgement, "dot" if form == "dot" else "mermaid"), "-")
    return 0


# --- formats and streams -----------------------------------------------------------------------------------


def _format(name: str, valid: Sequence[report.Format] = report.FORMATS) -> report.Format:
    for form in valid:
        if form == name:
            return form
    from proctor.shape import nearest

    raise UsageError(f"`--format` cannot be `{name}`; {nearest(name, valid)}.")


def _targets(outputs: Sequence[str], form: report.Format) -> list[tuple[report.Format, str]]:
    """What to write where ("-" is standard output): `--output FILE` takes the place of standard output,
    `--output FORMAT:FILE` comes on top of it."""
    targets: list[tuple[report.Format, str]] = []
    to_stdout = True
    for output in outputs:
        name, colon, file = output.partition(":")
        if colon and name in report.FORMATS:
            targets.append((_format(name), file))
        else:
            targets.append((form, output))
            to_stdout = False
    for _, file in targets:
        if not file:
            raise UsageError("`--output` names no file.")
    return [(form, "-"), *targets] if to_stdout else targets


def _write(text: str, file: str) -> None:
    if file == "-":
        sys.stdout.write(text)
        return
    try:
        Path(file).write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise UsageError(f"`{file}` cannot be written ({error.strerror}).") from error


def _style(color: str, file: str) -> report.Style:
    if color not in ("auto", "always", "never"):
        raise UsageError(f"`--color` cannot be `{color}`; valid are `auto`, `always`, `never`.")
    return report.PLAIN if file != "-" else style_of(sys.stdout, color)
