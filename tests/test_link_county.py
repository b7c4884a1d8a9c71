"""The session's county: people found against people simulated, residences against where they lived."""

from pathlib import Path
from typing import Any

from features.asof import sql_spell_open
from features.reach import reach
from features.residences import residents_sql
from features.shard_plan import flags_of
from features.snapshot import Snapshot, open_snapshot
from simulation.identity_errors import ERRORS

SOURCES = ("council_tax", "rents", "police", "missing", "social_care", "schools")


def with_truth(county: Any) -> Snapshot:
    """The newest snapshot, with table truth(person, source, subject_key, erring) of whom each key names."""
    snapshot = open_snapshot(county.workspace)
    subjects = Path(county.extracts) / "truth" / "subjects.csv"
    erring = " OR ".join(f"{name} = 'true'" for name in ERRORS)
    snapshot.con.execute(
        f"""
        CREATE OR REPLACE TABLE truth AS
        SELECT person, source, subject_key, {erring} AS erring
        FROM read_csv('{subjects}', all_varchar = true) WHERE source IN {SOURCES}
        """
    )
    return snapshot


def test_nobody_is_mistaken_for_another_and_nearly_everybody_is_found_whole(county: Any) -> None:
    """Whole: of what agencies write without an error. What they get wrong is `link evaluate`'s to measure."""
    con = with_truth(county).con
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE pairs AS SELECT person, person_id, erring, count(*) AS subjects
        FROM links JOIN truth USING (source, subject_key) WHERE known_until IS NULL GROUP BY ALL
        """
    )
    mistaken = (
        "SELECT count(*) FROM (FROM pairs SELECT person_id GROUP BY ALL HAVING count(DISTINCT person) > 1)"
    )
    several = (
        "SELECT avg((people = 1)::INTEGER) FROM (FROM pairs SELECT person, count(*) AS people "
        "WHERE NOT erring GROUP BY ALL HAVING sum(subjects) > 1)"
    )
    whole = con.execute(several).fetchall()[0][0]
    print(f"\nof people known to more than one agency, found whole: {whole:.1%}")
    assert con.execute(mistaken).fetchall() == [(0,)]
    assert whole > 0.9


def test_people_are_found_to_live_where_they_live(county: Any) -> None:
    snapshot = with_truth(county)
    residences = Path(county.extracts) / "truth" / "residences.csv"
    right, said = snapshot.con.execute(
        f"""
        WITH lived AS (SELECT * FROM read_csv('{residences}') SEMI JOIN truth USING (person)),
        found AS (
            SELECT DISTINCT t.person, r.uprn FROM ({residents_sql(county.as_of)}) r
            JOIN links l USING (person_id) JOIN truth t USING (source, subject_key)
            WHERE l.known_until IS NULL
        )
        SELECT count(*) FILTER (found.uprn::VARCHAR = lived.uprn::VARCHAR), count(*)
        FROM found JOIN lived USING (person)
        WHERE {sql_spell_open(county.as_of, start="lived.start", end='lived."end"')}
        """
    ).fetchall()[0]
    print(f"\nof {said} people at home somewhere, found there: {right / said:.1%}")
    assert said > 1000
    assert right / said > 0.85


def test_each_happening_is_there_once_a_person_on_any_morning(county: Any) -> None:
    snapshot = open_snapshot(county.workspace)
    flags = flags_of(county.workspace)
    reach(snapshot.con, shared=flags.shared, household_max=flags.household_max)
    overlapping = """
        SELECT count(*) FROM (
            SELECT known_on < lag(coalesce(known_until, DATE '9999-12-31')) OVER (
                PARTITION BY person, happening ORDER BY known_on) AS twice FROM reached_rows)
        WHERE twice
    """
    counted = "SELECT count(*), count(*) FILTER (household) FROM reached_rows"
    rows = snapshot.con.execute(counted).fetchall()[0]
    print(f"\nreached rows: {rows[0]:,}, of them through the household {rows[1]:,}")
    assert snapshot.con.execute(overlapping).fetchall() == [(0,)]
    assert rows[1] > 1000
