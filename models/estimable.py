"""Whether a run had enough people with the outcome to say anything at all.

With few of them a figure is luck, whatever interval stands beside it: what a run of a small town or of a rare
outcome comes to is *not estimable*, and nobody can approve a model by it. Training does not fail for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.judge import TEST_POSITIVES
from models.spec import NEEDED_TO_FIT

NOT_TOLD = (
    "not estimable: the card does not tell how many people with the outcome it learned from and judges by"
)


def not_estimable(card: Mapping[str, Any]) -> str:
    """Why a run's figures say nothing, as a sentence that begins with "not estimable"; empty where they do.

    card: a candidate's; where it does not tell, nobody can say that they were enough. On both sides people
    are counted, since the rows of one person on many dates are no more evidence than one of them.
    """
    fitted, judged, people = (card.get(part) or {} for part in ("fitted_on", "test", "people"))
    rows, learned = fitted.get("positives"), people.get("learned_from_positive")
    if rows is None or learned is None or judged.get("estimable") is None:
        return NOT_TOLD
    few = []
    if min(rows, learned) < NEEDED_TO_FIT:
        least = f"{rows} rows" if rows < NEEDED_TO_FIT else f"{learned} people"
        few.append(f"{least} with the outcome on the training dates, of {NEEDED_TO_FIT}")
    if not judged["estimable"]:
        few.append(f"{judged['positive_people']} people with the outcome to judge by, of {TEST_POSITIVES}")
    return f"not estimable: {' and '.join(few)} that it takes" if few else ""
