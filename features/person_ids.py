"""What people are called: an id for each person that was founded, and never one for two of them.

An id is the beginning of a hash of whoever founded the person, so that nobody has to be asked for the next
number. Among a million people two such beginnings are alike once in thirty counties: the person founded
later then has the next beginning of its own, and so has one whose id stood for somebody else in any link run
of before.
"""

from __future__ import annotations

from itertools import count

import duckdb

DIGITS = 11
"""Hexadecimal digits of an id, after its P: 44 bits."""


def id_sql(founded: str) -> str:
    """SQL of an id from SQL of the text that says who founded the person, and which try it is."""
    return f"'P' || left(sha256({founded}), {DIGITS})"


def name_people(con: duckdb.DuckDBPyConnection, *, given: str | None) -> None:
    """Make temporary table person_names(founder, number, person_id) of those who found_rows(founder, number)
    says are founders, by `subjects`(subject, source, subject_key), who are numbered by seniority.

    given: a table (source, subject_key, person_id) of who had which id in any link run of before. An id that
    the founder itself never had is somebody else's.
    """
    first = "f.source || '|' || f.subject_key || if(f.number = 0, '', chr(31) || f.number)"
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE unnamed AS
        SELECT founder, number, source, subject_key
        FROM (SELECT DISTINCT founder, number FROM found_rows) JOIN subjects ON subject = founder;

        CREATE OR REPLACE TEMP TABLE person_names (founder BIGINT, number BIGINT, person_id VARCHAR)
        """
    )
    elses = "(SELECT founder, number FROM unnamed LIMIT 0)"
    if given:
        elses = f"""(
            SELECT a.founder, a.number FROM asked a JOIN {given} g USING (person_id) GROUP BY ALL
            HAVING NOT bool_or(g.source = a.source AND g.subject_key = a.subject_key))"""
    tried = 0
    while con.execute("SELECT count(*) FROM unnamed").fetchall()[0][0]:
        founded = f"{first} || chr(30) || '{tried}'" if tried else first
        con.execute(
            f"""
            INSERT INTO person_names
            WITH asked AS (SELECT f.*, {id_sql(founded)} AS person_id FROM unnamed f)
            SELECT founder, number, person_id
            FROM asked ANTI JOIN person_names USING (person_id) ANTI JOIN {elses} USING (founder, number)
            QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY founder, number) = 1;

            CREATE OR REPLACE TEMP TABLE unnamed AS
            FROM unnamed ANTI JOIN person_names USING (founder, number)
            """
        )
        tried += 1


def another_id(con: duckdb.DuckDBPyConnection, id_: str, *, known: str) -> str:
    """The next id after one, that is none of those a SELECT of one column has."""
    for tried in count(1):
        text = "$id || chr(30) || $tried"
        [(found, had)] = con.execute(
            f"SELECT {id_sql(text)} AS found, found IN ({known})", {"id": id_, "tried": str(tried)}
        ).fetchall()
        if not had:
            return str(found)
    raise AssertionError  # there is always a next
