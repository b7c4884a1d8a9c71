"""Which subjects hold which keys when: an identifier, another source's key, or a name with birth date and
postcode together.

Exact and dated: a key is held from the day the latest record needed for it is known until the first of
them is replaced. A key that a crowd holds (a number that a system writes where it knows none) says who
nobody is, and is nobody's. Subjects of a source whose `subject` is `person` are compared with nobody:
their key is the person already. The key by which a source knows somebody is held by that subject itself,
and by whoever says that it is theirs too.
"""

from __future__ import annotations

from collections.abc import Sequence

import duckdb

from features.blocking import MOST
from features.declaration import IDENTIFIERS
from features.intervals import FOREVER, filled, merged_known_sql
from features.near import sql_one_of
from features.placeholders import TOLD_OF_ONE

PLAIN_TEXT = r"""
    CREATE OR REPLACE TEMP MACRO unadorned(given) AS trim(regexp_replace(regexp_replace(
        lower(nfc_normalize(replace(given, chr(0), ''))),
        '[\p{P}\p{S}]', '', 'g'), '[\s\p{Z}]+', ' ', 'g'));
    CREATE OR REPLACE TEMP MACRO plain(given) AS nullif(unadorned(given), '');
    CREATE OR REPLACE TEMP MACRO solid(given) AS nullif(replace(unadorned(given), ' ', ''), '')
"""
"""Text in the form in which it is compared: lower case, Unicode composed, no punctuation, white space
single (`plain`) or none (`solid`); NULL where nothing is left. Null bytes go first: nfc_normalize ends a
text at one, and two names would be alike that only begin alike."""


def make_holdings(
    con: duckdb.DuckDBPyConnection, *, already_persons: Sequence[str], most: int = MOST
) -> None:
    """Make temporary table holdings(subject, key, known_on, known_until): keys that several hold.

    Needs `subjects` (see `features.link`), `address_facts` and a snapshot's identities and paired_keys. key
    numbers the keys. already_persons: see above; what they hold in common is believed however many they are.
    """
    con.execute(PLAIN_TEXT)
    identifiers = ", ".join(f"'{name} ' || solid({name})" for name in IDENTIFIERS)
    who = ("source", "subject_key")
    named = "(FROM compared WHERE name IS NOT NULL)"
    codes = "(SELECT *, solid(postcode) AS code FROM address_facts WHERE code IS NOT NULL)"
    theirs = sql_one_of("source", already_persons)
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE holdings AS
        WITH compared AS MATERIALIZED (
            SELECT source, subject_key, [{identifiers}] AS identifiers,
                   birth_date, surname,
                   plain(forenames) || '|' || plain(surname) || '|' || birth_date::VARCHAR AS name,
                   known_on, {filled("known_until")} AS known_until
            FROM identities WHERE NOT {theirs}
        ), names AS ({merged_known_sql(named, (*who, "name"))}
        ), codes AS ({merged_known_sql(codes, (*who, "code"))}
        ), paired AS (
            FROM paired_keys WHERE NOT {theirs} AND NOT {sql_one_of("other_source", already_persons)}
        ), keys AS (
            SELECT source, subject_key, unnest(identifiers) AS key, known_on, known_until FROM compared
            UNION ALL
            SELECT source, subject_key, 'name ' || n.name || '|' || c.code,
                   greatest(n.known_on, c.known_on), least(n.known_until, c.known_until)
            FROM names n JOIN codes c USING (source, subject_key)
            UNION ALL
            SELECT source, subject_key, 'pair ' || other_source || '|' || other_key, known_on,
                   {filled("known_until")}
            FROM paired
            UNION ALL
            SELECT source, subject_key, 'pair ' || source || '|' || subject_key, known_on, {FOREVER}
            FROM subjects s WHERE EXISTS (
                FROM paired WHERE other_source = s.source AND other_key = s.subject_key)
            UNION ALL
            SELECT source, subject_key, 'person ' || subject_key, known_on, {FOREVER}
            FROM subjects WHERE {theirs}
        ), held AS MATERIALIZED (
            SELECT s.subject, k.key, k.known_on, k.known_until
            FROM keys k JOIN subjects s USING (source, subject_key) WHERE k.key IS NOT NULL
        ), nobodys AS (  -- numbers that more people hold than one person could be (features.placeholders)
            SELECT key FROM (
                SELECT unnest(identifiers) AS key, birth_date, plain(surname) AS surname FROM compared)
            GROUP BY key HAVING count(DISTINCT birth_date) > {TOLD_OF_ONE}
                            AND count(DISTINCT surname) > {TOLD_OF_ONE}
        ), several AS (
            SELECT key, row_number() OVER (ORDER BY key) - 1 AS number
            FROM held GROUP BY key
            HAVING count(DISTINCT subject) BETWEEN 2 AND {int(most)}
                OR count(DISTINCT subject) > 1 AND starts_with(key, 'person ')
        ), shared AS (
            SELECT h.subject, s.number AS key, h.known_on, h.known_until
            FROM held h JOIN several s USING (key)
        )
        {merged_known_sql("shared", ("subject", "key"))}
        """
    )


def keep_within(con: duckdb.DuckDBPyConnection, people: str) -> None:
    """Divide `holdings` so that a key that is held today joins nobody across `people`(subject, person).

    A subject that held a key once, and no longer does, held it with all of them: what was believed then
    is told of the days on which it was believed.
    """
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE holdings AS
        WITH placed AS (
            SELECT h.*, coalesce(p.person, -2) AS person FROM holdings h LEFT JOIN {people} p USING (subject)
        ), parts AS (
            SELECT DISTINCT key, person FROM placed WHERE known_until = {FOREVER}
        ), divided AS (
            SELECT subject, key, person, known_on, known_until FROM placed WHERE known_until = {FOREVER}
            UNION ALL
            SELECT p.subject, p.key, coalesce(s.person, -1), p.known_on, p.known_until
            FROM placed p LEFT JOIN parts s USING (key) WHERE p.known_until < {FOREVER}
        )
        SELECT subject, dense_rank() OVER (ORDER BY key, person) - 1 AS key, known_on, known_until
        FROM divided
        """
    )


def hold_in_pairs(con: duckdb.DuckDBPyConnection, pairs: str) -> None:
    """Add to `holdings` what two subjects alone hold: `pairs`(l, r, known_on), from then on for good."""
    con.execute(
        f"""
        INSERT INTO holdings BY NAME
        WITH numbered AS (
            SELECT *, row_number() OVER (ORDER BY l, r) + (SELECT coalesce(max(key), -1) FROM holdings) AS key
            FROM {pairs}
        )
        SELECT unnest([l, r]) AS subject, key, known_on, {FOREVER} AS known_until FROM numbered
        """
    )
