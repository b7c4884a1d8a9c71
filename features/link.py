"""Which subjects are one person, and where people lived: a link run.

Exact and simple: two subjects are one person where an identifier of both agrees (NHS number, UPN,
NINO) or where forenames, surname, birth date and a postcode all do. A link is known on the day of
the latest record needed to make it, until the first of them is replaced. Subjects of a source whose
`subject` is `person` are not compared with anybody: their key is the person already.

A subject whose key names a row and no person (`unidentified`) is nobody until one of these makes it
one with a subject that is somebody; then it is theirs, and never gives a person its id.

A person's id is that of the subject first known to us: the one that was delivered first, and of
those the one known first. So a source that joins later, with a past of its own, renames nobody.

A run adds the timelines of those subjects and people that changed; its row in `link_runs`, written
last, commits it. Nothing changed, nothing is added.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from features.asof import OPEN
from features.clusters import Holdings, timelines
from features.declaration import IDENTIFIERS, UNIDENTIFIED
from features.intervals import FOREVER, filled, merged_known_sql
from features.lock import only_writer
from features.progress import Tell, quiet
from features.residences import make_address_facts, make_residences
from features.rule_sql import quoted
from features.snapshot import open_snapshot
from features.tables import Tables
from features.workspace import Workspace

SUBJECT_TABLES = ("events", "identities", "addresses", "registers", "marks")


@dataclass(frozen=True)
class LinkReport:
    """What a link run found. `link_run` is the run now standing, an earlier one if nothing changed."""

    link_run: int
    last_delivery: int
    subjects: int
    persons: int
    changed: int


def person_id(source: str, subject_key: str) -> str:
    """The id of the person founded by a subject: 'P' and 11 hexadecimal digits."""
    return "P" + hashlib.sha256(f"{source}|{subject_key}".encode()).hexdigest()[:11]


PERSON_ID_SQL = "'P' || left(sha256(source || '|' || subject_key), 11)"
"""`person_id` in SQL, over columns source and subject_key."""

NOBODY_SQL = f"starts_with(subject_key, {quoted(UNIDENTIFIED)})"
"""Whether a subject stands for a row, and so for nobody until it is found to be somebody."""

PLAIN_TEXT = r"""
    CREATE OR REPLACE TEMP MACRO plain(given) AS nullif(trim(regexp_replace(regexp_replace(
        lower(nfc_normalize(replace(given, chr(0), ''))),
        '[\p{P}\p{S}]', '', 'g'), '[\s\p{Z}]+', ' ', 'g')), '');
    CREATE OR REPLACE TEMP MACRO solid(given) AS nullif(replace(plain(given), ' ', ''), '')
"""
"""Text in the form in which it is compared: lower case, Unicode composed, no punctuation, white space
single (`plain`) or none (`solid`); NULL where nothing is left. Null bytes go first: nfc_normalize ends a
text at one, and two names would be alike that only begin alike."""


def link(workspace: Workspace, *, tell: Tell = quiet) -> LinkReport:
    """Link everything that has been delivered. Safe to run again: what is linked stays as it is.

    Raises UserMistake where nothing has been ingested yet, or while another run is at work.
    """
    with only_writer(workspace):
        return _link(workspace, tell)


def _link(workspace: Workspace, tell: Tell) -> LinkReport:
    snapshot = open_snapshot(workspace)
    con, tables = snapshot.con, snapshot.tables
    _clear_uncommitted(tables)
    tell("Comparing identities")
    make_links(con, already_persons=[n for n, s in workspace.sources.items() if s.subject == "person"])
    tell("Putting residences in order")
    make_residences(con, links="new_links")
    _find_changes(con)
    subjects, persons, changed, moved = (
        int(con.execute(f"SELECT count(*) FROM {rows}").fetchall()[0][0])
        for rows in (
            "subjects",
            "(SELECT DISTINCT person_id FROM new_links WHERE known_until IS NULL)",
            "changed_subjects",
            "changed_residents",
        )
    )
    run = snapshot.link_run
    if changed or moved:
        run += 1
        tell(f"Writing link run {run}: {changed:,} subjects, residences of {moved:,} people")
        _append_changes(tables, con, run)
        ledger = {"last_delivery": snapshot.last_delivery, "subjects": subjects, "persons": persons}
        tables.append("link_runs", pa.Table.from_pylist([{"link_run": run, **ledger}]))
    return LinkReport(run, snapshot.last_delivery, subjects=subjects, persons=persons, changed=changed)


def make_links(con: duckdb.DuckDBPyConnection, *, already_persons: Sequence[str]) -> None:
    """Make tables subjects, address_facts, new_timelines and new_links from a snapshot's dated tables.

    already_persons: the sources whose subject key is the person already.
    new_links has source, subject_key, person_id, known_on, known_until (NULL = standing): for each
    subject a row from every day on which its person changed. new_timelines has rows without a person
    too, from the day on which a subject is nobody's.
    """
    _number_subjects(con)
    make_address_facts(con)
    _make_holdings(con, already_persons=already_persons)
    first = con.execute(f"SELECT {_day('known_on')} AS day FROM subjects ORDER BY subject").fetchnumpy()
    held = con.execute(
        f"SELECT subject, key, {_day('known_on')} AS from_day, "
        f"if(known_until = {FOREVER}, {OPEN}, {_day('known_until')}) AS to_day "
        "FROM holdings ORDER BY subject, key, known_on"
    ).fetchnumpy()
    found = timelines(np.asarray(first["day"]), Holdings(**{name: np.asarray(held[name]) for name in held}))
    con.register("found", pa.table(vars(found)))
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE new_timelines AS
        WITH dated AS (
            SELECT subject, founder, DATE '1970-01-01' + from_day::INTEGER AS known_on,
                   lead(known_on) OVER (PARTITION BY subject ORDER BY from_day) AS known_until
            FROM found
        )
        SELECT s.source, s.subject_key, f.person_id, d.known_on, d.known_until
        FROM dated d
        JOIN subjects s ON s.subject = d.subject
        LEFT JOIN (SELECT subject, {PERSON_ID_SQL} AS person_id FROM subjects WHERE NOT {NOBODY_SQL}) f
            ON f.subject = d.founder;

        CREATE OR REPLACE TEMP VIEW new_links AS FROM new_timelines WHERE person_id IS NOT NULL
        """
    )
    con.unregister("found")


def _day(column: str) -> str:
    return f"({column} - DATE '1970-01-01')"


def _number_subjects(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary table subjects(subject, source, subject_key, known_on), numbered by seniority."""
    seen = " UNION ALL ".join(
        f"SELECT source, subject_key, delivery_id, min(known_on) AS known_on FROM {table} "
        "WHERE subject_key IS NOT NULL GROUP BY ALL"
        for table in SUBJECT_TABLES
    )
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE subjects AS
        SELECT row_number() OVER (ORDER BY {NOBODY_SQL}, received_on, known_on, source, subject_key) - 1
                   AS subject,
               source, subject_key, known_on
        FROM (
            SELECT s.source, subject_key, min(d.received_on) AS received_on, min(known_on) AS known_on
            FROM ({seen}) s JOIN all_deliveries d USING (delivery_id) GROUP BY s.source, subject_key
        )
        """
    )


def _make_holdings(con: duckdb.DuckDBPyConnection, *, already_persons: Sequence[str]) -> None:
    """Make temporary table holdings(subject, key, known_on, known_until): keys that several hold."""
    con.execute(PLAIN_TEXT)
    persons = ", ".join(map(quoted, already_persons)) or "''"
    identifiers = ", ".join(f"'{name} ' || solid({name})" for name in IDENTIFIERS)
    who = ("source", "subject_key")
    named = "(FROM compared WHERE name IS NOT NULL)"
    codes = "(SELECT *, solid(postcode) AS code FROM address_facts WHERE code IS NOT NULL)"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE holdings AS
        WITH compared AS MATERIALIZED (
            SELECT source, subject_key, [{identifiers}] AS identifiers,
                   plain(forenames) || '|' || plain(surname) || '|' || birth_date::VARCHAR AS name,
                   known_on, {filled("known_until")} AS known_until
            FROM identities WHERE source NOT IN ({persons})
        ), names AS ({merged_known_sql(named, (*who, "name"))}
        ), codes AS ({merged_known_sql(codes, (*who, "code"))}
        ), keys AS (
            SELECT source, subject_key, unnest(identifiers) AS key, known_on, known_until FROM compared
            UNION ALL
            SELECT source, subject_key, 'name ' || n.name || '|' || c.code,
                   greatest(n.known_on, c.known_on), least(n.known_until, c.known_until)
            FROM names n JOIN codes c USING (source, subject_key)
            UNION ALL
            SELECT source, subject_key, 'person ' || subject_key, known_on, {FOREVER}
            FROM subjects WHERE source IN ({persons})
        ), held AS MATERIALIZED (
            SELECT s.subject, k.key, k.known_on, k.known_until
            FROM keys k JOIN subjects s USING (source, subject_key) WHERE k.key IS NOT NULL
        ), several AS (
            SELECT key, row_number() OVER (ORDER BY key) - 1 AS number
            FROM held GROUP BY key HAVING count(DISTINCT subject) > 1
        ), shared AS (
            SELECT h.subject, s.number AS key, h.known_on, h.known_until
            FROM held h JOIN several s USING (key)
        )
        {merged_known_sql("shared", ("subject", "key"))}
        """
    )


def _find_changes(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary tables changed_subjects and changed_residents: whose rows are not as they stood.

    A subject of whom nothing is held any more (an erasure) has no timeline to change.
    """
    link = "source, subject_key, person_id, known_on, known_until"
    spell = "person_id, uprn, postcode, area, start_on, end_on, known_on, known_until"
    known = "SEMI JOIN subjects USING (source, subject_key)"
    for name, columns, who, new, old, still_there in (
        ("changed_subjects", link, "source, subject_key", "new_links", "links", known),
        ("changed_residents", spell, "person_id", "new_residences", "told_residences", ""),
    ):
        con.execute(
            f"""
            CREATE OR REPLACE TEMP TABLE {name} AS
            SELECT DISTINCT {who} FROM (
                (SELECT {columns} FROM {new} EXCEPT SELECT {columns} FROM {old})
                UNION ALL (SELECT {columns} FROM {old} EXCEPT SELECT {columns} FROM {new})
            ) {still_there}
            """
        )


def _append_changes(tables: Tables, con: duckdb.DuckDBPyConnection, run: int) -> None:
    """Append every row of the subjects and residents that changed; nobody's residence is a null UPRN."""
    links = f"SELECT {run} AS link_run, * EXCLUDE (known_until) FROM new_timelines SEMI JOIN changed_subjects"
    tables.append("links", con.sql(f"{links} USING (source, subject_key) ORDER BY ALL").to_arrow_table())
    spells = (
        f"SELECT {run} AS link_run, n.* EXCLUDE (person_id), c.person_id "
        "FROM changed_residents c LEFT JOIN new_residences n USING (person_id)"
    )
    tables.append("residences", con.sql(f"{spells} ORDER BY ALL").to_arrow_table())


def _clear_uncommitted(tables: Tables) -> None:
    """Remove what a run that crashed before its ledger row left behind."""
    con = duckdb.connect()
    tables.view(con, "link_runs")
    for name in ("links", "residences"):
        rows = tables.view(con, name)
        left = con.execute(
            f"SELECT DISTINCT link_run FROM {rows} ANTI JOIN all_link_runs USING (link_run)"
        ).fetchall()
        for (run,) in left:
            tables.remove(name, f"link_run = {run}")
