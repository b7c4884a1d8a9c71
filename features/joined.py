"""From which records a person was joined on a morning, how sure that is, and how it is said.

    Joined from 6 records of 4 agencies: children's social care, housing rents, police, schools. One record
    (police) is only probably theirs; 1 reason that rests on it is not shown.

A record is what one agency holds under one key of its own: a subject. Agencies that the model does not read
are counted and not named, since to be known to some of them says much of a person.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import pyarrow as pa

from features.graded import graded_sql
from features.snapshot import Snapshot
from features.wording import counted


@dataclass(frozen=True)
class Joined:
    """strength: how sure the least sure record is, 0 to 1; sources: of each record, sorted; doubtful: of
    those that are only probably the person's."""

    strength: float
    sources: tuple[str, ...]
    doubtful: tuple[str, ...]


@dataclass(frozen=True)
class LeftOut:
    """How much of what is told of a person was left out because it is only probably theirs.

    reasons, strengths: not shown at all; partly: reasons told without it; theirs: reasons that are not shown
    because of a record of somebody they live with.
    """

    reasons: int = 0
    strengths: int = 0
    partly: int = 0
    theirs: int = 0


def joined(snapshot: Snapshot, as_of: date, person_ids: Sequence[str], *, show: float) -> dict[str, Joined]:
    """Of each person with a subject on the morning; show: the strength from which a record is surely so."""
    with snapshot.con.cursor() as con:
        con.register("asked", pa.table({"person_id": pa.array(list(person_ids), pa.string())}))
        links = "(FROM links SEMI JOIN asked USING (person_id))"
        rows = con.execute(f"SELECT person_id, source, strength FROM ({graded_sql(as_of, links=links)})")
        graded: dict[str, list[tuple[str, float]]] = defaultdict(list)
        for person, source, strength in rows.fetchall():
            graded[person].append((source, strength))
    return {
        person: Joined(
            strength=min(strength for _, strength in records),
            sources=tuple(sorted(source for source, _ in records)),
            doubtful=tuple(sorted(source for source, strength in records if strength < show)),
        )
        for person, records in graded.items()
    }


def joined_words(found: Joined, titles: Mapping[str, str], left_out: LeftOut = LeftOut()) -> str:
    """The sentences of a person; titles: by source, of those that may be named."""
    records, agencies = len(found.sources), len(set(found.sources))
    names = _names(found.sources, titles)
    if records == 1:
        said = [f"From one record: {names}."]
    else:
        said = [f"Joined from {records} records of {counted(agencies, 'agency', 'agencies')}: {names}."]
    if doubtful := len(found.doubtful):
        which = f"({_names(found.doubtful, titles)})"
        record = f"One record {which} is" if doubtful == 1 else f"{doubtful} records {which} are"
        said.append(
            f"{record} only probably theirs; {_left_out(left_out, 'it' if doubtful == 1 else 'them')}."
        )
    if left_out.theirs:
        reasons = "1 reason is" if left_out.theirs == 1 else f"{left_out.theirs} reasons are"
        said.append(f"{reasons} not shown, resting on what is only probably of somebody they live with.")
    return " ".join(said)


def _left_out(left_out: LeftOut, it: str) -> str:
    hidden = [counted(left_out.reasons, "reason", "reasons")] if left_out.reasons else []
    if left_out.strengths:
        hidden.append(counted(left_out.strengths, "thing going well", "things going well"))
    said = []
    if hidden:
        one = left_out.reasons + left_out.strengths == 1
        said.append(
            f"{' and '.join(hidden)} that {'rests' if one else 'rest'} on {it} "
            f"{'is' if one else 'are'} not shown"
        )
    if left_out.partly:
        reasons = str(left_out.partly) if left_out.reasons else counted(left_out.partly, "reason", "reasons")
        said.append(f"{reasons} {'is' if left_out.partly == 1 else 'are'} told without {it}")
    return ", ".join(said) or f"nothing shown rests on {it}"


def _names(sources: Sequence[str], titles: Mapping[str, str]) -> str:
    """'children's social care, police, another agency', each once, in the order of the titles."""
    there = set(sources)
    named = [_within(title) for source, title in titles.items() if source in there]
    unnamed = len(there - set(titles))
    if unnamed:
        named.append("another agency" if unnamed == 1 else f"{unnamed} other agencies")
    return ", ".join(named)


def _within(title: str) -> str:
    """'Police' → 'police' within a sentence; 'A&E' stays."""
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
