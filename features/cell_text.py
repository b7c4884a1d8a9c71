"""A cell that has a type of its own, as the text that the declaration expects.

Excel, Parquet and databases hold dates and numbers, not how somebody would have written them. Each is
written as its column is declared, and is then read like any other text, by the same rules. A date that
the declared format cannot hold (a year of two digits, an hour it has no place for) is written in full
instead, so that it is set aside and not quietly changed.
"""

from __future__ import annotations

import json
import uuid
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

import pyarrow as pa

from features.declaration import Column
from features.rule_sql import SQL_TYPES, quoted

ON_A_DAY = "DATE '2000-01-01'"


def text_of(value: Any) -> str | None:
    """A value as text; None if there is none. Raises TypeError for what is no cell, such as bytes.

    >>> text_of(100012345678.0), text_of(True), text_of(datetime(2024, 1, 3, 9, 5)), text_of(0.5)
    ('100012345678', 'true', '2024-01-03 09:05:00', '0.5')
    """
    match value:
        case None | str():
            return value
        case bool():
            return str(value).lower()
        case float():
            return None if value != value else str(int(value)) if _whole(value) else repr(value)
        case Decimal():
            return str(int(value)) if value.is_finite() and value == int(value) else format(value, "f")
        case int() | uuid.UUID():
            return str(value)
        case datetime():
            return value.isoformat(sep=" ")
        case date() | time():
            return value.isoformat()
        case timedelta():
            return str(value)
        case dict() | list():
            return json.dumps(value)
    raise TypeError(f"{type(value).__name__} is no cell")


def _whole(value: float) -> bool:
    return value == value // 1 and abs(value) < 1e15


def sql_text(kind: pa.DataType, column: Column, cell: str) -> str | None:
    """SQL for the text of a cell that Arrow holds as `kind`; None if it is no kind of cell.

    cell: the SQL of the value. A time with an offset is told in local time.
    """
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        return f"CAST({cell} AS VARCHAR)"
    if pa.types.is_null(kind):
        return "CAST(NULL AS VARCHAR)"
    if pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        return f"CAST({cell} AS VARCHAR)"
    if pa.types.is_floating(kind) or pa.types.is_decimal(kind):
        value = f"CAST({cell} AS DOUBLE)"
        return (
            f"CASE WHEN isnan({value}) THEN NULL WHEN {value} = trunc({value}) AND abs({value}) < 1e15 "
            f"THEN CAST(CAST({value} AS BIGINT) AS VARCHAR) ELSE CAST({cell} AS VARCHAR) END"
        )
    if pa.types.is_date(kind) or pa.types.is_timestamp(kind) or pa.types.is_time(kind):
        return _moment(kind, column, cell)
    return None


def _moment(kind: pa.DataType, column: Column, cell: str) -> str:
    plain = f"CAST({cell} AS {'DATE' if pa.types.is_date(kind) else 'VARCHAR'})"
    if column.format is None or pa.types.is_time(kind) != (column.type == "time"):
        return f"CAST({plain} AS VARCHAR)"
    form, read_as = quoted(column.format), SQL_TYPES["time" if column.type == "time" else "datetime"]
    value = f"({ON_A_DAY} + {cell})" if column.type == "time" else cell
    if pa.types.is_timestamp(kind):
        value = f"CAST({cell} AS {'TIMESTAMPTZ' if kind.tz else 'TIMESTAMP'})"
    written = f"strftime({value}, {form})"
    same = f"CAST(try_strptime({written}, {form}) AS {read_as}) = CAST({cell} AS {read_as})"
    return f"CASE WHEN {same} THEN {written} ELSE CAST({plain} AS VARCHAR) END"
