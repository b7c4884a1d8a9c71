"""How fresh each source is on a morning: what last reached us, whether a delivery is overdue, and whether
the newest is much smaller than usual. A feed that has died looks like good news to a model.

A past morning that a first load of history reaches is judged as if its deliveries had come on schedule.

The register of objections is a feed as well, though no model reads it: who is in a row that could not be read
is scored, and may be listed, against their wish.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from features import asof
from features.catalogue import Catalogue, SourceFacts
from features.declaration import Schedule, Source
from features.marks import OBJECTION
from features.snapshot import Snapshot
from features.wording import counted, day_words
from features.workspace import Workspace
from serving.flags import Feed

USUAL_OF, JUDGED_FROM = 8, 4
"""The usual volume is the median of so many deliveries before the newest; with fewer than the second
number of them nothing is usual yet."""
MUCH_SMALLER = 0.5
NO_CHANCE = 5
"""Where fewer rows than this are missing, chance is enough to explain it."""


@dataclass(frozen=True)
class Received:
    """What came of one extract on one day: how many rows of all its files were used, quarantined and
    ignored, and whether as history."""

    received_on: date
    history: bool
    used: int
    quarantined: int = 0
    ignored: int = 0


def registers_of_objections(workspace: Workspace) -> list[str]:
    """The sources with an extract of which every row is an objection."""
    return [
        name
        for name, source in workspace.sources.items()
        if any(extract.always_marks(OBJECTION) for extract in source.extracts.values())
    ]


def feeds(snapshot: Snapshot, catalogue: Catalogue, as_of: date) -> tuple[Feed, ...]:
    """The feeds a model reads, by source, and the registers of objections of which anything has come; what
    was received on `as_of` itself does not count yet.

    A source of several extracts is as fresh as its stalest. The extracts are those declared: one that
    never came is due with the source's second delivery, and one that is declared no longer is not missed.
    Without a declaration in the workspace (the model still knows the source) there is no schedule to be
    late by, and the extracts are those that came.
    """
    sources, grace = snapshot.workspace.sources, snapshot.workspace.settings.grace_days
    received = _received(snapshot)
    registers = [
        SourceFacts(name, sources[name].title, sources[name].covers_from, register=False)
        for name in registers_of_objections(snapshot.workspace)
        if name in received and name not in catalogue.sources
    ]
    return tuple(
        _feed(fact, sources.get(fact.source), received[fact.source], as_of, grace_days=grace)
        for fact in (*catalogue.facts, *registers)
    )


def _feed(
    fact: SourceFacts,
    declared: Source | None,
    extracts: dict[str, list[Received]],
    as_of: date,
    *,
    grace_days: int,
) -> Feed:
    schedule = declared.schedule if declared else None
    names = declared.extracts if declared else extracts
    came = {name: extracts.get(name, []) for name in names}
    newest = {name: last_counted(came[name], schedule, fact.covers_from, as_of) for name in names}
    last = min((day for day in newest.values() if day), default=None)
    missing = [name for name, day in newest.items() if day is None] if last else []
    begun = min((c.received_on for of_one in came.values() for c in of_one), default=None)

    due = overdue(schedule, last, fact.covers_from, as_of) if schedule else None
    due_first = overdue(schedule, begun, fact.covers_from, as_of) if schedule and missing else None
    wrong = []
    if due and asof.has_come(due + timedelta(days=grace_days), as_of):
        came_last = f"the last came on {day_words(last)}" if last else "none has come yet"
        wrong.append(f"a delivery was due on {day_words(due)}, and {came_last}")
    if due_first and asof.has_come(due_first + timedelta(days=grace_days), as_of):
        wrong.append(
            f"nothing of {', '.join(missing)} has come yet, due since {day_words(due_first)}: "
            "take it in, or take it out of the declaration if it is not to come"
        )
    wrong += [shrunk(name, came[name], as_of) for name in names]
    if declared:
        of_objections = {
            name: each for name, each in declared.extracts.items() if each.always_marks(OBJECTION)
        }
        wrong += [
            unread(name, came[name], as_of, whole=extract.delivery == "full")
            for name, extract in of_objections.items()
        ]
    return Feed(fact.source, fact.title, last, due, "; ".join(filter(None, wrong)))


def last_counted(
    came: Iterable[Received], schedule: Schedule | None, covers_from: date, as_of: date
) -> date | None:
    """The day of the last delivery of an extract that counts on a morning; None if there is none.

    Where history reaches the morning, that is the last day of the schedule before it.
    """
    came = list(came)
    last = max((c.received_on for c in came if asof.has_come(c.received_on, as_of)), default=None)
    reached = any(c.history and not asof.has_come(c.received_on, as_of) for c in came)
    if reached and asof.has_come(covers_from, as_of):
        every_day = schedule or Schedule(every="day")
        on_schedule = as_of - timedelta(days=1)
        while every_day.first_on_or_after(on_schedule) != on_schedule:
            on_schedule -= timedelta(days=1)
        last = max(last or on_schedule, on_schedule)
    return last


def overdue(schedule: Schedule, last: date | None, covers_from: date, as_of: date) -> date | None:
    """The delivery day that passed before `as_of` without a delivery; None if none did."""
    due = schedule.first_on_or_after(last + timedelta(days=1) if last else covers_from)
    return due if asof.has_come(due, as_of) else None


def shrunk(extract: str, came: Iterable[Received], as_of: date) -> str:
    """What is said of an extract whose newest live delivery is under half of the usual, or "".

    Rows that were set aside bring no news, however many came. Where all that came was quarantined it is
    said at once: nobody needs to know what is usual for that.
    """
    live = [c for c in came if not c.history and asof.has_come(c.received_on, as_of)]
    if not live:
        return ""
    before, newest = live[:-1][-USUAL_OF:], live[-1]
    usual = median(c.used for c in before) if len(before) >= JUDGED_FROM else None
    unread = newest.used == 0 and newest.quarantined >= NO_CHANCE
    small = usual is not None and newest.used < MUCH_SMALLER * usual and usual - newest.used >= NO_CHANCE
    if not (unread or small):
        return ""
    delivery = f"the delivery of {extract} on {day_words(newest.received_on)}"
    and_usual = f", and {usual:,.0f} are usual" if usual else ""
    rows = counted(newest.used, "row", "rows")
    if newest.quarantined + newest.ignored <= newest.used:
        return f"{delivery} has {rows}{and_usual}: ask whether all of it was sent"
    advice = (
        "ask whether its format has changed, and for a corrected file"
        if newest.quarantined >= newest.ignored
        else "see whether the `ignore` rules still fit it"
    )
    return (
        f"most of {delivery} was set aside ({newest.quarantined:,} quarantined, {newest.ignored:,} ignored): "
        f"{rows} could be used{and_usual}; {advice}"
    )


def unread(extract: str, came: Iterable[Received], as_of: date, *, whole: bool) -> str:
    """What is said of a register of objections some of whose rows are in quarantine, or "".

    Of one that is delivered whole the newest delivery says it all; otherwise nothing says that a row has
    come again, and those of all deliveries count.
    """
    known = [c for c in came if asof.has_come(c.received_on, as_of)] or [c for c in came if c.history]
    counts = known[-1:] if whole else known
    rows = sum(c.quarantined for c in counts)
    if not rows:
        return ""
    last_whole = max((at for at, c in enumerate(known) if not c.quarantined), default=-1)
    since = known[last_whole + 1] if whole else next(c for c in known if c.quarantined)
    return (
        f"{counted(rows, 'row', 'rows')} of {extract} could not be read, since the delivery of "
        f"{day_words(since.received_on)}: whoever objects in them is scored all the same. See "
        "`earlyhelp quality`, and ask for a corrected file"
    )


def _received(snapshot: Snapshot) -> dict[str, dict[str, list[Received]]]:
    """source → extract → what was received of it up to the last delivery read, in order of days."""
    counted: dict[tuple[str, str, date, bool], Counter[str]] = defaultdict(Counter)
    for row in snapshot.tables.read("deliveries").to_pylist():
        if row["delivery_id"] <= snapshot.last_delivery:
            came = counted[row["source"], row["extract"], row["received_on"], bool(row["history"])]
            came.update({name: row[name] or 0 for name in ("used", "quarantined", "ignored")})
    found: dict[str, dict[str, list[Received]]] = defaultdict(lambda: defaultdict(list))
    for (source, extract, day, history), rows in sorted(counted.items(), key=lambda item: item[0][2:]):
        found[source][extract].append(Received(day, history, **rows))
    return found
