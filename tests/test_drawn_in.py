"""Young people who are drawn in go missing beside all others, and nobody else's life is another for it."""

import csv
from datetime import datetime, timedelta
from pathlib import Path

import pytest

import simulation.drawn_in
from features.read_declaration import read_sources
from simulation.county import simulate
from simulation.drawn_in import APART

OF_MISSING_PEOPLE = ("compact_missing", "ssd_missing", "niche_")
"""How the extracts begin of those who write down missing people: all the police's records, which draw on."""


def episodes(extracts: Path) -> dict[str, dict[str, str]]:
    """By reference, those of the first load that can be read."""
    extract = read_sources(extracts / "sources")["missing"].extracts["episodes"]
    path = extracts / "history" / "compact_missing_history.csv"
    with path.open(encoding=extract.encoding) as file:
        return {row["episode_ref"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A county without them, and the same one with them."""
    root = tmp_path_factory.mktemp("counties")
    with pytest.MonkeyPatch.context() as only:
        only.setattr(simulation.drawn_in, "DRAWN_IN", 0.0)
        only.setattr(simulation.drawn_in, "DRAWN_IN_SLOPE", 0.0)
        simulate(people=600, years=3, seed=4, out=root / "without")
    simulate(people=600, years=3, seed=4, out=root / "with")
    return root / "without", root / "with"


def test_what_other_agencies_hold_is_as_it_was(both: tuple[Path, Path]) -> None:
    without, with_them = both
    files = {path.name for path in (without / "history").iterdir()}
    assert files == {path.name for path in (with_them / "history").iterdir()}
    differ = {
        name
        for name in files
        if (without / "history" / name).read_bytes() != (with_them / "history" / name).read_bytes()
    }
    assert {"compact_missing_history.csv", "niche_occurrences_history.csv"} <= differ
    assert [name for name in differ if not name.startswith(OF_MISSING_PEOPLE)] == []


def test_their_episodes_come_beside_those_there_were(both: tuple[Path, Path]) -> None:
    before, after = map(episodes, both)
    assert {ref: after.get(ref) for ref in before} == before, "nobody's number or day is another"
    more = {ref: row for ref, row in after.items() if ref not in before}
    assert len(more) > 10 and min(more) > max(before)

    def days(rows: dict[str, dict[str, str]]) -> list[tuple[str, datetime]]:
        told = []
        for row in rows.values():
            try:
                told.append((row["person_ref"], datetime.strptime(row["missing_date"], "%d %b %Y")))
            except ValueError:
                continue  # a planted fault
        return told

    near = [
        (child, day)
        for child, day in days(more)
        for other, on in days(before)
        if other == child and abs(day - on) < timedelta(APART)
    ]
    assert near == []
