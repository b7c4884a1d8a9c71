"""The benchmark: its data is the agreed one, its cases all run, and a wrong value does not pass."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from benchmarks.__main__ import main
from benchmarks.case import run_here
from benchmarks.measure import Cost
from benchmarks.plan import Result, Task, Turns, carry_out
from benchmarks.reference import NAMES, Event, differences, reference
from benchmarks.table import is_void, printed, targets
from benchmarks.workload import SIZES, events_of, generate

DAY = 86_400_000_000
AS_OF = date(2026, 1, 1)
T = (AS_OF - date(1970, 1, 1)).days * DAY


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for generated data, which the benchmark then uses."""
    monkeypatch.setenv("BENCH_DATA", str(tmp_path))
    return tmp_path


def test_the_generated_numbers_are_those_that_others_were_measured_on(tmp_path: Path) -> None:
    generate(tmp_path / "W", people=300, events=5_000)
    table = pq.read_table(tmp_path / "W")
    digest = hashlib.sha256()
    for name in table.column_names:
        digest.update("\n".join(map(str, table[name].to_pylist())).encode())
    assert digest.hexdigest() == "9d270069afc64379da12108ac35ad1727851ee609e327b9414a46eeff6f19a25"


def test_the_reference_at_the_edges_of_its_windows() -> None:
    def event(days_ago: float, *, known: float | None = None, agency: int = 0, amount: float = 1.0) -> Event:
        known_at = T - int((days_ago - 0.5 if known is None else known) * DAY)
        return Event(agency, 3, T - int(days_ago * DAY), known_at, amount)

    events = [
        event(730, amount=5.0),  # the first moment of the longest window
        event(730.5),  # before it
        event(90, amount=7.0),
        event(10, known=0),  # known on the morning itself
        event(30, agency=1, amount=9.0),
    ]
    found = reference(events, AS_OF)
    assert found is not None
    value = dict(zip(NAMES, found.tolist(), strict=True))
    assert [value[f"cnt_type_03_{w}"] for w in (30, 90, 180, 365, 730)] == [1, 2, 2, 2, 3]
    assert (value["agency_00_dsl"], value["agency_00_iat"], value["agency_00_sum90"]) == (90, 640, 7)
    assert (value["agency_00_trend90"], value["agency_01_c30"], value["nsrc365"]) == (1, 1, 2)
    assert np.isnan(value["agency_02_dsl"]) and value["agency_02_sum365"] == 0
    assert reference([event(730.5), event(10, known=0)], AS_OF) is None


def test_every_case_runs_and_gives_the_references_values(
    cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--quick"]) == 0
    lines = [line for line in capsys.readouterr().out.splitlines() if line.startswith("| tiny")]
    assert len(lines) == 12
    for line in lines:
        assert "BAD" not in line
        assert ("equal" in line) == ("reading" not in line and "making" not in line)
    assert [path.name for path in cache.iterdir()] == ["W_500_10000"], "a run clears up after itself"


@pytest.mark.parametrize("case", ["files", "polars"])
def test_one_wrong_value_of_one_person_is_found(
    cache: Path, case: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def spoilt(*asked: object) -> tuple[Cost, np.ndarray]:
        cost, values = run_here(*asked)  # type: ignore[arg-type]
        person = np.flatnonzero(~np.isnan(values[0]).all(axis=1))[7]
        values[0, person, NAMES.index("agency_05_c365")] += 1
        return cost, values

    turns = [Turns(1, (Task(case, "tiny", 2),))]
    results = carry_out(turns, run=spoilt, scratch=cache, tell=print)
    assert "BAD" in capsys.readouterr().out
    [wrong] = results[Task(case, "tiny", 2)].wrong
    assert f"{case}, tiny, 2025-12-01" in wrong and "agency_05_c365" in wrong


def test_someone_missing_and_someone_too_many_are_found() -> None:
    one, nobody = np.ones((1, 350)), np.full((1, 350), np.nan)
    assert differences(one, nobody, [7]) == ["person 7 should not be in the panel"]
    assert differences(nobody, one, [7]) == ["person 7 should be in the panel"]
    assert differences(one, one * 1.00001, [7]) == differences(nobody, nobody, [7]) == []


def test_data_is_generated_once(cache: Path) -> None:
    first = events_of(SIZES["tiny"])
    written = (first / "part000.parquet").stat().st_mtime_ns
    assert events_of(SIZES["tiny"]) == first
    assert (first / "part000.parquet").stat().st_mtime_ns == written


def test_targets_say_plainly_what_was_reached_and_a_slow_rival_voids_the_run() -> None:
    def result(wall: float, cpu: float = 1.0, peak: int = 10**9, rows: int = 10**6) -> Result:
        return Result([Cost(wall, cpu, peak, rows)] * 3)

    results = {
        Task("reading", "M"): result(0.1),
        Task("files", "M"): result(0.5),
        Task("polars", "M"): result(1.0),
        Task("files", "S", 24): result(1, cpu=1),
        Task("polars", "S", 24): result(1, cpu=4),
        Task("binned", "S", 24): result(1, cpu=1),
        Task("binned", "M", 24): result(1, cpu=13, rows=10**7, peak=4_600_000_000),
        Task("parquet", "S", 24): result(1, cpu=1),
        Task("parquet", "M", 24): result(1, cpu=10, rows=10**7, peak=2_600_000_000),
    }
    found = list(targets(results))
    assert [(target.measured, target.verdict) for target in found] == [
        ("5.0 x", "reached"),
        ("2.0 x", "NOT reached"),
        ("4.0 x", "reached"),
        ("4.60 GB, 3.50 of them the bins", ""),
        ("1.30 x", "NOT reached"),
        ("2.60 GB", "NOT reached"),
        ("1.00 x", "reached"),
        ("10.0 x", "reached"),
    ]
    assert not is_void(found)
    results[Task("polars", "M")] = result(2.5)
    assert is_void(found := list(targets(results)))
    assert any("VOID" in line for line in printed(results, found))
