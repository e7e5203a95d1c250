"""The project keeps its own rules: codes, files, pages and clauses agree, prose is whole, the engine names no library."""

from __future__ import annotations

import ast
import re
import string
import sys
from pathlib import Path

import pytest

import proctor
from proctor.model.rule import Rule
from proctor.model.words import CLAUSES, EFFECTS, PHASE_PHRASES, PHASES
from proctor.rule_files import read_sources
from proctor.rulebook import load_examples, load_rulebook, rule_pages

ROOT = Path(__file__).parents[1]
ENGINE = Path(proctor.__file__).parent
BOOK = load_rulebook(read_sources())
RULES = [pytest.param(rule, id=rule.code) for rule in BOOK.rules]
FOLDERS = {"VI": "processes", "VIII": "concurrency", "IX": "disposability", "C": "inside"}

#: Clauses that no rule judges yet, so that their verdict is never `conforms`. The list may only become shorter.
UNJUDGED = frozenset(
    {
        "VI.4",
        "VI.5",
        "VIII.3",
        "VIII.4",
        "VIII.5",
        "VIII.6",
        "IX.1",
        "IX.2",
        "IX.3",
        "IX.4",
        "IX.5",
        "IX.6",
        "IX.7",
        "C.3",
    }
)


def test_clauses_without_a_rule_are_known() -> None:
    assert frozenset(CLAUSES) - {rule.clause for rule in BOOK.rules} <= UNJUDGED


@pytest.mark.parametrize("rule", RULES)
def test_file_says_code_name_and_factor(rule: Rule) -> None:
    folder = FOLDERS[rule.clause.split(".")[0]]
    assert rule.path == f"rules/{folder}/{rule.code}-{rule.name}.toml"


def test_pages_are_up_to_date() -> None:
    """`proctor rules docs docs/rules` writes them."""
    folder = ROOT / "docs" / "rules"
    written = {page.name: page.read_text(encoding="utf-8") for page in folder.glob("*.md")}
    assert written == rule_pages()


@pytest.mark.parametrize("rule", RULES)
def test_at_least_three_examples_each(rule: Rule) -> None:
    """A gap shows what is still wrong, and is no example of what is right."""
    examples = load_examples(rule)
    for kind in (examples.bad, examples.good):
        assert len([example for example in kind if not example.gap]) >= 3


@pytest.mark.parametrize("rule", RULES)
def test_prose_is_whole(rule: Rule) -> None:
    for text in (rule.summary, rule.why, rule.remedy, rule.message, rule.not_reported or "."):
        assert text.strip().endswith("."), text
        assert "  " not in text.strip(), text
    assert "\n" not in rule.summary + rule.message + rule.remedy
    assert len(rule.why) >= 60
    names = [name for _, name, _, _ in string.Formatter().parse(rule.message) if name]
    assert names, "a message names what was seen"
    assert not rule.name.startswith("no-") or rule.name == "no-process-types"
    assert re.fullmatch(r"\d+\.\d+", rule.since)
    factors = "processes|concurrency|disposability"
    assert re.fullmatch(rf"https://12factor\.net/({factors})", rule.source) or rule.clause.startswith("C.")
    for reference in rule.references:
        assert re.match(r"https?://|[\w.-]+/[\w.-]+#\d+|[\w.-]+#\d+", reference), reference


def test_vocabularies_are_whole() -> None:
    assert set(PHASE_PHRASES) == set(PHASES)
    assert len(set(EFFECTS)) == len(EFFECTS)


# --- no library is known by name ---------------------------------------------------------------------------

#: Words of the engine's own that happen to be the name of a program or library, too.
OWN_WORDS = frozenset(
    {
        "daemon",
        "factory",
        "github",
        "gitlab",
        "limits",
        "pidfile",
        "python",
        "sh",
        "bash",
        "nohup",
        "sleep",
        "coverage",
        "decorator",
        "env",
        "environ",
        "rules",
        "testing",
        "timeout",
    }
)
#: Makers of files that declare something, and platforms: whoever reads the files must know their names.
MANIFESTS = frozenset({"conda", "docker", "fly", "heroku", "pdm", "poetry", "redis", "supervisord", "uv"})
READERS = re.compile(r"declare/|resolve/project\.py|settings\.py|judge/stopping\.py")
#: What proctor itself is built from.
BUILT_FROM = frozenset({"libcst", "msgspec", "packaging", "tomli", "typer", "yaml"})


def names_in_rules() -> set[str]:
    """Libraries and launchers. Other names that a program may be called by are left out: many are words of Unix."""
    names: set[str] = set()
    for library in BOOK.libraries:
        names |= {library.distribution, *library.modules}
    for launcher in BOOK.launchers:
        names |= {launcher.name, launcher.distribution, *launcher.modules}
    return {name for name in names if name} - sys.stdlib_module_names - OWN_WORDS - BUILT_FROM


def words_in(source: str) -> set[str]:
    """Whole string literals, the first parts of dotted ones, and imported names; docstrings and messages are prose."""
    words: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
            words |= {node.value, node.value.split(".")[0], node.value.split("=")[0]}
        elif isinstance(node, ast.Import):
            words |= {alias.name.split(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            words.add((node.module or "").split(".")[0])
    return words


@pytest.mark.parametrize("module", sorted(str(path.relative_to(ENGINE)) for path in ENGINE.rglob("*.py")))
def test_the_engine_names_no_library(module: str) -> None:
    known = MANIFESTS if READERS.match(module) else frozenset()
    assert words_in((ENGINE / module).read_text(encoding="utf-8")) & names_in_rules() - known == set()


def test_a_named_library_would_be_seen() -> None:
    names = names_in_rules()
    for source in (
        "x == 'flask'",
        "symbol.startswith('flask.Flask')",
        "import flask",
        "from flask import Flask",
    ):
        assert words_in(source) & names == {"flask"}
    assert not words_in("'''flask is a word of this docstring'''") & names


# --- sizes -------------------------------------------------------------------------------------------------


def test_modules_stay_small() -> None:
    too_long = {
        str(path.relative_to(ENGINE)): n_lines
        for path in ENGINE.rglob("*.py")
        if (n_lines := lines_of_code(path.read_text(encoding="utf-8"))) > 430
    }
    assert too_long == {}


def lines_of_code(source: str) -> int:
    """Lines that hold code: no blank ones, no comments, no docstrings."""
    lines: set[int] = set()
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            continue
        if isinstance(node, ast.stmt) and not isinstance(
            node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        ):
            lines.update(
                range(node.lineno, (node.end_lineno or node.lineno) + 1)
                if not hasattr(node, "body")
                else [node.lineno]
            )
        elif isinstance(node, ast.stmt):
            lines.add(node.lineno)
    return len(lines)


def test_public_names_have_docstrings() -> None:
    bare = []
    for path in ENGINE.rglob("*.py"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        documented = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
        nodes = [node for node in tree.body if isinstance(node, documented) and not node.name.startswith("_")]
        if not ast.get_docstring(tree):
            bare.append(str(path.relative_to(ENGINE)))
        bare += [f"{path.relative_to(ENGINE)}: {node.name}" for node in nodes if not ast.get_docstring(node)]
    assert bare == []
