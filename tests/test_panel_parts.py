"""Panels in parts on disk: the same as computed, taken only if they are of the very same panel."""

from __future__ import annotations

import shutil
from datetime import date, time, timedelta
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

import features.panel as panels
import features.shards as making
from features.catalogue import Catalogue
from features.errors import UserMistake
from features.link import person_id
from features.panel import Panel, build_panel, panel_parts, read_panel, store_panels
from features.panel_files import PanelFiles, panel_files
from features.shard_store import Shards
from features.workspace import open_workspace
from tests.town import Town, declaration

AS_OF = date(2026, 3, 1)
PEOPLE = [f"p{number:02}" for number in range(30)]
SHARDS = 4


@pytest.fixture
def threads() -> int:
    return 2


@pytest.fixture
def town(threads: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Town:
    monkeypatch.setattr(making, "_enough", lambda events: SHARDS)
    town = Town(tmp_path)
    (tmp_path / "settings.yaml").write_text(f"threads: {threads}", encoding="utf-8")
    town.workspace = open_workspace(tmp_path)
    town.person(*PEOPLE, "silent")
    for number, who in enumerate(PEOPLE):
        town.event(who, "missing.episode", date(2026, 1, 1 + number), ended=date(2026, 2, 1 + number % 20))
        town.event(who, "police.incident", date(2025, 12, 31), amount=number, at=time(22, number))
    return town


def same(one: Panel, other: Panel) -> None:
    assert one.person_ids.tolist() == other.person_ids.tolist()
    assert one.person_ids.dtype.kind == other.person_ids.dtype.kind == "U"
    assert (one.as_of, one.names, one.catalogue_hash) == (other.as_of, other.names, other.catalogue_hash)
    assert (one.last_delivery, one.link_run) == (other.last_delivery, other.link_run)
    assert one.X.dtype == other.X.dtype == np.float32
    np.testing.assert_array_equal(one.X, other.X)


def spied(monkeypatch: pytest.MonkeyPatch, kind: type[Shards] | type[PanelFiles]) -> list[int]:
    """The numbers of what is read from now on."""
    read, original = [], kind.read

    def reading(self: object, number: int, *rest: object) -> object:
        read.append(number)
        return original(self, number, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(kind, "read", reading)
    return read


def written(files: PanelFiles) -> dict[str, int]:
    return {path.name: path.stat().st_ino for path in sorted(files.folder.iterdir())}


@pytest.mark.parametrize("threads", [1, 3, 9])
def test_stored_parts_are_the_panel(town: Town) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    built, files = build_panel(snapshot, catalogue, AS_OF), panel_files(snapshot, catalogue, AS_OF)
    assert not files.folder.exists(), "building stores nothing"
    assert built.person_ids.tolist() == PEOPLE
    same(built, read_panel(snapshot, catalogue, AS_OF))
    parts = written(files)
    assert list(parts) == [f"{number:04d}.parquet" for number in range(SHARDS)], "nothing unfinished is left"
    same(built, read_panel(snapshot, catalogue, AS_OF))
    assert written(files) == parts, "read, not made again"
    each = list(panel_parts(snapshot, catalogue, AS_OF))
    assert [len(part.person_ids) for part in each] == [files.people(number) for number in range(SHARDS)]
    assert sorted(who for part in each for who in part.person_ids) == PEOPLE


def test_parts_follow_one_another_in_order_of_ids_however_many_there_are(
    town: Town, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that a model does not depend on how many shards its panels were read from."""
    ids = [person_id("police", f"N{n}") for n in range(40)]
    town.person(*ids)
    for person in ids:
        town.event(person, "police.incident", "1 Jun")
    for many in (1, 2, 16):
        monkeypatch.setattr(making, "_enough", lambda events, many=many: many)
        shutil.rmtree(town.workspace.data / "shards", ignore_errors=True)
        shutil.rmtree(town.workspace.data / "panels", ignore_errors=True)
        parts = list(panel_parts(town.snapshot, town.catalogue, date(2026, 6, 29)))
        found = np.concatenate([part.person_ids for part in parts]).tolist()
        assert [person for person in found if person in set(ids)] == sorted(ids)
    assert len(parts) == 16


def test_rows_are_read_alone_part_by_part(town: Town) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    whole = list(panel_parts(snapshot, catalogue, AS_OF))
    rows = [np.flatnonzero(np.arange(len(part.X)) % 2 == number % 2) for number, part in enumerate(whole)]
    rows[-1] = rows[-1][:0]
    some = list(panel_parts(snapshot, catalogue, AS_OF, rows=rows))
    assert sum(map(len, rows)) > 1 and len(some) == len(whole)
    for part, all_of_it, its in zip(some, whole, rows, strict=True):
        assert part.person_ids.tolist() == all_of_it.person_ids[its].tolist()
        np.testing.assert_array_equal(part.X, all_of_it.X[its])


def test_columns_are_read_alone_in_the_order_asked_for(town: Town) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    names = ("police.incident.count_90", "missing.episode.open")
    found = read_panel(snapshot, catalogue, AS_OF, columns=names)
    assert found.names == names
    np.testing.assert_array_equal(found.X, build_panel(snapshot, catalogue, AS_OF).columns(names))
    with pytest.raises(
        UserMistake, match=r"'police\.incident\.cuont_90': did you mean police\.incident\.count_90"
    ):
        read_panel(snapshot, catalogue, AS_OF, columns=["police.incident.cuont_90"])


def test_several_dates_read_each_shard_once(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    dates = [AS_OF - timedelta(days=30 * back) for back in range(3)]
    shards, read = making.shards_of(snapshot, catalogue), []
    original = type(shards).read
    monkeypatch.setattr(
        type(shards), "read", lambda self, number: (read.append(number), original(self, number))[1]
    )
    people = store_panels(snapshot, catalogue, dates)
    assert sorted(read) == list(range(SHARDS))
    for as_of in dates:
        assert people[as_of] == len(build_panel(snapshot, catalogue, as_of).person_ids)
        same(read_panel(snapshot, catalogue, as_of), build_panel(snapshot, catalogue, as_of))
    assert store_panels(snapshot, catalogue, dates) == people


def test_parts_of_another_catalogue_state_or_shard_are_not_taken(town: Town) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    wanted, files = build_panel(snapshot, catalogue, AS_OF), panel_files(snapshot, catalogue, AS_OF)
    store_panels(snapshot, catalogue, [AS_OF, AS_OF - timedelta(days=30)])
    other = catalogue.select(catalogue.names[:3])
    store_panels(snapshot, other, [AS_OF])
    strangers = [
        panel_files(snapshot, other, AS_OF).path(0),
        panel_files(snapshot, catalogue, AS_OF - timedelta(days=30)).path(0),
        files.path(1),
    ]
    for stranger in strangers:
        files.path(0).write_bytes(stranger.read_bytes())
        assert files.count() is None
        same(read_panel(snapshot, catalogue, AS_OF), wanted)
    files.path(2).unlink()
    files.path(3).write_bytes(files.path(3).read_bytes()[:100])
    same(read_panel(snapshot, catalogue, AS_OF), wanted)


def test_a_part_says_what_it_is(town: Town) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    store_panels(snapshot, catalogue, [AS_OF])
    table = pq.read_table(panel_files(snapshot, catalogue, AS_OF).path(2))
    assert table.column_names == ["person_id", *catalogue.names]
    told = {key.decode(): value.decode() for key, value in table.schema.metadata.items()}
    assert (told["catalogue"], told["as_of"]) == (catalogue.hash, "2026-03-01")
    assert (told["shard"], told["shards"]) == ("2", str(SHARDS))
    assert (told["last_delivery"], told["link_run"]) == ("1", "1")


def test_no_more_than_a_few_parts_are_in_memory(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(making, "_enough", lambda events: 16)
    snapshot, catalogue = town.snapshot, town.catalogue
    store_panels(snapshot, catalogue, [AS_OF])
    read = spied(monkeypatch, PanelFiles)
    parts = panel_parts(snapshot, catalogue, AS_OF)
    for taken in range(1, 4):
        next(parts)
        assert len(read) <= taken + snapshot.workspace.settings.threads
    parts.close()


def test_a_stored_panel_needs_no_shards(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    catalogue = town.catalogue
    first = read_panel(town.snapshot, catalogue, AS_OF)
    monkeypatch.setattr(panels, "shards_of", None)
    same(read_panel(town.snapshot, catalogue, AS_OF), first)


def test_a_catalogue_of_signals_that_nobody_knows_is_refused_by_name(town: Town) -> None:
    known = town.catalogue
    town.declare(town.workspace.root, declaration("health", visit={}))
    asked = _catalogue_now(town)
    (town.workspace.root / "sources" / "health.yaml").unlink()
    town.workspace = open_workspace(town.workspace.root)
    with pytest.raises(UserMistake, match=r"health\.visit"):
        build_panel(town.snapshot, asked, AS_OF)
    assert len(build_panel(town.snapshot, known, AS_OF).person_ids) == len(PEOPLE)


def _catalogue_now(town: Town) -> Catalogue:
    town.workspace = open_workspace(town.workspace.root)
    return town.catalogue


# Mornings that are asked for by mistake, or once in four years.


@pytest.mark.parametrize("as_of", [date(1900, 1, 1), date(2017, 1, 1), date(9999, 12, 31)])
def test_before_and_after_all_data_nobody_has_a_row(as_of: date, town: Town) -> None:
    snapshot, catalogue = town.snapshot, town.catalogue
    for panel in (build_panel(snapshot, catalogue, as_of), read_panel(snapshot, catalogue, as_of)):
        assert panel.X.shape == (0, len(catalogue.names))
        assert panel.person_ids.tolist() == []
        assert panel.arrow().num_rows == len(panel.pandas()) == 0
    assert store_panels(snapshot, catalogue, [as_of]) == {as_of: 0}


@pytest.mark.parametrize(
    ("as_of", "on", "days"),
    [
        (date(2024, 2, 29), date(2024, 2, 28), 1 - 2.5 / 24),
        (date(2024, 3, 1), date(2024, 2, 29), 1 - 2.5 / 24),
        (date(2026, 3, 30), date(2026, 3, 29), 1 - 2.5 / 24),  # the hour that the clocks leave out
        (date(2026, 10, 26), date(2026, 10, 25), 1 - 2.5 / 24),  # a day of 25 hours
        (date(2026, 3, 29), date(2026, 3, 28), 1 - 2.5 / 24),
    ],
)
def test_leap_days_and_clock_changes_are_days_like_others(
    as_of: date, on: date, days: float, town: Town
) -> None:
    town.person("ann")
    town.event("ann", "police.incident", on, at=time(2, 30), known=on)
    panel = read_panel(town.snapshot, town.catalogue, as_of)
    row = panel.X[panel.rows_of(["ann"])[0]]
    value = dict(zip(panel.names, row.tolist(), strict=True))
    assert value["police.incident.count_30"] == 1
    assert value["police.incident.days_since"] == pytest.approx(days)
    assert "ann" not in read_panel(town.snapshot, town.catalogue, on).person_ids


def test_a_person_with_a_hundred_thousand_events(town: Town) -> None:
    town.person("ann")
    town.many_events("ann", "police.incident", [AS_OF - timedelta(days=at % 700) for at in range(100_000)])
    panel = build_panel(town.snapshot, town.catalogue, AS_OF)
    at = panel.rows_of(["ann"])[0]
    in_30_days = sum(0 < at % 700 <= 30 for at in range(100_000))
    assert panel.column("police.incident.count_30")[at] == in_30_days
    assert panel.column("police.incident.days_since")[at] == 1
