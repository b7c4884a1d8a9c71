"""The people of several lists, each counted once, by group: what every figure about groups is made of.

A person is scored on any of the lists, on any of them, the outcome following any of them, found if the
outcome followed one that they were on. So the counts are people, who differ from one another, and
Wilson's interval of a rate is an honest one. (Pooled rows would count somebody on six monthly lists six
times; eight such rows may be two people.)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from models.calibration import chance
from models.groups import CROSS, UNKNOWN, in_order
from models.judge import Scored, ranking

N, POSITIVES, SELECTED, FOUND = "n", "positives", "selected", "found"
OMITTED = "omitted"
"""People with the outcome who were on no list. (Whoever was listed once, and met the outcome after
another list that they were not on, is a positive neither found nor omitted.)"""
CONTACTED = "contacted"


@dataclass(frozen=True)
class Listing:
    """People of one list. person: (n,) any ids, equal ids are one person; selected: (n,) bool;
    positive: (n,) bool, or None where what followed is not known yet; groups: characteristic → (n,);
    chance: (n,) what the model said; contacted: (n,) bool, whether agencies met them often."""

    person: np.ndarray
    selected: np.ndarray
    positive: np.ndarray | None
    groups: Mapping[str, np.ndarray]
    chance: np.ndarray | None = None
    contacted: np.ndarray | None = None


@dataclass(frozen=True)
class People:
    """The P people of some lists, each once. yes: column → (P,) bool; groups: characteristic → (P,) str,
    of the last list they were scored for. happened, expected: (P,) after how many of the lists the
    outcome followed, and after how many the model said it would; None where that is not known."""

    yes: dict[str, np.ndarray]
    groups: dict[str, np.ndarray]
    happened: np.ndarray | None
    expected: np.ndarray | None


def listing(
    scored: Scored,
    on_list: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    contacted: np.ndarray | None = None,
) -> Listing:
    """The people of one date for whom what followed can be judged; found to be one, they are one.

    on_list, groups, contacted: of everybody scored, (n,) each.
    """
    kept = ~np.isnan(scored.y)
    _, first, one = np.unique(scored.same_as, return_index=True, return_inverse=True)
    return Listing(
        person=scored.person_ids[first][one][kept],
        selected=on_list[kept],
        positive=scored.y[kept] == 1,
        groups={name: group[kept] for name, group in groups.items()},
        chance=chance(scored.log_odds[kept]),
        contacted=None if contacted is None else contacted[kept],
    )


def on_list(scored: Scored, capacity: int) -> np.ndarray:
    """(n,) bool: the list of a date, cut at capacity over everybody scored."""
    listed = np.zeros(len(scored.y), bool)
    listed[ranking(scored.person_ids, scored.log_odds)[:capacity]] = True
    return listed


def pool(listings: Sequence[Listing]) -> People:
    """Everybody on some lists, each once. A list that does not know a characteristic leaves its people
    in `unknown`; what is not known of every list is known of none."""
    people, who = np.unique(np.concatenate([each.person for each in listings]), return_inverse=True)

    def known(what: Callable[[Listing], np.ndarray | None]) -> np.ndarray | None:
        told = [rows for each in listings if (rows := what(each)) is not None]
        return np.concatenate(told) if len(told) == len(listings) else None

    def times(rows: np.ndarray) -> np.ndarray:
        return np.bincount(who, weights=rows, minlength=len(people))

    selected = np.concatenate([each.selected for each in listings]).astype(bool)
    listed, happened = times(selected) > 0, None
    yes = {N: np.ones(len(people), bool), SELECTED: listed}
    if (positive := known(lambda each: each.positive)) is not None:
        happened = times(positive)
        yes[POSITIVES], yes[FOUND] = happened > 0, times(positive.astype(bool) & selected) > 0
        yes[OMITTED] = yes[POSITIVES] & ~listed
    if (contacted := known(lambda each: each.contacted)) is not None:
        yes[CONTACTED] = times(contacted) > 0
    chances = known(lambda each: each.chance)
    groups = {}
    for name in sorted({name for each in listings for name in each.groups}):
        of = np.full(len(people), UNKNOWN, object)
        of[who] = np.concatenate(
            [each.groups.get(name, np.full(len(each.person), UNKNOWN, object)) for each in listings]
        )
        groups[name] = of.astype(str)
    return People(yes, groups, happened, None if chances is None else times(chances))


def crossed(people: People) -> People:
    """The same people, by every two of their characteristics at once."""

    def both(first: str, second: str) -> np.ndarray:
        return np.char.add(np.char.add(people.groups[first], CROSS), people.groups[second])

    return replace(
        people, groups={f"{a}{CROSS}{b}": both(a, b) for a, b in combinations(sorted(people.groups), 2)}
    )


def tally(people: People, characteristic: str) -> dict[str, dict[str, int]]:
    """Group → column → people. Columns n and selected, and, if it is known what followed, positives,
    found and omitted; contacted, if that is known.

    Where nobody has the characteristic everybody is in `unknown`.
    """
    of = people.groups.get(characteristic, np.full(len(people.yes[N]), UNKNOWN))
    names, at = np.unique(of, return_inverse=True)
    counts = {
        column: np.bincount(at, weights=yes, minlength=len(names)).astype(int).tolist()
        for column, yes in people.yes.items()
    }
    place = {name: i for i, name in enumerate(names.tolist())}
    return {
        name: {column: of_column[place[name]] for column, of_column in counts.items()}
        for name in in_order(set(place))
    }
