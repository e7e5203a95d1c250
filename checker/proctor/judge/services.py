"""Which backing services a process type talks to."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from proctor.model.finding import Judgement, Service, Step
from proctor.model.program import FromEnv, Hit, Known, ProcessView, Program
from proctor.model.rule import ServiceModel

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_Key: TypeAlias = tuple[str, str, str, str]


def add_services(judgement: Judgement, program: Program, services: Sequence[ServiceModel]) -> Judgement:
    """`judgement` whose process types name what they talk to."""
    found = _Talks(services)
    return msgspec.structs.replace(
        judgement,
        processes=tuple(
            msgspec.structs.replace(
                each, services=found.of(view for view in program.views if view.process.name == each.name)
            )
            for each in judgement.processes
        ),
    )


class _Talks:
    def __init__(self, services: Sequence[ServiceModel]) -> None:
        self._services = services
        self._known: dict[_Key, tuple[ServiceModel, ...]] = {}

    def of(self, views: Iterable[ProcessView]) -> tuple[Service, ...]:
        found: dict[tuple[str, str], tuple[Step, ...]] = {}
        for view in views:
            for model, steps in self._talks(view):
                found.setdefault(_product(model, view), steps)
        return tuple(
            Service(name=name, variable=variable, steps=steps)
            for (name, variable), steps in sorted(found.items())
        )

    def _talks(self, view: ProcessView) -> Iterator[tuple[ServiceModel, tuple[Step, ...]]]:
        by_path: dict[str, tuple[Step, ...]] = {}
        for model in self._services:
            if view.drives & set(model.drives):
                by_path[model.path] = view.launch.chain
        for context, hit in view.hits():
            if hit.unsure or hit.guard:
                continue
            for model in self._models(hit):
                if model.path not in by_path:
                    by_path[model.path] = view.path(context, hit.place, f"`{hit.symbol}`")
        return ((model, by_path[model.path]) for model in self._services if model.path in by_path)

    def _models(self, hit: Hit) -> tuple[ServiceModel, ...]:
        key = (hit.effect, hit.symbol, hit.details.get("store", ""), hit.details.get("protocol", ""))
        if key not in self._known:
            self._known[key] = tuple(model for model in self._services if _is_told(model, key))
        return self._known[key]


def _is_told(model: ServiceModel, key: _Key) -> bool:
    effect, symbol, store, protocol = key
    if store in model.stores or protocol in model.protocols:
        return True
    return (not model.effects or effect in model.effects) and symbol.startswith(model.symbols)


def _product(model: ServiceModel, view: ProcessView) -> tuple[str, str]:
    """The name of what it is, as far as settings say, and the variable that decides."""
    for setting in model.settings:
        system, _, key = setting.partition(":")
        found = view.setting(system, key)
        if found is None or found.is_default:
            continue
        if isinstance(found.value, Known):
            text = str(found.value.value).lower()
            for part, name in model.names.items():
                if part in text:
                    return name, ""
        if isinstance(found.value, FromEnv) and _VARIABLE.fullmatch(found.value.variable):
            return model.name, found.value.variable
    return model.name, ""
