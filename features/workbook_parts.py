"""The parts of a workbook that openpyxl reads whole are bounded, each by itself.

Sheets are read as a stream. The texts that cells share, the styles and what lists the sheets are held in
memory, at many times their bytes: one object for each tag.
"""

from __future__ import annotations

import zipfile

from openpyxl.packaging.manifest import Manifest
from openpyxl.xml.constants import (
    ARC_CONTENT_TYPES,
    ARC_STYLE,
    ARC_THEME,
    SHARED_STRINGS,
    XLSM,
    XLSX,
    XLTM,
    XLTX,
)
from openpyxl.xml.functions import fromstring

from features.errors import DataRefused

TEXTS = (128 * 2**20, 12_000_000)
"""Bytes and tags of all shared texts; a plain one has four tags, and so there may be 3 million."""

OTHERS = (16 * 2**20, 1_000_000)
"""Bytes and tags of any other part that is read whole."""


def check_parts(archive: zipfile.ZipFile, name: str) -> None:
    """Raises DataRefused if a part that is read whole would take more memory than an extract's should."""
    _check(archive, name, ARC_CONTENT_TYPES, OTHERS)
    listed = Manifest.from_tree(fromstring(archive.read(ARC_CONTENT_TYPES)))
    limits = {ARC_STYLE: OTHERS, ARC_THEME: OTHERS}
    for kind, limit in (*((kind, OTHERS) for kind in (XLSX, XLSM, XLTX, XLTM)), (SHARED_STRINGS, TEXTS)):
        for part in listed.findall(kind):  # wherever it says that it stands
            limits[part.PartName[1:]] = limit
    for part_name, limit in limits.items():
        if part_name in archive.namelist():
            _check(archive, name, part_name, limit)


def _check(archive: zipfile.ZipFile, name: str, part: str, most: tuple[int, int]) -> None:
    size = tags = 0
    with archive.open(part) as stream:
        while size <= most[0] and tags <= most[1] and (block := stream.read(2**20)):
            size += len(block)
            tags += block.count(b"<")
    if size > most[0] or tags > most[1]:
        raise DataRefused(
            f"{name} unpacks to more than a workbook can hold here.",
            problems=[
                f"its part {part.rpartition('/')[2][:40]!r} is held in memory, and has over "
                f"{most[0] // 2**20} MB or {most[1]:,} tags; ask the sender for CSV"
            ],
        )
