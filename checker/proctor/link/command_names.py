"""What the commands are called that rows say a program has: the words of a launch command choose one of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import takewhile

from proctor.link.passed import given
from proctor.model.fact import Attr, Bind, Call, Const, Event, Expr, Name, Result, Seq, Unit
from proctor.model.rule import RunsRow


def names_of(row: RunsRow, unit: Unit, event: Event, events: Sequence[Event]) -> tuple[str, ...]:
    """What the command may be called that `event` (one of `events`) registers; none where a row registers no commands.

    It is called after its function, or by a text that the registration is given (`named`), or as the call says that made
    the object on which the registration is made (`named_by`)."""
    if row.named:
        texts: list[Expr] = []
        if isinstance(event, Call):
            texts = [*event.args[:2], *(value for name, value in event.keywords if name == "name")]
        return (*_texts(texts), unit.name)
    made = _maker(event, events) if row.named_by else None
    if made is None or not isinstance(made.func, Attr) or made.func.name != row.named_by:
        return ()
    others = given(made, "aliases", None)
    return _texts((*made.args[:1], *(others.items if isinstance(others, Seq) else ())))


def _maker(event: Event, events: Sequence[Event]) -> Call | None:
    """The call that made the object whose method is called: the last one, where its name is used time and again."""
    expr = event.func.value if isinstance(event, Call) and isinstance(event.func, Attr) else None
    if isinstance(expr, Name):
        before = takewhile(lambda each: each is not event, events)
        bound = [each.value for each in before if isinstance(each, Bind) and each.name == expr.id]
        expr = bound[-1] if bound else None
    made = events[expr.event] if isinstance(expr, Result) else None
    return made if isinstance(made, Call) else None


def _texts(exprs: Iterable[Expr]) -> tuple[str, ...]:
    return tuple(each.value for each in exprs if isinstance(each, Const) and isinstance(each.value, str))
