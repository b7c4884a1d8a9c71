"""Which family lives in which dwelling, from when to when: moves, evictions, hostels.

Moves are the one thing that happens in order, since a dwelling must be empty before the next family
moves in: a loop over the block's moves, oldest first.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np

from simulation import world
from simulation.areas import Areas
from simulation.calendar import OPEN, Calendar, Days, Index
from simulation.draw import Random, Spells, between
from simulation.people import People

HOSTEL = len(world.TENURES)
"""The tenure code of temporary accommodation."""


@dataclass(frozen=True)
class Homes:
    """Spells unit → dwelling with `dwelling` and `tenure`, and each dwelling's area (in the block)."""

    spells: Spells
    area: Index

    def dwelling_at(self, unit: Index, day: Days) -> Index:
        """Where each unit lives on each day; -1 = nowhere in the county."""
        row = self.spells.at(unit, day)
        return np.where(row >= 0, self.spells.more["dwelling"][row], -1)


def settle(
    random: Random, people: People, evictions: tuple[Index, Days], areas: Areas, calendar: Calendar
) -> Homes:
    """Move everybody about. evictions: units and the day of each; the family leaves the day after."""
    moves = _moves(random, people, evictions, calendar)
    area = areas.first_area.tolist()
    vacant: list[deque[tuple[int, int]]] = [deque() for _ in world.TENURES]
    new_areas = random.integers(0, len(areas.score), len(moves) + 1)
    hostels: dict[int, int] = {}
    guests = 0
    housed: dict[int, tuple[int, int, int]] = {}  # unit → (dwelling, tenure, since)
    rows: list[tuple[int, int, int, int, int]] = []

    def leave(unit: int, day: int) -> None:
        nonlocal guests
        dwelling, tenure, since = housed.pop(unit)
        guests -= tenure == HOSTEL
        if day > since:
            rows.append((unit, since, day, dwelling, tenure))
        if tenure != HOSTEL:
            vacant[tenure].append((day, dwelling))

    def enter(unit: int, day: int, tenure: int, fresh_area: int, dwelling: int = -1) -> None:
        nonlocal guests
        if dwelling < 0 and tenure == HOSTEL:
            number = guests // world.HOSTEL_PLACES
            if number not in hostels:
                hostels[number] = len(area)
                area.append(fresh_area)
            dwelling = hostels[number]
        elif dwelling < 0 and vacant[tenure] and vacant[tenure][0][0] + 14 <= day:
            dwelling = vacant[tenure].popleft()[1]
        elif dwelling < 0:
            dwelling = len(area)
            area.append(fresh_area)
        guests += tenure == HOSTEL
        housed[unit] = (dwelling, tenure, day)

    for i, (day, unit, what, _) in enumerate(moves):
        if what == "enter":
            enter(
                unit, day, int(people.unit_tenure[unit]), int(new_areas[i]), int(people.unit_dwelling[unit])
            )
        elif unit not in housed:
            continue
        elif what == "leave":
            leave(unit, day)
        elif what == "evicted":
            leave(unit, day)
            enter(unit, day, HOSTEL, int(new_areas[i]))
        elif what == "rehoused" or housed[unit][1] != HOSTEL:
            leave(unit, day)
            enter(unit, day, int(people.unit_tenure[unit]), int(new_areas[i]))
    for unit, (dwelling, tenure, since) in housed.items():
        rows.append((unit, since, OPEN, dwelling, tenure))
    table = np.array(rows, dtype=np.int64).reshape(-1, 5)
    spells = Spells(
        table[:, 0],
        table[:, 1].astype(np.int32),
        table[:, 2].astype(np.int32),
        dwelling=table[:, 3],
        tenure=table[:, 4],
    )
    return Homes(spells, np.array(area, dtype=np.int64))


def _moves(
    random: Random, people: People, evictions: tuple[Index, Days], calendar: Calendar
) -> list[tuple[int, int, str, int]]:
    """Every move of the block in order: (day, unit, what, order among those of one day)."""
    units = np.arange(people.units)
    until = np.minimum(people.unit_leave, calendar.last)
    stay = np.maximum(until - people.unit_enter, 0) / 365.25
    counts = random.poisson(stay * np.array(world.MOVES)[people.unit_tenure])
    mover = np.repeat(units, counts)
    wanted = people.unit_enter[mover] + (random.random(len(mover)) * stay[mover] * 365.25).astype(np.int32)
    unit, day = evictions
    back = day + 1 + between(random, 50, 230, len(day))
    leaves = np.flatnonzero(people.unit_leave <= calendar.last)
    moves: list[tuple[int, int, str, int]] = []
    for what, order, who, when in (
        ("leave", 0, leaves, people.unit_leave[leaves]),
        ("rehoused", 1, unit, back),
        ("moved", 2, mover, np.maximum(wanted, people.unit_enter[mover] + 60)),
        ("evicted", 3, unit, day + 1),
        ("enter", 4, units, people.unit_enter),
    ):
        moves += [
            (d, u, what, order)
            for d, u in zip(when.tolist(), who.tolist(), strict=True)
            if d <= calendar.last
        ]
    return sorted(moves, key=lambda move: (move[0], move[3], move[1]))
