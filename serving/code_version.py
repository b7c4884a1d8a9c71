"""Which code made a list: the package's version and a digest of the code that a list runs through."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent


@lru_cache(maxsize=1)
def code_version() -> str:
    """Such as '0.1.0+4f1c2a9d7e30'; 'unpackaged' where the package is not installed (in a Bento)."""
    try:
        number = version("earlyhelp")
    except PackageNotFoundError:
        number = "unpackaged"
    whole = hashlib.sha256()
    for package in ("features", "models", "serving"):
        for path in sorted((ROOT / package).rglob("*.py")):
            whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{number}+{whole.hexdigest()[:12]}"
