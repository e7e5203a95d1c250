"""Where a program listens: what its command line, its launcher's defaults or its code say.

Launcher models and effect rows say it in the same words of `details`: `default-bind` ("host:port", "none" for nowhere);
`host` and `port` of a row name the arguments of the call ("host@0": keyword and position). `address` = "argument" says
that a launcher's positional word is the address, `configured` that a file outside the tree may set it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Literal, NamedTuple

from proctor.judge.programs import Group, may_hide, shown
from proctor.model.fact import Call, Expr, Star
from proctor.model.place import Place
from proctor.model.process import Launch
from proctor.model.program import Context, FromEnv, Hit, Known, ProcessView, Program, Value

#: "port": where the platform says; "fixed": a port of its own; "loopback": only this machine can reach it; "socket": a file;
#: "nothing": it does other work and listens nowhere; "unknown"
Where = Literal["port", "fixed", "loopback", "socket", "nothing", "unknown"]

_PORT = re.compile(r"\$\{?\(?PORT\b")
_LOOPBACK = re.compile(r"(127(\.\d+){3}|localhost|\[?::1\]?|ip6-localhost)$")
_WORD = re.compile(r"(?:(?P<host>\[[^\]]*\]|[\w.\-$]*):)?(?P<port>\d{2,5}|\$\{?\w[^}]*\}?)$")
_ADDRESS = re.compile(r"(?:(?P<host>.*):)?(?P<port>[^:{}]*|\$\{[^}]*\}|\$\([^)]*\))")
_INNER = re.compile(r"\$\((\w[\w-]*)\)")
_LISTED = re.compile(r"""\[\s*['"]([^'"]*)""")
_SOCKET = re.compile(r"(unix:|/|fd://|[\w./-]+\.sock)")
#: Arguments that name a socket in place of host and port
_SOCKETS = frozenset({"sock", "sockets", "path", "uds", "fd", "listen", "unix_socket", "unix"})
#: The better answer first: a program that listens in two places is reachable at the best of them.
_BEST: tuple[Where, ...] = ("port", "unknown", "socket", "fixed", "loopback", "nothing")


class Listening(NamedTuple):
    """Where it listens: `address` as shown to people; `reason` why it is not known; `hit` is the call in the code."""

    where: Where
    address: str
    place: Place
    reason: str = ""
    context: Context | None = None
    hit: Hit | None = None
    view: ProcessView | None = None


def listening(group: Group, program: Program) -> Listening:
    """Where a process type as a whole listens, at best."""
    found = [
        each._replace(view=view) for view in group.staying or group.views for each in _listens(view, program)
    ]
    if found:
        best = min(found, key=lambda each: _BEST.index(each.where))
        return (
            best if best.where != "socket" or not _is_proxied(group, program) else best._replace(where="port")
        )
    main = next(iter(group.staying or group.views), None)
    place = main.launch.place if main else group.process.place
    reason = _unsure(group)
    if reason:
        return Listening("unknown", "", place, reason, view=main)
    return Listening("nothing", "nothing", place, view=main)


def _listens(view: ProcessView, program: Program) -> Iterator[Listening]:
    launch = view.launch
    if "serves-http" in launch.does or "serves-dev" in launch.does:
        yield _from_launch(launch)
        return
    for context, hit in view.hits("serves-http", "serves-dev"):
        if context.phase in ("import", "startup", "loop", "thread"):
            yield _from_call(context, hit, program)


def _unsure(group: Group) -> str:
    hidden = may_hide(group.views, "serves-http", "serves-dev")
    if hidden:
        return hidden
    for view in group.views:
        if view.launch.unresolved and not view.launch.missing:
            return view.launch.unresolved
        if not view.launch.is_python and view.launch.long_running and not view.launch.does:
            return f"what `{shown(view.launch)}` does is not known"
    works = ("runs-bot", "consumes-jobs", "schedules", "receives", "pops", "supervises")
    if any(effect in view.does for view in group.views for effect in works):
        return ""
    if any(context.phase == "loop" for view in group.views for context, _ in view.hits()):
        return ""
    if not group.staying:
        return ""
    # a library that no model knows may listen
    return f"nothing that `{group.process.name}` runs is known to listen"


def _is_proxied(group: Group, program: Program) -> bool:
    names = {view.launch.launcher for view in group.views} | {
        name for view in group.views for name in view.launch.wrappers
    }
    models = [program.launchers[name] for name in names if name in program.launchers]
    return any(model.details.get("role") == "proxy" or "starts_beside" in model.signals for model in models)


# --- launchers -------------------------------------------------------------------------------------------------


def _from_launch(launch: Launch) -> Listening:
    environment = dict(launch.environment)
    host = launch.option("host") or environment.get(launch.details.get("host-variable", ""), "")
    port = launch.option("port") or environment.get(launch.details.get("port-variable", ""), "")
    place = next(
        (each for name, each in launch.option_places if name in ("bind", "port", "host", "http", "socket")),
        launch.place,
    )
    binds = [value for name, value in launch.options if name in ("bind", "http", "uds", "socket", "endpoint")]
    if launch.details.get("address") == "argument" and not binds:
        binds = [word for word in launch.words[1:] if _WORD.match(word) and not word.isalpha()]
    if binds and not port:
        answers = [_address(_filled(bind, launch), place) for bind in binds]
        return min(answers, key=lambda each: _BEST.index(each.where))
    default = launch.details.get("default-bind", "")
    default_host, _, default_port = default.rpartition(":")
    if (
        not port
        and launch.details.get("configured")
        and (launch.in_script or launch.replaces_shell is not True)
    ):
        # what stands in front may write its configuration
        return Listening("unknown", "", place, f"a file outside the tree may configure `{shown(launch)}`")
    if not port and not default_port and default != "none":
        return Listening("unknown", "", place, f"where `{shown(launch)}` listens by default is not known")
    if default == "none" and not port:
        return Listening(
            "unknown" if launch.unresolved else "nothing", "nothing", place, launch.unresolved or ""
        )
    return _judged(_filled(host or default_host, launch), _filled(port or default_port, launch), place)


def _filled(text: str, launch: Launch) -> str:
    """A value of a configuration file with the other values that it names."""
    for _ in range(3):
        text = _INNER.sub(lambda found: launch.option(found[1]) or found[0], text)
    return text


def _address(bind: str, place: Place) -> Listening:
    # brackets hold a list of addresses, or the host of one (`[::]:8000`)
    listed = _LISTED.match(bind)
    bind = listed[1] if listed else bind.split(",")[0].strip("'\" " if "]:" in bind else "[]'\" ")
    bind = re.sub(r"^(tcp|http|https)://", "", bind)
    if "=" in bind:
        # a description of an endpoint: `tcp:port=$PORT:interface=0.0.0.0`
        parts = dict(part.partition("=")[::2] for part in bind.split(":"))
        return _judged(parts.get("interface", ""), parts.get("port", ""), place)
    if _SOCKET.match(bind):
        reason = f"it listens on the socket `{bind}`, and what stands in front of that is not known"
        return Listening("socket", bind, place, reason)
    found = _ADDRESS.fullmatch(bind)
    return _judged((found["host"] or "") if found else "", found["port"] if found else bind, place)


def _judged(host: str, port: str, place: Place) -> Listening:
    address = f"{host}:{port}"
    if _LOOPBACK.match(host):
        return Listening("loopback", address, place)
    if _PORT.search(port):
        return Listening("port", address, place)
    if port.isdigit():
        return Listening("fixed", address, place)
    return Listening("unknown", address, place, f"`{port or host}` decides where it listens")


# --- calls in the code ---------------------------------------------------------------------------------------------


def _from_call(context: Context, hit: Hit, program: Program) -> Listening:
    found = _address_of(context, hit, program)
    if hit.guard and found.where not in ("loopback", "fixed"):
        # at best it listens there: an address that nobody reaches is none, whether it is taken or not
        reason = f"`{hit.guard}` decides whether `{hit.symbol}` runs"
        return found._replace(where="unknown", reason=reason)
    return found


def _address_of(context: Context, hit: Hit, program: Program) -> Listening:
    call = program.unit(hit.unit).events[hit.event] if hit.event >= 0 else None
    symbol = hit.symbol

    def answer(where: Where, address: str = "", reason: str = "") -> Listening:
        return Listening(where, address, hit.place, reason, context, hit)

    if hit.unsure:
        return answer("unknown", reason=hit.unsure)
    if not isinstance(call, Call) or "default-bind" not in hit.details or _is_open(call, hit.details):
        return answer("unknown", reason=f"where `{symbol}` listens is not known")
    default_host, _, default_port = hit.details["default-bind"].rpartition(":")
    host = _value(_argument(hit.details, "host", call, hit, program), hit, program)
    port = _value(_argument(hit.details, "port", call, hit, program), hit, program)
    host_text = _text(host, default_host)
    port_text = _text(port, default_port)
    if host_text is not None and _LOOPBACK.match(host_text):
        return answer("loopback", f"{host_text}:{port_text or ''}")
    if isinstance(host, FromEnv) and _LOOPBACK.match(_text(host.fallback, "") or ""):
        return answer("unknown", reason=f"`{host.variable}` decides where `{symbol}` listens")
    if isinstance(port, FromEnv):
        if port.variable == "PORT":
            return answer("port", "$PORT")
        return answer("unknown", reason=f"`{port.variable}` decides where `{symbol}` listens")
    if not port_text:
        return answer("unknown", reason=f"where `{symbol}` listens is not known")
    if _PORT.search(port_text):
        return answer("port", port_text)
    if host_text is None:
        return answer("unknown", reason=f"where `{symbol}` listens is not known")
    return answer("fixed", f"{host_text}:{port_text}")


def _argument(details: Mapping[str, str], word: str, call: Call, hit: Hit, program: Program) -> Expr | None:
    name, _, position = details.get(word, "").partition("@")
    return program.argument(hit.unit, call, name, int(position) if position else None)


def _is_open(call: Call, details: Mapping[str, str]) -> bool:
    """Whether `*args`, `**kwargs` or a socket may say where it listens."""
    own = {details.get(word, "").partition("@")[0] for word in ("host", "port")}
    names = {name for name, _ in call.keywords} - own
    return "" in names or bool(names & _SOCKETS) or any(isinstance(each, Star) for each in call.args)


def _value(expr: Expr | None, hit: Hit, program: Program) -> Value | None:
    return None if expr is None else program.evaluate(hit.unit, expr)


def _text(value: Value | None, default: str) -> str | None:
    """The value as text; None where the code alone does not decide it."""
    if value is None or (isinstance(value, Known) and value.value is None):
        return default
    if isinstance(value, Known):
        return str(value.value)
    return None
