"""`python -m proctor` and the console script."""

from __future__ import annotations

import os
import sys


def main() -> None:
    """Run the command line and end the process with its exit status: 0, 1 (findings) or 2 (the run failed)."""
    try:
        # within the `try`, because loading the program can be interrupted, too
        from proctor.cli import run

        status = run(sys.argv[1:])
        sys.stdout.flush()
    except KeyboardInterrupt:
        status = 130
    except BrokenPipeError:
        # whoever read us has seen enough; without this the interpreter complains when it closes the stream
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = 0
    sys.exit(status)


if __name__ == "__main__":
    main()
