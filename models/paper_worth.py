"""What each source is worth, as papers and a terminal say it: what is lost without it, and by whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from models.fairness import NOT_ESTIMABLE, TOO_FEW
from models.paper import NOT_MEASURED, Field, Table
from models.paper_figures import few, few_with_outcome, number, optional, points, share
from models.paper_groups import plain
from models.told import Told

Lost = Mapping[str, Any]
"""A group's recall with all and without something, as `training.recall_lost` has it."""


def worth(told: Told) -> Field:
    """What each source is worth, where it was tried."""
    label, found = "What each source is worth", optional(told, "worth")
    if not found:
        return Field(label, (NOT_MEASURED,))
    rows = tuple(
        (
            str(part["title"]),
            TOO_FEW if _few_listed(told, part["precision"]) else points(part["precision"], "lost"),
            TOO_FEW if few_with_outcome(told.test) else points(part["average_precision"], "lost"),
            who_loses(part.get("recall") or ()),
        )
        for part in found["parts"]
    )
    about = (
        "The trees were fitted again without each, on a sample of the same rows. Above nought the list is "
        "worse without it; a range that holds nought shows nothing, and a source may be worth little "
        "beside others that say the same. Ranges are 95% intervals by person."
    )
    heads = (
        "Without",
        "Precision lost, points",
        "Average precision lost, points",
        "Who would be found less, points",
    )
    few = not_judged([part.get("recall") or () for part in found["parts"]])
    said = about, _nothing_left_out(told, found), _by_chance(rows), few
    return Field(label, tuple(filter(None, said)), Table(heads, rows))


def _nothing_left_out(told: Told, found: Mapping[str, Any]) -> str:
    """The figures of the trees that all others are held against; empty where a card does not have them."""
    if found.get("precision") is None or found.get("average_precision") is None:
        return ""
    precision = TOO_FEW if _few_found(told, found["precision"]) else share(found["precision"])
    average = TOO_FEW if few_with_outcome(told.test) else number(found["average_precision"], 3)
    return (
        f"With nothing left out these trees have a precision at {told.capacity} of {precision} and an "
        f"average precision of {average}; they are fitted on the sample, and are not the model of this paper."
    )


def _by_chance(rows: Sequence[tuple[str, ...]]) -> str:
    """How many of the intervals shown would leave out nought by chance alone."""
    ranges = sum(" to " in cell for row in rows for cell in row[1:3])
    if ranges < 2:
        return ""
    return (
        f"Of {ranges} intervals of 95% about {max(1, round(0.05 * ranges))} leave out nought by chance "
        "alone, and so do some of the groups’."
    )


def _few_listed(told: Told, lost: Lost) -> bool:
    """Whether a list with a part or without it found so few that a difference of the two is not told."""
    without = lost.get("without") or 0.0
    return _few_found(told, without) or _few_found(told, without + (lost["lost"] or 0.0))


def _few_found(told: Told, precision: float) -> bool:
    return few([round((told.test.get("flagged") or 0) * precision)]) or few_with_outcome(told.test)


def who_loses(recall: Sequence[Lost]) -> str:
    """The groups whose recall would fall, by more than chance may do, the worst first; where there is none,
    the one that would lose most."""
    known = sorted((each for each in recall if each["lost"] is not None), key=lambda each: -each["lost"])
    clear = [each for each in known if (each.get("low") or 0) > 0]
    if clear:
        return "; ".join(map(_said, clear))
    if known and known[0]["lost"] > 0:
        return f"no group for certain; most of all {_said(known[0])}"
    return "no group" if known else "no group that can be judged"


def not_judged(recall: Sequence[Sequence[Lost]]) -> str:
    """Which groups have too few people with the outcome to say whether they would be found less; a sentence,
    empty where all have enough. recall: of every part."""
    names = dict.fromkeys(
        f"{plain(each['characteristic'])}: {each['group']}"
        for of_part in recall
        for each in of_part
        if each.get("verdict") == NOT_ESTIMABLE
    )
    return f"Of these groups what they would lose is {NOT_ESTIMABLE}: {', '.join(names)}." if names else ""


def _said(lost: Lost) -> str:
    return f"{plain(lost['characteristic'])}: {lost['group']}, {points(lost, 'lost')}"
