"""What one delivery has against it: held against its declaration and against the last eight of its kind.

Nothing here refuses anything: ingest does that. A finding says what was seen, how grave it is, who can
mend it and how; `check` tells it before a file is taken in, `quality` afterwards. The same data give the
same findings, and none of them names a person or repeats a value.

Three severities. *Critical*: what the list says of this source should not be trusted until somebody has
looked. *Warning*: somebody should ask the sender. *Info*: worth knowing.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import median
from typing import Literal

from features.declaration import Extract, Source
from features.facts import Facts, days_words, pooled_delays, quantile, told, usual, usual_rows
from features.fixes import fix_of
from features.loose_ends import parse_ended
from features.share import Share, apart, together
from features.wording import counted

Severity = Literal["critical", "warning", "info"]
SEVERITIES: tuple[Severity, ...] = ("critical", "warning", "info")

ENOUGH = 3
"""So many live deliveries are needed before anything is called usual."""
HALF, DOUBLE = 0.5, 2.0
"""Of the usual volume: under the one is critical, over the other a warning."""
MUCH_ASIDE, SOME_ASIDE, MORE_ASIDE = 0.2, 0.02, 0.01
"""Share of rows quarantined for one reason that is critical; that is a warning while nothing is usual
yet; and by how much the usual share must be exceeded for a warning."""
MOVED = 0.1
"""By how much any other share must have moved from the usual one for a warning."""
MANY = 0.05
"""Share of rows repeated, and of events still to come, that is a warning rather than worth knowing."""
EVENTS, SILENT = 20, 10
"""So many events make a delay worth judging; a signal usually so frequent may not fall silent."""
CERTAIN = 1_000_000
"""Rows of which a declared share is a share: so many that chance has no part in it."""
PERIODS = {"day": 1, "week": 7, "month": 31}
"""Days for which something may wait for the next delivery."""


@dataclass(frozen=True)
class ContractFinding:
    """One finding. about: its kind, a word; what: what was seen; fix: what to do; owner: who can."""

    severity: Severity
    source: str
    extract: str
    about: str
    what: str
    fix: str
    owner: str


Found = Iterator[tuple[Severity, str, str, str]]
"""severity, about, what, fix."""


def contract_findings(
    source: Source, name: str, facts: Facts, earlier: Sequence[Facts]
) -> list[ContractFinding]:
    """Every finding of one delivery of the extract `name`, the gravest first.

    earlier: all deliveries of the extract before it, in their order. A first load of history is held to
    its declaration alone.
    """
    before = usual(earlier)
    found = [*_aside(facts, before), *_repeated(facts), *_withdrawn(facts)]
    found += _to_come(source, name, facts)
    if not facts.delivery.history:
        found += [
            *_volume(facts, before),
            *_ignored(facts, before),
            *_silent(facts, before),
            *_filled(source.extracts[name], facts, before),
            *_nobodies(facts, before),
            *_late(source, facts, earlier),
        ]
    found.sort(key=lambda each: SEVERITIES.index(each[0]))
    return [
        ContractFinding(severity, source.source, name, about, what, fix, source.owner)
        for severity, about, what, fix in found
    ]


def _aside(facts: Facts, before: Sequence[Facts]) -> Found:
    """Types, vocabularies, bounds, keys: what set rows aside."""
    for (column, reason), count in sorted(facts.quarantined.items(), key=lambda item: -item[1]):
        now = Share(count, facts.delivery.rows)
        often = together(Share(f.quarantined.get((column, reason), 0), f.delivery.rows) for f in before)
        if len(before) >= ENOUGH:
            more = apart(now, often, least=MORE_ASIDE) > 0
        else:
            more = count >= SOME_ASIDE * now.of
        much = count >= MUCH_ASIDE * now.of
        said = f"{column} {reason}" if column else reason
        yield (
            "critical" if much else "warning" if more else "info",
            "quarantine",
            f"{_rows(now)} set aside: {said}{_usually(often, before)}.",
            fix_of(column, reason),
        )


def _repeated(facts: Facts) -> Found:
    """Uniqueness; rows with one key that differ are in quarantine."""
    if facts.profile and facts.profile.repeated:
        now = Share(facts.profile.repeated, facts.delivery.rows)
        yield (
            "warning" if now.some >= MANY * now.of else "info",
            "uniqueness",
            f"{_rows(now)} repeat another word for word; they count once.",
            "Ask whether the extract joins something that multiplies rows.",
        )


def _withdrawn(facts: Facts) -> Found:
    if facts.delivery.withdrawn:
        gone = counted(facts.delivery.withdrawn, "record", "records")
        yield (
            "info",
            "withdrawn",
            f"{gone} that stood are not in this full delivery, and are withdrawn.",
            "Nothing, if they were deleted at the agency; otherwise ask for a whole file.",
        )


def _to_come(source: Source, name: str, facts: Facts) -> Found:
    """Date bounds that no declaration can hold: what lies after the day on which it reached us. A day that a
    rule works out, such as one by which an answer is due, is none that the agency has written."""
    worked_out = {
        f"{source.source}.{rule.signal}"
        for rule in source.extracts[name].events
        if parse_ended(rule.occurred)[1]
    }
    for signal, delays in facts.profile.delays.items() if facts.profile else ():
        if (count := delays.get(-1, 0)) and signal not in worked_out:
            events = sum(delays.values())
            yield (
                "warning" if count > 1 and count >= MANY * events else "info",
                "dates",
                f"{count:,} of {counted(events, 'new event', 'new events')} {signal} "
                + (
                    "lies after the day on which it reached us; it counts from its own day on."
                    if count == 1
                    else "lie after the day on which they reached us; they count from their own day on."
                ),
                "Ask whether they are plans or slips of the year.",
            )


def _volume(facts: Facts, before: Sequence[Facts]) -> Found:
    often, rows = usual_rows(before), facts.delivery.rows
    if often is None or len(before) < ENOUGH or abs(rows - often) <= 3 * sqrt(max(rows, often)):
        return
    what = f"{counted(rows, 'row', 'rows')}; the median of the last {len(before)} deliveries is {often:,.0f}."
    if rows < HALF * often:
        yield "critical", "volume", what, "Ask whether the file is whole and whether the feed is alive."
    elif rows > DOUBLE * often:
        yield "warning", "volume", what, "Ask whether it holds more days than it should, or holds rows twice."


def _ignored(facts: Facts, before: Sequence[Facts]) -> Found:
    rules = {rule for each in (facts, *before) for rule in each.delivery.ignored_by_rule}
    for rule in sorted(rules if len(before) >= ENOUGH else ()):
        now, *then = (
            Share(f.delivery.ignored_by_rule.get(rule, 0), f.delivery.rows) for f in (facts, *before)
        )
        if apart(now, often := together(then), least=MOVED):
            yield (
                "warning",
                "ignored",
                f"{_rows(now)} left aside by the rule “{rule}”{_usually(often, before)}.",
                "Ask whether recording has changed, and whether the rule still means what it says.",
            )


def _silent(facts: Facts, before: Sequence[Facts]) -> Found:
    """Signals that have fallen silent though their extract has not."""
    profiles = [f.profile for f in before if f.profile]
    if not facts.profile or not facts.delivery.rows or len(profiles) < ENOUGH:
        return
    for signal in sorted({signal for profile in profiles for signal in profile.events}):
        often = median(profile.events.get(signal, 0) for profile in profiles)
        if often >= SILENT and not facts.profile.events.get(signal, 0):
            yield (
                "warning",
                "vocabulary",
                f"No new event {signal}; the median of the last {len(profiles)} deliveries is {often:,.0f}.",
                "Ask whether the code for it has changed, or whether it is recorded elsewhere now.",
            )


def _filled(extract: Extract, facts: Facts, before: Sequence[Facts]) -> Found:
    """Identifiers, declared columns and tags: how often they say something."""
    for name, column in extract.columns.items():
        now, often = told(facts, name), together(told(f, name) for f in before)
        if column.filled is not None:
            expected = Share(round(column.filled * CERTAIN), CERTAIN)
            fallen = apart(now, expected, least=0.0) < 0
            gone, against = now.some < HALF * column.filled * now.of, f"; {column.filled:.0%} are expected"
        else:
            fallen = len(before) >= ENOUGH and apart(now, often, least=MOVED) < 0
            gone, against = not now.some and often.some > HALF * often.of, _usually(often, before)
        if fallen:
            code = column.type == "code"
            yield (
                "critical" if gone else "warning",
                "tags" if code else "completeness",
                f"{name} {'says something' if code else 'is filled in'} in {now.said()} of "
                f"{counted(now.of, 'row', 'rows')}{against}.",
                f"Ask why {name} is left empty, and whether it has moved to another column.",
            )


def _nobodies(facts: Facts, before: Sequence[Facts]) -> Found:
    """Rows known only by their place, or by nothing that names somebody."""
    for part, what, fix in (
        (
            "by_place",
            "name nobody and are known only by their place",
            "Nothing, where a call to an address is recorded so; otherwise ask for the people's references.",
        ),
        (
            "unidentified",
            "have no key of a person, and are nobody's until linking can place them",
            "Ask for an identifier, or a name with a birth date and a postcode.",
        ),
    ):
        now, *then = (
            Share(getattr(f.profile, part) if f.profile else 0, f.delivery.used) for f in (facts, *before)
        )
        if now.some:
            more = len(then) >= ENOUGH and apart(now, together(then), least=MOVED) > 0
            yield (
                "warning" if more else "info",
                "identifiers",
                f"{_rows(now)} {what}{_usually(together(then), before)}.",
                fix,
            )


def _late(source: Source, facts: Facts, earlier: Sequence[Facts]) -> Found:
    """Delay over the last deliveries; the first of all brings what is old, and is no measure of it."""
    expected = source.typical_delay_days + PERIODS[source.schedule.every]
    pooled = pooled_delays([*usual(earlier[1:]), facts]) if earlier else {}
    for signal, delays in pooled.items():
        if sum(delays.values()) < EVENTS or (half := quantile(delays, 0.5)) <= expected:
            continue
        yield (
            "warning",
            "delay",
            f"Half of the events {signal} reach us {days_words(half)} or more after they occurred, a tenth "
            f"{days_words(quantile(delays, 0.9))} or more; {source.typical_delay_days} days and the wait for "
            "a delivery are declared.",
            "Ask what holds them up; if it stays so, raise `typical_delay_days`.",
        )


def _rows(share: Share) -> str:
    """'12 of 56 rows (21%)': how many, and in the unit in which what is usual is said."""
    return f"{share.some:,} of {counted(share.of, 'row', 'rows')} ({share.said()})"


def _usually(often: Share, before: Sequence[Facts]) -> str:
    """', usually 3.1%', once enough has come to call anything usual."""
    return f", usually {often.said()}" if len(before) >= ENOUGH and often.of else ""
