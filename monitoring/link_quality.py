"""How good links are against a truth: pairs of subjects right, wrong and missed, without making a pair.

Two subjects are a true pair if they are one person, a linked pair if they stand in one cluster. Every
figure comes from how many *others* are like a subject, which is a count of rows that are alike: of the
pairs of a cluster of a thousand, none is ever written down.

- precision: of the pairs linked, the share that is true; recall: of the true pairs, the share linked;
- B-cubed: the same of each subject's own cluster, then the mean over subjects, so that a person known to
  twenty agencies does not count four hundred times;
- exact: of the people, the share whose cluster holds all of their subjects and nobody else's.

An interval is of 95 % and comes from drawing people, not pairs, again and again: a person's pairs are
found or missed together. People alike in all that is counted are drawn together, so that it is fast.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy.sparse import csr_array

from models.judge import wilson

DRAWS, SEED = 1000, 20260101
AT_ONCE = 50


@dataclass(frozen=True)
class Rate:
    """A rate with its 95 % interval, None where there is nothing to take it of. n: the people it rests on."""

    value: float | None
    interval: tuple[float, float] | None
    n: int


NOTHING = Rate(None, None, 0)


@dataclass(frozen=True)
class Ends:
    """Of each subject, (n,) int: the others who truly are the same person (true), those in its cluster
    (linked), those who are both (found). A pair is counted at both of its ends."""

    true: np.ndarray
    linked: np.ndarray
    found: np.ndarray

    def pairs(self) -> dict[str, int]:
        """How many pairs there are of each kind."""
        return {name: int(ends.sum()) // 2 for name, ends in vars(self).items()}


def others(*columns: np.ndarray) -> np.ndarray:
    """(n,) int: how many other rows are alike in every column. A code under 0 is like no other.

    >>> others(np.array([5, 5, 7, -1, -1]))
    array([1, 1, 0, 0, 0])
    """
    held = np.all([column >= 0 for column in columns], axis=0)
    rows = _alike([column[held] for column in columns])
    found = np.zeros(len(held), dtype=np.int64)
    found[held] = np.bincount(rows)[rows] - 1
    return found


def ends(person: np.ndarray, cluster: np.ndarray) -> Ends:
    """person, cluster: (n,) int codes of each subject; one under 0 is like no other."""
    return Ends(others(person), others(cluster), others(person, cluster))


def ends_without_ids(person: np.ndarray, cluster: np.ndarray, ids: np.ndarray) -> Ends:
    """The same, of pairs whose subjects agree in none of the columns of ids: (n, k) int, under 0 for none."""
    return Ends(
        *(others(*alike) - _sharing_an_id(alike, ids) for alike in ((person,), (cluster,), (person, cluster)))
    )


def pair_sums(person: np.ndarray, ends: Ends) -> np.ndarray:
    """(people, 3) int: true, linked and found ends of each person's subjects; person: codes 0, 1, …"""
    return _by_person(person, *vars(ends).values()).astype(np.int64)


def subject_sums(person: np.ndarray, ends: Ends) -> np.ndarray:
    """(people, 3): of each person the subjects, and the sums of their own clusters' precision and recall."""
    together = ends.found + 1
    return _by_person(person, np.ones(len(person)), together / (ends.linked + 1), together / (ends.true + 1))


def pairwise(people: np.ndarray) -> dict[str, Rate]:
    """precision, recall and f1 of pairs, from some people's rows of `pair_sums`."""
    return _rates(people, _of_pairs)


def bcubed(people: np.ndarray) -> dict[str, Rate]:
    """B-cubed precision, recall and f1, from some people's rows of `subject_sums`."""
    return _rates(people, _of_subjects)


def exact(people: np.ndarray) -> Rate:
    """The share of people whose cluster is right: all their subjects and nobody else's; see `pair_sums`."""
    right = int((people == people[:, :1]).all(axis=1).sum())
    return Rate(right / len(people), wilson(right, len(people)), len(people)) if len(people) else NOTHING


def by_source_pair(person: np.ndarray, cluster: np.ndarray, source: np.ndarray) -> dict[str, np.ndarray]:
    """true, linked and found pairs between each two sources, and within one: (sources, sources) int, of
    which the lower triangle is empty. source: (n,) codes 0, 1, …"""
    sources = int(source.max(initial=-1)) + 1

    def pairs(who: np.ndarray) -> np.ndarray:
        held = csr_array(
            (np.ones(len(who), np.int64), (who, source)), shape=(who.max(initial=0) + 1, sources)
        )
        crossed = (held.T @ held).toarray()
        alone = np.bincount(source, minlength=sources)
        np.fill_diagonal(crossed, (np.diag(crossed) - alone) // 2)
        return np.triu(crossed)

    return {
        "true": pairs(_alike([person])),
        "linked": pairs(_alike([cluster])),
        "found": pairs(_alike([person, cluster])),
    }


def missed_with(planted: np.ndarray, person: np.ndarray, cluster: np.ndarray) -> int:
    """How many of the missed pairs have a subject, or two, that is marked in planted: (n,) bool."""
    clean = np.where(planted, -1, person)
    every, without = ends(person, cluster).pairs(), ends(clean, cluster).pairs()
    return (every["true"] - every["found"]) - (without["true"] - without["found"])


def drawn_again(people: np.ndarray, *, draws: int = DRAWS, seed: int = SEED) -> np.ndarray:
    """(draws, columns) sums over n people drawn with replacement from people: (n, columns)."""
    kinds, counts = np.unique(people, axis=0, return_counts=True)
    random = np.random.default_rng(seed)
    chance = counts / counts.sum()
    return np.concatenate(
        [random.multinomial(len(people), chance, size=AT_ONCE) @ kinds for _ in range(0, draws, AT_ONCE)]
    )[:draws]


def _of_pairs(sums: np.ndarray) -> dict[str, np.ndarray]:
    true, linked, found = np.moveaxis(sums, -1, 0)
    return {"precision": found / linked, "recall": found / true, "f1": 2 * found / (true + linked)}


def _of_subjects(sums: np.ndarray) -> dict[str, np.ndarray]:
    subjects, precise, recalled = np.moveaxis(sums, -1, 0)
    precision, recall = precise / subjects, recalled / subjects
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}


def _rates(people: np.ndarray, measure: Callable[[np.ndarray], dict[str, np.ndarray]]) -> dict[str, Rate]:
    """measure: (…, columns) sums → name → (…,), not a number where nothing stands below the line.

    Where every draw gives the same, as when nobody was missed, drawing says nothing of how sure that is;
    Wilson's interval does, as if each person had been found or missed as a whole.
    """
    if not len(people):
        return dict.fromkeys(("precision", "recall", "f1"), NOTHING)
    with np.errstate(divide="ignore", invalid="ignore"):
        each, together = measure(people), measure(people.sum(axis=0))
        again = measure(drawn_again(people))
    rates = {}
    for name, value in together.items():
        n = int(np.isfinite(each[name]).sum())
        if not n:
            rates[name] = NOTHING
            continue
        low, high = np.nanquantile(again[name], (0.025, 0.975)).tolist()
        bounds = (low, high) if low < high else wilson(round(float(value) * n), n)
        rates[name] = Rate(float(value), bounds, n)
    return rates


def _by_person(person: np.ndarray, *columns: np.ndarray) -> np.ndarray:
    return np.stack([np.bincount(person, weights=column) for column in columns], axis=1)


def _sharing_an_id(alike: Sequence[np.ndarray], ids: np.ndarray) -> np.ndarray:
    """(n,) int: how many of the others who are alike share an id: those who share one, less those counted
    twice because they share two, and so on (inclusion and exclusion)."""
    each = list(ids.T)
    found = np.zeros(len(ids), dtype=np.int64)
    for size in range(1, len(each) + 1):
        for chosen in combinations(each, size):
            found -= (-1) ** size * others(*alike, *chosen)
    return found


def _alike(columns: Sequence[np.ndarray]) -> np.ndarray:
    """(n,) int: 0, 1, … the same for rows that are alike in every column of codes of 0 and more."""
    rows = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        rows = np.unique(rows * (column.max(initial=0) + 1) + column, return_inverse=True)[1]
    return rows
