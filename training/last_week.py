"""Last week's list as something to beat: whoever was on it comes first today, in its order.

What a team goes by if nobody makes a new list. Which lists a model that was not there yet would have
made is not known; so the list of that morning is the one that the run's own trees make, of whom was
eligible then from what was known then. It has no score of its own, hence can be judged but never serve.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from models.calibration import chance
from models.judge import Scored, ranking

CANNOT_SERVE = "it is another morning's list and has no score of its own: it can be judged, not approved"


def last_week(before: Scored, now: Scored, *, capacity: int) -> Scored:
    """This morning's people by an earlier morning's list.

    before: everybody scored on the earlier morning; what followed then is not looked at. now: everybody
    asked about this morning. capacity: how many the list held; those who may not be asked about any
    more have left it, and nobody has taken their place.

    Those on the list keep their log-odds of then. All others, people who are new this morning among
    them, share one: that of the mean chance of whom the list left out, below everybody on it. They are
    equal, which the judge's bounds tell.
    """
    by_rank = ranking(before.person_ids, before.log_odds)
    listed, others = by_rank[:capacity], before.log_odds[by_rank[capacity:]]
    on_list = dict(zip(before.person_ids[listed].tolist(), before.log_odds[listed].tolist(), strict=True))
    rest = _rest(before.log_odds[listed], others)
    return replace(now, log_odds=np.array([on_list.get(p, rest) for p in now.person_ids.tolist()], float))


def _rest(listed: np.ndarray, others: np.ndarray) -> float:
    """The log-odds of the mean chance of some others, below those of the list whatever they are."""
    below = float(np.nextafter(listed.min(), -np.inf)) if len(listed) else 0.0
    if not len(others):
        return below
    mean = float(np.clip(chance(others).mean(), 1e-12, 1 - 1e-12))
    return min(below, float(np.log(mean / (1 - mean))))
