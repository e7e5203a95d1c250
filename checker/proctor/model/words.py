"""Closed vocabularies of the specification: every value that a rule, model or report may name."""

from __future__ import annotations

from typing import Literal, get_args

Severity = Literal["error", "warning", "note"]
Verdict = Literal["conforms", "violates", "not verified", "not applicable"]
Kind = Literal["web", "worker", "scheduler", "release", "one-off", "unknown"]
Phase = Literal["import", "startup", "request", "job", "tick", "loop", "thread", "signal", "shutdown"]
Effect = Literal[
    # what a process does as a whole
    "serves-http",
    "serves-dev",
    "consumes-jobs",
    # hands one update over to a library's handlers
    "dispatches",
    "runs-bot",
    "schedules",
    "supervises",
    "daemonises",
    "writes-pidfile",
    "handles-sigterm",
    "runs-loop",
    # work handed on
    "enqueues",
    "registers-schedule",
    "starts-thread",
    "starts-process",
    "starts-task",
    # state
    "writes-disk",
    "reads-disk",
    "looks-at-disk",
    "removes-disk",
    "writes-temp",
    "stores-upload",
    "opens-embedded-db",
    "keeps-memory",
    "caches",
    "keeps-session",
    "logs-to-file",
    # time
    "sleeps",
    "http",
    "database",
    "disk-io",
    "subprocess",
    "network",
    "cpu",
    "loads-model",
    "migrates",
    "builds-assets",
    "installs",
    "waits",
    "spawns-unbounded",
    # delivery
    "receives",
    "acknowledges",
    "pops",
    "deletes-message",
    "discards-waiting",
    "retries",
    "publishes",
    "commits",
    "transaction",
    "saves-record",
    "reads-record",
    "sends-outside",
    # signals and ends
    "sets-signal",
    "ends-process",
    "joins",
    "stops-consumer",
    "registers-exit",
    # locks and context
    "locks",
    "unlocks",
    "locks-globally",
    "forks",
    "thread-local",
    "identity",
    "reads-clock",
    "makes-random",
    "opens-connection",
    "dynamic-import",
]
RowArgument = Literal["decorator", "return"]

SEVERITIES: tuple[Severity, ...] = get_args(Severity)
VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
KINDS: tuple[Kind, ...] = get_args(Kind)
PHASES: tuple[Phase, ...] = get_args(Phase)
EFFECTS: tuple[Effect, ...] = get_args(Effect)

#: How a phase reads in a sentence: "it runs …".
PHASE_PHRASES: dict[Phase, str] = {
    "import": "at import",
    "startup": "at start-up",
    "request": "in a request",
    "job": "in a job",
    "tick": "in a scheduled job",
    "loop": "in its main loop",
    "thread": "in a thread",
    "signal": "in a signal handler",
    "shutdown": "at shutdown",
}

#: Clauses in the order of the specification, with their titles.
CLAUSES: dict[str, str] = {
    "VI.1": "Memory holds nothing that a later request or job relies on",
    "VI.2": "Local disk holds nothing that a later request or job relies on",
    "VI.3": "Sessions live in a backing service with expiry, or in the client",
    "VI.4": "Assets are compiled in the build stage, not in a running process",
    "VI.5": "A process has no identity that work depends on",
    "VIII.1": "Every process that the app runs is declared as a process type that can be resolved",
    "VIII.2": "A process type does one type of work",
    "VIII.3": "Any process type runs correctly as many copies on many machines",
    "VIII.4": "Internal multiplexing is allowed, and is not a substitute for processes",
    "VIII.5": "Processes neither daemonise nor write PID files",
    "VIII.6": "The formation is set outside the code",
    "IX.1": "A process is ready within seconds of its launch",
    "IX.2": "SIGTERM reaches the program",
    "IX.3": "On SIGTERM a web process stops listening, finishes current requests and exits",
    "IX.4": "On SIGTERM a worker finishes the current job or returns it to the queue",
    "IX.5": "Signals are neither swallowed nor overridden",
    "IX.6": "Shutdown is bounded",
    "IX.7": "Jobs are reentrant",
    "IX.8": "Sudden death loses no work",
    "C.1": "The event loop is never blocked",
    "C.2": "Tasks are kept, awaited and cancelled properly",
    "C.3": "Shared mutable state is guarded",
    "C.4": "Locks are held briefly and always released",
    "C.5": "Forking is safe",
    "C.6": "Context follows the work",
    "C.7": "Concurrency is bounded",
    "C.8": "Waiting is bounded",
}
