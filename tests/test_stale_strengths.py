"""What is told of people where a feed was accepted as stale: nothing that rests on its silence.

A table of everybody in the town, by everything that tells of them: the list, the list made again, the
service and the explanation of one person.
"""

from __future__ import annotations

from datetime import date
from typing import NamedTuple

from features.snapshot import open_snapshot
from features.workspace import Workspace
from models.reasons import Reason
from serving.person import explain_person
from serving.score import Desk
from serving.weekly_list import flag, remake
from tests.test_stale_feeds import WHY, deliver
from tests.test_weekly_list import AS_OF, PEOPLE, WEEK, own_town, town  # noqa: F401 - fixtures

LATE = AS_OF + WEEK
FEWER, BEFORE = "have become fewer", "in the year before"


class Told(NamedTuple):
    reasons: tuple[Reason, ...]
    strengths: tuple[Reason, ...]

    def sources(self, words: str) -> set[str]:
        """The sources of what is told in these words."""
        said = (*self.reasons, *self.strengths)
        return {source for r in said if words in r.sentence for source in r.sources}


def told_of_all(workspace: Workspace, as_of: date) -> dict[str, Told]:
    """person_id → what the service tells, of everybody."""
    query = "SELECT DISTINCT person_id FROM links"
    everybody = [person for (person,) in open_snapshot(workspace).con.execute(query).fetchall()]
    told = [t for t, _ in Desk(workspace).score(everybody, as_of).explanations]
    assert len(told) > PEOPLE / 2
    return {t.person_id: Told(t.reasons, t.strengths) for t in told}


def every_way(workspace: Workspace, as_of: date) -> tuple[dict[str, Told], str]:
    """What the service tells of everybody, and the text on one who is listed; the list, the list made again
    and `explain` tell the same."""
    told = told_of_all(workspace, as_of)
    weekly = remake(workspace, as_of)
    for f in weekly.flags:
        assert told[f.person_id] == (f.reasons, f.strengths)
    best_of = max(weekly.flags, key=lambda f: len(f.strengths)).person_id
    explained = explain_person(workspace, best_of, as_of)
    assert explained.explanation
    assert told[best_of] == (explained.explanation.reasons, explained.explanation.strengths)
    return told, explained.text()


def test_no_strength_rests_on_the_silence_of_a_feed_accepted_as_stale(own_town: Workspace) -> None:  # noqa: F811
    """Schools alone is stale: absences that did not come are no improvement; a meeting that was held is."""
    for source in ("police", "rents", "schools"):
        deliver(own_town, source, AS_OF)
    fresh = told_of_all(own_town, LATE)
    assert "schools" in set().union(*(t.sources(FEWER) for t in fresh.values()))
    assert "schools" in set().union(*(t.sources(BEFORE) for t in fresh.values()))

    after = LATE + WEEK
    for source in ("police", "rents"):
        deliver(own_town, source, LATE)
    weekly = flag(own_town, after, accept={"schools": WHY})
    assert [a.source for a in weekly.accepted] == ["schools"]
    stale, text = every_way(own_town, after)
    assert "not seen here:\n  Schools: a delivery was due on 6 July 2026" in text
    assert f"Accepted because: {WHY}" in text
    assert "covers this person, but for what the stale feeds did not bring" in text
    assert stale.keys() == fresh.keys()
    for person, now in stale.items():
        assert "schools" not in now.sources(FEWER) | now.sources(BEFORE), person
    held = [
        {who for who, t in told.items() if any(s.channel == "schools.mentor" for s in t.strengths)}
        for told in (fresh, stale)
    ]
    assert held[0] == held[1] != set()

    deliver(own_town, "schools", LATE)  # it comes after all: the silence counts, but not on that list
    assert remake(own_town, after).hash == weekly.hash and told_of_all(own_town, after) == stale
    again = flag(own_town, after)
    assert not again.accepted and again.hash != weekly.hash
    assert "schools" in set().union(*(t.sources(FEWER) for t in told_of_all(own_town, after).values()))


def test_a_morning_without_a_list_has_its_feeds_judged(own_town: Workspace) -> None:  # noqa: F811
    told = told_of_all(own_town, LATE + WEEK)
    text = explain_person(own_town, next(iter(told)), LATE + WEEK).text()
    assert text.count("a delivery was due on 29 June 2026") == 3 and "Accepted" not in text
    assert not set().union(*(t.sources(FEWER) | t.sources(BEFORE) for t in told.values()))
