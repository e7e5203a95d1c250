"""What the calls of a unit run, and what they do to the world."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from proctor.link.families import are_written
from proctor.link.linked import Hidden, Loading, SettingWrite
from proctor.link.memory import attribute_cell, beside_cell
from proctor.link.results import text_prefix
from proctor.link.runs import Runs
from proctor.link.scopes import Scope
from proctor.link.sheet import Part, Sheet
from proctor.model.fact import Attr, Bind, Call, Const, Event, Expr, Name, Result, Return, Seq
from proctor.model.program import (
    BoundRef,
    ConstRef,
    Lane,
    LibObj,
    LibRef,
    ModRef,
    ObjRef,
    Ref,
    UnitKey,
    UnitRef,
)

#: built-in function -> the method of its first argument that it calls
_ASKED = {
    **{f"builtins.{name}": f"__{name}__" for name in ("len", "str", "repr", "bool", "int", "float", "hash", "iter", "next",
                                                      "abs", "reversed", "bytes", "format")},
    **{f"builtins.{name}": "__iter__" for name in ("list", "tuple", "set", "sorted", "sum", "min", "max", "any", "all",
                                                   "enumerate", "zip", "frozenset")},
}  # fmt: skip


#: names of methods that go through all that an object is there for
_DOES_THE_WORK = frozenset({"run", "start", "serve", "serve_forever", "run_forever", "main", "work", "listen", "consume", "poll", "loop",
                            "execute", "process", "handle"})  # fmt: skip
#: names that libraries give to the methods that they call
_IS_CALLED = ("on_*", "handle*", "do_*", "run*", "process*", "execute*", "perform*", "consume*", "receive*", "dispatch*", "callback*",
              "work", "main", "tick")  # fmt: skip


class Calls(Part):
    """The calls of one unit."""

    def __init__(self, sheet: Sheet, runs: Runs) -> None:
        super().__init__(sheet)
        self.runs = runs

    def link(self, number: int, event: Call) -> None:
        """One call: what it runs, does, passes on and sets."""
        refs = self.world.resolve(event.func, self.scope)
        symbols: list[str] = []
        for ref in refs:
            if isinstance(ref, UnitRef | BoundRef):
                self._project_call(ref, number, event)
            elif isinstance(ref, ObjRef):
                for method in self.world.class_member(UnitKey(ref.path, ref.number), "__call__", ref):
                    if isinstance(method, BoundRef):
                        self._project_call(method, number, event)
                    elif isinstance(method, LibRef):
                        symbols.append(method.symbol)
            elif isinstance(ref, LibRef):
                symbols.append(ref.symbol)
            elif isinstance(ref, LibObj):
                symbols.append(f"{ref.type}.__call__")
        if symbols:
            self.sheet.symbols[number] = tuple(dict.fromkeys(symbols))
            for symbol in self.sheet.symbols[number]:
                self._library_call(symbol, number, event)
        self._computed(number, event)
        if event.args and event.use != "decorator":
            self._applied(number, event, symbols)
        if isinstance(event.func, Attr) and not any(self._is_told(ref) for ref in refs):
            guessed = self.ledger.vague(self.key, number, event.func.name)
            if guessed is not None:
                self._project_call(BoundRef(*guessed, *guessed), number, event, guessed=True)

    def _goes_on(self, func: Attr, number: int, event: Call) -> None:
        """An object of a class below one that no model speaks of is told to do what only that class knows. Where the name
        says that this is all that it is there for (`listener.run()`), it calls those methods of the app's own class that are
        named as what a library calls (`on_message`)."""
        for ref in self.world.resolve(func.value, self.scope):
            if isinstance(ref, ObjRef):
                key = UnitKey(ref.path, ref.number)
                library = next(filter(self.rows.is_unknown, self.world.mro(key)[1]), "")
                if library and self._public(key) and not self._has(ref, func.name):
                    name = self.world.scope(key).unit.name
                    reason = (
                        f"`{library}` is not modelled: what its `{func.name}` runs of `{name}` is not known"
                    )
                    place = self.sheet.place(event)
                    self.sheet.hidden.append(Hidden(self.key, place, reason, begins=True))
                    for owner in self.world.mro(key)[0] if func.name in _DOES_THE_WORK else ():
                        for method in self.runs.methods(owner, _IS_CALLED):
                            self.sheet.edge(method, number, event.block, place, "call")
                    return

    def _has(self, ref: ObjRef, name: str) -> bool:
        """Whether a class of the tree has a method itself."""
        found = self.world.class_member(UnitKey(ref.path, ref.number), name, ref)
        return any(isinstance(member, BoundRef) for member in found)

    def _is_told(self, ref: Ref) -> bool:
        """Whether it is known what calling `ref` does: a library's proxy may stand for an object of the app."""
        if not isinstance(ref, LibRef):
            return True
        if ref.symbol.startswith("builtins."):
            return True
        return self.rows.speak_of(ref.symbol)

    def _project_call(self, ref: UnitRef | BoundRef, number: int, event: Call, guessed: bool = False) -> None:
        key = UnitKey(ref.path, ref.number)
        if self.world.unit_kind(ref) == "class":
            self.construct(key, event, number, event)
            return
        if self.ledger.is_replaced(key):
            return
        beside = self.world.look_at(beside_cell(key)) if self.world.scope(key).unit.decorators else ()
        for other in beside:
            if isinstance(other, UnitRef):
                self._project_call(BoundRef(other.path, other.number, *key), number, event, guessed)
        # What is awaited though it is no coroutine function was wrapped by something that runs it in a thread.
        wrapped = event.use == "await" and self.unit.is_async and not self._gives_awaitable(key)
        lane: Lane | None = "thread" if wrapped else None
        offset = self.runs.offset(ref)
        self.sheet.edge(
            key,
            number,
            event.block,
            self.sheet.place(event),
            "call",
            lane=lane,
            awaited=event.use == "await",
            wrapped=self._is_wrapped(ref, event.func),
            guessed=guessed,
            offset=offset,
        )
        self.runs.pass_arguments(key, offset, event)

    def _is_wrapped(self, ref: UnitRef | BoundRef, expr: Expr) -> bool:
        """Whether what is called or passed on was handed to the decorator around this unit: whoever calls its name is
        noted to run it already, and of all the functions that are decorated so it is this one."""
        scope: Scope | None = self.scope
        while isinstance(expr, Name) and scope is not None:
            number = scope.param_index.get(expr.id)
            if number is not None:
                return (scope.key, number, ref) in self.ledger.wrapped
            if expr.id in scope.bindings:
                return False
            scope = scope.parent
        return False

    def _gives_awaitable(self, key: UnitKey) -> bool:
        """Whether a function is a coroutine function, or plainly hands on what one gives."""
        scope = self.world.scope(key)
        for event in scope.unit.events:
            call = (
                scope.unit.events[event.value.event]
                if isinstance(event, Return) and isinstance(event.value, Result)
                else None
            )
            for ref in self.world.resolve(call.func, scope) if isinstance(call, Call) else ():
                if (
                    isinstance(ref, UnitRef | BoundRef)
                    and self.world.files[ref.path].units[ref.number].is_async
                ):
                    return True
        return scope.unit.is_async

    def construct(self, key: UnitKey, call: Call | None, number: int, event: Event) -> None:
        """A class of the tree is instantiated."""
        made = ObjRef(key.path, key.number, True)
        self.ledger.makers.setdefault(key, {})[(self.key, number)] = None
        project, library = self.world.mro(key)
        has_own = False
        for name in ("__new__", "__init__", "__post_init__", "__del__"):
            for method in self.world.class_member(key, name, made):
                if isinstance(method, BoundRef):
                    has_own = has_own or name in ("__new__", "__init__")
                    target = UnitKey(method.path, method.number)
                    passes = call is not None and name != "__del__"
                    self.sheet.edge(
                        target,
                        number,
                        event.block,
                        self.sheet.place(event),
                        "call",
                        offset=1 if passes else None,
                    )
                    if call is not None and passes:
                        self.runs.pass_arguments(target, 1, call)
        if call is not None and not has_own:
            self._fill_fields(project, call)
        for meta in self.world.metaclasses(key):
            for target in self.runs.methods(meta, ("__call__",)):
                self.sheet.edge(target, number, event.block, self.sheet.place(event), "call")
        for owner in project:
            for factory in self.ledger.factories.get(owner, ()):
                self.sheet.edge(factory, number, event.block, self.sheet.place(event), "call")
        for row in self.runs.base_rows(library):
            if row.when == "made":
                self.runs.register_methods(row, project, library, number, event)
        inits = [scope for scope in map(self._init_of, project) if scope is not None]
        told = _base_call(inits[-1]) if inits else None
        for base in library if told is not None or not inits else ():
            # Making a subclass runs the library's own constructor, with what that does.
            self.sheet.effects(base, number, event, call, (told, inits[-1]) if told is not None else None)
            if call is not None and not has_own:
                self._passed_on(base, number, call)

    def _init_of(self, key: UnitKey) -> Scope | None:
        """The constructor that a class below a library's class writes itself."""
        for method in self.runs.methods(key, ("__init__",)) if self.world.mro(key)[1] else ():
            return self.world.scope(method)
        return None

    def _fill_fields(self, project: tuple[UnitKey, ...], call: Call) -> None:
        """A class without a constructor of its own keeps what it is given in the fields that it lists."""
        fields: dict[str, UnitKey] = {}
        for owner in reversed(project):
            for event in self.world.scope(owner).unit.events:
                if isinstance(event, Bind) and event.annotation is not None:
                    fields[event.name] = owner
        for name, value in (*zip(fields, call.args, strict=False), *call.keywords):
            if name in fields:
                holder = UnitRef(*fields[name])
                self.ledger.feed_kept(attribute_cell(holder, name), self.runs.passable(value))
                self.ledger.feed_kept(attribute_cell(holder, f"{name}[]"), self.runs.held(value))

    def _ask_object(self, method: str, number: int, event: Call) -> None:
        """A built-in function that asks its argument (`len(x)`, `str(x)`, `list(x)`)."""
        for ref in self.world.resolve(event.args[0], self.scope):
            if isinstance(ref, ObjRef):
                for found in self.world.class_member(UnitKey(ref.path, ref.number), method, ref):
                    if isinstance(found, BoundRef):
                        target = UnitKey(found.path, found.number)
                        self.sheet.edge(target, number, event.block, self.sheet.place(event), "call")

    def _passed_on(self, symbol: str, number: int, event: Call) -> bool:
        """What a library runs of the arguments of a call; False where no row speaks of it. The constructor that a
        subclass calls runs what calling the class would."""
        owner = symbol.removesuffix(".__init__")
        rows = self.rows.find(self.rows.runs, symbol)
        if not rows and owner != symbol and not self._passes_self(event):
            rows = self.rows.find(self.rows.runs, owner)
        matched = False
        for row in rows:
            if row.argument == "decorator":
                matched = True
                continue
            if self.ledger.conditions.hold(row.where, event, self.scope) is False:
                continue
            matched = True
            if row.phase != "later" or not self._is_handed_over(number):
                self.runs.follow(row, number, event)
        return matched

    def _is_handed_over(self, number: int) -> bool:
        """Whether what a call wraps goes straight to a library that is known to run it (`run_once(partial(work, 1))`)."""
        given = Result(number)
        for later in self.unit.events[number + 1 :]:
            if isinstance(later, Call) and (
                given in later.args or any(v == given for _, v in later.keywords)
            ):
                wrapped = self.world.resolve(given, self.scope)
                takers = self.world.resolve(later.func, self.scope)
                return any(isinstance(ref, UnitRef | BoundRef) for ref in wrapped) and any(
                    isinstance(ref, LibRef) and self.rows.find(self.rows.runs, ref.symbol) for ref in takers
                )
        return False

    def _passes_self(self, event: Call) -> bool:
        """Whether a method hands on its own object first (`Base.__init__(self, …)`)."""
        params = self.unit.params
        return bool(event.args and params) and event.args[0] == Name(params[0].name)

    def _library_call(self, symbol: str, number: int, event: Call) -> None:
        asked = _ASKED.get(symbol)
        if asked and event.args:
            self._ask_object(asked, number, event)
        self.sheet.effects(symbol, number, event, event)
        family = self.rows.entry_calls.get(symbol)
        for ref in self.world.resolve(event.args[0], self.scope) if family and event.args else ():
            if isinstance(ref, UnitRef) and self.world.unit_kind(ref) == "class":
                self.ledger.take_as_entry(UnitKey(ref.path, ref.number), family or "")
        if isinstance(event.func, Attr) and self.rows.is_unknown(symbol.rpartition(".")[0]):
            self._goes_on(event.func, number, event)
        matched = self._passed_on(symbol, number, event)
        for loads in self.rows.find(self.rows.loads, symbol):
            self.sheet.loads.append(Loading(self.key, loads, number, self.sheet.place(event)))
        if not matched:
            self._callbacks(symbol, event, number)
        if (
            any(name in self.rows.environment_setters for name in self.rows.chain(symbol))
            and len(event.args) > 1
        ):
            self.sheet.environment_write(event.args[0], event.args[1], symbol.endswith("setdefault"))
        self._setting_call(symbol, number, event)
        self._make(symbol, number, event)
        if symbol == "builtins.getattr" and len(event.args) >= 2 and not isinstance(event.args[1], Const):
            self._dynamic_attribute(event)

    def _make(self, symbol: str, number: int, event: Call) -> None:
        """A call that makes an instance of a class that it is given does what calling the class would."""
        rows = self.rows.find(self.rows.makers, symbol) if event.keywords else []
        for made in self.world.results.made_of(rows, event, self.scope) if rows else ():
            if isinstance(made, LibRef):
                self.sheet.effects(made.symbol, number, event, event)
                self._passed_on(made.symbol, number, event)
            else:
                self.construct(UnitKey(made.path, made.number), event, number, event)

    def _setting_call(self, symbol: str, number: int, event: Call) -> None:
        for name in self.rows.chain(symbol):
            for row, role in self.rows.setting_symbols.get(name, ()):
                if role != "mapping":
                    self.ledger.settings[(self.key, number)] = SettingWrite(row, role, self.scope, event)

    def _dynamic_attribute(self, event: Call) -> None:
        if are_written(self.world, event.args[1], self.scope):
            return
        for ref in self.world.resolve(event.args[0], self.scope):
            if isinstance(ref, ModRef):
                reason = f"`getattr` with a name that is computed, on module `{ref.path}`"
                self.sheet.hidden.append(Hidden(self.key, self.sheet.place(event), reason))

    def _applied(self, number: int, event: Call, symbols: list[str]) -> None:
        """A decorator that is called as a function: `app.route("/")(view)`, `app.before_request(load_user)`."""
        made = self.unit.events[event.func.event] if isinstance(event.func, Result) else None
        pairs: list[tuple[str, Call | None]] = [(symbol, None) for symbol in symbols]
        if isinstance(made, Call):
            refs = self.world.resolve(made.func, self.scope)
            pairs = [(ref.symbol, made) for ref in refs if isinstance(ref, LibRef)]
        for symbol, call in pairs:
            rows = self.rows.find(self.rows.run_decorators, symbol)
            if call is not None:
                rows = [
                    *rows,
                    *(row for row in self.rows.find(self.rows.runs, symbol) if row.argument == "decorator"),
                ]
            for row in rows:
                if self.ledger.conditions.hold(row.where, call, self.scope) is not False:
                    self.runs.run(row, self.runs.targets(row, event.args[0]), number, event, None)

    def _computed(self, number: int, event: Call) -> None:
        """A method chosen by a computed name is called: it may be any public one of the object."""
        for call in self._getattr_calls(event.func):
            if isinstance(call.args[1], Const) or text_prefix(call.args[1]):
                continue
            if any(isinstance(ref, ConstRef) for ref in self.world.resolve(call.args[1], self.scope)):
                continue
            for ref in self.world.resolve(call.args[0], self.scope):
                if isinstance(ref, ObjRef):
                    for name in self._public(UnitKey(ref.path, ref.number)):
                        for method in self.world.member(ref, name):
                            if isinstance(method, BoundRef):
                                self._project_call(method, number, event)

    def _getattr_calls(self, func: Expr) -> Iterator[Call]:
        """The calls of `getattr` that give what is called."""
        given: list[Expr | None] = [func]
        if isinstance(func, Name):
            bound = self.scope.bindings.get(func.id, ())
            given = [
                each.event.value
                for each in bound
                if isinstance(each.event, Bind) and each.event.how == "assign"
            ]
        for expr in given:
            made = self.unit.events[expr.event] if isinstance(expr, Result) else None
            if isinstance(made, Call) and made.func == Name("getattr") and len(made.args) >= 2:
                yield made

    def _public(self, key: UnitKey) -> list[str]:
        owners = (*self.world.mro(key)[0], *self.world.below(key))
        units = [
            unit for owner in owners for unit in self.world.scope(owner).module.functions_of(owner.number)
        ]
        return list(dict.fromkeys(unit.name for unit in units if not unit.name.startswith("_")))

    def _callbacks(self, symbol: str, event: Call, number: int) -> None:
        """A function handed to a call that no row speaks of: it is taken to be called there and then.
        (At import it is more often registered or wrapped: see `reach`. The built-ins that call have rows of their own.)"""
        if symbol.startswith("builtins.") or self.rows.is_transparent(symbol):
            return
        if self.rows.find(self.rows.effects, symbol):
            return
        given = (*event.args, *(value for _, value in event.keywords))
        inside = [item for arg in given if isinstance(arg, Seq) for item in arg.items]
        for arg in (*given, *inside):
            if isinstance(arg, Const | Result):
                continue
            for ref in self.world.resolve(arg, self.scope):
                if self.world.is_function(ref):
                    target = UnitKey(ref.path, ref.number)
                    place, wrapped = self.sheet.place(event), self._is_wrapped(ref, arg)
                    self.sheet.edge(
                        target, number, event.block, place, "callback", text=symbol, wrapped=wrapped
                    )


def _base_call(scope: Scope) -> Call | None:
    """The call by which a constructor runs the one of a class above."""
    for event in scope.unit.events:
        if isinstance(event, Call) and isinstance(event.func, Attr) and event.func.name == "__init__":
            # `Base.__init__(self, …)` hands on the object itself, too
            own = event.args[:1] == tuple(Name(param.name) for param in scope.unit.params[:1])
            return msgspec.structs.replace(event, args=event.args[1:]) if own and event.args else event
    return None
