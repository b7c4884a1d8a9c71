"""Extracts whose truth is known, and what may befall them: for the fuzzer of ingest.

A case is a declaration, rows written as it says, and faults put into some of them; each row knows what
must become of it, and each true event is told once. Or the file itself is mangled, and only what always
holds is asked for.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import zipfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from pathlib import Path

import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq
from hypothesis import strategies as st

from features.declaration import Source

FIRST, RECEIVED = date(2020, 1, 1), date(2024, 6, 3)
NAMES = ("ref", "Person Ref", "näme", "a,b", 'said "so"', "x;y", "day~of/it", "2", "kind|of", "=sum", "$.a")
FORMATS = ("%d/%m/%Y", "%Y-%m-%d", "%d %b %Y", "%Y%m%d", "%m/%d/%Y")
KINDS = ("csv",) * 12 + ("jsonl",) * 5 + ("parquet",) * 3 + ("xlsx",)


@dataclass
class Case:
    """A file and what it was declared as.

    events: (record key, day, amount) → 1, what must be found; fates: row number → used, aside, ignored.
    refused: whether the file must be refused whole. known: whether all this is known, or the file mangled.
    """

    source: Source = field(repr=False)
    file: str
    data: bytes = field(repr=False)
    events: Counter = field(default_factory=Counter)
    fates: dict[int, str] = field(default_factory=dict)
    refused: bool = False
    known: bool = True


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any case. Hypothesis chooses what is declared and what befalls it; the rows come from a seed."""
    chance = random.Random(draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(KINDS))
    names = chance.sample(NAMES, 6)
    form, encoding = draw(st.sampled_from(FORMATS)), draw(st.sampled_from(("utf-8", "cp1252", "utf-16")))
    delimiter = draw(st.sampled_from(",;\t|"))
    source = _declared(names, form, encoding, delimiter)
    case = Case(source, f"rows_1.{kind}", b"")
    rows = [_row(i, form, chance) for i in range(draw(st.sampled_from((4, 0, 1, 2, 3, 7, 12))))]
    wrong = draw(st.lists(st.sampled_from(sorted(FAULTS)), max_size=4)) if rows else []
    lines = _befallen(case, rows, wrong, kind, chance)
    header = list(names)
    trouble = draw(st.sampled_from(("none", "none", "none", "none", "header", "bytes", "bytes")))
    if trouble == "header":
        header[chance.randrange(5)] = chance.choice(["", header[-1], "Ref", "x" * 50])
        case.refused = True
    case.data = WRITERS[kind](header, lines, encoding, delimiter, form)
    if trouble == "bytes":
        case.data, case.known = _mangled(case.data, draw(st.sampled_from(sorted(MANGLES))), chance), False
    packed = draw(st.sampled_from(("", "", ".gz", ".zip")))
    if packed:
        case.data, case.file = _packed(case, packed), case.file + packed
        if draw(st.integers(0, 9)) == 0:
            case.data, case.known = _mangled(case.data, "cut", chance), False
    return case


def _declared(names: list[str], form: str, encoding: str, delimiter: str) -> Source:
    key, who, day, kind, owed, _ = names
    return Source.model_validate(
        {
            "source": "fuzzed",
            "title": "Fuzzed",
            "owner": "Nobody",
            "legal_gateway": "None",
            "agreement": {"reference": "ISA-1", "review_by": "2030-01-01"},
            "covers_from": "2020-01-01",
            "typical_delay_days": 3,
            "schedule": {"every": "day"},
            "extracts": {
                "rows": {
                    "files": "rows_*",
                    "delivery": "changes",
                    "encoding": encoding,
                    "delimiter": delimiter,
                    "record_key": key,
                    "columns": {
                        key: {"required": True},
                        who: {},
                        day: {"type": "date", "format": form, "required": True, "not_before": "2019-01-01"},
                        kind: {"type": "code", "codes": {"R": "reminder", "X": "written off"}},
                        owed: {"type": "number", "min": 0},
                    },
                    "subjects": [{"key": who, "optional": True}],
                    "events": [{"signal": "reminder", "occurred": day, "amount": owed}],
                    "ignore": [{"rule": "written off", "when": {kind: "written off"}}],
                }
            },
            "signals": {"reminder": {"one": "reminder", "many": "reminders"}},
        }
    )


def _row(i: int, form: str, chance: random.Random) -> list[str]:
    """A true row: key, who, day, kind, owed, and a column that nobody declared."""
    on = FIRST + timedelta(days=chance.randrange(1500))
    owed = chance.choice(["", "0", "12.5", f"{chance.randrange(10**6) / 100}"])
    name = chance.choice(["Zoë", "O'Neil", "a, b; c|d", 'the "younger"', ""])
    return [
        f"K{i}",
        f"P{chance.randrange(9)}",
        on.strftime(form),
        chance.choice(["R", "R", "R", "", "X"]),
        owed,
        name,
    ]


def _set(at: int, text: str) -> Callable[[list[str]], list[str]]:
    return lambda row: [text if i == at else cell for i, cell in enumerate(row)]


FAULTS: dict[str, Callable[[list[str]], list[str]]] = {
    "no such day": _set(2, "31/02/2024"),
    "no day": _set(2, ""),
    "an early day": _set(2, "01/01/1066"),
    "no such code": _set(3, "Q"),
    "no key": _set(0, "  "),
    "a formula": _set(1, "=1+1"),
    "nobody": _set(1, ""),
    "a negative sum": _set(4, "-3"),
    "a sum in words": _set(4, "twelve"),
    "a long key": lambda row: [row[0] + "x" * 5000, *row[1:]],
    "blanks": lambda row: [f" {cell}\u00a0" if i < 5 else cell for i, cell in enumerate(row)],
    "a cell more": lambda row: [*row, "more"],
    "a cell less": lambda row: row[:-1],
    "again": lambda row: row,
    "again, differing": lambda row: [*row[:4], "99.75", *row[5:]],
}
HARMLESS = ("a long key", "blanks")


def _befallen(
    case: Case, rows: list[list[str]], wrong: list[str], kind: str, chance: random.Random
) -> list[list[str]]:
    """The rows with their faults, put into an order; tells the case what must become of each."""
    faults = dict(zip(chance.sample(range(len(rows)), min(len(wrong), len(rows))), wrong, strict=False))
    lines: list[tuple[list[str], str, list[str]]] = []
    for i, row in enumerate(rows):
        fault = faults.get(i)
        if fault in ("a cell more", "a cell less") and kind != "csv":
            fault = None  # the others have no such thing
        fate = "ignored" if row[3] == "X" else "used"
        if fault is None or fault in HARMLESS:
            row = FAULTS[fault](row) if fault else row
            lines.append((row, fate, row))
        elif fault in ("again", "again, differing"):
            differs = fault != "again" and fate == "used"
            for copy in (row, FAULTS[fault](row)):
                lines.append((copy, "aside" if differs else fate, row))
        else:
            ragged = fault.startswith("a cell")
            # what a rule ignores is ignored whatever else is wrong, if it is known whose it is
            spared = fate == "ignored" and not ragged and fault not in ("no such code", "no key")
            lines.append((FAULTS[fault](row), "ignored" if spared else "aside", row))
    chance.shuffle(lines)
    form = next(c.format for c in case.source.extracts["rows"].columns.values() if c.format)
    for number, (_, fate, row) in enumerate(lines, start=1):
        case.fates[number] = fate
        if fate == "used":
            key, who, day, _, owed, _ = (cell.strip(" \u00a0") for cell in row)
            told = (key, who, _day(day, form), float(owed) if owed else None)
            case.events[told] = 1
    return [line for line, _, _ in lines]


def _day(text: str, form: str) -> date:
    return datetime.strptime(text, form).date()


def _csv(header: list[str], lines: list[list[str]], encoding: str, delimiter: str, form: str) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\r\n")
    writer.writerows([header, *lines])
    return text.getvalue().encode(encoding)


def _jsonl(header: list[str], lines: list[list[str]], encoding: str, delimiter: str, form: str) -> bytes:
    if not lines:  # a file without an object has no keys; one row that says nothing
        lines = [[""] * len(header)]
    said = [json.dumps(dict(zip(header, line, strict=True)), ensure_ascii=False) for line in lines]
    return "\n".join([*said, ""]).encode(encoding)


def _parquet(header: list[str], lines: list[list[str]], encoding: str, delimiter: str, form: str) -> bytes:
    out = io.BytesIO()
    columns = [pa.array([line[i] for line in lines], pa.string()) for i in range(len(header))]
    pq.write_table(pa.Table.from_arrays(columns, names=header), out)
    return out.getvalue()


def _xlsx(header: list[str], lines: list[list[str]], encoding: str, delimiter: str, form: str) -> bytes:
    """Dates that are dates, and sums that are numbers, as Excel has them."""
    book, out = openpyxl.Workbook(), io.BytesIO()
    for at, line in enumerate([header, *lines]):
        for i, text in enumerate(line):
            value: object = text or None
            if at and i == 2:
                try:
                    value = _day(text, form)
                except ValueError:
                    value = text or None
            cell = book.active.cell(at + 1, i + 1)
            cell.value = value
            if isinstance(value, str) and value.startswith("="):
                cell.data_type = "s" if at == 0 else "f"
    book.save(out)
    return out.getvalue()


WRITERS = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet, "xlsx": _xlsx}


def _packed(case: Case, packed: str) -> bytes:
    if packed == ".gz":
        return gzip.compress(case.data, compresslevel=1)
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(case.file, case.data)
    return out.getvalue()


def _at(data: bytes, chance: random.Random) -> int:
    return chance.randrange(len(data) + 1)


MANGLES: dict[str, Callable[[bytes, random.Random], bytes]] = {
    "cut": lambda data, chance: data[: _at(data, chance)],
    "a byte": lambda data, chance: (
        data[: (at := _at(data, chance))] + bytes([chance.randrange(256)]) + data[at + 1 :]
    ),
    "bytes within": lambda data, chance: (
        data[: (at := _at(data, chance))] + chance.randbytes(chance.randrange(40)) + data[at:]
    ),
    "a quote": lambda data, chance: data[: (at := _at(data, chance))] + b'"' + data[at:],
    "a line break": lambda data, chance: data[: (at := _at(data, chance))] + b"\n" + data[at:],
    "a mark": lambda data, chance: chance.choice([b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff"]) + data,
    "the end first": lambda data, chance: data[(at := _at(data, chance)) :] + data[:at],
    "twice": lambda data, chance: data + data,
    "something else": lambda data, chance: chance.randbytes(chance.randrange(300)),
}


def _mangled(data: bytes, how: str, chance: random.Random) -> bytes:
    return MANGLES[how](data, chance)


def written(case: Case, folder: Path) -> Path:
    """The case's file."""
    path = folder / case.file
    path.write_bytes(case.data)
    return path
