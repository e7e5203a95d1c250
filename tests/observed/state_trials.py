"""The apps of fixtures/state: one process, and two copies of which one is started again, answer the same requests."""

from __future__ import annotations

import contextlib
import http.client
import re
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http.cookies import SimpleCookie
from pathlib import Path
from urllib.parse import urlsplit

import msgspec
import tomli
from running import PORTS, ROOT, Started, empty_redis, is_open, wait_until, write_files

_READY = 60.0
_PAUSE = 3.0
_HEARD_WITHIN = 3.0
_BOUNDARY = "file-boundary"
_PROCESS = re.compile(r"([\w-]+):\s*(.+)")


class App(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app with a `web` process type, and whether two copies of it answer as one process does.

    `requests` go to the copies in turn, then all copies end, and `afterwards` go to one that is started anew, in a
    new folder. A request is "METHOD PATH", with a form ("a=b") or a file ("@name=content", as the field `file`)
    behind it; "PAUSE" lets background work happen. At the path `listen` ("ws:/…" for a websocket) the first copy is
    listened to, and `heard` is what one should hear. `environment` is what the deployment sets, `decided_by` a
    variable that it does not set, and that would decide. `gap` says why proctor says something else."""

    name: str
    about: str
    consistent: bool
    files: Mapping[str, str]
    requests: tuple[str, ...]
    afterwards: tuple[str, ...] = ()
    listen: str = ""
    heard: str = ""
    environment: dict[str, str] = {}
    decided_by: str = ""
    gap: str = ""

    @property
    def commands(self) -> dict[str, str]:
        """Process type -> launch command."""
        return dict(_PROCESS.findall(self.files["Procfile"]))


def read_apps() -> tuple[App, ...]:
    """All apps, file by file."""
    return tuple(
        msgspec.convert(row, App)
        for path in sorted((ROOT / "fixtures" / "state").glob("*.toml"))
        for row in tomli.loads(path.read_text(encoding="utf-8"))["app"]
    )


#: status and body, or whether something was heard
Answer = tuple[int, str] | bool


class Trial:
    """One app in folders of its own below `folder`. `environment` is what every deployment sets."""

    def __init__(self, app: App, folder: Path, environment: Mapping[str, str]) -> None:
        self._app = app
        self._folder = folder
        self._environment = {**environment, **app.environment}
        self._n_machines = 0

    def answers_of_one(self) -> list[Answer]:
        """What one process answers that never ends; the app's other process types are on the same machine."""
        empty_redis(self._environment["REDIS_URL"])
        machine = self._machine()
        with contextlib.ExitStack() as stack:
            for name in self._others():
                stack.enter_context(self._started(name, machine))
            port = stack.enter_context(self._started("web", machine))
            return self._ask([port], [*self._app.requests, *self._app.afterwards], _Client())

    def answers_of_two(self) -> list[Answer]:
        """What two copies answer, each process on a machine of its own, and one that is started after they ended."""
        empty_redis(self._environment["REDIS_URL"])
        client = _Client()
        with contextlib.ExitStack() as others:
            for name in self._others():
                others.enter_context(self._started(name, self._machine()))
            with contextlib.ExitStack() as copies:
                ports = [copies.enter_context(self._started("web", self._machine())) for _ in range(2)]
                answers = self._ask(ports, self._app.requests, client)
            if self._app.afterwards:
                with self._started("web", self._machine()) as port:
                    answers += self._ask([port], self._app.afterwards, client, listen=False)
        return answers

    def _others(self) -> list[str]:
        return [name for name in self._app.commands if name != "web"]

    def _machine(self) -> Path:
        self._n_machines += 1
        return write_files(self._folder / f"{self._n_machines}" / "app", self._app.files)

    @contextlib.contextmanager
    def _started(self, name: str, machine: Path) -> Iterator[int]:
        port = PORTS.free()
        environment = {**self._environment, "PORT": str(port)}
        started = Started(self._app.commands[name], machine, environment)
        try:
            if name == "web":
                wait_until(lambda: is_open(port) or started.has_exited, _READY)
                if not is_open(port):
                    raise RuntimeError(f"{self._app.name} does not start:\n{started.output}")
            yield port
        except OSError as error:
            raise RuntimeError(f"{self._app.name}: {error}\n{started.output}") from error
        finally:
            started.end()

    def _ask(
        self, ports: Sequence[int], requests: Sequence[str], client: _Client, listen: bool = True
    ) -> list[Answer]:
        listener = _Listener(ports[0], self._app.listen) if self._app.listen and listen else None
        answers: list[Answer] = []
        number = 0
        for request in requests:
            if request == "PAUSE":
                time.sleep(_PAUSE)
                continue
            answers.append(client.ask(ports[number % len(ports)], request))
            number += 1
        if listener:
            answers.append(listener.hears(self._app.heard))
        return answers


class _Client:
    """A browser: it keeps cookies, and does not know that there are several copies."""

    def __init__(self) -> None:
        self._cookies: dict[str, str] = {}

    def ask(self, port: int, request: str) -> Answer:
        method, path, *rest = request.split(" ", 2)
        body, headers = _body(rest[0] if rest else "")
        if self._cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        try:
            connection.request(method, path, body, headers)
            response = connection.getresponse()
            text = response.read().decode("utf-8", "replace")
        finally:
            connection.close()
        for line in response.headers.get_all("Set-Cookie") or []:
            for name, morsel in SimpleCookie(line).items():
                self._cookies[name] = morsel.value
        return response.status, text


def _body(text: str) -> tuple[bytes, dict[str, str]]:
    if not text.startswith("@"):
        return text.encode(), {"Content-Type": "application/x-www-form-urlencoded"} if text else {}
    name, _, content = text[1:].partition("=")
    lines = [
        f"--{_BOUNDARY}",
        f'Content-Disposition: form-data; name="file"; filename="{name}"',
        "Content-Type: text/plain",
        "",
        content,
        f"--{_BOUNDARY}--",
        "",
    ]
    return "\r\n".join(lines).encode(), {"Content-Type": f"multipart/form-data; boundary={_BOUNDARY}"}


class _Listener:
    """An open event stream or websocket, and all that comes through it."""

    def __init__(self, port: int, listen: str) -> None:
        path = urlsplit(listen).path
        lines = [f"GET {path} HTTP/1.1", f"Host: 127.0.0.1:{port}"]
        if listen.startswith("ws:"):
            lines += ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13"]
            lines += ["Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg=="]
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.sendall("\r\n".join([*lines, "", ""]).encode())
        self._received = b""
        threading.Thread(target=self._read, daemon=True).start()
        wait_until(lambda: b"\r\n\r\n" in self._received, 20)

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while data := self._socket.recv(4096):
                self._received += data

    def hears(self, text: str) -> bool:
        """Whether `text` comes, and the connection is closed."""
        heard = wait_until(lambda: text.encode() in self._received, _HEARD_WITHIN)
        self._socket.close()
        return heard
