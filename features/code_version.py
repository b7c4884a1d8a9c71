"""Which code made something: the package's version and a digest of the code that it runs through."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent


@lru_cache
def code_version(packages: tuple[str, ...]) -> str:
    """Such as '0.1.0+4f1c2a9d7e30', over all files of some packages; 'unpackaged' where the package is not
    installed (in a Bento)."""
    try:
        number = version("earlyhelp")
    except PackageNotFoundError:
        number = "unpackaged"
    whole = hashlib.sha256()
    for package in packages:
        for path in sorted((ROOT / package).rglob("*.py")):
            whole.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{number}+{whole.hexdigest()[:12]}"
