"""What a link run found, as its user reads it: how many people, by what, whom a crowd kept apart,
and which sources say little."""

from __future__ import annotations

from features.blocking import MOST, Crowded
from features.declaration import IDENTIFIERS
from features.link import LinkReport
from features.says_little import NOTHING
from features.wording import counted

SHARED = {
    "birth date": "a birth date",
    "name": "a name",
    "dwelling": "a dwelling",
    "postcode and a name": "a postcode and a name",
    "part of the birth date and a name": "most of a birth date and a name",
    "phone": "a telephone number",
    "email": "an email address",
    "nhs_number": "an NHS number",
    "upn": "a UPN",
    "nino": "a NINO",
}
"""Kind of key (`features.blocking`) → what is shared, as it is said."""


def link_text(report: LinkReport) -> str:
    """The whole report in sentences."""
    by = f"link model {report.model}" if report.model else "exact keys alone, as no link model is chosen"
    found = f"Link run {report.link_run}, by {by}: {report.subjects:,} subjects are {report.persons:,} people"
    if report.link_run > 1:
        found += f"; {counted(report.changed, 'subject', 'subjects')} changed since the run before"
    found += "."
    refused = (
        f"The answer that pair {one.pair} is the same person is not followed: {one.why}. "
        "`earlyhelp link review` shows what contradicts it, and what puts it right."
        for one in report.refused
    )
    return "\n".join([found, *refused, *little_warnings(report), *crowd_warnings(report)])


def little_warnings(report: LinkReport) -> list[str]:
    """A sentence for each source that says nothing of who its subjects are, or the same of many."""
    return [
        f"{one.source}: {one.subjects:,} of its {one.of:,} subjects have nothing to be compared by; each "
        "stays a person of its own, and what is known of it reaches nobody else."
        if one.what == NOTHING
        else f"{one.source}: {one.subjects:,} of the {one.of:,} subjects with a birth date are born on 1 "
        "January: it is taken for a day that nobody knows, and they are compared by the year alone."
        if one.what == "1 January"
        else f"{one.source}: {one.subjects:,} of the {one.of:,} subjects with {SHARED[one.what]} have one "
        "that many people have: it is taken for what is written where none is known, and names nobody."
        if one.what in IDENTIFIERS
        else f"{one.source}: {one.subjects:,} of the {one.of:,} subjects with a {one.what} have the same: it "
        "hardly counts for them, and more of their records may stay apart."
        for one in report.little
    ]


def crowd_warnings(report: LinkReport) -> list[str]:
    """A sentence for each source that has subjects whom a crowd leaves with nothing to be compared by, the
    most first; then one for each kind of key that a crowd shares and that nobody depends on."""
    said = [
        f"{crowd.source}: {crowd.subjects:,} of its subjects share {_what(crowd)} with over {MOST} others "
        f"and are not compared by it; {crowd.unreached:,} of them have nothing else to be compared by."
        for crowd in sorted(report.crowded, key=lambda c: (-c.unreached, c.source, c.kind))
        if crowd.unreached
    ]
    for what in sorted({_what(crowd) for crowd in report.crowded if not crowd.unreached}):
        those = [c for c in report.crowded if not c.unreached and _what(c) == what]
        by_source = ", ".join(f"{c.source} {c.subjects:,}" for c in sorted(those, key=lambda c: -c.subjects))
        said.append(
            f"{sum(c.subjects for c in those):,} subjects share {what} with over {MOST} others and are "
            f"compared by all but that: {by_source}."
        )
    return said


def _what(crowd: Crowded) -> str:
    return SHARED[crowd.kind]
