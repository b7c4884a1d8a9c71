"""What agencies get wrong about who somebody is: every rate, and how each error is made.

An error is an agency's idea of a person, not of a row: it writes the same wrong name, birth date or
address of somebody every time, and what another agency writes of them has errors of its own.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from simulation import names
from simulation.calendar import NONE, Days, Index, Mask
from simulation.draw import Floats, Random, Text, pick
from simulation.people import People


@dataclass(frozen=True)
class Rates:
    """Shares of the people whom an agency knows; of those who have it, where not everybody can."""

    typo: float = 0.10  # one slip in forename or surname
    nickname: float = 0.05  # of all, though only some forenames have a short form
    spelled_otherwise: float = 0.10  # of names from another alphabet or with other letters
    former_surname: float = 0.04  # of women who took another
    names_swapped: float = 0.01  # surname in the forename's place
    birth_date_wrong: float = 0.05
    birth_date_absent: Mapping[str, float] = field(
        default_factory=lambda: {"police": 0.30, "police_records": 0.30}
    )  # by source; the others' gaps are in their own modules
    stale_postcode: float = 0.20  # the address is that of before
    handwritten: float = 0.06  # of the food bank's rows: a surname without a letter, besides


RATES = Rates()
BIRTH_KINDS = {"birth_swapped": 0.40, "birth_digit": 0.35, "birth_first_january": 0.25}
"""How a wrong birth date is wrong: day and month in each other's place, one figure, 1 January."""
ERRORS = (
    "typo",
    "nickname",
    "spelled_otherwise",
    "former_surname",
    "names_swapped",
    *BIRTH_KINDS,
    "birth_absent",
    "stale_postcode",
)

KEYS = {letter: row for row in ("qwertyuiop", "asdfghjkl", "zxcvbnm") for letter in row}


@dataclass(frozen=True)
class Idea:
    """What one agency believes of everybody in a block, whether it knows them or not.

    birth: `NONE` where it has none. errors: of `ERRORS`, who has it.
    """

    forename: Text
    surname: Text
    birth: Days
    errors: dict[str, Mask]


def idea_of(random: Random, people: People, source: str, last_day: int) -> Idea:
    """An agency's idea of everybody, with its errors. last_day: no birth date lies after it."""
    n = people.count
    errors: dict[str, Mask] = {}
    forename, surname = people.forename.copy(), people.surname.copy()

    errors["former_surname"] = (random.random(n) < RATES.former_surname) & (people.former != None)  # noqa: E711
    surname[errors["former_surname"]] = people.former[errors["former_surname"]]
    errors["spelled_otherwise"] = np.zeros(n, dtype=bool)
    for written in (forename, surname):
        there, other = _another(random, names.TRANSLITERATIONS, written)
        chosen = there & (random.random(n) < RATES.spelled_otherwise)
        written[chosen] = other[chosen]
        errors["spelled_otherwise"] |= chosen
    there, other = _another(random, names.SHORT_FORMS, forename)
    share = RATES.nickname / max(float(there.mean()), RATES.nickname)
    errors["nickname"] = there & (random.random(n) < share)
    forename[errors["nickname"]] = other[errors["nickname"]]
    errors["typo"] = random.random(n) < RATES.typo
    in_surname = random.random(n) < 0.5
    for written, here in ((forename, ~in_surname), (surname, in_surname)):
        at = np.flatnonzero(errors["typo"] & here)
        written[at] = _mistyped(random, written[at])
    errors["names_swapped"] = random.random(n) < RATES.names_swapped
    swapped = errors["names_swapped"]
    forename[swapped], surname[swapped] = surname[swapped], forename[swapped]

    birth, wrong = _birth_dates(random, people.born, last_day)
    errors |= wrong
    errors["birth_absent"] = random.random(n) < RATES.birth_date_absent.get(source, 0.0)
    errors["stale_postcode"] = random.random(n) < RATES.stale_postcode
    return Idea(forename, surname, np.where(errors["birth_absent"], NONE, birth).astype(np.int32), errors)


def _another(random: Random, table: str, written: Text) -> tuple[Mask, Text]:
    """Whether each name has other forms, and one of them at random."""
    forms = names.others(table)
    point: Floats = random.random(len(written))
    found = [
        (choices[int(p * len(choices))] if (choices := forms.get(name)) else None)
        for name, p in zip(written.tolist(), point.tolist(), strict=True)
    ]
    there = np.array([one is not None for one in found], dtype=bool)
    return there, np.array(found, dtype=object)


def _mistyped(random: Random, written: Text) -> Text:
    """Each name with one slip: a letter left out, doubled, its neighbour's, or in the next one's place."""
    point, kind = random.random(len(written)), random.integers(0, 4, len(written))
    slips = zip(written.tolist(), point.tolist(), kind.tolist(), strict=True)
    return np.array([_slip(name, 1 + int(p * (len(name) - 1)), k) for name, p, k in slips], dtype=object)


def _slip(name: str, at: int, kind: int) -> str:
    """A slip at the letter `at`, never the first; never the name itself."""
    letter = name[at]
    row = KEYS.get(letter, "")
    if kind == 0 and len(name) > 3:
        return name[:at] + name[at + 1 :]
    if kind == 1 and row:
        near = row[row.index(letter) - 1] if row.index(letter) else row[1]
        return name[:at] + near + name[at + 1 :]
    if kind == 2 and at + 1 < len(name) and name[at + 1] != letter:
        return name[:at] + name[at + 1] + letter + name[at + 2 :]
    return name[:at] + letter + name[at:]


def _birth_dates(random: Random, born: Days, last_day: int) -> tuple[Days, dict[str, Mask]]:
    """Birth dates, a few of them wrong, and of which kind; what a kind cannot do is one wrong figure."""
    n = len(born)
    wrong = random.random(n) < RATES.birth_date_wrong
    kind = pick(random, list(BIRTH_KINDS.values()), n)
    dates = born.astype("datetime64[D]")
    months, years = dates.astype("datetime64[M]"), dates.astype("datetime64[Y]")
    day = (dates - months).astype(np.int64) + 1
    month = (months - years).astype(np.int64) + 1

    january = _days(years)
    swapped = _days(years.astype("datetime64[M]") + np.minimum(day, 12) - 1) + month - 1
    unit = day // 10 * 10 + (day % 10 + random.integers(1, 10, n)) % 10
    leap = (month == 2) & (day == 29)
    year_before = _days((years - 1).astype("datetime64[M]") + month - 1) + day - 1 - leap
    in_month = (unit >= 1) & (unit <= 28) & (random.random(n) < 0.6)
    digit = np.where(in_month, _days(months) + unit - 1, year_before)
    digit = np.where(digit <= last_day, digit, year_before)

    can_swap = (day <= 12) & (day != month) & (swapped <= last_day)
    kind = np.where((kind == 0) & ~can_swap | (kind == 2) & (january == born), 1, kind)
    found = np.where(wrong, np.choose(kind, [swapped, digit, january]), born).astype(np.int32)
    return found, {name: wrong & (kind == code) for code, name in enumerate(BIRTH_KINDS)}


def _days(dates: np.ndarray) -> Index:
    return dates.astype("datetime64[D]").astype(np.int64)
