"""The formation as a picture: what drives each process type, what it runs and does, and what it talks to."""

from __future__ import annotations

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from proctor.model.finding import Judgement, ProcessReport
from proctor.model.words import Effect, Kind
from proctor.report.markup import plain
from proctor.report.style import width

#: what is worth a word in a picture, in the order in which it is said
DEEDS: dict[Effect, str] = {
    "serves-http": "serves HTTP",
    "serves-dev": "runs a development server",
    "consumes-jobs": "runs jobs",
    "runs-bot": "runs a bot",
    "receives": "receives messages",
    "pops": "takes work from a list",
    "schedules": "schedules",
    "migrates": "migrates",
    "builds-assets": "builds assets",
    "installs": "installs",
    "supervises": "supervises",
    "daemonises": "daemonises",
    "enqueues": "enqueues jobs",
    "publishes": "publishes",
    "sends-outside": "sends to others",
    "starts-thread": "starts threads",
    "starts-process": "starts processes",
    "starts-task": "starts tasks",
    "loads-model": "loads a model",
    "handles-sigterm": "handles SIGTERM",
}
#: effects that leave something where no other copy finds it
_KEPT: dict[str, tuple[Effect, ...]] = {
    "memory of the process": ("keeps-memory",),
    "local disk": ("writes-disk", "stores-upload", "opens-embedded-db", "logs-to-file"),
}
_DRIVERS: tuple[tuple[Effect, str], ...] = (
    ("serves-http", "HTTP"),
    ("consumes-jobs", "jobs"),
    ("runs-bot", "chat"),
    ("schedules", "clock"),
    ("receives", "messages"),
    ("pops", "messages"),
)
_KIND_DRIVERS: dict[Kind, str] = {"release": "deploy", "one-off": "deploy"}

_WIDE = 960
_LEFT, _BOX = 98, 430
_RIGHT, _SERVICE = 696, 262
_GAP, _LINE, _PAD = 14, 18, 11
_SERVICE_HEIGHT = 44
_NAME_ROOM, _TEXT_ROOM = 44, 62


@dataclass(frozen=True)
class _Box:
    names: tuple[str, ...]
    kind: Kind
    driver: str
    rows: tuple[tuple[str, str], ...]
    talks: tuple[str, ...]

    @property
    def height(self) -> int:
        return 2 * _PAD + _LINE * len(self.rows)


def render_picture(judgement: Judgement) -> str:
    """An SVG drawing that takes its colours from the page; "" where there is no process type."""
    boxes = _boxes(judgement.processes)
    if not boxes:
        return ""
    backing = _backing(judgement.processes)
    services = [*backing, *(name for name in _KEPT if any(name in box.talks for box in boxes))]
    heights = [box.height for box in boxes]
    left = sum(heights) + _GAP * (len(boxes) - 1)
    right = len(services) * (_SERVICE_HEIGHT + _GAP) - _GAP
    tall = max(left, right) + 4
    tops = _tops(heights, (tall - left) // 2, _GAP)
    ordered = _ordered(services, backing, boxes, tops)
    spread = _GAP if len(services) < 2 else min(60, _GAP + (tall - right) // (len(services) + 1))
    used = len(services) * (_SERVICE_HEIGHT + spread) - spread
    service_tops = dict(
        zip(ordered, _tops([_SERVICE_HEIGHT] * len(ordered), max(2, (tall - used) // 2), spread), strict=True)
    )
    parts = [
        f'<svg class="picture" viewBox="0 0 {_WIDE} {tall}" role="img" '
        'aria-labelledby="picture-title picture-text">',
        '<title id="picture-title">The process formation and the backing services it talks to</title>',
        f'<desc id="picture-text">{plain(_spoken(boxes))}</desc>',
        *_lines(boxes, tops, service_tops, backing),
        *(_draw_box(box, top) for box, top in zip(boxes, tops, strict=True)),
        *(_draw_service(name, top, backing.get(name)) for name, top in service_tops.items()),
        "</svg>",
    ]
    return "\n".join(parts)


def merged(processes: Iterable[ProcessReport]) -> list[tuple[ProcessReport, ...]]:
    """Process types that run and do the same, together."""
    found: dict[tuple[object, ...], list[ProcessReport]] = {}
    for each in processes:
        talks = tuple((service.name, service.variable) for service in each.services)
        key = (each.kind, each.launcher, each.entry_target, each.unresolved, each.effects, talks)
        found.setdefault(key, []).append(each)
    return [tuple(group) for group in found.values()]


def _boxes(processes: Iterable[ProcessReport]) -> list[_Box]:
    return [_box(group) for group in merged(processes)]


def _box(group: tuple[ProcessReport, ...]) -> _Box:
    first = group[0]
    names = tuple(each.name for each in group)
    shown = [_cut(name, _NAME_ROOM) for name in names[: 3 if len(names) > 4 else 4]]
    rows = [("name", name) for name in shown]
    if len(names) > len(shown):
        rows.append(("more", f"and {len(names) - len(shown)} more that run the same"))
    entry = first.entry_target or first.unresolved or "no entry point"
    runs = f"{first.launcher} → {entry}" if first.launcher else entry
    rows.append(("runs", _cut(runs, _TEXT_ROOM - 6)))
    deeds = " · ".join(phrase for effect, phrase in DEEDS.items() if effect in first.effects)
    rows.extend(("does", line) for line in textwrap.wrap(deeds, _TEXT_ROOM)[:3])
    kept = [name for name, effects in _KEPT.items() if any(effect in first.effects for effect in effects)]
    talks = tuple(dict.fromkeys([*(service.name for service in first.services), *kept]))
    return _Box(names, first.kind, _driver(first), tuple(rows), talks)


def _driver(process: ProcessReport) -> str:
    if process.kind in _KIND_DRIVERS:
        return _KIND_DRIVERS[process.kind]
    return next((word for effect, word in _DRIVERS if effect in process.effects), "")


def _backing(processes: Iterable[ProcessReport]) -> dict[str, str]:
    """Backing services in the order in which they are met, with the variables that attach them."""
    variables: dict[str, dict[str, None]] = {}
    for process in processes:
        for service in process.services:
            known = variables.setdefault(service.name, {})
            if service.variable:
                known[service.variable] = None
    return {name: ", ".join(each) for name, each in variables.items()}


def _tops(heights: Sequence[int], start: int, gap: int) -> list[int]:
    tops = []
    at = start
    for height in heights:
        tops.append(at)
        at += height + gap
    return tops


def _ordered(
    services: Sequence[str], backing: dict[str, str], boxes: Sequence[_Box], tops: Sequence[int]
) -> list[str]:
    """Services beside those who use them; what is no backing service comes last."""

    def middle(name: str) -> float:
        users = [top + box.height / 2 for box, top in zip(boxes, tops, strict=True) if name in box.talks] or [
            0.0
        ]
        return sum(users) / len(users)

    return sorted(services, key=lambda name: (name not in backing, middle(name), name))


def _lines(
    boxes: Sequence[_Box], tops: Sequence[int], services: dict[str, int], backing: dict[str, str]
) -> Iterable[str]:
    users = {name: [box for box in boxes if name in box.talks] for name in services}
    for box, top in zip(boxes, tops, strict=True):
        talks = sorted(box.talks, key=lambda name: services[name])
        for number, name in enumerate(talks, start=1):
            x1, x2 = _LEFT + _BOX, _RIGHT
            y1 = top + box.height * number / (len(talks) + 1)
            place = users[name].index(box) + 1
            y2 = services[name] + _SERVICE_HEIGHT * place / (len(users[name]) + 1)
            bend = (x2 - x1) / 2
            kept = "" if name in backing else " kept"
            yield (
                f'<path class="talks{kept}" d="M{x1} {y1:.1f}C{x1 + bend:.0f} {y1:.1f} '
                f'{x2 - bend:.0f} {y2:.1f} {x2} {y2:.1f}"/>'
            )


def _draw_box(box: _Box, top: int) -> str:
    middle = top + box.height / 2
    parts = [
        f'<rect class="box" x="{_LEFT}" y="{top}" width="{_BOX}" height="{box.height}" rx="7"/>',
        f'<text class="kind" x="{_LEFT + _BOX - 12}" y="{top + _PAD + 13}" text-anchor="end">{box.kind}</text>',
    ]
    for number, (role, text) in enumerate(box.rows):
        y = top + _PAD + 13 + number * _LINE
        parts.append(f'<text class="{role}" x="{_LEFT + 14}" y="{y}">{plain(text)}</text>')
    if box.driver:
        parts.append(
            f'<text class="driver" x="{_LEFT - 30}" y="{middle + 4:.1f}" text-anchor="end">{box.driver}</text>'
            f'<path class="drives" d="M{_LEFT - 24} {middle:.1f}h18m-6 -4l6 4l-6 4"/>'
        )
    return "".join(parts)


def _draw_service(name: str, top: int, variable: str | None) -> str:
    """A drum for a backing service, a dashed box for what is none (`variable` is None)."""
    x, w, h = _RIGHT, _SERVICE, _SERVICE_HEIGHT
    second = variable if variable is not None else "no other copy finds it there"
    first_y = top + (19 if second else 27)
    shape = (
        f'<rect class="drum" x="{x}" y="{top}" width="{w}" height="{h}" rx="20"/>'
        if variable is not None
        else f'<rect class="kept" x="{x}" y="{top}" width="{w}" height="{h}" rx="7"/>'
    )
    text = f'<text class="service" x="{x + w / 2:.0f}" y="{first_y}" text-anchor="middle">{plain(_cut(name, 32))}</text>'
    if second:
        role = "variable" if variable else "does"
        text += (
            f'<text class="{role}" x="{x + w / 2:.0f}" y="{top + 35}" text-anchor="middle">'
            f"{plain(_cut(second, 34))}</text>"
        )
    return shape + text


def _spoken(boxes: Iterable[_Box]) -> str:
    return " ".join(
        f"{', '.join(box.names)} ({box.kind}): {'; '.join(text for role, text in box.rows if role in ('runs', 'does'))}; "
        f"talks to {', '.join(box.talks) or 'nothing that was seen'}."
        for box in boxes
    )


def _cut(text: str, room: int) -> str:
    while width(text) > room:
        text = text[:-2].rstrip() + "…"
    return text
