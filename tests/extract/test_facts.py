"""What statements do, the scopes and the block tree they make."""

from __future__ import annotations

from textwrap import dedent

import pytest
from fact_text import shown

#: name, source, unit, what it does
CASES: list[tuple[str, str, str, str]] = [
    (
        "local-names-are-not-loaded",
        """
        def f(a, *b, c=D, **e):
            z = a
            return (z, b, c, e, G)
        """,
        "f",
        """
        0: assign z = a
        0: load G
        0: -> return tuple(z, b, c, e, G)
        """,
    ),
    (
        "local-names-are-not-loaded",
        """
        def f(a, *b, c=D, **e):
            z = a
            return (z, b, c, e, G)
        """,
        "",
        """
        0: load D
        0: define 1
        """,
    ),
    (
        "names-bound-later-are-local",
        """
        def f():
            g(x, Y, h())
            k(m())
            x = 1
            return Y
        """,
        "f",
        """
        0: load Y
        0: value h()
        0: statement g(x, Y, @1)
        0: value m()
        0: statement k(@3)
        0: assign x = 1
        0: load Y
        0: -> return Y
        """,
    ),
    (
        "global-is-no-local",
        """
        def f():
            global N, M
            N += 1
            M = N
            return M
        """,
        "f",
        """
        0: aug N += 1
        0: assign M = N
        0: -> return M
        """,
    ),
    (
        "nonlocal-is-no-local",
        """
        def f():
            n = 0
            def g():
                nonlocal n
                n = n + 1
            return g
        """,
        "f",
        """
        0: assign n = 0
        0: define 2
        0: -> return g
        """,
    ),
    (
        "nonlocal-is-no-local",
        """
        def f():
            n = 0
            def g():
                nonlocal n
                n = n + 1
            return g
        """,
        "f.<locals>.g",
        """
        0: load n
        0: assign n = +(n, 1)
        """,
    ),
    (
        "assignments",
        """
        a = b = f()
        x.y = z[1] = a
        x.y.z = 3
        m[k()][j] = v()
        """,
        "",
        """
        0: value f()
        0: assign a = @0
        0: assign b = @0
        0: assign x.y = a
        0: assign z[1] = a
        0: assign x.y.z = 3
        0: value v()
        0: value k()
        0: load j
        0: assign m[@7][j] = @6
        """,
    ),
    (
        "unpacking",
        """
        a, (b, *c) = f()
        [d, e.f, g[0]] = h
        i, j = 1, k()
        l, *m = 1, 2
        n, o = *p, 1
        """,
        "",
        """
        0: value f()
        0: unpack a = @0
        0: unpack b = @0
        0: unpack c = @0
        0: load h
        0: unpack d = h
        0: unpack e.f = h
        0: unpack g[0] = h
        0: value k()
        0: assign i = 1
        0: assign j = @8
        0: unpack l = tuple(1, 2)
        0: unpack m = tuple(1, 2)
        0: load p
        0: unpack n = tuple(*p, 1)
        0: unpack o = tuple(*p, 1)
        """,
    ),
    (
        "augmented",
        """
        a += 1
        b.c -= f()
        d[g()] *= h()
        e @= x
        """,
        "",
        """
        0: aug a += 1
        0: value f()
        0: aug b.c -= @1
        0: value g()
        0: value h()
        0: aug d[@3] *= @4
        0: load x
        0: aug e @= x
        """,
    ),
    (
        "annotated",
        """
        a: int = 1
        b: 'pkg.Foo | None'
        c.d: Optional[X] = None
        c.e: 'Y'
        f[0]: int = 2
        g: Annotated[S, Depends(get)] = h
        i: 'not valid ('
        """,
        "",
        """
        0: assign a: int = 1
        0: annotation b: |(pkg.Foo, None)
        0: assign c.d: Optional[X] = None
        0: annotation c.e: Y
        0: assign f[0] = 2
        0: load get
        0: value Depends(get)
        0: load h
        0: assign g: Annotated[tuple(S, @6)] = h
        0: annotation i: 'not valid ('
        """,
    ),
    (
        "deleted",
        """
        del a, b.c, d[e], (f, g)
        """,
        "",
        """
        0: delete a
        0: delete b.c
        0: load e
        0: delete d[e]
        0: delete f
        0: delete g
        """,
    ),
    (
        "imports",
        """
        import a, b.c, d.e as f
        from g import h, i as j
        from . import k
        from ..l.m import *
        """,
        "",
        """
        0: import a
        0: import b.c
        0: import d.e as f
        0: from g import h
        0: from g import i as j
        0: from . import k
        0: from ..l.m import *
        """,
    ),
    (
        "generators",
        """
        def a():
            yield

        def b():
            def c():
                yield
            return (d for d in e)
        """,
        "",
        """
        0: define 1
        0: define 2
        """,
    ),
    (
        "raises",
        """
        raise
        raise E(f())
        raise E from g
        """,
        "",
        """
        0: -> raise
        0: value f()
        0: value E(@1)
        0: -> raise @2
        0: load E
        0: load g
        0: -> raise E
        """,
    ),
    (
        "loop-jumps",
        """
        for a in b:
            break
        else:
            c()
        while d():
            continue
        else:
            e()
        """,
        "",
        """
        0: load b
        1: for a = b
        1: break
        2: statement c()
        3: value d()
        3: continue
        4: statement e()
        # 1 in 0: for g1 b as a
        # 2 in 0: loop-else g1
        # 3 in 0: while g2 @4
        # 4 in 0: loop-else g2
        """,
    ),
    (
        "if-elif-else",
        """
        if a():
            b()
        elif c():
            d()
        else:
            e()
        f()
        """,
        "",
        """
        0: value a()
        1: statement b()
        2: value c()
        3: statement d()
        4: statement e()
        0: statement f()
        # 1 in 0: if g1 @0
        # 2 in 0: else g1
        # 3 in 2: if g2 @2
        # 4 in 2: else g2
        """,
    ),
    (
        "try",
        """
        try:
            a()
        except (B, c.D) as e:
            f(e)
        except G:
            raise
        except:
            pass
        else:
            h()
        finally:
            i()
        """,
        "",
        """
        1: statement a()
        2: except e
        2: statement f(e)
        3: -> raise
        5: statement h()
        6: statement i()
        # 1 in 0: try g1
        # 2 in 0: except g1 tuple(B, c.D) as e
        # 3 in 0: except g1 tuple(G)
        # 4 in 0: except g1
        # 5 in 0: try-else g1
        # 6 in 0: finally g1
        """,
    ),
    (
        "try-star",
        """
        try:
            a()
        except* B as e:
            f(e)
        """,
        "",
        """
        1: statement a()
        2: except e
        2: statement f(e)
        # 1 in 0: try g1
        # 2 in 0: except g1 tuple(B) as e
        """,
    ),
    (
        "with",
        """
        with a, b() as c, d.e as (f, g.h):
            i()
        """,
        "",
        """
        0: load a
        1: with b()
        2: with c = @1
        2: load d.e
        3: with f = d.e
        3: with g.h = d.e
        3: statement i()
        # 1 in 0: with tuple(a)
        # 2 in 1: with tuple(@1) as c
        # 3 in 2: with tuple(d.e)
        """,
    ),
    (
        "async-with-and-for",
        """
        async def f():
            async with a() as b:
                async for c in d:
                    e()
        """,
        "f",
        """
        0: with a()
        1: -> awaits @0
        1: with b = @0
        1: load d
        2: -> awaits d
        2: for c = d
        2: statement e()
        # 1 in 0: async with tuple(@0) as b
        # 2 in 1: async for g1 d as c
        """,
    ),
    (
        "match",
        """
        match f(x):
            case 'a' | 'b':
                c()
            case Point(x=0, y=yy) if yy > Z:
                d()
            case [1, *rest]:
                e()
            case {'k': v, **more}:
                g()
            case None:
                h()
            case mod.CONST as named:
                i()
            case other:
                j()
        """,
        "",
        """
        0: load x
        0: value f(x)
        1: statement c()
        2: match yy = @1
        2: load Z
        2: statement d()
        3: match rest = @1
        3: statement e()
        4: match more = @1
        4: match v = @1
        4: statement g()
        5: statement h()
        6: load mod.CONST
        6: match named = @1
        6: statement i()
        7: match other = @1
        7: statement j()
        # 1 in 0: case g1 match(@1, |('a', 'b'))
        # 2 in 0: case g1 match(@1, Point, >(yy, Z))
        # 3 in 0: case g1 match(@1, list(1, *!MatchStar))
        # 4 in 0: case g1 match(@1, {'k': !MatchAs})
        # 5 in 0: case g1 match(@1, None)
        # 6 in 0: case g1 match(@1, mod.CONST)
        # 7 in 0: case g1
        """,
    ),
    (
        "classes",
        """
        @deco
        class C(Base, mixin(x), *more, metaclass=Meta, flag=f()):
            a = 1
            b = a
            def m(self):
                return self.a
            class D:
                def n(self): return C
        """,
        "",
        """
        0: load x
        0: value mixin(x)
        0: value f()
        0: define 1
        """,
    ),
    (
        "classes",
        """
        @deco
        class C(Base, mixin(x), *more, metaclass=Meta, flag=f()):
            a = 1
            b = a
            def m(self):
                return self.a
            class D:
                def n(self): return C
        """,
        "C",
        """
        0: assign a = 1
        0: assign b = a
        0: define 2
        0: define 3
        """,
    ),
    (
        "classes",
        """
        @deco
        class C(Base, mixin(x), *more, metaclass=Meta, flag=f()):
            a = 1
            b = a
            def m(self):
                return self.a
            class D:
                def n(self): return C
        """,
        "C.m",
        """
        0: load self.a
        0: -> return self.a
        """,
    ),
    (
        "classes",
        """
        @deco
        class C(Base, mixin(x), *more, metaclass=Meta, flag=f()):
            a = 1
            b = a
            def m(self):
                return self.a
            class D:
                def n(self): return C
        """,
        "C.D.n",
        """
        0: load C
        0: -> return C
        """,
    ),
    (
        "function-head-belongs-outside",
        """
        def f(a=g(), *, b: H[i()] = j, **k: 'L') -> M(): n()
        """,
        "",
        """
        0: value g()
        0: load j
        0: value i()
        0: value M()
        0: define 1
        """,
    ),
    (
        "function-head-belongs-outside",
        """
        def f(a=g(), *, b: H[i()] = j, **k: 'L') -> M(): n()
        """,
        "f",
        """
        0: statement n()
        """,
    ),
    (
        "star-target-loop",
        """
        for a.b, c[d()], (e, *f) in g: pass
        """,
        "",
        """
        0: load g
        1: for a.b = g
        1: value d()
        1: for c[@2] = g
        1: for e = g
        1: for f = g
        # 1 in 0: for g1 g
        """,
    ),
    (
        "assert",
        """
        assert a.b(c), d.e
        """,
        "",
        """
        0: load c
        0: value a.b(c)
        0: load d.e
        """,
    ),
    (
        "conditions-stay-expressions",
        """
        if __name__ == '__main__': main()
        if TYPE_CHECKING: pass
        if not DEBUG: pass
        """,
        "",
        """
        0: load __name__
        1: statement main()
        0: load TYPE_CHECKING
        0: load DEBUG
        # 1 in 0: if g1 ==(__name__, '__main__')
        # 2 in 0: if g2 TYPE_CHECKING
        # 3 in 0: if g3 not(DEBUG)
        """,
    ),
    (
        "global-in-module",
        """
        global A
        A = 1
        print(A)
        """,
        "",
        """
        0: assign A = 1
        0: statement print(A)
        """,
    ),
]


@pytest.mark.parametrize(
    ("source", "qualname", "expected"),
    [pytest.param(*case, id=f"{name}-{case[1] or 'module'}") for name, *case in CASES],
)
def test_events_and_blocks(source: str, qualname: str, expected: str) -> None:
    assert shown(source, qualname) == dedent(expected).strip("\n")
