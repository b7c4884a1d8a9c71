"""Where a weight comes from, as a waterfall: what each comparison adds or takes, from one bar to the next.

Only arithmetic is here; `templates/link_review.html` draws it, and says it in words to who cannot see it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

WIDTH, LABELS, VALUES, ROW = 760, 330, 60, 26
"""Of the chart, its labels on the left, its figures on the right and one bar, in pixels."""

TOUCHES = 1.5
"""A bar so narrow can still be seen."""


@dataclass(frozen=True)
class Step:
    """What one comparison brings to a weight, in bits; said: the grade of likeness."""

    title: str
    said: str
    weight: float


@dataclass(frozen=True)
class Bar:
    """A step as it is drawn: x, y and width in pixels; kind: 'whole' (begin, end), 'for' or 'against'."""

    title: str
    said: str
    weight: float
    kind: str
    x: float
    y: int
    width: float
    reaches: float
    """Where on the x axis the bar ends, from which the next begins."""


@dataclass(frozen=True)
class Waterfall:
    """bars: the beginning, each step, the end. even: x of weight 0, as likely as not."""

    bars: tuple[Bar, ...]
    even: float
    height: int
    width: int = WIDTH
    labels: int = LABELS
    row: int = ROW


def waterfall(begins: float, steps: Sequence[Step], *, begin_said: str, end_said: str) -> Waterfall:
    """The chart of a weight that begins at `begins` bits and ends at the sum of that and all steps."""
    reached = list(accumulate((step.weight for step in steps), initial=begins))
    low, high = min(0.0, *reached), max(0.0, *reached)
    scale = (WIDTH - LABELS - VALUES) / ((high - low) or 1.0)

    def x(bits: float) -> float:
        return round(LABELS + (bits - low) * scale, 1)

    def bar(row: int, step: Step, kind: str, start: float, end: float) -> Bar:
        wide = max(TOUCHES, x(max(start, end)) - x(min(start, end)))
        at = x(min(start, end))
        return Bar(step.title, step.said, step.weight, kind, at, row * ROW, round(wide, 1), x(end))

    first = bar(0, Step("Begins", begin_said, begins), "whole", 0.0, begins)
    middle = (
        bar(row, step, "for" if step.weight > 0 else "against", start, end)
        for row, (step, (start, end)) in enumerate(zip(steps, pairwise(reached), strict=True), start=1)
    )
    last = bar(len(steps) + 1, Step("Ends", end_said, reached[-1]), "whole", 0.0, reached[-1])
    return Waterfall((first, *middle, last), x(0.0), (len(steps) + 2) * ROW)
