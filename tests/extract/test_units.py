"""What is said of a file and its scopes as such."""

from __future__ import annotations

import pytest
from fact_text import expr_text, read, unit

SOURCE = '''
"""A module."""
import os


@deco(1)
class C(Base, metaclass=Meta, flag=True):
    @property
    async def m(self, /, a, b: int = 1, *args: A, c, d=D, **kw) -> "list[int]":
        def inner():
            yield lambda z: z
        global G
        return inner

    class D: pass
'''


def test_units_stand_in_order_of_their_definition() -> None:
    found = read(SOURCE).units
    assert [(u.index, u.parent, u.kind, u.name, u.qualname) for u in found] == [
        (0, -1, "module", "", ""),
        (1, 0, "class", "C", "C"),
        (2, 1, "function", "m", "C.m"),
        (3, 2, "function", "inner", "C.m.<locals>.inner"),
        (4, 3, "lambda", "<lambda>", "C.m.<locals>.inner.<locals>.<lambda>"),
        (5, 1, "class", "D", "C.D"),
    ]


def test_spans_are_those_of_the_definition_without_its_decorators() -> None:
    found = read(SOURCE).units
    assert [(u.line, u.column, u.end_line, u.end_column) for u in found] == [
        (1, 0, 14, 0),
        (6, 0, 14, 17),
        (8, 4, 12, 20),
        (9, 8, 10, 29),
        (10, 18, 10, 29),
        (14, 4, 14, 17),
    ]


def test_function_record() -> None:
    found = unit(SOURCE, "C.m")
    assert found.is_async
    assert not found.is_generator
    assert found.globals == ("G",)
    assert found.locals == ("self", "a", "b", "args", "c", "d", "kw", "inner")
    assert [expr_text(part) for part in found.decorators] == ["property"]
    assert expr_text(found.returns) == "list[int]"
    assert [(p.name, p.kind, expr_text(p.default), expr_text(p.annotation)) for p in found.params] == [
        ("self", "positional", "-", "-"),
        ("a", "positional", "-", "-"),
        ("b", "positional", "1", "int"),
        ("args", "args", "-", "A"),
        ("c", "keyword", "-", "-"),
        ("d", "keyword", "D", "-"),
        ("kw", "kwargs", "-", "-"),
    ]


def test_class_record() -> None:
    found = unit(SOURCE, "C")
    assert [expr_text(part) for part in found.decorators] == ["@1"]
    assert [expr_text(part) for part in found.bases] == ["Base"]
    assert [(name, expr_text(value)) for name, value in found.keywords] == [
        ("metaclass", "Meta"),
        ("flag", "True"),
    ]
    assert found.locals == ("m", "D")


def test_what_yields_is_a_generator() -> None:
    assert unit(SOURCE, "C.m.<locals>.inner").is_generator
    assert unit("f = lambda: (yield)", "<lambda>").is_generator
    assert unit("async def f():\n    yield", "f").is_generator
    assert not unit("def f():\n    return (x for x in y)", "f").is_generator


def test_events_have_the_span_of_what_they_speak_of() -> None:
    source = "async def f():\n    async with a.b(\n        c\n    ) as d.e:\n        g[1] = await h\n        import i.j as k, l\n"
    spans = [
        (type(event).__name__, event.line, event.column, event.end_line, event.end_column)
        for event in unit(source, "f").events
    ]
    assert spans == [
        ("Load", 3, 8, 3, 9),
        ("Call", 2, 15, 4, 5),
        ("Awaits", 2, 15, 4, 5),
        ("SetAttr", 4, 9, 4, 12),
        ("Load", 5, 21, 5, 22),
        ("Awaits", 5, 15, 5, 22),
        ("SetItem", 5, 8, 5, 12),
        ("Import", 6, 15, 6, 23),
        ("Import", 6, 25, 6, 26),
    ]


def test_blocks_have_the_lines_of_their_arms() -> None:
    source = "if a:\n    b\n\nelif c:\n    d\nelse:\n\n    e\n    f\ntry:\n    g\nexcept H:\n    i\nfinally:\n    j\n"
    assert [(block.kind, block.line, block.end_line) for block in unit(source).blocks] == [
        ("body", 1, 15),
        ("if", 1, 2),
        ("else", 4, 9),
        ("if", 4, 5),
        ("else", 8, 9),
        ("try", 10, 11),
        ("except", 12, 13),
        ("finally", 15, 15),
    ]


@pytest.mark.parametrize(
    ("source", "public"),
    [
        ("x = 1", None),
        ("__all__ = []", ()),
        ("__all__ = ['a', 'b']", ("a", "b")),
        ("__all__: list[str] = ('a',)", ("a",)),
        (
            "__all__ = ['a']\n__all__ += ['b']\n__all__.append('c')\n__all__.extend(('d', 'e'))",
            ("a", "b", "c", "d", "e"),
        ),
        ("__all__ = ['a'] + other.__all__", None),
        ("__all__ = ['a']\n__all__ += other", None),
        ("__all__ = ['a']\n__all__.remove('a')", None),
        ("__all__ = ['a']\n__all__.append(name)", None),
        ("__all__ += ['a']", None),
        ("def f():\n    __all__ = ['a']", None),
    ],
)
def test_public_names(source: str, public: tuple[str, ...] | None) -> None:
    assert read(source).public == public


def test_very_long_paths_are_shortened_in_front() -> None:
    found = read("x = " + "lambda: " * 300 + "1").units
    assert len(found[-1].qualname) < 450
    assert found[-1].qualname.endswith("<lambda>.<locals>.<lambda>")
