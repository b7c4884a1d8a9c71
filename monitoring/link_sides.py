"""What a review shows of a pair: both records in their agencies' words, as far as marks let it, and the grade
of likeness that each comparison gave them.

A mark on either side counts for both, since they may be one person: where a record is restricted or somebody
objects, nothing is told of either but which system holds it and under which key; where an address must stay
secret, neither address nor telephone, email or former name is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import duckdb
import pyarrow as pa

from features.answers import Subject
from features.link_model import Model
from features.marks import OBJECTION, REFUGE, RESTRICTED
from features.snapshot import Snapshot
from features.wording import counted, day_words
from monitoring.waterfall import Step

WITHHELD = "withheld: a record like this is for the team manager to look at, by its key in the source system"
SECRET = ("Also written", "Address", "Addresses before", "Telephone", "Email")
"""What is left out where an address must stay secret."""

TITLES = {
    "given": "Forename",
    "surname": "Surname",
    "born": "Birth date",
    "home": "Address",
    "sex": "Sex",
    "phone": "Telephone",
    "email": "Email",
    "nhs_number": "NHS number",
    "upn": "UPN",
    "nino": "NINO",
}
"""Comparison → how it is called on the page."""

NOTHING = "nothing to go by"

LABELS = (
    *("Name", "Also written", "Initials", "Born", "Died", "Sex", "Address", "Addresses before", "Telephone"),
    *("Email", "NHS number", "UPN", "NINO", "Last seen", "Events", "Joined with"),
)
"""What is said of a record, in the order in which it is shown."""


@dataclass(frozen=True)
class Side:
    """One record of a pair. told: what is said → in which words, only what there is; empty if withheld."""

    source: str
    subject_key: str
    told: Mapping[str, str]
    withheld: bool = False


def sides(snapshot: Snapshot, pairs: Sequence[tuple[int, int]]) -> list[tuple[Side, Side]]:
    """Both records of each pair, numbered as `identity_records`; needs that table and `stated`."""
    con = snapshot.con
    con.register("asked_records", pa.table({"subject": sorted({one for pair in pairs for one in pair})}))
    rows = con.sql(
        """
        SELECT i.subject, s.*, e.events, j.sources
        FROM identity_records i SEMI JOIN asked_records USING (subject)
        JOIN stated s USING (source, subject_key)
        LEFT JOIN (SELECT source, subject_key, count(*) AS events FROM events GROUP BY ALL) e
            USING (source, subject_key)
        LEFT JOIN (
            SELECT l.source, l.subject_key, list(o.source ORDER BY o.source) AS sources
            FROM links l JOIN links o USING (person_id)
            WHERE l.known_until IS NULL AND o.known_until IS NULL
              AND NOT (l.source = o.source AND l.subject_key = o.subject_key)
            GROUP BY ALL
        ) j USING (source, subject_key)
        """
    ).to_arrow_table()
    con.unregister("asked_records")
    said = {row["subject"]: row for row in rows.to_pylist()}
    titles = {name: source.title for name, source in snapshot.workspace.sources.items()}
    for row in said.values():
        row["sources"] = [titles.get(name, name) for name in row["sources"] or ()]
    marks = _marks(snapshot, {(row["source"], row["subject_key"]) for row in said.values()})
    found = []
    for one, other in pairs:
        subjects = [(said[n]["source"], said[n]["subject_key"]) for n in (one, other)]
        both = marks.get(subjects[0], set()) | marks.get(subjects[1], set())
        left, right = (side(said[n], both) for n in (one, other))
        found.append((left, right))
    return found


def side(said: Mapping[str, Any], marks: Iterable[str]) -> Side:
    """A row of `stated` as it is shown. marks: those of both records of the pair."""
    who, marks = (said["source"], said["subject_key"]), set(marks)
    if marks & (RESTRICTED | {OBJECTION}):
        return Side(*who, {}, withheld=True)
    before = [code for code in said["postcodes"] or () if code != said["postcode"]]
    told = {
        "Name": _listed([said["forenames"], said["surname"]], " "),
        "Also written": _listed(one for one in said["surnames"] or () if one != said["surname"]),
        "Initials": said["initials"],
        "Born": _day(said["born"]),
        "Died": _day(said["died_on"]),
        "Sex": said["sex"],
        "Address": _listed([said["postcode"] or said["district"], said["uprn"] and f"UPRN {said['uprn']}"]),
        "Addresses before": _listed(before),
        "Telephone": _listed(said["phones"] or ()),
        "Email": _listed(said["emails"] or ()),
        "NHS number": said["nhs_number"],
        "UPN": said["upn"],
        "NINO": said["nino"],
        "Last seen": _day(said["seen_on"]),
        "Events": f"{said['events']:,}" if said["events"] else None,
        "Joined with": _joined(said["sources"]),
    }
    kept = {what: text for what, text in told.items() if text and not (REFUGE in marks and what in SECRET)}
    return Side(*who, kept)


def grades(
    con: duckdb.DuckDBPyConnection, model: Model, pairs: Sequence[tuple[int, int]]
) -> list[dict[str, str]]:
    """Of each pair, comparison → the grade of likeness, in the model's own words. Needs `comparable`."""
    cases = []
    for comparison in model["settings"]["comparisons"]:
        *graded, rest = comparison["comparison_levels"]
        when = " ".join(
            f"WHEN {level['sql_condition']} THEN {_text(level['label_for_charts'])}" for level in graded
        )
        cases.append(
            f'CASE {when} ELSE {_text(rest["label_for_charts"])} END AS "{comparison["output_column_name"]}"'
        )
    columns = con.table("comparable").columns
    beside = ", ".join(f"{table}.{name} AS {name}_{table}" for table in ("l", "r") for name in columns)
    con.register("asked_pairs", pa.table({"one": [p[0] for p in pairs], "other": [p[1] for p in pairs]}))
    rows = con.sql(
        f"SELECT subject_l, subject_r, {', '.join(cases)} FROM (SELECT {beside} FROM asked_pairs "
        "JOIN comparable l ON l.subject = one JOIN comparable r ON r.subject = other)"
    ).to_arrow_table()
    con.unregister("asked_pairs")
    found = {(row.pop("subject_l"), row.pop("subject_r")): row for row in rows.to_pylist()}
    return [found.get(pair, {}) for pair in pairs]


def steps(weighs: Mapping[str, float], graded: Mapping[str, str]) -> list[Step]:
    """What each comparison brings, but for those that had nothing to go by and bring nothing."""
    return [
        Step(TITLES.get(name, name), graded.get(name, ""), weight)
        for name, weight in weighs.items()
        if weight or graded.get(name, NOTHING) != NOTHING
    ]


def _marks(snapshot: Snapshot, subjects: set[Subject]) -> dict[Subject, set[str]]:
    found: dict[Subject, set[str]] = {}
    for row in snapshot.marked_subjects().to_pylist():
        subject = (row["source"], row["subject_key"])
        if row["now"] and subject in subjects:
            found.setdefault(subject, set()).add(row["mark"])
    return found


def _listed(parts: Iterable[str | None], between: str = ", ") -> str | None:
    return between.join(part for part in parts if part) or None


def _joined(sources: Sequence[str]) -> str | None:
    """'5 other records: Police, Schools (4)': which records are the same person's by now."""
    each = (f"{name} ({n})" if n > 1 else name for name, n in Counter(sources).items())
    many = counted(len(sources), "other record", "other records")
    return f"{many}: {', '.join(each)}" if sources else None


def _day(day: date | str | None) -> str | None:
    return day_words(date.fromisoformat(day) if isinstance(day, str) else day) if day else None


def _text(words: str) -> str:
    return "'" + words.replace("'", "''") + "'"
