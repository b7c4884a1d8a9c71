"""Memory that was freed and is kept by the allocators is given back, between stages that need much of it.

What one stage frees in small pieces the next one cannot use for its large ones: without this a long run
holds the sum of its stages' peaks and not the largest of them.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from contextlib import suppress

import duckdb
import pyarrow as pa

HELD_MEANWHILE = "1GB"
"""What DuckDB may hold while others need memory; of a county of 20,000 it has less."""


def give_back() -> None:
    """Let the system have what is free; where the C library has no way for it, only Arrow's."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)


def set_aside(con: duckdb.DuckDBPyConnection, *, memory: str) -> None:
    """Let DuckDB put its tables on disk but for `HELD_MEANWHILE`; it reads back what it is asked for next.

    memory: what it may take then, as settings name it. Of 200,000 people it holds over 3 GB, and as long as
    trees are fitted nobody asks for any of it.
    """
    with suppress(duckdb.Error):  # where it cannot do without, or has no disk for it, it keeps what it has
        con.execute(f"SET memory_limit = '{HELD_MEANWHILE}'")
    con.execute(f"SET memory_limit = '{memory}'")
