"""The programs of fixtures/shutdown: each is started, put to work and stopped, and what becomes of the work is seen."""

from __future__ import annotations

import re
import signal
import socket
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec
import tomli
from running import PORTS, ROOT, Started, empty_redis, is_open, wait_until, write_files

#: what becomes of the work in hand, and of the program: all is well with the first two
Outcome = Literal["finished", "returned", "lost", "stuck"]
WELL = ("finished", "returned")

#: seconds until SIGKILL, as on the platform that verdicts assume by default
GRACE = 10.0
_READY = 60.0
#: seconds in which a program started again takes up a job that was left
_AGAIN = 8.0
_SETTLE = 0.3
_TRIES = 3
_BEGINS = re.compile(r"(?<![\"'])work begins")
_ENDS = re.compile(r"(?<![\"'])work ends")


class Program(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An app with one process type. `outcome` is what SIGTERM in the middle of a job or request leads to,
    `after_death` what SIGKILL leads to (None: it takes no jobs that could come back). A web program works on the
    path `request`, with the path `stream` held open beside it; a worker gets its job by the command `enqueue` (again
    and again until it is taken, where nothing keeps it), or finds work by itself. An `idle` one is stopped once its
    job is done. `shells` are those that may stand in front of the command: the worst outcome counts. `options` are
    proctor's settings. `gap` says why proctor says something else, `death_gap` of a sudden death."""

    name: str
    about: str
    outcome: Outcome
    files: Mapping[str, str]
    after_death: Literal["returned", "lost"] | None = None
    request: str = ""
    stream: str = ""
    enqueue: str = ""
    enqueue_until_taken: bool = False
    idle: bool = False
    shells: tuple[str, ...] = ("bash",)
    options: dict[str, Any] = {}
    gap: str = ""
    death_gap: str = ""

    @property
    def process(self) -> str:
        """The name of its process type."""
        return self.files["Procfile"].partition(":")[0].strip()

    @property
    def command(self) -> str:
        """The launch command."""
        return self.files["Procfile"].partition(":")[2].strip()


def read_programs(folder: str = "shutdown") -> tuple[Program, ...]:
    """All programs of a folder of fixtures, family by family; the files under `shared` belong to each of a family."""
    found = []
    for path in sorted((ROOT / "fixtures" / folder).glob("*.toml")):
        family = tomli.loads(path.read_text(encoding="utf-8"))
        for row in family["program"]:
            row["files"] = {**family.get("shared", {}), **row["files"]}
            found.append(msgspec.convert(row, Program))
    return tuple(found)


class NotInHand(Exception):
    """The program could not be caught at work; the output is the message."""


class Trial:
    """One program in a folder of its own, stopped once by `signal.SIGTERM` or `signal.SIGKILL`. `environment` is what a
    deployment would set."""

    def __init__(self, program: Program, folder: Path, environment: Mapping[str, str]) -> None:
        self._program = program
        self._folder = folder
        self._port = PORTS.free()
        self._environment = {**environment, "PORT": str(self._port)}

    def outcome(self, number: signal.Signals, shell: str = "bash") -> tuple[Outcome, str]:
        """What became of the work, and what the program printed until its end. Raises NotInHand where the program
        was never caught at work."""
        for _ in range(_TRIES):
            self._folder = write_files(self._folder / "app", self._program.files)
            empty_redis(self._environment["REDIS_URL"])
            if not self._program.enqueue_until_taken:
                self._hand_in()
            started = Started(self._program.command, self._folder, self._environment, shell)
            try:
                outcome = self._stop(started, number)
            finally:
                output = started.end()
            if outcome == "lost" and self._program.enqueue and self._comes_back(shell):
                outcome = "returned"
            if outcome:
                return outcome, output
        raise NotInHand(output)

    def _stop(self, started: Started, number: signal.Signals) -> Outcome | None:
        """None where the work was done before the signal came."""
        client = self._put_to_work(started)
        if self._program.idle:
            wait_until(lambda: not _in_hand(started), _READY)
            time.sleep(_SETTLE)
        elif not _in_hand(started):
            return None
        if number == signal.SIGKILL:
            started.send(number, everyone=True)
            return "lost"
        started.send(number, everyone=self._program.options.get("platform") == "heroku")
        if not wait_until(lambda: started.has_exited, GRACE):
            return "stuck"
        if client is not None:
            return "finished" if client.has_answer() else "lost"
        return "lost" if _in_hand(started) else "finished"

    def _put_to_work(self, started: Started) -> _Client | None:
        program, client = self._program, None
        if program.request:
            if not wait_until(lambda: is_open(self._port) or started.has_exited, _READY):
                raise NotInHand(started.output)
            if program.stream:
                _Client(self._port, program.stream).wait_for_data()
            client = _Client(self._port, program.request)
        again = time.monotonic()

        def is_at_work() -> bool:
            nonlocal again
            if program.enqueue_until_taken and time.monotonic() > again:
                self._hand_in()
                again = time.monotonic() + 1
            return _in_hand(started) or started.has_exited

        if not wait_until(is_at_work, _READY) or not _has_begun(started):
            raise NotInHand(started.output)
        time.sleep(_SETTLE)
        return client

    def _hand_in(self) -> None:
        producer = Started(self._program.enqueue, self._folder, self._environment)
        wait_until(lambda: producer.has_exited, _READY)
        failed, output = producer.has_failed, producer.end()
        if failed:
            raise RuntimeError(f"the job cannot be handed in:\n{output}")

    def _comes_back(self, shell: str) -> bool:
        """Whether the program, started again, does the job that it left."""
        started = Started(self._program.command, self._folder, self._environment, shell)
        try:
            return wait_until(lambda: bool(_ENDS.search(started.output)), _AGAIN)
        finally:
            started.end()


def _has_begun(started: Started) -> bool:
    return bool(_BEGINS.search(started.output))


def _in_hand(started: Started) -> bool:
    output = started.output
    return len(_BEGINS.findall(output)) > len(_ENDS.findall(output))


class _Client:
    """One request, and what comes back."""

    def __init__(self, port: int, path: str) -> None:
        self._received = b""
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=30)
        self._socket.sendall(f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode())
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def _read(self) -> None:
        try:
            while data := self._socket.recv(4096):
                self._received += data
        except OSError:
            pass

    def wait_for_data(self) -> None:
        """Wait until the answer has begun."""
        wait_until(lambda: b"\r\n\r\n" in self._received, 20)

    def has_answer(self) -> bool:
        """Whether the whole answer came."""
        self._thread.join(timeout=2)
        return b"work ends" in self._received
