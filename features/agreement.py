"""Whether we may hold what a source sends: under an agreement that is named and has been reviewed.

Judged on the day on which a delivery reached us: what was taken in while the agreement stood stays, and
nothing more is taken in after it. On the day of the review itself it still stands.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from features.asof import day_number, has_come, in_outcome
from features.declaration import Source
from features.errors import DataRefused
from features.wording import counted

WARNED_BEFORE = 60
"""Days before the review of an agreement from which on it is said that it is coming."""


def refuse_without_agreement(source: Source, file: str, received: date) -> None:
    """Raises DataRefused unless the source's agreement stands on the day its file was received."""
    wrong = _wrong(source, received)
    if wrong:
        raise DataRefused(
            f"{file} is of {source.title}, {wrong}.",
            problems=[
                f"ask {source.owner} for an agreement that stands, and put its reference and review date "
                f"under `agreement` in the declaration {source.source}.yaml"
            ],
        )


def reviews_due(sources: Iterable[Source], as_of: date) -> Iterator[str]:
    """A sentence for each source whose agreement does not stand on a morning, or is to be reviewed within
    60 days of it."""
    for source in sources:
        review, wrong = source.agreement.review_by, _wrong(source, as_of)
        if wrong:
            yield f"{source.title} is a source {wrong}: what it sends is refused. Ask {source.owner}."
        elif review and in_outcome(day_number(review), day_number(as_of), WARNED_BEFORE + 1):
            yield (
                f"The agreement of {source.title} ({source.agreement.reference}) is to be reviewed by "
                f"{review} ({counted((review - as_of).days, 'day', 'days')} from now); what it sends after "
                f"that is refused. Ask {source.owner}."
            )


def _wrong(source: Source, day: date) -> str:
    """What is wrong with a source's agreement on a day, or ""."""
    agreement, review = source.agreement, source.agreement.review_by
    if not agreement.reference.strip():
        return "held under no agreement"
    if review is None:
        return f"whose agreement {agreement.reference} has no date by which to review it"
    if has_come(review, day):
        return f"whose agreement {agreement.reference} was to be reviewed by {review}"
    return ""
