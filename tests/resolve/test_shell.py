"""The shell grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proctor.resolve.shell import Case, Function, Group, If, Listing, Loop, Pipe, Simple, parse


def show(items: Listing) -> str:
    """A listing in one line: words joined by `_`, structure in brackets."""
    parts = []
    for item in items:
        node = item.node
        if isinstance(node, Simple):
            text = "_".join([*(f"{n}={v}" for n, v in node.assignments), *(w.text for w in node.words)])
            text += "!" if node.redirected else ""
        elif isinstance(node, Pipe):
            text = "pipe(" + show_each(node.parts) + ")"
        elif isinstance(node, Group):
            text = ("sub(" if node.subshell else "group(") + show(node.body) + ")"
        elif isinstance(node, Loop):
            text = f"{node.kind}({show(node.condition)}: {show(node.body)})"
        elif isinstance(node, If):
            text = "if(" + " / ".join(f"{show(c) if c else 'else'}: {show(b)}" for c, b in node.arms) + ")"
        elif isinstance(node, Case):
            text = (
                f"case({node.subject}: " + " / ".join(f"{'|'.join(p)}: {show(b)}" for p, b in node.arms) + ")"
            )
        else:
            assert isinstance(node, Function)
            text = f"def({node.name})"
        parts.append(f"{item.before} {text}{' &' if item.background else ''}".strip())
    return " ".join(parts)


def show_each(parts: object) -> str:
    from proctor.resolve.shell import Item

    return " | ".join(show((Item(part, ""),)) for part in parts)  # type: ignore[attr-defined]  # a tuple of nodes


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a b  c", "a_b_c"),
        ("A=1 B='x y' run", "A=1_B=x y_run"),
        ("run A=1", "run_A=1"),
        ("a; b && c || d", "a ; b && c || d"),
        ("a & b & wait", "a & ; b & ; wait"),
        ("a | b", "pipe(a | b)"),
        ("a |& b | c", "pipe(a | b | c)"),
        ("a > log 2>&1", "a!"),
        ("a <in >>out", "a!"),
        ("(a; b)", "sub(a ; b)"),
        ("{ a; b; }", "group(a ; b)"),
        ("while true; do a; done", "while(true: a)"),
        ("until nc -z db 1; do sleep 1; done; run", "until(nc_-z_db_1: sleep_1) ; run"),
        ("for i in 1 2; do a $i & done; wait", "for(: a_$i &) ; wait"),
        ("for i; do a; done", "for(: a)"),
        ("if a; then b; elif c; then d; else e; fi", "if(a: b / c: d / else: e)"),
        ("case $1 in a|b) x;; *) y; z;; esac", "case($1: a|b: x / *: y ; z)"),
        ("case $1 in (a) x;; esac; b", "case($1: a: x) ; b"),
        ("f() { a; }; f", "def(f) ; f"),
        ("function g { a; }\ng", "def(g) ; g"),
        ("a # comment\nb", "a ; b"),
        ("a#b", "a#b"),
        ("a \\\n  b", "a_b"),
        ("a && \n b", "a && b"),
        ("! a", "a"),
        ('echo "a b" \'c $d\'', "echo_a b_c $d"),
        ('echo "a\\"b" a\\ b \\(x\\)', 'echo_a"b_a b_(x)'),
        ("run ${A:-x y} $(b c) `d e`", "run_${A:-x y}_$(b c)_`d e`"),
        ("run $((1 + 2)) ${A:+--x}", "run_$((1 + 2))_${A:+--x}"),
        ("[[ -n $A && $B == c ]] && run", "[[_-n_$A_&&_$B_==_c && run"),
        ("((i++)); run", " ; run"),
        ("X=(1 2); run", "X= ; run"),
        ("cat <<EOF\n( ' \" $(\nEOF\nrun", "cat! ; run"),
        ("cat <<-'E' | x\n\tbody\n\tE\nrun", "pipe(cat! | x) ; run"),
        ("run {{ name }}.wsgi", "run_{{ name }}.wsgi"),
        ("diff <(a) <(b)", "diff_<(a)_<(b)"),
    ],
)  # fmt: skip
def test_what_people_write(text: str, shown: str) -> None:
    found = parse(text)
    assert show(found.body).strip() == shown.strip()
    assert found.error == ""


@pytest.mark.parametrize("text", [") a", "a; done; b", "fi", "esac", ";;", "if a; then b; else", "a ;; b"])
def test_bad_shell_keeps_what_can_be_read(text: str) -> None:
    found = parse(text)
    assert found.body or found.error


def test_a_stray_word_is_named() -> None:
    assert parse(") a").error == "`)` stands alone"


def test_deep_nesting_ends_with_a_reason() -> None:
    assert parse("( " * 5000).error == "it is nested too deeply"
    assert parse("f() " * 5000 + "x").error == "it is nested too deeply"


def test_offsets_of_words() -> None:
    text = "A=1 run 'a b'"
    (item,) = parse(text).body
    assert isinstance(item.node, Simple)
    assert [text[word.start : word.end] for word in item.node.words] == ["run", "'a b'"]


TOKENS = st.sampled_from(
    ["a", "b c", "'", '"', "`", "$", "${", "}", "$(", ")", "(", "{", "((", "))", ";", ";;", "&", "&&", "|", "||", "\n", "<<E", "E",
     "<", ">", ">&", "if", "then", "else", "elif", "fi", "while", "until", "for", "in", "do", "done", "case", "esac", "function",
     "f()", "[[", "]]", "!", "\\", "#", "A=", "x=(", "{{", "}}", "é", "\x00", "\t", " "]
)  # fmt: skip


@given(
    st.lists(TOKENS, max_size=40).flatmap(
        lambda tokens: st.sampled_from(["", " "]).map(lambda s: s.join(tokens))
    )
)
def test_no_text_raises(text: str) -> None:
    parse(text)


@given(st.text(max_size=300))
def test_no_unicode_raises(text: str) -> None:
    parse(text)
