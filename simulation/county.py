"""A county in a box: simulate people and what each agency would send about them.

The county is made block by block (`world.BLOCK` people), each from its own stream of random numbers,
and every block is appended to the same files: memory stays that of one block. The same people,
years and seed give the same bytes.
"""

from __future__ import annotations

import json
import re
from dataclasses import asdict, dataclass
from datetime import date
from itertools import chain
from pathlib import Path

import numpy as np

from features.declaration import Source
from features.errors import UserMistake
from features.progress import Tell, quiet
from features.read_declaration import read_sources
from simulation import (
    agencies,
    areas,
    care,
    council_tax,
    crisis,
    dataset,
    homes,
    people,
    rents,
    school,
    troubles,
    truth,
    world,
)
from simulation.block import Block
from simulation.calendar import Calendar
from simulation.clerks import Clerks
from simulation.deliver import Post
from simulation.draw import own_stream
from simulation.drawn_in import drawn_in
from simulation.extracts import Draft
from simulation.life import Life

TEMPLATES = Path(__file__).parents[1] / "features" / "sources"


@dataclass(frozen=True)
class County:
    """What was simulated: its days, and how many rows were written for each extract."""

    first_day: date
    last_day: date
    history_received_on: date
    delivery_days: tuple[date, ...]
    people: int
    rows: dict[str, int]


def simulate(*, people: int, years: int, seed: int, out: Path, tell: Tell = quiet) -> County:
    """Write a county's extracts, declarations and truth under `out`, which must be empty or new.

    people: about how many live there on any day. years: of history, ending on `world.LAST_DAY`.
    Raises UserMistake where the numbers make no county or the folder holds something.
    """
    problems = [f"people: {people} given; at least 50 will do"] if people < 50 else []
    problems += [f"years: {years} given; 1 to 12 will do"] if not 1 <= years <= 12 else []
    if problems:
        raise UserMistake("That makes no county.", problems=problems)
    if out.exists() and any(out.iterdir()):
        raise UserMistake(f"The folder {out.name!r} is not empty.", problems=["name a new one with --out"])
    calendar = Calendar(years)
    sources = _declarations(out / "sources", calendar)
    post = Post(out, sources, calendar)
    blocks = -(-people // world.BLOCK)
    sizes = [people // blocks + (b < people % blocks) for b in range(blocks)]
    streams = np.random.SeedSequence(seed).spawn(blocks + 1)
    rows: dict[str, int] = {}
    scores: list[np.ndarray] = []
    first_id = first_dwelling = 0
    for number, (size, stream) in enumerate(zip(sizes, streams[1:], strict=True)):
        tell(f"block {number + 1} of {blocks}: {size:,} people")
        random = np.random.default_rng(stream)
        block, cases = _live(random, size, first_id, first_dwelling, sum(map(len, scores)), calendar)
        clerks = Clerks(stream, block, sources)
        drafts, life = _agencies(random, block, cases)
        for own, draft in chain(((random, draft) for draft in drafts), agencies.others(stream, life)):
            name = f"{draft.source}.{draft.extract}"
            rows[name] = rows.get(name, 0) + post.send(own, draft, clerks)
        post.append("truth/subjects.csv", clerks.subjects())
        truth.tell(post, block, cases, life.care, life.logs)
        scores.append(block.areas.score)
        first_id += block.people.count
        first_dwelling += len(block.homes.area)
    rows["places.areas"] = post.send(
        np.random.default_rng(streams[0]), _places(np.concatenate(scores), calendar)
    )
    county = County(
        first_day=calendar.first_day,
        last_day=world.LAST_DAY,
        history_received_on=calendar.history_received_on,
        delivery_days=calendar.delivery_days,
        people=first_id,
        rows=rows,
    )
    (out / "county.json").write_text(
        json.dumps({"asked": [people, years, seed], **asdict(county)}, default=str, indent=2) + "\n",
        encoding="utf-8",
    )
    return county


def _live(
    random: np.random.Generator,
    size: int,
    first_id: int,
    first_dwelling: int,
    first_area: int,
    calendar: Calendar,
) -> tuple[Block, rents.ArrearsCases]:
    """People live through the years: troubles, arrears, evictions, moves."""
    ground = areas.lay_out(random, size, first_area)
    everybody = people.populate(random, size, first_id, calendar, ground)
    hidden = troubles.trouble(random, everybody, calendar)
    cases = rents.arrears_cases(random, everybody, hidden, calendar)
    evicted = cases.stages["eviction"]
    known = evicted <= calendar.last
    housing = homes.settle(random, everybody, (cases.unit[known], evicted[known]), ground, calendar)
    return Block(calendar, everybody, ground, housing, hidden, first_dwelling), cases


def _agencies(
    random: np.random.Generator, block: Block, cases: rents.ArrearsCases
) -> tuple[list[Draft], Life]:
    """What the first agencies hold about a block, and what has happened in it by then."""
    police, logs = crisis.police(random, block)
    done = care.care_for(random, block, logs)
    tax, housing = council_tax.council_tax(random, block), rents.rents(random, block, cases)
    missing, episodes = crisis.missing(random, block)
    more, episodes = drawn_in(own_stream(random, "missing.drawn_in"), block, episodes)
    drafts = [
        *tax,
        *housing,
        *police,
        *missing,
        *dataset.social_care(random, block, done),
        *school.schools(random, block),
    ]
    return drafts, Life(block, logs, done, cases, episodes, more, tax[-1], housing[-1])


def _places(scores: np.ndarray, calendar: Calendar) -> Draft:
    """The gazetteer: each small area with its deprivation fifth, over the whole county."""
    n = len(scores)
    fifth = areas.fifths(scores)
    return Draft(
        "places",
        "areas",
        {
            "lsoa_code": np.array([areas.area_code(i) for i in range(n)], dtype=object),
            "lsoa_name": np.array([f"Anyshire {i + 1:03d}" for i in range(n)], dtype=object),
            "imd_fifth": fifth.astype(np.int64),
        },
        keyed=np.full(n, calendar.first - 30, dtype=np.int32),
    )


def _declarations(folder: Path, calendar: Calendar) -> dict[str, Source]:
    """Copy the templates, with `covers_from` no earlier than the first simulated day, and read them."""
    folder.mkdir(parents=True, exist_ok=True)
    first = calendar.first_day.isoformat()

    def not_earlier(found: re.Match[str]) -> str:
        return found[1] + max(found[2], first)

    for template in sorted(TEMPLATES.glob("*.yaml")):
        text = template.read_text(encoding="utf-8")
        text = re.sub(r"^(covers_from: )(\d{4}-\d\d-\d\d)", not_earlier, text, flags=re.MULTILINE)
        (folder / template.name).write_text(text, encoding="utf-8")
    return read_sources(folder)
