"""What is known on a day of who each subject is, in one row per subject that can be compared with others.

Linking compares subjects, not rows: an agency that writes of somebody a hundred times says a hundred
times the same. Of what changes (names, addresses, telephone numbers) the newest is told apart from what
was ever said before the day, since another agency may still write the old one: a maiden name, the
address before this one. Nothing that became known on the day or later has any part in it.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import date

import duckdb

from features.asof import sql_before, sql_known, sql_usable
from features.declaration import IDENTIFIERS, shared_signals
from features.folding import make_folding
from features.near import sql_one_of
from features.paired import state_paired
from features.snapshot import Snapshot

STATED = """
    source VARCHAR, subject_key VARCHAR, forenames VARCHAR, surname VARCHAR, surnames VARCHAR[],
    born VARCHAR, died_on DATE, seen_on DATE, initials VARCHAR, sex VARCHAR,
    phones VARCHAR[], emails VARCHAR[], uprn VARCHAR, uprns VARCHAR[],
    postcode VARCHAR, postcodes VARCHAR[], district VARCHAR,
    nhs_number VARCHAR, upn VARCHAR, nino VARCHAR, paired VARCHAR[]
"""
"""The columns of `stated`: a subject in its agency's own words. A list holds whatever was ever said, the
newest too; born is written YYYY-MM-DD; seen_on is the last day on which something happened to it alone;
paired are other sources' keys for the same person, 'source|key'."""

PLACEHOLDER = "-01-01"
"""How a birth date ends that many systems fill in for one that nobody knows."""


def make_stated(
    con: duckdb.DuckDBPyConnection,
    as_of: date,
    *,
    already_persons: Collection[str] = (),
    shared: Collection[str] = (),
) -> None:
    """Make temporary table stated (see `STATED`) from a snapshot's tables, as known on the morning of as_of.

    already_persons: sources whose subject key is the person already, and which are left out.
    shared: signals of a dwelling or an account, which go on after somebody's death and show nobody alive.
    """
    who = "source, subject_key"
    ours = f"subject_key IS NOT NULL AND NOT {sql_one_of('source', already_persons)}"
    alive = f"NOT {sql_one_of('signal', shared)} AND {sql_usable(as_of)}"
    told, stands = f"{ours} AND {sql_before(as_of, 'known_on')}", sql_known(as_of)

    def last(column: str, *, where: str | None = None) -> str:
        newest = "ORDER BY known_on, record_key, revision"
        return f"last({column} {newest}) FILTER ({where or column} IS NOT NULL AND {stands}) AS {column}"

    def ever(column: str) -> str:
        return f"list(DISTINCT {column} ORDER BY {column}) FILTER ({column} IS NOT NULL) AS {column}s"

    alone = ", ".join(
        last(column) for column in ("birth_date", "died_on", "initials", "sex", "district", *IDENTIFIERS)
    )
    lives = f"ORDER BY {stands}, start_on, known_on, record_key, uprn, postcode"
    con.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE stated ({STATED});
        INSERT INTO stated BY NAME
        WITH named AS (
            SELECT {who}, {last("forenames", where="surname")}, {last("surname")}, {alone},
                   {ever("surname")}, {ever("phone")}, {ever("email")},
                   {last("postcode")}, {ever("postcode")}
            FROM identities WHERE {told} GROUP BY {who}
        ), housed AS (
            SELECT {who}, {ever("uprn")}, {ever("postcode")},
                   last(uprn {lives}) AS uprn, last(postcode {lives}) AS postcode
            FROM addresses WHERE {told} AND {sql_before(as_of, "start_on")} GROUP BY {who}
        ), seen AS (
            SELECT {who}, max(occurred_on) AS seen_on
            FROM events WHERE {ours} AND {alive} GROUP BY {who}
        )
        SELECT * EXCLUDE (birth_date, n.postcode, n.postcodes, h.postcode, h.postcodes),
               birth_date::VARCHAR AS born, coalesce(h.postcode, n.postcode) AS postcode,
               list_concat(h.postcodes, n.postcodes) AS postcodes
        FROM named n FULL JOIN housed h USING ({who}) LEFT JOIN seen USING ({who})
        """
    )
    state_paired(con, as_of, already_persons=already_persons)


def make_records_of(snapshot: Snapshot) -> None:
    """Make temporary table identity_records of all that a snapshot knows of its subjects."""
    sources = snapshot.workspace.sources.values()
    make_stated(
        snapshot.con,
        snapshot.morning_after,
        already_persons=[source.source for source in sources if source.subject == "person"],
        shared=shared_signals(sources),
    )
    make_identity_records(snapshot.con)


def make_identity_records(con: duckdb.DuckDBPyConnection) -> None:
    """Make temporary table identity_records from `stated`: its words folded so that they can be compared.

    subject numbers the rows, by source and key. given is the first forename, given_names all of them,
    full_names what given may be short for (itself first), full_sounds how these sound, given_sound and
    surname_sound how the two do; surnames has former ones too, and the parts of a double one. born_firm says
    that the birth date is no placeholder. Text is small and without spaces; NULL where nothing was said, an
    empty list likewise.
    """
    make_folding(con)
    identifiers = ", ".join(f"folded({name}) AS {name}" for name in IDENTIFIERS)
    con.execute(
        rf"""
        CREATE OR REPLACE TEMP MACRO told_list(given) AS (
            list_sort(list_distinct(list_filter(given, lambda one: one IS NOT NULL))));
        CREATE OR REPLACE TEMP MACRO filled_list(given) AS
            if(len(told_list(given)) > 0, told_list(given), NULL);
        CREATE OR REPLACE TEMP MACRO all_folded(given) AS filled_list([folded(one) FOR one IN given]);
        CREATE OR REPLACE TEMP MACRO phone_digits(given) AS regexp_replace(
            regexp_replace(regexp_replace(given, '[^0-9+]', '', 'g'), '^(\+|00)44', '0'), '\D', '', 'g');

        CREATE OR REPLACE TEMP TABLE identity_records AS
        WITH words AS (
            SELECT *, if(len(named_words(forenames)) > 0, named_words(forenames), NULL) AS given_names,
                   flatten([named_words(one) FOR one IN surnames]) AS surname_words,
                   folded(surname) AS whole_surname, folded(initials) AS letters
            FROM stated
        ), named AS MATERIALIZED (
            SELECT *, given_names[1] AS given FROM words
        ), sounds AS MATERIALIZED (  -- of each name once, as it is slow
            SELECT name, sounded(name) AS sound
            FROM (SELECT given AS name FROM named UNION SELECT whole_surname FROM named)
        ), short AS (
            SELECT *, [sounded(one) FOR one IN full_names] AS full_sounds
            FROM short_forms WHERE form IN (SELECT given FROM named)
        )
        SELECT row_number() OVER (ORDER BY source, subject_key) - 1 AS subject, source, subject_key,
               given, given_names, g.sound AS given_sound,
               if(given IS NULL, NULL, list_prepend(given, coalesce(f.full_names, []))) AS full_names,
               if(given IS NULL, NULL, list_prepend(g.sound, coalesce(f.full_sounds, []))) AS full_sounds,
               coalesce(given[1], letters[1]) AS given_initial,
               whole_surname AS surname, s.sound AS surname_sound,
               coalesce(whole_surname[1], if(len(letters) > 1, letters[-1], NULL)) AS surname_initial,
               filled_list(list_concat([folded(one) FOR one IN surnames],
                                       [word FOR word IN surname_words IF len(word) > 2])) AS surnames,
               born, born IS NOT NULL AND NOT ends_with(born, '{PLACEHOLDER}') AS born_firm,
               if(sex IN ('female', 'male'), sex, NULL) AS sex,
               filled_list([phone_digits(one) FOR one IN phones IF len(phone_digits(one)) > 5]) AS phones,
               filled_list([nullif(lower(trim(one)), '') FOR one IN emails]) AS emails,
               folded(uprn) AS uprn, all_folded(uprns) AS uprns,
               folded(postcode) AS postcode, all_folded(postcodes) AS postcodes,
               coalesce(left(folded(postcode), -3), folded(district)) AS district,
               {identifiers}, paired, died_on, seen_on
        FROM named LEFT JOIN sounds g ON g.name = given LEFT JOIN sounds s ON s.name = whole_surname
        LEFT JOIN short f ON f.form = given
        """
    )
