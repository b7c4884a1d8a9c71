"""Whether what is held can say what followed, asked before anything is computed: the outcome is among it,
and each source that tells of it goes on to the end of the last horizon that is judged.

A month in which a source brought nothing looks like a month in which nothing happened. A first load of past
years that is taken in long after its last row would be judged on such months: they would halve the base rate,
and nobody could see it in the figures.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import pairwise

from features.declaration import Source
from features.deliveries import Delivery
from features.errors import UserMistake
from features.outcomes import Outcome
from features.rule_sql import quoted
from features.snapshot import Snapshot
from features.usable import sql_in
from training.calendar import Calendar

TWO_YEARS = 730
"""Days before a history's last record in which its longest silence is looked for: two of every season."""


def need_outcomes(snapshot: Snapshot, outcome: Outcome) -> None:
    """Raises UserMistake where nothing that is held is of the outcome."""
    query = f"SELECT signal FROM events WHERE signal IN {sql_in(outcome.signals)} LIMIT 1"
    if not snapshot.con.execute(query).fetchall():
        raise UserMistake(
            "The outcome has never happened in what is held, so that there is nothing to learn.",
            problems=[
                f"nothing is held of {', '.join(outcome.signals)}",
                "take in what tells of it, or see whether `outcome.parts` name the signals that do",
            ],
        )


def need_told_of(
    snapshot: Snapshot, outcome: Outcome, calendar: Calendar, ledger: Sequence[Delivery]
) -> None:
    """Raises UserMistake where a source of the outcome ends before the last horizon judged does.

    ledger: the deliveries read. A delivery that is not history says what had happened by its day, even if
    that is nothing. History reaches to its last record, and as many days on as may pass without one: the
    declared delay, the days between two deliveries, and the longest silence of its last two years.
    """
    over = max(calendar.reported) + timedelta(days=calendar.horizon_days)
    problems = [
        problem
        for name in sorted({signal.split(".")[0] for signal in outcome.signals})
        if (source := snapshot.workspace.sources.get(name))
        and (its := [each for each in ledger if each.source == name])
        for problem in _ends_early(snapshot, source, its, over, calendar.test_judged_on)
    ]
    if problems:
        raise UserMistake(
            "Dates would be judged on months of which nobody has told us what happened.",
            problems=[
                *problems,
                "if it was received earlier than it was taken in: take everything in again, into a new "
                "workspace, with `ingest --history --received DATE`, the day it reached us",
                "if nothing has happened since: take in a newer delivery, without `--history`",
                "otherwise write the dates out (`calendar`: train, calibrate, test), so that what followed "
                "the last of them was over by then",
            ],
        )


def _ends_early(
    snapshot: Snapshot, source: Source, ledger: Sequence[Delivery], over: date, judged_on: date
) -> Iterator[str]:
    """What is said of a source that does not reach the day on which the last horizon is over."""
    live = [each.received_on for each in ledger if not each.history and (each.used or not each.quarantined)]
    days = _days_of_records(snapshot, source, max(each.received_on for each in ledger))
    silence = max((b - a for a, b in pairwise(days)), default=timedelta())
    first = source.schedule.next_after(judged_on)
    cadence = source.schedule.next_after(first) - first
    may_pass = timedelta(days=source.typical_delay_days) + cadence + silence
    reaches = max([*live, *(day + may_pass for day in days[-1:])], default=source.covers_from)
    if reaches >= over:
        return
    last = max([*live, *days], default=None)
    ends = f"ends on {last}" if last else "has never told anything"
    yield (
        f"{source.source}: what is held of it {ends}; the last horizon judged is over on {over} and judged "
        f"as known on {judged_on}. {may_pass.days} days without a record could be silence; these are "
        f"{(over - (last or source.covers_from)).days}"
    )


def _days_of_records(snapshot: Snapshot, source: Source, by: date) -> list[date]:
    """The different days of what is held of a source, in its last two years; none after `by`."""
    query = f"""
        SELECT DISTINCT occurred_on FROM events
        WHERE source = {quoted(source.source)} AND occurred_on <= DATE '{by}'
        QUALIFY occurred_on >= max(occurred_on) OVER () - {TWO_YEARS}
        ORDER BY occurred_on
    """
    return [day for (day,) in snapshot.con.execute(query).fetchall()]
