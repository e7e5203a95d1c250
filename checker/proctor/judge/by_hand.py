"""What reaches a lasting place by other words than its name: `globals()`, `setattr`, variables of the process, counters that
generators are, the value that a context variable has where none was set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from proctor.model.fact import (
    Attr,
    Bind,
    Call,
    Comp,
    Const,
    Event,
    Expr,
    Item,
    Map,
    Name,
    Result,
    SetAttr,
    Unit,
    Yield,
)
from proctor.model.program import ConstRef, ModRef, ObjRef, Program, Storage, UnitKey, UnitRef

_COUNTERS = frozenset({"itertools.count", "builtins.iter", "iter"})
_PUTTING = {
    name: frozenset({f"{module}.{name}"})
    for module, name in (
        ("heapq", "heappush"),
        ("bisect", "insort"),
        ("bisect", "insort_left"),
        ("bisect", "insort_right"),
    )
}
_VARIABLES = "os.environ["


def named_by_table(unit: Unit, table: Expr, index: Expr) -> list[Expr]:
    """What a key of `globals()`, `vars(owner)` or `owner.__dict__` stands for: a name of the module, or an attribute."""
    if not isinstance(index, Const) or not isinstance(index.value, str):
        return []
    if isinstance(table, Attr) and table.name == "__dict__":
        return [Attr(table.value, index.value)]
    call = unit.events[table.event] if isinstance(table, Result) else None
    if not isinstance(call, Call):
        return []
    if call.func == Name("vars") and len(call.args) == 1:
        return [Attr(call.args[0], index.value)]
    return [Name(index.value)] if call.func == Name("globals") else []


def is_own_module(owner: Expr) -> bool:
    """Whether an expression is `sys.modules[__name__]`."""
    return owner == Item(Attr(Name("sys"), "modules"), Name("__name__"))


def whose_class(unit: Unit, owner: Expr) -> Expr | None:
    """The object whose class is meant: `type(x)`, `x.__class__`."""
    if isinstance(owner, Attr) and owner.name == "__class__":
        return owner.value
    call = unit.events[owner.event] if isinstance(owner, Result) else None
    is_type = isinstance(call, Call) and call.func == Name("type") and len(call.args) == 1
    return call.args[0] if is_type and isinstance(call, Call) else None


def pairs(event: Call) -> Iterator[tuple[Const, Expr]]:
    """The keys and values that a call of `update` names."""
    yield from ((Const(name), value) for name, value in event.keywords if name)
    for given in event.args:
        if isinstance(given, Map):
            yield from (
                (k, v) for k, v in zip(given.keys, given.values, strict=False) if isinstance(k, Const)
            )


def puts_into_first(program: Program, key: UnitKey, number: int, event: Call) -> bool:
    """Whether a function of the standard library puts something into its first argument."""
    func = event.func
    name = func.id if isinstance(func, Name) else func.name if isinstance(func, Attr) else ""
    symbols = _PUTTING.get(name)
    return (
        symbols is not None and len(event.args) > 1 and not symbols.isdisjoint(program.symbols(key, number))
    )


def attribute_names(program: Program, key: UnitKey, owner: Expr, name: Expr) -> Iterable[str]:
    """The attributes that `setattr(owner, name, …)` may set: where the name is not known, all that a module or a class
    of the tree gives a value."""
    if isinstance(name, Const):
        return (name.value,) if isinstance(name.value, str) else ()
    refs = program.resolve(key, name)
    known = [ref.value for ref in refs if isinstance(ref, ConstRef) and isinstance(ref.value, str)]
    if known:
        return known
    found: dict[str, None] = {}
    for ref in program.resolve(key, owner):
        if isinstance(ref, ModRef) and ref.path in program.files:
            found.update(dict.fromkeys(_bound(program.unit(UnitKey(ref.path, 0)))))
        elif isinstance(ref, ObjRef):
            for each in program.project_bases(UnitKey(ref.path, ref.number)):
                found.update(dict.fromkeys(_members(program, each)))
    return found


def asked_attribute(event: Call) -> Attr | None:
    """The attribute that `getattr(owner, "name", …)` reads."""
    if event.func != Name("getattr") or len(event.args) < 2:
        return None
    name = event.args[1]
    is_text = isinstance(name, Const) and isinstance(name.value, str)
    return Attr(event.args[0], name.value) if is_text else None  # type: ignore[union-attr, arg-type]  # it is a text


def _bound(unit: Unit) -> Iterator[str]:
    return (e.name for e in unit.events if isinstance(e, Bind) and e.how in ("assign", "annotation"))


def _members(program: Program, key: UnitKey) -> Iterator[str]:
    yield from _bound(program.unit(key))
    for unit in program.files[key.path].units:
        if unit.parent == key.number and unit.params:
            own = Name(unit.params[0].name)
            yield from (e.name for e in unit.events if isinstance(e, SetAttr) and e.obj == own)


def goes_on(program: Program, key: UnitKey, value: Expr | None) -> bool:
    """Whether a value gives something else each time that it is asked for the next: a counter, or a generator that does
    not go round the same things for ever."""
    if isinstance(value, Comp):
        return value.kind == "generator"
    if not isinstance(value, Result):
        return False
    if not _COUNTERS.isdisjoint(program.symbols(key, value.event)):
        return True
    call = program.unit(key).events[value.event]
    made = program.resolve(key, call.func) if isinstance(call, Call) else ()
    units = [program.unit(UnitKey(ref.path, ref.number)) for ref in made if isinstance(ref, UnitRef)]
    return any(unit.is_generator and not _goes_round(unit) for unit in units)


def _goes_round(unit: Unit) -> bool:
    """Whether a generator repeats itself: it yields in an endless loop, and keeps nothing from one round to the next."""
    endless = any(block.kind == "while" and isinstance(block.test, Const) for block in unit.blocks)
    yields = any(isinstance(event, Yield) for event in unit.events)
    return endless and yields and not any(isinstance(e, Bind) and e.how == "aug" for e in unit.events)


def default_of_all(program: Program, key: UnitKey, value: Result) -> Expr | None:
    """The default of a context variable, which is the same object wherever none was set."""
    call = program.unit(key).events[value.event]
    if isinstance(call, Call) and "contextvars.ContextVar" in program.symbols(key, value.event):
        return program.argument(key, call, "default")
    return None


def variables(places: Iterable[Storage]) -> dict[str, Storage]:
    """The variables of the process among places: name -> place."""
    return {
        place.name.removeprefix(_VARIABLES).rstrip("]"): place
        for place in places
        if place.kind == "library" and place.name.startswith(_VARIABLES)
    }


def variable_read(program: Program, key: UnitKey, number: int, event: Event) -> str:
    """The variable that a call of `os.getenv` reads, or ""."""
    if not isinstance(event, Call) or not event.args or not isinstance(event.func, Name | Attr):
        return ""
    name, given = event.func.id if isinstance(event.func, Name) else event.func.name, event.args[0]
    is_read = name == "getenv" and isinstance(given, Const) and "os.getenv" in program.symbols(key, number)
    return str(given.value) if is_read and isinstance(given, Const) else ""
