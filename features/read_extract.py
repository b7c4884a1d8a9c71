"""A file as an agency sent it, opened by the reader of its format; every format gives the same rows.

The format is that of the file's name, once .gz or .zip is taken away: .xlsx, .parquet, .jsonl, and
anything else is text in columns.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePath

from features.declaration import Extract
from features.errors import DataRefused
from features.raw_rows import RawRows
from features.read_csv import read_csv
from features.unpack import seekable, unpacked

EXCEL, PARQUET, JSON_LINES = (".xlsx", ".xlsm"), (".parquet",), (".jsonl", ".ndjson")
UNREAD = {
    ".xls": "Excel's old form; save it as .xlsx or as CSV",
    ".xlsb": "Excel's binary form; save it as .xlsx or as CSV",
    ".ods": "a spreadsheet; save it as .xlsx or as CSV",
    ".json": "one JSON document; send JSON lines (.jsonl), one object a line",
    ".pdf": "made to be printed; ask the sender for the rows, as CSV",
}


def digest_of(path: Path) -> str:
    """The sha256 of a file, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def read_extract(
    path: Path, extract: Extract, *, extracts: Mapping[str, Extract], scratch: Path
) -> Iterator[RawRows]:
    """Open a delivered file; its rows can be read within the context.

    extracts: all the workspace declares, by '<source>.<extract>', to say whose file it may be instead.
    scratch:  a folder for what must be unpacked before it can be read.
    Raises DataRefused, here or while the rows are read, if it is not the extract it is taken for.
    """
    with unpacked(path, glob=extract.files) as (name, stream):
        ending = PurePath(name).suffix.lower()
        if ending in UNREAD:
            raise DataRefused(f"{path.name} cannot be read.", problems=[f"it is {UNREAD[ending]}"])
        if ending in EXCEL + PARQUET:
            with seekable(stream, folder=scratch) as file:
                if ending in PARQUET:
                    from features.read_parquet import read_parquet

                    yield read_parquet(path.name, file, extract, extracts)
                else:
                    from features.read_excel import read_excel

                    size = file.seek(0, os.SEEK_END)
                    with read_excel(path.name, file, size, extract, extracts) as rows:
                        yield rows
        elif ending in JSON_LINES:
            from features.read_lines import read_lines

            yield read_lines(path.name, stream, extract, extracts)
        else:
            yield read_csv(path.name, stream, extract, extracts)
