"""Balances in arrears, as council tax and the housing service hold them: since when, how much, cleared when.

They are worked out of what the agency did about them, so that a reminder and the balance behind it
tell one story: most are paid soon after the first letter, those that went further stay open for long,
a kept arrangement clears them with its end. The systems overwrite: a balance is today's, a council tax
year that is paid up and missed again holds the last time only, and a payment that bounces wipes the
end again. Some ends are keyed weeks later.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from simulation.block import Block
from simulation.calendar import NONE, OPEN, Days, Index, Mask, number
from simulation.draw import Floats, Random, apart, between, only
from simulation.extracts import Draft, Happening, Values
from simulation.life import Life

TAX_PAID_AFTER = {"RM1": 25, "ARR": 25, "FIN": 45, "SUM": 80, "LOR": 350, "EAG": 500}
RENT_PAID_AFTER = {"LT1": 30, "LT2": 30, "ARA": 30, "NOSP": 90, "CRT": 150, "SPO": 250, "EVI": 2000}
BROKEN_PAID_AFTER = 350
"""Days from the last step to payment on average, by the furthest step; a week is the least."""
LEAST = 7
RENT_PLAN_KEPT = 150
"""Rent arrangements that lasted so many days ended because nothing was owed any more."""
BEFORE_LETTER = (14, 42)
"""Days that rent is owed before the first letter goes."""
TECHNICAL, SHORT = 0.35, 0.35
"""Shares of the routine visits, which fall on any tenancy on any day, that stand for rent owed because
Universal Credit comes late, and for arrears paid before any letter goes."""
KEYED, CLEARED_KEYED = (4, 0.6), (9, 1.0)
"""Days to keying a balance and, weeks for some, its end: (median, spread of the logarithm)."""
LATELY = 150
PAYS, PAYS_SHARE = 0.5, 0.2
REOPENED = 0.1
"""In the weeks of live deliveries: open balances that a part is paid of, and how much; of those cleared in
the last `LATELY` days, the ones that a payment was taken back from."""


@dataclass(frozen=True)
class Spells:
    """Times in arrears, by owner and first day: the rows of their first and last step, and their end."""

    owner: Index
    opened: Index
    latest: Index
    since: Days
    cleared: Days  # OPEN = never

    def where(self, chosen: Mask | Index) -> Spells:
        """Some of the spells."""
        return Spells(*(getattr(self, field.name)[chosen] for field in fields(self)))


def council_tax_arrears(random: Random, life: Life) -> list[Draft]:
    """What is owed of each charge year of an account; a balance too small to pursue has no first day."""
    steps = life.recovery.columns
    code, day = steps["stage"], steps["stage_date"].astype(np.int64)
    broken = steps["arrangement_outcome"] == "BRK"
    wait = np.where(broken, BROKEN_PAID_AFTER, _waits(code, TAX_PAID_AFTER))
    ends = np.where(steps["arrangement_end"] == NONE, OPEN, steps["arrangement_end"])
    cleared_by = np.where(steps["arrangement_outcome"] == "KEPT", ends, NONE)
    since = np.maximum(_instalment(day), steps["_held_from"])
    years = _charge_year(since)
    owners = np.unique(steps["account_ref"], return_inverse=True)[1] * 1000 + years - 1990
    opened, latest, cleared = _cases(random, owners // 1000, day, wait, cleared_by, opens=code == "RM1")
    spells = _joined(Spells(owners[opened], opened, latest, since[opened], cleared))
    spells = spells.where(np.append(np.diff(spells.owner) != 0, True)[: len(spells.owner)])
    kept = spells.opened
    keyed = np.minimum(life.block.keyed(random, KEYED, spells.since), life.recovery.keyed[kept])
    # What is written off leaves a few pounds, or a credit, where nothing else is owed of the year.
    written_off = np.flatnonzero(code == "WOF")
    _, once = np.unique(owners[written_off], return_index=True)
    small = written_off[once]
    small = small[~np.isin(owners[small], spells.owner)]
    row, n = np.append(kept, small), len(small)
    return [
        _draft(
            random,
            life.block,
            source="council_tax",
            columns={name: steps[name][row] for name in ("account_ref", "uprn", "party1_ref", "party2_ref")}
            | {"charge_year": years[row]},
            names=("unpaid_since", "cleared_on", "end_keyed_on"),
            parties=("party1_ref", "party2_ref"),
            since=np.append(spells.since, np.full(n, NONE)),
            cleared=np.append(spells.cleared, np.full(n, OPEN)),
            keyed=np.append(keyed, life.recovery.keyed[small]),
            owed=np.append(steps["balance"][spells.latest], 9 - 60 * random.random(n)),
            counts=np.arange(len(row)) < len(kept),
        )
    ]


def rent_arrears(random: Random, life: Life) -> list[Draft]:
    """Each time that a tenancy is in arrears, technical ones marked as such."""
    steps = life.rent_actions.columns
    code, day = steps["action_code"], steps["action_date"].astype(np.int64)
    ends = np.where(steps["plan_ended"] == NONE, OPEN, steps["plan_ended"])
    plan, kept = code == "ARA", ends - day >= RENT_PLAN_KEPT
    wait = np.where(plan & ~kept, BROKEN_PAID_AFTER, _waits(code, RENT_PAID_AFTER))
    owners = np.unique(steps["tenancy_ref"], return_inverse=True)[1]
    cleared_by = np.where(plan & kept, ends, NONE)
    opened, latest, cleared = _cases(random, owners, day, wait, cleared_by, opens=code == "LT1")
    visits = np.flatnonzero(code == "VIS")
    drawn = random.random(len(visits))
    short = visits[drawn < TECHNICAL + SHORT]
    technical = np.isin(short, visits[drawn < TECHNICAL])
    since, every = day[opened] - between(random, *BEFORE_LETTER, len(opened)), np.append(opened, short)
    spells = _joined(
        Spells(
            owners[every],
            every,
            np.append(latest, short),
            np.maximum(np.append(since, day[short]), steps["_held_from"][every]),
            np.append(cleared, day[short] + between(random, LEAST, 28, len(short))),
        )
    )
    row = spells.opened
    first = np.searchsorted(spells.owner, spells.owner, side="left")
    flagged = np.isin(row, short[technical]) & (spells.latest == row)
    owed = steps["arrears"][spells.latest]
    owed = np.where(np.isnan(owed), 60 + 200 * random.random(len(row)), owed)
    return [
        _draft(
            random,
            life.block,
            source="rents",
            columns={name: steps[name][row] for name in ("tenancy_ref", "uprn", "tenant1_ref", "tenant2_ref")}
            | {
                "episode_no": np.arange(len(row)) - first + 1,
                "arrears_type": np.where(flagged, "TECH", "ARR").astype(object),
            },
            names=("arrears_since", "cleared_date", "clear_keyed"),
            parties=("tenant1_ref", "tenant2_ref"),
            since=spells.since,
            cleared=spells.cleared,
            keyed=life.block.keyed(random, KEYED, spells.since),
            owed=owed,
            counts=~flagged,
        )
    ]


def _waits(code: Values, after: dict[str, int]) -> Floats:
    """Days to payment of each step; -1 where a step says nothing of arrears."""
    return np.array([after.get(c, -1) for c in code], dtype=np.float64)


def _cases(
    random: Random, owner: Index, day: Days, wait: Floats, cleared_by: Days, *, opens: Values
) -> tuple[Index, Index, Days]:
    """Each step that opens a case, the last step before the owner's next case, and the day it is cleared.

    wait: days to payment if it is the furthest step (-1 = not of a case); cleared_by: the end of an
    arrangement that was kept, else NONE.
    """
    order = np.lexsort((opens, day, owner))
    order = order[wait[order] >= 0]
    place = np.arange(len(order))
    begun = np.maximum.accumulate(np.where(opens[order], place, -1))
    order = order[(begun >= 0) & (owner[order[begun]] == owner[order])]
    head = np.flatnonzero(opens[order])
    latest = order[np.append(head[1:], len(order))[: len(head)] - 1]
    furthest = np.maximum.reduceat(wait[order], head)
    paid = day[latest] + LEAST + random.exponential(furthest).astype(np.int64)
    plan = np.maximum.reduceat(cleared_by[order].astype(np.int64), head)
    cleared = np.where(plan == NONE, paid, np.maximum(plan, day[latest] + LEAST))
    return order[head], latest, np.minimum(cleared, OPEN)


def _joined(spells: Spells) -> Spells:
    """One spell of those that begin before the ones before them are cleared, in order."""
    owner, since, cleared = (a.astype(np.int64) for a in (spells.owner, spells.since, spells.cleared))
    order = np.lexsort((since, owner))
    head = np.flatnonzero(apart(owner, since, cleared)[order])
    tail = np.append(head[1:], len(order))[: len(head)] - 1
    first, last = order[head], order[tail]
    cleared = np.maximum.reduceat(cleared[order], head)
    return Spells(owner[first], spells.opened[first], spells.latest[last], since[first], cleared)


def _instalment(day: Days) -> Days:
    """The first of the month, in which an instalment was due; none is in February and March."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    month -= np.where(np.isin(month % 12, (1, 2)), month % 12, 0)
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)


def _charge_year(day: Days) -> Index:
    """The year in which the charge year of each day began, on 1 April."""
    month = day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)
    return (month - 3) // 12 + 1970


def _draft(
    random: Random,
    block: Block,
    *,
    source: str,
    columns: dict[str, Values],
    names: tuple[str, str, str],
    parties: tuple[str, str],
    since: Days,
    cleared: Days,
    keyed: Days,
    owed: Floats,
    counts: Mask,
) -> Draft:
    """The extract, with what it says anew in the weeks of live deliveries.

    names: the columns of since, cleared and the day that was keyed; counts: the rows that are arrears.
    """
    calendar, n = block.calendar, len(since)
    end_keyed = np.maximum(keyed, block.keyed(random, CLEARED_KEYED, cleared))
    is_open = end_keyed > calendar.last
    change = between(random, number(calendar.history_received_on) + 1, calendar.last - 1, n)
    drawn = random.random(n)
    pays = is_open & (keyed < change) & (drawn < PAYS)
    lately = ~is_open & (end_keyed < change) & (end_keyed > calendar.last - LATELY)
    taken_back = lately & (drawn < REOPENED)
    starts, clears, end_keyed_on = names
    owed, nothing = np.round(owed, 2), np.full(n, NONE, dtype=np.int32)
    return Draft(
        source,
        "arrears",
        {
            **columns,
            starts: since.astype(np.int32),
            "balance": np.where(is_open, owed, 0.0),
            clears: only(~is_open, cleared).astype(np.int32),
            "keyed_on": keyed.astype(np.int32),
            end_keyed_on: only(~is_open, end_keyed).astype(np.int32),
            "_signal": np.where(counts, "arrears", "").astype(object),
        },
        keyed=keyed.astype(np.int32),
        happenings=(Happening("_signal", starts, parties, ended=clears, place="uprn"),),
        end_columns=(clears, end_keyed_on),
        end_keyed=np.where(is_open, OPEN, end_keyed).astype(np.int32),
        while_open={"balance": owed},
        corrected={
            "balance": np.where(pays, np.round(owed * (1 - PAYS_SHARE), 2), owed),
            clears: nothing,
            end_keyed_on: nothing,
        },
        corrected_on=np.where(pays | taken_back, change, OPEN).astype(np.int32),
    )
