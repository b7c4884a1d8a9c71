"""What answers bind: whom they join and whom they part, from the day on which each was given.

Only the groups of subjects that an answer touches are looked at. Up to a group's first answer nothing is
other than without it; from then on its people are those of `features.eras`, and a key that has been taken
back since joins nobody.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from typing import Any

import duckdb
import numpy as np
import pyarrow as pa

from features.answers import Answer, pair_id
from features.asof import OPEN, sql_day_number
from features.clusters_checked import LINKED, Facts, Pair
from features.declaration import IDENTIFIERS
from features.eras import Era, Ties, Told, eras
from features.intervals import FOREVER, emptied, filled
from features.strength import strengths
from features.untroubled import Pairs, components

LAST = date(9999, 12, 31)
"""`FOREVER` as a date."""


def keep_keys(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary table keys_held of `holdings`, before it is divided among people that can be trusted."""
    con.execute("CREATE OR REPLACE TEMP TABLE keys_held AS FROM holdings")


def bind_answers(
    con: duckdb.DuckDBPyConnection, answers: Sequence[Answer], *, probable: bool
) -> list[tuple[str, str]]:
    """Change `holdings` so that answers bind, and make answered_strength; pair ids refused, and why.

    Makes temporary table contradicting(pair, source_l, key_l, source_r, key_r): two records that contradict
    each other, for those refused for which two do.

    Needs `subjects`, `keys_held` and, if probable, what `features.probable_people` leaves: there subjects
    are tied by pairs, else by the keys they hold. An answer on a subject of whom nothing is held is passed
    over.
    """
    _keep_strengths(con, ())
    _keep_contradicting(con, {})
    names = _number(con, answers)
    if not names:
        return []
    _make_ties(con, probable=probable)
    told = con.execute("SELECT l, r, answer, known_on FROM told ORDER BY number").fetchall()
    groups = _groups(con)
    ties = _ties(con, groups, probable=probable)
    of_group: dict[int, list[Told]] = defaultdict(list)
    for row in told:
        of_group[groups[row[0]]].append(Told(*row))
    found = {group: eras(ties[group], those) for group, those in of_group.items()}
    _hold(con, found.values())
    _keep_strengths(con, found.values())
    last = [each[-1] for each in found.values()]
    _keep_contradicting(con, {names[pair]: two for era in last for pair, two in era.against})
    return sorted((names[pair], why) for era in last for pair, why in era.refused)


def _keep_contradicting(con: duckdb.DuckDBPyConnection, found: Mapping[str, tuple[int, int]]) -> None:
    rows = {"pair": list(found), "l": [l for l, _ in found.values()], "r": [r for _, r in found.values()]}  # noqa: E741
    schema = pa.schema([("pair", pa.string()), ("l", pa.int64()), ("r", pa.int64())])
    con.register("found_against", pa.table(rows, schema))
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE contradicting AS
        SELECT pair, s.source AS source_l, s.subject_key AS key_l,
               t.source AS source_r, t.subject_key AS key_r
        FROM found_against JOIN subjects s ON s.subject = l JOIN subjects t ON t.subject = r
        """
    )
    con.unregister("found_against")


def _number(con: duckdb.DuckDBPyConnection, answers: Sequence[Answer]) -> dict[tuple[int, int], str]:
    """Make temporary table told(number, l, r, answer, known_on) of the answers on subjects that are there,
    known no earlier than both; returns (l, r) → pair id."""
    con.register("given_answers", pa.Table.from_pylist([vars(answer) for answer in answers]))
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE told AS
        SELECT a.number, least(s.subject, t.subject) AS l, greatest(s.subject, t.subject) AS r, a.answer,
               greatest(a.known_on, s.known_on, t.known_on) AS known_on
        FROM given_answers a JOIN subjects s ON s.source = a.source_l AND s.subject_key = a.key_l
        JOIN subjects t ON t.source = a.source_r AND t.subject_key = a.key_r
        """
    )
    con.unregister("given_answers")
    rows = con.execute(
        "SELECT l, r, s.source, s.subject_key, t.source, t.subject_key FROM (SELECT DISTINCT l, r FROM told) "
        "JOIN subjects s ON s.subject = l JOIN subjects t ON t.subject = r"
    ).fetchall()
    return {(one, other): pair_id((a, b), (c, d)) for one, other, a, b, c, d in rows}


def _make_ties(con: duckdb.DuckDBPyConnection, *, probable: bool) -> None:
    """Make temporary tables tied(l, r, probability, sure, known_on) and parted(l, r, why), by `subjects`.

    known_on is empty for a pair that is held by an exact key, from whichever day that is.
    """
    if not probable:
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE tied AS
            SELECT DISTINCT a.subject AS l, b.subject AS r, 1.0::DOUBLE AS probability, TRUE AS sure,
                   NULL::DATE AS known_on
            FROM keys_held a JOIN keys_held b USING (key)
            WHERE a.subject < b.subject AND a.known_until = {FOREVER} AND b.known_until = {FOREVER};
            CREATE OR REPLACE TEMP TABLE parted (l BIGINT, r BIGINT, why VARCHAR)
            """
        )
        return
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE place AS
        SELECT t.subject AS record, s.subject FROM trusted t JOIN subjects s USING (source, subject_key);

        CREATE OR REPLACE TEMP TABLE tied AS
        SELECT least(a.subject, b.subject) AS l, greatest(a.subject, b.subject) AS r, probability, sure,
               DATE '1970-01-01' + from_day AS known_on
        FROM (
            SELECT l, r, coalesce(p.probability, 1.0) AS probability, s.l IS NOT NULL AS sure, d.from_day
            FROM pairs p FULL JOIN (SELECT DISTINCT l, r FROM sure) s USING (l, r)
            LEFT JOIN pair_days d USING (l, r)
            WHERE s.l IS NOT NULL OR p.probability >= {LINKED}
        ) JOIN place a ON a.record = l JOIN place b ON b.record = r;

        CREATE OR REPLACE TEMP TABLE parted AS
        SELECT least(a.subject, b.subject) AS l, greatest(a.subject, b.subject) AS r, why
        FROM apart JOIN place a ON a.record = l JOIN place b ON b.record = r
        """
    )


def _groups(con: duckdb.DuckDBPyConnection) -> dict[int, int]:
    """Subject → group of all whom anything, at any time, could join to a subject that an answer names.

    Makes temporary table touched(subject).
    """
    rows = con.execute(
        """
        SELECT l, r FROM tied UNION ALL SELECT l, r FROM told
        UNION ALL SELECT min(subject) OVER (PARTITION BY key), subject FROM keys_held
        """
    ).fetchnumpy()
    subjects = con.execute("SELECT count(*) FROM subjects").fetchall()[0][0]
    l, r = (np.asarray(rows[side], dtype=np.int64) for side in "lr")  # noqa: E741
    group = components(subjects, l, r)
    named = con.execute("SELECT l FROM told").fetchnumpy()["l"]
    touched = np.flatnonzero(np.isin(group, group[np.asarray(named, dtype=np.int64)]))
    con.register("touched_rows", pa.table({"subject": touched}))
    con.execute("CREATE OR REPLACE TEMP TABLE touched AS FROM touched_rows")
    con.unregister("touched_rows")
    return dict(zip(touched.tolist(), group[touched].tolist(), strict=True))


def _ties(con: duckdb.DuckDBPyConnection, groups: Mapping[int, int], *, probable: bool) -> dict[int, Ties]:
    """Group → what holds it together and apart."""
    facts: dict[int, dict[int, Facts]] = defaultdict(dict)
    nothing = Facts((None,) * len(IDENTIFIERS))
    for subject, group in groups.items():
        facts[group][subject] = nothing
    if probable:
        days = ", ".join(f"nullif({sql_day_number(day)}, {OPEN})" for day in ("died_on", "seen_on"))
        columns = f"if(born_firm, born, NULL), {days}, {', '.join(IDENTIFIERS)}"
        rows = con.execute(
            f"SELECT p.subject, {columns} FROM place p SEMI JOIN touched USING (subject) "
            "JOIN identity_records i ON i.subject = p.record"
        ).fetchall()
        for subject, born, died, seen, *numbers in rows:
            facts[groups[subject]][subject] = Facts(tuple(numbers), born, died, seen)
    touching = "WHERE l IN (FROM touched) AND r IN (FROM touched) ORDER BY ALL"
    pairs: dict[int, list[Pair]] = defaultdict(list)
    for row in con.execute(f"SELECT l, r, probability, sure FROM tied {touching}").fetchall():
        pairs[groups[row[0]]].append(Pair(*row))
    apart: dict[int, list[tuple[int, int, str]]] = defaultdict(list)
    for row in con.execute(f"SELECT l, r, why FROM parted {touching}").fetchall():
        if groups[row[0]] == groups[row[1]]:
            apart[groups[row[0]]].append(row)
    return {group: Ties(facts[group], pairs[group], apart[group]) for group in facts}


def _hold(con: duckdb.DuckDBPyConnection, found: Iterable[Sequence[Era]]) -> None:
    """Change `holdings` of the subjects in eras: as it was until the first, then by each era's people."""
    people: list[dict[str, Any]] = []
    same: list[dict[str, Any]] = []
    for group in found:
        for era, until in zip(group, [*(era.known_on for era in group[1:]), LAST], strict=True):
            days = {"known_on": era.known_on, "known_until": until}
            people += [{"subject": one, "person": person, **days} for one, person in era.person.items()]
            same += [{"l": one, "r": other, **days} for one, other in era.same]
    days_of = [("known_on", pa.date32()), ("known_until", pa.date32())]
    schema = [("subject", pa.int64()), ("person", pa.int64()), *days_of]
    con.register("era_people", pa.Table.from_pylist(people, pa.schema(schema)))
    schema = [("l", pa.int64()), ("r", pa.int64()), *days_of]
    con.register("era_same", pa.Table.from_pylist(same, pa.schema(schema)))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE holdings AS
        WITH first AS (
            SELECT subject, min(known_on) AS day FROM era_people GROUP BY subject
        ), unbound AS (
            SELECT h.subject, h.key, h.known_on,
                   least(h.known_until, coalesce(f.day, {FOREVER})) AS known_until
            FROM holdings h LEFT JOIN first f USING (subject)
            WHERE f.day IS NULL OR h.known_on < f.day
        ), bound AS (
            SELECT k.subject, format('key {{}} of {{}}', k.key, e.person) AS name,
                   greatest(k.known_on, e.known_on) AS known_on, e.known_until
            FROM keys_held k JOIN era_people e USING (subject)
            WHERE k.known_until = {FOREVER} AND k.known_on < e.known_until
            UNION ALL
            SELECT unnest([t.l, t.r]), format('pair {{}} {{}}', t.l, t.r),
                   greatest(t.known_on, e.known_on), e.known_until
            FROM tied t JOIN era_people e ON e.subject = t.l
            JOIN era_people o ON o.subject = t.r AND o.known_on = e.known_on AND o.person = e.person
            WHERE t.known_on < e.known_until
            UNION ALL
            SELECT unnest([l, r]), format('same {{}} {{}}', l, r), known_on, known_until FROM era_same
        )
        FROM unbound
        UNION ALL
        SELECT subject, dense_rank() OVER (ORDER BY name) + (SELECT coalesce(max(key), -1) FROM unbound),
               known_on, known_until
        FROM bound
        """
    )
    for name in ("era_people", "era_same"):
        con.unregister(name)


def _keep_strengths(con: duckdb.DuckDBPyConnection, found: Collection[Sequence[Era]]) -> None:
    """Make temporary table answered_strength(source, subject_key, strength, known_on): how sure subjects are
    of their person from a day on, where an answer made that other than it was."""
    sure = "SELECT s.subject, t.strength FROM trusted t JOIN subjects s USING (source, subject_key)"
    was = dict(con.execute(f"FROM ({sure}) SEMI JOIN touched USING (subject)").fetchall()) if found else {}
    rows: list[dict[str, Any]] = []
    for group in found:
        for era in group:
            for subject, strength in _strengths(era).items():
                if strength != was.get(subject, 1.0):
                    was[subject] = strength
                    rows.append({"subject": subject, "strength": strength, "known_on": era.known_on})
    schema = [("subject", pa.int64()), ("strength", pa.float64()), ("known_on", pa.date32())]
    con.register("era_strength", pa.Table.from_pylist(rows, pa.schema(schema)))
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE answered_strength AS
        SELECT source, subject_key, strength, e.known_on FROM era_strength e JOIN subjects USING (subject)
        """
    )
    con.unregister("era_strength")


def _strengths(era: Era) -> dict[int, float]:
    """Subject → how sure it is, to three places, as `features.probable_people` tells it."""
    place = {subject: n for n, subject in enumerate(sorted(era.person))}
    cluster = np.array([place[era.person[subject]] for subject in place], dtype=int)
    pairs = Pairs(
        np.array([place[pair.l] for pair in era.pairs], dtype=int),
        np.array([place[pair.r] for pair in era.pairs], dtype=int),
        np.array([pair.probability for pair in era.pairs], dtype=float),
        np.array([pair.sure for pair in era.pairs], dtype=bool),
    )
    return dict(zip(place, (np.floor(1000 * strengths(cluster, pairs)) / 1000).tolist(), strict=True))


def date_strengths(con: duckdb.DuckDBPyConnection) -> None:
    """Say in `new_timelines` from which day on an answer made somebody more or less sure."""
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE new_timelines AS
        WITH spans AS (
            SELECT source, subject_key, strength, known_on,
                   {filled("lead(known_on) OVER (PARTITION BY source, subject_key ORDER BY known_on)")}
                       AS known_until
            FROM answered_strength
            UNION ALL
            SELECT source, subject_key, NULL, DATE '0001-01-01', min(known_on)
            FROM answered_strength GROUP BY source, subject_key
        )
        FROM new_timelines ANTI JOIN spans USING (source, subject_key)
        UNION ALL BY NAME
        SELECT t.source, t.subject_key, t.person_id, greatest(t.known_on, s.known_on) AS known_on,
               {emptied(f"least({filled('t.known_until')}, s.known_until)")} AS known_until,
               coalesce(s.strength, t.strength) AS strength
        FROM new_timelines t JOIN spans s USING (source, subject_key)
        WHERE s.known_on < {filled("t.known_until")} AND t.known_on < s.known_until
        """
    )
