"""What the revenues service holds: council tax accounts with their liable adults, and recovery.

Debt makes reminders likelier, and each later stage a little likelier; most households that get a
reminder pay. Recovery runs in bulk, on the 12th of the month.
"""

from __future__ import annotations

import numpy as np

from simulation import world
from simulation.block import Block
from simulation.calendar import NONE, OPEN, Calendar, Days, Index
from simulation.draw import Random, between, capped, happen, only
from simulation.extracts import Draft, Happening, Values
from simulation.homes import HOSTEL
from simulation.people import Text

CODES = {"final_notice": "FIN", "summons": "SUM", "liability_order": "LOR", "enforcement_agent": "EAG"}
SIGNALS = {code: signal for signal, code in CODES.items()} | {
    "RM1": "reminder",
    "ARR": "arrangement",
    "WOF": "",
}
GAPS = {
    "final_notice": (14, 28),
    "summons": (20, 45),
    "liability_order": (21, 35),
    "enforcement_agent": (20, 60),
}
"""Days from the stage before."""


def council_tax(random: Random, block: Block) -> list[Draft]:
    """Accounts with their liable adults, and the recovery of what was not paid."""
    spells = block.homes.spells
    row = np.flatnonzero(spells.more["tenure"] != HOSTEL)
    holders = block.adults(spells.owner[row], spells.start[row])
    row, holders = row[holders[:, 0] >= 0], holders[holders[:, 0] >= 0]
    dwelling, start, end = spells.more["dwelling"][row], spells.start[row], spells.end[row]
    since = block.since(random, start)
    left = (end == block.people.unit_leave[spells.owner[row]]) & (end < OPEN)
    reference = block.ids("7", len(row), 9)
    has_birth_date = random.random(block.people.count) < world.BIRTH_DATE_ON_TAX
    columns: dict[str, Values] = {
        "account_ref": reference,
        "uprn": block.uprn(dwelling),
        "postcode": block.postcode(dwelling),
        "lsoa_code": block.lsoa(dwelling),
        "liable_from": since,
        "liable_to": np.where(end >= OPEN, NONE, end).astype(np.int32),
        "end_reason": only(end < OPEN, np.where(left, "LFT", "MOV")),
        "current_balance": np.round(random.gamma(0.4, 300, len(row)), 2),
        "keyed_on": block.keyed(random, "council_tax.accounts", since, dwelling),
    }
    died = np.where(block.people.died, block.people.leave, NONE)
    for slot in (1, 2):
        who = holders[:, slot - 1]
        in_time = died[who] < np.where(end >= OPEN, block.calendar.last - 20, end)
        for name, values in {
            "ref": block.tax_key(who),
            "forenames": block.people.forename[who],
            "surname": np.array([s.upper() for s in block.people.surname[who]], dtype=object),
            "dob": np.where(has_birth_date[who], block.people.birth[who], NONE).astype(np.int32),
            "deceased": np.where(in_time, died[who], NONE).astype(np.int32),
        }.items():
            columns[f"party{slot}_{name}"] = only(who >= 0, values)
    columns["_signal"] = np.where(left, "moved_away", "")
    end_keyed = block.keyed(random, "council_tax.accounts", end, dwelling)
    deaths = np.maximum(columns["party1_deceased"], columns["party2_deceased"])
    end_keyed = np.where(deaths != NONE, np.minimum(end_keyed, deaths.astype(np.int64) + 16), end_keyed)
    accounts = Draft(
        "council_tax",
        "accounts",
        columns,
        keyed=columns["keyed_on"],
        happenings=(Happening("_signal", "liable_to", ("party1_ref", "party2_ref")),),
        end_columns=("liable_to", "end_reason", "party1_deceased", "party2_deceased"),
        end_keyed=end_keyed.astype(np.int32),
    )
    return [accounts, _recovery(random, block, row, reference, holders)]


def _recovery(random: Random, block: Block, row: Index, reference: Text, holders: Index) -> Draft:
    """Reminders and what follows them, in the bulk runs of the 12th of the month."""
    account_of = np.full(len(block.homes.spells), -1)
    account_of[row] = np.arange(len(row))
    rates = capped(world.REMINDER, world.REMINDER_SLOPE * block.troubles.debt, world.REMINDER_CAP)
    # Nothing is due in February and March: bills run from April to January.
    months = np.arange(block.calendar.months)
    rates = rates * np.where(np.isin((months + 6) % 12, (1, 2)), 0.15, 1.17)
    unit, day = happen(random, rates, block.calendar)
    debt = block.troubles.debt[unit, block.calendar.month_of(day)]
    n, going = len(unit), np.ones(len(unit), dtype=bool)
    at: Days = _next_run(block.calendar, day)
    parts: list[tuple[str, Days]] = [("RM1", at)]
    arranged = np.where(random.random(n) < world.ARRANGEMENT, at + between(random, 15, 150, n), OPEN)
    parts.append(("ARR", arranged))
    for stage, share in world.TAX_STAGES.items():
        going = going & (random.random(n) < np.minimum(share + 0.06 * debt, 0.95))
        at = at + between(random, *GAPS[stage], n)
        if stage in ("final_notice", "summons"):
            at = _next_run(block.calendar, at)
        parts.append((CODES[stage], np.where(going, at, OPEN)))
    write_offs = happen(random, np.full((block.people.units, block.calendar.months), 0.002), block.calendar)

    code = np.concatenate(
        [np.full(n, c, dtype=object) for c, _ in parts] + [np.full(len(write_offs[0]), "WOF", object)]
    )
    owner = np.concatenate([unit] * len(parts) + [write_offs[0]])
    owed = np.concatenate([debt] * len(parts) + [np.zeros(len(write_offs[0]))])
    when = np.concatenate([p[1] for p in parts] + [write_offs[1]])
    when = when.astype(np.int32)
    account = np.where(when < OPEN, block.homes.spells.at(owner, when), -1)
    account = np.where(account >= 0, account_of[account], -1)
    there = np.flatnonzero((account >= 0) & (when <= block.calendar.last))
    there = there[np.lexsort((owner[there], when[there]))]
    account, code, when, owed = account[there], code[there], when[there], owed[there]
    dwelling = block.homes.spells.more["dwelling"][row][account]
    kept = random.random(len(there)) < world.ARRANGEMENT_KEPT
    lasts = np.where(kept, between(random, 180, 300, len(there)), between(random, 20, 120, len(there)))
    ended = np.where(code == "ARR", when + lasts, OPEN).astype(np.int32)
    keyed = block.keyed(random, "council_tax.recovery", when, dwelling)
    end_keyed = block.keyed(random, "council_tax.recovery", ended, dwelling)
    parties = [only(holders[account, s] >= 0, block.tax_key(holders[account, s])) for s in (0, 1)]
    outcome = only(code == "ARR", np.where(kept, "KEPT", "BRK"))
    columns = {
        "recovery_ref": block.ids("R", len(there), 9),
        "account_ref": reference[account],
        "uprn": block.uprn(dwelling),
        "party1_ref": parties[0],
        "party2_ref": parties[1],
        "stage": code,
        "stage_date": when,
        "balance": np.round((90 + 260 * random.random(len(there))) * (1 + owed), 2),
        "arrangement_end": np.where(ended >= OPEN, NONE, ended).astype(np.int32),
        "arrangement_outcome": outcome,
        "end_keyed_on": np.where(end_keyed >= OPEN, NONE, end_keyed).astype(np.int32),
        "keyed_on": keyed,
        "_signal": np.array([SIGNALS[c] for c in code], dtype=object),
        "_held_from": block.homes.spells.start[row][account],
        "_broken": np.where((code == "ARR") & ~kept, "arrangement_broken", ""),
    }
    refs = ("party1_ref", "party2_ref")
    return Draft(
        "council_tax",
        "recovery",
        columns,
        keyed=keyed,
        happenings=(
            Happening("_signal", "stage_date", refs, ended="arrangement_end", place="uprn"),
            Happening("_broken", "arrangement_end", refs, place="uprn"),
        ),
        end_columns=("arrangement_end", "arrangement_outcome", "end_keyed_on"),
        end_keyed=end_keyed,
        corrected={"stage_date": when - 1},
    )


def _next_run(calendar: Calendar, day: Days) -> Days:
    """The 12th of the month, or of the next: recovery runs in bulk."""
    starts = calendar.month_starts
    month = calendar.month_of(day)
    this = starts[month] + 11
    return np.where(day <= this, this, starts[month + 1] + 11).astype(np.int32)
