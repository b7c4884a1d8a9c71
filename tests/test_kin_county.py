"""What the simulated agencies tell of who is who to others and who belongs to whom, against the truth."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from features.check import check
from features.households import LIVES_WITH, _hidden, _ties, association_map
from features.snapshot import Snapshot, open_snapshot
from features.workspace import init_workspace, open_workspace

NEW = (
    "history/ssd_family_*",
    "history/ecins_profiles_*",
    "history/ssd_missing_*",
    "history/hbctr_claims_*",
    "history/niche_relationships_*",
)


@pytest.fixture(scope="module")
def snapshot(county: Any, extracts: Path) -> Snapshot:
    """The newest snapshot, with true_people and true_families beside its tables."""
    found = open_snapshot(county.workspace)
    for name in ("people", "families", "subjects"):
        path = extracts / "truth" / f"{name}.csv"
        found.con.execute(
            f"CREATE TABLE true_{name} AS FROM read_csv('{path}', header = true, all_varchar = true)"
        )
    return found


def test_every_link_that_is_told_is_true(snapshot: Snapshot) -> None:
    told = snapshot.con.execute(
        """
        WITH whose AS (SELECT source, subject_key, person FROM true_subjects),
        told AS (
            SELECT source, relation, subject_key, other_key FROM relations WHERE other_key IS NOT NULL
            UNION ALL
            SELECT source, 'family', a.subject_key, b.subject_key
            FROM relations a JOIN relations b USING (source, family) WHERE a.subject_key < b.subject_key
        )
        SELECT t.source, count(*), count(*) FILTER (EXISTS (
            FROM true_families f WHERE f.person = a.person AND f.other = b.person
                AND (f.relation = t.relation OR t.relation = 'family')))
        FROM told t JOIN whose a USING (source, subject_key)
        JOIN whose b ON b.source = t.source AND b.subject_key = t.other_key GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    assert [source for source, *_ in told] == ["benefits", "police_records", "social_care"]
    assert all(n == true > 50 for _, n, true in told), told


def test_a_link_is_told_in_the_systems_own_words_between_people_whom_it_names(extracts: Path) -> None:
    """Of a mother, a father: by the sex of whom the link names; partners with the days of the truth."""
    con = duckdb.connect(config={"threads": 1})
    for name, file in (
        ("link", "history/niche_relationships_*"),
        ("named", "history/niche_occurrences_*"),
        ("subject", "truth/subjects.csv"),
        ("people", "truth/people.csv"),
        ("family", "truth/families.csv"),
        ("fault", "truth/faults.csv"),
    ):
        read = f"read_csv('{extracts / file}', all_varchar = true, header = true, encoding = 'latin-1')"
        con.execute(f"CREATE TABLE {name} AS FROM {read}")
    sound = "link_ref NOT IN (SELECT split_part(record_key, '/', 2) FROM fault)"
    rows = con.execute(
        f"""
        SELECT relationship, f.relation, p.sex, strptime(effective_from, '%d-%m-%Y')::DATE,
               strptime(effective_to, '%d-%m-%Y')::DATE, f.start::DATE, f."end"::DATE,
               greatest(p.birth, q.birth)::DATE, nominal_ref IN (SELECT nominal_ref FROM named)
                   AND related_ref IN (SELECT nominal_ref FROM named)
        FROM (FROM link WHERE {sound}) l
        JOIN subject a ON a.source = 'police_records' AND a.subject_key = nominal_ref
        JOIN subject b ON b.source = 'police_records' AND b.subject_key = related_ref
        JOIN family f ON f.person = a.person AND f.other = b.person
        JOIN people p ON p.person = b.person JOIN people q ON q.person = a.person
        """
    ).fetchall()
    assert con.execute(f"SELECT count(*) FROM link WHERE {sound}").fetchall() == [(len(rows),)]
    words = {"MOTHER": "parent", "FATHER": "parent", "SISTER": "sibling", "BROTHER": "sibling"}
    assert {word for word, *_ in rows} == {*words, "SPOUSE", "PARTNER"}
    for word, relation, sex, since, until, start, end, born, named in rows:
        assert named and words.get(word, "partner") == relation
        if relation == "partner":
            assert since in (None, start) and until in (None, end)
        else:
            assert (since, until) == (born, None)
            assert (sex == "male") == (word in ("FATHER", "BROTHER"))


def test_the_map_shows_what_the_police_tell_of_parents_siblings_and_partners(snapshot: Snapshot) -> None:
    people = [p for (p,) in snapshot.con.execute("SELECT DISTINCT person_id FROM residences").fetchall()]
    told = _ties(snapshot, snapshot.morning_after, people)
    hidden = _hidden(snapshot, snapshot.morning_after, people)
    ties = {
        t.relation: t
        for t in told
        if t.source == "police_records" and not hidden & {t.one, t.other}  # nobody's map shows those
    }
    assert {*ties} == {"parent", "sibling", "partner"}
    for tie in ties.values():
        assert tie in association_map(snapshot, tie.one, snapshot.morning_after).ties
        assert tie in association_map(snapshot, tie.other, snapshot.morning_after).ties


def test_every_key_that_is_told_is_the_same_persons_and_joins_them(snapshot: Snapshot) -> None:
    pairs = snapshot.con.execute(
        """
        SELECT p.source, p.other_source, count(*), count(*) FILTER (a.person = b.person),
               count(*) FILTER (l.person_id = m.person_id)
        FROM (SELECT DISTINCT source, subject_key, other_source, other_key FROM paired_keys) p
        JOIN true_subjects a USING (source, subject_key)
        JOIN true_subjects b ON b.source = p.other_source AND b.subject_key = p.other_key
        JOIN links l ON l.source = p.source AND l.subject_key = p.subject_key AND l.known_until IS NULL
        JOIN links m ON m.source = p.other_source AND m.subject_key = p.other_key AND m.known_until IS NULL
        GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    assert [row[:2] for row in pairs] == [("ecins", "social_care"), ("social_care", "missing")]
    assert all(n == true == joined > 0 for *_, n, true, joined in pairs), pairs


def test_partners_have_lived_together(snapshot: Snapshot) -> None:
    """A claim says where both live; one may be told elsewhere since, or the dwelling be a crowd's by now."""
    people = [p for (p,) in snapshot.con.execute("SELECT DISTINCT person_id FROM residences").fetchall()]
    ties = _ties(snapshot, snapshot.morning_after, people)
    together = {(t.one, t.other) for t in ties if t.relation == LIVES_WITH}
    partners = {(t.one, t.other) for t in ties if t.relation == "partner"}
    assert len(together & partners) > 0.9 * len(partners) > 20


def test_the_new_columns_have_nothing_against_them(extracts: Path, tmp_path: Path) -> None:
    init_workspace(tmp_path / "workspace", sources=extracts / "sources")
    workspace = open_workspace(tmp_path / "workspace")
    loaded = json.loads((extracts / "county.json").read_text(encoding="utf-8"))["history_received_on"]
    for pattern in NEW:
        [file] = extracts.glob(pattern)
        [said] = check(workspace, file, received=date.fromisoformat(loaded), history=True)
        assert said.refused == () and said.report is not None
        assert 0 < 0.98 * said.report.rows < said.report.used, "the planted faults alone are set aside"
        assert [f for f in said.findings if f.severity == "critical"] == []
