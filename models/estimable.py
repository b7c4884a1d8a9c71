"""Whether a run had enough people with the outcome to say anything at all.

With few of them a figure is luck, whatever interval stands beside it: what a run of a small town or of a rare
outcome comes to is *not estimable*, and nobody can approve a model by it. Training does not fail for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.judge import TEST_POSITIVES
from models.spec import NEEDED_TO_FIT


def not_estimable(card: Mapping[str, Any]) -> str:
    """Why a run's figures say nothing, as a sentence that begins with "not estimable"; empty where they do.

    card: a candidate's; what it does not tell is not held against it here.
    """
    few = []
    fitted, judged = card.get("fitted_on") or {}, card.get("test") or {}
    if fitted.get("positives", NEEDED_TO_FIT) < NEEDED_TO_FIT:
        few.append(f"{fitted['positives']} rows with the outcome on the training dates, of {NEEDED_TO_FIT}")
    if not judged.get("estimable", True):
        few.append(f"{judged['positive_people']} people with the outcome to judge by, of {TEST_POSITIVES}")
    return f"not estimable: {' and '.join(few)} that it takes" if few else ""
