"""Runs one process type of a small app and writes down which of its functions ran, and in which phase.

    python recorder.py APP DRIVER PROCESS LOG

DRIVER is a Python file; its function PROCESS starts what the process type starts and is given a `Recorder`, to which
it announces phases. LOG gets one line for each function and phase: path, first line, name and phase, with tabs.
"""

from __future__ import annotations

import os
import runpy
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any

_STARTED_LATER = 0x20 | 0x80 | 0x200  # generators and coroutines: the frame is entered again and again


class Stop(BaseException):
    """Ends a program that would run for ever; only drivers raise it."""


class Recorder:
    """What a driver announces, and the profiler that writes down what runs."""

    def __init__(self, app: Path, log: Path) -> None:
        self._app = str(app) + os.sep
        self._log = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        self._seen: set[tuple[CodeType, str]] = set()
        self._frames: dict[int, FrameType] = {}
        self._marks: dict[CodeType, str] = {}
        self._pid = os.getpid()
        self._thread = threading.get_ident()
        #: the phase of what runs now, where nothing else on the stack decides
        self.phase = "startup"
        #: the phase of what other threads run
        self.threads = "thread"

    @contextmanager
    def during(self, phase: str, threads: str = "thread") -> Iterator[None]:
        """What runs now runs in `phase`; what other threads run meanwhile, in `threads`."""
        before = self.phase, self.threads
        self.phase, self.threads = phase, threads
        try:
            yield
        finally:
            self.phase, self.threads = before

    def mark(self, phase: str, *functions: Callable[..., Any]) -> None:
        """What these functions of a library call runs in `phase`, whatever was announced."""
        for function in functions:
            self._marks[getattr(function, "__func__", function).__code__] = phase

    def script(self, path: str, *arguments: str) -> None:
        """Run a file of the app as `python PATH ARGUMENTS` does, until it ends or a driver stops it."""
        sys.argv = [path, *arguments]
        with suppress(Stop, SystemExit):
            runpy.run_path(self._app + path, run_name="__main__")

    def start(self) -> None:
        """Watch this thread and all that are started from now on."""
        threading.setprofile(self._profile)
        sys.setprofile(self._profile)

    def _profile(self, frame: FrameType, event: str, argument: object) -> None:
        code = frame.f_code
        if event != "call" or not code.co_filename.startswith(self._app):
            return
        if code.co_flags & _STARTED_LATER:
            if id(frame) in self._frames:
                return
            self._frames[id(frame)] = frame
        phase = self._phase_of(frame)
        if (code, phase) not in self._seen:
            self._seen.add((code, phase))
            path = code.co_filename[len(self._app) :].replace(os.sep, "/")
            os.write(self._log, f"{path}\t{code.co_firstlineno}\t{code.co_name}\t{phase}\n".encode())

    def _phase_of(self, frame: FrameType) -> str:
        current: FrameType | None = frame
        while current is not None:
            code = current.f_code
            if code in self._marks:
                return self._marks[code]
            is_module = code.co_name == "<module>" and code.co_filename.startswith(self._app)
            if is_module and current.f_globals.get("__name__") != "__main__":
                return "import"
            current = current.f_back
        if os.getpid() != self._pid:
            return "thread"
        return self.phase if threading.get_ident() == self._thread else self.threads


def main(app: str, driver: str, process: str, log: str) -> None:
    """Run the process type `process` as `driver` says."""
    folder = Path(app).resolve()
    os.chdir(folder)
    sys.path[0] = str(folder)
    drive = runpy.run_path(driver, {"Stop": Stop})[process]
    recorder = Recorder(folder, Path(log))
    recorder.start()
    drive(recorder)
    sys.setprofile(None)


if __name__ == "__main__":
    main(*sys.argv[1:])
