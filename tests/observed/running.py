"""Programs that are really started, as a platform starts a process type, and what becomes of them."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).parents[2]
#: the programs of the libraries that the apps use
BIN = Path(os.environ.get("BENCH_VENV", ROOT / ".bench")).absolute() / "bin"
_MARK = "BENCH_MARK"
_POLL = 0.05
_RESET_SIGNALS = ["env", "--default-signal=INT,TERM,HUP,CHLD"]


def write_files(folder: Path, files: Mapping[str, str]) -> Path:
    """Write an app into `folder`."""
    for path, text in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text.lstrip("\n"), encoding="utf-8")
    return folder


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` came true within `seconds`."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(_POLL)
    return True


class Started:
    """A launch command at work in `folder`, in a session of its own. `shell` is what stands in front of it."""

    def __init__(
        self, command: str, folder: Path, environment: Mapping[str, str], shell: str = "bash"
    ) -> None:
        self._mark = uuid.uuid4().hex
        own = {
            **os.environ,
            "PATH": f"{BIN}:{os.environ['PATH']}",
            "PYTHONUNBUFFERED": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
            **environment,
            _MARK: self._mark,
        }
        for name in ("PYTHONPATH", "VIRTUAL_ENV"):
            own.pop(name, None)
        self._process = subprocess.Popen(
            [*_RESET_SIGNALS, shell, "-c", command],
            cwd=folder,
            env=own,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._printed = b""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout
        while data := os.read(self._process.stdout.fileno(), 65536):
            self._printed += data

    @property
    def output(self) -> str:
        """All that it and its children have printed so far."""
        return self._printed.decode("utf-8", "replace")

    @property
    def has_exited(self) -> bool:
        """Whether the main process is gone."""
        return self._process.poll() is not None

    @property
    def has_failed(self) -> bool:
        """Whether the main process is gone, and not in order."""
        return self._process.poll() not in (None, 0)

    def send(self, number: signal.Signals, everyone: bool = False) -> None:
        """Signal the main process, or every process that came out of it."""
        for pid in self._pids() if everyone else [self._process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def end(self) -> str:
        """Kill whatever is left, as a container's end does. The whole output."""
        wait_until(self._killed, 10)
        self._process.wait(10)
        self._reader.join(10)
        return self.output

    def _killed(self) -> bool:
        self.send(signal.SIGKILL, everyone=True)
        self._process.poll()
        return not self._pids()

    def _pids(self) -> list[int]:
        """Every process that has the mark in its environment: some leave the session."""
        mark = f"{_MARK}={self._mark}".encode()
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit():
                with contextlib.suppress(OSError):
                    if mark in (folder / "environ").read_bytes():
                        found.append(int(folder.name))
        return found


# --- what programs need around them --------------------------------------------------------------------------


class Ports:
    """Free ports of this machine, none twice."""

    def __init__(self) -> None:
        self._given: set[int] = set()
        self._lock = threading.Lock()

    def free(self) -> int:
        """One more."""
        with self._lock:
            while True:
                with socket.socket() as probe:
                    probe.bind(("127.0.0.1", 0))
                    port: int = probe.getsockname()[1]
                if port not in self._given:
                    self._given.add(port)
                    return port


PORTS = Ports()


def is_open(port: int) -> bool:
    """Whether something listens on a port of this machine."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False


@contextlib.contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """The address of a Redis that keeps nothing on disk; its databases are named by a number behind it."""
    port = PORTS.free()
    command = [
        f"{BIN}/redis-server",
        "--port",
        str(port),
        "--save",
        "",
        "--databases",
        "512",
        "--dir",
        str(folder),
    ]
    with (folder / "redis.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        if not wait_until(lambda: is_open(port), 20):
            raise RuntimeError(f"redis-server does not start: {(folder / 'redis.log').read_text()}")
        yield f"redis://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def empty_redis(address: str) -> None:
    """Forget all that the database at `address` (redis://host:port/number) keeps."""
    host, port, number = re.findall(r"[^:/]+", address.removeprefix("redis:"))
    with socket.create_connection((host, int(port)), timeout=10) as connection:
        connection.sendall(f"SELECT {number}\r\nFLUSHDB\r\n".encode())
        answer = b""
        while answer.count(b"\r\n") < 2:
            answer += connection.recv(100)
    if answer != b"+OK\r\n+OK\r\n":
        raise RuntimeError(f"redis-server says {answer!r}")


class _Taker(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextlib.contextmanager
def taking_reports() -> Iterator[str]:
    """The address of a service that takes whatever is sent to it."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Taker)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/reports"
    finally:
        server.shutdown()
        server.server_close()
