"""The rows of a delivered file as a stream, read once and in order, whatever the file's format.

A file may be larger than memory: so rows come in blocks, and what is wrong with the file as a whole
may show only in its last one. Whoever reads it keeps nothing until all of it was read. Rows that cannot
be read go the same way as the others, with the reason in the place of cells: a file may have nothing else.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa

from features.errors import DataRefused

AT_ONCE = 2**16
"""Rows that cannot be read go on in batches of so many."""


class Ragged:
    """The rows that a reader leaves out of its blocks, each with its reason, until they are fetched.

    A reader may come upon millions before its next block: so a row is two numbers here, and no object.
    """

    def __init__(self) -> None:
        self._numbers, self._reasons = array("q"), array("i")
        self._codes: dict[str, int] = {}

    def tell(self, number: int, reason: str) -> None:
        """Add a row; rows are told in their order."""
        self._numbers.append(number)
        self._reasons.append(self._codes.setdefault(reason, len(self._codes)))

    def fetch(self) -> tuple[np.ndarray, pa.DictionaryArray]:
        """The numbers and the reasons of the rows told since it was last called."""
        numbers, codes = np.frombuffer(self._numbers, np.int64), np.frombuffer(self._reasons, np.int32)
        reasons = pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(self._codes, pa.string()))
        self._numbers, self._reasons, self._codes = array("q"), array("i"), {}
        return numbers, reasons


@dataclass
class RawRows:
    """The rows of a file, before they are typed.

    schema:     of the blocks: c0, c1, …, which `cells` read.
    blocks:     the rows; may raise DataRefused at any block.
    cells:      SQL over the blocks' columns, one a declared column in their order: the cell's text.
    unreadable: SQL for why a row cannot be read, NULL if it can; `unread` is the reason of a ragged one.
    ragged:     what the blocks leave out. The rows of a block, and those before it, are told before it comes.
    first:      the number of the first row; row 0, a header that comes as a row, is passed over.
    rows:       how many rows there were, ragged ones included; right after the last block.
    """

    schema: pa.Schema
    blocks: Iterator[pa.RecordBatch]
    cells: list[str]
    unreadable: str = "unread"
    ragged: Ragged = field(default_factory=Ragged)
    first: int = 1
    rows: int = 0

    def feed(self, con: duckdb.DuckDBPyConnection, sql: str) -> None:
        """Execute a statement that reads the rows, as `arrived`, once. Raises DataRefused as the blocks do.

        arrived: row_number (1 = the first row under the header), unread, c0, c1, …; in any order.
        """
        refused: list[DataRefused] = []

        def counted() -> Iterator[pa.RecordBatch]:
            try:
                for batch in self.numbered():
                    self.rows += batch.num_rows
                    yield batch
            except DataRefused as error:  # DuckDB would make another error of it
                refused.append(error)
                raise

        con.register("arrived", pa.RecordBatchReader.from_batches(self._arriving, counted()))
        try:
            con.execute(sql)
        except duckdb.Error:
            if refused:
                raise refused[0] from None
            raise
        finally:
            con.unregister("arrived")

    @property
    def _arriving(self) -> pa.Schema:
        return pa.schema([("row_number", pa.int64()), ("unread", pa.string()), *self.schema])

    def numbered(self) -> Iterator[pa.RecordBatch]:
        """All rows, as `arrived` has them, in batches: of the blocks, and between them those left out."""
        number, ahead = self.first, np.zeros(0, np.int64)  # of rows told that come after those passed on
        for block in self.blocks:
            told, reasons = self.ragged.fetch()
            yield from self._left_out(told, reasons)
            ahead, rows = np.concatenate([ahead, told]), block.num_rows
            numbers = np.arange(number, number + rows + len(ahead), dtype=np.int64)
            numbers = np.delete(numbers, ahead[ahead < number + len(numbers)] - number)[:rows]
            if rows:
                number = int(numbers[-1]) + 1
                columns = [pa.array(numbers), pa.nulls(rows, pa.string()), *block.columns]
                yield pa.RecordBatch.from_arrays(columns, schema=self._arriving).slice(int(numbers[0] == 0))
            ahead = ahead[ahead >= number]
            following = int(np.argmin(np.append(ahead == number + np.arange(len(ahead)), False)))
            number, ahead = number + following, ahead[following:]
        yield from self._left_out(*self.ragged.fetch())

    def _left_out(self, numbers: np.ndarray, reasons: pa.DictionaryArray) -> Iterator[pa.RecordBatch]:
        header = int(len(numbers) > 0 and numbers[0] == 0)
        for start in range(header, len(numbers), AT_ONCE):
            some, why = numbers[start : start + AT_ONCE], reasons.slice(start, AT_ONCE).cast(pa.string())
            columns = [pa.array(some), why, *(pa.nulls(len(some), kind) for kind in self.schema.types)]
            yield pa.RecordBatch.from_arrays(columns, schema=self._arriving)
