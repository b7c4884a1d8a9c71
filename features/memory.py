"""Memory that was freed and is kept by the allocators is given back, between stages that need much of it.

What one stage frees in small pieces the next one cannot use for its large ones: without this a long run
holds the sum of its stages' peaks and not the largest of them.
"""

from __future__ import annotations

import ctypes
import gc
import sys

import pyarrow as pa


def give_back() -> None:
    """Let the system have what is free; where the C library has no way for it, only Arrow's."""
    gc.collect()
    pa.default_memory_pool().release_unused()
    if sys.platform == "linux" and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)):
        trim(0)
