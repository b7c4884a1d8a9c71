"""Linking again a week later, in the session's county: whom nothing new was told of keeps their id."""

from typing import Any

from benchmarks.linkage import moved_of
from features.snapshot import open_snapshot


def test_a_further_week_moves_nobody_of_whom_it_tells_nothing(county: Any) -> None:
    subjects, persons, unchanged, moved = moved_of(county.workspace)
    print(f"\n{subjects:,} subjects, {persons:,} people; {moved} of {unchanged:,} unchanged have another id")
    assert unchanged > 1000
    assert moved < 0.001 * unchanged


def test_the_log_names_everybody_whose_id_is_another(county: Any) -> None:
    now = open_snapshot(county.workspace)
    runs = {run["link_run"]: run["last_delivery"] for run in now.tables.read("link_runs").to_pylist()}
    earlier = now.link_run - 1
    before = open_snapshot(county.workspace, last_delivery=runs[earlier], link_run=earlier)
    standing = "SELECT source, subject_key, person_id FROM links WHERE known_until IS NULL"

    def ids(state: Any) -> dict[tuple[str, str], str]:
        return {(source, key): person for source, key, person in state.con.execute(standing).fetchall()}

    was, became = ids(before), ids(now)
    moved = {(was[who], became[who]) for who in was.keys() & became.keys() if was[who] != became[who]}
    log = [row for row in now.tables.read("person_log").to_pylist() if row["link_run"] == now.link_run]
    ends = {"merged": lambda row: (row["person_id"], row["other"])}
    told = {
        ends.get(row["change"], lambda row: (row["other"], row["person_id"]))(row)
        for row in log
        if row["change"] != "new"
    }
    assert told == moved
    new = {row["person_id"] for row in log if row["change"] == "new"}
    assert new == set(became.values()) - set(was.values()) - {person for _, person in moved}
    assert new
