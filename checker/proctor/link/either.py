"""Effects that a call has whichever of two rows holds, so that it does not matter that nobody knows which."""

from __future__ import annotations

from collections.abc import Sequence

from proctor.model.rule import ArgumentTest, EffectRow


def settled(held: Sequence[tuple[EffectRow, str]], rows: Sequence[EffectRow]) -> list[tuple[EffectRow, str]]:
    """The rows that hold, each with what makes it unsure ("" for nothing). Where an unsure row and another ask opposite
    things of one argument, what both have in common is one more row, and sure."""
    found = list(held)
    shared: list[EffectRow] = []
    for row, unsure in held:
        other = next((each for each in rows if unsure and _are_opposite(row, each)), None)
        common = _common(row, other) if other is not None else None
        if common is not None and (common.does or common.drives) and common not in shared:
            shared.append(common)
            found.append((common, ""))
    return found


def _are_opposite(one: EffectRow, other: EffectRow) -> bool:
    """Whether exactly one of two rows holds, whatever the argument that they ask for is."""
    if len(one.where) != 1 or len(other.where) != 1:
        return False
    asked, answered = one.where[0], other.where[0]
    if _subject(asked) != _subject(answered):
        return False
    if asked.present is not None:
        return answered.present is (not asked.present) and _is_bare(asked) and _is_bare(answered)
    same = set(asked.equals) | set(asked.differs) == set(answered.equals) | set(answered.differs)
    return same and bool(asked.equals) != bool(answered.equals) and _only_values(asked, answered)


def _subject(test: ArgumentTest) -> tuple[object, ...]:
    return (test.argument, test.position, test.key, test.below)


def _is_bare(test: ArgumentTest) -> bool:
    return not (test.equals or test.differs) and _only_values(test)


def _only_values(*tests: ArgumentTest) -> bool:
    return not any(test.matches or test.unlike or test.type or test.not_type for test in tests)


def _common(one: EffectRow, other: EffectRow) -> EffectRow:
    """What both rows say, in the order of neither."""
    details = {key: value for key, value in one.details.items() if other.details.get(key) == value}
    return EffectRow(
        does=tuple(sorted(set(one.does) & set(other.does))),
        drives=tuple(sorted(set(one.drives) & set(other.drives))),
        details=dict(sorted(details.items())),
        subject=one.subject if one.subject == other.subject else None,
        forever=one.forever or other.forever,
    )
