"""Library models: what their examples mark is found, every row says where it was read, and every name they use
exists in the library (checked for each library that is installed in the version that the model was checked with;
`docs/library-models.md` has the command that installs them all)."""

from __future__ import annotations

import importlib.util
import os
import re
import sys
import warnings
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import pytest

from proctor import pipeline
from proctor.model.program import Program, UnitKey
from proctor.model.rule import LibraryModel, ModelExample
from proctor.rule_files import read_sources
from proctor.rulebook import load_rulebook
from proctor.rulebook.load import load_model_examples
from proctor.trial import example_tree

ROOT = Path(__file__).parents[1]
SOURCES = read_sources()
BOOK = load_rulebook(SOURCES)
MODELS = [pytest.param(model, id=Path(model.path).stem) for model in BOOK.libraries]
EXAMPLES = [
    pytest.param(model, example, id=f"{Path(model.path).stem}-{number}")
    for model in BOOK.libraries
    for number, example in enumerate(load_model_examples(model, SOURCES), start=1)
]
#: set by the command that installs all libraries: then none may be missing
ALL_INSTALLED = bool(os.environ.get("PROCTOR_MODEL_LIBRARIES"))

_MARK = re.compile(r"# (effect|phase): (?P<words>[a-z, -]+)$")
_NAME_FIELDS = (
    "call", "read", "write", "decorator", "attribute", "class_", "type", "element", "bases", "alias", "mapping",
    "from_object", "from_envvar", "update", "constructor", "item", "sets", "passes", "accessor",
)  # fmt: skip
_ROWS = ("effect", "returns", "runs", "base", "classes", "loads", "settings", "environment")


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _installed() -> dict[str, str]:
    return {_normal(each.metadata["Name"]): each.version for each in metadata.distributions()}


INSTALLED = _installed()


def is_installed(model: LibraryModel) -> bool:
    """Whether this Python has the library in the version that the model was checked with."""
    if model.distribution == "python":
        return sys.version.startswith(model.tested + ".")
    return INSTALLED.get(_normal(model.distribution)) == model.tested


def is_importable(model: LibraryModel) -> bool:
    """Whether the names of a model can be looked up at all: its library is not a stand-in as a whole."""
    roots = {module.partition(".")[0] for module in model.modules}
    return bool(model.tested) and model.distribution != "python" and not roots <= set(model.stand_ins)


# --- examples ------------------------------------------------------------------------------------------------


def linked(example: ModelExample) -> Program:
    """The program of an example, run by its own Procfile or by its launch command."""
    files = dict(example.files)
    assert example.process, "an example says which command runs it"
    files.setdefault("Procfile", f"main: {example.process}\n")
    return pipeline.link_tree(example_tree(files), book=BOOK).program


def marks(example: ModelExample, kind: str) -> Iterator[tuple[str, int, str]]:
    """(path, line, word) of every mark of a kind in an example."""
    for path, text in example.files.items():
        for number, line in enumerate(text.split("\n"), start=1):
            found = _MARK.search(line)
            if found and found[1] == kind:
                for word in found["words"].split(","):
                    yield path, number, word.strip()


@pytest.mark.parametrize(("model", "example"), EXAMPLES)
def test_marked_effects_are_found(model: LibraryModel, example: ModelExample) -> None:
    program = linked(example)
    found = {(hit.place.path, hit.place.line, hit.effect) for view in program.views for _, hit in view.hits()}
    assert not set(marks(example, "effect")) - found


@pytest.mark.parametrize(("model", "example"), EXAMPLES)
def test_marked_functions_run_in_their_phase(model: LibraryModel, example: ModelExample) -> None:
    program = linked(example)
    found = {
        (path, unit.line, phase)
        for path, facts in program.files.items()
        for unit in facts.units
        if unit.kind == "function"
        for view in program.views
        for phase in view.phases(UnitKey(path, unit.index))
    }
    assert set(marks(example, "phase")) - found == set()


@pytest.mark.parametrize(("model", "example"), EXAMPLES)
def test_what_is_called_unused_does_not_run(model: LibraryModel, example: ModelExample) -> None:
    program = linked(example)
    running = [
        (path, unit.line)
        for path, facts in program.files.items()
        for unit in facts.units
        if unit.name == "unused" and any(view.phases(UnitKey(path, unit.index)) for view in program.views)
    ]
    assert running == []


@pytest.mark.parametrize("model", MODELS)
def test_model_has_an_example_with_a_mark(model: LibraryModel) -> None:
    marked = [
        mark
        for example in load_model_examples(model, SOURCES)
        for kind in ("effect", "phase")
        for mark in marks(example, kind)
    ]
    assert marked


@pytest.mark.parametrize("model", MODELS)
def test_rows_say_where_they_were_read(model: LibraryModel) -> None:
    for row in (*model.effect, *model.settings, *model.environment):
        assert re.match(r"https?://|observed: ", row.source), row


def test_guide_explains_every_detail_word() -> None:
    guide = (ROOT / "docs" / "library-models.md").read_text(encoding="utf-8")
    table = guide.partition("## Details")[2].partition("## Sources")[0]
    words = re.findall(r"^\| ([^|]+) \|", table, re.MULTILINE)
    explained = {word for cell in words for word in re.findall(r"`([\w-]+)`", cell)}
    used = {
        word
        for model in BOOK.libraries
        for rows in (model.effect, model.base)
        for row in rows
        for word in row.details
    }
    assert used - explained == set()


# --- names ---------------------------------------------------------------------------------------------------


def names(model: LibraryModel) -> dict[str, None]:
    """Every dotted name that a model uses, without those that a row says are gone and the stand-ins."""
    found = dict.fromkeys(model.transparent)
    for kind in _ROWS:
        for row in getattr(model, kind):
            if row.versions or row.gone:
                continue
            found.update(dict.fromkeys(_names_of(row)))
            if kind == "classes":
                found[row.name] = None
    stand_ins = tuple(model.stand_ins)
    return {
        name: None
        for name in found
        if name and not any(name == each or name.startswith(f"{each}.") for each in stand_ins)
    }


def _names_of(row: msgspec.Struct) -> Iterator[str]:
    for field in _NAME_FIELDS:
        value = getattr(row, field, ())
        yield from (value,) if isinstance(value, str) else value
    for test in getattr(row, "where", ()):
        yield test.type
        yield from test.not_type


def find(dotted: str) -> str | None:
    """Why a dotted name cannot be found in its library; None where it is there."""
    parts = dotted.removesuffix("()").removesuffix(".*").split(".")
    reasons = ["there is no such module"]
    for n_module in range(len(parts), 0, -1):
        try:
            value: Any = importlib.import_module(".".join(parts[:n_module]))
        except ModuleNotFoundError:
            continue
        except Exception as error:
            reasons.append(f"{type(error).__name__}: {error}")
            continue
        missing = _missing_part(value, parts[n_module:])
        if missing is None:
            return None
        reasons.append(f"`{missing}` is not there")
    return reasons[-1]


def _missing_part(value: Any, parts: list[str]) -> str | None:
    """The first attribute of a chain that is missing; fields that a class only annotates are there."""
    for part in parts:
        if not hasattr(value, part):
            annotated = {
                name
                for each in getattr(value, "__mro__", ())
                for name in getattr(each, "__annotations__", ())
            }
            return None if part in annotated else part
        value = getattr(value, part)
    return None


def twins(name: str) -> tuple[str, ...]:
    """A name and the spellings that rows do not tell apart: entering and iterating may be asynchronous."""
    return (
        name,
        name.replace("__enter__", "__aenter__"),
        name.replace("__iter__", "__aiter__"),
        name.replace("__iter__", "__getitem__"),
    )


@pytest.fixture(scope="session", autouse=True)
def django_configured() -> None:
    """Django's modules cannot be imported without settings."""
    if "django" not in INSTALLED:
        return
    conf = importlib.import_module("django.conf")
    if conf.settings.configured:
        return
    conf.settings.configure(
        SECRET_KEY="x",
        STATIC_URL="static/",
        SITE_ID=1,
        MIDDLEWARE=["allauth.account.middleware.AccountMiddleware"],
        HAYSTACK_CONNECTIONS={"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "django.contrib.sessions",
            "django.contrib.sites",
            "django.contrib.messages",
            "django.contrib.admin",
            *(app for app, name in _DJANGO_APPS.items() if name in INSTALLED),
        ],
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": ":memory:"}},
    )
    importlib.import_module("django").setup()


#: app -> the distribution that has it
_DJANGO_APPS = {
    "rest_framework": "djangorestframework",
    "django_celery_beat": "django-celery-beat",
    "django_apscheduler": "django-apscheduler",
    "background_task": "django-background-tasks",
    "django_q": "django-q2",
    "taggit": "django-taggit",
    "modelcluster": "django-modelcluster",
    "wagtail": "wagtail",
    "wagtail.users": "wagtail",
    "wagtail.images": "wagtail",
    "wagtail.documents": "wagtail",
    "wagtail.search": "wagtail",
    "wagtail.admin": "wagtail",
    "polymorphic": "django-polymorphic",
    "mptt": "django-mptt",
    "solo": "django-solo",
    "simple_history": "django-simple-history",
    "guardian": "django-guardian",
    "treebeard": "django-treebeard",
    "ordered_model": "django-ordered-model",
    "allauth": "django-allauth",
    "allauth.account": "django-allauth",
    "allauth.socialaccount": "django-allauth",
    "haystack": "django-haystack",
}


@pytest.mark.parametrize(
    "model",
    [case for case in MODELS if is_installed(case.values[0])],  # type: ignore[arg-type]  # a model
)
def test_names_exist(model: LibraryModel) -> None:
    missing: dict[str, str] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name in names(model):
            if not ALL_INSTALLED and importlib.util.find_spec(name.partition(".")[0]) is None:
                continue  # a library that the model speaks of beside its own
            reasons = [find(each) for each in twins(name)]
            if all(reasons):
                missing[name] = reasons[0] or ""
    assert missing == {}


def pins() -> dict[str, str]:
    """Distribution -> version of the requirements file."""
    lines = (ROOT / "tests" / "model-requirements.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.partition("==") for line in lines if line and not line.startswith("#")]
    return {_normal(name): version for name, _, version in pairs}


@pytest.mark.parametrize(
    "model",
    [case for case in MODELS if is_importable(case.values[0])],  # type: ignore[arg-type]  # a model
)
def test_model_is_pinned(model: LibraryModel) -> None:
    assert pins().get(_normal(model.distribution)) == model.tested
    assert not ALL_INSTALLED or is_installed(model)
