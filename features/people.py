"""Who a person is on a date: their subjects, their name and age, and whom they live with.

Names come from here and from nowhere else, for the pages that show them; no feature reads them.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from features.asof import sql_known, sql_spell_open
from features.errors import UserMistake
from features.marks import RESTRICTED, marks_of
from features.near import Near
from features.residences import household_id, residents_sql
from features.snapshot import Snapshot
from features.surely_theirs import make_sure

PERSON_ID = r"P[0-9a-f]{11}"


@dataclass(frozen=True)
class ResolvedPerson:
    """A person on a date: the id they have then, and the subjects that are they.

    others: ids of other people who, on that date, have records that the id asked for once stood for.
    """

    person_id: str
    subjects: tuple[tuple[str, str], ...]
    others: tuple[str, ...] = ()

    def became(self, asked: str) -> str:
        """What has become of another id that was asked for, in a sentence; "" of the person's own."""
        if asked == self.person_id:
            return ""
        if self.others:
            return f"On this morning {asked} is nobody's id; most records that had it are {self.person_id}'s."
        return f"{asked} and {self.person_id} became one person; on this morning the id is {self.person_id}."


@dataclass(frozen=True)
class Identity:
    """How a person is named on a list, by the records known on the date (see `identity_sql`).

    household: the ids of the people at the same dwelling, but for the person's own and those whose record
    is restricted. Both it and household_id are empty where more people live than make a household
    (`household_max`), and where the address must stay secret.
    """

    name: str | None
    birth_date: date | None
    age: int | None
    household_id: str | None
    household: tuple[str, ...]
    postcode: str | None
    area: str | None


def age_on(birth_date: date, day: date) -> int:
    """Whole years on a day; a birthday on the day itself counts. Born 29 February: 1 March."""
    return day.year - birth_date.year - ((day.month, day.day) < (birth_date.month, birth_date.day))


def no_id() -> UserMistake:
    """What to answer to what is no person's id; it is not repeated, as it may be a name."""
    return UserMistake(
        "What was given is no person's id.",
        problems=[
            "an id is the letter P and eleven of 0 to 9 and a to f, such as P0123456789a: copy it from "
            "the weekly list, where each person's stands beside their household's, which begins with H"
        ],
    )


def resolve(snapshot: Snapshot, person_id: str, as_of: date) -> ResolvedPerson:
    """The person to whom an id belongs on a date, through merges and splits, forwards and backwards.

    Whoever has the id on that morning is meant; if nobody has, whoever has most of the subjects that any
    link run ever gave it, and of equals the one with the smaller id. Raises UserMistake where none of them
    was known to us by then.
    """
    con, stands = snapshot.con, sql_known(as_of, "l")
    held = con.execute(
        f"""
        WITH ever AS (
            SELECT DISTINCT source, subject_key FROM all_links
            WHERE person_id = $id AND link_run IN (
                SELECT link_run FROM all_link_runs WHERE link_run <= {snapshot.link_run})
        )
        SELECT l.person_id FROM links l LEFT JOIN ever e USING (source, subject_key)
        WHERE {stands} AND (l.person_id = $id OR e.source IS NOT NULL)
        GROUP BY l.person_id ORDER BY l.person_id = $id DESC, count(*) DESC, l.person_id
        """,
        {"id": person_id},
    ).fetchall()
    if not held:
        if not re.fullmatch(PERSON_ID, person_id):
            raise no_id()
        raise UserMistake(
            f"Nobody with that id was known to us on the morning of {as_of}.",
            problems=["ids are on the weekly list; a later --as-of may know the person"],
        )
    (found,), *others = held
    subjects = con.execute(
        f"SELECT source, subject_key FROM links l WHERE {stands} AND l.person_id = ? ORDER BY ALL", [found]
    ).fetchall()
    return ResolvedPerson(found, tuple(subjects), tuple(other for (other,) in others))


def identity_sql(as_of: date, *, links: str = "links") -> str:
    """A SELECT of person_id, forenames, surname, birth_date: one row per person with any.

    Each is the newest that is known on the morning of `as_of`: of all records of the person's
    subjects the one that became known last (ties by source and record). But a name is the one that most
    sources write, capitals aside, a whole one before a surname alone; of equals the newest. Forenames
    and surname come from one record.
    """
    newest = "known_on, source, record_key, subject_key"
    best = f"ORDER BY forenames IS NOT NULL, tellers, {newest}"
    return f"""
        SELECT person_id,
               last(forenames {best}) FILTER (form IS NOT NULL) AS forenames,
               last(surname {best}) FILTER (form IS NOT NULL) AS surname,
               last(birth_date ORDER BY {newest}) FILTER (birth_date IS NOT NULL) AS birth_date
        FROM (
            SELECT *, count(DISTINCT source) OVER (PARTITION BY person_id, form) AS tellers
            FROM (
                SELECT l.person_id, i.*,
                       if(surname IS NOT NULL, lower(concat_ws(' ', forenames, surname)), NULL) AS form
                FROM {links} l JOIN identities i USING (source, subject_key)
                WHERE {sql_known(as_of, "l")} AND {sql_known(as_of, "i")}
            )
        )
        GROUP BY person_id
    """


def display_identity(
    snapshot: Snapshot, as_of: date, person_ids: Sequence[str], *, link_show: float = 0.0
) -> dict[str, Identity]:
    """Name, age, household and place of people on a date; every id asked for is in the answer.

    link_show: how sure it must be that a record is theirs for it to say any of that.
    """
    theirs = "(FROM {} SEMI JOIN asked USING (person_id))"
    own = Near(links=theirs.format("links"), homes=theirs.format("residences"))
    with snapshot.con.cursor() as con:  # its temporary tables go with it
        con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
        sure = make_sure(con, own, as_of, show=link_show) or own
        named = con.execute(identity_sql(as_of, links=sure.links)).fetchall()
        there = f"{sql_known(as_of)} AND {sql_spell_open(as_of, start='start_on', end='end_on')}"
        settled = con.execute(f"SELECT person_id FROM {sure.homes} WHERE {there}").fetchall()
        lives = con.execute(
            f"""
            WITH home AS ({residents_sql(as_of)})
            SELECT person_id, uprn, postcode, area FROM home
            WHERE uprn IN (SELECT uprn FROM home SEMI JOIN asked USING (person_id)) ORDER BY person_id
            """
        ).fetchall()
        marks = marks_of(con, as_of, [person for person, *_ in lives])
    names = {person: rest for person, *rest in named}
    at_home_surely = {person for (person,) in settled}
    homes = {person: rest for person, *rest in lives if person in at_home_surely}
    together: dict[str, list[str]] = defaultdict(list)
    for person, uprn, _, _ in lives:
        together[uprn].append(person)
    found = {}
    for person in person_ids:
        forenames, surname, birth_date = names.get(person, (None, None, None))
        uprn, postcode, area = homes.get(person, (None, None, None))
        at_home = together[uprn] if uprn else []
        household = 0 < len(at_home) <= snapshot.workspace.settings.household_max
        found[person] = Identity(
            name=" ".join(_as_said(part) for part in (forenames, surname) if part) or None,
            birth_date=birth_date,
            age=age_on(birth_date, as_of) if birth_date else None,
            household_id=household_id(uprn) if uprn and household else None,
            household=tuple(p for p in at_home if p != person and not marks[p] & RESTRICTED)
            if household
            else (),
            postcode=postcode,
            area=area,
        )
    return found


def _as_said(name: str) -> str:
    """'BUTLER' → 'Butler': some systems write names in capitals, people do not."""
    return name.title() if name.isupper() else name
