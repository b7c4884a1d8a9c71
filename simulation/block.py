"""One block of the county, whole: its people, homes and troubles, and how agencies name them.

Each agency knows a person by a key of its own; the keys are derived from the person's number in the
county so that blocks never clash, and look nothing like one another.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from simulation import world
from simulation.areas import Areas, area_code
from simulation.calendar import OPEN, Calendar, Days, Index, years_between
from simulation.draw import Floats, Random, lag
from simulation.homes import Homes
from simulation.people import People, Text
from simulation.troubles import Troubles


@dataclass(frozen=True)
class Block:
    """Everything that the agencies' modules need; `first_dwelling` is the block's first in the county."""

    calendar: Calendar
    people: People
    areas: Areas
    homes: Homes
    troubles: Troubles
    first_dwelling: int

    # --- people, as agencies write them ---------------------------------------------------------
    def key(self, prefix: str, multiplier: int, who: Index, digits: int = 7) -> Text:
        """An agency's key of each person: their number, shuffled by a multiplier with no factor 2 or 5."""
        number = (who + self.people.first_id) * multiplier % 10**digits
        return np.array([f"{prefix}{n:0{digits}d}" for n in number.tolist()], dtype=object)

    def ids(self, prefix: str, n: int, digits: int = 8) -> Text:
        """n record numbers that no other block uses (a block has fewer than 100 records a person)."""
        first = self.people.first_id * 100 + 1
        return np.array([f"{prefix}{i:0{digits}d}" for i in range(first, first + n)], dtype=object)

    def tax_key(self, who: Index) -> Text:
        return self.key("LP", 4_730_911, who)

    def tenant_key(self, who: Index) -> Text:
        return self.key("TN", 6_180_337, who)

    def nominal(self, who: Index) -> Text:
        return self.key("N", 2_915_123, who)

    def compact_key(self, who: Index) -> Text:
        return self.key("MP", 8_364_717, who)

    def child_key(self, who: Index) -> Text:
        return self.key("", 3_571_429, who)

    def key_of(self, source: str, who: Index) -> Text:
        """The key of each person in the system of one of `simulation.agencies`."""
        mixed = zlib.crc32(source.encode())
        return self.key(source[:2].upper(), 1_000_001 + mixed % 800_000 * 10, who)

    def subject_key(self, source: str, who: Index) -> Text:
        """The key of each person in the system of any source."""
        first = {
            "council_tax": self.tax_key,
            "rents": self.tenant_key,
            "police": self.nominal,
            "missing": self.compact_key,
            "social_care": self.child_key,
            "schools": self.upn,
        }
        return first[source](who) if source in first else self.key_of(source, who)

    def upn(self, who: Index) -> Text:
        """Unique pupil number: a check letter and twelve digits, by the published formula."""
        return self._upns[who]

    def nhs_number(self, who: Index) -> Text:
        """NHS number in the 999 range, which is kept for tests, with its check digit."""
        return self._nhs_numbers[who]

    def nino(self, who: Index) -> Text:
        """National insurance number with a prefix that is never issued."""
        number = (who + self.people.first_id) * 5_237_119 % 4_000_000
        return np.array([f"QQ{n // 4:06d}{'ABCD'[n % 4]}" for n in number.tolist()], dtype=object)

    @cached_property
    def _upns(self) -> Text:
        letters = "ABCDEFGHJKLMNPQRTUVWXYZ"
        numbers = (999_000_000_000 + (np.arange(self.people.count) + self.people.first_id)).astype(np.int64)
        digits = numbers[:, None] // 10 ** np.arange(11, -1, -1) % 10
        check = (digits * np.arange(2, 14)).sum(axis=1) % 23
        return np.array(
            [f"{letters[c]}{n}" for c, n in zip(check.tolist(), numbers.tolist(), strict=True)], object
        )

    @cached_property
    def _nhs_numbers(self) -> Text:
        # Every eleventh number or so has no check digit; 1.2 candidates a person are enough.
        first = self.people.first_id * 6 // 5
        nine = 999_000_000 + first + np.arange(self.people.count * 6 // 5 + 20)
        digits = nine[:, None] // 10 ** np.arange(8, -1, -1) % 10
        check = (11 - (digits * np.arange(10, 1, -1)).sum(axis=1) % 11) % 11
        good = np.flatnonzero(check < 10)[: self.people.count]
        return np.array(
            [f"{n}{c}" for n, c in zip(nine[good].tolist(), check[good].tolist(), strict=True)], object
        )

    def ethnic_code(self, who: Index) -> Text:
        return np.array(list(world.ETHNIC_GROUPS), dtype=object)[self.people.ethnic[who]]

    # --- places ---------------------------------------------------------------------------------
    def uprn(self, dwelling: Index) -> Text:
        """UPRN of each dwelling; None for -1."""
        return self._places[0][dwelling]

    def postcode(self, dwelling: Index) -> Text:
        return self._places[1][dwelling]

    def lsoa(self, dwelling: Index) -> Text:
        return self._places[2][dwelling]

    @cached_property
    def _places(self) -> tuple[Text, Text, Text]:
        """UPRN, postcode and area code of each dwelling; a last row of None answers for -1."""
        count = len(self.homes.area)
        number = np.arange(count) + self.first_dwelling
        uprn = [f"{990_000_000_000 + n}" for n in number.tolist()]
        # A postcode has about a dozen dwellings, all of one area.
        order = np.argsort(self.homes.area, kind="stable")
        rank = np.empty(count, dtype=np.int64)
        rank[order] = np.arange(count)
        street = rank // 12 + self.first_dwelling
        codes = [
            f"QX{n // 4000 % 100} {n // 400 % 10}{chr(65 + n // 20 % 20)}{chr(65 + n % 20)}"
            for n in street.tolist()
        ]
        area = [area_code(self.areas.first + a) for a in self.homes.area.tolist()]
        a, b, c = (np.array([*texts, None], dtype=object) for texts in (uprn, codes, area))
        return a, b, c

    # --- days -----------------------------------------------------------------------------------
    def keyed(
        self, random: Random, what: str | tuple[float, float], day: Days, dwelling: Index | None = None
    ) -> Days:
        """The day on which something of each day was keyed; teams of slow areas take longer.

        what: of `world.DELAYS`, or a median number of days and the spread of its logarithm.
        """
        delay = world.DELAYS[what] if isinstance(what, str) else what
        slow: Floats | float = 1.0
        if dwelling is not None:
            slow = np.where(
                self.areas.slow[self.homes.area[dwelling]] & (dwelling >= 0), world.SLOW_FACTOR, 1.0
            )
        keyed = day.astype(np.int64) + lag(random, delay, len(day), slow)
        return np.where(day >= OPEN, OPEN, np.minimum(keyed, OPEN)).astype(np.int32)

    def home_of(self, who: Index, day: Days) -> tuple[Index, Index]:
        """The unit and dwelling of each person on each day; -1 = none in the county."""
        row = self.people.stays.at(who, day)
        unit = np.where(row >= 0, self.people.stays.more["unit"][row], -1)
        dwelling = np.where(unit >= 0, self.homes.dwelling_at(np.maximum(unit, 0), day), -1)
        return unit, dwelling

    def homes_of(self, who: Index) -> tuple[Index, Days, Days, Index]:
        """Every home of each person: (position in `who`, first day, end, dwelling)."""
        people, spells = self.people, self.homes.spells
        at, stay = people.stays.of(who)
        unit = people.stays.more["unit"][stay]
        again, row = spells.of(unit)
        start = np.maximum(spells.start[row], people.stays.start[stay][again])
        end = np.minimum(spells.end[row], people.stays.end[stay][again])
        there = start < end
        return at[again][there], start[there], end[there], spells.more["dwelling"][row][there]

    def adults(self, unit: Index, day: Days) -> Index:
        """Up to two adults of each unit on each day who would sign for it, as (n, 2) people; -1 = none."""
        people = self.people
        which, person = people.members(unit, day)
        left_home = unit[which] >= people.families
        signs = (people.role[person] < 2) | left_home
        signs &= years_between(people.birth[person], day[which]) >= 18
        which, person = which[signs], person[signs]
        order = np.lexsort((person, which))
        which, person = which[order], person[order]
        place = np.arange(len(which)) - np.searchsorted(which, which, side="left")
        found = np.full((len(unit), 2), -1)
        found[which[place < 2], place[place < 2]] = person[place < 2]
        return found

    def other_adult(self, who: Index, day: Days) -> Index:
        """Another adult of each person's home on each day; -1 = none."""
        unit, _ = self.home_of(who, day)
        pair = self.adults(np.maximum(unit, 0), day)
        return np.where(unit >= 0, np.where(pair[:, 0] == who, pair[:, 1], pair[:, 0]), -1)

    def since(self, random: Random, day: Days) -> Days:
        """The day an agency writes for a start: those who were there on the first day came before it."""
        earlier = day - (random.random(len(day)) * 1000).astype(np.int32)
        return np.where(day == self.calendar.first, earlier, day).astype(np.int32)
