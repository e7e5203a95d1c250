"""Looks at a conformance report in a real browser, as somebody does who got it by mail; prints what is wrong with it.

    python tests/report/in_browser.py REPORT.html [FOLDER]

Needs Chromium, and playwright and axe-playwright-python (which brings axe-core) in the Python that runs it. CHROMIUM names
the browser's program. With FOLDER the pictures and the printed page that were looked at are kept there. Asked is: scripts
off, nothing fetched, no message on the console, wide and narrow, light and dark: no serious violation known to axe-core, nothing wider than
the window, every cell of the matrix leads to what is shown; and that it prints.
"""

from __future__ import annotations

import importlib
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

WINDOWS = {"wide": (1440, 900), "narrow": (390, 844)}
THEMES = ("light", "dark")
_TOO_WIDE = """
() => [...document.querySelectorAll('body *')].filter(each => {
    const box = each.getBoundingClientRect();
    return box.right > document.documentElement.clientWidth + 1 && !each.closest('.scroll, pre, figure');
}).map(each => each.tagName + '.' + each.className + ': ' + each.textContent.trim().slice(0, 60)).slice(0, 5)
"""
_SERIOUS = ("serious", "critical")


def main(page: Path, folder: Path) -> int:
    """Look at `page`; what was seen is kept in `folder`. Returns the number of complaints."""
    folder.mkdir(parents=True, exist_ok=True)
    api: Any = importlib.import_module("playwright.sync_api")
    program = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
    with api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        found = [
            *(
                line
                for name in WINDOWS
                for theme in THEMES
                for line in _look(browser, page, folder, name, theme)
            ),
            *_operate(browser, page),
            *_print(browser, page, folder),
        ]
        browser.close()
    for line in found:
        print(line)
    print(f"{page.name}: {len(found)} complaints")
    return len(found)


def _look(browser: Any, page: Path, folder: Path, name: str, theme: str) -> Iterator[str]:
    width, height = WINDOWS[name]
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, java_script_enabled=False
    )
    tab = context.new_page()
    asked: list[str] = []
    said: list[str] = []
    tab.on("request", lambda request: asked.append(request.url))
    tab.on("console", lambda message: said.append(message.text))
    tab.goto(page.as_uri())
    tab.screenshot(path=str(folder / f"{name}-{theme}.png"), full_page=True)
    tab.screenshot(path=str(folder / f"{name}-{theme}-top.png"))
    for url in asked:
        if url != page.as_uri():
            yield f"{name} {theme}: it asked for {url}"
    for text in said:
        yield f"{name} {theme}: the console says {text}"
    context.close()
    # axe-core is itself a script, which the page's policy forbids
    context = browser.new_context(
        viewport={"width": width, "height": height}, color_scheme=theme, bypass_csp=True
    )
    tab = context.new_page()
    tab.goto(page.as_uri())
    for each in tab.evaluate(_TOO_WIDE):
        yield f"{name} {theme}: wider than the window: {each}"
    axe: Any = importlib.import_module("axe_playwright_python.sync_playwright")
    for violation in axe.Axe().run(tab).response["violations"]:
        places = ", ".join(node["target"][0] for node in violation["nodes"][:3])
        line = f"{name} {theme}: axe-core: {violation['impact']} {violation['id']} at {places}"
        if violation["impact"] in _SERIOUS:
            yield line
        else:
            print(f"(not serious) {line}")
    context.close()


def _operate(browser: Any, page: Path) -> Iterator[str]:
    """By keyboard alone, scripts off."""
    context = browser.new_context(java_script_enabled=False)
    tab = context.new_page()
    tab.goto(page.as_uri())
    tab.keyboard.press("Tab")
    tab.keyboard.press("Enter")
    if not tab.url.endswith("#answer"):
        yield f"the first link leads to {tab.url}, not to the answer"
    cells = tab.locator("table.matrix td a")
    for number in range(cells.count()):
        target = (cells.nth(number).get_attribute("href") or "")[1:]
        aim = tab.locator(f"[id='{target}']")
        if aim.count() != 1 or not aim.is_visible():
            yield f"cell {number} leads to nothing that is shown: #{target}"
    if cells.count():
        cells.first.focus()
        tab.keyboard.press("Enter")
        aim = tab.locator(":target")
        if aim.count() != 1 or not aim.is_visible():
            yield "Enter in the first cell shows no evidence"
    context.close()


def _print(browser: Any, page: Path, folder: Path) -> Iterator[str]:
    context = browser.new_context(color_scheme="dark")
    tab = context.new_page()
    tab.goto(page.as_uri())
    data = tab.pdf(path=str(folder / "print.pdf"), format="A4", print_background=True)
    if not data.startswith(b"%PDF") or len(data) < 10_000:
        yield "it does not print"
    tab.emulate_media(media="print")
    background = tab.evaluate("() => getComputedStyle(document.body).backgroundColor")
    if background not in ("rgb(255, 255, 255)", "rgba(0, 0, 0, 0)"):
        yield f"it prints on {background}"
    context.close()


if __name__ == "__main__":
    target = Path(sys.argv[1]).absolute()
    kept = Path(sys.argv[2]) if len(sys.argv) > 2 else Path(tempfile.mkdtemp(prefix="proctor-page-"))
    sys.exit(min(main(target, kept), 1))
