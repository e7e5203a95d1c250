"""Modules of the tree, as one list of import folders finds them."""

from __future__ import annotations

from collections.abc import Mapping

from proctor.link.families import is_test
from proctor.link.operators import METHODS
from proctor.link.rows import Rows
from proctor.link.scopes import Module, Scope
from proctor.model.fact import FileFacts, Import
from proctor.model.program import UnitKey
from proctor.model.tree import SourceTree


class Modules:
    """The modules that were asked for, and the search for others."""

    def __init__(
        self,
        tree: SourceTree,
        files: Mapping[str, FileFacts],
        rows: Rows,
        roots: tuple[str, ...],
        further: tuple[str, ...] = (),
    ) -> None:
        self.tree = tree
        self.files = files
        self.rows = rows
        self.roots = tuple(dict.fromkeys((*roots, *further)))
        self._own = roots
        self._further = tuple(folder for folder in further if folder not in roots)
        self._modules: dict[str, Module] = {}
        self._found: dict[str, str | None] = {}
        self._anywhere: dict[str, tuple[str, ...]] = {}
        self._changed: frozenset[str] | None = None
        self._instances_made: frozenset[str] | None = None
        #: class name -> the most positional arguments that an instance is given
        self._positional: dict[str, int] = {}

    def module(self, path: str) -> Module | None:
        """The module of a file that was read; None for others."""
        module = self._modules.get(path)
        if module is None:
            facts = self.files.get(path)
            if facts is None:
                return None
            module = self._modules[path] = Module(path, facts)
        return module

    def scope(self, key: UnitKey) -> Scope:
        """The scope of a unit of a file that was read."""
        module = self._modules.get(key.path) or self.module(key.path)
        assert module is not None
        return module.scopes[key.number]

    def is_changed(self, attribute: str) -> bool:
        """Whether any code sets an attribute of this name on an object that is not a method's own."""
        if self._changed is None:
            files = (facts.changed for path, facts in self.files.items() if not is_test(path))
            self._changed = frozenset(name for changed in files for name in changed)
        return attribute in self._changed

    def operators(self) -> set[str]:
        """The methods that operators call, of all classes that programs may load."""
        return {
            unit.name
            for path, facts in self.files.items()
            if not is_test(path)
            for unit in facts.units
            if unit.name in METHODS and unit.parent >= 0 and facts.units[unit.parent].kind == "class"
        }

    def is_kept(self, attribute: str) -> bool:
        """Whether anything may have been put under an attribute of an object, a function or a module from outside: some
        code sets one of this name, or it is a settings key, whose names are handed on."""
        return self.is_changed(attribute) or attribute.isupper()

    def is_given(self, owner: str, field: str, place: int) -> bool:
        """Whether any code gives an instance of a class of this name that field, which is the `place`th."""
        if self._instances_made is None:
            files = (facts.made for path, facts in self.files.items() if not is_test(path))
            self._instances_made = frozenset(name for made in files for name in made)
            most: dict[str, int] = {}
            for name in self._instances_made:
                made_class, mark, count = name.partition("#")
                if mark:
                    most[made_class] = max(most.get(made_class, 0), int(count) if count != "*" else 99)
            self._positional = most
        names = (f"{owner}.{field}", f"{owner}.*", f".{field}")
        return any(name in self._instances_made for name in names) or self._positional.get(owner, 0) > place

    def find_module(self, dotted: str) -> str | None:
        """The tree's file (or namespace folder) for an absolute module name; None for a library's."""
        if dotted not in self._found:
            self._found[dotted] = self._search(dotted)
        return self._found[dotted]

    def _search(self, dotted: str) -> str | None:
        if not dotted:
            return None
        path = self._find(dotted, self._own)
        top = dotted.partition(".")[0]
        if path is None and self._further and not self._is_library(top) and not self._find(top, self._own):
            path = self._find(dotted, self._further)
        return path

    def _find(self, dotted: str, roots: tuple[str, ...]) -> str | None:
        path = self.tree.find_module(dotted, roots)
        if path is None or not path.endswith("/"):
            return path
        # A regular package anywhere on the path beats a namespace folder: such a folder counts only if it
        # holds Python and no library of that name is known.
        if dotted.partition(".")[0] in self.rows.roots:
            return None
        return path if any(name.startswith(path) for name in self.tree.python) else None

    def has_folder_of(self, path: str) -> bool:
        """Whether a file lies below one of the program's own import folders."""
        return any(not folder or path.startswith(f"{folder}/") for folder in self._own)

    def _is_library(self, top: str) -> bool:
        return self.rows.knows(top) or bool(self.rows.is_required(top))

    def elsewhere(self, dotted: str) -> str | None:
        """The folder of the tree below which a module lies that no import folder has ("" is the root); None where there
        is none, and where the name may be a library's."""
        top = dotted.partition(".")[0]
        if self._is_library(top) or self.rows.is_required(top) is None or self.find_module(top) is not None:
            return None
        folders = [each for each in self.tree.folders_with(dotted) if not is_test(f"{each}/")]
        return folders[0] if folders else None

    def import_target(self, module: Module, event: Import) -> tuple[str | None, str]:
        """The file that `from M import …`/`import M` names, and the dotted name it has as a library otherwise."""
        if event.level == 0:
            return self.find_module(event.module), event.module
        folder = module.folder.split("/") if module.folder else []
        up = event.level - 1
        if up > len(folder):
            return None, "." * event.level + event.module
        base = folder[: len(folder) - up]
        stem = "/".join([*base, *event.module.split(".")]) if event.module else "/".join(base)
        return self._at(stem), "." * event.level + event.module

    def _at(self, stem: str) -> str | None:
        for candidate in (f"{stem}/__init__.py" if stem else "__init__.py", f"{stem}.py"):
            if candidate in self.tree:
                return candidate
        return f"{stem}/" if self.tree.is_folder(stem) else None

    def names_code(self, value: object) -> bool:
        """Whether a value is the dotted name of something in a module of the tree."""
        if not isinstance(value, str) or "." not in value or not value.replace(".", "").isidentifier():
            return False
        path = self.find_module(value.rpartition(".")[0])
        return path is not None and not path.endswith("/")

    def find_anywhere(self, dotted: str) -> tuple[str, ...]:
        """The files of all packages that hold a module of this (partial) dotted name."""
        found = self._anywhere.get(dotted)
        if found is None:
            tail = f"/{dotted.replace('.', '/')}.py"
            found = self._anywhere[dotted] = tuple(
                path for path in self.tree.python if path.endswith(tail) or path == tail[1:]
            )
        return found

    def submodule(self, path: str, name: str) -> str | None:
        """The module `name` inside the package at `path`."""
        if path.endswith("/"):
            stem = path + name
        elif path.endswith("__init__.py"):
            stem = path[: -len("__init__.py")] + name
        else:
            return None
        found = self._at(stem)
        if found and found.endswith("/") and not any(p.startswith(found) for p in self.tree.python):
            return None
        return found
