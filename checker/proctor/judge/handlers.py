"""Which signals a program's code handles, and what its handlers do."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Literal, NamedTuple

from proctor.judge.deeds import Deeds
from proctor.judge.expressions import local_sources, subexpressions
from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Event,
    Expr,
    Item,
    Name,
    Raise,
    Result,
    SetAttr,
    SetItem,
    Unit,
    last_name,
)
from proctor.model.program import BoundRef, ConstRef, Context, Hit, LibRef, UnitKey, UnitRef

#: names that tell what a call does to whatever it belongs to
_STOPPING = frozenset(
    {"stop", "shutdown", "close", "aclose", "quit", "exit", "terminate", "kill", "cancel", "disconnect", "abort",
     "stop_consuming", "request_stop", "graceful_shutdown", "shutdown_gracefully", "stop_polling", "interrupt"}
)  # fmt: skip
_CANCELLING = frozenset({"cancel", "cancel_all"})
_RAISING = frozenset({"builtins.exit", "builtins.quit", "signal.default_int_handler"})
_NUMBERS = {1: "SIGHUP", 2: "SIGINT", 3: "SIGQUIT", 9: "SIGKILL", 15: "SIGTERM"}
#: methods that change what they belong to for others to see
SETTERS = frozenset(
    {"set", "clear", "put", "put_nowait", "append", "add", "notify", "notify_all", "set_result", "release"}
)


class Flag(NamedTuple):
    """Something that a handler changes for others to see: the last name of what it assigns, sets or adds to."""

    name: str
    kind: Literal["name", "attribute", "item"]


class Doing(NamedTuple):
    """What a handler does in the end. `raises` names the exception it raises, `ends` says that it ends the process at once;
    `stops` what it tells to stop, `cancels` that it cancels tasks; `always` that it raises or ends under no condition;
    `unknown` names a call of which nothing is known."""

    raises: str = ""
    ends: bool = False
    stops: str = ""
    cancels: bool = False
    flags: frozenset[Flag] = frozenset()
    unknown: str = ""
    always: bool = False

    @property
    def nothing(self) -> bool:
        """Whether nothing of it can bring the process to its end."""
        return not (self.raises or self.ends or self.stops or self.cancels or self.flags or self.unknown)


class Handler(NamedTuple):
    """One registration. `signals` are names such as "SIGTERM", empty where they cannot be known; `kind` is "ignore",
    "default" or "function", whose `units` are those of the tree and `library` those of libraries; `by_loop` says that an event loop calls it."""

    hit: Hit
    context: Context
    signals: frozenset[str]
    kind: Literal["function", "ignore", "default"]
    by_loop: bool
    units: tuple[UnitKey, ...]
    doing: Doing
    library: tuple[str, ...] = ()


def handlers(deeds: Deeds) -> tuple[Handler, ...]:
    """The registrations of a program, in the order in which they are reached; a place once per context."""
    found: dict[tuple[UnitKey, int, Context], Handler] = {}
    for context, hit in deeds.view.hits("sets-signal"):
        mark = (hit.unit, hit.event, context)
        how = hit.details.get("how")
        if hit.event >= 0 and mark not in found and how not in ("mask", "wakes"):
            found[mark] = (
                _read_receiver(deeds, context, hit) if how == "receiver" else _read(deeds, context, hit)
            )
    return tuple(found.values())


def _read(deeds: Deeds, context: Context, hit: Hit) -> Handler:
    program = deeds.program
    call = program.unit(hit.unit).events[hit.event]
    assert isinstance(call, Call)
    given = call.args[0] if call.args else next((v for n, v in call.keywords if n.startswith("sig")), None)
    target = call.args[1] if len(call.args) > 1 else next(
        (value for name, value in call.keywords if name in ("handler", "callback")), None
    )  # fmt: skip
    kind: Literal["function", "ignore", "default"] = "function"
    library: set[str] = set()
    for ref in program.resolve(hit.unit, target) if target is not None else ():
        if isinstance(ref, LibRef):
            library.add(ref.symbol)
    if any(symbol.endswith(".SIG_IGN") for symbol in library):
        kind = "ignore"
    elif any(symbol.endswith(".SIG_DFL") for symbol in library):
        kind = "default"
    units = tuple(
        dict.fromkeys(
            edge.target
            for edge in program.edges(hit.unit)
            if edge.event == hit.event and edge.phase == "signal"
        )
    )
    if not units and target is not None:
        # the same function for a second signal is not run by an edge of its own
        units = tuple(
            UnitKey(ref.path, ref.number)
            for ref in program.resolve(hit.unit, target)
            if isinstance(ref, UnitRef | BoundRef)
            and program.unit(UnitKey(ref.path, ref.number)).kind != "class"
        )
    doing = _doing(deeds, hit, units, library, target)
    by_loop = hit.details.get("by") == "loop"
    return Handler(
        hit, context, _signals(deeds, hit.unit, given), kind, by_loop, units, doing, tuple(sorted(library))
    )


def _read_receiver(deeds: Deeds, context: Context, hit: Hit) -> Handler:
    """Code that waits for signals itself (`sigwait`, an asynchronous receiver): what follows in its unit handles them."""
    unit = deeds.program.unit(hit.unit)
    call = unit.events[hit.event]
    assert isinstance(call, Call)
    parts = [part for value in call.args for part in local_sources(unit, value)]
    signals = frozenset(name for part in parts for name in _signals(deeds, hit.unit, part))
    doing = Doing()
    for number in range(hit.event + 1, len(unit.events)):
        event = unit.events[number]
        doing = _merge(doing, _event_doing(deeds, hit.unit, number, event))
        for target in deeds.program.targets(hit.unit, number):
            for key in closure(deeds, (target,)):
                doing = _merge(doing, _unit_doing(deeds, key))
    if doing.nothing:
        doing = Doing(unknown=f"what follows `{hit.symbol}`")
    by_loop = hit.details.get("by") == "loop"
    return Handler(hit, context, signals, "function", by_loop, (), doing)


def _signals(deeds: Deeds, key: UnitKey, expr: Expr | None) -> frozenset[str]:
    found: set[str] = set()
    expr = _looked_up(deeds, key, expr) or expr
    for ref in deeds.program.resolve(key, expr) if expr is not None else ():
        if isinstance(ref, LibRef) and ref.symbol.rpartition(".")[2].startswith("SIG"):
            found.add(ref.symbol.rpartition(".")[2])
        elif isinstance(ref, ConstRef) and isinstance(ref.value, int):
            found.add(_NUMBERS.get(ref.value, ""))
        elif isinstance(ref, ConstRef) and isinstance(ref.value, str) and ref.value.startswith("SIG"):
            found.add(ref.value)
    return frozenset(found)


def _looked_up(deeds: Deeds, key: UnitKey, expr: Expr | None) -> Expr | None:
    """The name in `getattr(signal, name)` and in `Signals[name]`."""
    if isinstance(expr, Item):
        return expr.index
    event = deeds.program.unit(key).events[expr.event] if isinstance(expr, Result) else None
    if isinstance(event, Call) and event.func == Name("getattr") and len(event.args) > 1:
        return event.args[1]
    return None


# --- what a handler does ----------------------------------------------------------------------------------


def closure(deeds: Deeds, units: tuple[UnitKey, ...]) -> tuple[UnitKey, ...]:
    """The units of a handler, and all that it makes run, now or later."""
    seen = dict.fromkeys(units)
    todo = deque(units)
    while todo:
        key = todo.popleft()
        for edge in deeds.program.edges(key):
            if edge.how not in ("import", "define", "registers") and edge.target not in seen:
                seen[edge.target] = None
                todo.append(edge.target)
    return tuple(seen)


def _doing(
    deeds: Deeds, hit: Hit, units: tuple[UnitKey, ...], library: set[str], target: Expr | None
) -> Doing:
    if not units:
        return _library_doing(deeds, hit, library, target)
    merged = Doing()
    for key in closure(deeds, units):
        merged = _merge(merged, _unit_doing(deeds, key))
    return merged._replace(always=any(_always_ends(deeds, key) for key in units))


def _always_ends(deeds: Deeds, key: UnitKey) -> bool:
    """Whether a handler raises, or ends the process, under no condition of its own."""
    unit = deeds.program.unit(key)
    ending = {hit.event for hit in deeds.program.unit_hits(key) if hit.effect == "ends-process"}
    return any(
        event.block == 0 and (isinstance(event, Raise) or number in ending)
        for number, event in enumerate(unit.events)
    )


def _merge(one: Doing, other: Doing) -> Doing:
    return Doing(
        one.raises or other.raises,
        one.ends or other.ends,
        one.stops or other.stops,
        one.cancels or other.cancels,
        one.flags | other.flags,
        one.unknown or other.unknown,
        one.always or other.always,
    )


def _library_doing(deeds: Deeds, hit: Hit, library: set[str], target: Expr | None) -> Doing:
    """A handler that is a library's own function, such as `stop.set` or `loop.stop`."""
    if not library or target is None:
        return Doing(unknown="a handler that is not known")
    symbol = sorted(library)[0]
    name = symbol.rpartition(".")[2]
    if symbol in _RAISING:
        return Doing(raises="KeyboardInterrupt" if symbol.startswith("signal.") else "SystemExit")
    if name in _CANCELLING:
        return Doing(cancels=True)
    if name in SETTERS and isinstance(target, Attr):
        return Doing(flags=frozenset(flag_of(target.value)))
    if name in _STOPPING:
        return Doing(stops=symbol)
    return Doing(unknown=f"`{symbol}`")


def _unit_doing(deeds: Deeds, key: UnitKey) -> Doing:
    unit = deeds.program.unit(key)
    doing = Doing(flags=frozenset(_assigned(unit)))
    for hit in deeds.program.unit_hits(key):
        if hit.effect == "ends-process":
            at_once = hit.details.get("how") != "exception"
            doing = _merge(doing, Doing(ends=at_once, raises="" if at_once else "SystemExit"))
        elif hit.effect == "stops-consumer":
            doing = _merge(doing, Doing(stops=hit.symbol))
    for number, event in enumerate(unit.events):
        doing = _merge(doing, _event_doing(deeds, key, number, event))
    return doing


def _event_doing(deeds: Deeds, key: UnitKey, number: int, event: Event) -> Doing:
    if isinstance(event, Raise):
        return Doing(raises=_raised(event.value, deeds.program.unit(key)))
    return _call_doing(deeds, key, number, event) if isinstance(event, Call) else Doing()


def _raised(value: Expr | None, unit: Unit) -> str:
    for part in subexpressions(value):
        if isinstance(part, Name):
            return part.id
        if isinstance(part, Attr):
            return part.name
        event = unit.events[part.event] if isinstance(part, Result) else None
        if isinstance(event, Call):
            return _raised(event.func, unit)
    return "an exception"


def _call_doing(deeds: Deeds, key: UnitKey, number: int, event: Call) -> Doing:
    symbols = deeds.program.symbols(key, number)
    if any(symbol in _RAISING for symbol in symbols):
        return Doing(raises="SystemExit")
    name = last_name(event.func)
    if isinstance(event.func, Attr) and name in SETTERS and not deeds.program.targets(key, number):
        return Doing(flags=frozenset(flag_of(event.func.value)))
    if name in _CANCELLING and not deeds.program.targets(key, number):
        return Doing(cancels=True)
    if name in _STOPPING and not deeds.program.targets(key, number):
        return Doing(stops=symbols[0] if symbols else name)
    for value in (*event.args, *(each for _, each in event.keywords)):
        # a method handed on, to a thread or to a loop: `Thread(target=server.shutdown)`
        if isinstance(value, Attr) and value.name in _CANCELLING:
            return Doing(cancels=True)
        if isinstance(value, Attr) and value.name in _STOPPING:
            return Doing(stops=_symbol_of(deeds, key, value))
        if isinstance(value, Attr) and value.name in SETTERS:
            return Doing(flags=frozenset(flag_of(value.value)))
    if symbols or deeds.program.targets(key, number) or _is_plain(name):
        return Doing()
    return Doing(unknown=f"`{name}()`" if name else "a call that is not known")


def _symbol_of(deeds: Deeds, key: UnitKey, value: Attr) -> str:
    """The library's name of a method that is handed on, or its last name."""
    refs = deeds.program.resolve(key, value)
    return next((ref.symbol for ref in refs if isinstance(ref, LibRef)), value.name)


def _is_plain(name: str) -> bool:
    """Names of methods that only note or format."""
    return any(
        fnmatchcase(name, pattern)
        for pattern in ("debug", "info", "warn*", "error", "exception", "critical", "log*", "print*", "format", "join",
                        "flush", "write", "str*", "is_*", "get*", "items", "keys", "values", "time", "now")
    )  # fmt: skip


def _assigned(unit: Unit) -> Iterator[Flag]:
    """What a unit assigns that outlives it."""
    lasting = {*unit.globals, *unit.nonlocals}
    for event in unit.events:
        if isinstance(event, Bind) and event.name in lasting:
            yield Flag(event.name, "name")
        elif isinstance(event, SetAttr):
            yield Flag(event.name, "attribute")
        elif isinstance(event, SetItem):
            yield from (Flag(flag.name, "item") for flag in flag_of(event.obj))


def flag_of(expr: Expr) -> Iterator[Flag]:
    """The flag that changing an expression's object changes."""
    if isinstance(expr, Name):
        yield Flag(expr.id, "name")
    elif isinstance(expr, Attr):
        yield Flag(expr.name, "attribute")
    elif isinstance(expr, Item):
        yield from flag_of(expr.value)


# --- who reads a flag ----------------------------------------------------------------------------------------


def mentions(expr: Expr | None, flags: frozenset[Flag]) -> bool:
    """Whether an expression reads one of the flags (by its last name)."""
    names = {flag.name for flag in flags}
    return any(
        (isinstance(part, Name) and part.id in names) or (isinstance(part, Attr) and part.name in names)
        for part in subexpressions(expr)
    )


def reads(unit: Unit, flags: frozenset[Flag]) -> bool:
    """Whether a unit reads one of the flags anywhere."""
    if any(mentions(block.test, flags) for block in unit.blocks):
        return True
    return any(mentions(value, flags) for event in unit.events for value in _read_values(event))


def _read_values(event: object) -> Iterator[Expr | None]:
    for name in ("func", "value", "expr", "index", "obj"):
        found = getattr(event, name, None)
        if found is not None and not (name == "obj" and isinstance(event, SetAttr)):
            yield found
    if isinstance(event, Call):
        yield from event.args
        yield from (value for _, value in event.keywords)
