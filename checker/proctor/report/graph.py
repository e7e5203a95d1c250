"""Process types, entry points and what they do, as a picture in Mermaid or DOT."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from proctor.model.finding import Judgement

GraphForm = Literal["mermaid", "dot"]
_Node = tuple[str, str, str]
#: how a node of each kind is drawn: brackets in Mermaid, a shape in DOT
_SHAPES = {"process": ("[[", "]]", "box3d"), "entry": ("[", "]", "box"), "effect": ("([", "])", "ellipse")}


def render_graph(judgement: Judgement, form: GraphForm) -> str:
    """The graph process type -> entry point -> effect."""
    nodes: dict[_Node, None] = {}
    edges: dict[tuple[_Node, _Node], None] = {}
    for source, target in _edges(judgement):
        nodes.update({source: None, target: None})
        edges[source, target] = None
    names = {node: f"n{number}" for number, node in enumerate(nodes)}
    if form == "dot":
        rows = [
            f'  {names[node]} [label="{_quoted(node[1], chr(92))}", shape={_SHAPES[node[0]][2]}];'
            for node in nodes
        ]
        rows += [f"  {names[source]} -> {names[target]};" for source, target in edges]
        return "\n".join(["digraph formation {", "  rankdir=LR;", *rows, "}"]) + "\n"
    rows = []
    for node in nodes:
        opening, closing, _ = _SHAPES[node[0]]
        rows.append(f'  {names[node]}{opening}"{_quoted(node[1], "")}"{closing}')
    rows += [f"  {names[source]} --> {names[target]}" for source, target in edges]
    return "\n".join(["flowchart LR", *rows]) + "\n"


def _edges(judgement: Judgement) -> Iterator[tuple[_Node, _Node]]:
    for process in judgement.processes:
        kind = f" ({process.kind})" if process.kind != "unknown" else ""
        source = ("process", process.name + kind, "")
        entry = (
            "entry",
            process.entry_target or process.unresolved or "no entry point",
            process.entry_path or "",
        )
        yield source, entry
        for effect in process.effects:
            yield entry, ("effect", effect, "")


def _quoted(text: str, escape: str) -> str:
    text = "".join(each if each.isprintable() else " " for each in text)
    if escape:
        return text.replace(escape, escape * 2).replace('"', f'{escape}"')
    return text.replace("&", "&amp;").replace('"', "&quot;").replace("<", "&lt;").replace(">", "&gt;")
