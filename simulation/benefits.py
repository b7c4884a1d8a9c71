"""What the benefits service holds: claims, what the DWP tells it, and the two discretionary pots.

Low income brings claims, and claims say little; debt brings sanctions, and requests to the pots, some
of which are refused. Local welfare is a spreadsheet: it has no key of a person.
"""

from __future__ import annotations

import numpy as np

from features.declaration import UNIDENTIFIED
from simulation.block import Block
from simulation.calendar import OPEN, Days, Index, years_between
from simulation.draw import Random, between, happen, only, pick
from simulation.extracts import Draft, Happening, Values
from simulation.homes import HOSTEL
from simulation.life import Life

CLAIMS = {"HB": (0.0, 0.10, 0.32, 0.0), "CTR": (0.05, 0.12, 0.35, 0.0)}
"""Households with a claim in each home they have, by tenure (owners, private, council, hostel) ..."""
CLAIMS_DEBT = 0.25
"""... and how many more of them for a unit of debt, over the years on average."""
CLAIM_YEARS = 4.0
"""How long a claim lasts on average, if the household does not move before."""
PREMIUM_DISABLED = 0.7
"""Disabled adults on housing benefit with a premium for it."""
SANCTION, SANCTION_DEBT = 0.0002, 0.0022
CAP, CAP_DEBT = 0.0002, 0.0012
AWARD_CHANGES = 0.002
"""Notices about a household a month: always, and by unit of debt; the cap is for families with children."""
HOUSING_PAYMENT, HOUSING_PAYMENT_DEBT = 0.0002, 0.0045
LOCAL_WELFARE, LOCAL_WELFARE_DEBT, LOCAL_WELFARE_MIND = 0.0003, 0.0050, 0.0015
"""Requests of a household a month: always, and by unit of its trouble."""
HOUSING_PAYMENT_REFUSED, LOCAL_WELFARE_REFUSED = 0.3, 0.4
TRIED = 0.01
"""Lines of the spreadsheet that were only typed to try it."""
DELAYS = {"claim": (9, 0.9), "notice": (2, 0.6), "sheet": (4, 1.0)}
"""Days from happening to keying: (median, spread of the logarithm)."""
NINO_GIVEN, NINO_ON_SHEET, BIRTH_DATE_ON_SHEET = 0.97, 0.6, 0.85


def benefits(random: Random, life: Life) -> list[Draft]:
    """Claims, notices of the DWP, discretionary housing payments, local welfare."""
    block = life.block
    return [
        _claims(random, block),
        _notices(random, block),
        _housing_payments(random, block),
        _local_welfare(random, block),
    ]


def _claims(random: Random, block: Block) -> Draft:
    """One claim of a kind in a home, by its adults; one that has ended is replaced by no other there."""
    people, spells, last = block.people, block.homes.spells, block.calendar.last
    debt = block.troubles.debt.mean(axis=1)
    homes, kinds = [], []
    for name, shares in CLAIMS.items():
        chance = np.array(shares)[spells.more["tenure"]]
        chance = np.where(chance > 0, chance + CLAIMS_DEBT * debt[spells.owner], 0)
        chosen = np.flatnonzero(random.random(len(spells)) < chance)
        homes.append(chosen)
        kinds.append(np.full(len(chosen), name, dtype=object))
    row, kind = np.concatenate(homes), np.concatenate(kinds)
    waits = np.where(random.random(len(row)) < 0.5, 0, random.exponential(500, len(row)))
    begin = np.minimum(spells.start[row] + waits, OPEN).astype(np.int32)
    begin = np.where(waits == 0, block.since(random, begin), begin).astype(np.int32)
    moves = spells.end[row].astype(np.int64)
    there = (begin < moves) & (begin <= last)
    holders = block.adults(spells.owner[row], np.maximum(begin, spells.start[row]))
    there &= holders[:, 0] >= 0
    row, kind, begin, moves, holders = row[there], kind[there], begin[there], moves[there], holders[there]
    n, dwelling = len(row), spells.more["dwelling"][row]
    stops = np.maximum(begin, block.calendar.first) + random.exponential(365 * CLAIM_YEARS, n) + 20
    reason = np.array(["MIG", "INC"], dtype=object)[pick(random, (0.6, 0.4), n)]
    retired = years_between(people.birth[holders[:, 0]], stops.astype(np.int64)) >= 66
    reason = np.where(moves <= stops, "MOV", np.where(retired, "INC", reason))
    end = np.minimum(moves, stops.astype(np.int64)).astype(np.int32)
    ended = end <= last
    keyed = block.keyed(random, DELAYS["claim"], begin, dwelling)
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["claim"], end, dwelling)).astype(np.int32)
    premium = (people.disabled[holders] & (holders >= 0)) & (random.random((n, 2)) < PREMIUM_DISABLED)
    premium &= (kind == "HB")[:, None]
    # One code a claim: that of the claimant goes first.
    code = only(premium[:, 0] | premium[:, 1], np.where(premium[:, 0], "DISC", "DISP"))
    columns: dict[str, Values] = {
        "claim_ref": block.ids("CL", n),
        "claim_type": kind,
        "dependants": between(random, 0, 3, n),
        "premium": code,
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "date_from": begin,
        "date_to": only(ended, end).astype(np.int32),
        "end_reason": only(ended, reason),
        "weekly_award": np.round(random.gamma(4, 22, n), 2),
        "keyed_on": keyed,
        "end_keyed_on": only(ended, end_keyed).astype(np.int32),
        "_claim": np.where(kind == "HB", "housing_benefit", "council_tax_reduction").astype(object),
        "_claimant": np.where(code == "DISC", "disability_premium", "").astype(object),
        "_partner": np.where(code == "DISP", "disability_premium", "").astype(object),
    }
    nino = only(random.random(people.count) < NINO_GIVEN, block.nino(np.arange(people.count)))
    for slot, party in enumerate(("claimant", "partner")):
        who = holders[:, slot]
        for column, values in {
            "ref": block.key_of("benefits", who),
            "forenames": people.forename[who],
            "surname": np.array([s.upper() for s in people.surname[who]], dtype=object),
            "dob": people.birth[who],
            "nino": nino[who],
        }.items():
            columns[f"{party}_{column}"] = only(who >= 0, values)
    return Draft(
        "benefits",
        "claims",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_claim", "date_from", ("claimant_ref", "partner_ref"), ended="date_to", place="uprn"),
            Happening("_claimant", "date_from", ("claimant_ref",), ended="date_to"),
            Happening("_partner", "date_from", ("partner_ref",), ended="date_to"),
        ),
        end_columns=("date_to", "end_reason", "end_keyed_on"),
        end_keyed=end_keyed,
    )


def _asks(random: Random, block: Block, rates: Values) -> tuple[Index, Index, Days, Index]:
    """Things that happen to households, of whom an adult tells: (unit, that adult, day, dwelling), by day."""
    unit, day = happen(random, rates, block.calendar)
    who, dwelling = block.adults(unit, day)[:, 0], block.homes.dwelling_at(unit, day)
    there = np.flatnonzero((who >= 0) & (dwelling >= 0))
    there = there[np.lexsort((unit[there], day[there]))]
    return unit[there], who[there], day[there], dwelling[there]


def _notices(random: Random, block: Block) -> Draft:
    """Sanctions, the cap, and changes of award, about adults of working age."""
    debt = block.troubles.debt
    parts = []
    for name, rates in {
        "SAN": SANCTION + SANCTION_DEBT * debt,
        "CAP": CAP + CAP_DEBT * debt,
        "AWD": np.full(debt.shape, AWARD_CHANGES),
    }.items():
        unit, who, day, _ = _asks(random, block, rates)
        fits = years_between(block.people.birth[who], day) < 66
        if name == "CAP":
            which, person = block.people.members(unit, day)
            young = which[years_between(block.people.birth[person], day[which]) < 18]
            fits &= np.isin(np.arange(len(unit)), young)
        parts.append((np.full(int(fits.sum()), name, dtype=object), who[fits], day[fits]))
    code, who, day = (np.concatenate([part[i] for part in parts]) for i in range(3))
    order = np.lexsort((who, day))
    code, who, day = code[order], who[order], day[order]
    n = len(who)
    lasts = np.where(code == "SAN", between(random, 7, 91, n), between(random, 60, 500, n))
    end = np.where(code == "AWD", OPEN, day + lasts.astype(np.int64)).astype(np.int32)
    ended = end <= block.calendar.last
    keyed = block.keyed(random, DELAYS["notice"], day)
    end_keyed = np.maximum(keyed, block.keyed(random, DELAYS["notice"], end)).astype(np.int32)
    signals = {"SAN": "sanction", "CAP": "benefit_cap", "AWD": ""}
    columns: dict[str, Values] = {
        "notice_no": block.ids("DN", n, 9),
        "claimant_ref": block.key_of("benefits", who),
        "nino": block.nino(who),
        "forenames": block.people.forename[who],
        "surname": block.people.surname[who],
        "birth_date": block.people.birth[who],
        "notice_type": code,
        "effective_from": day,
        "effective_to": only(ended, end).astype(np.int32),
        "weekly_reduction": np.where(code == "AWD", np.nan, np.round(random.gamma(5, 9, n), 2)),
        "received_on": keyed,
        "end_received_on": only(ended, end_keyed).astype(np.int32),
        "_signal": np.array([signals[c] for c in code], dtype=object),
    }
    return Draft(
        "benefits",
        "dwp_notices",
        columns,
        keyed=keyed,
        happenings=(Happening("_signal", "effective_from", ("claimant_ref",), ended="effective_to"),),
        end_columns=("effective_to", "end_received_on"),
        end_keyed=end_keyed,
        corrected={"effective_from": day - 1},
    )


def _housing_payments(random: Random, block: Block) -> Draft:
    """Requests of tenants; an award names the day on which it will end."""
    rents = (block.people.unit_tenure > 0)[:, None]
    rates = rents * (HOUSING_PAYMENT + HOUSING_PAYMENT_DEBT * block.troubles.debt)
    unit, who, day, dwelling = _asks(random, block, rates)
    housed = block.homes.spells.more["tenure"][block.homes.spells.at(unit, day)] != HOSTEL
    who, day, dwelling = who[housed], day[housed], dwelling[housed]
    n = len(who)
    decided = (day + between(random, 5, 45, n)).astype(np.int32)
    refused = random.random(n) < HOUSING_PAYMENT_REFUSED
    weeks = between(random, 4, 26, n)
    columns = {
        "dhp_ref": block.ids("DHP", n),
        "claimant_ref": block.key_of("benefits", who),
        "uprn": block.uprn(dwelling),
        "applied_on": day,
        "decision": np.where(refused, "R", "A").astype(object),
        "decided_on": decided,
        "award_from": only(~refused, day).astype(np.int32),
        "award_to": only(~refused, day + 7 * weeks).astype(np.int32),
        "award_total": np.where(refused, np.nan, np.round(weeks * random.gamma(4, 8, n), 2)),
        "_paid": np.where(refused, "", "housing_payment").astype(object),
        "_refused": np.where(refused, "housing_payment_refused", "").astype(object),
    }
    return Draft(
        "benefits",
        "housing_payments",
        columns,
        keyed=decided,
        happenings=(
            Happening("_paid", "award_from", ("claimant_ref",), ended="award_to", place="uprn"),
            Happening("_refused", "decided_on", ("claimant_ref",), place="uprn"),
        ),
    )


def _local_welfare(random: Random, block: Block) -> Draft:
    """The spreadsheet of local welfare: whoever asks is typed in afresh every time."""
    people, troubles = block.people, block.troubles
    rates = LOCAL_WELFARE + LOCAL_WELFARE_DEBT * troubles.debt + LOCAL_WELFARE_MIND * troubles.mind
    _, who, day, dwelling = _asks(random, block, rates)
    n = len(who)
    outcome = np.array(["Paid", "Refused", "Signposted"], dtype=object)[
        pick(random, (1 - LOCAL_WELFARE_REFUSED, LOCAL_WELFARE_REFUSED / 2, LOCAL_WELFARE_REFUSED / 2), n)
    ]
    outcome[random.random(n) < TRIED] = "Test"
    signals = {"Paid": "local_welfare_payment", "Test": ""}
    reference, needs = block.ids("LW", n), np.array(["Fuel", "Food", "Furniture"], dtype=object)
    columns = {
        "Ref": reference,
        "Date": day,
        "Surname": people.surname[who],
        "First name": people.forename[who],
        "DOB": only(random.random(n) < BIRTH_DATE_ON_SHEET, people.birth[who]).astype(np.int32),
        "NI number": only(random.random(n) < NINO_ON_SHEET, block.nino(who)),
        "Postcode area": np.array([p.split()[0] for p in block.postcode(dwelling)], dtype=object),
        "Outcome": outcome,
        "Need": needs[between(random, 0, 2, n)],
        "Amount": np.where(outcome == "Paid", np.round(random.gamma(3, 30, n), 2), np.nan),
        "_row": np.array([UNIDENTIFIED + r for r in reference], dtype=object),
        "_who": who,
        "_signal": np.array([signals.get(o, "local_welfare_refused") for o in outcome], dtype=object),
    }
    return Draft(
        "benefits",
        "local_welfare",
        columns,
        keyed=block.keyed(random, DELAYS["sheet"], day),
        happenings=(Happening("_signal", "Date", ("_row",)),),
        corrected={"Date": day - 1},
    )
