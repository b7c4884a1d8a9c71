"""Answers that are not followed, as the review tells of them: what contradicts each, and what puts it right.

The two records that contradict each other need not be those that were asked about, and may stand in no list
of pairs: so they are shown here, with the ids by which they can be answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from features.answers import Answer, Subject, pair_id
from features.clusters_checked import DIED_AND_SEEN, TWO_BIRTHS, TWO_NUMBERS
from features.refused import Refusal, refusals
from features.snapshot import Snapshot
from monitoring.link_sides import sides

WRONG = {
    TWO_NUMBERS: "an NHS number, UPN or NINO",
    TWO_BIRTHS: "a birth date",
    DIED_AND_SEEN: "a death",
}
"""Why → what one of the two records may have wrong."""

Pair = tuple[Subject, Subject]


@dataclass(frozen=True)
class Way:
    """One way of putting it right, in words that name nobody. pair, subjects: whom to answer about, if so."""

    said: str
    pair: str = ""
    subjects: tuple[Subject, ...] = ()


def tell_refused(
    snapshot: Snapshot, answers: Sequence[Answer], *, already_persons: Iterable[str]
) -> list[dict[str, Any]]:
    """Each refused answer as plain data; answers: those that stand. Needs what `make_probable` leaves."""
    refused = refusals(snapshot.con, answers, already_persons=already_persons) if answers else []
    asked = {a.pair: ((a.source_l, a.key_l), (a.source_r, a.key_r)) for a in answers}
    between = [one.between for one in refused if one.between]
    people = _of(snapshot, "person_id", "links WHERE known_until IS NULL")
    number = _of(snapshot, "subject", "identity_records") if between else {}
    shown = iter(sides(snapshot, [(number[one], number[other]) for one, other in between]))
    told = []
    for one in refused:
        told.append(
            {
                "pair": one.pair,
                "why": one.why,
                "records": [asdict(side) for side in next(shown)] if one.between else [],
                "ways": [asdict(way) for way in _ways(asked[one.pair], one, people)],
            }
        )
    return told


def _ways(asked: Pair, refused: Refusal, people: Mapping[Subject, Any]) -> Iterator[Way]:
    """What would put a refused answer right."""
    if refused.between and refused.why in WRONG:
        yield Way(f"if one of the two records has {WRONG[refused.why]} wrong, have its agency correct it")
    elif refused.between:
        pair = pair_id(*refused.between)
        yield Way(f"if the two records are one person, answer {pair} same", pair, refused.between)
    for subject in refused.between or ():
        for end in asked:
            if subject != end and people.get(subject) == people.get(end):
                pair = pair_id(end, subject)
                said = (
                    f"{pair} is one person now, {end[0]} and {subject[0]}: if it is two, answer it different"
                )
                yield Way(said, pair, (end, subject))
    yield Way(f"if the answer was a slip, answer {refused.pair} different, or cannot-say")


def _of(snapshot: Snapshot, column: str, rows: str) -> dict[Subject, Any]:
    found = snapshot.con.execute(f"SELECT source, subject_key, {column} FROM {rows}").fetchall()
    return {(source, key): value for source, key, value in found}
