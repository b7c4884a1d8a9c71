"""What schools hold: the roll, pupils' addresses, absent days, possible sessions, suspensions.

Absence is one row a pupil and day missed, with its code and the sessions missed (1 or 2), not a row
for every mark. Possible sessions come once a half-term, so that a holiday is not a good record.
"""

from __future__ import annotations

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import NONE, Days, Index, number, years_between
from simulation.draw import Random, between, expand, happen, only, pick
from simulation.extracts import Draft, Happening

ILL_CODES, AWAY_CODES = np.array(["I", "M", "C"], dtype=object), np.array(["O", "U", "G"], dtype=object)


def schools(random: Random, block: Block) -> list[Draft]:
    """Every extract of the schools' shared system."""
    pupil, start, end, secondary = _roll(block)
    return [
        _roll_draft(random, block, pupil, start, end, secondary),
        _addresses(random, block, pupil, start),
        *_attendance(random, block, pupil, start, end),
        _suspensions(random, block, pupil, start, end),
    ]


def _roll(block: Block) -> tuple[Index, Days, Days, np.ndarray]:
    """(pupil, first day, last day + 1, secondary) of every place on a roll within the calendar."""
    people, calendar = block.people, block.calendar
    birth = people.birth.astype("datetime64[D]")
    year = birth.astype("datetime64[Y]").astype(int) + 1970
    month = birth.astype("datetime64[M]").astype(int) % 12 + 1
    starts_school = year + 4 + (month >= 9)

    def first_of(years: np.ndarray, month_number: int) -> Days:
        months = (years - 1970) * 12 + month_number - 1
        return months.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64).astype(np.int32)

    who = np.arange(people.count)
    parts = []
    for secondary, (begins, lasts) in enumerate(((0, 7), (7, 5))):
        start = np.maximum(
            first_of(starts_school + begins, 9), people.enter + 14 * (people.enter > calendar.first)
        )
        end = np.minimum(first_of(starts_school + begins + lasts, 8), people.leave)
        there = np.flatnonzero((start < end) & (end > calendar.first) & (start <= calendar.last))
        parts.append((who[there], start[there], end[there], np.full(len(there), bool(secondary))))
    pupil, start, end, secondary_school = (np.concatenate([p[i] for p in parts]) for i in range(4))
    order = np.lexsort((start, pupil))
    return pupil[order], start[order].astype(np.int32), end[order].astype(np.int32), secondary_school[order]


def _roll_draft(
    random: Random, block: Block, pupil: Index, start: Days, end: Days, secondary: np.ndarray
) -> Draft:
    people, last = block.people, block.calendar.last
    ended = end <= last
    gone = ended & (end == people.leave[pupil])
    number_of_schools = max(2, people.count // 1500)
    school = (people.stays.more["unit"][np.searchsorted(people.stays.owner, pupil)] // 97) % number_of_schools
    school = 2 * (school + block.areas.first) + secondary
    unknown = (random.random(people.count) < 0.03)[pupil]
    first_known = np.maximum(start, block.calendar.first).astype(np.int32)
    keyed = block.keyed(random, "schools", first_known)
    columns = {
        "roll_ref": block.ids("RL", len(pupil)),
        "upn": block.upn(pupil),
        "forename": people.forename[pupil],
        "surname": people.surname[pupil],
        "dob": people.birth[pupil],
        "gender": np.where(people.sex[pupil] == 1, "M", "F").astype(object),
        "ethnicity": np.where(unknown, "NOBT", block.ethnic_code(pupil)),
        "sen_disability": np.where(people.disabled[pupil], "Y", "N").astype(object),
        "school_urn": np.array([f"{990_000 + s}" for s in school.tolist()], dtype=object),
        "on_roll_from": start,
        "on_roll_to": np.where(ended, end, NONE).astype(np.int32),
        "leaving_reason": only(ended, np.where(gone & ~people.died[pupil], "LA", "CS")),
        "_signal": np.where(gone & ~people.died[pupil], "moved_away", ""),
    }
    return Draft(
        "schools",
        "roll",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "on_roll_to", ("upn",)),),
        end_columns=("on_roll_to", "leaving_reason"),
        end_keyed=np.maximum(keyed, block.keyed(random, "schools", end)).astype(np.int32),
    )


def _addresses(random: Random, block: Block, pupil: Index, start: Days) -> Draft:
    """Every address of a pupil from the day they came on a roll; a move is keyed weeks later."""
    child, first_row = np.unique(pupil, return_index=True)
    on_roll = start[first_row]
    at, begins, ends, dwelling = block.homes_of(child)
    there = ends > on_roll[at]
    at, begins, ends, dwelling = at[there], begins[there], ends[there], dwelling[there]
    told = np.maximum(np.maximum(begins, on_roll[at]), block.calendar.first).astype(np.int32)
    keyed = block.keyed(random, "address", told, dwelling)
    columns = {
        "address_ref": block.ids("PA", len(at)),
        "upn": block.upn(child[at]),
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "lsoa": block.lsoa(dwelling),
        "lives_there_from": np.maximum(block.since(random, begins), block.people.birth[child[at]]),
        "lives_there_to": np.where(ends > block.calendar.last, NONE, ends).astype(np.int32),
        "keyed_on": keyed,
    }
    return Draft(
        "schools",
        "pupil_addresses",
        columns,
        keyed=keyed,
        end_columns=("lives_there_to",),
        end_keyed=np.maximum(keyed, block.keyed(random, "address", ends, dwelling)).astype(np.int32),
    )


def _attendance(random: Random, block: Block, pupil: Index, start: Days, end: Days) -> list[Draft]:
    """Absent days, and possible sessions of each half-term begun on the roll."""
    calendar, people, troubles = block.calendar, block.people, block.troubles
    days = calendar.school_days()
    terms = [(number(a), min(number(b), calendar.last)) for a, b in calendar.half_terms()]
    opens, closes = (np.array([t[i] for t in terms], dtype=np.int32) for i in (0, 1))
    low, high = np.searchsorted(days, opens), np.searchsorted(days, closes, side="right")
    # Every (place on a roll, half-term) that overlap.
    first = np.searchsorted(closes, start)
    beyond = np.searchsorted(opens, end)
    place, term = expand(first, np.maximum(first, beyond))
    child = pupil[place]
    month = calendar.month_of((opens[term] + closes[term]) // 2)
    row = np.searchsorted(troubles.children, child)
    unit = people.stays.more["unit"][np.searchsorted(people.stays.owner, child)]
    trouble = 0.9 * troubles.adrift[row, month] + 0.35 * troubles.all()[unit, month]
    length = high[term] - low[term]
    unwell = np.where(np.isin((month + 6) % 12, (9, 10, 11, 0, 1)), 1.35, 0.8)
    away = np.minimum(world.ABSENT_UNAUTHORISED * np.exp(world.ABSENT_SLOPE * trouble), world.ABSENT_CAP)
    frailty = random.gamma(1.2, 1 / 1.2, people.count)[child]
    missed = []
    for codes, shares, rate in (
        (ILL_CODES, (0.82, 0.12, 0.06), world.ABSENT_ILL * unwell * frailty * np.exp(0.12 * trouble)),
        (AWAY_CODES, (0.72, 0.10, 0.18), away * frailty),
    ):
        counts = random.poisson(np.minimum(rate, 0.6) * length)
        pair = np.repeat(np.arange(len(place)), counts)
        day = days[low[term[pair]] + (random.random(len(pair)) * length[pair]).astype(np.int64)]
        missed.append((place[pair], day, codes[pick(random, shares, len(pair))]))
    at, day, code = (np.concatenate([m[i] for m in missed]) for i in range(3))
    there = (day >= start[at]) & (day < end[at])
    at, day, code = at[there], day[there], code[there]
    order = np.lexsort((code, pupil[at], day))
    at, day, code = at[order], day[order], code[order]
    again = np.r_[False, (pupil[at][1:] == pupil[at][:-1]) & (day[1:] == day[:-1])]
    at, day, code = at[~again], day[~again], code[~again]
    excused = random.random(len(at)) < 0.01
    code = np.where(excused, "X", code)
    signal = np.where(np.isin(code, ILL_CODES), "absence", np.where(code == "X", "", "unauthorised_absence"))
    amended = np.where(code == "O", "I", code)
    absences = Draft(
        "schools",
        "absences",
        {
            "upn": block.upn(pupil[at]),
            "absence_date": day,
            "code": code,
            "sessions": np.where(random.random(len(at)) < 0.25, 1, 2),
            "_signal": signal,
        },
        keyed=block.keyed(random, "schools", day),
        happenings=(Happening("_signal", "absence_date", ("upn",)),),
        corrected={"code": amended, "_signal": np.where(code == "O", "absence", signal)},
    )
    whole = (start[place] <= closes[term]) & (closes[term] <= calendar.last) & (end[place] > opens[term])
    at, term, length = place[whole], term[whole], length[whole]
    begun = opens[term]
    possible = Draft(
        "schools",
        "possible_sessions",
        {
            "upn": block.upn(pupil[at]),
            "half_term_from": begun,
            "half_term_to": closes[term],
            "possible_sessions": 2 * length,
        },
        keyed=block.keyed(random, "schools", closes[term]),
        happenings=(Happening("possible_sessions", "half_term_to", ("upn",)),),
    )
    return [absences, possible]


def _suspensions(random: Random, block: Block, pupil: Index, start: Days, end: Days) -> Draft:
    """Suspensions of older pupils, more of those adrift."""
    rates = world.SUSPENSION * np.exp(np.minimum(world.SUSPENSION_SLOPE * block.troubles.adrift, 5))
    row, day = happen(random, rates, block.calendar)
    child = block.troubles.children[row]
    days = block.calendar.school_days()
    day = days[np.minimum(np.searchsorted(days, day), len(days) - 1)]
    place = np.searchsorted(pupil, child, side="right") - 1  # the last place that began
    place = np.where((place >= 1) & (day < start[place]) & (pupil[place - 1] == child), place - 1, place)
    on_roll = (place >= 0) & (pupil[place] == child) & (start[place] <= day) & (day < end[place])
    there = np.flatnonzero(on_roll & (years_between(block.people.birth[child], day) >= 8))
    there = there[np.lexsort((child[there], day[there]))]
    child, day = child[there], day[there]
    n = len(child)
    reasons = np.array(["PA", "VA", "PP", "DB", "DA", "DM"], dtype=object)
    return Draft(
        "schools",
        "suspensions",
        {
            "suspension_ref": block.ids("SU", n),
            "upn": block.upn(child),
            "suspended_from": day,
            "sessions": 2 * between(random, 1, 5, n),
            "reason": reasons[pick(random, (0.15, 0.2, 0.2, 0.35, 0.05, 0.05), n)],
        },
        keyed=block.keyed(random, "schools", day),
        happenings=(Happening("suspension", "suspended_from", ("upn",)),),
    )
