"""Source for a newer Python than the running one gives the facts it would give there."""

from __future__ import annotations

import pytest
from fact_text import read, shown

#: new syntax, and what says the same in the syntax of Python 3.10
SAME = {
    "except-list": ("try: a()\nexcept BB, c.d, EE: e()", "try: a()\nexcept (BB, c.d, EE): e()"),
    "except-group": ("try: a()\nexcept* BB as e: f(e)", "try: a()\nexcept BB as e: f(e)"),
    "template-text": ("f(t'a {b}', rt'\\d')", "f(f'a {b}', rf'\\d')"),
    "same-quotes": (
        'f(f"{a["b"]} {{}} {c.d("e")!r:>{g["h"]}}", "i")',
        "f(f\"{a['b']} {{}} {c.d('e')!r:>{g['h']}}\", 'i')",
    ),
    "nested-text": ('x = f"{f"{a}"}"', "x = f\"{f'{a}'}\""),
    "comma-in-braces": ('x = f"{", ".join(a)} {b}"', "x = f\"{', '.join(a)} {b}\""),
    "several-texts": ('f(f"{a["b"]}", f\'{c}\', f"{d["e"]}")', "f(f\"{a['b']}\", f'{c}', f\"{d['e']}\")"),
    "inside-lines": ('f(\n  a,\n  f"{b["c"]}",\n)', "f(\n  a,\n  f\"{b['c']}\",\n)"),
    "spanning-lines": ('x = f"a {\n  b["c"]\n} {d}"\ne()', "x = f\"a {b['c']} {d}\"\n\n\ne()"),
    "type-alias": ("type Pair[T] = tuple[T, T] | None\nf()", "Pair = tuple[T, T] | None\nf()"),
}


@pytest.mark.parametrize("name", sorted(SAME))
def test_same_as_in_old_syntax(name: str) -> None:
    new, old = SAME[name]
    assert shown(new) == shown(old)
    assert len(read(new).units) == 1


def test_type_parameters_leave_the_rest_in_place() -> None:
    source = "def f[T: (int, str)](a: T, b: list[T] = c()) -> T:\n    return a\n\nclass C[*Ts](B[Ts]): pass\n"
    found = read(source)
    module, function, cls = found.units
    assert [(param.name, param.annotation is not None) for param in function.params] == [
        ("a", True),
        ("b", True),
    ]
    assert (cls.name, len(cls.bases), cls.line) == ("C", 1, 4)
    (call,) = (event for event in module.events if type(event).__name__ == "Call")
    assert (call.line, call.column) == (1, 40)


def test_a_variable_named_type_is_left_alone() -> None:
    assert shown("type = a\ntype(b)\n") == "0: load a\n0: assign type = a\n0: load b\n0: statement type(b)"
