"""What a food bank's volunteers type up once a month: vouchers with a surname and a postcode district.

Debt brings people, and so do a bare home and a crisis of the mind; the sheet names nobody in full, and
the same family is spelt in several ways.
"""

from __future__ import annotations

import numpy as np

from features.declaration import UNIDENTIFIED
from simulation.calendar import years_between
from simulation.draw import Random, between, happen, only, pick
from simulation.extracts import Draft, Happening
from simulation.identity_errors import RATES
from simulation.life import Life
from simulation.people import Text

VOUCHER, VOUCHER_DEBT, VOUCHER_MIND = 0.0004, 0.0090, 0.0015
"""Vouchers of a household a month: always, and by unit of debt and of a troubled mind."""
USED, VOID = 0.88, 0.01
"""Vouchers that were brought to the food bank, and those written in error."""
IN_CAPITALS = 0.3
DISTRICT_GIVEN = 0.97
TYPED_AFTER = (16, 0.5)
"""Days until the sheet is typed up: median, and spread of the logarithm."""


def food_bank(random: Random, life: Life) -> list[Draft]:
    """Vouchers, by day."""
    block, people, troubles = life.block, life.block.people, life.block.troubles
    rates = VOUCHER + VOUCHER_DEBT * troubles.debt + VOUCHER_MIND * troubles.mind
    unit, day = happen(random, rates, block.calendar)
    who, dwelling = block.adults(unit, day)[:, 0], block.homes.dwelling_at(unit, day)
    there = np.flatnonzero((who >= 0) & (dwelling >= 0))
    there = there[np.lexsort((unit[there], day[there]))]
    unit, who, day, dwelling = unit[there], who[there], day[there], dwelling[there]
    n = len(who)
    which, member = people.members(unit, day)
    young = years_between(people.birth[member], day[which]) < 18
    number, reasons = block.ids("FB-", n), ["Low income", "Benefit delay", "Debt", "Sickness", "Homeless"]
    void, used = random.random(n) < VOID, random.random(n) < USED
    district = np.array([code.split()[0] for code in block.postcode(dwelling)], dtype=object)
    issuers = np.array(["Citizens Advice", "School", "GP", "Housing"], dtype=object)
    typed_up = block.keyed(random, TYPED_AFTER, day)
    columns = {
        "Voucher no": number,
        "Date": day,
        "Surname": _as_typed(random, people.surname[who]),
        "Postcode district": only(random.random(n) < DISTRICT_GIVEN, district),
        "Adults": np.bincount(which[~young], minlength=n),
        "Children": np.bincount(which[young], minlength=n),
        "Reason": np.array(reasons, dtype=object)[pick(random, (0.4, 0.25, 0.2, 0.1, 0.05), n)],
        "Issued by": issuers[between(random, 0, 3, n)],
        "Used": np.where(void, "V", np.where(used, "Y", "N")).astype(object),
        "Typed up": typed_up,
        "_row": np.array([UNIDENTIFIED + v for v in number], dtype=object),
        "_who": who,
        "_signal": np.where(void, "", "voucher").astype(object),
    }
    return [
        Draft(
            "food_bank",
            "vouchers",
            columns,
            keyed=typed_up,
            happenings=(Happening("_signal", "Date", ("_row",)),),
            corrected={"Date": day - 1},
        )
    ]


def _as_typed(random: Random, surnames: Text) -> Text:
    """Surnames from handwriting: some in capitals, some without a letter."""
    n = len(surnames)
    capitals, misspelt = random.random(n) < IN_CAPITALS, random.random(n) < RATES.handwritten
    typed = np.where(misspelt, np.array([s[:-2] + s[-1:] for s in surnames], dtype=object), surnames)
    return np.where(capitals, np.array([s.upper() for s in typed], dtype=object), typed)
