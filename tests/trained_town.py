"""A small town to train on: incidents known to the police, and who went missing within thirty days.

Small enough that a whole training run of it takes a moment, and whoever makes one says how many people it
has and after which dates who had the outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests.town import Town

TRAIN = (date(2025, 1, 6), date(2025, 3, 3))
CALIBRATE, TEST = date(2025, 5, 5), date(2025, 7, 7)
DAYS = (*TRAIN, CALIBRATE, TEST)
RECEIVED = date(2025, 10, 1)
WEIGHT = "police.incident.count_365"

Chances = Callable[[date, np.ndarray], np.ndarray]
"""Of a date and the number of incidents of each person around it: the chance of the outcome."""


def mostly_of_many(as_of: date, incidents: np.ndarray) -> np.ndarray:
    """The more incidents, the likelier."""
    return np.clip(0.04 * incidents, 0, 0.9)


def on(*days: date, chances: Chances = mostly_of_many) -> Chances:
    """The outcome follows these dates alone."""
    return lambda as_of, incidents: chances(as_of, incidents) * (as_of in days)


def trained_town(root: Path, *, people: int = 400, chances: Chances = mostly_of_many, seed: int = 1) -> Town:
    """Everybody has incidents around every date, one of them twenty days before it; who has many of them,
    before or after, is likelier to have the outcome, two to nineteen days after. Incidents are told of days
    later."""
    town, random = Town(root), np.random.default_rng(seed)
    town.received_on = RECEIVED
    names = [f"p{i:04}" for i in range(people)]
    town.person(*names)
    often = random.gamma(1.0, 3.0, people)
    for as_of in DAYS:
        incidents = 1 + random.poisson(often)
        for name, number in zip(names, incidents, strict=True):
            before, later = random.integers(-24, 50, number), random.integers(1, 15, number)
            before[0] = 20
            for day, days in zip(before.tolist(), later.tolist(), strict=True):
                happened = as_of - timedelta(days=day)
                town.event(name, "police.incident", happened, known=happened + timedelta(days=days))
        for i in np.flatnonzero(random.random(people) < chances(as_of, incidents)):
            town.event(names[i], "missing.episode", as_of + timedelta(days=int(random.integers(2, 20))))
    specify(town)
    assert town.snapshot.last_delivery == 1
    return town


def specify(town: Town, name: str = "missing", **changes: Mapping[str, Any] | list | int | str) -> None:
    """Write a specification of the town, with some of its keys changed."""
    given = {
        "name": name,
        "title": "Going missing within 30 days",
        "outcome": {
            "horizon_days": 30,
            "parts": [{"name": "episode", "title": "an episode", "signals": ["missing.episode"]}],
        },
        "eligible": {"held": False, "seen_within_days": 365},
        "capacity": 20,
        "features": {"windows": [30, 365], "include": ["police.*"]},
        "baselines": [{"name": "incidents", "title": "incidents", "features": ["police.incident.count_30"]}],
        "logistic": [WEIGHT, "police.incident.days_since"],
        "calendar": {"train": [*TRAIN], "calibrate": [CALIBRATE], "test": [TEST]},
        "lightgbm": {
            "parameters": {"learning_rate": 0.2, "num_leaves": 3, "min_data_in_leaf": 20},
            "settings": [{"lambda_l2": 1}],
            "rounds": [5],
        },
    }
    town.workspace.specs_folder.mkdir(exist_ok=True)
    (town.workspace.specs_folder / f"{name}.yaml").write_text(yaml.safe_dump({**given, **changes}))
