"""Whether a run had enough people with the outcome to say anything at all.

With few of them a figure is luck, whatever interval stands beside it: what a run of a small town or of a rare
outcome comes to is *not estimable*, and nobody can approve a model by it. Training does not fail for it.

The sentence stands on every output of a run, papers for the public among them: how few they are it tells as
`models.disclosure` lets it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from models.disclosure import STAR, show
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
        least = (rows, "rows") if rows < NEEDED_TO_FIT else (learned, "people")
        few.append(f"{_so_few(*least, of=NEEDED_TO_FIT)} with the outcome that fitting takes")
    if not judged["estimable"]:
        people = _so_few(judged["positive_people"], "people", of=TEST_POSITIVES)
        few.append(f"{people} with the outcome that judging takes")
    return f"not estimable: {' and '.join(few)}" if few else ""


def _so_few(count: int, what: str, *, of: int) -> str:
    """A count below what it takes, as it may leave the team.

    >>> _so_few(3, "rows", of=50), _so_few(23, "rows", of=50), _so_few(49, "rows", of=50)
    ('fewer than 10 of the 50 rows', 'about 25 of the 50 rows', 'not quite the 50 rows')
    """
    shown = show(count)
    if shown == STAR:
        return f"fewer than 10 of the {of} {what}"
    if not shown:
        return f"none of the {of} {what}"
    return f"not quite the {of} {what}" if int(shown) >= of else f"about {shown} of the {of} {what}"
