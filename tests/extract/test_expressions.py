"""What expressions do, in evaluation order."""

from __future__ import annotations

from textwrap import dedent

import pytest
from fact_text import shown

#: name, source, unit, what it does
CASES: list[tuple[str, str, str, str]] = [
    (
        "nested-calls-come-first",
        """
        f(g(a), k=h(), *i(), **j())
        """,
        "",
        """
        0: load a
        0: value g(a)
        0: value i()
        0: value h()
        0: value j()
        0: statement f(@1, *@2, k=@3, **@4)
        """,
    ),
    (
        "method-call-has-no-load",
        """
        CACHE.get(k)
        CACHE['a'].b.run(x.y)
        """,
        "",
        """
        0: load k
        0: statement CACHE.get(k)
        0: load x.y
        0: statement CACHE['a'].b.run(x.y)
        """,
    ),
    (
        "chained-calls",
        """
        a.b(1).c(2)[3].d()
        """,
        "",
        """
        0: value a.b(1)
        0: value @0.c(2)
        0: statement @1[3].d()
        """,
    ),
    (
        "longest-chain-is-loaded-once",
        """
        x = a.b.c[d.e].f
        """,
        "",
        """
        0: load d.e
        0: load a.b.c[d.e].f
        0: assign x = a.b.c[d.e].f
        """,
    ),
    (
        "index-call-is-an-event",
        """
        x = a[f()].b
        """,
        "",
        """
        0: value f()
        0: load a[@0].b
        0: assign x = a[@0].b
        """,
    ),
    (
        "value-of-call-is-loaded",
        """
        x = f().y
        """,
        "",
        """
        0: value f()
        0: load @0.y
        0: assign x = @0.y
        """,
    ),
    (
        "uses",
        """
        async def f():
            a()
            b = c()
            await d()
            e = await g()
            with h() as i, j():
                pass
            for k in l():
                pass
            return m()
        """,
        "f",
        """
        0: statement a()
        0: value c()
        0: assign b = @1
        0: await d()
        0: await g()
        0: assign e = await @4
        0: with h()
        1: with i = @6
        1: with j()
        0: for l()
        3: for k = @9
        0: return m()
        0: -> return @11
        # 1 in 0: with tuple(@6) as i
        # 2 in 1: with tuple(@8)
        # 3 in 0: for g1 @9 as k
        """,
    ),
    (
        "use-of-awaited-return",
        """
        async def f():
            return await g()
        """,
        "f",
        """
        0: await g()
        0: -> return await @0
        """,
    ),
    (
        "use-of-decorator",
        """
        @app.route('/x', methods=M)
        @plain.deco
        @make()(2)
        def f(): ...
        """,
        "",
        """
        0: load M
        0: decorator app.route('/x', methods=M)
        0: value make()
        0: decorator @2(2)
        0: define 1
        """,
    ),
    (
        "await-of-no-call",
        """
        async def f(t):
            await t
            x = await self.task
            return x
        """,
        "f",
        """
        0: -> awaits t
        0: load self.task
        0: -> awaits self.task
        0: assign x = await self.task
        0: -> return x
        """,
    ),
    (
        "walrus",
        """
        if (m := f()) and m.ok: pass
        while chunk := read(8): use(chunk)
        """,
        "",
        """
        0: value f()
        0: walrus m = @0
        0: load m.ok
        2: value read(8)
        2: walrus chunk = @3
        2: statement use(chunk)
        # 1 in 0: if g1 and(@0, m.ok)
        # 2 in 0: while g2 @3
        """,
    ),
    (
        "constants",
        r"""
        f(None, True, 1, 2.5, 'a' 'b', b'\xff', ..., 3j, 10**2, 99999999999999999999, -1, -x, ~y)
        """,
        "",
        """
        0: load x
        0: load y
        0: statement f(None, True, 1, 2.5, 'ab', 'ÿ', None, !complex, **(10, 2), !int, -1, -(x), ~(y))
        """,
    ),
    (
        "texts",
        """
        f(f'a{b.c!r:>{w()}}', 'x %s' % y, 'x %s %s' % (y, z()), 'a' + b + 'c', b + f'{d}', a + b, 'k' + 'l')
        """,
        "",
        """
        0: load b.c
        0: value w()
        0: load y
        0: load y
        0: value z()
        0: load b
        0: load b
        0: load d
        0: load a
        0: load b
        0: statement f(text('a', b.c), text('x %s', y), text('x %s %s', y, @4), text('a', b, 'c'), text(b, d), +(a, b), text('k', 'l'))
        """,
    ),
    (
        "displays",
        """
        f([a, *b], (c,), {d}, {e: f, **g, 'h': i()}, ())
        """,
        "",
        """
        0: load a
        0: load b
        0: load c
        0: load d
        0: load e
        0: load f
        0: load g
        0: value i()
        0: statement f(list(a, *b), tuple(c), set(d), {e: f, **g, 'h': @7}, tuple())
        """,
    ),
    (
        "operators",
        """
        f(a or b and not c, a < b, a < b <= c, a is not None, d in e, a | b, a if b else c)
        """,
        "",
        """
        0: load a
        0: load b
        0: load c
        0: load a
        0: load b
        0: load a
        0: load b
        0: load c
        0: load a
        0: load d
        0: load e
        0: load a
        0: load b
        0: load b
        0: load a
        0: load c
        0: statement f(or(a, and(b, not(c))), <(a, b), < <=(a, b, c), is not(a, None), in(d, e), |(a, b), (a if b else c))
        """,
    ),
    (
        "slices",
        """
        f(a[1:b], a[::c()], a[1:2, ...], a[:, 0])
        """,
        "",
        """
        0: load b
        0: load a[!slice]
        0: value c()
        0: load a[!slice]
        0: load a[tuple(!slice, None)]
        0: load a[tuple(!slice, 0)]
        0: statement f(a[!slice], a[!slice], a[tuple(!slice, None)], a[tuple(!slice, 0)])
        """,
    ),
    (
        "comprehensions",
        """
        a = [g(x) for x in f(y) if h(x)]
        b = {k: v for k, v in c.items()}
        d = (i for j in e for i in j.k)
        s = {x for x in e}
        """,
        "",
        """
        0: load y
        0: for f(y)
        1: comprehension x = @1
        1: value h(x)
        1: value g(x)
        0: assign a = list-of(@4)
        0: for c.items()
        2: comprehension k = @6
        2: comprehension v = @6
        0: assign b = dict-of(tuple(k, v))
        0: load e
        3: comprehension j = e
        3: load j.k
        3: comprehension i = j.k
        0: assign d = generator-of(i)
        0: load e
        4: comprehension x = e
        0: assign s = set-of(x)
        # 1 in 0: comprehension @1 as x
        # 2 in 0: comprehension @6
        # 3 in 0: comprehension e as j
        # 4 in 0: comprehension e as x
        """,
    ),
    (
        "async-comprehension",
        """
        async def f():
            return [await g(x) async for x in h()]
        """,
        "f",
        """
        0: for h()
        1: -> awaits @0
        1: comprehension x = @0
        1: await g(x)
        0: -> return list-of(await @3)
        # 1 in 0: async comprehension @0 as x
        """,
    ),
    (
        "lambda",
        """
        f = lambda a, b=c(): g(a, d)
        """,
        "",
        """
        0: value c()
        0: assign f = lambda#1
        """,
    ),
    (
        "lambda",
        """
        f = lambda a, b=c(): g(a, d)
        """,
        "<lambda>",
        """
        0: load d
        0: return g(a, d)
        0: -> return @1
        """,
    ),
    (
        "yields",
        """
        def f():
            x = yield
            y = yield g()
            yield from h(x)
        """,
        "f",
        """
        0: -> yield
        0: assign x = !Yield
        0: value g()
        0: -> yield @2
        0: assign y = !Yield
        0: value h(x)
        0: -> yield @5
        """,
    ),
    (
        "star-expression-statement",
        """
        print(*a, *b())
        x = *c, d
        """,
        "",
        """
        0: load a
        0: value b()
        0: statement print(*a, *@1)
        0: load c
        0: load d
        0: assign x = tuple(*c, d)
        """,
    ),
    (
        "statement-expressions",
        """
        'doc'
        a
        b.c
        ...
        [d() for e in f]
        """,
        "",
        """
        0: load a
        0: load b.c
        0: load f
        1: comprehension e = f
        1: value d()
        # 1 in 0: comprehension f as e
        """,
    ),
]


@pytest.mark.parametrize(
    ("source", "qualname", "expected"),
    [pytest.param(*case, id=f"{name}-{case[1] or 'module'}") for name, *case in CASES],
)
def test_events_and_blocks(source: str, qualname: str, expected: str) -> None:
    assert shown(source, qualname) == dedent(expected).strip("\n")
