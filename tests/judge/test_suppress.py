from __future__ import annotations

from proctor.judge import accept
from proctor.model.fact import Ignore
from proctor.model.finding import ClauseVerdict, Coverage, Finding, Judgement, Step
from proctor.model.ignore import read_ignore
from proctor.model.place import Place
from proctor.model.words import Severity
from proctor.settings import Accept, Settings

CODES = ("TF611", "TF621", "TF822")
TODAY = "2026-03-01"


def finding(
    code: str = "TF611", path: str = "a.py", line: int = 3, end: int = 3, severity: Severity = "error"
) -> Finding:
    place = Place(path, line, 0, end, 5)
    clause = {"TF611": "VI.1", "TF621": "VI.2", "TF822": "VIII.2"}[code]
    return Finding(
        code=code,
        name="x",
        clause=clause,
        severity=severity,
        message="m",
        remedy="r",
        place=place,
        processes=("web",),
        phase=None,
        evidence=(Step(place, "here"),),
    )


def judgement(*findings: Finding) -> Judgement:
    clauses = dict.fromkeys(each.clause for each in findings)
    return Judgement(
        root=".",
        processes=(),
        findings=findings,
        suppressed=(),
        verdicts=tuple(
            ClauseVerdict(
                clause=clause,
                process="web",
                verdict="violates",
                reason=", ".join(each.code for each in findings if each.clause == clause),
            )
            for clause in clauses
        ),
        coverage=Coverage(python_files=1, read=1, reached=1),
    )


def run(
    before: Judgement, *comments: tuple[str, int], settings: Settings | None = None, path: str = "a.py"
) -> Judgement:
    ignores: list[tuple[str, Ignore]] = []
    for text, line in comments:
        ignore = read_ignore(text, line, line)
        assert ignore is not None
        ignores.append((path, ignore))
    return accept(before, ignores, settings or Settings(), "proctor.toml", CODES, TODAY)


def notices(after: Judgement) -> list[tuple[str, int, str]]:
    return [(each.place.path, each.place.line, each.text) for each in after.notices]


def test_a_comment_silences_its_line_only() -> None:
    after = run(
        judgement(finding(line=3), finding(line=4)), ("# proctor: ignore[TF611] one process by design", 3)
    )
    assert [each.place.line for each in after.findings] == [4]
    assert [(each.place.line, each.suppressed) for each in after.suppressed] == [(3, "one process by design")]
    assert after.notices == ()


def test_an_accepted_violation_is_one() -> None:
    after = run(judgement(finding()), ("# proctor: ignore[TF611] known", 3))
    assert [each.verdict for each in after.verdicts] == ["violates"]


def test_a_comment_in_another_file_does_nothing() -> None:
    after = run(judgement(finding()), ("# proctor: ignore[TF611] known", 3), path="b.py")
    assert len(after.findings) == 1
    assert notices(after) == [("b.py", 3, "The acceptance of `TF611` silences nothing.")]


def test_a_comment_behind_the_last_line_speaks_of_the_statement() -> None:
    after = run(judgement(finding(line=3, end=6)), ("# proctor: ignore[TF611] known", 6))
    assert after.findings == ()


def test_several_codes_and_beginnings() -> None:
    both = judgement(finding("TF611"), finding("TF621"), finding("TF822"))
    after = run(both, ("# proctor: ignore[TF6] known", 3))
    assert [each.code for each in after.suppressed] == ["TF611", "TF621"]
    after = run(both, ("# proctor: ignore[TF822, TF611] known", 3))
    assert [each.code for each in after.suppressed] == ["TF611", "TF822"]


def test_the_code_that_silenced_nothing_is_named() -> None:
    after = run(judgement(finding()), ("# proctor: ignore[TF611,TF822] known", 3))
    assert notices(after) == [("a.py", 3, "The acceptance of `TF822` silences nothing.")]


def test_a_comment_without_codes_is_malformed() -> None:
    after = run(judgement(finding()), ("# proctor: ignore because", 3))
    assert len(after.findings) == 1
    assert notices(after) == [
        ("a.py", 3, "The acceptance names no rule: write `# proctor: ignore[TF611] reason`.")
    ]


def test_a_code_that_no_rule_has() -> None:
    after = run(judgement(finding()), ("# proctor: ignore[TF699] known", 3))
    assert len(after.findings) == 1
    assert notices(after) == [("a.py", 3, "No rule has the code `TF699`.")]


def test_a_comment_without_reason_silences_but_is_named() -> None:
    after = run(judgement(finding()), ("# proctor: ignore[TF611]", 3))
    assert [each.suppressed for each in after.suppressed] == ["no reason given"]
    assert notices(after) == [("a.py", 3, "The acceptance of `TF611` gives no reason.")]


def test_an_acceptance_ends_after_its_day() -> None:
    last_day = run(judgement(finding()), (f"# proctor: ignore[TF611] until {TODAY} known", 3))
    assert last_day.findings == ()
    after = run(judgement(finding()), ("# proctor: ignore[TF611] until 2026-02-28 known", 3))
    assert len(after.findings) == 1
    assert notices(after) == [("a.py", 3, "The acceptance of `TF611` ended on 2026-02-28.")]


def test_configured_entries() -> None:
    entry = Accept(code="TF6", path="legacy/*", reason="goes away", until="2026-12-31")
    before = judgement(finding(path="legacy/old.py"), finding(path="new.py"))
    after = run(before, settings=Settings(accept=(entry,)))
    assert [each.place.path for each in after.findings] == ["new.py"]
    assert [each.suppressed for each in after.suppressed] == ["goes away"]
    assert after.notices == ()


def test_configured_entries_that_are_idle_or_ended() -> None:
    idle = Accept(code="TF822", path="a.py", reason="x")
    ended = Accept(code="TF611", reason="x", until="2026-01-01")
    after = run(judgement(finding()), settings=Settings(accept=(idle, ended)))
    assert len(after.findings) == 1
    assert notices(after) == [
        ("proctor.toml", 1, "The entry in `accept` for `TF611` in `*` ended on 2026-01-01."),
        ("proctor.toml", 1, "The entry in `accept` for `TF822` in `a.py` silences nothing."),
    ]


def test_deselected_findings_go_and_their_clause_is_open() -> None:
    before = judgement(finding("TF611"), finding("TF822"))
    after = run(before, settings=Settings(ignore=("TF822",)))
    assert [each.code for each in after.findings] == ["TF611"]
    assert after.suppressed == ()
    assert [(each.clause, each.verdict, each.reason) for each in after.verdicts] == [
        ("VI.1", "violates", "TF611"),
        ("VIII.2", "not verified", "TF822 is not selected"),
    ]


def test_a_deselected_rule_leaves_no_idle_acceptance() -> None:
    after = run(
        judgement(finding("TF822")),
        ("# proctor: ignore[TF822] known", 3),
        settings=Settings(ignore=("TF822",)),
    )
    assert after.notices == ()
