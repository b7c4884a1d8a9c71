"""The weekly list as people read it: one self-contained page, and a table for the office.

The page needs no network and no script, prints, and reads in plain order by ear. Every value is
escaped; in the table a text that a spreadsheet would run as a formula is made plain text.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from features.wording import day_words
from models.reasons import MOST_REASONS, MOST_STRENGTHS
from serving.flags import NEW, Flag, WeeklyList

TEMPLATES = Path(__file__).parent / "templates"


@lru_cache(maxsize=1)
def templates() -> Environment:
    """Every template escapes everything and refuses a name it was not given."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["day"] = day_words
    environment.filters["weekday"] = lambda day: f"{day:%A} {day_words(day)}"
    environment.filters["people"] = people
    return environment


def people(number: int) -> str:
    """1 → '1 person', 2 → '2 people'."""
    return f"{number:,} {'person' if number == 1 else 'people'}"


def out_of(share: float, listed: int) -> str:
    """How many of `listed` people a share is: 'about 5', 'fewer than 1'.

    >>> out_of(0.17, 30), out_of(0.012, 30)
    ('about 5', 'fewer than 1')
    """
    number = share * listed
    return f"about {number:.0f}" if number >= 0.75 else "fewer than 1"


def page(weekly: WeeklyList) -> str:
    """The list as one HTML page."""
    titles = {feed.source: feed.title for feed in weekly.feeds}
    template = templates().get_template("list.html")
    return template.render(weekly=weekly, titles=titles, out_of=out_of, NEW=NEW)


HEADINGS = (
    ["rank", "name", "age", "person", "household", "people living there", "chance", "chance (number)"]
    + [f"reason {n}" for n in range(1, MOST_REASONS + 1)]
    + [f"going well {n}" for n in range(1, MOST_STRENGTHS + 1)]
    + [
        "we hold nothing on",
        "joined from",
        "how sure of the least sure record",
        "new or still here",
        "as of",
        "approval",
        "made without",
    ]
)


def table(weekly: WeeklyList) -> str:
    """The list as CSV: a row per person in order of rank, the approval and accepted stale feeds on each."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(HEADINGS)
    for flag in weekly.flags:
        writer.writerow([_plain(value) for value in _row(weekly, flag)])
    return out.getvalue()


def _row(weekly: WeeklyList, flag: Flag) -> Iterator[object]:
    yield from (flag.rank, flag.name, flag.age, flag.person_id, flag.household_id, flag.living_there)
    yield from (flag.chance_words, None if flag.chance is None else round(flag.chance, 4))
    yield from _padded([reason.sentence for reason in flag.reasons], MOST_REASONS)
    yield from _padded([strength.sentence for strength in flag.strengths], MOST_STRENGTHS)
    yield from (
        "; ".join(flag.not_held),
        flag.joined,
        flag.link_strength,
        flag.standing,
        weekly.as_of,
        weekly.approval,
    )
    yield "; ".join(stale.said for stale in weekly.accepted)


def _padded(texts: list[str], length: int) -> list[str]:
    return texts + [""] * (length - len(texts))


def _plain(value: object) -> object:
    """Empty for None; text that a spreadsheet would take for a formula gets an apostrophe before it."""
    if value is None:
        return ""
    if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")):
        return "'" + value
    return value
