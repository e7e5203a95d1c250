"""The facts of one source file: a small, language-neutral record of its scopes and what each does.

A fact depends on the bytes of one file only: names are as written, nothing is resolved, no library
is known. A file is a list of scopes (`Unit`): its module body first, then classes, functions and
lambdas. A unit holds its `events` in evaluation order, each inside a `block` of the unit's block
tree (block 0 is the body itself), so that control flow can be read back.

Expressions (`Expr`) are trees whose calls are references: `Result(i)` is the value of the call event
`i` of the same unit. All structs are msgspec arrays, so a file's facts are one compact byte string.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, TypeAlias

import msgspec

ParamKind = Literal["positional", "keyword", "args", "kwargs"]
UnitKind = Literal["module", "class", "function", "lambda"]
BindHow = Literal[
    "assign",
    "aug",
    "annotation",
    "for",
    "with",
    "except",
    "unpack",
    "walrus",
    "comprehension",
    "match",
    "delete",
]
BlockKind = Literal[
    "body", "if", "else", "while", "for", "loop-else", "try", "except", "try-else", "finally", "with", "case",
    "comprehension",
]  # fmt: skip


class _Node(msgspec.Struct, frozen=True, array_like=True, gc=False, cache_hash=True):
    """Base of all expression and event records."""


class Const(_Node, frozen=True, tag=0):
    """A literal. Bytes become their text (Latin-1, 200 characters at most), `...` becomes None, a text keeps its
    first 4000 characters. Numbers that do not fit (complex, integers beyond 64 bits) are `Other`."""

    value: str | int | float | bool | None


class Name(_Node, frozen=True, tag=1):
    """A name as written."""

    id: str


class Attr(_Node, frozen=True, tag=2):
    """`value.name`."""

    value: Expr
    name: str


class Item(_Node, frozen=True, tag=3):
    """`value[index]`; a slice's index is `Other("slice")`."""

    value: Expr
    index: Expr


class Result(_Node, frozen=True, tag=4):
    """The value of call event number `event` of the same unit."""

    event: int


class Seq(_Node, frozen=True, tag=5):
    """A list, tuple or set display."""

    kind: Literal["list", "tuple", "set"]
    items: tuple[Expr, ...]


class Map(_Node, frozen=True, tag=6):
    """A dict display; a `**other` entry has key None."""

    keys: tuple[Expr | None, ...]
    values: tuple[Expr, ...]


class Text(_Node, frozen=True, tag=7):
    """Text put together from parts: an f-string, `"…" % x` (the template is the first part), or `+` where one side
    is a literal or `Text` itself. Constant parts are `Const`."""

    parts: tuple[Expr, ...]


class Op(_Node, frozen=True, tag=8):
    """An operator: `or`, `and`, `not`, `==`, `in`, `not in`, `is`, `+`, `<`, `|`, …; a sign or `~` has one operand.
    A chained comparison keeps all operands, its name all operators (`< <=`). In a block's test also `match`."""

    name: str
    operands: tuple[Expr, ...]


class Choice(_Node, frozen=True, tag=9):
    """`body if test else orelse`."""

    test: Expr
    body: Expr
    orelse: Expr


class Func(_Node, frozen=True, tag=10):
    """A lambda: the unit with this index in the file."""

    unit: int


class Comp(_Node, frozen=True, tag=11):
    """A comprehension or generator expression; its parts' events stand in a `comprehension` block. The element of
    a dict comprehension is a tuple `Seq` of key and value. `tests` are its conditions."""

    kind: Literal["list", "set", "dict", "generator"]
    element: Expr
    tests: tuple[Expr, ...] = ()


class Star(_Node, frozen=True, tag=12):
    """`*value` in a call or display."""

    value: Expr


class Await(_Node, frozen=True, tag=13):
    """`await value` (calls that are awaited directly also say so themselves)."""

    value: Expr


class Other(_Node, frozen=True, tag=14):
    """Anything else; `what` is the syntax node's (or, of a literal, the type's) name. Also what is nested more than
    sixty levels deep, so that expressions can be walked by plain recursion."""

    what: str


Expr: TypeAlias = (
    Const | Name | Attr | Item | Result | Seq | Map | Text | Op | Choice | Func | Comp | Star | Await | Other
)


def entry_name(index: Expr) -> str:
    """How the entry of a mapping is called: a constant text, or the name of the constant that is its key; "" where the
    key is computed."""
    if isinstance(index, Const):
        return index.value if isinstance(index.value, str) else ""
    return index.id if isinstance(index, Name) else index.name if isinstance(index, Attr) else ""


class _Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the event stands: its block in the unit, and its span (lines from 1, columns from 0 in bytes)."""

    block: int
    line: int
    column: int
    end_line: int
    end_column: int


class Call(_Event, frozen=True, tag=0):
    """A call. `keywords` has name "" for `**mapping`. `use` says what becomes of the result: "statement" (dropped),
    "await" (directly awaited, whatever becomes of the awaited value), "return" (directly returned), "with" (a context
    manager), "for" (iterated, also in a comprehension), "decorator", "value" (anything else)."""

    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...]
    use: Literal["statement", "await", "return", "with", "for", "decorator", "value"]


class Bind(_Event, frozen=True, tag=1):
    """A name is bound. `value` is None where it cannot be said; for `for`/`with`/`unpack`/`comprehension` it is the
    iterable, the context manager or the unpacked value, also for the names of a nested target (`for a, b in x`);
    for `match` it is the subject. A display unpacked one to one (`a, b = 1, 2`) is so many plain "assign"s.
    `op` is the operator of an augmented assignment, which reads the name as well. `x: T` alone is an "annotation";
    `x: T = v` is an "assign" with its `annotation`. `part` says the name's place among the names of the target and how
    many they are, where all are plain names (`for a, b in x`: (0, 2) and (1, 2))."""

    name: str
    value: Expr | None
    how: BindHow
    annotation: Expr | None = None
    op: str = ""
    part: tuple[int, int] | None = None


class SetAttr(_Event, frozen=True, tag=2):
    """`obj.name = value` (how, op and annotation as in Bind; "delete" for `del obj.name`). That `obj` is read
    is not recorded apart."""

    obj: Expr
    name: str
    value: Expr | None
    how: BindHow
    op: str = ""
    annotation: Expr | None = None


class SetItem(_Event, frozen=True, tag=3):
    """`obj[index] = value` (how and op as in Bind; "delete" for `del obj[index]`). That `obj` is read is not
    recorded apart."""

    obj: Expr
    index: Expr
    value: Expr | None
    how: BindHow
    op: str = ""


class Load(_Event, frozen=True, tag=4):
    """A name, attribute chain or item is read. Recorded once for the longest chain (`a.b.c`), and not for the callee
    of a call, the owner of an attribute or item that is set, nor for plain names that are local to the unit. What
    the unit or block itself holds is not recorded again: decorators, bases, annotations, caught types."""

    expr: Expr


class Return(_Event, frozen=True, tag=5):
    """`return value` (None for a bare return)."""

    value: Expr | None


class Yield(_Event, frozen=True, tag=6):
    """`yield value` or `yield from value`."""

    value: Expr | None


class Raise(_Event, frozen=True, tag=7):
    """`raise exc`; None for a bare re-raise."""

    value: Expr | None


class Jump(_Event, frozen=True, tag=8):
    """`break` or `continue`."""

    kind: Literal["break", "continue"]


class Awaits(_Event, frozen=True, tag=9):
    """A suspension point that is no call: `await name`, an `async for` step (first in its block, also in a
    comprehension), an `async with` entry (first in its block; the exit suspends, too)."""

    value: Expr | None


class Import(_Event, frozen=True, tag=10):
    """One imported name. `import a.b as c`: module "a.b", name None, alias "c"; `from .m import x as y`:
    module "m", level 1, name "x", alias "y"; a star import has name "*"."""

    module: str
    name: str | None
    alias: str | None
    level: int


class Define(_Event, frozen=True, tag=11):
    """A nested `def` or `class`: the unit with this index is made here and bound to its name."""

    unit: int


Event: TypeAlias = (
    Call | Bind | SetAttr | SetItem | Load | Return | Yield | Raise | Jump | Awaits | Import | Define
)


class Block(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A stretch of a unit's body; its parent has a smaller index, and is -1 for block 0.

    `test` is the condition of if/while, the iterable of `for` and of a comprehension, the context manager of `with`
    (a Seq of one: `with a, b` is two nested blocks), the caught types of `except` (a Seq; None for a bare except).
    Of a `case` it is `Op("match", (subject, pattern))` with a guard as third operand, or None where anything matches:
    a pattern is a value, a class, a Seq, a Map, `Op("|", …)` of alternatives, or Other.
    `name` is the bound exception or target name. `group` ties the arms of one statement (if/else,
    try/except/else/finally, loop/loop-else, cases) together: the same number for all, 0 for none. `elif` is an `if`
    inside the `else`. `line` is the statement's own, or the first inside for an arm that has no expression.

    The events of a condition, iterable, context manager or subject stand in the parent block, being evaluated once
    and first; those of a `while` test stand in the `while` block itself, being evaluated each time, and those
    of caught types and patterns in their own block. `and`, `or` and `x if t else y` open no block."""

    kind: BlockKind
    parent: int
    line: int
    end_line: int
    test: Expr | None = None
    name: str = ""
    is_async: bool = False
    group: int = 0


class Param(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parameter; `default` and `annotation` are expressions of the enclosing unit. A quoted annotation is given as
    what it quotes."""

    name: str
    kind: ParamKind
    default: Expr | None = None
    annotation: Expr | None = None


class Unit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A scope: module, class, function or lambda. `parent` is the enclosing unit's index (-1 for the module).
    Calls in decorators, defaults, annotations and bases are events of the enclosing unit, before its Define.
    `decorators` and `bases` are expressions of the enclosing unit; `keywords` are class keywords (metaclass…).
    `qualname` is the dotted path inside the module ("" for the module itself, "C.m", "f.<locals>.g"; shortened in
    front where it is very long). The value of a lambda is its one Return."""

    index: int
    kind: UnitKind
    name: str
    qualname: str
    parent: int
    line: int
    column: int
    end_line: int
    end_column: int
    is_async: bool
    is_generator: bool
    params: tuple[Param, ...]
    decorators: tuple[Expr, ...]
    bases: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...]
    returns: Expr | None
    globals: tuple[str, ...]
    nonlocals: tuple[str, ...]
    blocks: tuple[Block, ...]
    events: tuple[Event, ...]
    #: names that are bound in this unit: parameters, type parameters and comprehension targets included, those
    #: declared `global` or `nonlocal` not. A `global` statement of the module body is left out, as it says nothing.
    locals: tuple[str, ...]


class Ignore(msgspec.Struct, frozen=True, array_like=True):
    """An inline acceptance comment: `# proctor: ignore[TF611,TC14] reason`. `codes` empty means malformed.
    `line` is the line it applies to, `at` the line it stands on."""

    line: int
    at: int
    codes: tuple[str, ...]
    reason: str
    until: str = ""


def last_name(expr: Expr) -> str:
    """The last part of the name that an expression is written with; "" where it is none."""
    return expr.id if isinstance(expr, Name) else expr.name if isinstance(expr, Attr) else ""


class FileFacts(msgspec.Struct, frozen=True, array_like=True):
    """All facts of one readable file. `n_lines` is its physical line count; `public` is `__all__` if literal; `changed`
    are the attributes that it sets on objects other than a method's own (`view.value = True`), sorted; `made` says what
    instances of classes are given: "Class.name" for a keyword, "Class#n" for n positional arguments ("*" for any), sorted."""

    n_lines: int
    units: tuple[Unit, ...]
    ignores: tuple[Ignore, ...]
    public: tuple[str, ...] | None = None
    changed: tuple[str, ...] = ()
    made: tuple[str, ...] = ()


class Unread(msgspec.Struct, frozen=True, array_like=True):
    """A file whose facts could not be had; `reason` is a sentence without a full stop."""

    reason: str
    line: int = 0


class Facts(msgspec.Struct, frozen=True):
    """The facts of a tree, by path. `files` has every Python file that was read, `unread` every other one;
    `digests` is the content hash (hexadecimal) of each file whose bytes could be had, of both kinds. `path_writers` are
    the files that speak of `sys.path`."""

    files: Mapping[str, FileFacts]
    unread: Mapping[str, Unread]
    digests: Mapping[str, str]
    path_writers: tuple[str, ...] = ()
