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


class _Node(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Base of all expression and event records."""


class Const(_Node, frozen=True, tag=0):
    """A literal; bytes become their length-limited text, `...` becomes None."""

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
    """Text put together from parts: f-string, `%`, `.format`-free concatenation of a str literal."""

    parts: tuple[Expr, ...]


class Op(_Node, frozen=True, tag=8):
    """An operator: `or`, `and`, `not`, `==`, `in`, `is`, `+`, `<`, `|`, `-x`, …; chained comparisons keep all operands."""

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
    """A comprehension or generator expression; its parts' events stand in a `comprehension` block."""

    kind: Literal["list", "set", "dict", "generator"]
    element: Expr


class Star(_Node, frozen=True, tag=12):
    """`*value` in a call or display."""

    value: Expr


class Await(_Node, frozen=True, tag=13):
    """`await value` (calls that are awaited directly also say so themselves)."""

    value: Expr


class Other(_Node, frozen=True, tag=14):
    """Anything else; `what` is the syntax node's name."""

    what: str


Expr: TypeAlias = (
    Const | Name | Attr | Item | Result | Seq | Map | Text | Op | Choice | Func | Comp | Star | Await | Other
)


class _Event(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Where the event stands: its block in the unit, and its span (lines from 1, columns from 0 in bytes)."""

    block: int
    line: int
    column: int
    end_line: int
    end_column: int


class Call(_Event, frozen=True, tag=0):
    """A call. `keywords` has name "" for `**mapping`. `use` says what becomes of the result:
    "statement" (dropped), "await", "return", "with", "for", "decorator", "value"."""

    func: Expr
    args: tuple[Expr, ...]
    keywords: tuple[tuple[str, Expr], ...]
    use: Literal["statement", "await", "return", "with", "for", "decorator", "value"]


class Bind(_Event, frozen=True, tag=1):
    """A name is bound. `value` is None where it cannot be said; for `for`/`with`/`unpack`/`comprehension`
    it is the iterable, the context manager or the unpacked value. `op` is the operator of an augmented assignment."""

    name: str
    value: Expr | None
    how: BindHow
    annotation: Expr | None = None
    op: str = ""


class SetAttr(_Event, frozen=True, tag=2):
    """`obj.name = value` (how as in Bind; "delete" for `del obj.name`)."""

    obj: Expr
    name: str
    value: Expr | None
    how: BindHow
    op: str = ""
    annotation: Expr | None = None


class SetItem(_Event, frozen=True, tag=3):
    """`obj[index] = value` (how as in Bind; "delete" for `del obj[index]`)."""

    obj: Expr
    index: Expr
    value: Expr | None
    how: BindHow
    op: str = ""


class Load(_Event, frozen=True, tag=4):
    """A name, attribute chain or item is read. Recorded once for the longest chain (`a.b.c`), and not for
    the callee of a call, nor for plain names that are local to the unit."""

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
    """A suspension point that is no call: `await name`, an `async for` step, an `async with` entry."""

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
    """A stretch of a unit's body. `test` is the condition of if/while/case, the iterable of `for`, the
    context managers of `with` (a Seq), the caught types of `except` (a Seq; None for a bare except).
    `name` is the bound exception or target name; `first` numbers the first event after the block opened.
    `group` ties the arms of one statement (if/else, try/except/else/finally) together: the same number for all."""

    kind: BlockKind
    parent: int
    line: int
    end_line: int
    test: Expr | None = None
    name: str = ""
    is_async: bool = False
    group: int = 0


class Param(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A parameter; `default` and `annotation` are expressions of the enclosing unit."""

    name: str
    kind: ParamKind
    default: Expr | None = None
    annotation: Expr | None = None


class Unit(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A scope: module, class, function or lambda. `parent` is the enclosing unit's index (-1 for the module).
    `decorators` and `bases` are expressions of the enclosing unit; `keywords` are class keywords (metaclass…).
    `qualname` is the dotted path inside the module ("" for the module itself, "C.m", "f.<locals>.g")."""

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
    #: names that are bound in this unit (parameters included)
    locals: tuple[str, ...]


class Ignore(msgspec.Struct, frozen=True, array_like=True):
    """An inline acceptance comment: `# proctor: ignore[TF611,TC14] reason`. `codes` empty means malformed.
    `line` is the line it applies to, `at` the line it stands on."""

    line: int
    at: int
    codes: tuple[str, ...]
    reason: str
    until: str = ""


class FileFacts(msgspec.Struct, frozen=True, array_like=True):
    """All facts of one readable file. `n_lines` is its physical line count; `public` is `__all__` if literal."""

    n_lines: int
    units: tuple[Unit, ...]
    ignores: tuple[Ignore, ...]
    public: tuple[str, ...] | None = None


class Unread(msgspec.Struct, frozen=True, array_like=True):
    """A file whose facts could not be had; `reason` is a sentence without a full stop."""

    reason: str
    line: int = 0


class Facts(msgspec.Struct, frozen=True):
    """The facts of a tree, by path. `files` has every Python file that was read, `unread` every other one;
    `digests` is the content hash (hexadecimal) of each file whose bytes could be had, of both kinds."""

    files: Mapping[str, FileFacts]
    unread: Mapping[str, Unread]
    digests: Mapping[str, str]
