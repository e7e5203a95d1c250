"""The linked program: which process types run which units, in which phases, and with what effects.

`link` builds it; judges only read it. A *unit* is a scope of a file (`UnitKey` = path and number).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Literal, NamedTuple, Protocol, TypeAlias

import msgspec

from proctor.model.fact import Call, Event, Expr, FileFacts, Unit
from proctor.model.finding import Gap, Step
from proctor.model.place import Place
from proctor.model.process import Declaration, Launch, ProcessType
from proctor.model.rule import LauncherModel
from proctor.model.words import Effect, Phase

Lane = Literal["main", "loop", "thread"]


class UnitKey(NamedTuple):
    """A unit of the program: its file and its number there (0 is the module body)."""

    path: str
    number: int


# --- what a name or expression may stand for ---------------------------------------------------------


class LibRef(NamedTuple):
    """A library's module, class, function or (unbound or bound) method, by canonical dotted name."""

    symbol: str


class LibObj(NamedTuple):
    """An instance of a library class (dotted name); `f()` for the unknown result of library function `f`."""

    type: str


class ModRef(NamedTuple):
    """A module of the tree (its file; a folder with trailing `/` for a namespace package)."""

    path: str


class UnitRef(NamedTuple):
    """A function, lambda or class of the tree, as such (unbound)."""

    path: str
    number: int


class ObjRef(NamedTuple):
    """An instance of a class of the tree. `exact` is False where a subclass is as likely (`self`, annotations)."""

    path: str
    number: int
    exact: bool


class BoundRef(NamedTuple):
    """A method of the tree bound to an instance or class: the function, and the class it was looked up on."""

    path: str
    number: int
    class_path: str
    class_index: int


class ConstRef(NamedTuple):
    """A literal text or number."""

    value: str | int | float | bool | None


Ref: TypeAlias = LibRef | LibObj | ModRef | UnitRef | ObjRef | BoundRef | ConstRef


# --- values -------------------------------------------------------------------------------------------


class Known(msgspec.Struct, frozen=True):
    """A value that the code alone decides: a scalar, or a list/dict of values (`items` holds `Value`s)."""

    value: Any


class FromEnv(msgspec.Struct, frozen=True):
    """A value that environment variable `variable` decides; `fallback` is what the code takes without it
    (None: it fails or has none). `declared` is its value where a manifest of the repository sets it. `text` is what
    is known of a text whatever the variable holds (see `partial`), "" where that is nothing."""

    variable: str
    fallback: Known | FromEnv | Unknown | None = None
    declared: str | None = None
    text: str = ""


class Unknown(msgspec.Struct, frozen=True):
    """A value that could not be known, and why. `text` is what is known of a text all the same (see `partial`)."""

    reason: str
    text: str = ""


Value: TypeAlias = Known | FromEnv | Unknown


class Setting(msgspec.Struct, frozen=True):
    """A setting as a process type sees it. `place` is None for a library default (nothing sets it)."""

    key: str
    value: Value
    place: Place | None
    is_default: bool = False


# --- storage: where state lives ---------------------------------------------------------------------


class Storage(NamedTuple):
    """A place in memory that outlives a call: a module variable, class attribute, attribute of a module-level
    object, closure variable or default argument.

    `kind` is one of "module", "class", "instance", "closure", "default"; `owner` the unit that holds it (module,
    class or function); `name` the variable or dotted attribute. `symbol` reads as people would write it."""

    kind: str
    owner: UnitKey
    name: str

    @property
    def symbol(self) -> str:
        """The storage's name as shown to people."""
        return self.name


# --- effects, edges, contexts --------------------------------------------------------------------------


class Hit(msgspec.Struct, frozen=True, kw_only=True):
    """An effect that a unit has when it runs. `event` is the call event's index in the unit (-1: no event; then `block`
    is the `with` or `for` block whose entering has it).
    `details` are the row's words; `subject` the expression it is about; `unsure` says that an argument which
    decides could not be known; `guard` names the environment variable that a surrounding condition asks;
    `in_main_loop` that it lies in an endless loop of the unit; `main_only` in an `if __name__ == "__main__"` block.
    `phase` and `lane` are given where the unit only hands the library's function on, to be run there (`Thread(target=app.run)`).
    `fires` as in EffectRow, `about` the classes of the tree that it is about (none: not known)."""

    effect: Effect
    symbol: str
    unit: UnitKey
    event: int
    place: Place
    block: int = -1
    details: Mapping[str, str] = {}
    subject: Expr | None = None
    unsure: str = ""
    guard: str = ""
    in_main_loop: bool = False
    main_only: bool = False
    in_handler: bool = False
    forever: bool = False
    drives: tuple[str, ...] = ()
    phase: Phase | None = None
    lane: Lane | None = None
    fires: tuple[str, ...] = ()
    about: tuple[UnitKey, ...] = ()


class Edge(msgspec.Struct, frozen=True, kw_only=True):
    """`source` makes `target` run. `how`: "call", "import", "define" (class body), "callback" (passed to a library
    that runs it), "property", "registers" (fired by `trigger`), "loads" (a framework loads it), "decorates".
    `phase` None keeps the caller's; `lane` None keeps the caller's unless the target is async. `part` says which part
    of a generator is meant: "before" its first `yield`, "after" it, or all of it. `nested` and `parallel` as in RunsRow. `names` are those of a command that the
    words of a launch command choose, `within` the function of its group: without that it does not run. `later`: what is kept while modules load or the program starts runs when the program
    is at work. `wrapped`: a decorator's function calls what it was given, which calling the decorated name is noted to run.
    `guessed`: only the method's name says which one is called, so a program runs it where it loads that file anyway."""

    source: UnitKey
    target: UnitKey
    event: int
    place: Place
    how: str
    phase: Phase | None = None
    lane: Lane | None = None
    trigger: str = ""
    process: bool = False
    main_only: bool = False
    in_main_loop: bool = False
    guard: str = ""
    text: str = ""
    awaited: bool = False
    within: UnitKey | None = None
    part: Literal["", "before", "after"] = ""
    nested: bool = False
    parallel: bool = False
    #: the classes of the tree for which the trigger must fire; none: for any
    about: tuple[UnitKey, ...] = ()
    later: bool = False
    wrapped: bool = False
    names: tuple[str, ...] = ()
    guessed: bool = False


class Context(NamedTuple):
    """A unit running in a phase. `lane`: "loop" on an event loop's thread, "thread" in a thread beside others,
    "main" otherwise."""

    unit: UnitKey
    phase: Phase
    lane: Lane


class ProcessView(Protocol):
    """One long- or short-running program of one process type, with all that it runs."""

    @property
    def process(self) -> ProcessType:
        """The process type that this program belongs to."""
        ...

    @property
    def launch(self) -> Launch:
        """How it is started."""
        ...

    @property
    def model(self) -> LauncherModel | None:
        """Its launcher's model, or None where the launcher is unknown."""
        ...

    @property
    def details(self) -> Mapping[str, str]:
        """The launcher's details with options and variants applied, such as concurrency = "threads"."""
        ...

    @property
    def code(self) -> object:
        """The same for all programs that run the very same code under the same settings."""
        ...

    @property
    def contexts(self) -> Mapping[Context, tuple[Context, Edge] | None]:
        """Every context that runs, with the context and edge it was first reached by (None for the roots)."""
        ...

    @property
    def handed_over(self) -> Mapping[Context, Edge]:
        """The jobs that another program registers and hands over, with the edge that does."""
        ...

    @property
    def files(self) -> frozenset[str]:
        """The Python files reached."""
        ...

    @property
    def gaps(self) -> tuple[Gap, ...]:
        """What could not be followed in this program."""
        ...

    @property
    def drives(self) -> frozenset[str]:
        """The trigger families that it fires."""
        ...

    @property
    def does(self) -> Mapping[Effect, Step]:
        """Effects of the launcher and of process-wide calls, each with its first place."""
        ...

    @property
    def missing_symbol(self) -> str:
        """What the entry point names but its module does not have ("" where all is there)."""
        ...

    @property
    def stays(self) -> bool:
        """Whether the program goes on until it is stopped: its launcher says so, or its code does."""
        ...

    @property
    def may_stay(self) -> bool:
        """Whether nothing says that it stays, but a library that no model speaks of may keep it going."""
        ...

    def hits(self, *effects: Effect) -> Iterator[tuple[Context, Hit]]:
        """Each effect (all, or those named) in each context that has it; hits in dead or foreign
        `__main__` blocks are left out, and `context.phase` is "loop" inside the main loop."""
        ...

    def phases(self, unit: UnitKey) -> frozenset[Phase]:
        """The phases in which this program runs a unit."""
        ...

    def path(self, context: Context, place: Place | None = None, text: str = "") -> tuple[Step, ...]:
        """The evidence: from the declaration through entry point and calls to the context, then to `place`."""
        ...

    def setting(self, system: str, key: str) -> Setting | None:
        """A setting ("CACHES.default.BACKEND" for nested ones); None where this program does not use the system."""
        ...

    def settings_like(self, system: str, pattern: str) -> Iterator[Setting]:
        """The settings that a key names in which `*` stands for each key of a mapping ("CACHES.*.BACKEND")."""
        ...

    def systems(self) -> frozenset[str]:
        """The settings systems that this program loads."""
        ...


class Program(Protocol):
    """The whole app."""

    @property
    def declaration(self) -> Declaration:
        """What the app declares."""
        ...

    @property
    def launchers(self) -> Mapping[str, LauncherModel]:
        """The launcher models by name."""
        ...

    @property
    def files(self) -> Mapping[str, FileFacts]:
        """The facts of every file that was read."""
        ...

    @property
    def unread(self) -> Mapping[str, str]:
        """Every Python file in scope that could not be read, with the reason."""
        ...

    @property
    def requirements(self) -> Mapping[str, str]:
        """Normalised distribution names with their versions ("" where not pinned)."""
        ...

    @property
    def views(self) -> tuple[ProcessView, ...]:
        """Every program of every process type, in the order of declaration."""
        ...

    def unit(self, key: UnitKey) -> Unit:
        """The facts of a unit."""
        ...

    def symbol(self, key: UnitKey) -> str:
        """The dotted name of a unit as shown to people (`views.upload`)."""
        ...

    def place(self, key: UnitKey, event: Event | None = None) -> Place:
        """Where an event (or the unit's own header) stands."""
        ...

    def resolve(self, key: UnitKey, expr: Expr) -> tuple[Ref, ...]:
        """All that an expression of a unit may stand for; empty where nothing is known."""
        ...

    def evaluate(self, key: UnitKey, expr: Expr) -> Value:
        """The value of an expression of a unit, as far as code and environment decide it."""
        ...

    def argument(self, key: UnitKey, call: Call, name: str, position: int | None = None) -> Expr | None:
        """The expression given for an argument, or None where it is absent (or hidden in `*args`/`**kwargs`)."""
        ...

    def storage(self, key: UnitKey, expr: Expr) -> tuple[Storage, ...]:
        """The lasting places in memory that an expression of a unit refers to."""
        ...

    def edges(self, key: UnitKey) -> tuple[Edge, ...]:
        """What a unit makes run."""
        ...

    def unit_hits(self, key: UnitKey) -> tuple[Hit, ...]:
        """The effects that a unit itself has."""
        ...

    def symbols(self, key: UnitKey, event: int) -> tuple[str, ...]:
        """The library symbols that a call event may call, canonical, most specific first."""
        ...

    def targets(self, key: UnitKey, event: int) -> tuple[UnitKey, ...]:
        """The units of the tree that an event runs there and then (`-1 - block`: that entering a `with` or `for` block
        runs), not those that it hands to a thread, a task, a queue or a framework."""
        ...

    def main_loops(self, key: UnitKey) -> tuple[int, ...]:
        """The blocks of a unit's endless loops, outermost ones only."""
        ...

    def is_a(self, symbol: str, base: str) -> bool:
        """Whether a library class is `base` or below it, as far as the models say."""
        ...

    def class_bases(self, key: UnitKey) -> tuple[str, ...]:
        """The library classes that a class of the tree derives from, directly or through other classes of the tree."""
        ...

    def project_bases(self, key: UnitKey) -> tuple[UnitKey, ...]:
        """A class of the tree (first) and the classes of the tree that it derives from."""
        ...

    def lives(self, symbol: str) -> str:
        """How long instances of a library class live (`ClassRow.lives`); "" where no model says."""
        ...

    def abilities(self, symbol: str) -> frozenset[Effect]:
        """The effects that methods of a library class have, as far as the models say."""
        ...

    def calling(self, symbol: str, effect: Effect) -> tuple[Mapping[str, str], ...]:
        """The details of such an effect of calling a library function without arguments."""
        ...

    def makers(self, key: UnitKey) -> tuple[tuple[UnitKey, int], ...]:
        """Where a class of the tree is instantiated: unit and event number (the call, or the definition it decorates)."""
        ...

    def block_state(self, key: UnitKey, block: int) -> str:
        """ "live", "dead" (its condition is never true in production), "main" (only as a script), or
        "env:VARIABLE" where the environment decides."""
        ...

    def units(self) -> Iterable[UnitKey]:
        """Every unit that some process type reaches."""
        ...
