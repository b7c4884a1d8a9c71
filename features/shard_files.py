"""One shard of people on disk: three Parquet files that any tool can read, and what is in them.

    <store>/shard=0003/people.parquet   person_id, rows, held: how many of each a person has
                       rows.parquet     person_id and the fields of an event row, as in `Rows`
                       held.parquet     person_id and the fields of a register row
                       shard.json       their hash, their sizes

A folder is written under another name and then given its own: it is there whole or not at all. The
hash is of the values, not of the files, so that it says whether two shards hold the same, whatever
wrote them. Days are day numbers, `asof.OPEN` where there is no end. Columns that repeat themselves are
dictionaries and all are compressed with LZ4, which was found to read fastest from a disk.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from features.rows import HELD_TYPES, Rows

EVENT_TYPES = {
    "signal": np.uint16,
    "occurred": np.int32,
    "minute": np.int16,
    "ended": np.int32,
    "amount": np.float64,
    "known_on": np.int32,
    "known_until": np.int32,
}
REPEATING = ("person_id", "signal", "minute", "ended", "known_until", "held_source", "held_to")
FILES = ("people", "rows", "held")
UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Shard:
    """Some of a county's people, and all that reaches them. person_ids: (P,) str, sorted."""

    person_ids: np.ndarray
    rows: Rows


@dataclass(frozen=True)
class Entry:
    """What a shard holds: a hash of its values, how many people, event rows and register rows; bytes
    of its files."""

    hash: str
    people: int
    rows: int
    held: int
    bytes: int


def shard_number(person_ids: Iterable[str], shards: int) -> np.ndarray:
    """(n,) the shard of each person among so many; what `SHARD_SQL` says.

    Ids are hashes, and a shard has a range of them: so all shards one after another hold the people in
    order of their ids, however many shards there are. An id of another form is hashed first.
    """
    return np.array([_leading(person) for person in person_ids], np.int64) * shards >> 32


def _leading(person_id: str) -> int:
    found = re.fullmatch(r"P([0-9a-f]{8})[0-9a-f]*", person_id)
    return int(found[1] if found else hashlib.md5(person_id.encode()).hexdigest()[:8], 16)


SHARD_SQL = """(('0x' || if(regexp_full_match(person_id, 'P[0-9a-f]{{8,}}'), substr(person_id, 2, 8),
    left(md5(person_id), 8)))::BIGINT * {shards} >> 32)::INTEGER"""
"""`shard_number` in SQL over the column person_id, among so many `shards`."""


def shard_folder(store: Path, number: int) -> Path:
    """Where a shard lies."""
    return store / f"shard={number:04d}"


def content_hash(shard: Shard) -> str:
    """Hex SHA-256 of the values of a shard."""
    digest = hashlib.sha256("\n".join(shard.person_ids.tolist()).encode())
    for name, array in zip(Rows._fields, shard.rows, strict=True):
        digest.update(f"\n{name} {array.dtype.str} {len(array)}\n".encode())
        digest.update(array.tobytes())
    return digest.hexdigest()


def find_entry(store: Path, number: int) -> Entry | None:
    """What a finished shard holds; None if it is not there whole, as after a power cut."""
    folder = shard_folder(store, number)
    try:
        entry = Entry(**json.loads((folder / "shard.json").read_text(encoding="utf-8")))
        rows = {name: pq.read_metadata(folder / f"{name}.parquet").num_rows for name in FILES}
    except (OSError, ValueError, TypeError):  # ArrowInvalid is a ValueError
        return None
    whole = rows == {"people": entry.people, "rows": entry.rows, "held": entry.held}
    return entry if whole and entry.bytes == _bytes(folder) else None


def write_shard(store: Path, number: int, shard: Shard, *, hash: str, about: dict[str, str]) -> Entry:
    """Put a shard in its place in a store, whole or not at all. about: said in the files' metadata."""
    rows, people = shard.rows, pa.array(shard.person_ids.tolist(), pa.string())
    counts, held = np.diff(rows.start).astype(np.int32), np.diff(rows.held_start).astype(np.int32)

    def each(count: np.ndarray) -> pa.Array:
        """The person of each row; the dictionary is everybody."""
        at = np.repeat(np.arange(len(people), dtype=np.int32), count)
        return pa.DictionaryArray.from_arrays(at, people)

    tables = {
        "people": pa.table({"person_id": people, "rows": counts, "held": held}),
        "rows": pa.table(
            {"person_id": each(counts), **{name: getattr(rows, name) for name in EVENT_TYPES}},
        ),
        "held": pa.table({"person_id": each(held), **{name: getattr(rows, name) for name in HELD_TYPES}}),
    }
    unfinished = _unfinished(store)
    for name, table in tables.items():
        pq.write_table(
            table.replace_schema_metadata(about),
            unfinished / f"{name}.parquet",
            compression="lz4",
            use_dictionary=[column for column in table.column_names if column in REPEATING],
            dictionary_pagesize_limit=2**26,
            write_statistics=False,
            row_group_size=2**26,  # one: a column is then one piece, which needs no putting together
        )
    entry = Entry(hash, len(people), len(rows.signal), len(rows.held_source), _bytes(unfinished))
    (unfinished / "shard.json").write_text(json.dumps(asdict(entry)), encoding="utf-8")
    _put(unfinished, shard_folder(store, number))
    return entry


def reuse_shard(store: Path, number: int, older: Path) -> None:
    """Take a shard of another store as it is: the same files under a second name (a copy elsewhere)."""
    unfinished = _unfinished(store)
    for file in shard_folder(older, number).iterdir():
        try:
            os.link(file, unfinished / file.name)
        except OSError:
            shutil.copyfile(file, unfinished / file.name)
    _put(unfinished, shard_folder(store, number))


def read_shard(store: Path, number: int) -> Shard:
    """A shard of a store, its arrays the reader's own to write in."""
    folder = shard_folder(store, number)
    return shard_from({name: folder / f"{name}.parquet" for name in FILES})


def shard_from(files: Mapping[str, Path | pa.NativeFile]) -> Shard:
    """A shard from its three files, wherever they are, by their names without the ending."""
    people = pq.read_table(files["people"], memory_map=True)
    held = {"held_start": _starts(people["held"]), **_arrays(files["held"], HELD_TYPES)}
    events = {"start": _starts(people["rows"]), **_arrays(files["rows"], EVENT_TYPES)}
    return Shard(np.array(people["person_id"].to_pylist(), dtype=str), Rows(**events, **held))


def _starts(counts: pa.ChunkedArray) -> np.ndarray:
    return np.concatenate([[0], np.cumsum(counts.to_numpy(), dtype=np.int64)])


def _arrays(file: Path | pa.NativeFile, types: Mapping[str, type]) -> dict[str, np.ndarray]:
    table = pq.read_table(file, columns=list(types), use_threads=False, memory_map=True)
    # Numba compiles once more for arrays that cannot be written to, such as Arrow's.
    return {
        name: np.require(table[name].to_numpy(), kind, requirements=["C", "W"])
        for name, kind in types.items()
    }


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.glob("*.parquet"))


def _unfinished(store: Path) -> Path:
    """A new folder that whoever may read the workspace may read."""
    folder = Path(tempfile.mkdtemp(prefix=UNFINISHED, dir=store))
    folder.chmod(store.stat().st_mode & 0o777)
    return folder


def _put(unfinished: Path, folder: Path) -> None:
    if folder.exists():  # not whole: nobody reads it
        shutil.rmtree(folder)
    for file in unfinished.iterdir():
        with file.open("rb") as written:
            os.fsync(written.fileno())
    unfinished.rename(folder)
