"""Files that were made to do harm are refused, in words: bombs, path tricks, far cells, endless headers."""

import gzip
import json
import os
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from features import unpack, workbook_parts
from features.errors import DataRefused
from tests.test_formats import cells_of, declared, workbook


def zipped(path: Path, members: dict[str, bytes]) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in members.items():
            z.writestr(name, data)


BOMB = b"000000\n" * 200_000
SHEET = (
    b'<?xml version="1.0"?><worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main">'
    b"<sheetData>%s</sheetData></worksheet>"
)


def harmful(folder: Path) -> dict[str, tuple[str, str]]:
    """Files that must be refused: name → what is said, case → name."""
    csv = b"ref\nK1\n"
    zipped(folder / "rows_a.zip", {"../../etc/rows_1.csv": csv})
    zipped(folder / "rows_b.zip", {"C:\\rows_1.csv": csv})
    zipped(folder / "rows_c.zip", {"/rows_1.csv": csv})
    zipped(folder / "rows_d.zip", {"rows_1.csv": csv, "rows_2.csv": csv})
    zipped(folder / "rows_e.zip", {"rows_1.zip": b"PK"})
    zipped(folder / "rows_f.zip", {"other.csv": csv})
    zipped(folder / "rows_g.zip", {})
    zipped(folder / "rows_h.zip", {"rows_1.csv": b"ref\n" + BOMB})
    (folder / "rows_i.csv.gz").write_bytes(gzip.compress(b"ref\n" + BOMB))
    zipped(folder / "rows_j.zip", {"rows_1.csv": csv * 20})
    data = bytearray((folder / "rows_j.zip").read_bytes())
    data[6] |= 1  # encrypted, in both headers
    data[data.index(b"PK\1\2") + 8] |= 1
    (folder / "rows_j.zip").write_bytes(data)
    zipped(folder / "rows_k.zip", {"rows_1.csv": os.urandom(500)})
    data = bytearray((folder / "rows_k.zip").read_bytes())
    data[200] ^= 255
    (folder / "rows_k.zip").write_bytes(data)
    (folder / "rows_l.csv.gz").write_bytes(gzip.compress(csv * 1000)[:-20])
    (folder / "rows_m.zip").write_bytes(b"PK not really")
    (folder / "rows_n.csv").write_text(",".join(["ref", *"a" * 400_000]) + "\nK1\n")
    (folder / "rows_o.csv").write_text(",".join(["ref", *"a" * 1_000_000]) + "\nK1\n")
    (folder / "rows_p.xlsx").write_bytes(b"\xd0\xcf\x11\xe0 has a password")
    (folder / "rows_q.parquet").write_bytes(b"PAR1 not really PAR1")
    workbook(folder / "rows_r.xlsx", {"A1": "ref", "A2": "K1"})
    far = folder / "rows_s.xlsx"
    parts = {}
    with zipfile.ZipFile(folder / "rows_r.xlsx") as z:
        parts = {name: z.read(name) for name in z.namelist()}
    row = (
        b'<row r="1"><c r="A1" t="str"><v>ref</v></c></row><row r="%d"><c r="A%d" t="str"><v>K</v></c></row>'
    )
    parts["xl/worksheets/sheet1.xml"] = SHEET % (row % (10**9, 10**9))
    zipped(far, parts)
    parts["xl/worksheets/sheet1.xml"] = SHEET % (b"<!--" + BOMB + b"-->")
    zipped(folder / "rows_t.xlsx", parts)
    table = pa.table({"ref": pa.DictionaryArray.from_arrays(pa.array([0] * 3_000_000, pa.int32()), ["K"])})
    pq.write_table(table, folder / "rows_u.parquet", compression="zstd")
    pq.write_table(pa.table({"ref": [[1, 2]]}), folder / "rows_v.parquet")
    (folder / "rows_w.jsonl").write_text(json.dumps({f"k{i}": 1 for i in range(50_000)}) + "\n")
    (folder / "rows_x.xls").write_bytes(b"")
    with zipfile.ZipFile(folder / "rows_y.zip", "w", zipfile.ZIP_LZMA) as z:
        z.writestr("rows_1.csv", csv)
    return {
        "a path upwards": ("rows_a.zip", "names a path outside itself"),
        "a drive": ("rows_b.zip", "names a path outside itself"),
        "a path from the root": ("rows_c.zip", "names a path outside itself"),
        "two files": ("rows_d.zip", "holds 2 files"),
        "an archive in an archive": ("rows_e.zip", "holds another archive"),
        "another file": ("rows_f.zip", "holds no file named like rows_"),
        "nothing": ("rows_g.zip", "holds 0 files"),
        "a zip bomb": ("rows_h.zip", "unpacks to more than"),
        "a gz bomb": ("rows_i.csv.gz", "unpacks to more than"),
        "encrypted": ("rows_j.zip", "is encrypted"),
        "damaged": ("rows_k.zip", "cannot be unpacked"),
        "cut": ("rows_l.csv.gz", "cannot be unpacked"),
        "no zip": ("rows_m.zip", "cannot be unpacked"),
        "too many columns": ("rows_n.csv", "too many columns"),
        "a million columns": ("rows_o.csv", "too long to be a row"),
        "an Excel file with a password": ("rows_p.xlsx", "cannot be read as an Excel workbook"),
        "no Parquet": ("rows_q.parquet", "cannot be read as Parquet"),
        "a far cell": ("rows_s.xlsx", "further out than a sheet"),
        "a bomb of a workbook": ("rows_t.xlsx", "unpacks to more than"),
        "a bomb of a Parquet file": ("rows_u.parquet", "unpacks to more than"),
        "lists for cells": ("rows_v.parquet", "'ref' holds list"),
        "JSON with too many keys": ("rows_w.jsonl", "too many columns"),
        "another method of zip": ("rows_y.zip", "packed in an unusual way"),
        "old Excel": ("rows_x.xls", "Excel's old form"),
    }


def test_what_was_made_to_do_harm_is_refused_in_words(tmp_path, subtests, monkeypatch) -> None:
    monkeypatch.setattr(unpack, "HARMLESS", 2**20)  # so that a small bomb will do
    for case, (name, says) in harmful(tmp_path).items():
        with subtests.test(case), pytest.raises(DataRefused) as refused:
            cells_of(tmp_path / name, declared(columns={"ref": {}}))
        assert says in str(refused.value), case


def test_the_parts_of_a_workbook_that_are_held_in_memory_are_bounded(tmp_path, subtests, monkeypatch) -> None:
    workbook(tmp_path / "rows_1.xlsx", {"A1": "ref", "A2": "K1"})
    with zipfile.ZipFile(tmp_path / "rows_1.xlsx") as z:
        parts = {name: z.read(name) for name in z.namelist()}
    extract = declared(columns={"ref": {}})
    monkeypatch.setattr(workbook_parts, "TEXTS", (200_000, 1000))
    monkeypatch.setattr(workbook_parts, "OTHERS", (100_000, 1000))
    listed, texts = "[Content_Types].xml", "xl/sharedStrings.xml"
    kind = f'<Override PartName="/{texts}" ContentType="{SHARED_STRINGS}" /></Types>'
    parts[listed] = parts[listed].replace(b"</Types>", kind.encode())
    parts[texts] = b'<sst xmlns="%s"><si><t>K2</t></si></sst>' % SHEET_MAIN_NS.encode()
    kept = b't="inlineStr"><is><t>K1</t></is>'
    sheet = parts["xl/worksheets/sheet1.xml"]
    parts["xl/worksheets/sheet1.xml"] = sheet.replace(kept, b't="s"><v>0</v>')
    zipped(tmp_path / "rows_1.xlsx", parts)
    assert cells_of(tmp_path / "rows_1.xlsx", extract) == [(1, "K2", None)]
    elsewhere = {**parts, listed: parts[listed].replace(b"xl/sharedStrings", b"xl/worksheets/more")}
    elsewhere["xl/worksheets/more.xml"] = elsewhere.pop(texts)
    large, many = b"<!--" + os.urandom(150_000).hex().encode() + b"-->", b"<si/>" * 2000
    for case, of, part, more in (
        ("large texts", parts, texts, large),
        ("many texts", parts, texts, many),
        ("one text in many pieces", parts, texts, b"<si>" + b"<r/>" * 2000 + b"</si>"),
        ("texts that stand elsewhere", elsewhere, "xl/worksheets/more.xml", many),
        ("large styles", parts, "xl/styles.xml", large),
        ("many sheets", parts, "xl/workbook.xml", many),
        ("a long list of parts", parts, listed, many),
    ):
        head, end, tail = of[part].rpartition(b"</")
        zipped(tmp_path / "rows_2.xlsx", {**of, part: head + more + end + tail})
        with subtests.test(case), pytest.raises(DataRefused, match="more than a workbook can hold"):
            cells_of(tmp_path / "rows_2.xlsx", extract)
