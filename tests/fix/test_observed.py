"""Fixed programs behave better, seen: each is started as it is and as it is fixed, put to work and sent SIGTERM.

A worker says "ready", works until it is told to stop, and writes `done` when it has finished its job. As it is, it does not
end in time or loses the job; fixed, it does neither.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from rewriting import fixed, write

#: finishes its job on SIGTERM, which takes a moment
WORKER = """\
import os, signal, sys, time
from pathlib import Path

def stop(number, frame):
    time.sleep(0.1)
    Path("done").write_text("done")
    sys.exit(0)

signal.signal(signal.SIGTERM, stop)
Path("pid").write_text(str(os.getpid()))
print("ready", flush=True)
while True:
    time.sleep(0.05)
"""
SCRIPTS = {
    "plain": "#!/bin/sh\npython worker.py\n",
    "exported": "#!/bin/sh\nset -e\nexport A=1\npython worker.py\n",
    "assigned": "#!/bin/sh\ncd .\nB=2 python worker.py\n",
    "listed": "#!/bin/sh\ncd . && python worker.py\n",
    "redirected": "#!/bin/sh\nA=1\npython worker.py 2>&1\n",
    "chosen": '#!/bin/sh\nif [ -n "$PATH" ]; then\n  python worker.py\nelse\n  python other.py\nfi\n',
    "matched": '#!/bin/sh\ncase "$HOME" in\n  nowhere) python other.py ;;\n  *) python worker.py ;;\nesac\n',
    "continued": "#!/bin/sh\nA=1\npython \\\n  worker.py\n",
    "commented": "#!/bin/sh\nA=1\npython worker.py # the worker\n\n# end\n",
    "strict bash": "#!/bin/bash\nset -eu\nA=1\npython worker.py\n",
    "after a loop": "#!/bin/sh\nfor name in a b; do\n  echo $name >> log\ndone\npython worker.py\n",
    "after a function": "#!/bin/sh\nsay() {\n  echo $1 >> log\n}\nsay hello\npython worker.py\n",
    "variable": '#!/bin/sh\nOPTION=-u\npython "$OPTION" worker.py\n',
}
#: cancelled on SIGTERM by the loop's handler, and goes on all the same
CANCELLED = """\
import asyncio
import signal
from pathlib import Path


async def poll():
    while True:
        try:
            await asyncio.sleep(0.05)
        {arm}


async def main():
    task = asyncio.create_task(poll())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    print("ready", flush=True)
    await asyncio.wait([task])
    Path("done").write_text("done")


asyncio.run(main())
"""
ARMS = {
    "pass": "except asyncio.CancelledError:\n            pass",
    "print": 'except asyncio.CancelledError:\n            print("no")',
    "continue": "except asyncio.CancelledError:\n            continue",
    "bare": "except:\n            pass",
    "base": "except BaseException as error:\n            print(error)",
}
#: one job fails while it holds the lock; the next one, which SIGTERM waits for, never gets it
LOCKED = """\
import signal
import sys
import threading
import urllib.request
from pathlib import Path

lock = threading.{kind}()


def fetch(url):
    lock.acquire()
    urllib.request.urlopen(url, timeout=1)
    lock.release()


def job():
    try:
        fetch("http://127.0.0.1:9/")
    except OSError:
        pass


def stop(number, frame):
    threads = [threading.Thread(target=job) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    Path("done").write_text("done")
    sys.exit(0)


signal.signal(signal.SIGTERM, stop)
print("ready", flush=True)
while True:
    signal.pause()
"""
CASES = [
    *(
        pytest.param("TF921", {"Procfile": "worker: bin/worker.sh\n", "bin/worker.sh": text, "worker.py": WORKER,
                               "other.py": "while True: pass\n"}, ["sh", "bin/worker.sh"], id=f"exec {name}")
        for name, text in SCRIPTS.items()
    ),
    *(
        pytest.param("TC23", {"Procfile": "worker: python w.py\n", "w.py": CANCELLED.format(arm=arm)},
                     [sys.executable, "w.py"], id=f"cancelled {name}")
        for name, arm in ARMS.items()
    ),
    *(
        pytest.param("TC42", {"Procfile": "worker: python w.py\n", "w.py": LOCKED.format(kind=kind)},
                     [sys.executable, "w.py"], id=f"lock {kind}")
        for kind in ("Lock", "Semaphore", "BoundedSemaphore")
    ),
]  # fmt: skip


def outcome(folder: Path, files: Mapping[str, bytes], command: list[str]) -> tuple[bool, bool]:
    """Whether the program ends within two seconds of SIGTERM, and whether its job is done then."""
    write(folder, files)
    (folder / "bin").mkdir(exist_ok=True)
    (folder / "bin" / "python").symlink_to(sys.executable)
    environment = {**os.environ, "PATH": f"{folder / 'bin'}:{os.environ['PATH']}", "HOME": str(folder)}
    process = subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == "ready\n"
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(2)
            ends = True
        except subprocess.TimeoutExpired:
            ends = False
        return ends, (folder / "done").exists()
    finally:
        # what the shell left behind, too: it is in the session that was started here
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        process.stdout.close()


@pytest.mark.slow
@pytest.mark.parametrize(("code", "files", "command"), CASES)
def test_the_fixed_program_finishes_and_ends(
    code: str, files: dict[str, str], command: list[str], tmp_path: Path
) -> None:
    data = {path: text.encode() for path, text in files.items()}
    assert outcome(tmp_path / "as-it-is", data, command) != (True, True)
    assert outcome(tmp_path / "fixed", {**data, **fixed(data, code)}, command) == (True, True)
