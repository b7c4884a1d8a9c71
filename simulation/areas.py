"""Where people live: small areas with a deprivation score, and a block's first dwellings.

Codes, postcodes and UPRNs are of the real form and of ranges that nobody uses.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from simulation import world
from simulation.calendar import Index, Mask
from simulation.draw import Floats, Random


@dataclass(frozen=True)
class Areas:
    """The areas of one block, and the dwellings that its settled families start in."""

    first: int  # number of the block's first area in the county
    score: Floats  # deprivation, standardised; high is deprived
    policed: Mask
    slow: Mask
    first_area: Index
    first_tenure: Index


def lay_out(random: Random, people: int, first: int) -> Areas:
    """Areas and first dwellings for a block of about `people` people."""
    count = max(5, round(people / world.PEOPLE_PER_AREA))
    score = random.standard_normal(count)
    settled = max(1, round(people / world.PEOPLE_PER_FAMILY))
    area = random.integers(0, count, settled)
    council = 0.02 + 0.50 / (1 + np.exp(-1.2 * score[area]))
    private = 0.18 + 0.05 * score[area].clip(-2, 2)
    draw = random.random(settled)
    tenure = np.where(draw < council, 2, np.where(draw < council + private, 1, 0))
    policed = np.zeros(count, dtype=bool)
    policed[random.permutation(count)[: max(1, round(world.POLICED_MORE * count))]] = True
    slow = np.zeros(count, dtype=bool)
    slow[random.permutation(count)[: max(1, round(world.SLOW_AREAS * count))]] = True
    return Areas(first, score, policed, slow, area, tenure)


def area_code(number: int) -> str:
    return f"E019{number:05d}"


def fifths(scores: Floats) -> Index:
    """Deprivation fifth of each area, 1 = most deprived, ranked over the whole county."""
    rank = np.argsort(np.argsort(-scores, kind="stable"), kind="stable")
    return 1 + rank * 5 // len(scores)
