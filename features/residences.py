"""Who lives where, as known on each day, and who therefore shares a household.

Agencies tell addresses at different times and rarely tell that one has ended. Two rules make one
line of residences per person out of them:

- **A later residence from any source ends the earlier one.** Of two that start on one day, the one
  told later stands. An address without a UPRN ends the earlier residence too, unless it names the
  same postcode; an address that ends on or before its start is none.
- **A revision that starts later is a move, one that does not is a correction.** Many systems
  overwrite an address and keep no past: the address that stood before stays true for its own time.
  A revision that starts on the same day or before, or a withdrawal, says that it never was.

All of it is dated: a residence row says for which mornings it was what we knew.
"""

from __future__ import annotations

import hashlib
from datetime import date

import duckdb
import pyarrow as pa

from features.asof import sql_known, sql_spell_open
from features.intervals import FOREVER, emptied, filled, merged_known_sql
from features.snapshot import Snapshot


def household_id(uprn: str) -> str:
    """The opaque id of the household at a dwelling: 'H' and 11 hexadecimal digits."""
    return "H" + hashlib.sha256(f"household|{uprn}".encode()).hexdigest()[:11]


def residents_sql(as_of: date) -> str:
    """A SELECT of person_id, uprn, postcode, area, start_on: who lives where on the morning of `as_of`.

    Whoever is known to have died is nobody's resident any more.
    """
    return f"""
        SELECT r.person_id, r.uprn, r.postcode, r.area, r.start_on FROM residences r
        WHERE {sql_known(as_of, "r")} AND {sql_spell_open(as_of, start="r.start_on", end="r.end_on")}
          AND NOT EXISTS (
            FROM links l JOIN identities i USING (source, subject_key)
            WHERE l.person_id = r.person_id AND {sql_known(as_of, "l")} AND {sql_known(as_of, "i")}
              AND i.died_on IS NOT NULL)
    """


def residents(snapshot: Snapshot, as_of: date) -> pa.Table:
    """`residents_sql` run; one row per person who lives at a dwelling we know of, by person_id."""
    return snapshot.con.sql(f"{residents_sql(as_of)} ORDER BY person_id").to_arrow_table()


def make_address_facts(con: duckdb.DuckDBPyConnection, *, addresses: str = "addresses") -> None:
    """Make temporary table address_facts: the addresses of subjects and how long each was believed.

    Columns source, record_key, subject_key, uprn, postcode, area, start_on, end_on (filled),
    known_on, known_until (filled). A run of revisions of one record for one subject, each known
    from the day the one before was replaced, is a *chain*; in it an address is believed until a
    revision that starts no later than it, or until the chain ends. addresses: a table, or a bracketed SELECT.
    """
    record = "WINDOW record AS (PARTITION BY source, record_key, subject_key ORDER BY revision)"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE address_facts AS
        WITH told AS (
            SELECT source, record_key, subject_key, revision, min(start_on) AS start_on,
                   any_value(known_on) AS known_on, any_value({filled("known_until")}) AS known_until
            FROM {addresses} WHERE subject_key IS NOT NULL GROUP BY ALL
        ), linked AS (
            SELECT *, sum(broken) OVER record AS chain
            FROM (SELECT *, coalesce(known_on <> lag(known_until) OVER record, TRUE)::INTEGER AS broken
                  FROM told {record})
            {record}
        ), chains AS (
            SELECT source, record_key, subject_key, chain, max_by(known_until, revision) AS chain_until
            FROM linked GROUP BY ALL
        ), corrected AS (
            SELECT source, record_key, subject_key, chain, r.revision, min(later.known_on) AS corrected_on
            FROM linked r JOIN linked later USING (source, record_key, subject_key, chain)
            WHERE later.revision > r.revision AND later.start_on <= r.start_on
            GROUP BY ALL
        )
        SELECT a.source, a.record_key, a.subject_key, a.uprn, a.postcode, a.area, a.start_on,
               {filled("a.end_on")} AS end_on, a.known_on,
               least(chain_until, {filled("corrected_on")}) AS known_until
        FROM {addresses} a
        JOIN linked USING (source, record_key, subject_key, revision)
        JOIN chains USING (source, record_key, subject_key, chain)
        LEFT JOIN corrected c USING (source, record_key, subject_key, chain, revision)
        """
    )


def make_residences(con: duckdb.DuckDBPyConnection, *, links: str) -> None:
    """Make temporary table new_residences: per person the spells that were believed, and when.

    links: a table of source, subject_key, person_id, known_on, known_until (NULL = standing).
    Columns as `residences` of a snapshot. On every day on which something about a person's
    addresses was learned, what is then known is put in order once; what stays the same from one
    such day to the next is one row. An address that only says again what the one before it says
    anyhow (systems that repeat an address with every contact) is left out first: the days to look at
    stay as few as the moves.
    """
    order = "PARTITION BY person_id, known_on ORDER BY start_on, told_on, source, record_key, uprn"
    believed = ("person_id", "uprn", "postcode", "area", "start_on", "end_on")
    con.execute(
        f"""
        CREATE OR REPLACE TEMP MACRO written_alike(code) AS upper(replace(code, ' ', ''));
        CREATE OR REPLACE TEMP TABLE new_residences AS
        WITH told AS (
            SELECT l.person_id, f.* EXCLUDE (subject_key, known_on, known_until), f.known_on AS told_on,
                   greatest(f.known_on, l.known_on) AS from_day,
                   least(f.known_until, {filled("l.known_until")}) AS to_day
            FROM address_facts f JOIN {links} l USING (source, subject_key)
            WHERE from_day < to_day AND f.start_on < f.end_on
              AND (f.uprn IS NOT NULL OR f.postcode IS NOT NULL)
        ), facts AS (
            FROM told
            WINDOW before AS (PARTITION BY person_id ORDER BY start_on, told_on, source, record_key, uprn)
            QUALIFY NOT coalesce(
                (uprn, postcode, area) IS NOT DISTINCT FROM lag((uprn, postcode, area)) OVER before
                AND end_on = {FOREVER} AND lag(end_on) OVER before = {FOREVER}
                AND lag(from_day) OVER before <= from_day AND to_day <= lag(to_day) OVER before, FALSE)
        ), moments AS (
            SELECT person_id, day AS known_on,
                   {filled("lead(day) OVER (PARTITION BY person_id ORDER BY day)")} AS known_until
            FROM (SELECT person_id, from_day AS day FROM facts
                  UNION SELECT person_id, to_day FROM facts WHERE {emptied("to_day")} IS NOT NULL)
        ), standing AS (
            SELECT f.*, m.known_on, m.known_until
            FROM facts f JOIN moments m USING (person_id)
            WHERE f.from_day <= m.known_on AND m.known_on < f.to_day
            QUALIFY uprn IS NOT NULL OR written_alike(postcode) IS DISTINCT FROM
                    lag(written_alike(postcode)) OVER ({order})
        ), ordered AS (
            SELECT * EXCLUDE (end_on), least(end_on, lead(start_on) OVER ({order})) AS end_on FROM standing
        ), lived AS (
            SELECT *, (uprn IS DISTINCT FROM lag(uprn) OVER stay
                       OR start_on > lag(end_on) OVER stay)::INTEGER AS moved
            FROM ordered WHERE start_on < end_on AND uprn IS NOT NULL
            WINDOW stay AS (PARTITION BY person_id, known_on ORDER BY start_on)
        ), stays AS (
            SELECT *, sum(moved) OVER (PARTITION BY person_id, known_on ORDER BY start_on) AS stay FROM lived
        ), spells AS (
            SELECT person_id, uprn, max_by(postcode, start_on) AS postcode, max_by(area, start_on) AS area,
                   min(start_on) AS start_on, max(end_on) AS end_on, known_on, known_until
            FROM stays GROUP BY person_id, known_on, known_until, stay, uprn
        ), merged AS ({merged_known_sql("spells", believed)})
        SELECT person_id, uprn, postcode, area, start_on, {emptied("end_on")} AS end_on,
               known_on, {emptied("known_until")} AS known_until
        FROM merged
        """
    )
