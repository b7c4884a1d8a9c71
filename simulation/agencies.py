"""Every other agency that the families are known to, each in a module of its own.

Each draws from a stream of random numbers that is named after it: an agency added, or changed, leaves
the people and what all the others hold just as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from simulation.adult_care import adult_care
from simulation.ambulance import ambulance
from simulation.antisocial_behaviour import antisocial_behaviour
from simulation.arrears import council_tax_arrears, rent_arrears
from simulation.benefits import benefits
from simulation.domestic_abuse import domestic_abuse
from simulation.draw import Random, own_stream
from simulation.drug_alcohol import drug_alcohol
from simulation.ecins import ecins
from simulation.emergency_department import emergency_department
from simulation.extracts import Draft
from simulation.fire import fire
from simulation.food_bank import food_bank
from simulation.homelessness import homelessness
from simulation.inclusion import exclusions
from simulation.life import Life
from simulation.mental_health import mental_health
from simulation.objections import objections
from simulation.police_records import police_records
from simulation.send import send
from simulation.ssd_family import ssd_family
from simulation.ssd_missing import ssd_missing
from simulation.youth_justice import youth_justice

Agency = Callable[[Random, Life], list[Draft]]

AGENCIES: dict[str, Agency] = {
    "youth_justice": youth_justice,
    "antisocial_behaviour": antisocial_behaviour,
    "domestic_abuse": domestic_abuse,
    "adult_care": adult_care,
    "benefits": benefits,
    "food_bank": food_bank,
    "homelessness": homelessness,
    "police_records": police_records,
    "ssd_missing": ssd_missing,
    "ecins": ecins,
    "exclusions": exclusions,
    "fire": fire,
    "objections": objections,
    "send": send,
    "ambulance": ambulance,
    "emergency_department": emergency_department,
    "mental_health": mental_health,
    "drug_alcohol": drug_alcohol,
}
"""Source → what it holds of a block."""

LATER: dict[str, Agency] = {
    "council_tax.arrears": council_tax_arrears,
    "rents.arrears": rent_arrears,
    "social_care.family": ssd_family,
    "missing.drawn_in": lambda random, life: [life.missing_drawn_in],
}
"""Extracts, or records, that a source gained afterwards, likewise from streams of their own."""


def others(stream: np.random.SeedSequence, life: Life) -> Iterator[tuple[Random, Draft]]:
    """The drafts of all these agencies, each with the random numbers that it is to be sent with."""
    for name, agency in (AGENCIES | LATER).items():
        random = own_stream(stream, name)
        for draft in agency(random, life):
            yield random, draft
