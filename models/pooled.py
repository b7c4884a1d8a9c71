"""The people of several lists, each counted once, by group: what every figure about groups is made of.

A person is scored on any of the lists, on any of them, the outcome following any of them, found if the
outcome followed one that they were on. So the counts are people, who differ from one another, and
Wilson's interval of a rate is an honest one. (Pooled rows would count somebody on six monthly lists six
times; eight such rows may be two people.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import combinations

import numpy as np
import pyarrow as pa

from models.calibration import chance
from models.groups import CROSS, UNKNOWN, in_order
from models.judge import Scored, ranking
from models.one_person import people_of

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
class Grouped:
    """Which of `names` each of P people is in: at (P,) positions. Kept so, as a county's names would be
    long to sort."""

    names: tuple[str, ...]
    at: np.ndarray


@dataclass(frozen=True)
class People:
    """The P people of some lists, each once. yes: column → (P,) bool; groups: characteristic → their groups
    on the last list they were scored for. happened, expected: (P,) after how many of the lists the
    outcome followed, and after how many the model said it would; None where that is not known."""

    yes: dict[str, np.ndarray]
    groups: dict[str, Grouped]
    happened: np.ndarray | None
    expected: np.ndarray | None


def listing(
    scored: Scored,
    on_list: np.ndarray,
    groups: Mapping[str, np.ndarray],
    *,
    contacted: np.ndarray | None = None,
    people: np.ndarray | None = None,
) -> Listing:
    """The people of one date for whom what followed can be judged; found to be one, they are one.

    on_list, groups, contacted: of everybody scored, (n,) each. people: whose the rows are, (n,), where
    `models.one_person` has said so of all dates together.
    """
    kept = ~np.isnan(scored.y)
    if people is None:
        _, first, one = np.unique(scored.same_as, return_index=True, return_inverse=True)
        people = scored.person_ids[first][one]
    return Listing(
        person=people[kept],
        selected=on_list[kept],
        positive=scored.y[kept] == 1,
        groups={name: group[kept] for name, group in groups.items()},
        chance=chance(scored.log_odds[kept]),
        contacted=None if contacted is None else contacted[kept],
    )


def listings(
    scored: Mapping[str, Sequence[Scored]],
    groups: Mapping[date, Mapping[str, np.ndarray]],
    *,
    capacity: int,
    contacted: Mapping[date, np.ndarray | None] | None = None,
) -> dict[str, list[Listing]]:
    """Kind → the people of its lists, of models that scored the same people on the same dates.

    groups: date → characteristic → (n,); contacted: date → (n,) bool, or None where that is not known.
    Whoever is one person on any of the dates is one on all.
    """
    first, met = next(iter(scored.values())), contacted or {}
    whose = people_of(first)
    made = [
        listing(s, on_list(s, capacity), groups[s.as_of], contacted=met.get(s.as_of), people=people)
        for s, people in zip(first, whose, strict=True)
    ]

    def of_kind(dates: Sequence[Scored]) -> Iterator[Listing]:
        for each, s in zip(made, dates, strict=True):
            kept = ~np.isnan(s.y)
            listed, said = on_list(s, capacity)[kept], chance(s.log_odds[kept])
            yield replace(each, selected=listed, chance=said)

    return {kind: list(of_kind(dates)) for kind, dates in scored.items()}


def on_list(scored: Scored, capacity: int) -> np.ndarray:
    """(n,) bool: the list of a date, cut at capacity over everybody scored."""
    listed = np.zeros(len(scored.y), bool)
    listed[ranking(scored.person_ids, scored.log_odds)[:capacity]] = True
    return listed


def pool(listings: Sequence[Listing]) -> People:
    """Everybody on some lists, each once. A list that does not know a characteristic leaves its people
    in `unknown`; what is not known of every list is known of none."""
    return pool_kinds({"": listings})[""]


def pool_kinds(kinds: Mapping[str, Sequence[Listing]]) -> dict[str, People]:
    """Kind → the people of its lists. The kinds scored the same people of the same groups on the same
    dates, which are those of the first and looked at once. Raises ValueError if the people differ."""
    first = next(iter(kinds.values()))
    for kind, listings in kinds.items():
        rows = zip(first, listings, strict=True)
        if not all(a.person is b.person or np.array_equal(a.person, b.person) for a, b in rows):
            raise ValueError(f"{kind!r} is not of the same people on the same dates, in the same order")
    who, count = _whose([each.person for each in first])
    groups = {}
    for name in sorted({name for each in first for name in each.groups}):
        names, rows_at = _coded([_told(each, name) for each in first])
        at = np.empty(count, np.int64)
        at[who] = rows_at  # of several dates the last stays
        groups[name] = Grouped(names, at)
    return {kind: _counted(listings, groups, who, count) for kind, listings in kinds.items()}


def _counted(listings: Sequence[Listing], groups: dict[str, Grouped], who: np.ndarray, count: int) -> People:
    def known(what: Callable[[Listing], np.ndarray | None]) -> np.ndarray | None:
        told = [rows for each in listings if (rows := what(each)) is not None]
        return np.concatenate(told) if len(told) == len(listings) else None

    def times(rows: np.ndarray) -> np.ndarray:
        return np.bincount(who, weights=rows, minlength=count)

    selected = np.concatenate([each.selected for each in listings]).astype(bool)
    listed, happened = times(selected) > 0, None
    yes = {N: np.ones(count, bool), SELECTED: listed}
    if (positive := known(lambda each: each.positive)) is not None:
        happened = times(positive)
        yes[POSITIVES], yes[FOUND] = happened > 0, times(positive.astype(bool) & selected) > 0
        yes[OMITTED] = yes[POSITIVES] & ~listed
    if (contacted := known(lambda each: each.contacted)) is not None:
        yes[CONTACTED] = times(contacted) > 0
    chances = known(lambda each: each.chance)
    return People(yes, groups, happened, None if chances is None else times(chances))


def crossed(people: People) -> People:
    """The same people, by every two of their characteristics at once."""

    def both(first: Grouped, second: Grouped) -> Grouped:
        at, many = first.at * len(second.names) + second.at, len(first.names) * len(second.names)
        there = np.flatnonzero(np.bincount(at, minlength=many))  # groups of nobody are none
        place = np.zeros(many, np.int64)
        place[there] = np.arange(len(there))
        halves = (divmod(each, len(second.names)) for each in there.tolist())
        return Grouped(tuple(f"{first.names[a]}{CROSS}{second.names[b]}" for a, b in halves), place[at])

    named = sorted(people.groups.items())
    return replace(people, groups={f"{a}{CROSS}{b}": both(x, y) for (a, x), (b, y) in combinations(named, 2)})


def tally(people: People, characteristic: str) -> dict[str, dict[str, int]]:
    """Group → column → people. Columns n and selected, and, if it is known what followed, positives,
    found and omitted; contacted, if that is known.

    Where nobody has the characteristic everybody is in `unknown`.
    """
    nobody_known = Grouped((UNKNOWN,), np.zeros(len(people.yes[N]), np.int64))
    of = people.groups.get(characteristic, nobody_known)
    bits = sum(yes.astype(np.int64) << bit for bit, yes in enumerate(people.yes.values()))
    kinds = 1 << len(people.yes)  # one look at everybody, and not one for every column
    cells = np.bincount(of.at * kinds + bits, minlength=len(of.names) * kinds).reshape(-1, kinds)
    counts = {
        column: cells[:, np.arange(kinds) >> bit & 1 == 1].sum(axis=1).tolist()
        for bit, column in enumerate(people.yes)
    }
    place = {name: i for i, name in enumerate(of.names) if counts[N][i]}
    return {
        name: {column: of_column[place[name]] for column, of_column in counts.items()}
        for name in in_order(set(place))
    }


def _whose(ids: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """Rows of several arrays as people 0 up: (n,), and how many there are."""
    all_ids = np.concatenate(ids)
    if all_ids.dtype.kind in "iu":
        found, at = np.unique(all_ids, return_inverse=True)
        return at, len(found)
    names = pa.array(all_ids.tolist()).dictionary_encode()
    return names.indices.to_numpy(zero_copy_only=False).astype(np.int64), len(names.dictionary)


def _told(listing: Listing, characteristic: str) -> np.ndarray:
    """What a list tells of a characteristic, `unknown` of one that it does not know."""
    told = listing.groups.get(characteristic)
    return np.full(len(listing.person), UNKNOWN, object) if told is None else told


def _coded(values: Sequence[np.ndarray]) -> tuple[tuple[str, ...], np.ndarray]:
    """The names in several arrays, and (n,) where each row's stands among them."""
    rows = pa.chunked_array([pa.array(each, pa.string()) for each in values], pa.string())
    names = rows.combine_chunks().dictionary_encode()
    return tuple(names.dictionary.to_pylist()), names.indices.to_numpy(zero_copy_only=False)
