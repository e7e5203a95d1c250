"""What `rules/` holds, as values: rules, library models and launcher models.

The files are TOML; `rulebook.load` parses and validates them into these structs. The engine finds every
library, server and launcher here and knows none by name.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from proctor.model.words import Effect, Kind, Phase, Severity

Scalar = str | int | float | bool | None


class Example(msgspec.Struct, frozen=True, kw_only=True):
    """A mini-app of a rule: `files` maps paths to texts. Lines end in `# finding: CODE` where a finding is due
    (in files without comments, `marks` lists "path:line"). `reason` is the expected one of an `unsure` example,
    `after` the expected files after the fix, `gap` why today's answer is still wrong, `evidence` the
    expected "path:line" steps (a subsequence of the finding's path), `severity` that of all the rule's findings, `says` texts
    that must stand in the message of one of them, `processes` the process types that they name."""

    files: dict[str, str]
    severity: Severity | Literal[""] = ""
    says: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()
    evidence: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    reason: str = ""
    clauses: tuple[str, ...] = ()
    after: dict[str, str] = {}
    gap: str = ""
    options: dict[str, Any] = {}


class FixSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The recipe of a rule's fix; `safe` with the reason in `because`."""

    recipe: str
    safe: bool
    because: str
    options: dict[str, Any] = {}


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule file. `when` and `unless` are the conditions, in the words of the judge `judge`.
    `message` is a template over the finding's names, such as `{process_type}`, `{symbol}`, `{phase}`."""

    code: str
    name: str
    clause: str
    severity: Severity
    since: str
    source: str
    summary: str
    why: str
    remedy: str
    message: str
    judge: str
    when: dict[str, Any]
    unless: dict[str, Any] = {}
    not_reported: str = ""
    references: tuple[str, ...] = ()
    fix: FixSpec | None = None
    #: rules that this one replaces where both see the same place (one cause, one finding)
    wins_over: tuple[str, ...] = ()
    path: str = ""


class RuleExamples(msgspec.Struct, frozen=True, kw_only=True):
    """The examples of one rule, loaded only when asked for."""

    bad: tuple[Example, ...] = ()
    good: tuple[Example, ...] = ()
    unsure: tuple[Example, ...] = ()
    not_applicable: tuple[Example, ...] = ()


class ArgumentTest(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A condition on one argument of a call. `argument` is its keyword, `position` its index if it may stand
    there (self not counted); with `key` its item of that key is meant (`Consumer({"enable.auto.commit": False})`), with `below` (a list of keys, "*" for any)
    one that is nested in it.
    It holds if the value (or `default` where absent) is one of `equals`, matches none of `differs`, has nothing that fits the regular expression `unlike`, or is present/absent as `present` says (an explicit None counts as absent); `matches` is a regular expression searched in text
    values; `type` a library symbol that the value must be (an instance of), `not_type` those that it must not be. A value
    that cannot be known makes the row unsure, but it is present and of none of the types that it must not be."""

    argument: str = ""
    position: int | None = None
    key: str = ""
    below: tuple[str, ...] = ()
    equals: tuple[Scalar, ...] = ()
    differs: tuple[Scalar, ...] = ()
    present: bool | None = None
    matches: str = ""
    unlike: str = ""
    type: str = ""
    not_type: tuple[str, ...] = ()
    default: Scalar | msgspec.UnsetType = msgspec.UNSET


class _Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    #: a documentation URL, or "observed: <what was run and seen>"
    source: str = ""
    #: PEP 440 specifier of the distribution's versions for which the row holds; "" for all
    versions: str = ""
    #: the version in which the row's names went away; the row holds all the same, for older and unpinned apps
    gone: str = ""


class EffectRow(_Row, frozen=True, kw_only=True):
    """Calling (or awaiting) one of `call` does `does`. `subscript`/`attribute` symbols count as well if listed in
    `read` (reading it) or `write` (assigning it, also in a class body; the value is argument 0). `details` are free words that rules may ask for, such as
    `{store = "memory"}` or `{ack = "auto"}`. `object` and `argument` name what the effect is about: the
    argument (keyword or position) whose value is the subject (a path, a queue, a signal number, a delay); "self" is
    the receiver. A symbol of `call` that is used as a bare decorator counts as called. Operators are calls, too:
    `X.__enter__` (`with`, `async with`), `X.__iter__` (`for`, `async for`, `list(x)`); `X.__getitem__` and
    `X.__contains__` stand in `read`, `X.__setitem__` and `X.__delitem__` in `write`."""

    call: tuple[str, ...] = ()
    read: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    does: tuple[Effect, ...]
    where: tuple[ArgumentTest, ...] = ()
    details: dict[str, str] = {}
    subject: str | int | None = None
    #: settings ("system:key") whose being set has the effect, at the place that sets them
    setting: tuple[str, ...] = ()
    #: a regular expression for the values of `setting` that are meant; `*` in their keys stands for each key of a mapping
    setting_value: str = ""
    #: trigger families that this call fires in the process that makes it (`app.run()` fires "http")
    drives: tuple[str, ...] = ()
    #: trigger families that this call fires there and then, in its own phase, for the class of the tree that it is about
    #: (`Order.objects.create()`, `order.save()`); where that is not known, for any
    fires: tuple[str, ...] = ()
    #: the call does not return while the process lives (`serve_forever`, `start_consuming`)
    forever: bool = False
    #: True: only when the result is awaited or driven by a loop; False: only when not (a sync twin)
    awaited: bool | None = None


class ReturnsRow(_Row, frozen=True, kw_only=True):
    """The result of one of `call`, or the value of one of `attribute`, is an instance of `type` (a dotted class),
    or with `element` each item when iterated. `same_as` = "self" gives the receiver's own type, an
    argument's name that argument's value (the first one's, where none has it), a number the value of the argument there. `made_of` names an argument that may be a class: the call makes an instance of
    that one then, as calling the class would (`group(cls=OwnGroup, …)`). `X.__enter__` stands for the value of `with X() as name`,
    `X.__getitem__()` for that of `x[key]`, `X.__call__` for that of calling an instance. `where` as in EffectRow
    (`boto3.client("sqs")`)."""

    call: tuple[str, ...] = ()
    attribute: tuple[str, ...] = ()
    type: str = ""
    element: str = ""
    same_as: str = ""
    made_of: str = ""
    #: it is an instance of the class of the tree on which the call began (`Order.objects.get(pk=1)`), or that is given first
    owner: bool = False
    where: tuple[ArgumentTest, ...] = ()


class RunsRow(_Row, frozen=True, kw_only=True):
    """One of `call` registers or runs a function: its argument `argument` (keyword, "*" for any; "decorator" for the function
    decorated by the call or by the bare symbol, "self" for the function whose method is called) at `position`, in `phase`.

    `trigger` names the family that fires it: it runs only in process types that drive this family ("http",
    "celery", "rq", "apscheduler", …), wherever in the app it was registered. Without a trigger it runs in the
    process that makes the call (`Thread(target=…)`, `atexit.register`, `map`). `thread` says that it runs in
    another thread than the caller's (so off its event loop); `process` in a child process. An argument
    that is a container (list, dict) has each of its items registered; `text` means the argument may be a dotted-path
    string naming the function or module; `methods` are the methods run when the argument is a class or instance (empty:
    the call itself). With both `thread` and `on_loop`, coroutine functions run on the loop and plain ones in a thread.
    Phase "same" is the caller's, "later" too, except that what is only kept while modules load or the program starts runs
    when the program is at work. `nested` functions are run in the midst of whatever request or job is at work (signals, hooks before and after it), so
    they begin nothing of their own.
    `write` also counts assignments in the body of a project class below the named class (`Settings.functions = [f]`).
    `passes` are the library classes that the function's arguments are instances of, in order ("" where nothing is known,
    "self" for an instance of the class in whose body the call or decorator stands, "argument 0" for what the call itself
    is given there, "instance of NAME" for one of the class that its argument of that name is)."""

    call: tuple[str, ...] = ()
    decorator: tuple[str, ...] = ()
    write: tuple[str, ...] = ()
    argument: str = ""
    position: int | None = None
    rest: bool = False
    phase: Phase | Literal["same", "later"]
    trigger: str = ""
    thread: bool = False
    process: bool = False
    on_loop: bool = False
    nested: bool = False
    text: bool = False
    methods: tuple[str, ...] = ()
    where: tuple[ArgumentTest, ...] = ()
    passes: tuple[str, ...] = ()
    #: with `text`: the dotted name that the text stands for; "*." in front is any package (`*.commands.{item}.Command`)
    pattern: str = ""
    #: decorators: calling the decorated name no longer runs the function (it enqueues, say)
    replaces: bool = False
    #: decorators: the function runs whenever that one does whose attribute the decorator is (`@show.register`)
    joins: bool = False
    #: decorators: the function becomes a decorator itself. It runs whenever a function that it decorates is called, which it
    #: is given first
    adapts: bool = False
    #: decorators: the function is kept under its own name on this object of the library: calling that runs it
    keeps: str = ""
    #: with `thread`: one of a pool, so that the function runs several times at once, and beside others
    parallel: bool = False
    #: one command of several: the words of the launch command choose it by the function's name or a text that is given
    named: bool = False
    #: the same, by the texts given to the method of this name that made the object on which the call is made
    named_by: str = ""
    #: the function is a factory: the function that it returns runs in that phase, too
    result: bool = False
    #: given in a class body, it runs whenever an instance of the class is made (`field(default_factory=f)`)
    made: bool = False
    #: the first argument that the function is given is over, so that asking it for its result does not wait
    finished: bool = False
    #: the argument that names the class for which its trigger must fire; "self" for the class in whose body it stands
    of: str = ""
    #: what stands after a generator's `yield` runs in this phase (a life-span function)
    after_yield: Phase | Literal[""] = ""


class BaseRow(_Row, frozen=True, kw_only=True):
    """A project class below one of `class_` (TOML key `class`) has its `methods` run in `phase` by `trigger`
    (see RunsRow). `methods` may hold `fnmatch` patterns; ["*"] means every method of instances that is not private, "@name" every
    one that is decorated so ("@property").
    `when` = "defined" (default) as soon as the class is loaded; "made" only where it is instantiated."""

    class_: tuple[str, ...] = msgspec.field(name="class", default=())
    methods: tuple[str, ...]
    phase: Phase | Literal["same", "later"]
    trigger: str = ""
    thread: bool = False
    process: bool = False
    on_loop: bool = False
    when: Literal["defined", "made"] = "defined"
    #: its trigger must fire for this very class
    own: bool = False
    #: also below a class of a library that no model speaks of, if its name fits one of these patterns ("*View")
    like: tuple[str, ...] = ()
    #: library classes that the methods' arguments after `self` are instances of, in order ("" where nothing is known)
    passes: tuple[str, ...] = ()
    #: further effects of loading such a class
    does: tuple[Effect, ...] = ()
    details: dict[str, str] = {}


class ClassRow(_Row, frozen=True, kw_only=True):
    """A library class and its library bases, so that rows for a base serve the subclass; `alias` are other dotted
    names of the same class or function (re-exports). `entry_of` is a trigger family: a project class that a launcher
    of this family names as its target counts as a subclass, though it need not derive from it, and so does one that is
    the first argument of a call in `entry_calls`. `lives` says how long
    an instance lives, or what it is, where that is the library's nature: "process" (one for all requests and jobs, such
    as an application object), "request" (made anew for each request or job), "upload" (a file that a request brings), "client" (somebody who stays connected to this
    process: a WebSocket), "connection" (this process's own connection to something), "record" (a row of a database),
    "data" (a plain value or container), "task" (work that runs, or its result to come), "thread" (each thread sees
    attributes of its own)."""

    name: str
    bases: tuple[str, ...] = ()
    alias: tuple[str, ...] = ()
    entry_of: str = ""
    entry_calls: tuple[str, ...] = ()
    lives: Literal[
        "", "process", "request", "upload", "client", "connection", "record", "data", "task", "thread"
    ] = ""


class LoadsRow(_Row, frozen=True, kw_only=True):
    """One of `call` (or a launcher that fires `trigger`) makes further modules load. The names come from an
    `argument`/`position` of the call, or from `setting` ("system:KEY"; dotted keys for nested values), or
    are `constant`. Each `item` fills the `patterns` ("{item}", "{item}.tasks"). A pattern's module that does not
    exist is no error. `phase` is when ("import" or "startup"). `relative_to_caller` resolves names against the
    calling module's package; a name that begins with a dot is so anyway. A pattern that ends in ".*" means every module
    of that package, ".**" those of the packages inside it, too. In a pattern `{item}` is the name, `{package}` the package that it lies in: the name
    itself where it is a package or module, else (it names a class or function) the package of the module that holds it."""

    call: tuple[str, ...] = ()
    trigger: str = ""
    #: also needs this settings system to be configured in the process
    argument: str = ""
    position: int | None = None
    setting: str = ""
    constant: tuple[str, ...] = ()
    #: take effect only where the argument is absent
    when_absent: str = ""
    #: a tuple as the argument names the modules by its first item only, the others mean something else
    first_of_tuple: bool = False
    #: the argument that names modules which are left out, each with what is below it
    left_out: str = ""
    patterns: tuple[str, ...] = ("{item}",)
    #: what of the loaded module is run: "" its body; "attribute" the symbol after the last dot, too
    symbol: Literal["", "attribute"] = ""
    #: the loaded symbol (class or function) then runs in this phase by this trigger
    phase: Phase | Literal[""] = ""
    trigger_of_symbol: str = ""
    #: functions of the loaded modules that then run in this phase
    functions: tuple[str, ...] = ()
    #: each argument names files by a path from the calling module's folder, where `*` may stand for names; they are run in
    #: the place of that module, and what they set are its names
    files: bool = False
    #: the modules run as scripts do: their bodies in this phase, too
    script: bool = False
    methods: tuple[str, ...] = ()
    #: the loaded symbol is a factory: what it returns runs in that phase, too
    result: bool = False
    #: library classes that the loaded function's arguments are instances of, in order ("" where nothing is known)
    passes: tuple[str, ...] = ()


class SettingsRow(_Row, frozen=True, kw_only=True):
    """A settings system. `style`:
    "module": the module named by environment `variable` (or set by `setters`: calls that set it, such as
    `os.environ.setdefault`); its upper-case names are the keys.
    "mapping": keys are set on a `mapping` symbol (`flask.Flask.config`) by item, `update`, keyword arguments of
    `constructor`, and objects or modules given to one of `from_object` / `from_module`.
    `namespace_argument` prefixes keys; `attributes` lets keys be set as attributes. `defaults` are the library's."""

    system: str
    style: Literal["module", "mapping"]
    variable: str = ""
    mapping: tuple[str, ...] = ()
    attributes: bool = False
    from_object: tuple[str, ...] = ()
    from_envvar: tuple[str, ...] = ()
    update: tuple[str, ...] = ()
    constructor: tuple[str, ...] = ()
    lower_keys: bool = False
    #: environment variable that names a class of the settings module, whose attributes then are the keys
    class_variable: str = ""
    #: objects whose attributes read this system's keys (`django.conf.settings`)
    accessor: tuple[str, ...] = ()
    #: keys renamed: {old = "new"} (Celery's CELERY_* names); an old one counts in any namespace
    renames: dict[str, str] = {}
    namespace_argument: str = ""
    #: another system whose values are taken over with the namespace as prefix ("django")
    reads_system: str = ""
    defaults: dict[str, Any] = {}


class EnvironmentRow(_Row, frozen=True, kw_only=True):
    """One of `call` (or indexing one of `item`) reads an environment variable: its name is argument `position`, the
    fallback argument `default`. `prefix` and `cast` (text, int, bool, url, json) say how the text becomes a value."""

    call: tuple[str, ...] = ()
    item: tuple[str, ...] = ()
    position: int = 0
    name: str = ""
    default: str = "default"
    default_position: int | None = 1
    #: the variable's name when the call names none (`dj_database_url.config()`)
    variable: str = ""
    cast: str = "text"
    #: classes whose subclasses take their fields from variables of the same names in upper case
    fields_of: tuple[str, ...] = ()
    #: without the variable and without a fallback the call gives None rather than failing
    none_when_absent: bool = False
    #: names of a module that one of `fill_call`, given its `locals()`, sets where a variable is there: {name = variable}
    fills: dict[str, str] = {}
    fill_call: tuple[str, ...] = ()
    #: calls that set a variable (name first, value second); assigning an `item` sets one, too
    sets: tuple[str, ...] = ()


class ModelExample(msgspec.Struct, frozen=True, kw_only=True):
    """Code whose lines are marked `# effect: schedules` (several separated by commas) or `# phase: request`
    on a `def` line (the function runs in that phase)."""

    files: dict[str, str]
    process: str = ""


class LibraryModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of `rules/models/`. `modules` are the import roots it speaks of; names below them that no row mentions
    are known to be harmless for the clauses only if `complete` is true."""

    distribution: str
    modules: tuple[str, ...]
    #: the version whose names were checked
    tested: str = ""
    effect: tuple[EffectRow, ...] = ()
    returns: tuple[ReturnsRow, ...] = ()
    runs: tuple[RunsRow, ...] = ()
    base: tuple[BaseRow, ...] = ()
    classes: tuple[ClassRow, ...] = ()
    loads: tuple[LoadsRow, ...] = ()
    settings: tuple[SettingsRow, ...] = ()
    environment: tuple[EnvironmentRow, ...] = ()
    #: decorators that keep the function callable as itself (so are not gaps)
    transparent: tuple[str, ...] = ()
    #: names in rows (and all below them) that stand for something real which cannot be looked up by import:
    #: attributes that instances get in `__init__`, what a decorator adds to a function, generated clients
    stand_ins: tuple[str, ...] = ()
    path: str = ""


class LauncherModel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One file of `rules/launchers/`: a program found in launch commands.

    `programs` are the base names it is called by, `modules` the names for `python -m`. `does` are the effects of
    the launched program itself, `drives` the trigger families it fires. `kind` is what such a process is.
    How words are parsed (targets, options, wrappers) is in `parse`, in the words of `resolve.spec`;
    how it meets SIGTERM is in `signals`, in the words of `judge.signals`."""

    name: str
    programs: tuple[str, ...] = ()
    modules: tuple[str, ...] = ()
    distribution: str = ""
    kind: Kind = "unknown"
    does: tuple[Effect, ...] = ()
    drives: tuple[str, ...] = ()
    long_running: bool = True
    is_python: bool = True
    parse: dict[str, Any] = {}
    signals: dict[str, Any] = {}
    details: dict[str, str] = {}
    #: rows bound to sub-commands and option values, in the words of `resolve.spec.Variant`
    variants: tuple[dict[str, Any], ...] = ()
    #: sub-commands of other launchers that this one provides, with the words they stand for:
    #: {django = {rqworker = ["worker"]}}
    hosted: dict[str, dict[str, tuple[str, ...]]] = {}
    source: str = ""
    path: str = ""


class ServiceModel(msgspec.Struct, frozen=True, kw_only=True):
    """One file of `rules/services/`: a backing service, and how it is known that a process type talks to it.

    An effect tells it where its details' `store` is one of `stores` or their `protocol` one of `protocols`, or where its
    symbol begins with one of `symbols` and the effect is one of `effects` (none listed: any). `drives` are trigger
    families whose processes talk to it. `settings` ("system:key") decide which product it is: `names` maps a part of
    the value (in lower case) to the product's name, which then takes the place of `name`."""

    name: str
    stores: tuple[str, ...] = ()
    protocols: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    effects: tuple[Effect, ...] = ()
    drives: tuple[str, ...] = ()
    settings: tuple[str, ...] = ()
    names: dict[str, str] = {}
    path: str = ""


class Rulebook(msgspec.Struct, frozen=True, kw_only=True):
    """All rules and models in force; `digest` identifies their texts."""

    rules: tuple[Rule, ...]
    libraries: tuple[LibraryModel, ...]
    launchers: tuple[LauncherModel, ...]
    digest: str
    services: tuple[ServiceModel, ...] = ()
