"""What a weekly list is: its flags, what it says about itself, and the hash that two makings share.

Plain data, made by `serving.weekly_list`, shown by `serving.page`, kept as `list.json` so that the
service can hand it out without reading a table.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, dataclass
from datetime import date
from functools import cached_property

from features.wording import day_words
from models.reasons import Reason

NEW, STILL_HERE = "new", "still here"
NO_NAME = "Name not held"
RESTRICTED = "restricted record: ask the team manager"


@dataclass(frozen=True)
class Feed:
    """How fresh one source is: the last delivery that counts on the as-of date, and whether one is due.

    `due_on` is set where a delivery day of the declared schedule has passed without a delivery; `wrong`
    says why the feed stops a list: overdue beyond the days of grace, in whole or in one of its extracts,
    much smaller than usual, or a register of objections with rows that could not be read.
    """

    source: str
    title: str
    received_on: date | None
    due_on: date | None
    wrong: str = ""


@dataclass(frozen=True)
class Accepted:
    """A feed that should have stopped the list: what was wrong, and why somebody went on without it.

    because is empty on a morning of which there is no list: nobody was asked.
    """

    source: str
    title: str
    wrong: str
    because: str = ""

    @property
    def said(self) -> str:
        """What was wrong and why it was accepted, as one text."""
        return f"{self.title}: {self.wrong}" + (f". Accepted because: {self.because}" if self.because else "")


@dataclass(frozen=True)
class Expected:
    """What the model's card promises of a list this long, found on dates it had not seen.

    precision and base_rate are shares; low and high bound the precision (95 %).
    """

    precision: float
    low: float
    high: float
    base_rate: float
    tested_on: tuple[date, ...]


@dataclass(frozen=True)
class Flag:
    """A person on a weekly list. living_there counts the person too; 0 where no household is known.

    Of a restricted record nothing is told but that the person is on the list, and whom to ask.
    link_strength, joined, doubted_share: see `models.reasons.Explanation`; None, "" and 0 in lists from
    before they were.
    """

    rank: int
    person_id: str
    name: str
    age: int | None
    household_id: str | None
    living_there: int
    log_odds: float | None
    chance: float | None
    chance_words: str
    reasons: tuple[Reason, ...]
    strengths: tuple[Reason, ...]
    other_share: float
    not_held: tuple[str, ...]
    standing: str
    link_strength: float | None = None
    joined: str = ""
    doubted_share: float = 0.0
    restricted: bool = False

    @classmethod
    def withheld(cls, rank: int, person_id: str, standing: str) -> Flag:
        """The flag of somebody whose record is restricted."""
        return cls(
            rank=rank,
            person_id=person_id,
            name=RESTRICTED,
            age=None,
            household_id=None,
            living_there=0,
            log_odds=None,
            chance=None,
            chance_words="",
            reasons=(),
            strengths=(),
            other_share=0.0,
            not_held=(),
            standing=standing,
            restricted=True,
        )


@dataclass(frozen=True)
class WeeklyList:
    """A short list of people to offer help to, as it stands on one morning, and how it came about.

    outcome says what the chance is of, in words that follow "a chance of"; flow is the cohort's
    (reason, left out, left) per step; previous is the date of the list that `standing` compares with;
    association says which of other people's events count, "" where none do; accepted are the feeds that
    should have stopped the list; needless the titles of those that were to be accepted and are not stale;
    seen: see `models.candidate.Candidate.seen`; link_show: how sure it had to be whose a record is for it to
    be told of, 0 in lists from before that was asked.
    """

    as_of: date
    council: str
    title: str
    outcome: str
    horizon_days: int
    capacity: int
    scored: int
    flow: tuple[tuple[str, int, int], ...]
    flags: tuple[Flag, ...]
    feeds: tuple[Feed, ...]
    expected: Expected | None
    previous: date | None
    specification: str
    model: str
    kind: str
    approval: str
    catalogue: str
    code: str
    last_delivery: int
    link_run: int
    association: str = ""
    accepted: tuple[Accepted, ...] = ()
    needless: tuple[str, ...] = ()
    seen: date | None = None
    link_show: float = 0.0

    @property
    def hindsight(self) -> str:
        """What is said of a list whose model learned from days after it; "" of any other."""
        if self.seen is None:
            return ""
        return (
            "Made with a model that has seen what followed: it learned from what was known by "
            f"{day_words(self.seen)}. It shows how a list looks, and not how good one is."
        )

    @cached_property
    def hash(self) -> str:
        """The canonical hash, see `canonical_hash`."""
        return canonical_hash(self)

    def neighbours(self, flag: Flag) -> tuple[Flag, ...]:
        """The other flags of the same household."""
        return tuple(
            other
            for other in self.flags
            if other.rank != flag.rank and flag.household_id and other.household_id == flag.household_id
        )

    def to_json(self) -> str:
        """The whole list as JSON, its canonical hash included; dates as ISO text."""
        return json.dumps({**asdict(self), "hash": self.hash}, default=str, ensure_ascii=False, indent=1)


def canonical_hash(weekly: WeeklyList) -> str:
    """SHA-256 over what the list says of people and by which model; the same however often it is made.

    Left out: the number of the last delivery and of the link run (later deliveries that say nothing
    of days before the list may not change it), the code's version, how each flag stands against an
    earlier list, and how fresh the feeds were, with what was accepted: that is of the making, not of the
    people. That records are restricted is written where some are; what is said of links, unless the list is
    from before it was (`link_show` is 0). Floats are written exactly.
    """
    left_out = {"standing"}
    if not any(flag.restricted for flag in weekly.flags):
        left_out |= {"restricted"}
    if not weekly.link_show:
        left_out |= {"link_strength", "joined", "doubted_share"}
    people = [
        {key: value for key, value in asdict(flag).items() if key not in left_out} for flag in weekly.flags
    ]
    said = {
        "as_of": weekly.as_of,
        "specification": weekly.specification,
        "model": weekly.model,
        "catalogue": weekly.catalogue,
        "capacity": weekly.capacity,
        "flow": weekly.flow,
        "flags": people,
    } | ({"link_show": weekly.link_show} if weekly.link_show else {})
    text = json.dumps(said, default=str, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()
