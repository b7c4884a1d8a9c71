"""With whom a person lives, and to whom they belong: a dated graph of people, for those who help a family.

Two people are tied by the days they lived at one dwelling, while no more lived there than make a household
(`household_max`: a hostel, a refuge, a care home is none), and by what sources tell of families
(`features.relation`). A tie has the period it held, and is seen on the mornings that knew of it: what was
withdrawn by then, or told later, is not there. Nothing here reaches a feature or a score.

Whoever hides, was adopted, or whose record is restricted by the newest delivery has no map, and is in
nobody else's: that two people are kept apart must not be told by what once held them together.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from features.asof import sql_before, sql_known
from features.intervals import FOREVER, emptied, filled, uncrowded_sql
from features.marks import REFUGE, RESTRICTED
from features.marks_now import marks_now
from features.people import resolve
from features.relation import MUTUAL
from features.residences import household_id, residents_sql
from features.rule_sql import quoted
from features.snapshot import Snapshot
from features.strength import SHOW

HIDDEN = RESTRICTED | {REFUGE}
"""Marks of those who have no map and are in nobody else's."""

LIVES_WITH = "lives with"

FAMILY_MAX = 20
"""So many of one source under one family's number; more share a number that says nothing."""


@dataclass(frozen=True)
class Household:
    """Who lives at a person's dwelling on a morning. household_id is None, and the person alone, where no
    dwelling is known, more live there than make a household, or it must not be told."""

    person_id: str
    household_id: str | None
    members: tuple[str, ...]


@dataclass(frozen=True, order=True)
class Tie:
    """What `other` is to `one`, in [start, end); None: not told, or not ended by the morning.

    A mutual one is told once, the smaller id first. source: who says it; `addresses` of living together.
    """

    one: str
    other: str
    relation: str
    source: str
    start: date | None
    end: date | None
    known_on: date


@dataclass(frozen=True)
class AssociationMap:
    """Who is tied to a person, and these to one another, on a morning.

    people: person id → steps from the person asked for, who is 0. Ties of those of the last step lead
    to nobody further. Empty but for the person where it must not be told. became: what has become of the id
    that was asked for, where the person's is another that morning.
    """

    person_id: str
    as_of: date
    depth: int
    people: dict[str, int]
    ties: tuple[Tie, ...]
    became: str = ""


def household(snapshot: Snapshot, person_id: str, as_of: date) -> Household:
    """With whom a person lives on the morning of as_of; their own id, which is theirs on it, is a member.

    Raises UserMistake where nobody with that id was known by then.
    """
    person = resolve(snapshot, person_id, as_of).person_id
    alone = Household(person, None, (person,))
    if _hidden(snapshot, as_of, [person]):
        return alone
    found = snapshot.con.execute(
        f"""
        WITH home AS ({residents_sql(as_of)})
        SELECT uprn, person_id FROM home WHERE uprn = (SELECT uprn FROM home WHERE person_id = ?)
        ORDER BY person_id
        """,
        [person],
    ).fetchall()
    if not 0 < len(found) <= snapshot.workspace.settings.household_max:
        return alone
    together = [other for _, other in found]
    hidden = _hidden(snapshot, as_of, together)
    return Household(person, household_id(found[0][0]), tuple(p for p in together if p not in hidden))


def association_map(snapshot: Snapshot, person_id: str, as_of: date, *, depth: int = 1) -> AssociationMap:
    """Whom a person is tied to on the morning of as_of, and on to `depth` steps from them.

    Raises UserMistake where nobody with that id was known by then.
    """
    found_as = resolve(snapshot, person_id, as_of)
    person, became = found_as.person_id, found_as.became(person_id)
    people = {person: 0}
    if _hidden(snapshot, as_of, [person]):
        return AssociationMap(person, as_of, depth, people, (), became)
    ties: set[Tie] = set()
    newest = {person}
    for step in range(depth + 1):  # the last looks only at how those of the last step are tied
        found = _ties(snapshot, as_of, newest)
        met = {end for tie in found for end in (tie.one, tie.other)} - people.keys()
        if step < depth:
            hidden = _hidden(snapshot, as_of, met)
            newest = met - hidden
            people |= dict.fromkeys(sorted(newest), step + 1)
        ties |= set(found)
    shown = sorted((t for t in ties if {t.one, t.other} <= people.keys()), key=_in_order)
    return AssociationMap(person, as_of, depth, people, tuple(shown), became)


def _in_order(tie: Tie) -> tuple:
    return (tie.one, tie.other, tie.relation, tie.source, tie.start or date.min, tie.end or date.max)


def _hidden(snapshot: Snapshot, as_of: date, people: Iterable[str]) -> set[str]:
    """Which of some people must not be on a map."""
    marks = marks_now(snapshot, as_of, sorted(people))
    return {person for person, held in marks.items() if held & HIDDEN}


def _ties(snapshot: Snapshot, as_of: date, people: Iterable[str]) -> list[Tie]:
    """Every tie of these people, whoever is at its other end."""
    con, most = snapshot.con, snapshot.workspace.settings.household_max
    con.register("mapped", pa.table({"person_id": pa.array(sorted(people), pa.string())}))
    try:
        rows = con.execute(f"{_together_sql(as_of, most)} UNION ALL {_related_sql(as_of)}").fetchall()
    finally:
        con.unregister("mapped")
    return [Tie(*row) for row in rows]


def _together_sql(as_of: date, most: int) -> str:
    """The ties of `mapped` by living together: spells that overlap, on the days the dwelling is no crowd's.

    Somebody who died lives there no longer; an end that lies ahead has not come yet.
    """
    spells = "(SELECT uprn, start_on AS known_on, end_on AS known_until FROM lived)"
    meet = "greatest(a.start_on, b.start_on, q.known_on)"
    part = "least(a.end_on, b.end_on, q.known_until)"
    return f"""
        SELECT one, other, {quoted(LIVES_WITH)}, 'addresses', start_on, {emptied("end_on")}, known_on FROM (
        WITH near AS (
            SELECT * FROM residences r
            WHERE {sql_known(as_of, "r")} AND {sql_before(as_of, "r.start_on")} AND uprn IN (
                SELECT uprn FROM residences m SEMI JOIN mapped USING (person_id)
                WHERE {sql_known(as_of, "m")} AND {sql_before(as_of, "m.start_on")})
        ), died AS (  -- on the day that was told last
            SELECT person_id, last(died_on ORDER BY i.known_on, source, record_key, subject_key) AS died_on
            FROM links l SEMI JOIN near USING (person_id) JOIN identities i USING (source, subject_key)
            WHERE {sql_known(as_of, "l")} AND {sql_known(as_of, "i")} AND died_on IS NOT NULL GROUP BY ALL
        ), ended AS (
            SELECT n.person_id, n.uprn, n.start_on, n.known_on,
                   least(if({sql_before(as_of, "n.end_on")}, n.end_on, {FOREVER}), {filled("died_on")})
                       AS end_on
            FROM near n LEFT JOIN died USING (person_id)
        ), lived AS MATERIALIZED (
            SELECT * FROM ended WHERE start_on < end_on
        ), quiet AS ({uncrowded_sql(spells, ["uprn"], most)})
        SELECT a.person_id AS one, b.person_id AS other, {meet} AS start_on, {part} AS end_on,
               greatest(a.known_on, b.known_on) AS known_on
        FROM lived a JOIN lived b ON a.uprn = b.uprn AND a.person_id < b.person_id
        JOIN quiet q ON q.uprn = a.uprn
        WHERE {meet} < {part}
          AND (a.person_id IN (FROM mapped) OR b.person_id IN (FROM mapped))
        )
    """


def _related_sql(as_of: date) -> str:
    """The ties of `mapped` that sources tell, through links that are sure enough to show."""
    begun = f"(r.start_on IS NULL OR {sql_before(as_of, 'r.start_on')})"
    mutual = "relation IN (" + ", ".join(map(quoted, MUTUAL)) + ")"
    sure = f"{sql_known(as_of)} AND strength >= {SHOW}"
    return f"""
        SELECT one, other, relation, source, start_on, end_on, min(known_on) FROM (
        WITH standing AS (
            SELECT r.* REPLACE (if({sql_before(as_of, "r.end_on")}, r.end_on, NULL) AS end_on)
            FROM relations r WHERE {sql_known(as_of, "r")} AND {begun}
        ), families AS (
            SELECT source, family, subject_key, start_on, end_on, known_on FROM standing
            WHERE family IS NOT NULL
            QUALIFY count(DISTINCT subject_key) OVER (PARTITION BY source, family) <= {FAMILY_MAX}
        ), told AS (
            SELECT source, subject_key, other_key, relation, start_on, end_on, known_on FROM standing
            WHERE other_key IS NOT NULL
            UNION ALL
            SELECT source, a.subject_key, b.subject_key, 'family', greatest(a.start_on, b.start_on),
                   least(a.end_on, b.end_on), greatest(a.known_on, b.known_on)
            FROM families a JOIN families b USING (source, family) WHERE a.subject_key < b.subject_key
        ), sure AS (
            SELECT source, subject_key, person_id, known_on FROM links WHERE {sure}
        ), between_people AS (
            SELECT t.* EXCLUDE (known_on), a.person_id AS subject, b.person_id AS them,
                   greatest(t.known_on, a.known_on, b.known_on) AS known_on
            FROM told t JOIN sure a USING (source, subject_key)
            JOIN sure b ON b.source = t.source AND b.subject_key = t.other_key
            WHERE subject <> them AND coalesce(start_on < end_on, TRUE)
              AND (subject IN (FROM mapped) OR them IN (FROM mapped))
        )
        SELECT if({mutual}, least(subject, them), subject) AS one,
               if({mutual}, greatest(subject, them), them) AS other, *
        FROM between_people
        ) GROUP BY ALL
    """
