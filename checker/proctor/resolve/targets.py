"""From the name of an entry point, as a command gives it, to the code in the tree."""

from __future__ import annotations

import ast
import posixpath
import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from proctor.model.process import EntryKind, EntryPoint
from proctor.resolve.project import Project, join
from proctor.resolve.spec import Catalogue, Target

_OBJECT = re.compile(r"(?P<module>[^:]*)(:(?P<object>.*))?", re.DOTALL)
_CALL = re.compile(r"(?P<name>[\w.]*)\s*(?P<call>\(.*)?", re.DOTALL)
_UNKNOWN = re.compile(r"[$`]|\{\{")


@dataclass(frozen=True)
class Answer:
    """An entry point, or the reason why there is none; both where a library's code is started that no model knows.
    `missing` where the code is certainly not there."""

    entry: EntryPoint | None = None
    reason: str | None = None
    missing: bool = False


@dataclass(frozen=True)
class Search:
    """Where names are looked up: working folder and import roots (relative to the root), in order."""

    project: Project
    catalogue: Catalogue
    folder: str
    roots: tuple[str, ...]
    copied: Sequence[tuple[str, str]] = ()
    drives: frozenset[str] = field(default_factory=frozenset)

    def path(self, *first: str) -> tuple[str, ...]:
        """The import path of an entry point: `first`, the roots, and what installing the project adds."""
        own = () if self.project.is_project(self.folder) else self.project.source_roots
        return tuple(dict.fromkeys([*first, *self.roots, *own]))


def resolve_target(target: Target, name: str, arguments: Sequence[str], search: Search) -> Answer:
    """The entry point that `name` means by `target`; `arguments` are the words behind it."""
    unknown = _UNKNOWN.search(name)
    if unknown and target.kind not in ("code", "library"):
        if unknown[0] == "{{":
            return Answer(reason=f"`{name}` is the placeholder of a template")
        return Answer(reason=f"`{name}` is decided by the environment")
    answer = _KINDS[target.kind](target, name, search)
    if answer.entry is None or (not arguments and not target.entry):
        return answer
    entry = answer.entry
    kind: EntryKind = target.entry or entry.kind
    return Answer(_changed(entry, kind=kind, arguments=tuple(arguments)), answer.reason, answer.missing)


def _changed(entry: EntryPoint, **fields: object) -> EntryPoint:
    import msgspec

    return msgspec.structs.replace(entry, **fields)


def _entry(
    search: Search, kind: EntryKind, target: str, path: str | None, *first: str, **fields: object
) -> Answer:
    entry = EntryPoint(
        kind=kind, target=target, path=path, python_path=search.path(*first), drives=search.drives,
        installed=search.project.installed,
    )  # fmt: skip
    return Answer(_changed(entry, **fields) if fields else entry)


def _object(target: Target, name: str, search: Search) -> Answer:
    found = _OBJECT.fullmatch(name)
    module, symbol = (found["module"].strip(), found["object"] or "") if found else (name, "")
    call = _CALL.fullmatch(symbol.strip())
    symbol, called = (call["name"], bool(call["call"])) if call else (symbol, False)
    if "/" in module or module.endswith(".py"):
        return _object_in_file(target, name, module, symbol, called, search)
    names = (symbol,) if symbol else target.objects
    path = search.project.find_module(module, search.roots)
    if path is not None and path.endswith("/"):
        return Answer(
            reason=f"`{path}` is a folder without `__init__.py`, so `{name}` has no object", missing=True
        )
    if path is None and not symbol and target.files and "." in module:
        # `package.object`, as some servers allow it
        return _dotted(target, name, search)
    if path is None:
        return _absent(module, name, search)
    return _entry(
        search, "callable", name, path, symbol=names[0] if len(names) == 1 else "", called=called,
        candidates=() if symbol else tuple(names),
    )  # fmt: skip


def _object_in_file(
    target: Target, name: str, module: str, symbol: str, called: bool, search: Search
) -> Answer:
    stem = module.removesuffix(".py")
    spellings = [f"{stem}.py", f"{stem}/__init__.py"]
    path = next(
        (
            each
            for each in (search.project.find_file(s, search.folder, search.copied) for s in spellings)
            if each
        ),
        None,
    )
    if not target.files:
        hint = f"; write `{stem.strip('./').replace('/', '.')}`" if path else ""
        return Answer(reason=f"`{module}` is a path where a module name is needed{hint}", missing=True)
    if path is None:
        return Answer(
            reason=f"`{module}` is not in the tree", missing=search.project.owns(module, search.copied)
        )
    folder = posixpath.dirname(path)
    while folder and f"{folder}/__init__.py" in search.project.tree:
        folder = posixpath.dirname(folder)
    names = (symbol,) if symbol else target.objects
    return _entry(
        search, "callable", name, path, folder, symbol=names[0] if len(names) == 1 else "", called=called,
        candidates=() if symbol else tuple(names),
    )  # fmt: skip


def _dotted(target: Target, name: str, search: Search) -> Answer:
    dotted = name.replace(":", ".").strip(".")
    module, symbol = dotted, ""
    for _ in range(3):
        path = search.project.find_module(module, search.roots)
        if path is not None and not path.endswith("/"):
            return _entry(search, "jobs-app", name, path, symbol=symbol)
        module, dot, last = module.rpartition(".")
        if not dot:
            break
        symbol = f"{last}.{symbol}" if symbol else last
    return _absent(dotted, name, search)


def _app(target: Target, name: str, search: Search) -> Answer:
    module, _, symbol = name.partition(":")
    called = symbol.endswith("()")
    symbol = symbol.removesuffix("()")
    patterns = ("{name}",) if symbol else target.patterns
    for pattern in patterns:
        path = search.project.find_module(pattern.replace("{name}", module), search.roots)
        if path is not None and not path.endswith("/"):
            return _entry(
                search, "jobs-app", name, path, symbol=symbol, called=called,
                candidates=() if symbol else target.objects,
            )  # fmt: skip
    if not symbol and "." in module:
        parent, _, last = module.rpartition(".")
        path = search.project.find_module(parent, search.roots)
        if path is not None and not path.endswith("/"):
            return _entry(search, "jobs-app", name, path, symbol=last)
    return _absent(module, name, search)


def _modules(target: Target, name: str, search: Search) -> Answer:
    names = name.split()
    first = _dotted(target, names[0].split(":")[0], search) if names else Answer(reason="no module is named")
    if first.entry is None:
        return first
    others = [_dotted(target, each.split(":")[0], search) for each in names[1:]]
    failed = next((each for each in others if each.entry is None), None)
    if failed is not None:
        return failed
    modules = tuple(each.entry.path for each in others if each.entry and each.entry.path)
    return Answer(_changed(first.entry, target=name, modules=modules))


def _script(target: Target, name: str, search: Search) -> Answer:
    path = search.project.find_file(name, search.folder, search.copied)
    if path is None:
        folder = search.project.find_folder(name, search.folder, search.copied)
        if folder is not None and f"{folder}/__main__.py" in search.project.tree:
            path = f"{folder}/__main__.py"
    if path is None:
        return _no_file(name, search)
    return _entry(search, "script", name, path, posixpath.dirname(path))


def _no_file(name: str, search: Search) -> Answer:
    base = posixpath.basename(name)
    others = [path for path in search.project.tree.files if posixpath.basename(path) == base]
    hint = f" (there is `{others[0]}`)" if len(others) == 1 and base else ""
    where = f" below `{search.folder}`" if search.folder and not name.startswith("/") else ""
    certain = search.project.owns(name, search.copied)
    return Answer(reason=f"the file `{name}` is not in the tree{where}{hint}", missing=certain)


def _module(target: Target, name: str, search: Search) -> Answer:
    path = search.project.find_module(name, search.roots)
    if path is None:
        return _absent(name, name, search)
    if not path.endswith(("/", "/__init__.py")):
        return _entry(search, "module", name, path)
    folder = path.rstrip("/").removesuffix("/__init__.py")
    main = f"{folder}/__main__.py"
    if main not in search.project.tree:
        return Answer(reason=f"the package `{folder}` has no `__main__.py`", missing=True)
    package = (f"{folder}/__init__.py",) if f"{folder}/__init__.py" in search.project.tree else ()
    return _entry(search, "module", name, main, modules=package)


def _code(target: Target, name: str, search: Search) -> Answer:
    try:
        body = ast.parse(name).body
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return Answer(reason="the program text cannot be read")
    modules: list[str] = []
    for node in body:
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names = [f"{node.module}.{alias.name}" for alias in node.names] + [node.module]
        paths = [search.project.find_module(each, search.roots) for each in names]
        modules.extend(path for path in paths if path and not path.endswith("/"))
    if not modules:
        return _entry(search, "library", name, None)
    called = [
        node.value.func for node in body if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    ]
    symbol = called[-1].id if called and isinstance(called[-1], ast.Name) else ""
    return _entry(
        search, "module", name, modules[0], modules=tuple(dict.fromkeys(modules[1:])), symbol=symbol
    )


def _file(target: Target, name: str, search: Search) -> Answer:
    path = search.project.find_file(name, search.folder, search.copied)
    return _entry(search, "script", name, path) if path else _no_file(name, search)


def _library(target: Target, name: str, search: Search) -> Answer:
    return _entry(search, "library", name, None)


def _absent(dotted: str, name: str, search: Search) -> Answer:
    if not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*", dotted):
        return Answer(reason=f"`{name}` is not the name of a module", missing=True)
    project, top = search.project, dotted.split(".")[0]
    owner = project.find_module(top, search.roots)
    if owner is None and (project.is_installed(dotted) or search.catalogue.knows_module(dotted)):
        found = _entry(search, "library", name, None)
        return Answer(
            found.entry, f"`{dotted}` is an installed library's code, and nothing says what it does when run"
        )
    elsewhere = project.elsewhere(dotted)
    if elsewhere is not None and elsewhere not in search.roots:
        return Answer(
            reason=f"the module `{dotted}` lies below `{elsewhere}/`, which is not on the import path",
            missing=True,
        )
    if owner is not None and "." in dotted:
        known = _longest_known(dotted, search)
        return Answer(reason=f"the module `{dotted}` is not in the tree, though `{known}` is", missing=True)
    where = f" below `{search.folder}`" if search.folder else ""
    return Answer(
        reason=f"the module `{dotted}` is neither in the tree{where} nor among the required distributions",
        missing=True,
    )


def _longest_known(dotted: str, search: Search) -> str:
    parts = dotted.split(".")
    for size in range(len(parts) - 1, 0, -1):
        path = search.project.find_module(".".join(parts[:size]), search.roots)
        if path:
            return path
    return parts[0]


def python_roots(
    folder: str, value: str, project: Project, copied: Sequence[tuple[str, str]] = ()
) -> list[str]:
    """The folders in the tree that a PYTHONPATH-like `value` names, seen from `folder`."""
    roots: list[str] = []
    for part in re.split(r"[:,]", value):
        part = re.sub(r"^\$\{?PWD\}?/?", "./", part.strip())
        if not part or part.startswith("$"):
            continue
        found = project.find_folder(part, folder, copied) if part.startswith("/") else join(folder, part)
        if found is not None:
            roots.append(found)
    return roots


_KINDS = {
    "object": _object,
    "dotted": _dotted,
    "app": _app,
    "modules": _modules,
    "script": _script,
    "module": _module,
    "code": _code,
    "file": _file,
    "library": _library,
}
