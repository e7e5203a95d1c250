"""A fix keeps every byte outside its edit: line ends, tabs, encodings, marks, a missing last line end."""

from __future__ import annotations

import ast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rewriting import fixed, plans_of, reasons, statements, untouched

from proctor import fix

WEB = b"web: uvicorn app:app --host 0.0.0.0 --port $PORT\n"
COROUTINE = b"""\
import time

from fastapi import FastAPI

app = FastAPI()


@app.get("/")
async def index():
    time.sleep(1)
    return time.time()
"""
AWAITED = COROUTINE.replace(b"import time\n", b"import asyncio\nimport time\n").replace(
    b"    time.sleep(1)", b"    await asyncio.sleep(1)"
)


def sleeping(data: bytes) -> bytes:
    return fixed({"Procfile": WEB, "app.py": data}, "TC11")["app.py"]


def test_line_ends_of_windows() -> None:
    assert sleeping(COROUTINE.replace(b"\n", b"\r\n")) == AWAITED.replace(b"\n", b"\r\n")


def test_tabs() -> None:
    assert sleeping(COROUTINE.replace(b"    ", b"\t")) == AWAITED.replace(b"    ", b"\t")


def test_no_last_line_end() -> None:
    assert sleeping(COROUTINE.rstrip()) == AWAITED.rstrip()


def test_byte_order_mark() -> None:
    assert sleeping(b"\xef\xbb\xbf" + COROUTINE) == b"\xef\xbb\xbf" + AWAITED


@pytest.mark.parametrize("encoding", ["latin-1", "cp1251", "shift_jis", "utf-8"])
def test_encodings_that_the_file_declares(encoding: str) -> None:
    word = {"latin-1": "grüße", "cp1251": "привет", "shift_jis": "日本語", "utf-8": "日本 grüße 🎈"}[encoding]
    head = f"# -*- coding: {encoding} -*-\n# {word}\n".encode(encoding)
    call = f'    print("{word}"); time.sleep(1)'.encode(encoding)
    tail = f"# {word}\n".encode(encoding)
    data = head + COROUTINE + tail
    assert sleeping(data) == head + AWAITED + tail
    # in front of the place on its own line, too
    same_line = head + COROUTINE.replace(b"    time.sleep(1)", call)
    assert sleeping(same_line).endswith(
        f'    print("{word}"); await asyncio.sleep(1)\n    return time.time()\n'.encode(encoding)
    )


def test_form_feeds_comments_and_odd_spaces_stay() -> None:
    data = COROUTINE.replace(b"app = FastAPI()", b"\x0c\napp  =  FastAPI( )   # why ; not").replace(
        b"time.sleep(1)", b"time . sleep( 1 )   # \xc3\xa9"
    )
    expected = AWAITED.replace(b"app = FastAPI()", b"\x0c\napp  =  FastAPI( )   # why ; not").replace(
        b"asyncio.sleep(1)", b"asyncio.sleep( 1 )   # \xc3\xa9"
    )
    assert sleeping(data) == expected


def test_a_procfile_of_windows_without_a_last_line_end() -> None:
    files = {
        "Procfile": b"# caf\xc3\xa9\r\nweb: cd x && gunicorn a:app\r\nworker: cd x && celery -A a worker -B",
        "x/a.py": b"from celery import Celery\napp = Celery('a', broker='redis://h')\n",
    }
    new = fixed(files, "TF921", "TF824")["Procfile"]
    assert new == (
        b"# caf\xc3\xa9\r\nweb: cd x && exec gunicorn a:app\r\n"
        b"worker: cd x && exec celery -A a worker\r\nbeat: cd x && celery -A a beat"
    )


def test_a_lock_in_a_file_with_tabs_and_no_last_line_end() -> None:
    lines = [
        b"import threading",
        b"import urllib.request",
        b"lock = threading.Lock()",
        b"def fetch(url):",
        b"\tlock.acquire()  # one at a time",
        b"\tanswer = urllib.request.urlopen(",
        b"\t\turl, timeout=5)",
        b"",
        b"\t# then",
        b"\tlock.release()",
        b"threading.Thread(target=fetch, args=('x',)).start(); fetch('y')",
    ]
    files = {"Procfile": b"worker: python w.py", "w.py": b"\r\n".join(lines)}
    expected = list(lines)
    expected[4] = b"\twith lock:  # one at a time"
    expected[5:9] = [b"\t" + line if line else line for line in lines[5:9]]
    del expected[9]
    assert fixed(files, "TC42")["w.py"] == b"\r\n".join(expected)


def test_a_text_of_several_lines_does_not_move() -> None:
    files = {
        "Procfile": b"worker: python w.py",
        "w.py": b"import threading, urllib.request\nlock = threading.Lock()\ndef fetch():\n    lock.acquire()\n"
        b'    urllib.request.urlopen("""http://x\n/y""", timeout=5)\n    lock.release()\n'
        b"threading.Thread(target=fetch).start(); fetch()\n",
    }
    assert reasons(files, "TC42") == {"a text of several lines stands in between, which must not move"}


NAMES = st.sampled_from(["alpha", "beta", "größe", "名前"])
TEXTS = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zl", "Zp"), exclude_characters="\\'\"{}"),
    max_size=12,
)
LINES = st.one_of(
    st.builds(lambda text: f"# {text}", TEXTS),
    st.builds(lambda name, text: f"{name} = '{text}'", NAMES, TEXTS),
    st.builds(lambda name, text: f'{name} = """{text}\n  {text}"""', NAMES, TEXTS),
    st.builds(lambda name: f"{name} = [\n  1,   2,\n\n  3 ,]  # list", NAMES),
    st.builds(lambda name: f"def {name}( a,b = 2 ):\n\n      return  a", NAMES),
    st.just("if True :\n  pass ;  x=1"),
    st.just(""),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.lists(LINES, max_size=6), st.lists(LINES, max_size=6), TEXTS, st.sampled_from(["\n", "\r\n"]), st.booleans(),
    st.booleans(), st.sampled_from(["    ", "\t", "  "]),
)  # fmt: skip
def test_generated_files_stay_as_they_are_outside_the_edits(
    above: list[str], below: list[str], text: str, newline: str, mark: bool, ends: bool, indent: str
) -> None:
    lines = [
        "import time", "import asyncio", "import requests", "from fastapi import FastAPI", *above, "app = FastAPI()",
        '@app.get("/")', "async def index():", f"{indent}'{text}'; asyncio.create_task(work())", f"{indent}time.sleep(1) # {text}",
        f"{indent}asyncio.create_task(work( ))", f"{indent}return requests.get('{text}')", "async def work():",
        f"{indent}time.sleep( 2 )", *below,
    ]  # fmt: skip
    data = newline.join("\n".join(lines).split("\n")).encode()
    data = b"\xef\xbb\xbf" * mark + data + newline.encode() * ends
    plans, tree = plans_of({"Procfile": WEB, "app.py": data}, "TC11", "TC21", "TC81")
    chosen = fix.choose(plans, unsafe=True)
    assert len(chosen) >= 3
    new = fix.changed(chosen, tree)["app.py"][1]

    assert untouched(data, new, chosen)
    assert new.count(b"\r\n") == (new.count(b"\n") if newline == "\r\n" else 0)
    changed = {
        ast.dump(each) for each in ast.parse(data).body if getattr(each, "name", "") in ("index", "work")
    }
    gone = set(statements(data)) - set(statements(new)) - changed
    assert gone <= {ast.dump(ast.parse("import time").body[0])}
    come = set(statements(new)) - set(statements(data))
    assert ast.dump(ast.parse("background_tasks = set()").body[0]) in come
    assert len(come) == 1 + len(changed)

    again, _ = plans_of({"Procfile": WEB, "app.py": new}, "TC11", "TC21", "TC81")
    assert not fix.choose(again, unsafe=True)
