"""What drug and alcohol services return: episodes of treatment, and weeks later how each ended."""

from __future__ import annotations

import numpy as np

from simulation.calendar import OPEN, Index
from simulation.draw import Random, apart, between, happen, only, pick
from simulation.extracts import Draft, Happening
from simulation.life import Life
from simulation.people import Text

SOURCE = "drug_alcohol"
REFERRED, REFERRED_SLOPE = 0.0003, 0.006
"""Referrals of a family's adult in a month: background, and per unit of drinking."""
STARTS = 0.82
"""Referrals that led to treatment."""
WAIT, LASTS = (2, 28), (25, 420)
"""Days from referral to the start, and from the start to the end: fewest and most."""
REASONS = {
    "CDF": 0.18,
    "CAF": 0.19,
    "COU": 0.10,
    "IDO": 0.28,
    "ITD": 0.04,
    "ITW": 0.04,
    "TNC": 0.10,
    "TIC": 0.05,
}
"""How treatment ended, by code."""
COMPLETED, UNPLANNED = ("CDF", "CAF", "COU"), ("IDO", "ITD", "ITW")
KEYED, END_KEYED, REASON_KEYED = (9, 0.8), (16, 0.8), (30, 0.7)
"""Days to keying an episode, its end, and its reason: median, and spread of the logarithm."""


def drug_alcohol(random: Random, life: Life) -> list[Draft]:
    """Episodes and discharges."""
    block = life.block
    people, calendar = block.people, block.calendar
    unit, asked = happen(random, REFERRED + REFERRED_SLOPE * block.troubles.alcohol, calendar)
    who = block.adults(unit, asked)[np.arange(len(unit)), between(random, 0, 1, len(unit))]
    there = np.flatnonzero((who >= 0) & (block.homes.dwelling_at(unit, asked) >= 0))
    there = there[np.lexsort((who[there], asked[there]))]
    who, asked, n = who[there], asked[there], len(there)
    starts = random.random(n) < STARTS
    start = asked + between(random, *WAIT, n)
    end = np.minimum(start + between(random, *LASTS, n), np.maximum(people.leave[who], start + 1))
    kept = apart(who, asked, end)
    who, asked, start, end = who[kept], asked[kept], start[kept], end[kept]
    starts = starts[kept] & (start <= calendar.last)
    n = len(who)
    ended = starts & (end <= calendar.last)
    dwelling = block.home_of(who, asked)[1]
    keyed = block.keyed(random, KEYED, np.where(starts, start, asked).astype(np.int32), dwelling)
    end_day = np.where(ended, end, OPEN).astype(np.int32)
    end_keyed = np.maximum(keyed, block.keyed(random, END_KEYED, end_day, dwelling))
    client, episode = block.key_of(SOURCE, who), block.ids("E", n)
    names = zip(people.forename[who].tolist(), people.surname[who].tolist(), strict=True)
    district = [code.split()[0] if code else None for code in block.postcode(dwelling).tolist()]
    episodes = Draft(
        SOURCE,
        "episodes",
        {
            "EPISODID": episode,
            "CLIENTID": client,
            "INITIALS": np.array([f"{first[0]}{last[0]}".upper() for first, last in names], dtype=object),
            "DOB": people.birth[who],
            "SEX": np.where(people.sex[who] == 1, "1", "2").astype(object),
            "PC": only(random.random(n) < 0.92, np.array(district, dtype=object)),
            "REFLD": asked,
            "TRSTART": only(starts, start).astype(np.int32),
            "TREND": only(ended, end).astype(np.int32),
            "KEYED": keyed,
            "ENDKEYED": only(ended, end_keyed).astype(np.int32),
        },
        keyed=keyed,
        happenings=(
            Happening("referral", "REFLD", ("CLIENTID",)),
            Happening("treatment", "TRSTART", ("CLIENTID",), ended="TREND"),
        ),
        end_columns=("TREND", "ENDKEYED"),
        end_keyed=end_keyed.astype(np.int32),
    )
    over = np.flatnonzero(ended)
    reason = _reasons(random, people.died[who[over]] & (people.leave[who[over]] == end[over]))
    written_up = block.keyed(random, REASON_KEYED, end_day[over], dwelling[over])
    discharges = Draft(
        SOURCE,
        "discharges",
        {
            "EPISODID": episode[over],
            "CLIENTID": client[over],
            "DISD": end_day[over],
            "DISRSN": reason,
            "KEYED": written_up,
            "_signal": np.where(
                np.isin(reason, COMPLETED),
                "completed",
                np.where(np.isin(reason, UNPLANNED), "unplanned_exit", ""),
            ).astype(object),
        },
        keyed=written_up,
        happenings=(Happening("_signal", "DISD", ("CLIENTID",)),),
    )
    return [episodes, discharges]


def _reasons(random: Random, died: Index) -> Text:
    codes = np.array(list(REASONS), dtype=object)[pick(random, list(REASONS.values()), len(died))]
    return np.where(died, "DIE", codes)
