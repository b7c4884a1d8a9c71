"""Text as an agency wrote it, block by block as UTF-8: encodings, byte order marks, lines without end.

Nothing is guessed: the encoding is the declared one, unless a byte order mark says which it is.
"""

from __future__ import annotations

import codecs
import io
from collections.abc import Callable, Iterator
from itertools import chain

from features.errors import DataRefused
from features.unpack import Stream

LONGEST_LINE = 1_000_000
"""Characters; a longer line is no row of an agency's extract but a file gone wrong."""

BLOCK = 4 * 2**20
"""Bytes read at once."""

MARKS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
"""Byte order marks, and what they say the encoding is."""


class Utf8(io.RawIOBase):
    """The text of a stream as a stream of UTF-8 bytes that ends with a line break.

    start: the first block, for whoever must know the header before reading.
    Raises DataRefused, while it is read, for what is not text in the encoding.
    """

    def __init__(self, name: str, stream: Stream, encoding: str) -> None:
        self._blocks = _blocks(name, stream, encoding)
        self.start = next(self._blocks)
        self._left = memoryview(self.start)

    def through(self, step: Callable[[Iterator[bytes]], Iterator[bytes]]) -> None:
        """Let all blocks pass through a step that gives no empty ones; before anything is read."""
        self._blocks = step(chain([self.start], self._blocks))
        self._left = memoryview(b"")

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def]
        if not self._left:
            self._left = memoryview(next(self._blocks, b""))
        n = min(len(buffer), len(self._left))
        buffer[:n] = self._left[:n]
        self._left = self._left[n:]
        return n


def _blocks(name: str, stream: Stream, encoding: str) -> Iterator[bytes]:
    """Blocks of UTF-8, the first one with the whole header in it if the header is of any decent length."""
    data = _filled(stream)
    if not data.strip():
        raise DataRefused(
            f"{name} is empty.", problems=["a delivery without rows still has a header; ask the sender"]
        )
    for mark, means in MARKS:
        if data.startswith(mark):
            data, encoding = data[len(mark) :], means
            break
    else:
        if codecs.lookup(encoding).name == "utf-16":
            encoding = "utf-16-le"  # as Windows writes it
    decoder = codecs.getincrementaldecoder(encoding)()
    lines, tail, ended = 1, 0, True  # the line we are in, its length so far, whether it has ended
    while True:
        last = len(data) < BLOCK // 2  # `_filled` gives less only at the end
        try:
            text = decoder.decode(data, final=last)
        except UnicodeError as error:
            line = lines
            if isinstance(error, UnicodeDecodeError):
                line += error.object.count(b"\n", 0, error.start)
            raise DataRefused(
                f"{name} is not written in {encoding}.",
                problems=[
                    f"line {line} holds a byte that {encoding} does not have; declare the extract's "
                    "`encoding` (cp1252 is usual for Windows systems) or ask for the file in UTF-8"
                ],
            ) from None
        if "\0" in text:
            raise DataRefused(
                f"{name} is not a text file in {encoding}.",
                problems=["it holds NUL characters: if it is UTF-16, declare `encoding: utf-16`"],
            )
        lines, tail = _measured(name, text, lines, tail)
        if text:
            ended = text.endswith("\n")
            yield text.encode()
        if last:
            break
        data = _filled(stream)
    if not ended:
        yield b"\n"  # or Arrow takes a header by itself for half a file


def _filled(stream: Stream) -> bytes:
    """A whole block, or what is left: unpacking gives as little at once as it likes."""
    parts, size = [], 0
    while size < BLOCK and (part := stream.read(BLOCK - size)):
        parts.append(part)
        size += len(part)
    return b"".join(parts)


def _measured(name: str, text: str, line: int, tail: int) -> tuple[int, int]:
    """The number of the line in which a block ends, and how far into it. DataRefused if one is too long."""
    at, length = 0, len(text)
    while length - at + tail > LONGEST_LINE:
        reach = at + LONGEST_LINE + 1 - tail
        end = max(text.rfind("\n", at, reach), text.rfind("\r", at, reach))
        if end < 0:
            raise DataRefused(
                f"{name} holds a line that is too long to be a row.",
                problems=[
                    f"line {line + text.count(chr(10), 0, at)} has more than {LONGEST_LINE:,} characters; "
                    "line breaks are probably missing"
                ],
            )
        at, tail = end + 1, 0
    ends = max(text.rfind("\n", at), text.rfind("\r", at))
    return line + text.count("\n"), (length - ends - 1 if ends >= 0 else tail + length - at)
