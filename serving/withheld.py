"""Of whom nothing is told, and in which words: those who object, and those whose record is restricted.

A mark stands for all later telling: whoever has one by now is told of no more for past mornings either,
even where a list of then, made before, is asked about; so it is with a mark of that morning which was told
later and has ended. So it is with whom and where somebody lives.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from features.marks import OBJECTION, REFUGE, marks_of
from features.marks import RESTRICTED as RESTRICTING
from features.marks_now import marks_now
from features.people import Identity
from features.snapshot import Snapshot
from serving.flags import RESTRICTED

OBJECTS = "objects to being scored: nothing is worked out or told about this person; ask the team manager"


def withheld(snapshot: Snapshot, as_of: date, person_ids: Sequence[str]) -> dict[str, str]:
    """person_id → why nothing is told of them on the morning of `as_of`; only those of whom that is so."""
    marks = _then_or_now(snapshot, as_of, person_ids)
    found = {person: RESTRICTED for person, held in marks.items() if held & RESTRICTING}
    return found | {person: OBJECTS for person, held in marks.items() if OBJECTION in held}


def home_withheld(snapshot: Snapshot, as_of: date, person_id: str, who: Identity) -> Identity:
    """What may be told by now of how somebody is named on a morning: no home that must stay secret, and of
    the others who live there nobody whose own must, or whose record is restricted."""
    marks = _then_or_now(snapshot, as_of, [person_id, *who.household])
    if REFUGE in marks[person_id]:
        return replace(who, household_id=None, household=(), postcode=None, area=None)
    hidden = RESTRICTING | {REFUGE}
    return replace(who, household=tuple(other for other in who.household if not marks[other] & hidden))


def _then_or_now(snapshot: Snapshot, as_of: date, person_ids: Sequence[str]) -> dict[str, frozenset[str]]:
    """The marks of people on the morning, as known then or by now, and now; everyone asked for is a key."""
    now = marks_now(snapshot, as_of, person_ids)
    then = marks_of(snapshot.con, as_of, person_ids)
    return {person: held | now.get(person, frozenset()) for person, held in then.items()}
