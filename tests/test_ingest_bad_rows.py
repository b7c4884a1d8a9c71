"""Rows that cannot be read: numbered like the others, never lost, and not held, however many there are."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from features.declaration import Extract
from features.ingest import ingest
from features.raw_rows import Ragged, RawRows
from features.read_extract import read_extract
from features.workspace import init_workspace, open_workspace

TWO = {"files": "rows_*", "delivery": "changes", "record_key": "ref", "columns": {"ref": {}, "note": {}}}
DAY = date(2024, 1, 8)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(["good", "ragged"]), max_size=30),
    st.lists(st.tuples(st.integers(0, 6), st.integers(0, 6))),
    st.sampled_from([0, 1]),
)
def test_every_row_has_its_number_wherever_blocks_end(rows, blocks, first) -> None:
    """A reader that gives so many rows a block, and tells of so many ragged ones further on beforehand."""
    ragged, schema = Ragged(), pa.schema([("c0", pa.string())])

    def read() -> Iterator[pa.RecordBatch]:
        told = done = 0
        for size, ahead in [*blocks, (len(rows), 0)]:
            end = min(done + size, len(rows))
            for i in range(told, reach := max(told, min(end + ahead, len(rows)))):
                if rows[i] == "ragged":
                    ragged.tell(first + i, f"why {i % 3}")
            told = reach
            cells = [f"row {first + i}" for i in range(done, end) if rows[i] == "good"]
            yield pa.record_batch([pa.array(cells, pa.string())], schema=schema)
            done = end

    raw = RawRows(schema, read(), ["c0"], ragged=ragged, first=first)
    found = [tuple(row.values()) for batch in raw.numbered() for row in batch.to_pylist()]
    expected = [
        (n, None, f"row {n}") if row == "good" else (n, f"why {(n - first) % 3}", None)
        for n, row in enumerate(rows, start=first)
        if n > 0
    ]
    assert sorted(found) == expected


@pytest.mark.parametrize(
    ("header", "rows", "fates"),
    [
        ("ref,note", ["1,a", "2", "3,c"], {1: True, 2: False, 3: True}),
        ("ref,note", ["1", "2,b,b"], {1: False, 2: False}),
        ('"re"f,note', ["1,a", "2"], {1: True, 2: False}),  # Arrow is told that this header is a ragged row
    ],
)
def test_the_header_is_no_row(tmp_path: Path, header: str, rows: list[str], fates: dict[int, bool]) -> None:
    (tmp_path / "rows_1.csv").write_text("\n".join([header, *rows, ""]))
    with read_extract(tmp_path / "rows_1.csv", Extract(**TWO), extracts={}, scratch=tmp_path) as raw:
        found = [row for batch in raw.numbered() for row in batch.to_pylist()]
    assert {row["row_number"]: row["unread"] is None for row in found} == fates


@pytest.mark.parametrize("name", ["rows_1.csv", "rows_1.jsonl"])
def test_a_file_of_bad_rows_alone_comes_in_blocks_too(tmp_path: Path, name: str) -> None:
    """Or all of its rows would be told of before the first of them goes on."""
    bad, begins = (
        ("x" * 1000 + "\n", "ref,note\n")
        if name.endswith("csv")
        else ("\x1f" * 1000 + "\n", '{"ref": 1, "note": 2}\n')
    )
    (tmp_path / name).write_text(begins + bad * 40_000)
    with read_extract(tmp_path / name, Extract(**TWO), extracts={}, scratch=tmp_path) as raw:
        told = [len(raw.ragged.fetch()[0]) for _ in raw.blocks]
    assert sum(told) == 40_000 and max(told) < 20_000


PEAK = """
import sys
from tests import test_ingest_bad_rows as here
from pathlib import Path
peaks = []
for rows in map(int, sys.argv[3:]):
    getattr(here, sys.argv[1])(Path(sys.argv[2]), rows)
    peaks += [int(line.split()[1]) for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(*peaks)
"""


def grows_by(work: str, folder: Path, *rows: int) -> float:
    """By how many MB the peak of a process rises from a first file of bad rows to a second, larger one."""
    if not Path("/proc/self/status").exists():
        pytest.skip("only Linux says what the peak of a process's memory was")
    asked = [sys.executable, "-c", PEAK, work, str(folder), *map(str, rows)]
    ran = subprocess.run(asked, capture_output=True, text=True, check=True)
    before, after = map(int, ran.stdout.splitlines()[-1].split())  # DuckDB may tell of its progress
    return (after - before) / 1024


def test_a_row_that_cannot_be_read_is_no_object_of_its_own(tmp_path: Path) -> None:
    """A reader may come upon millions; 70,000, more than one batch, are told of before the first goes on."""
    path, extract = tmp_path / "rows_1.csv", Extract(**TWO)
    path.write_text("ref,note\n" + "x\n" * 70_000)
    with read_extract(path, extract, extracts={}, scratch=tmp_path) as raw:
        before, held, rows = sys.getallocatedblocks(), 0, 0
        for batch in raw.numbered():
            rows += batch.num_rows
            held = max(held, sys.getallocatedblocks() - before)
    assert rows == 70_000 and held < 10_000


def take_in(folder: Path, rows: int) -> None:
    """Through ingest: each with a date that is none."""
    source = """
source: rents
title: Rents
owner: Head of housing
legal_gateway: Housing Act 1996
agreement: {reference: ISA-1, review_by: 2030-01-01}
covers_from: 2020-01-01
typical_delay_days: 3
schedule: {every: week, on: monday}
extracts:
  letters:
    files: "letters_*.csv"
    delivery: changes
    record_key: ref
    columns: {ref: {}, tenant: {}, sent_on: {type: date, format: "%d/%m/%Y"}}
    subjects: [{key: tenant}]
    events: [{signal: letter, occurred: sent_on}]
signals:
  letter: {one: letter, many: letters, theme: finance}
"""
    init_workspace(folder / "workspace", sources=None)
    (folder / "workspace" / "settings.yaml").write_text("memory: 200MiB")
    (folder / "workspace" / "sources" / "rents.yaml").write_text(source)
    file = folder / f"letters_{rows}.csv"
    with file.open("w") as lines:
        lines.write("ref,tenant,sent_on\n")
        lines.writelines(f"L{i},T{i},31/02/2024\n" for i in range(rows))
    (report,) = ingest(open_workspace(folder / "workspace"), file, received=DAY)
    assert (report.rows, report.quarantined) == (rows, rows)


@pytest.mark.nightly
def test_ingest_holds_little_more_of_a_million_bad_rows_than_of_200_000(tmp_path: Path) -> None:
    """What DuckDB may hold is 200 MB, here, and Arrow's reader rises by some 60 for good rows too; as Python
    objects the same rows took 1,040 MB more."""
    grown = grows_by("take_in", tmp_path, 200_000, 1_000_000)
    print(f"a million bad rows take {grown:.0f} MB more than 200,000")
    assert grown < 350
