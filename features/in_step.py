"""Compiled code that is kept on disk is forgotten when a file that it was compiled from changes.

Numba knows stored code by the content of the one file in which the function stands. What that function
calls, and the constants frozen into it, stand in others; without this, a corrected `features.asof` would
leave a kernel that still reads by the old rule.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import ModuleType
from typing import Any

from numba.core.registry import CPUDispatcher


def in_step_with(own: Mapping[str, Any], *modules: ModuleType) -> None:
    """Forget the stored code of a module's own compiled functions unless it is of just these files.

    own: globals() of the module, at its end. modules: all others that its compiled functions call or
    take constants from, through others too.
    """
    functions: list[Any] = [
        found
        for found in own.values()
        if isinstance(found, CPUDispatcher) and found.py_func.__module__ == own["__name__"]
    ]
    paths = [own["__file__"], *(module.__file__ or "" for module in modules)]
    digest = hashlib.sha256(b"\0".join(Path(path).read_bytes() for path in paths)).hexdigest()
    stamp = Path(functions[0]._cache.cache_path) / f"{own['__name__']}.of"
    if stamp.is_file() and stamp.read_text(encoding="utf-8") == digest:
        return
    with suppress(OSError):  # of a program that one may only read: Numba then stores nothing new either
        for function in functions:
            function._cache.flush()
        stamp.write_text(digest, encoding="utf-8")
