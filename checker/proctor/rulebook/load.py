"""`rules/**/*.toml` -> values: parsed, strictly checked, and kept compiled."""

from __future__ import annotations

import re
import string
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar

import msgspec

from proctor import __version__
from proctor.errors import ConfigurationError
from proctor.model.rule import (
    ArgumentTest,
    Example,
    LauncherModel,
    LibraryModel,
    ModelExample,
    Rule,
    Rulebook,
    RuleExamples,
    ServiceModel,
)
from proctor.model.words import CLAUSES, EFFECTS, KINDS, PHASES
from proctor.rule_files import RuleFile, RuleSources, read_sources
from proctor.shape import fill, nearest

#: The judges that a rule may ask.
JUDGES = ("effects", "pairs", "values", "commands", "formation", "paths", "signals")
_FACTORS = {"6": "VI", "8": "VIII", "9": "IX"}
_EXAMPLES = ("bad", "good", "unsure", "not_applicable")
#: keys of a rule's conditions whose words come from a closed vocabulary, whichever judge reads them
_VOCABULARIES: dict[str, frozenset[str]] = {
    "effect": frozenset(EFFECTS),
    "process_does": frozenset(EFFECTS),
    "phase": frozenset(PHASES),
    "kind": frozenset(KINDS),
}
#: a row of this kind says nothing unless it has one of these keys
_ROW_KEYS: dict[str, tuple[str, ...]] = {
    "effect": ("call", "read", "write", "setting"),
    "returns": ("call", "attribute"),
    "runs": ("call", "decorator", "write"),
    "loads": ("call", "trigger"),
    "environment": ("call", "item", "sets", "fields_of", "fill_call"),
}
#: keys of a rule's conditions that hold regular expressions
_PATTERNS = frozenset({"matches", "option", "unless_key", "requires", "settings_like"})
_MARK = re.compile(r"#\s*finding:\s*(?P<codes>[A-Z0-9, ]+)")
_S = TypeVar("_S")


class BlobCache(Protocol):
    """Where compiled values are kept between runs."""

    def get_blob(self, key: str) -> bytes | None:
        """The bytes kept under `key`, or None."""
        ...

    def put_blob(self, key: str, blob: bytes) -> None:
        """Keep `blob` under `key`."""
        ...


def load_rulebook(
    sources: RuleSources | None = None,
    cache: BlobCache | None = None,
    check: Callable[[Rulebook], None] | None = None,
) -> Rulebook:
    """The rules and models of `sources` (the built-in ones by default), without their examples.

    The compiled form is taken from `cache` where it is there, and put there where it is not, once `check` has had
    nothing against it (what only other stages can tell of rules and models).
    Raises ConfigurationError naming file, key and the nearest valid one.
    """
    sources = sources or read_sources()
    key = f"rulebook {__version__} {sources.digest}"
    blob = cache.get_blob(key) if cache else None
    if blob is not None:
        try:
            return msgspec.msgpack.decode(blob, type=Rulebook)
        except msgspec.DecodeError:
            pass  # written by other code under the same version: compile again
    book = _compile(sources)
    if check:
        check(book)
    if cache:
        cache.put_blob(key, msgspec.msgpack.encode(book))
    return book


def load_examples(rule: Rule, sources: RuleSources | None = None) -> RuleExamples:
    """The examples in the file of `rule`."""
    file = _file(rule.path, sources)
    table = _parse(file)
    return fill({key: table[key] for key in _EXAMPLES if key in table}, RuleExamples, file.name)


def load_model_examples(model: LibraryModel, sources: RuleSources | None = None) -> tuple[ModelExample, ...]:
    """The examples in the file of `model`."""
    file = _file(model.path, sources)
    return tuple(
        fill(each, ModelExample, file.name, f"example[{index}]")
        for index, each in enumerate(_parse(file).get("example", []))
    )


def marked_lines(files: dict[str, str], marks: Iterable[str] = ()) -> tuple[tuple[str, int, str], ...]:
    """The findings that an example's texts and its `marks` ("path:line" or "path:line CODE") expect, as
    (path, line, code), sorted; the code is "" where a mark names none."""
    found = [
        (path, number, code.strip())
        for path, text in files.items()
        for number, line in enumerate(text.split("\n"), start=1)
        for mark in _MARK.finditer(line)
        for code in mark["codes"].split(",")
        if code.strip()
    ]
    for mark in marks:
        at, _, code = mark.partition(" ")
        path, _, number = at.rpartition(":")
        found.append((path, int(number) if number.isdigit() else 0, code))
    return tuple(sorted(found))


def _file(path: str, sources: RuleSources | None) -> RuleFile:
    for file in (sources or read_sources()).files:
        if file.name == path:
            return file
    raise ConfigurationError(f"The rule file `{path}` is not there.")


def _parse(file: RuleFile) -> dict[str, Any]:
    import tomli  # not needed where the compiled form is at hand

    try:
        return tomli.loads(file.content.decode("utf-8").replace("\r\n", "\n"))
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{file.name}: the file is not UTF-8.") from error
    except tomli.TOMLDecodeError as error:
        raise ConfigurationError(f"{file.name}: {error}.") from error


def _compile(sources: RuleSources) -> Rulebook:
    def of_kind(kind: str, read: Callable[[RuleFile], _S]) -> tuple[_S, ...]:
        return tuple(read(file) for file in sources.files if file.kind == kind)

    rules = of_kind("rule", _read_rule)
    libraries = of_kind("model", _read_library)
    launchers = of_kind("launcher", _read_launcher)
    services = of_kind("service", _read_service)
    _refuse_twins("code", [(rule.code, rule.path) for rule in rules])
    _refuse_twins("name", [(rule.name, rule.path) for rule in rules])
    _refuse_twins("name", [(model.name, model.path) for model in launchers])
    _check_references(rules)
    ordered = tuple(
        sorted(rules, key=lambda rule: (list(CLAUSES).index(rule.clause), len(rule.code), rule.code))
    )
    return Rulebook(
        rules=ordered, libraries=libraries, launchers=launchers, digest=sources.digest, services=services
    )


def _refuse_twins(key: str, owners: Iterable[tuple[str, str]]) -> None:
    seen: dict[str, str] = {}
    for value, path in owners:
        if value in seen:
            raise ConfigurationError(f"{path}: `{key}` is `{value}`, which {seen[value]} has already.")
        seen[value] = path


def _check_references(rules: Sequence[Rule]) -> None:
    codes = {rule.code for rule in rules}
    for rule in rules:
        for code in rule.wins_over:
            if code not in codes:
                raise ConfigurationError(f"{rule.path}: `wins_over` names `{code}`; {nearest(code, codes)}.")


# --- rules -----------------------------------------------------------------------------------------------


def _read_rule(file: RuleFile) -> Rule:
    table = _parse(file)
    examples = fill({key: table.pop(key) for key in _EXAMPLES if key in table}, RuleExamples, file.name)
    when = table.get("when")
    if not isinstance(when, dict):
        raise ConfigurationError(f"{file.name}: the table `when` is missing.")
    for key in ("judge", "path"):
        if key in table:
            raise ConfigurationError(f"{file.name}: unknown key `{key}`; the judge is named in `when.judge`.")
    judge = when.pop("judge", None)
    if judge not in JUDGES:
        raise ConfigurationError(
            f"{file.name}: `when.judge` cannot be `{judge}`; {nearest(str(judge), JUDGES)}."
        )
    rule = _with_prose(fill({**table, "judge": judge, "path": file.name}, Rule, file.name))
    if rule.clause not in CLAUSES:
        raise ConfigurationError(
            f"{file.name}: `clause` cannot be `{rule.clause}`; {nearest(rule.clause, CLAUSES)}."
        )
    if _clause_of(rule.code) != rule.clause:
        raise ConfigurationError(
            f"{file.name}: the code `{rule.code}` does not say the clause {rule.clause}; "
            f"`{_stem_of(rule.clause)}` and a number does."
        )
    if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", rule.name):
        raise ConfigurationError(
            f"{file.name}: `name` must be lower-case words joined by `-`, not `{rule.name}`."
        )
    for part in ("when", "unless"):
        _check_words(getattr(rule, part), file.name, part)
    _check_template(rule.message, file.name)
    _check_examples(rule, examples, file.name)
    return rule


def _with_prose(rule: Rule) -> Rule:
    """Sentences on one line, however the file breaks them; longer texts without the space around them."""
    return msgspec.structs.replace(
        rule,
        **{key: " ".join(getattr(rule, key).split()) for key in ("summary", "remedy", "message")},
        **{key: getattr(rule, key).strip() for key in ("why", "not_reported")},
    )


def _clause_of(code: str) -> str:
    found = re.fullmatch(r"TF(?P<factor>[689])(?P<clause>\d)\d{1,2}|TC(?P<inside>\d)\d{1,2}", code)
    if not found:
        return ""
    if found["inside"]:
        return f"C.{found['inside']}"
    return f"{_FACTORS[found['factor']]}.{found['clause']}"


def _stem_of(clause: str) -> str:
    factor, _, number = clause.partition(".")
    digit = {roman: digit for digit, roman in _FACTORS.items()}.get(factor)
    return f"TF{digit}{number}" if digit else f"TC{number}"


def _check_words(value: Any, file: str, key: str) -> None:
    if isinstance(value, dict):
        for name, each in value.items():
            # the words of a model row's details are its own
            is_detail = key.rpartition(".")[2] in ("details", "details_not")
            words = None if is_detail else _VOCABULARIES.get(name)
            for word in each if isinstance(each, list) else [each]:
                if words and isinstance(word, str) and word not in words:
                    raise ConfigurationError(
                        f"{file}: `{key}.{name}` cannot be `{word}`; {nearest(word, words)}."
                    )
            if name in _PATTERNS:
                _check_patterns(each, file, f"{key}.{name}")
            _check_words(each, file, f"{key}.{name}")
    elif isinstance(value, list):
        for index, each in enumerate(value):
            _check_words(each, file, f"{key}[{index}]")


def _check_patterns(value: Any, file: str, key: str) -> None:
    for pattern in value.values() if isinstance(value, dict) else [value]:
        try:
            re.compile(pattern if isinstance(pattern, str) else "")
        except re.error as error:
            raise ConfigurationError(f"{file}: `{key}` is no regular expression ({error}).") from error


def _check_template(message: str, file: str) -> None:
    try:
        list(string.Formatter().parse(message))
    except ValueError as error:
        raise ConfigurationError(f"{file}: `message` is not a template ({error}).") from error


def _check_examples(rule: Rule, examples: RuleExamples, file: str) -> None:
    for kind in ("bad", "good"):
        if not getattr(examples, kind):
            raise ConfigurationError(f"{file}: the rule has no example `[[{kind}]]`.")
    for kind in _EXAMPLES:
        for index, example in enumerate(getattr(examples, kind)):
            _check_example(rule, kind, example, file, f"{kind}[{index}]")


def _check_example(rule: Rule, kind: str, example: Example, file: str, key: str) -> None:
    marks = marked_lines(example.files, example.marks)
    own = [mark for mark in marks if mark[2] in ("", rule.code)]
    if kind == "bad" and not own:
        raise ConfigurationError(f"{file}: `{key}` marks no line with `# finding: {rule.code}`.")
    if kind == "good" and own:
        raise ConfigurationError(f"{file}: `{key}` marks a finding, but is a good example.")
    if kind == "unsure" and not example.reason:
        raise ConfigurationError(f"{file}: the key `{key}.reason` is missing.")
    for what, at in [
        *(("marks", f"{path}:{line}") for path, line, _ in marks),
        *(("evidence", at) for at in example.evidence),
    ]:
        path, _, line = at.rpartition(":")
        n_lines = example.files.get(path, "").count("\n") + 1
        if path not in example.files or not line.isdigit() or not 1 <= int(line) <= n_lines:
            raise ConfigurationError(f"{file}: `{key}.{what}` names `{at}`, which is no line of the example.")
    for clause in example.clauses:
        if clause not in CLAUSES:
            raise ConfigurationError(f"{file}: `{key}.clauses` names `{clause}`; {nearest(clause, CLAUSES)}.")


# --- models ----------------------------------------------------------------------------------------------


def _read_library(file: RuleFile) -> LibraryModel:
    table = _parse(file)
    for index, example in enumerate(table.pop("example", [])):
        fill(example, ModelExample, file.name, f"example[{index}]")
    model = fill({**table, "path": file.name}, LibraryModel, file.name)
    for kind, keys in _ROW_KEYS.items():
        for index, row in enumerate(getattr(model, kind)):
            if not any(getattr(row, key) for key in keys):
                wanted = " or ".join(f"`{key}`" for key in keys)
                raise ConfigurationError(f"{file.name}: `{kind}[{index}]` has no {wanted}.")
    for kind in ("effect", "returns", "runs", "base", "classes", "loads", "settings", "environment"):
        for index, row in enumerate(getattr(model, kind)):
            _check_row(row, file.name, f"{kind}[{index}]")
    return model


def _check_row(row: Any, file: str, key: str) -> None:
    if row.versions:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            SpecifierSet(row.versions)
        except InvalidSpecifier as error:
            raise ConfigurationError(
                f"{file}: `{key}.versions` must be a version specifier such as `>=3.5`, not `{row.versions}`."
            ) from error
    for index, test in enumerate(getattr(row, "where", ())):
        _check_test(test, file, f"{key}.where[{index}]")


def _check_test(test: ArgumentTest, file: str, key: str) -> None:
    if not test.argument and test.position is None:
        raise ConfigurationError(f"{file}: `{key}` has no `argument` or `position`.")
    try:
        re.compile(test.matches)
    except re.error as error:
        raise ConfigurationError(f"{file}: `{key}.matches` is no regular expression ({error}).") from error


def _read_launcher(file: RuleFile) -> LauncherModel:
    return fill({**_parse(file), "path": file.name}, LauncherModel, file.name)


def _read_service(file: RuleFile) -> ServiceModel:
    model = fill({**_parse(file), "path": file.name}, ServiceModel, file.name)
    keys = ("stores", "protocols", "symbols", "drives")
    if not any(getattr(model, key) for key in keys):
        wanted = " or ".join(f"`{key}`" for key in keys)
        raise ConfigurationError(f"{file.name}: the service has no {wanted}.")
    for key in model.settings:
        if ":" not in key:
            raise ConfigurationError(f"{file.name}: `settings` must hold `system:key`, not `{key}`.")
    return model
