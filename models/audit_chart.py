"""Fairness against precision, candidate by candidate: what would be paid for a list that misses alike?

Up is a list that is right more often, left one that misses the groups more alike. A candidate for which
another lies further up and further left has nothing to be said for it; the others are a choice, and not
one that a figure can make. Drawn with no script and no font of its own, and every point is told in words.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from xml.etree.ElementTree import Element, SubElement, tostring

WIDTH, HEIGHT = 720, 420
LEFT, RIGHT, TOP, BOTTOM = 70, 230, 40, 60
"""Room around the chart, in pixels; the names of the points stand on the right."""
TICKS = 5
INK, PALE = "#0b0c0c", "#b1b4b6"
FITTED, SIMPLE = "#1d70b8", "#505a5f"


@dataclass(frozen=True)
class Point:
    """A candidate: precision at capacity with its interval, and the greatest recall gap of any group, which
    has none. simple: a baseline. A candidate without either figure is named below the chart."""

    title: str
    precision: float | None
    interval: tuple[float, float] | None
    gap: float | None
    whose: str = ""
    simple: bool = False


def scatter(points: Sequence[Point]) -> str:
    """The chart as SVG text. Values are shares from 0 to 1."""
    drawn = [p for p in points if p.precision is not None and p.gap is not None]
    left_out = [p.title for p in points if p not in drawn]
    top = _round_up(max((max(p.precision or 0, *(p.interval or (0, 0))) for p in drawn), default=0.1))
    far = _round_up(max((p.gap or 0 for p in drawn), default=0.1))
    said = "; ".join(_words(p) for p in drawn) or "Nothing can be estimated"
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {HEIGHT}",
            "role": "img",
            "aria-labelledby": "fairness-title fairness-said",
            "font-family": "sans-serif",
            "font-size": "13",
        },
    )
    SubElement(svg, "title", id="fairness-title").text = "Precision, and the group that is missed most"
    SubElement(svg, "desc", id="fairness-said").text = f"{said}."
    _axes(svg, far, top)
    labels = sorted(drawn, key=lambda p: -(p.precision or 0))
    for row, point in enumerate(labels):
        _draw(svg, point, _x(point.gap or 0, far), point.precision or 0, top, row)
    if left_out:
        _text(svg, LEFT, HEIGHT - 6, f"Not estimable: {', '.join(left_out)}", colour=SIMPLE)
    return tostring(svg, encoding="unicode")


def _axes(svg: Element, far: float, top: float) -> None:
    for step in range(TICKS + 1):
        share = step / TICKS
        x, y = _x(far * share, far), _y(top * share, top)
        _line(svg, (LEFT, y), (WIDTH - RIGHT, y), PALE)
        _text(svg, LEFT - 8, y + 4, f"{top * share:.0%}", anchor="end")
        _text(svg, x, HEIGHT - BOTTOM + 18, f"{100 * far * share:.0f}", anchor="middle")
    _line(svg, (LEFT, _y(0, top)), (WIDTH - RIGHT, _y(0, top)), INK)
    _text(svg, LEFT, TOP - 16, "Precision at capacity, with its 95% interval")
    under = "Everybody's recall less that of the group missed most, points"
    _text(svg, LEFT, HEIGHT - BOTTOM + 36, under)


def _draw(svg: Element, point: Point, x: float, precision: float, top: float, row: int) -> None:
    colour, y = (SIMPLE if point.simple else FITTED), _y(precision, top)
    if point.interval:
        _line(svg, (x, _y(point.interval[0], top)), (x, _y(point.interval[1], top)), colour, width="2")
    if point.simple:
        SubElement(svg, "rect", x=f"{x - 5:.1f}", y=f"{y - 5:.1f}", width="10", height="10", fill=colour)
    else:
        SubElement(svg, "circle", cx=f"{x:.1f}", cy=f"{y:.1f}", r="6", fill=colour)
    label_y = TOP + 10 + 20 * row
    _line(svg, (x, y), (WIDTH - RIGHT + 12, label_y - 4), PALE, width="0.5")
    _text(svg, WIDTH - RIGHT + 16, label_y, point.title, colour=colour)


def _words(point: Point) -> str:
    assert point.precision is not None and point.gap is not None
    between = f" ({point.interval[0]:.0%} to {point.interval[1]:.0%})" if point.interval else ""
    whose = f", {point.whose}" if point.whose else ""
    gap = f"greatest gap {100 * point.gap:.0f} points{whose}"
    return f"{point.title}: precision {point.precision:.0%}{between}, {gap}"


def _round_up(value: float) -> float:
    """The end of an axis: the next multiple of 5 %, at least 5 %."""
    return max(ceil(round(value * 20, 9)), 1) / 20


def _x(value: float, far: float) -> float:
    """A gap below 0, where no group stands behind everybody, is drawn at 0."""
    return round(LEFT + (WIDTH - LEFT - RIGHT) * max(value, 0.0) / far, 1)


def _y(value: float, top: float) -> float:
    return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * value / top, 1)


def _line(
    svg: Element, start: tuple[float, float], end: tuple[float, float], colour: str, *, width: str = "1"
) -> None:
    (x1, y1), (x2, y2) = start, end
    at = {"x1": x1, "y1": y1, "x2": x2, "y2": y2}
    SubElement(svg, "line", {k: str(v) for k, v in at.items()} | {"stroke": colour, "stroke-width": width})


def _text(svg: Element, x: float, y: float, said: str, *, anchor: str = "start", colour: str = INK) -> None:
    SubElement(svg, "text", {"x": str(x), "y": str(y), "text-anchor": anchor, "fill": colour}).text = said
