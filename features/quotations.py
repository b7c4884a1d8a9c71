"""Quotation marks that are out of place: they swallow rows, and the cells may fit all the same.

A mark that is opened and not closed takes the rows up to the next one, or to the end of the file, into one
cell; Arrow reads that without a word, and a full delivery would withdraw the rows it has swallowed. So each
quoted cell is followed to its end before Arrow sees it. Line breaks within a cell that ends as it should
are the agency's own.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from features.errors import DataRefused

MARK = "\0"
"""Stands in a row that is to be set aside; text that holds one of its own was refused before."""

LONGEST_CELL = 8_000_000
"""Bytes; what is quoted for longer is an open quotation mark and not a cell."""

TEXT_FOLLOWS = "text follows a closing quotation mark"


def quotations_closed(name: str, blocks: Iterator[bytes], delimiter: str, columns: int) -> Iterator[bytes]:
    """The same text in blocks of UTF-8 that end outside a quoted cell.

    blocks: the last one ends with a line break.
    Where text follows the closing mark of a cell of one line, a MARK is put between them and as many
    delimiters as make the row ragged: more than `columns`, the cells of the header.
    Raises DataRefused if the text ends inside a quotation, or text follows one that spans lines.
    """
    ends = re.escape(delimiter.encode()) + rb"\r\n"
    filling = rb"" if delimiter == " " else rb" *+"  # some programs fill cells up to a width
    cell = rb'"(?:[^"]++|"")*+"'
    whole = rb"(?<=[" + ends + rb"])" + cell + rb"(?=" + filling + rb"[" + ends + rb"])"
    # a mark in a cell that does not begin with one is a character like any other
    sound = re.compile(rb'(?:[^"]++|' + whole + rb"|(?<![" + ends + rb'])")*+')
    unsound = re.compile(cell + rb"(?=" + filling + rb"[^ " + ends + rb"])")
    aside = (MARK + delimiter * columns).encode()
    held = b"\n"  # the last byte that was passed on, and what waits for its end
    for block in blocks:
        if len(held) == 1 and b'"' not in block:
            held = block[-1:]
            yield block
            continue
        data = held + block
        parts, done = [], 1
        while True:
            until = _end(sound, data, done)
            parts.append(data[done:until])
            done = until
            if (found := unsound.match(data, until)) is None:
                break  # all is sound, or waits for its end
            if b"\n" in found[0] or b"\r" in found[0]:
                raise _refused(name, f"{TEXT_FOLLOWS}, after rows that it may have swallowed")
            parts += [found[0], aside]
            done = found.end()
        held = data[done - 1 :]
        if len(held) > LONGEST_CELL:
            break
        if ready := b"".join(parts):
            yield ready
    if len(held) > 1:
        raise _refused(name, "a quotation mark is opened and never closed")


def _end(pattern: re.Pattern[bytes], data: bytes, at: int) -> int:
    found = pattern.match(data, at)
    return found.end() if found else at


def _refused(name: str, problem: str) -> DataRefused:
    return DataRefused(
        f"{name} cannot be read as rows.", problems=[f"{problem}; ask the sender for the file again"]
    )
