"""Writing extracts: faults are planted, rows appended to their files, and both listed in the truth.

A block of the county is written at a time; each file keeps count of its rows so that a later block
goes on where the one before ended.
"""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from features.declaration import Extract, Source
from simulation import world
from simulation.calendar import NONE, Calendar, Days, Index
from simulation.clerks import Clerks
from simulation.draw import Random
from simulation.extracts import Draft, Values, Versions, as_text, files_of, versions
from simulation.people import Text

FAULT_COLUMNS = ("file", "row_number", "record_key", "column", "kind")


@dataclass
class Post:
    """Files being written under a folder, with the rows each holds so far."""

    out: Path
    sources: dict[str, Source]
    calendar: Calendar
    rows: dict[str, int] = field(default_factory=dict)

    def send(self, random: Random, drafted: Draft, clerks: Clerks | None = None) -> int:
        """Write one draft to every file it belongs to, and what is true of it to the truth.

        clerks: who write the people in it down, as their agency believes them to be.

        Returns the number of rows written. Raises KeyError where the declaration has a column that
        the draft has not.
        """
        draft = clerks.write(drafted) if clerks else drafted
        source = self.sources[draft.source]
        extract = source.extracts[draft.extract]
        held = versions(random, draft, self.calendar, full=extract.delivery == "full")
        table = as_text(held, extract.columns)
        keys = record_keys(draft.extract, table, extract)
        files = files_of(source, draft.extract, self.calendar)
        first = np.full(len(keys), -1)
        gone = np.full(len(keys), -1)
        written = 0
        for at in reversed(range(len(files))):
            file = files[at]
            holds = file.holds(held)
            first[holds] = at
            gone[(held.seen_until < file.morning)] = at
            rows, faults = plant(random, table.filter(pa.array(holds)), keys[holds], extract)
            path = f"{file.folder}/{file.name}"
            start = self.append(path, rows, delimiter=extract.delimiter, encoding=extract.encoding)
            rows_of = [(path, start + row, key, column, kind) for row, key, column, kind in faults]
            listed = {name: pa.array([f[i] for f in rows_of]) for i, name in enumerate(FAULT_COLUMNS)}
            self.append("truth/faults.csv", pa.table(listed))
            written += rows.num_rows
        labels = pa.array([f.folder.removeprefix("deliveries/") for f in files])
        self._tell_truth(held, keys, first, gone, labels)
        if clerks:
            clerks.note(draft, drafted, held.row[first >= 0])
        return written

    def append(self, path: str, rows: pa.Table, *, delimiter: str = ",", encoding: str = "utf-8") -> int:
        """Add rows to a CSV file; the first to come writes the header. Returns the rows that were there."""
        target = self.out / path
        before = self.rows.get(path)
        if before is None:
            target.parent.mkdir(parents=True, exist_ok=True)
        buffer = io.BytesIO()
        options = csv.WriteOptions(
            include_header=before is None, delimiter=delimiter, quoting_style="none", quoting_header="none"
        )
        csv.write_csv(rows, buffer, options)
        data = buffer.getvalue()
        if encoding.lower().replace("-", "") != "utf8":
            # A letter that an old encoding has not comes out as a question mark, as it does in life.
            data = data.decode("utf-8").encode(encoding, errors="replace")
        with target.open("wb" if before is None else "ab") as stream:
            stream.write(data)
        self.rows[path] = (before or 0) + rows.num_rows
        return before or 0

    def _tell_truth(self, held: Versions, keys: Text, first: Index, gone: Index, labels: pa.Array) -> None:
        draft, ever = held.draft, first >= 0
        for happening, signal in zip(draft.happenings, held.signals, strict=True):
            occurred = held.column(happening.occurred)
            true = ever & (signal != "") & (occurred != NONE)
            if happening.unless_ended and happening.ended:
                over = held.column(happening.ended)
                true &= (over == NONE) | (over > occurred)
            for subject in happening.subjects or (None,):
                key = _strings(held.column(subject)) if subject else None
                here = true if key is None else true & (key != "")
                at = np.flatnonzero(here)
                ended = held.column(happening.ended)[at] if happening.ended else np.full(len(at), NONE)
                place = (
                    _strings(held.column(happening.place))[at] if happening.place else np.full(len(at), "")
                )
                table = {
                    "source": pa.array([draft.source] * len(at)),
                    "extract": pa.array([draft.extract] * len(at)),
                    "record_key": pa.array(keys[at]),
                    "subject_key": pa.array(
                        key[at] if key is not None else np.full(len(at), ""), pa.string()
                    ),
                    "signal": pc.binary_join_element_wise(
                        draft.source, pa.array(signal[at], pa.string()), "."
                    ),
                    "occurred_on": _iso(occurred[at]),
                    "ended_on": _iso(ended),
                    "place": pa.array(place, pa.string()),
                    "recorded_on": _iso(held.seen_from[at]),
                    "written_in": labels.take(pa.array(first[at])),
                    "gone_in": labels.take(pa.array(gone[at], mask=gone[at] < 0)),
                }
                self.append("truth/events.csv", pa.table(table))


def record_keys(name: str, table: pa.Table, extract: Extract) -> Text:
    """'<extract>/<key columns joined by |>' of each row."""
    parts = [pc.fill_null(table[column], "") for column in extract.record_key]
    joined = parts[0] if len(parts) == 1 else pc.binary_join_element_wise(*parts, "|")
    return np.array(pc.binary_join_element_wise(name, joined, "/").to_pylist(), dtype=object)


def plant(
    random: Random, table: pa.Table, keys: Text, extract: Extract
) -> tuple[pa.Table, list[tuple[int, str, str, str]]]:
    """Spoil a few rows. Returns the table and (row number from 1, record key, column, kind) of each fault.

    A register of objections is small and kept by hand: a row of it that cannot be read stops the list.
    """
    count = random.binomial(table.num_rows, world.FAULTS) if table.num_rows else 0
    if not count or extract.always_marks("objection"):
        return table, []
    dates = [n for n, c in extract.columns.items() if c.type in ("date", "datetime")]
    codes = [n for n, c in extract.columns.items() if c.type == "code"]
    kinds = ["duplicate"] + ["bad_date", "wrong_format"] * bool(dates) + ["unknown_code"] * bool(codes)
    if extract.delivery != "full":
        kinds.append("missing_key")
    rows = np.sort(random.choice(table.num_rows, size=count, replace=False))
    chosen = [kinds[i] for i in random.integers(0, len(kinds), count)]
    spoilt: dict[str, dict[int, str | None]] = {}
    faults: list[tuple[int, str, str, str]] = []
    again: list[int] = []
    for row, kind in zip(rows.tolist(), chosen, strict=True):
        column = extract.record_key[0]
        if kind == "duplicate":
            again.append(row)
        elif kind == "missing_key":
            spoilt.setdefault(column, {})[row] = None
        else:
            filled = [c for c in (codes if kind == "unknown_code" else dates) if table[c][row].is_valid]
            if not filled:
                continue
            column = filled[int(random.integers(0, len(filled)))]
            wrong = {"bad_date": "31/02/2025", "wrong_format": "12th of May", "unknown_code": "??9"}[kind]
            spoilt.setdefault(column, {})[row] = wrong
        faults.append((row + 1, keys[row], column, kind))
    for column, cells in spoilt.items():
        mask = np.zeros(table.num_rows, dtype=bool)
        mask[list(cells)] = True
        values = pa.array([cells[r] for r in sorted(cells)], type=pa.string())
        changed = pc.replace_with_mask(table[column].combine_chunks(), pa.array(mask), values)
        table = table.set_column(table.column_names.index(column), column, changed)
    return pa.concat_tables([table, table.take(pa.array(again, pa.int64()))]), faults


def _strings(values: Values) -> Text:
    """A text column with '' for empty."""
    return np.array(["" if value is None else value for value in values.tolist()], dtype=object)


def _iso(days: Days) -> pa.Array:
    days = np.asarray(days, dtype=np.int32)
    return pa.array(days, mask=days == NONE).cast(pa.date32())
