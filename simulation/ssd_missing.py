"""What social care holds of looked-after children who went missing: one more table of its dataset.

These are episodes that the missing-persons desk has too, of children in care on that day alone. They
are drawn apart from the other tables of social care, which stay as they were without this one.
"""

from __future__ import annotations

import numpy as np

from simulation.calendar import NONE
from simulation.draw import Random, Spells, only, own_stream
from simulation.extracts import Draft, Happening
from simulation.life import Life

KNOWN_TO_SOCIAL_CARE = 0.92
"""Episodes of looked-after children that somebody told social care of."""
A_DAY_LATE = 0.08
"""Of these, the ones dated by the morning on which the carer rang."""
POLICE_REFERENCE = 0.6
"""Episodes beside which the worker wrote the missing-persons desk's number of the child."""
RHI_OFFERED, RHI_ACCEPTED = 0.85, 0.55
"""Return home interviews: offered, and accepted of those offered; both written down on return."""


def ssd_missing(random: Random, life: Life) -> list[Draft]:
    """The dataset's `ssd_missing`: start, end, type and return home interview of each episode."""
    block, episodes, care = life.block, life.missing, life.care.care
    looked_after = Spells(care.child, care.start, care.end).at(episodes.child, episodes.day) >= 0
    told = np.flatnonzero(looked_after & (random.random(len(looked_after)) < KNOWN_TO_SOCIAL_CARE))
    n, child, absent = len(told), episodes.child[told], episodes.absent[told]
    start = (episodes.day[told] + (random.random(n) < A_DAY_LATE)).astype(np.int32)
    end = np.maximum(episodes.found[told], start).astype(np.int32)
    keyed = block.keyed(random, "social_care", start, episodes.dwelling[told])
    end_keyed = np.maximum(keyed, block.keyed(random, "social_care", end, episodes.dwelling[told]))
    offered = random.random(n) < RHI_OFFERED
    accepted = np.where(random.random(n) < RHI_ACCEPTED, "Y", "N")
    noted = own_stream(random, "police reference").random(n) < POLICE_REFERENCE
    columns = {
        "miss_table_id": block.ids("MIS", n),
        "miss_person_id": block.child_key(child),
        "miss_missing_episode_start_date": start,
        "miss_missing_episode_type": np.where(absent, "A", "M").astype(object),
        "miss_missing_episode_end_date": np.where(end > block.calendar.last, NONE, end).astype(np.int32),
        "miss_missing_rhi_offered": np.where(offered, "Y", "N").astype(object),
        "miss_missing_rhi_accepted": np.where(offered, accepted, "NA").astype(object),
        "miss_police_person_ref": only(noted, block.compact_key(child)),
        "_signal": np.where(absent, "away_from_care", "missing_from_care"),
    }
    start_name, end_name = "miss_missing_episode_start_date", "miss_missing_episode_end_date"
    return [
        Draft(
            "social_care",
            "missing",
            columns,
            keyed=keyed,
            happenings=(Happening("_signal", start_name, ("miss_person_id",), ended=end_name),),
            end_columns=(end_name, "miss_missing_rhi_offered", "miss_missing_rhi_accepted"),
            end_keyed=end_keyed,
        )
    ]
