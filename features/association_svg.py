"""A map of associations as a drawing: the person in the middle, everybody else on rings by their steps.

People are ids here, as everywhere outside the pages; a line says how two are tied, and since when.
It bends where it would run through the person in the middle, under the lines that end there.
"""

from __future__ import annotations

from collections import defaultdict
from html import escape
from math import cos, hypot, pi, sin

from features.households import LIVES_WITH, AssociationMap, Tie
from features.wording import counted, day_words

RING, EDGE, DOT, CLEAR = 190, 110, 26, 64
"""Pixels between rings, around the outermost, of a person's radius, and that others' lines keep from the
middle."""

LIKE = {
    LIVES_WITH: "#505a5f",
    "partner": "#4c2c92",
    "parent": "#00703c",
    "sibling": "#1d70b8",
    "family": "#594d00",
}
"""The colours of ties; each is said in words too."""


def svg(drawn: AssociationMap) -> str:
    """The map as an SVG document. What has ended is drawn broken; a line for each relation of two people."""
    steps = max(drawn.people.values())
    half = RING * steps + EDGE
    where = _places(drawn, half)
    lines = [line for pair in _by_two(drawn.ties).values() for line in _line(pair, where, half)]
    dots = [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="{DOT}" fill="{"#ffdd00" if step == 0 else "#f3f2f1"}" '
        f'stroke="#0b0c0c"/>\n<text x="{x:.0f}" y="{y + DOT + 14:.0f}">{escape(person)}</text>'
        for (person, step), (x, y) in zip(drawn.people.items(), where.values(), strict=True)
    ]
    said = f"Who is tied to {drawn.person_id} on the morning of {day_words(drawn.as_of)}: {_others(drawn)}"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {2 * half} {2 * half}" role="img" '
            f'width="{2 * half}" height="{2 * half}" font-family="sans-serif" font-size="12" '
            f'text-anchor="middle">',
            f"<title>{escape(said)}</title>",
            *lines,
            *dots,
            f'<text x="{half}" y="{2 * half - 12}">Grey: live together. Broken: no longer so.</text>',
            "</svg>\n",
        ]
    )


def _places(drawn: AssociationMap, half: int) -> dict[str, tuple[float, float]]:
    """Each person's middle; those of a ring stand at equal distances, in the order of the map."""
    rings: dict[int, list[str]] = defaultdict(list)
    for person, step in drawn.people.items():
        rings[step].append(person)
    return {
        person: (
            half + RING * step * sin(2 * pi * rings[step].index(person) / len(rings[step])),
            half - RING * step * cos(2 * pi * rings[step].index(person) / len(rings[step])),
        )
        for person, step in drawn.people.items()
    }


def _by_two(ties: tuple[Tie, ...]) -> dict[frozenset[str], list[Tie]]:
    """The ties of each two people, one of each relation: that which holds, or the last to begin."""
    found: dict[frozenset[str], dict[str, Tie]] = defaultdict(dict)
    for tie in ties:
        before = found[frozenset((tie.one, tie.other))].get(tie.relation)
        if before is None or _fresh(tie) > _fresh(before):
            found[frozenset((tie.one, tie.other))][tie.relation] = tie
    return {two: list(by_relation.values()) for two, by_relation in found.items()}


def _fresh(tie: Tie) -> tuple[bool, str]:
    return tie.end is None, str(tie.start or "")


def _line(pair: list[Tie], where: dict[str, tuple[float, float]], half: int) -> list[str]:
    """The lines of two people side by side, with their words in the middle."""
    drawn = []
    for n, tie in enumerate(pair):
        (x, y), (u, v) = where[tie.one], where[tie.other]
        length = hypot(u - x, v - y)
        aside = 7 * (n - (len(pair) - 1) / 2)
        dx, dy = -(v - y) / length * aside, (u - x) / length * aside
        a, b = _bend((x, y), (u, v), half)
        gone = ' stroke-dasharray="5 4"' if tie.end else ""
        drawn.append(
            f'<path d="M {x + dx:.0f} {y + dy:.0f} Q {a + dx:.0f} {b + dy:.0f} {u + dx:.0f} {v + dy:.0f}" '
            f'fill="none" stroke="{LIKE[tie.relation]}" stroke-width="2"{gone}>'
            f"<title>{escape(said(tie))}</title></path>"
        )
        if tie.relation != LIVES_WITH:
            at = 0.7 if tie.relation == "parent" else 0.5  # the word stands beside the parent
            start, mid, end = (1 - at) ** 2, 2 * at * (1 - at), at**2
            along = start * x + mid * a + end * u, start * y + mid * b + end * v
            drawn.append(_word(tie, along[0] + 3 * dx, along[1] + 3 * dy))
    return drawn


def _bend(one: tuple[float, float], other: tuple[float, float], half: int) -> tuple[float, float]:
    """The point that a line bends towards; half-way where it keeps clear of the middle, or ends there."""
    (x, y), (u, v) = one, other
    a, b, length = (x + u) / 2, (y + v) / 2, hypot(u - x, v - y)
    to_the_left = ((y - half) * (u - x) - (x - half) * (v - y)) / length  # of the middle, seen along the line
    before = (half - x) * (u - x) + (half - y) * (v - y)
    lack = CLEAR - abs(to_the_left)
    if lack <= 0 or not 0.5 < before < length**2 - 0.5:
        return a, b
    out = 2.5 * lack * (1 if to_the_left >= 0 else -1)
    return a - (v - y) / length * out, b + (u - x) / length * out


def said(tie: Tie) -> str:
    """A tie in words: 'P1 lives with P2 since 2024-03-01 (addresses)', 'P2 is parent of P1 (social_care)'."""
    when = f" since {tie.start}" if tie.start and not tie.end else ""
    when = f" from {tie.start or 'before'} to {tie.end}" if tie.end else when
    if tie.relation == LIVES_WITH:
        what = f"{tie.one} {'lived' if tie.end else 'lives'} with {tie.other}"
    else:
        what = f"{tie.other} {'was' if tie.end else 'is'} {_WORDS[tie.relation]} {tie.one}"
    return f"{what}{when} ({tie.source}, known on {tie.known_on})"


def _word(tie: Tie, x: float, y: float) -> str:
    return (
        f'<text x="{x:.0f}" y="{y:.0f}" fill="{LIKE[tie.relation]}" stroke="white" stroke-width="3" '
        f'paint-order="stroke">{escape(tie.relation)}</text>'
    )


_WORDS = {
    "parent": "parent of",
    "sibling": "sibling of",
    "partner": "partner of",
    "family": "of one family with",
}


def map_text(drawn: AssociationMap) -> str:
    """The map in words, a line a tie."""
    morning = day_words(drawn.as_of)
    became = [drawn.became] if drawn.became else []
    if not drawn.ties:
        nothing = f"Nothing that may be shown ties {drawn.person_id} to anybody on the morning of {morning}."
        return "\n".join([*became, nothing])
    lines = [f"{drawn.person_id} on the morning of {morning} is tied to {_others(drawn)}."]
    return "\n".join([*became, *lines, *(f"  {said(tie)}" for tie in drawn.ties)])


def _others(drawn: AssociationMap) -> str:
    far = " directly or through others" if max(drawn.people.values()) > 1 else ""
    return counted(len(drawn.people) - 1, "other person", "other people") + far
