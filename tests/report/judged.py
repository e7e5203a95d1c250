"""A made-up judgement that holds something of everything."""

from __future__ import annotations

import msgspec

from proctor.model.finding import (
    ClauseVerdict,
    Coverage,
    Finding,
    Judgement,
    ProcessReport,
    Service,
    Step,
)
from proctor.model.place import Place
from proctor.report import SourceLines

FILES = {
    "Procfile": "web: gunicorn app:app\nworker: celery -A tasks worker\n",
    "app.py": "import os\n\nname = 'Grüße'; UPLOADS[name] = 1\n\tx = 1\n",
    "shop/views.py": "def upload():\n\tsave(  # \x1b[31m\n\t\t'日本', open(p, 'wb'))\n\n\n"
    + "x = ["
    + "1, " * 100
    + "sleep(1)]\n",
}


def make() -> Judgement:
    declared = Step(Place("Procfile", 1, 5, 1, 21), "`web` is declared in Procfile")
    first = Finding(
        code="TF611",
        name="memory-between-requests",
        clause="VI.1",
        severity="error",
        message="`UPLOADS` is written by `app.upload` and read by `app.show`.",
        remedy="Keep it in a backing service.\nA cache will do.",
        place=Place("app.py", 3, 18, 3, 36),
        processes=("web",),
        phase="request",
        evidence=(declared, Step(Place("app.py", 3, 18), "writes `UPLOADS`")),
        subject="UPLOADS",
    )
    second = Finding(
        code="TC11",
        name="blocking-sleep",
        clause="C.1",
        severity="warning",
        message="`sleep` blocks the loop.",
        remedy="",
        place=Place("shop/views.py", 6, 305, 6, 313),
        processes=("web", "worker"),
        phase="job",
        evidence=(Step(Place("shop/views.py", 6), "calls `sleep`"),),
    )
    third = Finding(
        code="TF621",
        name="local-file",
        clause="VI.2",
        severity="note",
        message="A file is written.",
        remedy="Do not.",
        place=Place("shop/views.py", 2, 1, 3, 26),
        processes=(),
        phase=None,
        evidence=(Step(Place("shop/views.py", 2), ""),),
    )
    accepted = msgspec.structs.replace(third, suppressed="one copy only")
    web = ProcessReport(
        name="web",
        place=Place("Procfile", 1, 5, 1, 21),
        command="gunicorn app:app",
        launcher="gunicorn",
        kind="web",
        entry_kind="callable",
        entry_target="app:app",
        entry_path="app.py",
        unresolved=None,
        files=2,
        effects=("serves-http", "keeps-memory"),
        profile=(("serves-http", (declared,)), ("keeps-memory", first.evidence)),
        services=(
            Service(name="SQL database", variable="DATABASE_URL", steps=(declared,)),
            Service(name="Redis"),
        ),
    )
    worker = ProcessReport(
        name="worker",
        place=Place("Procfile", 2, 8, 2, 30),
        command="celery -A tasks worker",
        launcher="",
        kind="unknown",
        entry_kind=None,
        entry_target=None,
        entry_path=None,
        unresolved="the module `tasks` is not there",
        files=0,
        effects=(),
    )
    verdicts = (
        ClauseVerdict(clause="VI.1", process="web", verdict="violates", reason="TF611"),
        ClauseVerdict(clause="VI.2", process="web", verdict="conforms", reason="2 files read", files=2),
        ClauseVerdict(
            clause="VI.1", process="worker", verdict="not verified", reason="the module `tasks` is not there"
        ),
        ClauseVerdict(clause="VI.2", process="worker", verdict="not applicable", reason="it ends by itself"),
        ClauseVerdict(
            clause="VIII.1", process=None, verdict="conforms", reason="every line was read", files=1
        ),
    )
    return Judgement(
        root=".",
        processes=(web, worker),
        findings=(first, second, third),
        suppressed=(accepted,),
        verdicts=verdicts,
        coverage=Coverage(
            python_files=3, read=2, reached=2, not_read=(("old.py", "it is not Python 3 (line 2)"),)
        ),
        notices=(Step(Place("app.py", 4), "The acceptance of `TF611` silences nothing."),),
    )


LINES = SourceLines(lambda path: FILES[path].encode())
