"""In the session's county: no list tells an event of a record that is only probably the person's."""

from __future__ import annotations

from features.graded import graded_sql
from features.snapshot import open_snapshot
from serving.weekly_list import kept_list
from tests.conftest import CountyOnDisk


def test_no_event_of_a_doubtful_record_is_told(county: CountyOnDisk) -> None:
    kept = kept_list(county.workspace, county.as_of)
    snapshot = open_snapshot(county.workspace, last_delivery=kept["last_delivery"], link_run=kept["link_run"])
    graded: dict[str, dict[tuple[str, str], float]] = {}
    for source, key, person, _, _, strength in snapshot.con.sql(graded_sql(county.as_of)).fetchall():
        graded.setdefault(person, {})[source, key] = strength
    of_event = {
        event: (source, key)
        for event, source, key in snapshot.con.sql(
            "SELECT event_id, source, subject_key FROM events WHERE subject_key IS NOT NULL"
        ).fetchall()
    }
    shared = {name for source in county.workspace.sources.values() for name, signal in source.signals.items()
              if signal.shared}  # fmt: skip
    told = doubtful = 0
    for flag in kept["flags"]:
        if flag["restricted"]:
            assert flag["link_strength"] is None and flag["joined"] == ""
            continue
        records = graded[flag["person_id"]]
        assert flag["link_strength"] == min(records.values()) <= 1
        assert f"{len(records)} records" in flag["joined"] or flag["joined"].startswith("From one record")
        in_doubt = flag["link_strength"] < kept["link_show"]
        assert ("only probably theirs" in flag["joined"]) == in_doubt
        doubtful += in_doubt
        for said in (*flag["reasons"], *flag["strengths"]):
            for event in said["event_ids"]:
                if said["channel"].split(".")[-1] in shared or said["channel"].startswith("household"):
                    continue
                told += 1
                assert records[of_event[event]] >= kept["link_show"]
    print(f"\n{told:,} events told of {len(kept['flags'])} people, {doubtful} of them with a doubtful record")
    assert told > 50
