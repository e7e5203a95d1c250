"""What a shell's `trap … TERM` makes of the signal for the programs that the shell has put into the background."""

from __future__ import annotations

import re
from collections.abc import Iterator

from proctor.model.process import Passing
from proctor.resolve.shell import Case, Function, Group, If, Item, Listing, Loop, Node, Pipe, Simple, parse

_TERM = re.compile(r"(?:SIG)?TERM|15")
_SENDS = frozenset({"kill", "pkill", "killall"})
_WAITS = frozenset({"wait", "fg", "tail"})
#: commands of an action that tell no other program anything
_PLAIN = frozenset(
    {
        "[", "[[", "test", ":", "true", "false", "echo", "printf", "exit", "return", "set", "unset", "local", "export",
        "rm", "date", "logger", "trap", "sleep", "cat",
    }
)  # fmt: skip


def trap_of(body: Listing) -> tuple[str, Passing]:
    """The action of the trap for SIGTERM in a shell text ("" where it has none), and what becomes of the signal."""
    action = _action(body)
    if not action:
        return "", ""
    if action == "ignored":
        return action, "kept"
    functions = {node.name: node for node in _nodes(body) if isinstance(node, Function)}
    words = list(_words(parse(action).body, functions))
    names = {each[0] for each in words if each}
    if names & _SENDS:
        if names & _WAITS or any(each[:2] == ["kill", "-0"] for each in words) or _waits_again(body):
            return action, "passed"
        # a pause behind it may be long enough
        return action, "" if "sleep" in names else "left"
    return action, "kept" if names <= _PLAIN | functions.keys() else ""


def _action(items: Listing) -> str:
    for node in _nodes(items):
        if isinstance(node, Simple):
            words = [word.text for word in node.words]
            if words[:1] == ["trap"] and any(_TERM.fullmatch(word.upper()) for word in words[2:]):
                return words[1] or "ignored"
    return ""


def _waits_again(body: Listing) -> bool:
    """Whether the text waits once more when a trap has interrupted its `wait`: by a second one, or in a loop."""
    waits = 0
    for node in _nodes(body, functions=False):
        if isinstance(node, Loop) and any(
            each[:1] == ["wait"] or each[:2] == ["kill", "-0"]
            for each in _words((*node.condition, *node.body), {})
        ):
            return True
        if isinstance(node, Simple) and node.words and node.words[0].text in _WAITS:
            waits += 1
    return waits > 1


def _words(items: Listing, functions: dict[str, Function], depth: int = 0) -> Iterator[list[str]]:
    """The words of every simple command, with those of the functions that are called."""
    for node in _nodes(items):
        if isinstance(node, Simple):
            words = [word.text for word in node.words]
            yield words
            called = functions.get(words[0]) if words else None
            if called is not None and depth < 3:
                yield from _words(_bodies(called)[0], functions, depth + 1)


def _nodes(items: Listing, functions: bool = True) -> Iterator[Node]:
    for item in items:
        yield from _below(item.node, functions)


def _below(node: Node, functions: bool) -> Iterator[Node]:
    yield node
    if isinstance(node, Pipe):
        for part in node.parts:
            yield from _below(part, functions)
    if functions or not isinstance(node, Function):
        for body in _bodies(node):
            yield from _nodes(body, functions)


def _bodies(node: Node) -> list[Listing]:
    if isinstance(node, Group):
        return [node.body]
    if isinstance(node, Loop):
        return [node.condition, node.body]
    if isinstance(node, If):
        return [body for _, body in node.arms]
    if isinstance(node, Function):
        return [(Item(node.body, ""),)]
    return [body for _, body in node.arms] if isinstance(node, Case) else []
