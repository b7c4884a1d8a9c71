"""Parquet: columns with types of their own, read group by group."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import IO

import pyarrow as pa
import pyarrow.parquet as pq

from features.cell_text import sql_text
from features.declaration import Extract
from features.errors import DataRefused
from features.header import check_header
from features.raw_rows import RawRows

MOST_ROWS_A_BYTE = 100
"""A row has a key of its own, which takes room; a file with more rows than that was made to do harm."""


def read_parquet(name: str, file: IO[bytes], extract: Extract, extracts: Mapping[str, Extract]) -> RawRows:
    """The rows of a seekable file. Raises DataRefused if it is no Parquet, or has other columns."""
    try:
        # without page buffers a row group is read page by page, however large it is
        parquet = pq.ParquetFile(file, buffer_size=2**20, pre_buffer=False)
        header = parquet.schema_arrow.names
    except (pa.ArrowException, OSError):
        raise _broken(name) from None
    if parquet.metadata.num_rows > MOST_ROWS_A_BYTE * file.seek(0, os.SEEK_END):
        raise DataRefused(
            f"{name} unpacks to more than an extract can hold.",
            problems=[
                "it says that it has more rows than its bytes can tell apart; ask the sender what it is"
            ],
        )
    check_header(name, header, extract, extracts, found_in="of a Parquet file")
    kinds = [parquet.schema_arrow.field(column).type for column in extract.columns]
    cells = [
        sql_text(kind, column, f"c{i}")
        for i, (kind, column) in enumerate(zip(kinds, extract.columns.values(), strict=True))
    ]
    strange = [
        f"{column!r} holds {kind}; a cell is text, a number, a date, a time, or true or false"
        for column, kind, cell in zip(extract.columns, kinds, cells, strict=True)
        if cell is None
    ]
    if strange:
        raise DataRefused(f"{name} has columns that are no cells.", problems=strange)

    def blocks() -> Iterator[pa.RecordBatch]:
        try:
            for block in parquet.iter_batches(batch_size=2**15, columns=list(extract.columns)):
                yield block.select(list(extract.columns))
        except (pa.ArrowException, OSError):
            raise _broken(name) from None

    schema = pa.schema([(f"c{i}", kind) for i, kind in enumerate(kinds)])
    return RawRows(schema, blocks(), [cell for cell in cells if cell is not None])


def _broken(name: str) -> DataRefused:
    return DataRefused(
        f"{name} cannot be read as Parquet.",
        problems=["it is damaged, encrypted, or no Parquet file; ask the sender for the file again"],
    )
