"""Whatever stands in a rule file of an organisation's own, it is an answer or an error of configuration, never a defect."""

from __future__ import annotations

from pathlib import Path

import pytest

from proctor import pipeline
from proctor.errors import ConfigurationError
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.trial import example_tree

HEAD = """
code = "TF829"
name = "disco-in-web"
clause = "VIII.2"
severity = "warning"
since = "1.0"
source = "https://12factor.net/concurrency"
summary = "A web process also dances."
why = "Because."
remedy = "Stop."
message = "`{symbol}` dances."
"""
EXAMPLES = """
[[bad]]
files."app.py" = "dance()  # finding: TF829"

[[good]]
files."app.py" = "rest()"
"""
APP = {
    "Procfile": "worker: python app.py\n",
    "app.py": """
import asyncio
import threading

lock = threading.Lock()


async def beat(loop):
    loop.create_task(work())


async def work():
    with lock:
        await asyncio.sleep(1)


while True:
    try:
        asyncio.run(beat(asyncio.new_event_loop()))
    except Exception:
        pass
""",
}
#: conditions and what the error has to name
WRONG = {
    'judge = "paths"\nask = "order"\nfirst = {}': "which effects are meant",
    'judge = "paths"\nask = "order"\nfirst = { details = { kept = "no" } }': "which effects are meant",
    'judge = "paths"\nask = "held"\nfirst = {}\nduring = "same"': "which effects are meant",
    'judge = "paths"\nask = "dropped"\nfirst = {}': "which effects are meant",
    'judge = "paths"\nask = "dropped"\nfirst = { symbol = "asyncio.*" }\nunresolved = ["*loop.create_task"]': "first.effect",
    'judge = "paths"': "`when.ask`",
    'judge = "paths"\nask = ["order"]': "`when.ask`",
    'judge = "paths"\nask = "order"\neither = "x"': "`when.either`",
    'judge = "paths"\nask = "order"\neither = ["x"]': "`when.either`",
    'judge = "paths"\nask = "order"\nfirst = "sleeps"\nsettings_like = { "django:DEBUG" = "(" }': "regular expression",
    'judge = "signals"\nask = 3': "`when.ask`",
    'judge = "signals"\neither = { ask = "loop" }': "`when.either`",
    'judge = "pairs"\nbetween = ["memory"]': "`when.between`",
    'judge = "pairs"': "`when.between`",
    'judge = "effects"\nphase = "request"': "which effects are meant",
    'judge = "effects"\neffekt = "sleeps"': "effekt",
    'judge = "effects"\neffect = 3': "effect",
    'judge = "effects"\neffect = "sleeps"\noption = { workers = "(" }': "regular expression",
    'judge = "values"\nany = ["x"]': "any",
    'judge = "values"\nany = [{ setting = "django:DEBUG", matches = "(" }]': "regular expression",
    'judge = "commands"\nany = [3]': "any",
    'judge = ["effects"]': "`when.judge`",
}


def run(folder: Path, content: bytes) -> None:
    folder.mkdir()
    (folder / "TF829-disco-in-web.toml").write_bytes(content)
    book = load_rulebook(read_sources([folder]))
    pipeline.judge_tree(example_tree(APP), book=book)


def test_a_right_rule_is_used(tmp_path: Path) -> None:
    run(tmp_path / "ops", f'{HEAD}\n[when]\njudge = "effects"\neffect = "sleeps"\n{EXAMPLES}'.encode())


@pytest.mark.parametrize("conditions", WRONG)
def test_wrong_conditions_are_named(conditions: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"TF829-disco-in-web\.toml") as raised:
        run(tmp_path / "ops", f"{HEAD}\n[when]\n{conditions}\n{EXAMPLES}".encode())
    assert WRONG[conditions] in str(raised.value)


@pytest.mark.parametrize(
    "content", [b"", b"\x00\x00", b'code = "\xff\xfe"', "code = 1".encode("utf-16"), b"code", b"[when"]
)
def test_wrong_files_are_named(content: bytes, tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"TF829-disco-in-web\.toml"):
        run(tmp_path / "ops", content)
