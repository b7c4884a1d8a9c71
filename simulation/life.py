"""What the modules of other agencies are given of a block."""

from __future__ import annotations

from dataclasses import dataclass

from simulation.block import Block
from simulation.care import Care
from simulation.crisis import Episodes, Logs
from simulation.extracts import Draft
from simulation.rents import ArrearsCases


@dataclass(frozen=True)
class Life:
    """What has happened in a block by the time that other agencies hear of it."""

    block: Block
    logs: Logs
    care: Care
    arrears: ArrearsCases
    missing: Episodes
    missing_drawn_in: Draft  # those of `simulation.drawn_in`
    recovery: Draft  # of council tax
    rent_actions: Draft
