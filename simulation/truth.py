"""The truth of a simulated county, and what can be measured with it alone.

The folder `truth/` is never read by ingest: it is what tests and the nightly figures hold the whole
against. `people.csv` says who each agency's key would be, `subjects.csv` whom each key that was written
names and what is wrong with what its agency writes of them, `residences.csv` who lived where, in which
household, `families.csv` who is whose parent, sibling or partner, `events.csv` what truly happened and in
which file it was first written, `faults.csv` which rows were spoilt, `outcomes.csv` who escalated when,
`latent.csv` the troubles that no agency sees.
"""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from simulation import world
from simulation.agencies import AGENCIES
from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, years_between
from simulation.care import Care
from simulation.crisis import Logs
from simulation.deliver import Post
from simulation.draw import Floats
from simulation.kin import ties
from simulation.rents import ArrearsCases
from simulation.troubles import risk

HORIZON = 180
FIRST = ("council_tax", "rents", "police", "missing", "social_care", "schools")
"""The sources that are not of `AGENCIES`."""


def person_names(block: Block, who: Index) -> pa.Array:
    """The truth's own name of each person: 'T' and their number."""
    return pa.array([f"T{n}" for n in (who + block.people.first_id).tolist()])


def tell(post: Post, block: Block, cases: ArrearsCases, care: Care, logs: Logs) -> None:
    """Write one block's truth (its events and faults are written with the extracts)."""
    people = block.people
    everybody = np.arange(people.count)
    post.append(
        "truth/people.csv",
        pa.table(
            {
                "person": person_names(block, everybody),
                "forename": pa.array(people.forename, pa.string()),
                "surname": pa.array(people.surname, pa.string()),
                "former_surname": pa.array(people.former, pa.string()),
                "birth": _dates(people.born),
                "enters": _dates(people.enter),
                "leaves": _dates(np.where(people.leave >= OPEN, NONE, people.leave)),
                "died": pa.array(people.died),
                "sex": pa.array(np.where(people.sex == 1, "male", "female")),
                "ethnicity": pa.array(block.ethnic_code(everybody), pa.string()),
                **{
                    name: pa.array(block.subject_key(name, everybody), pa.string())
                    for name in (*FIRST, *AGENCIES)
                },
            }
        ),
    )
    at, start, end, dwelling = block.homes_of(everybody)
    unit, _ = block.home_of(at, start)
    post.append(
        "truth/residences.csv",
        pa.table(
            {
                "person": person_names(block, at),
                "uprn": pa.array(block.uprn(dwelling), pa.string()),
                "start": _dates(start),
                "end": _dates(np.where(end >= OPEN, NONE, end)),
                "household": pa.array([f"H{n}" for n in (unit + people.first_id).tolist()], pa.string()),
            }
        ),
    )
    _families(post, block)
    _outcomes(post, block, cases, care)
    named = (logs.person >= 0) & (logs.truly == "mental_health")
    post.append(
        "truth/mental_health_logs.csv",
        pa.table(
            {
                "person": person_names(block, logs.person[named]),
                "day": _dates(logs.day[named]),
                "tagged": pa.array(logs.closed[named] == "MH"),
            }
        ),
    )
    _latent(post, block)


def _outcomes(post: Post, block: Block, cases: ArrearsCases, care: Care) -> None:
    """Who escalated when: each child's own, and an eviction for everybody at home on that day."""
    evicted = np.flatnonzero(cases.stages["eviction"] <= block.calendar.last)
    unit, day = cases.unit[evicted], cases.stages["eviction"][evicted]
    housed = block.homes.dwelling_at(unit, day) >= 0
    which, person = block.people.members(unit[housed], day[housed])
    for part, who, first, until in (
        ("section_47", care.enquiry.child, care.enquiry.start, care.enquiry.start),
        ("child_protection_plan", care.plan.child, care.plan.start, care.plan.end),
        ("looked_after", care.care.child, care.care.start, care.care.end),
        ("eviction", person, day[housed][which], day[housed][which]),
    ):
        post.append(
            "truth/outcomes.csv",
            pa.table(
                {
                    "person": person_names(block, who),
                    "part": pa.array([part] * len(who), pa.string()),
                    "day": _dates(first),
                    "until": _dates(np.where(until >= OPEN, NONE, until)),
                }
            ),
        )


def _families(post: Post, block: Block) -> None:
    for relation, one, other, start, end in ties(block.people):
        post.append(
            "truth/families.csv",
            pa.table(
                {
                    "person": person_names(block, one),
                    "relation": pa.array([relation] * len(one), pa.string()),
                    "other": person_names(block, other),
                    "start": _dates(start),
                    "end": _dates(np.where(end >= OPEN, NONE, end)),
                }
            ),
        )


def _latent(post: Post, block: Block) -> None:
    """Each person's troubles and true risk at the start of each quarter in which they live here."""
    people, troubles = block.people, block.troubles
    everybody = np.arange(people.count)
    row = np.full(people.count, -1)
    row[troubles.children] = np.arange(len(troubles.children))
    for month in range(0, block.calendar.months, 3):
        day = int(block.calendar.month_starts[month])
        unit, dwelling = block.home_of(everybody, np.full(people.count, day, dtype=np.int32))
        who = everybody[dwelling >= 0]
        unit = unit[who]
        young = years_between(people.birth[who], day) < 18
        adrift = np.where(young & (row[who] >= 0), troubles.adrift[np.maximum(row[who], 0), month], 0)
        post.append(
            "truth/latent.csv",
            pa.table(
                {
                    "as_of": _dates(np.full(len(who), day)),
                    "person": person_names(block, who),
                    **{name: _rounded(getattr(troubles, name)[unit, month]) for name in world.TROUBLES},
                    "adrift": _rounded(adrift),
                    "risk": _rounded(risk(people, troubles, block.calendar, who, unit, month), 6),
                }
            ),
        )


def _dates(days: Days | Index) -> pa.Array:
    days = np.asarray(days).astype(np.int32)
    return pa.array(days, mask=days == NONE).cast(pa.date32())


def _rounded(values: Floats, digits: int = 3) -> pa.Array:
    return pa.array(np.round(np.asarray(values, dtype=np.float64), digits))


# --- figures ----------------------------------------------------------------------------------
_TYPES = {
    "events": "'subject_key': 'VARCHAR', 'place': 'VARCHAR', 'occurred_on': 'DATE', 'ended_on': 'DATE'",
    "people": "'social_care': 'VARCHAR', 'birth': 'DATE', 'leaves': 'DATE'",
    "residences": "'uprn': 'VARCHAR', 'start': 'DATE', 'end': 'DATE'",
    "outcomes": "'day': 'DATE', 'until': 'DATE'",
    "latent": "'as_of': 'DATE', 'risk': 'DOUBLE'",
}


def on_the_books(out: Path, as_of: date) -> pa.Table:
    """Everybody whom a list of `as_of` would consider, by the truth: person, risk, outcome.

    On the books means: lives in the county, has an event (their own, or shared at their home of
    that day) in the 730 days before, has no outcome in the last 180 days and no plan or care open.
    `as_of` must be the first day of a quarter that `latent.csv` holds. outcome: whether any part
    comes in [as_of, as_of + 180), those of children only under 18.
    """
    con = duckdb.connect()
    keyed = ", ".join([*FIRST, *AGENCIES])
    day, since, until = (f"DATE '{as_of + timedelta(days=d)}'" for d in (0, -730, HORIZON))
    for name, types in _TYPES.items():
        file = f"read_csv('{out}/truth/{name}.csv', types = {{{types}}})"
        con.execute(f"CREATE VIEW {name} AS SELECT * FROM {file}")
    return con.sql(
        f"""
        WITH recent AS MATERIALIZED (
            SELECT source, subject_key, place, occurred_on FROM events
            WHERE occurred_on >= {since} AND occurred_on < {day}
                  AND signal NOT IN ('schools.possible_sessions', 'social_care.early_help',
                                     'schools.moved_away', 'council_tax.moved_away',
                                     'benefits.council_tax_reduction')
        ), keyed AS (
            UNPIVOT (SELECT person, {keyed} FROM people) ON {keyed} INTO NAME source VALUE subject_key
        ), seen AS (
            SELECT person FROM keyed SEMI JOIN recent USING (source, subject_key)
            UNION
            SELECT r.person FROM residences r
            JOIN (SELECT DISTINCT place, occurred_on FROM recent WHERE place IS NOT NULL) e
                ON e.place = r.uprn AND r.start <= e.occurred_on
                   AND (r.end IS NULL OR e.occurred_on < r.end)
        ), already AS (
            SELECT person FROM outcomes WHERE day < {day}
                AND (day >= {day} - INTERVAL {HORIZON} DAY
                     OR (part IN ('child_protection_plan', 'looked_after')
                         AND (until IS NULL OR until >= {day})))
        ), coming AS (
            SELECT DISTINCT person FROM outcomes JOIN people USING (person)
            WHERE day >= {day} AND day < {until}
                  AND (part = 'eviction' OR birth + INTERVAL 18 YEAR > {day})
        )
        SELECT person, risk, person IN (SELECT person FROM coming) AS outcome
        FROM latent
        WHERE as_of = {day} AND person IN (SELECT person FROM seen)
              AND person NOT IN (SELECT person FROM already)
        ORDER BY person
        """
    ).to_arrow_table()


def latent_figures(out: Path, as_of: date) -> tuple[float, float]:
    """(AUC, base rate) among everybody on the books of `as_of`.

    The AUC says how well the hidden troubles themselves rank who escalates in the 180 days from
    `as_of` on: about what the best of models could reach that knew what agencies only glimpse.
    """
    table = on_the_books(out, as_of)
    outcome = table["outcome"].to_numpy(zero_copy_only=False)
    return auc(table["risk"].to_numpy(), outcome), float(outcome.mean())


def auc(score: Floats, outcome: np.ndarray) -> float:
    """Area under the ROC curve by ranks, ties sharing theirs (Mann and Whitney)."""
    _, which, counts = np.unique(score, return_inverse=True, return_counts=True)
    middle = np.cumsum(counts) - (counts - 1) / 2
    positives = int(outcome.sum())
    negatives = len(outcome) - positives
    return float((middle[which][outcome].sum() - positives * (positives + 1) / 2) / (positives * negatives))


def concentration(out: Path, *, top: float = 0.09) -> tuple[float, float]:
    """Mental-health demand on the police, quarter by quarter as one study of three months each.

    Among people with at least one tagged log in the quarter: the share of their logs, tagged or not,
    that the `top` share of them makes; and the share of those logs that were not tagged.
    """
    con = duckdb.connect()
    people = con.execute(
        f"""
        SELECT count(*) AS logs, count(*) FILTER (tagged) AS tagged
        FROM read_csv('{out}/truth/mental_health_logs.csv', types = {{'day': 'DATE', 'tagged': 'BOOLEAN'}})
        GROUP BY person, date_trunc('quarter', day) HAVING count(*) FILTER (tagged) > 0
        """
    ).fetchall()
    logs = np.sort(np.array([p[0] for p in people]))[::-1]
    tagged = sum(p[1] for p in people)
    return float(logs[: max(1, round(top * len(logs)))].sum() / logs.sum()), float(1 - tagged / logs.sum())
