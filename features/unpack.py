"""A delivered file without its wrapping: .gz and .zip are opened here, and only here.

An archive comes from outside and may be made to do harm: it may unpack to more than any disk holds,
name a path outside, hold another archive. What is not one plain file is refused, in words; nothing is
ever written to a name that an archive gives.
"""

from __future__ import annotations

import io
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from gzip import GzipFile
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO

from features.errors import DataRefused

MOST_BYTES = 50 * 2**30
"""What one file may unpack to; ten years of a large county's largest log are a tenth of it."""

MOST_TIMES = 200
"""How many times its size a file may unpack to: extracts come to 5 to 50 times, bombs to 1,000."""

HARMLESS = 64 * 2**20
"""Bytes; up to here a file may unpack to any number of times its size."""

Stream = IO[bytes] | io.RawIOBase

MOST_OF_A_WORKBOOK = 2 * 2**30
"""Bytes; the texts of a workbook are held in memory while it is read, unlike those of other formats."""

METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""How a member may be packed; what reads the others fails in ways of its own on a damaged file."""

ARCHIVES = (".zip", ".gz", ".7z", ".rar", ".tar", ".tgz", ".bz2", ".xz", ".zst")


def plain_names(path: Path) -> list[str]:
    """The names a file goes by: its own without .gz or .zip and, for a .zip, those of its members.

    Nothing is checked here; what is no archive has no members.
    """
    names = [path.name.removesuffix(".gz").removesuffix(".zip")]
    if path.suffix == ".zip":
        try:
            with zipfile.ZipFile(path) as archive:
                names += [PurePosixPath(info.filename).name for info in _members(archive)]
        except (zipfile.BadZipFile, OSError, NotImplementedError, ValueError):
            pass  # told when it is read
    return names


@contextmanager
def unpacked(path: Path, *, glob: str) -> Iterator[tuple[str, Stream]]:
    """Open a delivered file: the name of what is in it, and its bytes as a stream.

    glob: what the one file in a .zip must be named like.
    Raises DataRefused, here or while the stream is read, for what cannot or should not be unpacked.
    """
    if path.suffix == ".gz":
        with path.open("rb") as file, GzipFile(fileobj=file) as stream:
            yield path.name.removesuffix(".gz"), _Watched(stream, path, path.stat().st_size)
    elif path.suffix == ".zip":
        try:
            archive = zipfile.ZipFile(path)
        except (zipfile.BadZipFile, NotImplementedError, ValueError):
            raise _broken(path) from None
        with archive:
            member = _only_member(archive, path, glob)
            try:
                packed = archive.open(member)
            except (zipfile.BadZipFile, NotImplementedError):
                raise _broken(path) from None
            with packed:
                name = PurePosixPath(member.filename).name
                yield name, _Watched(packed, path, max(member.compress_size, 1))
    else:
        with path.open("rb") as file:
            yield path.name, file


@contextmanager
def seekable(stream: Stream, *, folder: Path) -> Iterator[IO[bytes]]:
    """The same bytes as a file in which one can go back and forth: unnamed, in `folder`, gone at the end."""
    if not isinstance(stream, io.RawIOBase):
        yield stream
        return
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as copy:
        while block := stream.read(2**20):
            copy.write(block)
        copy.seek(0)
        yield copy


def check_sizes(archive: zipfile.ZipFile, name: str, size: int) -> None:
    """Raises DataRefused if a file that is a zip inside, as a workbook is, would unpack to too much."""
    whole = sum(info.file_size for info in archive.infolist())
    if whole > HARMLESS and (whole > MOST_TIMES * size or whole > MOST_OF_A_WORKBOOK):
        raise _bomb(name)


class _Watched(io.RawIOBase):
    """A stream that is being unpacked, and that stops where no extract would go on."""

    def __init__(self, stream: io.BufferedIOBase | IO[bytes], path: Path, packed: int) -> None:
        self._stream, self._path, self._given = stream, path, 0
        self._most = min(max(HARMLESS, MOST_TIMES * packed), MOST_BYTES)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        try:
            block = self._stream.read(size if size >= 0 else self._most + 1)
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile):
            raise _broken(self._path) from None
        self._given += len(block)
        if self._given > self._most:
            raise _bomb(self._path.name)
        return block


def _members(archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    """The files in an archive, without folders and without what macOS adds for itself."""
    return [
        info for info in archive.infolist() if not info.is_dir() and not info.filename.startswith("__MACOSX/")
    ]


def _only_member(archive: zipfile.ZipFile, path: Path, glob: str) -> zipfile.ZipInfo:
    members = _members(archive)
    if any(_leads_outside(info.filename) for info in members):
        raise DataRefused(
            f"{path.name} names a path outside itself.",
            problems=["no honest program packs so; ask the sender what made it, and for the plain file"],
        )
    if len(members) != 1:
        raise DataRefused(
            f"{path.name} holds {len(members):,} files.",
            problems=[f"an archive holds exactly one, named like {glob}; send each extract in its own"],
        )
    member = members[0]
    name = PurePosixPath(member.filename).name
    if name.lower().endswith(ARCHIVES):
        raise DataRefused(
            f"{path.name} holds another archive.",
            problems=[f"it is unpacked once and not twice; pack the file named like {glob} by itself"],
        )
    if not fnmatchcase(name, glob):
        raise DataRefused(
            f"{path.name} holds no file named like {glob}.",
            problems=["the one file in an archive has the name that its declaration expects"],
        )
    if member.flag_bits & 1:
        raise DataRefused(
            f"{path.name} is encrypted.",
            problems=["unpack it with the password you were given, and deliver the plain file"],
        )
    if member.compress_type not in METHODS:
        raise DataRefused(
            f"{path.name} is packed in an unusual way.",
            problems=[
                "only the usual method of zip (deflate) is read; pack it again, or deliver the plain file"
            ],
        )
    return member


def _leads_outside(name: str) -> bool:
    windows = PureWindowsPath(name)
    return name.startswith(("/", "\\")) or bool(windows.drive) or ".." in windows.parts


def _broken(path: Path) -> DataRefused:
    kind = "gzip" if path.suffix == ".gz" else "zip"
    return DataRefused(
        f"{path.name} cannot be unpacked.",
        problems=[f"it is not a whole {kind} file that can be read here; ask the sender for the file again"],
    )


def _bomb(name: str) -> DataRefused:
    return DataRefused(
        f"{name} unpacks to more than an extract can hold.",
        problems=[
            f"it comes to over {MOST_TIMES} times its size, or over {MOST_BYTES // 2**30} GB, as only a file "
            "made to do harm does; ask the sender what it is"
        ],
    )
