"""What a delivery's rows look like as a whole: counts that the dated tables cannot give afterwards.

How complete each column was, how many rows named nobody, how late things reached us. Ingest counts
them once, in a pass over its typed rows, and keeps them with the ledger row; they hold no person.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

import duckdb
import pyarrow as pa

from features.declaration import UNIDENTIFIED, Extract
from features.rule_sql import Cells, quoted
from features.tables import SCHEMAS

UNTOLD = ("unknown", "not known", "not recorded", "not stated")
"""Values of a code map that say as little as an empty cell."""

LATEST = 400
"""Days; what reached us later than this counts as so late."""


@dataclass(frozen=True)
class Profile:
    """Of the rows of one delivery that were used.

    repeated:     rows that repeat another of the same file word for word.
    filled:       column → (rows in which it says something, rows in which it could). Who somebody is can
                  be said only of a row that names them; a code for what is not known says nothing.
    by_place:     rows that name nobody and are known only by their place.
    unidentified: rows whose subject stands for the row until linking can place it.
    events:       signal → events added.
    delays:       signal → {days from occurred to known: events of records that are new}; live
                  deliveries only. -1: still to come on that day; `LATEST`: so late or later.
    """

    repeated: int = 0
    filled: dict[str, tuple[int, int]] = field(default_factory=dict)
    by_place: int = 0
    unidentified: int = 0
    events: dict[str, int] = field(default_factory=dict)
    delays: dict[str, dict[int, int]] = field(default_factory=dict)

    def to_arrow(self, *, delivery_id: int, source: str, extract: str) -> pa.Table:
        """The row of the table `profiles`."""
        row = {"delivery_id": delivery_id, "source": source, "extract": extract}
        said = json.dumps(asdict(self), sort_keys=True)
        return pa.Table.from_pylist([{**row, "profile": said}], schema=SCHEMAS["profiles"])


def read_profile(text: str) -> Profile:
    """The profile that `to_arrow` wrote."""
    given = json.loads(text)
    filled = {column: (some, of) for column, (some, of) in given.pop("filled").items()}
    delays = {
        signal: {int(days): events for days, events in found.items()}
        for signal, found in given.pop("delays").items()
    }
    return Profile(**given, filled=filled, delays=delays)


def make_profile(
    con: duckdb.DuckDBPyConnection,
    extract: Extract,
    *,
    events: bool,
    history: bool,
) -> Profile:
    """Count a delivery, from `rows` and `good` as they are when every row's fate is settled.

    events: whether there is an `added_events`.
    """
    cells, keys = Cells(extract), [f"s{i}" for i in range(len(extract.subjects))]
    named = f"coalesce({', '.join(keys)})" if keys else "''"
    unidentified = [f"coalesce(starts_with({key}, {quoted(UNIDENTIFIED)}), false)" for key in keys]
    who, unknown = _who(extract), ", ".join(map(quoted, UNTOLD))
    told = {
        name: f"CASE WHEN lower({cells[name]}) NOT IN ({unknown}) THEN 1 END"
        if column.type == "code"
        else cells[name]
        for name, column in extract.columns.items()
    }
    counts = [
        "count(*) FILTER (copy = 2)",
        f"count(*) FILTER ({named} IS NULL)",
        f"count(*) FILTER ({' OR '.join(unidentified) or 'false'})",
        *(f"count({told[c]}) FILTER ({who.get(c, 'true')})" for c in extract.columns),
        *(f"count(*) FILTER ({who.get(c, 'true')})" for c in extract.columns),
    ]
    found = con.execute(
        f"SELECT {', '.join(counts)} FROM rows WHERE problem IS NULL AND ignored IS NULL"
    ).fetchall()[0]
    each = iter(found)
    repeated, by_place, nobodies = next(each), next(each), next(each)
    some, of = (dict(zip(extract.columns, each, strict=False)) for _ in range(2))
    return Profile(
        repeated=repeated,
        filled={c: (some[c], of[c]) for c in extract.columns},
        by_place=by_place,
        unidentified=nobodies,
        events=dict(_by_signal(con)) if events else {},
        delays=_delays(con) if events and not history else {},
    )


def _who(extract: Extract) -> dict[str, str]:
    """Column → SQL for whether the row has the one subject it is about, for what says who one is."""
    found: dict[str, set[str]] = {}
    for i, subject in enumerate(extract.subjects):
        about = subject.identity.columns().values() if subject.identity else ()
        where = (subject.address.uprn, subject.address.postcode) if subject.address else ()
        for column in {*about, *where} - {None}:
            found.setdefault(column, set()).add(f"s{i} IS NOT NULL")
    return {column: " OR ".join(sorted(subjects)) for column, subjects in found.items()}


def _by_signal(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, int]]:
    yield from con.execute(
        "SELECT signal, count(*) FROM added_events WHERE NOT withdrawn GROUP BY signal ORDER BY signal"
    ).fetchall()


def _delays(con: duckdb.DuckDBPyConnection) -> dict[str, dict[int, int]]:
    found = con.execute(
        f"""
        SELECT signal, least(greatest(known_on - CAST(occurred_at AS DATE), -1), {LATEST}), count(*)
        FROM added_events WHERE revision = 1 AND NOT withdrawn GROUP BY ALL ORDER BY ALL
        """
    ).fetchall()
    delays: dict[str, dict[int, int]] = {}
    for signal, days, count in found:
        delays.setdefault(signal, {})[days] = count
    return delays
