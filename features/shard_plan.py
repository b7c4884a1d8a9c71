"""What a store of shards is of: a state of the tables, and what was asked of it.

Two stores of one plan hold the same. The name of a store says its state and a hash of what was asked:
which signals are shared, which reach others by association, which may be one happening, how many people
a household has at most.
A catalogue travels with its model, so where it says whether a signal is shared, it is believed.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from typing import Any

import duckdb

from features.association import Association, by_association
from features.catalogue import Catalogue
from features.channels import signals_of
from features.errors import UserMistake
from features.happenings import SameHappening, happenings_of
from features.snapshot import Snapshot
from features.workspace import Workspace

FORMAT = 2
"""Raised whenever shards hold something else for the same tables: older ones are then made again."""

MOST_SIGNALS = 65_535


@dataclass(frozen=True)
class Flags:
    """What is asked of the tables; all names sorted. signals, sources: those that are declared."""

    signals: tuple[str, ...]
    shared: tuple[str, ...]
    sources: tuple[str, ...]
    household_max: int
    association: Association | None = None
    happenings: tuple[SameHappening, ...] = ()

    @property
    def hash(self) -> str:
        """12 hexadecimal digits."""
        asked = {name: value for name, value in asdict(self).items() if name != "happenings" or value}
        text = json.dumps([FORMAT, asked], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Plan:
    """A store: its state, the flags, the signals and sources that its codes are positions in, how many
    rows the tables held, and among how many shards (a power of two) the people are dealt out."""

    last_delivery: int
    link_run: int
    flags: Flags
    signals: tuple[str, ...]
    sources: tuple[str, ...]
    rows: int
    shards: int

    def to_json(self) -> str:
        return json.dumps(asdict(self), sort_keys=True, indent=1)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        given = json.loads(text)
        flags = _tuples(given.pop("flags"))
        if flags["association"] is not None:
            flags["association"] = Association(**_tuples(flags["association"]))
        flags["happenings"] = tuple(map(SameHappening.from_json, flags.get("happenings", ())))
        return cls(flags=Flags(**flags), **_tuples(given))


def flags_of(workspace: Workspace, catalogue: Catalogue | None = None) -> Flags:
    """What a workspace's declarations and a catalogue, if any, ask of the tables."""
    sources = [workspace.sources[name] for name in sorted(workspace.sources)]
    declared = {
        f"{source.source}.{short}": words.shared
        for source in sources
        for short, words in source.signals.items()
    }
    said = dict(declared)
    for channel in catalogue.channels if catalogue else ():
        if not channel.association:
            said |= {part.name: part.shared for part in channel.parts}
    return Flags(
        signals=tuple(sorted(declared)),
        shared=tuple(sorted(name for name, shared in said.items() if shared)),
        sources=tuple(source.source for source in sources),
        household_max=workspace.settings.household_max,
        association=catalogue.association if catalogue else None,
        happenings=catalogue.happenings if catalogue else happenings_of(sources, signals_of(sources)),
    )


def state_name(snapshot: Snapshot, flags: Flags) -> str:
    """The name of the store of a snapshot."""
    return f"{snapshot.last_delivery}-{snapshot.link_run}-{flags.hash}"


def codes_of(con: duckdb.DuckDBPyConnection, flags: Flags) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The signals and the sources of a store, sorted: all that are declared or that a snapshot's
    tables hold. Raises UserMistake if there are more signals than have codes."""
    held = [name for (name,) in con.execute("SELECT DISTINCT signal FROM events").fetchall()]
    others = [by_association(name) for name in flags.association.signals] if flags.association else []
    once = [code for same in flags.happenings for code in same.codes]
    signals = tuple(sorted({*flags.signals, *held, *others, *once}))
    if len(signals) > MOST_SIGNALS:
        raise UserMistake(
            f"There are {len(signals):,} signals, and a panel can tell {MOST_SIGNALS:,} apart.",
            problems=["let the declarations put codes that mean alike under one signal"],
        )
    registers = [name for (name,) in con.execute("SELECT DISTINCT source FROM registers").fetchall()]
    return signals, tuple(sorted({*flags.sources, *registers}))


def count_rows(
    snapshot: Snapshot, con: duckdb.DuckDBPyConnection, *, last_delivery: int, link_run: int
) -> int:
    """How many rows the tables hold of a state; fewer than once where something has been erased since.

    Makes views all_<table> in the connection.
    """
    until = {
        "events": "delivery_id",
        "registers": "delivery_id",
        "marks": "delivery_id",
        "links": "link_run",
        "residences": "link_run",
    }
    last = {"delivery_id": last_delivery, "link_run": link_run}
    counts = " UNION ALL ".join(
        f"SELECT count(*) AS n FROM {snapshot.tables.view(con, name)} WHERE {column} <= {last[column]}"
        for name, column in until.items()
    )
    return int(con.execute(f"SELECT sum(n) FROM ({counts})").fetchall()[0][0])


def _tuples(given: dict[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
