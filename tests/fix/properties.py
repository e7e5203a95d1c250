"""What must hold of every fix, whatever the app: checked on the fixtures by tests, and on folders of apps by
`python tests/fix/properties.py FOLDER…`, each holding apps that stay as they are."""

from __future__ import annotations

import ast
import io
import re
import stat
import sys
import tempfile
import tokenize
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from proctor import fix, mending, pipeline
from proctor.model.finding import Edit, Judgement, Plan
from proctor.model.rule import Rulebook
from proctor.model.tree import SourceTree
from proctor.rulebook import load_rulebook
from proctor.settings import Settings

_MARK = b"\xef\xbb\xbf"


def encoding_of(path: str, data: bytes) -> str:
    """The encoding of a file, its mark left aside."""
    if not path.endswith(".py"):
        return "utf-8"
    return tokenize.detect_encoding(io.BytesIO(data).readline)[0].replace("utf-8-sig", "utf-8")


# --- bytes ------------------------------------------------------------------------------------------------------


def is_untouched(path: str, old: bytes, new: bytes, edits: Sequence[Edit]) -> bool:
    """Whether all bytes outside the edits are the same, reckoned from the edits' own numbers."""
    encoding = encoding_of(path, old)
    at_old = at_new = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda each: (each.start, each.end)):
        width = edit.start - at_old
        text = edit.text.encode(encoding)
        if old[at_old : edit.start] != new[at_new : at_new + width]:
            return False
        at_old, at_new = edit.end, at_new + width + len(text)
        if new[at_new - len(text) : at_new] != text:
            return False
    return old[at_old:] == new[at_new:]


def keeps_line_ends(old: bytes, new: bytes) -> bool:
    """Whether a file that ends each line in one way still does."""
    counts = [(data.count(b"\r\n"), data.count(b"\n"), data.count(b"\r")) for data in (old, new)]
    (windows, lines, returns), (windows_new, lines_new, returns_new) = counts
    if lines and windows == lines == returns:
        return windows_new == lines_new == returns_new
    return not returns_new if not returns else True


# --- statements ---------------------------------------------------------------------------------------------------


class _Piece(NamedTuple):
    """A statement without the statements in it, and the lines that it takes."""

    first: int
    last: int
    text: str


def _pieces(data: bytes) -> list[_Piece]:
    found: list[_Piece] = []

    def walk(node: ast.AST) -> None:
        for statement in ast.iter_child_nodes(node):
            if isinstance(statement, ast.stmt):
                found.append(_piece(statement))
            walk(statement)

    walk(ast.parse(data))
    return sorted(found)


def _piece(statement: ast.stmt) -> _Piece:
    first = min([statement.lineno, *(each.lineno for each in getattr(statement, "decorator_list", ()))])
    is_simple = not any(isinstance(each, ast.stmt) for each in ast.iter_child_nodes(statement))
    # of a statement with others in it, what it says itself
    said = [
        each for each in ast.iter_child_nodes(statement) if not isinstance(each, ast.stmt | ast.ExceptHandler)
    ]
    inside = [getattr(sub, "end_lineno", None) or 0 for each in said for sub in ast.walk(each)]
    last = statement.end_lineno if is_simple else max([statement.lineno, *inside])
    shown: dict[str, str] = {}
    for name, value in ast.iter_fields(statement):
        if name not in ("body", "orelse", "finalbody", "handlers", "cases"):
            parts = value if isinstance(value, list) else [value]
            shown[name] = " ".join(
                ast.dump(each) if isinstance(each, ast.AST) else repr(each) for each in parts
            )
    return _Piece(first, max(first, last or first), f"{type(statement).__name__} {shown}")


def _edited_lines(path: str, old: bytes, edits: Sequence[Edit]) -> tuple[set[float], set[float]]:
    """The lines that edits touch, before and after. Whole lines that are put in touch none before, but lie between two."""
    encoding = encoding_of(path, old)
    before: set[float] = set()
    after: set[float] = set()
    shift = 0
    for edit in sorted(dict.fromkeys(edits), key=lambda each: (each.start, each.end)):
        first, last = _line(old, edit.start), _line(old, edit.end)
        text = edit.text.encode(encoding)
        more = _breaks(text)
        is_line = edit.start == edit.end and (
            (text.endswith((b"\n", b"\r")) and _starts_line(old, edit.start))
            or (text.startswith((b"\n", b"\r")) and _ends_line(old, edit.end))
        )
        if is_line:
            # between two lines, which may be those of one statement
            before.add(first + (-0.5 if text.endswith((b"\n", b"\r")) else 0.5))
        else:
            before.update(range(first, last + 1))
        start = first + shift
        own = set(range(start, start + more + 1))
        if is_line:
            own.discard(start + more if text.endswith((b"\n", b"\r")) else start)
        after |= own
        shift += more - (last - first)
    return before, after


def _breaks(data: bytes) -> int:
    return data.count(b"\n") + data.count(b"\r") - data.count(b"\r\n")


def _line(data: bytes, offset: int) -> int:
    return _breaks(data[:offset]) + 1


def _starts_line(data: bytes, offset: int) -> bool:
    return offset == 0 or data[offset - 1 : offset] in (b"\n", b"\r") or data[:offset] == _MARK


def _ends_line(data: bytes, offset: int) -> bool:
    return offset == len(data) or data[offset : offset + 1] in (b"\n", b"\r")


def same_statements(path: str, old: bytes, new: bytes, edits: Sequence[Edit]) -> bool:
    """Whether the statements on lines that no edit touches are the same, in the same order."""
    before, after = _edited_lines(path, old, edits)

    def kept(data: bytes, touched: set[float]) -> list[str]:
        return [
            each.text
            for each in _pieces(data)
            if not any(each.first <= line <= each.last for line in touched)
        ]

    return kept(old, before) == kept(new, after)


# --- one plan -----------------------------------------------------------------------------------------------------


def complaints(plan: Plan, tree: SourceTree) -> Iterator[str]:
    """What does not hold of one plan."""
    files = fix.changed([plan], tree)
    paths = {edit.path for edit in plan.edits}
    if set(files) != paths:
        yield "an edit does not apply"
        return
    for path, (old, new) in files.items():
        own = [edit for edit in plan.edits if edit.path == path]
        if not is_untouched(path, old, new, own):
            yield f"{path}: bytes outside the edits have changed"
        if not keeps_line_ends(old, new):
            yield f"{path}: the line ends have changed"
        if path.endswith(".py") and not same_statements(path, old, new, own):
            yield f"{path}: statements outside the edits have changed"
    yield from _written(plan, files)


def _written(plan: Plan, files: Mapping[str, tuple[bytes, bytes]]) -> Iterator[str]:
    """What does not hold of the files on the disk."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        for path, (old, _) in files.items():
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(old)
            (root / path).chmod(0o640)
        first = next(iter(files))
        wrong = Edit(first, len(files[first][0]) + 1, len(files[first][0]) + 2, "x")
        fix.apply(root, [*plan.edits, wrong])
        if (root / first).read_bytes() != files[first][0]:
            yield f"{first}: it was written though an edit fails"
        for path, (old, _) in files.items():
            (root / path).write_bytes(old)
        applied = fix.replace(root, files)
        if applied.failed or any((root / path).read_bytes() != new for path, (_, new) in files.items()):
            yield "what is written is not what was planned"
        if any(stat.S_IMODE((root / path).stat().st_mode) != 0o640 for path in files):
            yield "the permissions have changed"
        if len([each for each in root.rglob("*") if each.is_file()]) != len(files):
            yield "other files are left"


# --- variants -------------------------------------------------------------------------------------------------------


def with_windows_line_ends(path: str, data: bytes) -> bytes | None:
    """The file with line ends of Windows, if it is no script: a shell takes the carriage return for a part of the command."""
    is_script = data.startswith(b"#!") or path.endswith(".sh")
    return None if b"\r" in data or is_script else data.replace(b"\n", b"\r\n")


def without_last_line_end(path: str, data: bytes) -> bytes | None:
    """The file without the end of its last line."""
    return data.rstrip(b"\r\n") if data.endswith(b"\n") and not data.endswith((b"\n\n", b"\n\r\n")) else None


def with_mark(path: str, data: bytes) -> bytes | None:
    """The file with a byte order mark, if it is Python."""
    is_plain = path.endswith(".py") and not data.startswith((b"#", _MARK))
    return _MARK + data if is_plain else None


def in_latin_1(path: str, data: bytes) -> bytes | None:
    """The file in another encoding, which it declares, if it is Python."""
    head = "# -*- coding: latin-1 -*-\n# größe\n"
    if not path.endswith(".py") or data.startswith((b"#", _MARK)) or b"\r" in data:
        return None
    try:
        return (head + data.decode()).encode("latin-1")
    except UnicodeError:
        return None


def with_tabs(path: str, data: bytes) -> bytes | None:
    """The file indented with tabs, if it is Python in steps of four."""
    steps = [len(each) - len(each.lstrip(b" ")) for each in data.split(b"\n")]
    if (
        not path.endswith(".py")
        or b"\t" in data
        or b'"""' in data
        or any(step % 4 for step in steps)
        or not any(steps)
    ):
        return None
    return re.sub(rb"(?m)^(?:    )+", lambda found: b"\t" * (len(found[0]) // 4), data)


VARIANTS: tuple[Callable[[str, bytes], bytes | None], ...] = (
    with_windows_line_ends,
    without_last_line_end,
    with_mark,
    in_latin_1,
    with_tabs,
)


def varied(
    tree: SourceTree, paths: Sequence[str], variant: Callable[[str, bytes], bytes | None]
) -> SourceTree | None:
    """The tree with some of its files written differently; None where none of them can be."""
    changed = {path: new for path in paths if (new := variant(path, tree.read(path))) is not None}
    overlay = {**tree.overlay, **changed}
    return SourceTree(tree.root, tree.files, tree.skipped, overlay) if changed else None


def is_the_same_change(path: str, old: bytes, new: bytes, other_old: bytes, other_new: bytes) -> bool:
    """Whether two files that differ only in how they are written are changed in the same way."""

    def plain(data: bytes) -> list[str]:
        text = data.removeprefix(_MARK).decode(encoding_of(path, data)).replace("\r\n", "\n").rstrip("\n")
        lines = re.sub(r"(?m)^\t+", lambda found: "    " * len(found[0]), text).split("\n")
        return [each for each in lines if each not in ("# -*- coding: latin-1 -*-", "# größe")]

    return plain(old) == plain(other_old) and plain(new) == plain(other_new)


def variant_complaints(tree: SourceTree, book: Rulebook, plans: Sequence[Plan]) -> Iterator[str]:
    """What does not hold of the same fixes in files that are written differently."""
    chosen = fix.choose(plans, unsafe=True)
    wanted = fix.changed(chosen, tree)
    for variant in VARIANTS:
        other = varied(tree, list(wanted), variant)
        if other is None:
            continue
        again = fix.plan(pipeline.judge_tree(other, book=book), book.rules, other)
        changed = fix.changed(fix.choose(again, unsafe=True), other)
        for path, (old, new) in wanted.items():
            if path not in changed or not is_the_same_change(path, old, new, *changed[path]):
                yield f"{path}: {variant.__name__} makes a difference"
            elif not keeps_line_ends(*changed[path]):
                yield f"{path}: {variant.__name__}: the line ends have changed"


# --- apps ---------------------------------------------------------------------------------------------------------------


def check_app(tree: SourceTree, book: Rulebook, counted: Counter[str]) -> Iterator[str]:
    """What does not hold of an app's fixes; `counted` says how many were looked at."""
    judgement = pipeline.judge_tree(tree, book=book)
    plans = fix.plan(judgement, book.rules, tree)
    offered = [each for each in plans if each.edits]
    counted["apps"] += 1
    counted["findings"] += len(plans)
    counted["fixes"] += len(offered)
    for plan in offered:
        counted[f"fix {plan.finding.code}"] += 1
        for text in complaints(plan, tree):
            yield f"{plan.finding.code} {plan.finding.place.path}:{plan.finding.place.line}: {text}"
    if offered:
        yield from variant_complaints(tree, book, plans)
        yield from _tried(tree, book, counted)


def _tried(tree: SourceTree, book: Rulebook, counted: Counter[str]) -> Iterator[str]:
    """All fixes together: the findings go, nothing comes, and a second run changes nothing."""

    def judge(changed: SourceTree) -> Judgement:
        return pipeline.judge_tree(changed, book=book)

    judgement = judge(tree)
    tried = mending.attempt(judgement, book.rules, tree, judge, unsafe=True)
    counted["made"] += tried.fixed.total()
    counted["left out"] += len(tried.refused)
    for (code, path, line), reason in tried.refused.items():
        print(f"  left out {code} {path}:{line}: {reason}", flush=True)
    after = SourceTree(
        tree.root,
        tree.files,
        tree.skipped,
        {**tree.overlay, **{path: new for path, (_, new) in tried.files.items()}},
    )
    again = mending.attempt(judge(after), book.rules, after, judge, unsafe=True)
    if again.files:
        yield f"a second run changes {', '.join(again.files)}"


def main(folders: Sequence[str]) -> int:
    """Check the apps in `folders`; the exit status says whether all holds."""
    book = load_rulebook()
    counted: Counter[str] = Counter()
    n_wrong = 0
    for folder in folders:
        for app in sorted(each for each in Path(folder).iterdir() if each.is_dir()):
            for text in check_app(pipeline.open_tree(app, Settings()), book, counted):
                n_wrong += 1
                print(f"{app.name}: {text}", flush=True)
    print(", ".join(f"{name} {count}" for name, count in sorted(counted.items())))
    print(f"{n_wrong} complaints")
    return int(n_wrong > 0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
