"""Which pairs of subjects are worth a person's minute: the unsure ones whose answer would change a list most.

Two people of whom other records tell two birth dates, or two numbers, are settled without anybody. A pair's
*effect* is how unsure it is, times how near either person is to the list, times the logarithm of
how many events would change hands. Of two people only the pair with the greatest effect is asked, since an
answer on it is an answer on all of them. See docs/linkage.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date

import duckdb
import pyarrow as pa

from features.answers import Answer, settled
from features.clusters_checked import LINKED, ONE_THIN_PAIR, Doubt
from features.declaration import IDENTIFIERS
from features.rule_sql import quoted
from features.snapshot import Snapshot
from features.strength import SHOW

UNSURE = 0.05
"""Two people whose records are less probably one than this are left alone."""

CONTRADICTED = 0.1
"""Of a doubt: likeness or an identifier joins the pair, and something contradicts it, mostly rightly."""

UNSUPPORTED = 0.5
"""Of a pair that likeness alone joins, too thin an edge between two groups."""

FAR = 0.05
"""How near to the list whoever was not scored is; 1 is on it."""

SAME_BIRTH = "levenshtein(x, y) <= 2 OR x[1:4] = y[1:4] AND x[6:7] = y[9:10] AND x[9:10] = y[6:7]"

BY_THIS_ALONE = "they are one person by this pair alone"
PERHAPS = "they are two people, and may be one"
KEPT_APART = "kept apart"


@dataclass(frozen=True)
class Choice:
    """A pair to be asked about. l and r number subjects as `identity_records` does.

    together: they are one person now. moves: events that would change hands. near: 0 to 1, see `FAR`.
    probability and weight are empty where only an identifier speaks for the pair.
    """

    l: int  # noqa: E741 - left and right, as in every linkage
    r: int
    together: bool
    why: str
    probability: float | None
    weight: float | None
    weighs: Mapping[str, float] | None
    unsure: float
    near: float
    moves: int
    effect: float


def choose(
    snapshot: Snapshot,
    doubts: Iterable[Doubt],
    answers: Mapping[str, Answer],
    as_of: date,
) -> list[Choice]:
    """Every pair worth asking, the greatest effect first.

    Needs identity_records, pairs and sure in the snapshot's connection. doubts: the pairs that joined nobody;
    answers: pair id → the answer that stands.
    """
    con = snapshot.con
    _make_near(snapshot)
    _make_settled(con, [answer for answer in answers.values() if settled(answer, as_of)])
    con.register("doubts", pa.table(_doubts(doubts)))
    numbers = ", ".join(
        f"list(DISTINCT i.{name}) FILTER (i.{name} IS NOT NULL) AS {name}s" for name in IDENTIFIERS
    )
    far_apart = f"len([1 FOR x IN k.borns IF len([1 FOR y IN o.borns IF {SAME_BIRTH}]) > 0]) = 0"
    settled_by_others = " OR ".join(
        [
            f"len(o.borns) > 0 AND {far_apart}",
            *(f"NOT list_has_any(k.{name}s, o.{name}s)" for name in IDENTIFIERS),
        ]
    )
    rows = con.execute(
        f"""
        WITH events_of AS (
            SELECT source, subject_key, count(*) AS events FROM events GROUP BY ALL
        ), standing AS (
            SELECT l.source, l.subject_key, l.person_id, l.strength, coalesce(e.events, 0) AS events
            FROM links l LEFT JOIN events_of e USING (source, subject_key) WHERE l.known_until IS NULL
        ), people AS (
            SELECT person_id, sum(events) AS all_events FROM standing GROUP BY person_id
        ), theirs AS (  -- whoever names a row and nobody is alone
            SELECT i.subject, coalesce(s.person_id, i.source || '|' || i.subject_key) AS person,
                   coalesce(s.strength, 1.0) AS strength,
                   coalesce(s.events, e.events, 0) AS events,
                   coalesce(p.all_events, e.events, 0) AS all_events,
                   coalesce(n.near, (SELECT far FROM far)) AS near
            FROM identity_records i LEFT JOIN standing s USING (source, subject_key)
            LEFT JOIN events_of e USING (source, subject_key)
            LEFT JOIN people p USING (person_id) LEFT JOIN near n USING (person_id)
        ), known AS (  -- of all records of a person
            SELECT t.person, list(DISTINCT i.born) FILTER (i.born_firm) AS borns, {numbers}
            FROM theirs t JOIN identity_records i USING (subject) GROUP BY t.person
        ), told AS (
            SELECT l, r, p.probability, p.weight, p.weighs, s.l IS NOT NULL AS sure
            FROM pairs p FULL JOIN (SELECT DISTINCT l, r FROM sure) s USING (l, r)
        ), judged AS (
            SELECT t.*, a.person = b.person AS together, d.why, greatest(a.near, b.near) AS near,
                   least(a.person, b.person) AS one, greatest(a.person, b.person) AS other,
                   CASE WHEN NOT together THEN least(a.all_events, b.all_events)
                        WHEN a.strength < b.strength THEN a.events
                        WHEN b.strength < a.strength THEN b.events
                        ELSE least(a.events, b.events) END AS moves,
                   CASE WHEN together AND NOT sure AND probability < {SHOW}
                             AND floor(1000 * probability) / 1000 IN (a.strength, b.strength)
                             THEN 1 - probability
                        WHEN together THEN 0
                        WHEN why = {quoted(ONE_THIN_PAIR)} THEN {UNSUPPORTED}
                        WHEN why IS NOT NULL THEN {CONTRADICTED}
                        WHEN {settled_by_others} THEN 0
                        WHEN probability BETWEEN {UNSURE} AND {LINKED}
                             THEN least(probability, 1 - probability)
                        ELSE 0 END AS unsure
            FROM told t JOIN theirs a ON a.subject = t.l JOIN theirs b ON b.subject = t.r
            JOIN known k ON k.person = a.person JOIN known o ON o.person = b.person
            LEFT JOIN doubts d ON d.l = t.l AND d.r = t.r
        ), weighed AS (
            SELECT *, unsure * near * log2(1 + moves) AS effect FROM judged
        ), answered AS (
            SELECT a.subject AS l, b.subject AS r, least(p.person, q.person) AS one,
                   greatest(p.person, q.person) AS other
            FROM settled s JOIN identity_records a ON a.source = s.source_l AND a.subject_key = s.key_l
            JOIN identity_records b ON b.source = s.source_r AND b.subject_key = s.key_r
            JOIN theirs p ON p.subject = a.subject JOIN theirs q ON q.subject = b.subject
        )
        SELECT l, r, together,
               coalesce('{KEPT_APART}: ' || why, if(together, '{BY_THIS_ALONE}', '{PERHAPS}')),
               probability, weight, weighs, unsure, near, moves::BIGINT, effect
        FROM weighed w
        WHERE effect > 0 AND NOT EXISTS (
            FROM answered a WHERE a.one = w.one AND a.other = w.other
            AND (NOT w.together OR least(a.l, a.r) = w.l AND greatest(a.l, a.r) = w.r))
        QUALIFY row_number() OVER (PARTITION BY one, other ORDER BY effect DESC, l, r) = 1
        ORDER BY effect DESC, l, r
        """
    ).fetchall()
    con.unregister("doubts")
    return [Choice(*row) for row in rows]


def _doubts(doubts: Iterable[Doubt]) -> dict[str, pa.Array]:
    rows = [(doubt.pair.l, doubt.pair.r, doubt.why) for doubt in doubts]
    columns = list(zip(*rows, strict=True)) or [(), (), ()]
    types = (pa.int64(), pa.int64(), pa.string())
    return {
        name: pa.array(column, kind)
        for name, column, kind in zip(("l", "r", "why"), columns, types, strict=True)
    }


def _make_near(snapshot: Snapshot) -> None:
    """Make temporary tables near(person_id, near) and far(far): 1 on the newest list; by the newest back-list
    its length over one's rank; without any list everybody is as near."""
    con, tables = snapshot.con, snapshot.tables
    lists, backlists = (tables.view(con, name) for name in ("flags", "backlists"))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE near AS
        WITH ranked AS (
            SELECT person_id, rank() OVER (ORDER BY log_odds DESC) AS rank,
                   count(*) FILTER (on_list) OVER () AS length
            FROM (FROM {backlists} QUALIFY as_of = max(as_of) OVER ())
        )
        SELECT person_id, max(near) AS near FROM (
            SELECT person_id, greatest({FAR}, least(1, length / rank)) AS near FROM ranked
            UNION ALL
            SELECT person_id, 1 FROM (FROM {lists} QUALIFY as_of = max(as_of) OVER ())
        ) GROUP BY person_id;

        CREATE OR REPLACE TEMP TABLE far AS SELECT if(count(*) > 0, {FAR}, 1.0) AS far FROM near
        """
    )


def _make_settled(con: duckdb.DuckDBPyConnection, answers: Iterable[Answer]) -> None:
    """Make temporary table settled(source_l, key_l, source_r, key_r)."""
    columns = ("source_l", "key_l", "source_r", "key_r")
    con.execute(f"CREATE OR REPLACE TEMP TABLE settled ({', '.join(f'{name} VARCHAR' for name in columns)})")
    rows = [[getattr(answer, name) for name in columns] for answer in answers]
    if rows:
        con.executemany("INSERT INTO settled VALUES (?, ?, ?, ?)", rows)
