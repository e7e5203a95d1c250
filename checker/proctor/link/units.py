"""One unit is linked: its events are read in order."""

from __future__ import annotations

from proctor.link.access import Access
from proctor.link.asked import Asked
from proctor.link.calls import Calls
from proctor.link.definitions import Definitions
from proctor.link.linked import Ledger, LinkedUnit
from proctor.link.runs import Runs
from proctor.link.scopes import Scope
from proctor.link.sheet import Sheet
from proctor.model.fact import Bind, Call, Define, Import, Load, SetAttr, SetItem, Yield


def link_unit(ledger: Ledger, scope: Scope) -> LinkedUnit:
    """What a unit makes run and does, as far as the parameters that it looks at are known by now."""
    sheet = Sheet(ledger, scope)
    runs = Runs(sheet)
    calls = Calls(sheet, runs)
    definitions = Definitions(sheet, runs, calls)
    asked = Asked(sheet)
    access = Access(sheet, runs, asked)
    access.for_blocks()
    for number, event in enumerate(scope.unit.events):
        if sheet.states[event.block] == "dead":
            continue
        if isinstance(event, Call):
            access.callee(number, event)
            calls.link(number, event)
            asked.call(number, event)
        elif isinstance(event, Import):
            definitions.load(number, event)
        elif isinstance(event, Define):
            definitions.define(number, event)
        elif isinstance(event, Load):
            access.read(number, event)
        elif isinstance(event, SetAttr | SetItem):
            access.write(number, event)
        elif isinstance(event, Bind | Yield):
            asked.iterate(number, event)
    asked.operators()
    access.with_blocks()
    if scope.unit.kind == "class":
        access.class_writes()
    return sheet.linked()
