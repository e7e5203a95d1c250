"""Facts become a program: names, calls, effects, and what each process type runs in which phase."""

from proctor.link.program import LinkedProgram, program

__all__ = ["LinkedProgram", "program"]
