"""A calendar for people: as lines of a terminal, and as a drawing.

Each row is one fitting: the folds that settings and candidates are tried on, then the run itself. Time goes
to the right; a block of dates is what was asked about, the pale bar after its last date is the time until
its labels are judged, which no later block of the row may reach into.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from xml.etree.ElementTree import Element, SubElement, tostring

from training.calendar import LEAST_TO_FIT, Calendar

WIDE = 60
"""Characters of a row of the terminal's."""
WIDTH, LEFT, RIGHT, ROW, TOP, BOTTOM = 900, 90, 30, 44, 30, 56
"""Pixels of the drawing."""
INK, PALE = "#0b0c0c", "#b1b4b6"
DRAWN = {"fitted": "#1d70b8", "tried": "#4c2c92", "calibrated": "#b58105", "judged": "#00703c"}
"""What is done with a block, in colours that differ in brightness too; each is said in words as well."""


@dataclass(frozen=True)
class Block:
    """Dates of one use, and the day on which their labels are judged."""

    use: str
    days: tuple[date, ...]
    judged_on: date


def rows_of(calendar: Calendar) -> dict[str, list[Block]]:
    """Row → its blocks, in time."""
    rows = {
        f"fold {number}": [
            Block("fitted", fold.fit, fold.fit_judged_on),
            Block("tried", fold.validate, calendar.train_judged_on),
        ]
        for number, fold in enumerate(calendar.folds, start=1)
    }
    rows["the model"] = [
        Block("fitted", calendar.train, calendar.train_judged_on),
        Block("calibrated", calendar.calibrate, calendar.calibrate_judged_on),
        Block("judged", calendar.reported, calendar.test_judged_on),
    ]
    return rows


def calendar_text(calendar: Calendar) -> str:
    """The dates of each row, and the rows as a line of time; a letter is a date, a dot waits for labels."""
    return "\n".join(_lines(calendar))


def calendar_svg(calendar: Calendar) -> str:
    """The calendar as SVG text, without script or font of its own; described in words for who cannot see."""
    rows = rows_of(calendar)
    first, last = _span(rows)
    height = TOP + ROW * len(rows) + BOTTOM
    svg = Element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg",
            "viewBox": f"0 0 {WIDTH} {height}",
            "role": "img",
            "aria-labelledby": "calendar-title calendar-said",
            "font-family": "sans-serif",
            "font-size": "13",
        },
    )
    SubElement(svg, "title", id="calendar-title").text = "Which dates were fitted, calibrated and judged on"
    SubElement(svg, "desc", id="calendar-said").text = " ".join(calendar_text(calendar).split("\n"))

    def x(day: date) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (day - first).days / max(1, (last - first).days)

    for year in range(first.year + 1, last.year + 1):
        at, under = f"{x(date(year, 1, 1)):.1f}", str(TOP + ROW * len(rows))
        SubElement(svg, "line", x1=at, x2=at, y1=str(TOP - 6), y2=under, stroke=PALE)
        SubElement(svg, "text", {"x": at, "y": str(TOP - 10), "text-anchor": "middle"}).text = str(year)
    for place, (name, blocks) in enumerate(rows.items()):
        y = TOP + ROW * place + ROW // 2
        SubElement(svg, "text", {"x": str(LEFT - 10), "y": str(y + 4), "text-anchor": "end"}).text = name
        for block in blocks:
            waits, until = x(block.days[-1]), x(block.judged_on)
            SubElement(
                svg,
                "rect",
                {
                    "x": f"{waits:.1f}",
                    "y": str(y - 3),
                    "width": f"{until - waits:.1f}",
                    "height": "6",
                    "fill": PALE,
                },
            )
            for day in block.days:
                dot = {"cx": f"{x(day):.1f}", "cy": str(y), "r": "6", "fill": DRAWN[block.use]}
                SubElement(SubElement(svg, "circle", dot), "title").text = f"{block.use} on {day}"
    _key(svg, y=TOP + ROW * len(rows) + 24)
    return tostring(svg, encoding="unicode")


def _key(svg: Element, *, y: int) -> None:
    for place, (use, colour) in enumerate(DRAWN.items()):
        at = LEFT + 120 * place
        SubElement(svg, "circle", cx=str(at), cy=str(y - 4), r="6", fill=colour)
        SubElement(svg, "text", x=str(at + 12), y=str(y)).text = f"{use} on"
    at = LEFT + 120 * len(DRAWN)
    SubElement(svg, "rect", x=str(at), y=str(y - 7), width="24", height="6", fill=PALE)
    SubElement(svg, "text", x=str(at + 32), y=str(y)).text = "until what followed is known"


def _lines(calendar: Calendar) -> Iterator[str]:
    rows = rows_of(calendar)
    wide = max(len(name) for name in rows)
    for name, blocks in rows.items():
        said = "; ".join(f"{block.use} on {_dates(block.days)}" for block in blocks)
        few = len(blocks[0].days) < LEAST_TO_FIT and name.startswith("fold")
        yield f"  {name:<{wide}}  {said}" + ("; fitted on few dates, so that it says little" if few else "")
    if calendar.folds_asked is not None and (possible := len(calendar.folds)) < calendar.folds_asked:
        yield (
            f"  {calendar.folds_asked} folds asked, {possible or 'none'} possible: the history holds no more "
            f"with {LEAST_TO_FIT} dates to fit on that lie {calendar.apart} days before those tried on"
        )
    first, last = _span(rows)
    scale = max(1, (last - first).days)
    yield f"  {'':<{wide}}  {first}{last!s:>{WIDE - 10}}"
    for name, blocks in rows.items():
        line = [" "] * (WIDE + 1)
        for block in blocks:
            start, end = ((day - first).days * WIDE // scale for day in (block.days[-1], block.judged_on))
            line[start : end + 1] = "." * (end + 1 - start)
        for block in blocks:
            for day in block.days:
                line[(day - first).days * WIDE // scale] = block.use[0]
        yield f"  {name:<{wide}}  {''.join(line).rstrip()}"


def _dates(days: Sequence[date]) -> str:
    return f"{days[0]} to {days[-1]}, {len(days)} dates" if len(days) > 1 else f"{days[0]}"


def _span(rows: dict[str, list[Block]]) -> tuple[date, date]:
    blocks = [block for row in rows.values() for block in row]
    return min(block.days[0] for block in blocks), max(block.judged_on for block in blocks)
