"""Facts as short lines of text, for tests to compare and people to read."""

from __future__ import annotations

from collections.abc import Callable
from textwrap import dedent
from typing import Any

from proctor.extract import read_file
from proctor.model import fact
from proctor.model.fact import Block, Event, Expr, FileFacts, Unit


def read(source: str) -> FileFacts:
    """The facts of an indented source text that can be read."""
    found = read_file(dedent(source).lstrip("\n").encode())
    assert isinstance(found, FileFacts), found
    return found


def unit(source: str, qualname: str = "") -> Unit:
    """One unit of a source text."""
    (found,) = (part for part in read(source).units if part.qualname == qualname)
    return found


def shown(source: str, qualname: str = "") -> str:
    """A unit as text: its events as `block: text`, then its blocks below the body as `# number in parent: text`."""
    found = unit(source, qualname)
    lines = [f"{event.block}: {event_text(event)}" for event in found.events]
    for number, block in enumerate(found.blocks):
        if number:
            lines.append(f"# {number} in {block.parent}: {block_text(block)}")
    return "\n".join(lines)


def block_text(block: Block) -> str:
    """`kind group test as name`, whatever of it there is."""
    words = ["async"] if block.is_async else []
    words.append(block.kind)
    if block.group:
        words.append(f"g{block.group}")
    if block.test is not None:
        words.append(expr_text(block.test))
    if block.name:
        words.append(f"as {block.name}")
    return " ".join(words)


def event_text(event: Event) -> str:
    """One event without its place."""
    if isinstance(event, fact.Call):
        given = [expr_text(arg) for arg in event.args]
        given += [
            f"{name}={expr_text(value)}" if name else f"**{expr_text(value)}"
            for name, value in event.keywords
        ]
        return f"{event.use} {expr_text(event.func)}({', '.join(given)})"
    if isinstance(event, fact.Bind | fact.SetAttr | fact.SetItem):
        return _set_text(event)
    if isinstance(event, fact.Import):
        source = "." * event.level + event.module
        text = f"import {source}" if event.name is None else f"from {source} import {event.name}"
        return text + (f" as {event.alias}" if event.alias else "")
    if isinstance(event, fact.Load):
        return f"load {expr_text(event.expr)}"
    if isinstance(event, fact.Define):
        return f"define {event.unit}"
    if isinstance(event, fact.Jump):
        return event.kind
    value = "" if event.value is None else " " + expr_text(event.value)
    return f"-> {type(event).__name__.lower()}{value}"


def _set_text(event: fact.Bind | fact.SetAttr | fact.SetItem) -> str:
    if isinstance(event, fact.Bind):
        target = event.name
    elif isinstance(event, fact.SetAttr):
        target = f"{expr_text(event.obj)}.{event.name}"
    else:
        target = f"{expr_text(event.obj)}[{expr_text(event.index)}]"
    annotation = None if isinstance(event, fact.SetItem) else event.annotation
    if annotation is not None:
        target += f": {expr_text(annotation)}"
    value = "" if event.value is None else f" {event.op}= {expr_text(event.value)}"
    return f"{event.how} {target}{value}"


def expr_text(expr: Expr | None) -> str:
    """An expression much as it was written; `@3` is the value of call event 3, `!Slice` what has no form."""
    simple: dict[type[Any], Callable[[Any], str]] = {
        fact.Const: lambda e: repr(e.value),
        fact.Name: lambda e: e.id,
        fact.Attr: lambda e: f"{expr_text(e.value)}.{e.name}",
        fact.Item: lambda e: f"{expr_text(e.value)}[{expr_text(e.index)}]",
        fact.Result: lambda e: f"@{e.event}",
        fact.Text: lambda e: f"text({_joined(e.parts)})",
        fact.Func: lambda e: f"lambda#{e.unit}",
        fact.Comp: lambda e: f"{e.kind}-of({expr_text(e.element)})",
        fact.Star: lambda e: f"*{expr_text(e.value)}",
        fact.Await: lambda e: f"await {expr_text(e.value)}",
        fact.Other: lambda e: f"!{e.what}",
        fact.Choice: lambda e: f"({expr_text(e.body)} if {expr_text(e.test)} else {expr_text(e.orelse)})",
        fact.Op: lambda e: f"{e.name}({_joined(e.operands)})",
        fact.Seq: lambda e: f"{e.kind}({_joined(e.items)})",
    }
    if isinstance(expr, fact.Map):
        pairs = zip(expr.keys, expr.values, strict=True)
        return (
            "{"
            + ", ".join(f"{'**' if k is None else expr_text(k) + ': '}{expr_text(v)}" for k, v in pairs)
            + "}"
        )
    return "-" if expr is None else simple[type(expr)](expr)


def _joined(parts: tuple[Expr, ...]) -> str:
    return ", ".join(expr_text(part) for part in parts)
