"""The rows of a delivered file as a stream, read once and in order, whatever the file's format.

A file may be larger than memory: so rows come in blocks, and what is wrong with the file as a whole
may show only in its last one. Whoever reads it keeps nothing until all of it was read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from features.errors import DataRefused


@dataclass
class RawRows:
    """The rows of a file, before they are typed.

    schema:     of the blocks: `row_number` (1 = the first row under the header) and what `cells` read.
    blocks:     the rows; may raise DataRefused at any block.
    cells:      SQL over the blocks' columns, one a declared column in their order: the cell's text.
    unreadable: SQL that holds on a row that cannot be read at all, and why; None if there is none such.
    ragged:     (row number, reason) of rows that were left out of the blocks; whole after the last one.
    rows:       how many rows the blocks held; right after the last one.
    """

    schema: pa.Schema
    blocks: Iterator[pa.RecordBatch]
    cells: list[str]
    unreadable: tuple[str, str] | None = None
    ragged: list[tuple[int, str]] = field(default_factory=list)
    rows: int = 0

    def feed(self, con: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Execute a statement that reads the blocks, as `arrived`, once. Raises DataRefused as they do."""
        refused: list[DataRefused] = []

        def counted() -> Iterator[pa.RecordBatch]:
            try:
                for block in self.blocks:
                    self.rows += block.num_rows
                    yield block
            except DataRefused as error:  # DuckDB would make another error of it
                refused.append(error)
                raise

        con.register("arrived", pa.RecordBatchReader.from_batches(self.schema, counted()))
        try:
            con.execute(sql)
        except duckdb.Error:
            if refused:
                raise refused[0] from None
            raise
        finally:
            con.unregister("arrived")


def numbered(blocks: Iterator[pa.RecordBatch], ragged: list[tuple[int, str]]) -> Iterator[pa.RecordBatch]:
    """Put each row's number in the file first, as `row_number`, and name the others c0, c1, ….

    ragged: the rows that are not in the blocks, by number; those of a block are told before it comes.
    """
    number, told = 1, 0
    for block in blocks:
        skipped = np.array([n for n, _ in ragged[told:]], dtype=np.int64)
        numbers = np.arange(number, number + block.num_rows + len(skipped), dtype=np.int64)
        numbers = np.delete(numbers, skipped[skipped < number + len(numbers)] - number)[: block.num_rows]
        if len(numbers):
            number = int(numbers[-1]) + 1
            told += int(np.searchsorted(skipped, number))
        names = ["row_number", *(f"c{i}" for i in range(block.num_columns))]
        yield pa.RecordBatch.from_arrays([pa.array(numbers), *block.columns], names=names)
