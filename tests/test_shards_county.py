"""The session's county, week after week: its shards made from those of the week before, and anew."""

from __future__ import annotations

import shutil
import time
from typing import Any

import pytest

import features.shards as making
from features.shard_files import content_hash
from features.shards import shards_of
from features.snapshot import Snapshot, open_snapshot


def test_two_weeks_of_news_give_what_everything_gives(
    county_copy: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(making, "_enough", lambda events: 4)
    workspace = county_copy.workspace
    newest, home = open_snapshot(workspace), workspace.data / "shards"
    ledger = newest.con.execute(
        "SELECT link_run, last_delivery FROM all_link_runs ORDER BY link_run DESC LIMIT 2"
    ).fetchall()
    weeks = [Snapshot(workspace, delivery, run) for run, delivery in reversed(ledger)]
    assert weeks[-1] == newest, "the last two link runs are those of the last two weeks"
    between = weeks[0].last_delivery + (newest.last_delivery - weeks[0].last_delivery) // 2
    weeks.insert(1, Snapshot(workspace, between, weeks[0].link_run))
    shutil.rmtree(home)
    shards_of(weeks[0])
    made, seconds = [], []
    for week in weeks[1:]:
        assert week.con is not None
        start = time.perf_counter()
        made.append(shards_of(week))
        seconds.append(time.perf_counter() - start)
    shutil.rmtree(home)
    newest._cache.clear()
    start = time.perf_counter()
    anew = shards_of(newest)
    print(
        f"\nshards of a week's news: {seconds[-1]:.2f} s, of everything: {time.perf_counter() - start:.2f} s"
    )
    assert anew.entries == made[-1].entries
    assert [content_hash(anew.read(number)) for number in range(4)] == [entry.hash for entry in anew.entries]
    shutil.rmtree(home)
    weeks[1]._cache.clear()
    assert shards_of(weeks[1]).entries == made[0].entries
    assert sum(entry.rows for entry in anew.entries) > 50_000
