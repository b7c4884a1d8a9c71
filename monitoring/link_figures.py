"""The figures of an evaluation of links, fit to leave the team.

What says something of groups, or of single agencies, is a table of counts that passes through
`models.disclosure`, and its rates are made from what comes out; the middle of a group's interval is its
rate as shown, its width comes from drawing people. Figures of everybody are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from models.disclosure import STAR, Shown, interval, publish, rate
from models.fairness import LEAST_WHOLE, NOT_ESTIMABLE, TOO_FEW
from models.groups import in_order
from monitoring.link_held import LINKABLE, WHY_NOT, Held
from monitoring.link_quality import (
    Rate,
    bcubed,
    by_source_pair,
    ends,
    ends_without_ids,
    exact,
    missed_with,
    pair_sums,
    pairwise,
    subject_sums,
)

BELOW = {"recall": "true", "precision": "linked"}
"""Which pairs stand below the line; above it those found, true and linked both."""
NESTED = [("found", "true"), ("found", "linked")]
SEVERAL = "known_twice"
"""People with two subjects or more, so that there is a pair to be found."""
NOT_IN_TRUTH = "not_in_truth"
NOTHING_PLANTED = "nothing"


def measured(held: Held) -> dict[str, Any]:
    """Every figure of subjects beside a truth, fit to leave the team."""
    linkable = held.state == LINKABLE
    use = linkable & (held.person >= 0)
    person = np.unique(held.person[use], return_inverse=True)[1]
    cluster, source = held.cluster[use], held.source[use]
    every = ends(person, cluster)
    without = ends_without_ids(person, cluster, held.ids[use])
    pairs = pair_sums(person, every)
    first = np.unique(person, return_index=True)[1]
    return {
        "linkable": {
            "subjects": len(use),
            "linkable": int(linkable.sum()),
            "share": float(linkable.mean()),
            "measured": int(use.sum()),
            "people": len(pairs),
        },
        "pairwise": every.pairs() | _said(pairwise(pairs)),
        "b3": _said(bcubed(subject_sums(person, every))),
        "exact": _share(exact(pairs)) | {SEVERAL: _share(exact(pairs[pairs[:, 0] > 0]))},
        "without_strong_ids": without.pairs() | _said(pairwise(pair_sums(person, without))),
        "by_source_pair": _source_pairs(held.sources, by_source_pair(person, cluster, source)),
        "by_group": {name: by_group(group[use][first], pairs) for name, group in held.groups.items()},
        "coverage": _coverage(held),
        "planted": _planted({name: marked[use] for name, marked in held.planted.items()}, person, cluster),
    }


def by_group(group: np.ndarray, pairs: np.ndarray) -> dict[str, Any]:
    """Precision and recall of the pairs of each group's people, and how far their recall is behind the best.

    group: (people,); pairs: (people, 3), see `pair_sums`. A pair wrongly linked counts half in each group.
    """
    rows_of = {name: pairs[group == name] for name in in_order(set(group.tolist()))}
    counts = {
        name: {"people": len(rows), SEVERAL: int((rows[:, 0] > 0).sum())}
        | dict(zip(("true", "linked", "found"), rows.sum(axis=0).tolist(), strict=True))
        for name, rows in rows_of.items()
    }
    table = publish(counts, parts=[(SEVERAL, "people"), *NESTED])
    groups = {name: _group(row, rows_of[name]) for name, row in table.rows.items()}
    best = max((g["recall"] for g in groups.values() if g["recall"] is not None), default=None)
    for one in groups.values():
        one["gap"] = None if best is None or one["recall"] is None else best - one["recall"]
    return {"best_recall": best, "groups": groups}


def _group(shown: Mapping[str, Shown], pairs: np.ndarray) -> dict[str, Any]:
    several = shown[SEVERAL]
    few = several != STAR and int(several) < LEAST_WHOLE
    told: dict[str, Any] = {"people": shown["people"], SEVERAL: several}
    for name, drawn in pairwise(pairs).items():
        if name in BELOW:
            value = None if few or several == STAR else rate(shown["found"], shown[BELOW[name]])
            told |= {name: value, f"{name}_interval": _moved(drawn, value)}
    return told | {"note": NOT_ESTIMABLE if few else TOO_FEW if told["recall"] is None else ""}


def _moved(drawn: Rate, value: float | None) -> list[float] | None:
    """The interval, moved to stand around the rate as it is shown."""
    if value is None or drawn.value is None or drawn.interval is None:
        return None
    return [round(min(max(value + bound - drawn.value, 0.0), 1.0), 4) for bound in drawn.interval]


def _source_pairs(sources: tuple[str, ...], counted: dict[str, np.ndarray]) -> dict[str, Any]:
    """'police|schools' → counts as shown and rates, of source pairs that have a true or a linked pair."""
    counts = {
        f"{one}|{other}": {name: int(matrix[i, j]) for name, matrix in counted.items()}
        for i, one in enumerate(sources[: len(counted["true"])])
        for j, other in enumerate(sources[: len(counted["true"])])
        if counted["true"][i, j] or counted["linked"][i, j]
    }
    told: dict[str, Any] = {}
    for pair, row in publish(counts, parts=NESTED).rows.items():
        told[pair] = dict(row)
        for measure, below in BELOW.items():
            told[pair][measure] = rate(row["found"], row[below])
            told[pair][f"{measure}_interval"] = interval(row["found"], row[below])
    return told


def _coverage(held: Held) -> dict[str, Any]:
    """Source → subjects, how many of them are linkable and are measured, and why the others are not."""
    absent = held.person < 0
    counts = {}
    for i, name in enumerate(held.sources):
        mine = held.source == i
        counts[name] = {
            "subjects": int(mine.sum()),
            **{state: int((mine & (held.state == state)).sum()) for state in (LINKABLE, *WHY_NOT)},
            NOT_IN_TRUTH: int((mine & absent).sum()),
        }
    table = publish(counts, parts=[(part, "subjects") for part in (LINKABLE, *WHY_NOT, NOT_IN_TRUTH)])
    return {name: row | {"share": rate(row[LINKABLE], row["subjects"])} for name, row in table.rows.items()}


def _planted(planted: dict[str, np.ndarray], person: np.ndarray, cluster: np.ndarray) -> dict[str, Any]:
    """What was planted → subjects, recall of the pairs that they are in, their share of all missed pairs.

    Several things are planted in one subject, so each is published beside the rest: the two add up.
    """
    if not planted:
        return {}
    every = ends(person, cluster)
    true, found = int(every.true.sum()), int(every.found.sum())
    whole = {"subjects": len(person), "true": true, "found": found, "missed": (true - found) // 2}
    nothing = ~np.any(list(planted.values()), axis=0)
    lost = {name: missed_with(marked, person, cluster) for name, marked in planted.items()}
    lost[NOTHING_PLANTED] = whole["missed"] - missed_with(~nothing, person, cluster)
    told = {}
    for name, marked in {**planted, NOTHING_PLANTED: nothing}.items():
        mine = {
            "subjects": int(marked.sum()),
            "true": int(every.true[marked].sum()),
            "found": int(every.found[marked].sum()),
            "missed": lost[name],
        }
        rest = {column: whole[column] - n for column, n in mine.items()}
        table = publish({name: mine, "the rest": rest}, parts=[("found", "true")])
        row = table.rows[name]
        told[name] = {
            "subjects": row["subjects"],
            "recall": rate(row["found"], row["true"]),
            "missed": row["missed"],
            "share_of_missed": rate(row["missed"], table.totals["missed"]),
        }
    return told


def _said(rates: dict[str, Rate]) -> dict[str, Any]:
    told: dict[str, Any] = {name: one.value for name, one in rates.items()}
    return (
        told | {f"{name}_interval": one.interval for name, one in rates.items()} | {"people": rates["f1"].n}
    )


def _share(one: Rate) -> dict[str, Any]:
    return {"people": one.n, "share": one.value, "interval": one.interval}
