"""What a mark limits that is told after a list was made: the mornings it covered, and now."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from features.people import display_identity
from features.workspace import Workspace
from serving.flags import WeeklyList
from serving.score import Desk
from serving.weekly_list import kept_list, named, remake
from serving.withheld import home_withheld
from tests.test_weekly_list import AS_OF, town  # noqa: F401 - fixture
from tests.test_withheld import listed, mark_all, own_list  # noqa: F401 - fixtures

SPELLS = [(-100, 5), (-100, 0), (-100, -1), (0, 5), (1, 5), (1, 11), (1, 12), (1, None), (None, 5)]
"""From when to when, in days from the morning; the end is the first day without it."""
TOLD, NOW = 10, 11


def day(number: int) -> date:
    return AS_OF + timedelta(days=number)


def limits(start: int | None, end: int | None) -> bool:
    """Day by day: a mark without a start begins on the morning after it was told."""
    begins, ends = NOW if start is None else start, 99 if end is None else end
    return bool({0, NOW} & set(range(begins, ends)))


@pytest.mark.parametrize("kind", ["objection", "adoption", "refuge"])
def test_a_mark_counts_that_held_on_the_morning_or_does_now(
    own_list: tuple[Workspace, WeeklyList],  # noqa: F811
    kind: str,
) -> None:
    own_town, weekly = own_list
    spells = dict(zip([f.person_id for f in weekly.flags], SPELLS, strict=False))
    told = {
        person: {name: day(at) for name, at in (("start_on", start), ("end_on", end)) if at is not None}
        for person, (start, end) in spells.items()
    }
    mark_all(own_town, kind, told, known=day(TOLD))
    limited = {person for person, spell in spells.items() if limits(*spell)}
    assert len(spells) == len(SPELLS) and len(limited) == 4
    if kind == "refuge":
        homes = {f.person_id: f.household_id for f in weekly.flags}
        snapshot, _ = named(own_town, kept_list(own_town, AS_OF) or {})
        who = display_identity(snapshot, AS_OF, list(homes))
        now = {p: home_withheld(snapshot, AS_OF, p, who[p]).household_id for p in spells}
        assert now == {p: None if p in limited else homes[p] for p in spells} and any(now.values())
    else:
        assert {p for p, _ in Desk(own_town).score(list(spells), AS_OF).refused} == limited
    assert remake(own_town, AS_OF).hash == weekly.hash
