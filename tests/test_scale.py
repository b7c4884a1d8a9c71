"""The cost model says what was put into it, and the page shows what the model says."""

import json
from pathlib import Path

import pytest

from benchmarks.scale import MEASURED, ONCE, Cost, model, slopes

PAGE = Path(__file__).parent.parent / "docs" / "scale.md"


def county(people: int, power: float) -> Cost:
    """A stage that takes 3 s and 200 s for a million people, or as much more as the power says."""
    return Cost(ONCE[0], people, 0, 3 + 200 * (people / 1e6) ** power, 100 + people / 1e3, people / 1e5)


def test_a_straight_line_is_found_again() -> None:
    (slope,) = slopes([county(people, 1) for people in (5_000, 80_000, 20_000)])
    assert (slope.fixed, slope.per_million, slope.growth) == pytest.approx((3, 200, 1))
    assert (slope.peak, slope.disk) == pytest.approx((1_000, 10))
    assert slope.cpu(56) == pytest.approx(3 + 56 * 200)


def test_what_grows_faster_than_the_county_shows() -> None:
    (slope,) = slopes([county(people, 2) for people in (50_000, 200_000, 800_000)])
    assert slope.growth > 1.5


def test_the_page_shows_what_was_measured() -> None:
    measured = [Cost(**cost) for cost in json.loads(MEASURED.read_text(encoding="utf-8"))]
    assert model(measured) in PAGE.read_text(encoding="utf-8")
