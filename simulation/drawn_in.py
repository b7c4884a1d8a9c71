"""Young people whom others draw in, and who go missing now and then while it lasts.

Beside the few who run away again and again, many go missing for the first time because somebody has a hold
on them: for some weeks they are away for a night or two, and then it is over. No agency has a record of who
draws them in. Drawn apart from what was there before, which stays as it was without this; the police's
records alone, which hold missing people too, are drawn anew.
"""

from __future__ import annotations

from dataclasses import fields

import numpy as np

from simulation.block import Block
from simulation.calendar import Days, Index, Mask
from simulation.crisis import Episodes, written_down
from simulation.draw import Random, happen
from simulation.extracts import Draft

DRAWN_IN, DRAWN_IN_SLOPE = 0.0014, 0.07
"""Young people drawn in, in a month: background, and growth with being adrift."""
AGAIN, WEEKS = 1.2, 12
"""How often on average they go missing again, and within how many weeks."""
APART = 40
"""Days around an episode there was before in which there is none of these."""


def drawn_in(random: Random, block: Block, before: Episodes) -> tuple[Draft, Episodes]:
    """Their missing episodes as the desk has them, and all episodes together with those of before."""
    row, day = happen(random, DRAWN_IN + DRAWN_IN_SLOPE * block.troubles.adrift, block.calendar)
    again = random.poisson(AGAIN, len(row))
    later = np.repeat(day, again) + random.integers(2, WEEKS * 7, int(again.sum()))
    child = block.troubles.children[np.concatenate([row, np.repeat(row, again)])]
    day = np.concatenate([day, later]).astype(np.int32)
    chosen = (day <= block.calendar.last) & _free(child, day, before)
    numbered = len(before.child)
    draft, found = written_down(random, block, child[chosen], day[chosen], numbered_from=numbered)
    parts = {f.name: [getattr(before, f.name), getattr(found, f.name)] for f in fields(Episodes)}
    return draft, Episodes(**{name: np.concatenate(both) for name, both in parts.items()})


def _free(child: Index, day: Days, before: Episodes) -> Mask:
    """Days on which nobody has an episode of before near."""
    held = np.sort(_keys(before.child, before.day))
    near = [np.searchsorted(held, _keys(child, day + days)) for days in (-APART, APART)]
    return near[0] == near[1]


def _keys(child: Index, day: Days) -> Index:
    return child.astype(np.int64) << 32 | day.astype(np.int64)
