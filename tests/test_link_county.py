"""The session's county: people found against people simulated, residences against where they lived."""

from pathlib import Path
from typing import Any

from features.asof import sql_spell_open
from features.reach import reach
from features.residences import residents_sql
from features.shard_plan import flags_of
from features.snapshot import Snapshot, open_snapshot
from monitoring.link_figures import measured
from monitoring.link_held import first_morning, hold_together
from monitoring.link_truth import read_truth
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


def test_people_are_found_as_well_as_was_asked_for_in_every_group(county: Any) -> None:
    """With every planted error at its rate, and with pairs that a strong id joins left out of the count."""
    snapshot = open_snapshot(county.workspace)
    truth = Path(county.extracts) / "truth"
    told = read_truth(snapshot.con, truth, sources=county.workspace.sources, characteristics={"ethnicity"})
    figures = measured(hold_together(snapshot, first_morning(snapshot), told))
    assert figures["linkable"]["share"] >= 0.9
    for which in ("pairwise", "without_strong_ids"):
        said = {name: round(figures[which][name], 4) for name in ("precision", "recall", "f1")}
        print(f"\n{which}: {said}")
        assert figures[which]["precision"] >= 0.995, which
        assert figures[which]["recall"] >= 0.97, which
    groups = figures["by_group"]["ethnicity_true"]["groups"]
    large = {name: one["recall"] for name, one in groups.items() if one["known_twice"] >= 50}
    print({name: round(recall, 3) for name, recall in large.items()})
    assert len(large) >= 5
    assert max(large.values()) - min(large.values()) <= 0.03


def test_hardly_anybody_is_mistaken_for_another_and_nearly_everybody_is_found_whole(county: Any) -> None:
    """Of six agencies; whole: of what they write without an error."""
    con = with_truth(county).con
    con.execute(
        """
        CREATE OR REPLACE TEMP TABLE pairs AS SELECT person, person_id, erring, count(*) AS subjects
        FROM links JOIN truth USING (source, subject_key) WHERE known_until IS NULL GROUP BY ALL
        """
    )
    mistaken = (
        "SELECT avg((people > 1)::INTEGER) FROM ("
        "FROM pairs SELECT person_id, count(DISTINCT person) AS people GROUP BY ALL)"
    )
    several = (
        "SELECT avg((people = 1)::INTEGER) FROM (FROM pairs SELECT person, count(*) AS people "
        "WHERE NOT erring GROUP BY ALL HAVING sum(subjects) > 1)"
    )
    whole = con.execute(several).fetchall()[0][0]
    two_in_one = con.execute(mistaken).fetchall()[0][0]
    print(
        f"\nof people known to more than one agency, found whole: {whole:.1%}; two in one: {two_in_one:.2%}"
    )
    assert two_in_one < 0.01
    assert whole > 0.95


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
    assert right / said > 0.95


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
